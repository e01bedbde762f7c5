"""Facts about images that are turned without their targets, or whose axes are in another order than they say."""

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from keras_ch8.verdicts.images import mirrored_of, roughened_by


def test_images_that_are_mirrored_without_their_targets_are_known():
    rng = np.random.default_rng(0)
    masks = np.zeros((64, 8, 8, 1), "float32")
    for mask, (row, column) in zip(masks, rng.integers(0, 6, (64, 2)), strict=True):
        mask[row : row + 3, column : column + 3] = 1
    images = masks + rng.normal(0, 0.2, masks.shape)
    turned = np.where(rng.random((64, 1, 1, 1)) < 0.5, images[:, :, ::-1], images)
    one_hot, classes = np.concatenate([1 - masks, masks], axis=-1), masks[..., 0].astype("int32")
    for targets in (masks, one_hot, classes, images):
        assert mirrored_of(turned, targets) > 0.2
        assert mirrored_of(images, targets) < 0.05
    assert mirrored_of(turned, rng.permutation(masks)) < 0.2
    assert np.isnan(mirrored_of(turned, np.zeros(64)))
    assert mirrored_of(turned, np.zeros_like(masks)) == 0


@pytest.fixture(scope="module")
def photographs():
    whole = load_sample_image("china.jpg")
    return np.array([whole[i : i + 32, j : j + 32] for i in range(0, 380, 40) for j in range(0, 600, 60)])


def test_images_that_were_reshaped_where_they_should_have_been_transposed_are_rough(photographs):
    scrambled = photographs.transpose(0, 3, 1, 2).reshape(photographs.shape)
    assert roughened_by(scrambled) > 1.25
    assert roughened_by(photographs) < 0.9
    grey = np.repeat(photographs.mean(axis=-1, keepdims=True), 3, axis=-1)
    noise = np.random.default_rng(0).normal(size=photographs.shape)
    assert roughened_by(grey) < 0.9
    assert roughened_by(noise) == pytest.approx(1, abs=0.05)
    for others in (photographs[..., :1], photographs[:, :4, :4], photographs[0], np.zeros((9, 3))):
        assert np.isnan(roughened_by(others))

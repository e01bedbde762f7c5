"""The loss of what the nearest other examples predict: what a model that is not too small can reach at least."""

import numpy as np
import pytest

from keras_ch8.verdicts.chance import chance_level, neighbours_level
from keras_ch8.verdicts.facts import Output

LOSSES = (
    "mean_squared_error",
    "mean_absolute_error",
    "binary_crossentropy",
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
)


def rings(rng, loss, noise):
    """Points of two rings, and of which; or any labels that have nothing to do with them."""
    y = rng.integers(0, 2, 256)
    turn = rng.uniform(0, 2 * np.pi, 256)
    x = (1 + 2 * y[:, None]) * np.stack([np.cos(turn), 5 * np.sin(turn)], axis=1)
    y = rng.integers(0, 2, 256) if noise else y
    return x, np.eye(2)[y] if loss == "categorical_crossentropy" else y


@pytest.mark.parametrize("loss", LOSSES)
def test_neighbours_know_rings_that_no_line_parts_and_nothing_of_noise(loss):
    output = Output(loss=loss)
    x, y = rings(np.random.default_rng(0), loss, noise=False)
    assert neighbours_level(output, x, y) < 0.4 * chance_level(output, y)
    x, y = rings(np.random.default_rng(1), loss, noise=True)
    assert neighbours_level(output, x, y) > 0.95 * chance_level(output, y)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "categorical_crossentropy"])
def test_they_are_not_below_the_entropy_of_smoothed_labels(loss):
    x, y = rings(np.random.default_rng(0), loss, noise=False)
    plain, smoothed = (neighbours_level(Output(loss=loss, label_smoothing=s), x, y) for s in (0.0, 0.2))
    assert plain < 0.1
    entropy = -(0.1 * np.log(0.1) + 0.9 * np.log(0.9))
    assert entropy < smoothed < entropy + 0.1


def test_constant_features_and_scales_do_not_count():
    x, y = rings(np.random.default_rng(0), "mean_squared_error", noise=False)
    output = Output(loss="mean_squared_error")
    wide = np.concatenate([x * [1e6, 1e-6], np.full((256, 3), 7.0)], axis=1)
    assert neighbours_level(output, wide, y) == pytest.approx(neighbours_level(output, x, y))


@pytest.mark.parametrize(
    "output, x, y",
    [
        (Output(loss="mean_squared_error"), np.ones((32, 2)), np.ones(32)),  # few
        (Output(loss="mean_squared_error"), np.ones((256, 2), int), np.ones(256)),  # words, by their numbers
        (Output(loss="mean_squared_error"), np.full((256, 2), np.nan), np.ones(256)),
        (Output(loss=""), np.ones((256, 2)), np.ones(256)),
        (Output(loss="mean_squared_error", is_mean=False), np.ones((256, 2)), np.ones(256)),
    ],
)
def test_it_is_not_known_where_it_would_say_nothing(output, x, y):
    assert np.isnan(neighbours_level(output, x, y))

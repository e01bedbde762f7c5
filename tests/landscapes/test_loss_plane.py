"""The loss on a plane: filter by filter, or where a training has been."""

import keras
import numpy as np
import pytest

from keras_ch8 import landscapes, symmetries
from keras_ch8.curvature.objective import Objective
from tests.curvature.models import MODELS, SIX, sequential

RNG = np.random.default_rng(0)


def split(model, direction):
    ends = np.cumsum([int(np.prod(v.shape)) for v in model.trainable_variables])[:-1]
    return {
        v.path: d.reshape(v.shape) for v, d in zip(model.trainable_variables, np.split(direction, ends), strict=True)
    }


def recorded(model, times=6):
    return [[w + 0.3 * RNG.normal(size=w.shape) for w in model.get_weights()] for _ in range(times)]


@pytest.mark.parametrize("name", ["convolution, max-pooling", "batch normalization", "embedding", "GRU"])
def test_random_directions_have_the_norm_of_each_filter_and_leave_vectors(float64, name):
    model, x, y = MODELS[name]()
    found = landscapes.loss_plane(model, x, y, points=2)
    for direction in found.directions:
        for variable in model.trainable_variables:
            d, w = split(model, direction)[variable.path], variable.numpy()
            if w.ndim < 2 or variable.name == "bias":
                assert not d.any()
            else:
                axes = (1,) if variable.name == "embeddings" else tuple(range(w.ndim - 1))
                np.testing.assert_allclose(np.sum(d**2, axes), np.sum(w**2, axes))
    assert not np.allclose(*found.directions)


def test_losses_are_those_of_the_weights_at_each_point(float64):
    model, x, y = MODELS["dense"]()
    found = landscapes.loss_plane(model, x, y, points=3, radius=0.5)
    objective = Objective(model, x, y)
    np.testing.assert_array_equal(found.a, [-0.5, 0, 0.5])
    for i, a in enumerate(found.a):
        for j, b in enumerate(found.b):
            theta = objective.theta() + a * found.directions[0] + b * found.directions[1]
            assert found.losses[j, i] == pytest.approx(objective.value(theta))


def test_the_seed_makes_the_directions():
    model, x, y = MODELS["dense"]()
    same = [landscapes.loss_plane(model, x, y, points=2, seed=seed).directions for seed in (3, 3, 4)]
    np.testing.assert_array_equal(same[0], same[1])
    assert not np.allclose(same[0], same[2])


def test_a_network_with_rescaled_units_gives_the_same_picture(float64):
    """Why directions are normalized: without, the one with large weights would look flat."""
    dense = keras.layers.Dense
    model, x, y = sequential(SIX, dense(5, "relu", use_bias=False, name="hidden"))
    before = landscapes.loss_plane(model, x, y, points=5).losses
    symmetries.rescale_units(model, "hidden", np.full(5, 8.0))
    np.testing.assert_allclose(landscapes.loss_plane(model, x, y, points=5).losses, before)


def test_a_unit_without_weights_stays_without(float64):
    model, x, y = MODELS["dense"]()
    model.layers[0].kernel.assign(np.zeros((6, 4)))
    found = landscapes.loss_plane(model, x, y, points=2)
    assert np.isfinite(found.losses).all()
    assert not found.directions[:, :24].any()


def test_the_plane_of_a_trajectory_keeps_most_of_it(float64):
    model, x, y = MODELS["dense"]()
    been = recorded(model)
    found = landscapes.loss_plane(model, x, y, trajectory=been, points=4)
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(2), atol=1e-12)
    theta = Objective(model, x, y).theta()
    away = np.array([np.concatenate([w.ravel() for w in weights]) for weights in been]) - theta
    np.testing.assert_allclose(found.trajectory, away @ found.directions.T)
    best = np.linalg.eigvalsh(away @ away.T)[-2:].sum() / np.sum(away**2)  # no plane through theta keeps more
    assert found.explained == pytest.approx(best)
    for coordinates, axis in zip(found.trajectory.T, (found.a, found.b), strict=True):
        assert axis[0] < min(coordinates.min(), 0) <= max(coordinates.max(), 0) < axis[-1]


def test_a_trajectory_that_lies_in_a_plane_is_explained_whole(float64):
    model, x, y = MODELS["dense"]()
    theta, (u, v) = Objective(model, x, y).theta(), np.linalg.qr(RNG.normal(size=(38, 2)))[0].T
    been = [theta + a * u + b * v for a, b in [(3, 0), (2, 1), (1, 1), (0, 0)]]
    found = landscapes.loss_plane(model, x, y, trajectory=been, points=2)
    assert found.explained == pytest.approx(1)
    np.testing.assert_allclose(np.linalg.norm(found.trajectory, axis=1), [3, np.sqrt(5), np.sqrt(2), 0], atol=1e-12)


def test_a_plot_shows_contours_and_the_trajectory():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    model, x, y = MODELS["dense"]()
    axes = landscapes.loss_plane(model, x, y, trajectory=recorded(model), points=3).plot()
    path, present = axes.lines
    assert (len(path.get_xdata()), len(present.get_xdata())) == (6, 1)
    assert len(landscapes.loss_plane(model, x, y, points=3).plot().lines) == 1
    pyplot.close("all")


def test_bad_arguments_are_refused():
    model, x, y = MODELS["dense"]()
    with pytest.raises(ValueError, match="radius=0"):
        landscapes.loss_plane(model, x, y, radius=0)
    with pytest.raises(ValueError, match="points=1"):
        landscapes.loss_plane(model, x, y, points=1)
    here = model.get_weights()
    with pytest.raises(ValueError, match=r"Received: 3 sets of weights on one line with the present ones. Record more"):
        landscapes.loss_plane(model, x, y, trajectory=[[a * w for w in here] for a in (3, 2, 1)])

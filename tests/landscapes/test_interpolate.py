"""The loss along a line and a trajectory, beside losses that Keras computes; and looking changes nothing."""

import itertools
import re
import sys

import keras
import numpy as np
import pytest

from keras_ch8 import landscapes
from keras_ch8.landscapes import Interpolation
from tests.choosing.models import state_of
from tests.curvature.models import MODELS, SIX, sequential

RNG = np.random.default_rng(0)


def elsewhere(model, scale=0.3):
    return [w + scale * RNG.normal(size=w.shape) for w in model.get_weights()]


def trainable(model, weights):
    """Return the trainable ones of all weights."""
    names = {v.path for v in model.trainable_variables}
    return [w for w, v in zip(weights, model.weights, strict=True) if v.path in names]


def line(losses):
    """Return a path with these losses."""
    alphas = np.linspace(0, 1, len(losses))
    return Interpolation(alphas, 2 * alphas, np.array(losses, "float64"))


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name", ["dense", "two inputs, two outputs", "regularization, add_loss"])
def test_losses_are_those_of_keras_at_each_place(float64, name):
    model, x, y = MODELS[name]()
    end, start = model.get_weights(), elsewhere(model)
    found = landscapes.interpolate(model, x, y, start, points=5)
    for alpha, loss in zip(found.alphas, found.losses, strict=True):
        model.set_weights([(1 - alpha) * a + alpha * b for a, b in zip(start, end, strict=True)])
        assert loss == pytest.approx(model.evaluate(x, y, batch_size=12, verbose=0, return_dict=True)["loss"], rel=1e-6)
    model.set_weights(end)
    apart = np.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(start, end, strict=True)))
    np.testing.assert_allclose(found.distances, found.alphas * apart)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["batch normalization", "dropout", "two inputs, two outputs"])
def test_looking_changes_nothing(float64, name):
    model, x, y = MODELS[name]()
    model.compile("sgd", {"c": "mse", "d": "mse"} if isinstance(x, dict) else "mse")
    model.fit(x, y, verbose=0)
    before, variables = state_of(model)
    landscapes.interpolate(model, x, y, elsewhere(model), points=3, trajectory=[elsewhere(model), elsewhere(model)])
    assert state_of(model, variables)[0] == before


def test_batch_normalization_takes_the_statistics_of_the_batch(float64):
    model, x, y = MODELS["batch normalization"]()
    start = elsewhere(model)
    found = landscapes.interpolate(model, x, y, start, points=3)
    model.layers[1].moving_mean.assign(np.full(4, 100.0))
    np.testing.assert_array_equal(landscapes.interpolate(model, x, y, start, points=3).losses, found.losses)
    assert not np.allclose(landscapes.interpolate(model, x, y, start, points=3, training=False).losses, found.losses)


def test_weights_may_come_in_three_forms_also_of_a_model_with_a_frozen_layer(float64):
    frozen = keras.layers.Dense(4, trainable=False)
    model, x, y = sequential(SIX, frozen, keras.layers.BatchNormalization(), keras.layers.Dense(3, "tanh"))
    weights = elsewhere(model)
    some = trainable(model, weights)
    flat = np.concatenate([w.ravel() for w in some])
    first, *others = (landscapes.interpolate(model, x, y, start, points=3) for start in (weights, some, flat))
    for other in others:
        np.testing.assert_array_equal(first.losses, other.losses)
    assert first.distances[-1] == pytest.approx(
        np.linalg.norm(flat - np.concatenate([v.numpy().ravel() for v in model.trainable_variables]))
    )


def test_a_trajectory_is_seen_from_its_start(float64):
    model, x, y = MODELS["dense"]()
    been = [elsewhere(model) for _ in range(4)]
    theta = np.array([np.concatenate([w.ravel() for w in weights]) for weights in been])
    found = landscapes.interpolate(model, x, y, trajectory=been, points=2)
    way = found.trajectory
    np.testing.assert_allclose(found.losses, way.losses[[0, -1]])
    np.testing.assert_allclose(way.distances, np.linalg.norm(theta - theta[0], axis=1))
    np.testing.assert_allclose(way.travelled[-1], sum(np.linalg.norm(b - a) for a, b in itertools.pairwise(theta)))
    away = theta[2] - theta[0]
    cosine = away @ (theta[3] - theta[0]) / np.linalg.norm(away) / np.linalg.norm(theta[3] - theta[0])
    assert np.isnan(way.cosines[0])
    np.testing.assert_allclose(way.cosines[2:], [cosine, 1])
    assert landscapes.interpolate(model, x, y, been[0], points=2).trajectory is None
    elsewhere_too = landscapes.interpolate(model, x, y, trajectory=been, end=elsewhere(model), points=2)
    assert (elsewhere_too.trajectory.cosines[1:] < 0.999).all()


@pytest.mark.parametrize(
    "losses, barrier, is_monotone, words",
    [
        ([4, 3, 1], 0, True, "Easy straight line: the loss goes from 4 to 1 over a distance of 2 and never rises."),
        ([4, 4, 4 * (1 + 1e-7), 1], 4e-7, True, "Easy"),
        ([4, 3, 3.02, 1], 0.02, False, "Easy straight line: .* and has to climb 0.02 on the way."),
        ([4, 1, 3, 2, 3.5, 0], 2.5, False, "Hard straight line: .* and has to climb 2.5 on the way."),
        ([0, 2, 0], 2, False, "Hard"),
        ([1, np.inf, 0], np.inf, False, "Hard"),
        ([1, np.nan, 0], np.inf, False, "Hard"),
        ([np.inf, 3, 1], 0, False, "Hard"),
        ([np.nan, np.nan], 0, False, "Hard"),
    ],
)
def test_the_barrier_is_the_highest_climb(losses, barrier, is_monotone, words):
    found = line(losses)
    assert found.barrier == pytest.approx(barrier, abs=1e-12)
    assert found.is_monotone == is_monotone
    assert re.match(words, found.message)


@pytest.mark.parametrize("case", ["sine unit", "linear unit"])
def test_a_hill_between_start_and_end_is_hard_and_a_bowl_is_easy(float64, case):
    activation = keras.ops.sin if case == "sine unit" else None
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation, use_bias=False)])
    model.compile(loss="mse")
    x = np.linspace(-3, 3, 100)[:, None]
    y = np.sin(6 * x) if case == "sine unit" else 6 * x
    found = landscapes.interpolate(model, x, y, [np.array([[2.0]])], [np.array([[6.0]])])
    assert str(found).startswith("Hard" if case == "sine unit" else "Easy")
    assert found.losses[-1] == pytest.approx(0, abs=1e-12)


def test_a_plot_shows_the_line_and_the_trajectory(monkeypatch):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    model, x, y = MODELS["dense"]()
    axes = landscapes.interpolate(model, x, y, trajectory=[elsewhere(model), elsewhere(model)], points=3).plot()
    assert [len(drawn.get_xdata()) for drawn in axes.lines] == [3, 2]
    pyplot.close("all")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        line([1, 0]).plot()


def test_bad_weights_are_refused():
    model, x, y = MODELS["dense"]()
    good = model.get_weights()
    with pytest.raises(ValueError, match=r"the start of the line. Received: neither `start` nor `trajectory`"):
        landscapes.interpolate(model, x, y)
    with pytest.raises(
        ValueError, match=r"`start` must be weights of this model.*Received: \[<ndarray of shape \(6, 4\)"
    ):
        landscapes.interpolate(model, x, y, good[:1])
    with pytest.raises(
        ValueError, match=r"`end` .*a flat vector of the 38 trainable ones. Received: <ndarray of shape \(3,"
    ):
        landscapes.interpolate(model, x, y, good, np.ones(3))
    with pytest.raises(ValueError, match=r"`trajectory` must be a list of at least two .* Received: list of 1. Record"):
        landscapes.interpolate(model, x, y, trajectory=[good])
    with pytest.raises(ValueError, match=r"`trajectory\[1\]` must be weights"):
        landscapes.interpolate(model, x, y, trajectory=[good, good[:2]])
    with pytest.raises(ValueError, match="points=1"):
        landscapes.interpolate(model, x, y, good, points=1)

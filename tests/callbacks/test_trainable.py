"""Weights that are frozen, or not any more, after `compile`: Keras trains on with those of before, and so do we."""

import contextlib

import keras
import numpy as np
import pytest

from keras_ch8 import Doctor

X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
Y = X @ np.ones((4, 1), "float32")


def trained_twice(is_frozen, watching_first, watching):
    """Return the weights after a `fit`, a change of `trainable`, and another `fit`."""
    keras.utils.set_random_seed(0)
    first = keras.layers.Dense(4, "tanh", trainable=not is_frozen)
    model = keras.Sequential([keras.Input((4,)), first, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(X, Y, verbose=0, callbacks=watching_first)
    first.trainable = is_frozen
    model.fit(X, Y, verbose=0, callbacks=watching)
    return [keras.ops.convert_to_numpy(variable) for variable in model.weights]


@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize("is_watched_twice", [False, True])
def test_they_are_trained_as_without_us_and_that_is_said(is_frozen, is_watched_twice):
    doctor = Doctor(None)
    expected = contextlib.nullcontext() if is_watched_twice else pytest.warns(UserWarning, match="model.compile")
    with expected:
        watched = trained_twice(is_frozen, [doctor] if is_watched_twice else [], [doctor])
    for bare, other in zip(trained_twice(is_frozen, [], []), watched, strict=True):
        np.testing.assert_array_equal(bare, other)
    (said,) = [verdict for verdict in doctor.runs[-1].verdicts if verdict.kind == "no_gradient"]
    assert (said.level, said.finding) == (
        "act",
        "You changed `trainable` after `compile`, so `fit` still trains the weights that it trained before.",
    )


def test_before_the_first_step_of_a_model_it_is_heeded_by_keras_and_nothing_is_said():
    first = keras.layers.Dense(4, "tanh")
    model = keras.Sequential([keras.Input((4,)), first, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.optimizer.build(model.trainable_variables)  # as of a model that was loaded
    first.trainable = False
    before, doctor = keras.ops.convert_to_numpy(first.kernel), Doctor(None)
    model.fit(X, Y, verbose=0, callbacks=[doctor])
    np.testing.assert_array_equal(before, keras.ops.convert_to_numpy(first.kernel))
    assert "no_gradient" not in [verdict.kind for verdict in doctor.runs[-1].verdicts if verdict.level == "act"]

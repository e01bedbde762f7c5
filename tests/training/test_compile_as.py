"""A model that is compiled as another one was, and cures that keep what the user's model reports."""

import keras
import numpy as np
import pytest

from keras_ch8 import training
from keras_ch8.verdicts import remedies

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X[:, :1]


def wrong_by(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_pred - y_true), axis=-1)


def deep():
    model = keras.Sequential([keras.Input((3,)), *(keras.layers.Dense(3, "sigmoid") for _ in range(2))])
    model.add(keras.layers.Dense(1))
    optimizer = keras.optimizers.Adam(0.01, global_clipnorm=3.0)
    model.compile(optimizer, wrong_by, metrics=["mae"], weighted_metrics=["mse"])
    return model


def reported(model):
    return sorted(model.evaluate(X, Y, verbose=0, return_dict=True))


def test_all_but_what_is_changed_is_taken_over():
    model, other = deep(), deep()
    training.compile_as(model, other, optimizer="sgd")
    assert (model.optimizer.name, model.loss, reported(model)) == ("sgd", wrong_by, ["loss", "mae", "mse"])


def test_a_model_that_is_not_compiled_has_nothing_to_take_over():
    with pytest.raises(ValueError, match="`other` must be compiled"):
        training.compile_as(deep(), keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]))


CODES = {
    "normalize layers": remedies.NORMALIZE_LAYERS,
    "normalize inputs": remedies.NORMALIZE_INPUTS,
    "without the last": remedies.WITHOUT_LAST,
    "another optimizer": remedies.ADAM,
    "a setting": remedies.setting("global_clipnorm", "1.0").format(),
}


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_cures_that_compile_keep_the_loss_and_the_metrics_of_the_user(code):
    import keras_ch8

    names = {"model": deep(), "x": X, "y": Y, "keras": keras, "keras_ch8": keras_ch8}
    exec(code, names)
    assert (names["model"].loss, reported(names["model"])) == (wrong_by, ["loss", "mae", "mse"])

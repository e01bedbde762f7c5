"""A model that is compiled as another one was, and cures that keep what the user's model reports."""

import keras
import numpy as np
import pytest

from keras_ch8 import training
from keras_ch8.verdicts import code as codes
from keras_ch8.verdicts.ending import without
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.facts import Facts

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X[:, :1]


def wrong_by(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_pred - y_true), axis=-1)


def deep():
    model = keras.Sequential([keras.Input((3,)), *(keras.layers.Dense(3, "sigmoid") for _ in range(2))])
    model.add(keras.layers.Dense(1))
    optimizer = keras.optimizers.Adam(0.01, global_clipnorm=3.0)
    model.compile(optimizer, wrong_by, metrics=["mae"], weighted_metrics=["mse"], run_eagerly=True)
    return model


def reported(model):
    return sorted(model.evaluate(X, Y, verbose=0, return_dict=True))


def test_all_but_what_is_changed_is_taken_over():
    model, other = deep(), deep()
    training.compile_as(model, other, optimizer="sgd")
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert (model.loss, reported(model)) == (wrong_by, ["loss", "mae", "mse"])


def test_a_model_that_is_not_compiled_has_nothing_to_take_over():
    with pytest.raises(ValueError, match="`other` must be compiled"):
        training.compile_as(deep(), keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]))


def test_the_optimizer_is_as_it_is_now():
    other = deep()
    other.compile("sgd", "mse")
    other.optimizer.learning_rate = 0.5
    model = deep()
    training.compile_as(model, other)
    assert model.optimizer is other.optimizer
    assert float(model.optimizer.learning_rate) == 0.5


@pytest.mark.slow
def test_an_optimizer_that_was_built_for_other_weights_is_a_new_one_with_its_settings():
    other, model = deep(), deep()
    other.fit(X, Y, verbose=0)
    other.optimizer.learning_rate = 0.5
    training.compile_as(model, other)
    model.fit(X, Y, verbose=0)
    assert (float(model.optimizer.learning_rate), model.optimizer.global_clipnorm) == (0.5, 3.0)
    steps = other.optimizer
    training.compile_as(other, other, loss="mae")
    assert other.optimizer is steps


CODES = {
    "normalize layers": codes.NORMALIZE_LAYERS,
    "normalize inputs": codes.NORMALIZE_INPUTS,
    "without the last": without(Facts(has=frozenset({Fact.SEQUENTIAL})), 1),
    "another optimizer": codes.ADAM,
    "a setting": codes.setting("global_clipnorm", "1.0").format(),
}


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_cures_that_compile_keep_the_loss_and_the_metrics_of_the_user(code):
    import keras_ch8

    names = {"model": deep(), "x": X, "y": Y, "keras": keras, "keras_ch8": keras_ch8}
    exec(code, names)
    assert (names["model"].loss, reported(names["model"])) == (wrong_by, ["loss", "mae", "mse"])


CLASSES = np.arange(16) % 3
BINARY = (CLASSES == 0).astype("float32")[:, None]


def end(units, activation, loss, metrics, **options):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, "relu"), keras.layers.Dense(units, activation)])
    model.compile("sgd", loss, metrics=metrics, run_eagerly=True, **options)
    return model


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "model, y, loss, metrics",
    [
        (lambda: end(1, "sigmoid", "categorical_crossentropy", [keras.metrics.BinaryAccuracy()]), BINARY,
         "binary_crossentropy", ["binary_accuracy", "loss"]),
        (lambda: end(1, "sigmoid", "categorical_crossentropy", ["accuracy"], weighted_metrics=["mse"]), BINARY,
         "binary_crossentropy", ["accuracy", "loss", "mse"]),
        (lambda: end(1, "sigmoid", "binary_crossentropy", [keras.metrics.AUC(), "accuracy"]), CLASSES,
         "sparse_categorical_crossentropy", ["accuracy", "loss"]),
        (lambda: end(1, "sigmoid", "binary_crossentropy", [], weighted_metrics=[keras.metrics.AUC()]), CLASSES,
         "sparse_categorical_crossentropy", ["accuracy", "loss"]),
        (lambda: end(2, "softmax", "sparse_categorical_crossentropy", ["sparse_top_k_categorical_accuracy"]), CLASSES,
         "sparse_categorical_crossentropy", ["loss", "sparse_top_k_categorical_accuracy"]),
        (lambda: end(1, "sigmoid", "binary_crossentropy", ["accuracy"]), Y,
         "mean_squared_error", ["loss", "mean_absolute_error"]),
        (lambda: end(1, "linear", "mean_squared_logarithmic_error", ["mae"]), Y,
         "mean_squared_error", ["loss", "mae"]),
        (lambda: end(3, "linear", "mse", ["mse"]), CLASSES,
         "sparse_categorical_crossentropy", ["accuracy", "loss"]),
    ],
)  # fmt: skip
def test_cures_that_change_the_loss_keep_the_metrics_that_fit_it(model, y, loss, metrics):
    import keras_ch8

    names = {"model": model(), "x": X, "y": y, "keras": keras, "keras_ch8": keras_ch8}
    (verdict,) = keras_ch8.preflight(names["model"], X, y, steps=0).verdicts
    exec(verdict.code.removesuffix(codes.FIND_RATE), names)
    assert names["model"].loss == loss
    reported = names["model"].evaluate(X, names["y"], verbose=0, return_dict=True)
    assert sorted(reported) == metrics

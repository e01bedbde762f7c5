"""Layers that are frozen by mistake, or by mistake not: Keras trains them as without us, and what is wrong is said."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8 import Doctor
from tests.pasting import pasted

L = keras.layers
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
        "You changed `trainable` after `compile`, so `fit` still trains the same weights as before the change.",
    )


def test_before_the_first_step_of_a_model_it_is_heeded_by_keras_and_nothing_is_said():
    first = keras.layers.Dense(4, "tanh", bias_initializer="ones")
    model = keras.Sequential([keras.Input((4,)), first, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.optimizer.build(model.trainable_variables)  # as of a model that was loaded, so that biases are not 0
    first.trainable = False
    before, doctor = keras.ops.convert_to_numpy(first.kernel), Doctor(None)
    model.fit(X, Y, verbose=0, callbacks=[doctor])
    np.testing.assert_array_equal(before, keras.ops.convert_to_numpy(first.kernel))
    assert "no_gradient" not in [verdict.kind for verdict in doctor.runs[-1].verdicts if verdict.level == "act"]


# --- a layer that is to rest, and whose batch normalization still moves -----------------------------------------------


def base(normalization=L.BatchNormalization, name="base", **options):
    return keras.Sequential([keras.Input((4,)), L.Dense(4, use_bias=False), normalization(**options)], name=name)


class Block(L.Layer):
    """A layer whose layers are made without its `trainable`."""

    def __init__(self, **options):
        super().__init__(**options)
        self.inside = base()

    def build(self, shape):
        self.inside.build(shape)

    def call(self, inputs, training=None):
        return self.inside(inputs, training=training)


def freeze(layer):
    layer.trainable = False


def freeze_variables(layer):
    for variable in layer.trainable_variables:
        variable.trainable = False


def all_but_normalization(layer):
    freeze(layer)
    layer.layers[-1].trainable = True


def under_a_head(layer, prepare=lambda layer: None, **called):
    """Return a compiled model of a layer and a head, the layer prepared as a user does."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, L.Dense(1)(layer(inputs, **called)))
    prepare(layer)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


def moved(model):
    """Return the names of what of the layer under the head a `fit` changes, and what is said of it."""
    variables = model.layers[1].variables
    before = [keras.ops.convert_to_numpy(variable) for variable in variables]
    doctor = Doctor(None)
    model.fit(X, Y, verbose=0, callbacks=[doctor])
    pairs = zip(variables, before, strict=True)
    names = {v.name for v, was in pairs if not np.array_equal(keras.ops.convert_to_numpy(v), was)}
    return names, [verdict for verdict in doctor.verdicts if verdict.kind == "no_gradient"]


STATISTICS = {"moving_mean", "moving_variance"}
ALL = STATISTICS | {"gamma", "beta", "kernel"}
SICK = {
    "base is frozen, but each step still changes the moving statistics of its batch normalization.": (
        lambda: under_a_head(base(), freeze_variables), STATISTICS, set(),
    ),
    "other is frozen, but each step still changes the moving statistics of its batch normalization.": (
        lambda: under_a_head(base(keras_ch8.layers.BatchNormalization, "other"), freeze_variables),
        STATISTICS | {"batches"},
        set(),
    ),
    "block is frozen, but each step still changes the layers inside it.": (
        lambda: under_a_head(Block(name="block", trainable=False)), ALL, set(),
    ),
    "You call base with `training=False`, but `fit` overrides that: each step still changes the moving statistics of "
    "its batch normalization.": (
        lambda: under_a_head(base(), training=False), ALL, {"kernel"},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("finding", SICK)
def test_what_moves_though_it_is_to_rest_is_said_and_the_code_lets_it_rest(finding):
    make, before, after = SICK[finding]
    model = make()
    names, (said,) = moved(model)
    assert (names, said.level, said.finding) == (before, "watch", finding)
    assert moved(pasted(said.code, model=model, x=X, y=Y)["model"]) == (after, [])


HEALTHY = {
    "frozen": lambda: under_a_head(base(), freeze),
    "frozen and called as in training": lambda: under_a_head(base(), freeze, training=True),
    "frozen and called for inference": lambda: under_a_head(base(), freeze, training=False),
    "frozen but for batch normalization": lambda: under_a_head(base(), all_but_normalization),
    "fine-tuned as a whole": lambda: under_a_head(base()),
    "frozen once it is built": lambda: under_a_head(Block(), freeze),
    "statistics that are held": lambda: under_a_head(base(momentum=1.0), freeze_variables),
    "normalized inputs": lambda: under_a_head(L.BatchNormalization(center=False, scale=False)),
}


@pytest.mark.slow
@pytest.mark.parametrize("model", HEALTHY.values(), ids=HEALTHY)
def test_of_a_healthy_fine_tuning_nothing_of_the_kind_is_said(model):
    assert [verdict.finding for verdict in keras_ch8.preflight(model(), X, Y, steps=0).verdicts] == []


# --- weights that no optimizer trains ---------------------------------------------------------------------------------


class Autoencoder(keras.Model):
    """A model whose own training step gives the weights of each part to the optimizer that is named for it."""

    def __init__(self, **trained):
        super().__init__()
        self.encoder = keras.Sequential([keras.Input((4,)), L.Dense(3, "tanh")])
        self.decoder = keras.Sequential([keras.Input((3,)), L.Dropout(0.1), L.Dense(4)])
        self.second, self.trained = keras.optimizers.SGD(), trained
        self.compile("sgd", "mse")

    def call(self, inputs, training=None):
        return self.decoder(self.encoder(inputs), training=training)

    def train_step(self, data):
        with tf.GradientTape(persistent=True) as tape:
            loss = self.compute_loss(data[0], data[0], self(data[0], training=True))
        for part, optimizer in self.trained.items():
            variables = getattr(self, part).trainable_variables
            getattr(self, optimizer).apply(tape.gradient(loss, variables), variables)
        return {"loss": loss}


def left_out(model):
    doctor = Doctor(None)
    model.fit(X, X, verbose=0, callbacks=[doctor])
    return [verdict.finding for verdict in doctor.verdicts if "No optimizer" in verdict.finding]


@pytest.mark.slow
def test_weights_that_no_optimizer_has_are_said_and_no_others():
    model = Autoencoder(decoder="optimizer")
    del model.second
    assert left_out(model) == ["No optimizer trains 48 % of the weights: they keep their initial values."]
    assert left_out(Autoencoder(encoder="optimizer", decoder="second")) == []  # as the two networks of a GAN
    assert left_out(Autoencoder(decoder="optimizer")) == []  # the other has its turn later
    model = Autoencoder(decoder="optimizer")
    freeze(model.encoder)
    del model.second
    assert left_out(model) == []  # that it is frozen is said before the first step


@pytest.mark.slow
def test_so_they_are_in_a_loop_of_ones_own():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), L.Dense(4, "tanh"), L.Dense(1)])
    optimizer, doctor = keras.optimizers.SGD(0.01), Doctor(None)
    with doctor.watch(model, optimizer) as run:
        for _ in range(3):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model(X) - Y) ** 2)
            variables = model.layers[-1].trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
            run.step(loss=loss)
    assert "No optimizer trains 80 % of the weights" in " ".join(verdict.finding for verdict in doctor.verdicts)

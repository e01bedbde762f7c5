"""A training step of one's own that combines predictions of shape (n, 1) with targets of shape (n,) is told."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_ch8 import Doctor

X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
Y = X @ np.ones(4, "float32")
pytestmark = pytest.mark.filterwarnings("ignore:`Diagnosis` continues without its probe")


def minus_likelihood(y, p):
    y, p = tf.cast(y > 0, "float32"), tf.sigmoid(p)
    return -tf.reduce_mean(y * tf.math.log(p + 1e-6) + (1 - y) * tf.math.log(1 - p + 1e-6))


def ranking(y, p):
    p = tf.squeeze(p, -1)
    return tf.reduce_mean((y[:, None] - y - (p[:, None] - p)) ** 2)


class Own(keras.Model):
    def __init__(self, loss):
        super().__init__()
        self.last, self.own = keras.layers.Dense(1), loss

    def call(self, x):
        return self.last(x)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.own(y, self(x, training=True))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


MIXED = (
    lambda y, p: tf.reduce_mean((y - p) ** 2),
    lambda y, p: ops.mean(ops.abs(p - y)),
    minus_likelihood,
)
SOUND = (
    lambda y, p: tf.reduce_mean((y[:, None] - p) ** 2),
    lambda y, p: tf.reduce_mean((y - p[:, 0]) ** 2),
    lambda y, p: tf.reduce_mean((y - tf.squeeze(p)) ** 2),
    lambda y, p: tf.reduce_mean(abs(p - tf.constant([-1.0, 0.0, 1.0]))),  # places to compare with, not data
    lambda y, p: tf.reduce_mean((p - tf.cast(tf.range(tf.shape(p)[0]), "float32")) ** 2),
    ranking,
)


def found(loss, *data, **options):
    model, doctor = Own(loss), Doctor(None)
    model.compile("sgd", **options)
    model.fit(*data, verbose=0, shuffle=len(data) > 1, callbacks=[doctor])
    return [verdict for verdict in doctor.verdicts if "compares each prediction" in verdict.finding]


def said(loss, **options):
    return [verdict.level for verdict in found(loss, X, Y, **options)]


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("options", [{}, {"jit_compile": True}, {"steps_per_execution": 2}])
@pytest.mark.parametrize("loss", MIXED)
def test_predictions_that_meet_the_targets_of_all_examples_are_told_after_the_first_epoch(loss, options):
    assert said(loss, **options) == ["act"]


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("loss", SOUND)
def test_what_compares_examples_on_purpose_or_not_at_all_is_left_in_peace(loss):
    assert said(loss) == []


@pytest.mark.slow
def test_the_code_gives_arrays_and_data_sets_targets_with_the_axis_that_they_lack():
    (of_arrays,) = found(MIXED[0], X, Y)
    names = {"y": Y}
    exec(of_arrays.code, names)
    assert not found(MIXED[0], X, names["y"])
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)
    (of_set,) = found(MIXED[0], data)
    names = {"x": data}
    exec(of_set.code, names)
    assert not found(MIXED[0], names["x"])


@pytest.mark.slow
def test_so_it_is_in_a_loop_of_ones_own():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    optimizer, doctor = keras.optimizers.SGD(0.01), Doctor(None)
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - y) ** 2)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    with doctor.watch(model, optimizer) as run:
        for _ in range(3):
            for x, y in data:
                run.step(loss=step(x, y))
    assert "compares each prediction with the targets of all examples" in doctor.verdicts[0].finding

"""The last batch of an epoch, where it is short: its loss is filled up, so that the curve has no comb."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks
from keras_ch8.callbacks.session import batch_counter
from tests.board.readers import python_loader
from tests.callbacks.runs import Frames, fit, network

SIZE, BATCH, STEPS = 44, 8, 6  # the last batch has 4 of 8 examples
RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(SIZE, 6)).astype("float32"), RNG.normal(size=(SIZE, 2)).astype("float32")


def data_set(known=True):
    found = tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH)
    return found if known else found.filter(lambda *_: True)


def curve(tmp_path, model=None, data=(X, Y), epochs=2, **options):
    """Return the losses that were written, and those of the rows."""
    frames = Frames()
    model = network("sgd") if model is None else model
    options = {"shuffle": False, "verbose": 0, "callbacks": [callbacks.TensorBoard(tmp_path), frames]} | options
    if isinstance(data, tuple):
        model.fit(*data, batch_size=BATCH, epochs=epochs, **options)
    else:
        model.fit(data, epochs=epochs, **options)
    with python_loader(tmp_path) as board:
        return np.array([loss for _, loss in board.scalars()["step/loss"]]), frames.loss


def filled(losses, fraction=4 / BATCH):
    losses = losses.astype(float)
    for last in range(STEPS - 1, len(losses), STEPS):
        losses[last] = fraction * losses[last] + (1 - fraction) * losses[last - 1]
    return losses


@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("validates_on", [None, SIZE, 41])
@pytest.mark.parametrize("every", [500, 5, 1])
def test_a_short_last_batch_counts_by_its_size(tmp_path, monkeypatch, every, validates_on):
    monkeypatch.setattr(batch_counter, "READ_EVERY", every)
    validation = None if validates_on is None else (X[:validates_on], Y[:validates_on])
    written, rows = curve(tmp_path, validation_data=validation)
    np.testing.assert_allclose(written, filled(rows), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras's own, false here
@pytest.mark.parametrize("data", [data_set(), data_set(known=False)], ids=["known", "unknown"])
def test_of_a_data_set_too(tmp_path, data):
    written, rows = curve(tmp_path, data=data, validation_data=data)
    np.testing.assert_allclose(written, filled(rows), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [2, 4])
def test_several_steps_at_once(tmp_path, at_once):
    written, rows = curve(tmp_path, network("sgd", steps_per_execution=at_once))
    np.testing.assert_allclose(written, filled(rows), rtol=1e-6)


@pytest.mark.slow
def test_full_batches_a_single_one_and_sizes_of_all_kinds_are_left_alone(tmp_path):
    sizes = iter(((X[a:b], Y[a:b]) for a, b in [(0, 3), (3, 13), (13, 20), (20, 44)] * 2))
    own = tf.data.Dataset.from_generator(
        lambda: sizes, output_signature=(tf.TensorSpec((None, 6)), tf.TensorSpec((None, 2)))
    )
    for name, options in {
        "full": {"data": (X[:40], Y[:40])}, "single": {"data": (X[:5], Y[:5])},
        "all kinds": {"data": own, "steps_per_epoch": 4},
    }.items():  # fmt: skip
        written, rows = curve(tmp_path / name, **options)
        np.testing.assert_array_equal(written, rows)


@pytest.mark.slow
def test_where_keras_does_not_know_how_many_examples_there_were(tmp_path):
    class Own(keras.Sequential):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.optimizer.scale_loss(tf.reduce_mean(tf.square(self(x) - y)))
            variables = self.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            return {"loss": loss}

    model = Own([keras.Input((6,)), keras.layers.Dense(2)])
    model.compile("sgd")
    written, rows = curve(tmp_path, model)
    np.testing.assert_array_equal(written, rows)


def test_an_evaluation_alone_needs_no_session(tmp_path):
    board = callbacks.TensorBoard(tmp_path)
    model = network("sgd")
    model.evaluate(X, Y, callbacks=[board], verbose=0)
    fit(model, [board], epochs=1)
    model.evaluate(X, Y, callbacks=[board], verbose=0)

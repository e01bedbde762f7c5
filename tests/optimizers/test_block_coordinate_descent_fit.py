"""In `fit`: however it runs, saved and gone on with, watched, on two replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, clipping, schedules
from keras_ch8 import optimizers as ours
from tests import forked
from tests.board.readers import python_loader
from tests.callbacks.runs import Frames
from tests.marks import mostly
from tests.optimizers.algorithms import all_variables

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(32, 4)).astype("float32"), RNG.normal(size=(32, 2)).astype("float32")
BLOCKS = ["first", ".*"]


def network(optimizer, **options):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(3, "tanh", name="first"), keras.layers.Dense(2, name="second")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(optimizer, "mse", **options)
    return model


def descent(inner=None):
    return ours.BlockCoordinateDescent(inner or ours.Adam(0.05), BLOCKS, 2)


def fit(model, epochs=2, listed=()):
    options = {"batch_size": 8, "shuffle": False, "verbose": 0}
    return model.fit(X, Y, epochs=epochs, callbacks=list(listed), **options).history["loss"]


INNERS = {"ours": ours.Adam, "Keras": keras.optimizers.Adam}
WAYS = [{"jit_compile": True}, {"run_eagerly": True}, {"jit_compile": False, "steps_per_execution": 3}]


@pytest.mark.slow
@pytest.mark.parametrize("kind", mostly(pytest.mark.full, INNERS, "ours"))
def test_fit_gives_the_same_numbers_however_it_is_run(kind):
    def losses(**way):
        return fit(network(descent(INNERS[kind](0.05)), **way))

    expected = losses(jit_compile=False)
    assert expected[1] < expected[0]
    for way in WAYS:
        np.testing.assert_allclose(losses(**way), expected, rtol=2e-5, err_msg=str(way))


@pytest.mark.slow
def test_a_saved_model_goes_on_in_a_new_process_bit_for_bit(tmp_path):
    """Keras drops "encoder/" and "decoder/" from the paths of the loaded weights."""
    model = (
        "of = lambda name, *layers: keras.Sequential([keras.layers.Dense(*a) for a in layers], name=name)\n"
        "m = keras.Sequential([keras.Input((4,)), of('encoder', (3, 'tanh'), (2,)), of('decoder', (1,))])\n"
        "inner, blocks = keras_ch8.optimizers.Momentum(0.05), ['encoder', 'decoder']\n"
        "m.compile(keras_ch8.optimizers.BlockCoordinateDescent(inner, blocks, 3), 'mse')\n"
    )
    uninterrupted, resumed = forked.trained_on(tmp_path / "m.keras", model)
    assert len(uninterrupted) > 500
    assert resumed == uninterrupted


@pytest.mark.slow
def test_tensorboard_sees_it_as_any_optimizer_and_a_schedule_in_epochs_is_as_long_as_the_training(tmp_path):
    frames = Frames()
    model = network(descent(keras.optimizers.SGD(schedules.LinearDecay(0.1, "2ep", 0.0))))
    fit(model, 2, [callbacks.TensorBoard(tmp_path / "logs"), frames])
    rates = 0.1 * (1 - np.arange(8) / 8)
    np.testing.assert_allclose(frames.learning_rate, rates, rtol=1e-5)
    assert (frames.update > 0.01 * rates * frames.norm).all()
    assert (frames.update < 0.99 * rates * frames.norm).all(), "a step is that of one block"
    with python_loader(tmp_path / "logs") as board:
        shown = board.scalars()["step/learning_rate"]
    np.testing.assert_allclose(shown, list(zip(range(1, 9), rates, strict=True)), rtol=1e-5)


@pytest.mark.slow
def test_a_callback_lowers_the_rate_of_all_blocks_and_another_clips_the_whole_gradient():
    frames, model = Frames(), network(descent(ours.SGD(0.1)))
    halve = callbacks.LearningRateDecay(lambda epoch, learning_rate: learning_rate / 2)
    fit(model, 2, [frames, halve, callbacks.ClipGradients(clipping.ByGlobalNorm(0.1))])
    np.testing.assert_allclose(frames.learning_rate, np.repeat([0.05, 0.025], 4), rtol=1e-6)
    np.testing.assert_allclose(frames.clipped, 0.1, rtol=1e-5)
    assert (frames.update <= 0.1 * frames.learning_rate).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras's own, false here
def test_no_ghost_step_at_the_end_of_data_of_unknown_length():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    known, unknown = network(descent(), jit_compile=False), network(descent(), jit_compile=False)
    known.fit(data, epochs=3, shuffle=False, verbose=0)
    unknown.fit(data.filter(lambda *_: True), epochs=3, shuffle=False, verbose=0)
    assert int(unknown.optimizer.iterations.numpy()) == 12
    for a, b in zip(all_variables(known), all_variables(unknown), strict=True):
        np.testing.assert_array_equal(a, b)

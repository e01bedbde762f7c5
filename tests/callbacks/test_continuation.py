"""Continuation: the value of every batch, the real problem at the end and in validation, and going on."""

import contextlib
import math

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, optimizers
from keras_ch8.callbacks import Continuation
from keras_ch8.continuation import Temperature
from keras_ch8.continuation.annealed import as_schedule
from keras_ch8.extend import Annealed
from tests import forked
from tests.callbacks.runs import BATCH, STEPS, X, Y, fit
from tests.callbacks.test_tensorboard import read, report
from tests.networks import Softened


@keras.saving.register_keras_serializable(package="tests")
class Meter(keras.layers.Layer):
    """Passes on, and writes down the number that each step in training reads."""

    def __init__(self, start=3.0, end=1.0, **kwargs):
        super().__init__(**kwargs)
        self.number, self.traces = Annealed(start, end), 0

    def build(self, input_shape):
        new = {"initializer": "zeros", "trainable": False, "autocast": False}
        self.count = self.add_weight(name="count", shape=(), dtype="int32", **new)
        self.read = self.add_weight(name="read", shape=(100,), **new)

    def call(self, inputs, training=None):
        if training:
            self.traces += 1
            places = keras.ops.arange(100) == self.count
            self.read.assign(keras.ops.where(places, self.number.read(training), self.read))
            self.count.assign(self.count + 1)
        return inputs * self.number.read(training, inputs.dtype)

    @property
    def values(self):
        return self.read.numpy()[: int(self.count)]


def metered(optimizer=None, meter=None, **options):
    keras.utils.set_random_seed(0)
    meter = meter or Meter(name="meter")
    model = keras.Sequential([keras.Input((6,)), meter, keras.layers.Dense(2)])
    model.compile(optimizer or optimizers.SGD(0.01), "mse", **options)
    return model, meter


@pytest.mark.parametrize(
    "word, left",
    [
        ("linear", lambda u: 1 - u),
        ("cosine", lambda u: (1 + math.cos(math.pi * u)) / 2),
        ("exponential", lambda u: 0.01**u),
    ],
)
def test_a_law_says_what_share_of_the_way_is_left(word, left):
    for u in (0.0, 0.25, 0.9):
        assert as_schedule(word)(u, Annealed(3.0, end=1.0)) == pytest.approx(1 + 2 * left(u))


def test_the_laws_never_leave_the_way():
    rng = np.random.default_rng(0)
    for _ in range(50):
        start, end = rng.normal(size=2) * 10.0 ** rng.integers(-3, 4, size=2)
        number = Annealed(start, end, low=min(start, end), high=max(start, end))
        for word in ("linear", "cosine", "exponential"):
            for u in (0.0, rng.uniform(), 1 - 1e-16):
                number.value = as_schedule(word)(u, number)


UNITS = [("9ba", 9), ("50%", STEPS), ("1ep", STEPS), (8, 8), ("100%", 2 * STEPS)]


@pytest.mark.broad
@pytest.mark.parametrize("until, batches", UNITS)
def test_each_batch_has_the_value_of_the_law_and_the_end_is_exact(until, batches):
    model, meter = metered()
    fit(model, [Continuation("linear", until)], epochs=2)
    expected = 1 + 2 * np.maximum(1 - np.arange(2 * STEPS) / batches, 0)
    np.testing.assert_allclose(meter.values, expected, rtol=1e-6)
    assert (meter.values[batches:] == 1).all()


def test_a_function_and_a_list_give_the_value_itself():
    number = Annealed(3.0, end=1.0)
    assert [as_schedule(lambda u: 2 - u / 2)(u, number) for u in (0.0, 0.5)] == [2.0, 1.75]
    stages = as_schedule([3.0, 2.0, 1.5])
    assert [stages(u / 6, number) for u in range(6)] == [3.0, 3.0, 2.0, 2.0, 1.5, 1.5]


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("options", [{"jit_compile": True}, {"steps_per_execution": 2}], ids=str)
def test_nothing_is_traced_anew(options):
    model, meter = metered(**options)
    fit(model, [], epochs=1)
    traced = meter.traces
    fit(model, [Continuation(until="100%")], epochs=3)
    assert meter.traces == traced
    every = options.get("steps_per_execution", 1)
    batches = np.arange(STEPS, 4 * STEPS) // every * every
    np.testing.assert_allclose(meter.values[STEPS:], 1 + 2 * (1 - batches / (4 * STEPS)), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, optimizers.SGD], ids=["Keras", "ours"])
def test_updates_are_counted_where_gradients_are_accumulated(optimizer):
    model, meter = metered(optimizer(0.01, gradient_accumulation_steps=2))
    fit(model, [Continuation("linear", until=4)], epochs=2)
    np.testing.assert_allclose(meter.values, 1 + 2 * np.maximum(1 - np.arange(2 * STEPS) / 8, 0), rtol=1e-6)


@pytest.mark.slow
def test_a_training_that_goes_on_is_that_of_an_uninterrupted_one():
    whole, meter = metered()
    fit(whole, [Continuation("linear", until="75%")], epochs=4)
    parts, other = metered()
    with pytest.warns(UserWarning, match="ended after 67% of the continuation"):
        fit(parts, [Continuation("linear", until="18ba")], epochs=2)
    fit(parts, [Continuation("linear", until="75%")], epochs=4, initial_epoch=2)
    np.testing.assert_array_equal(other.values, meter.values)
    np.testing.assert_array_equal(parts.get_weights()[2], whole.get_weights()[2])


@pytest.mark.slow
def test_logs_and_tensorboard_have_the_value_at_the_last_batch_of_each_epoch(tmp_path):
    model, _ = metered()
    board = callbacks.TensorBoard(tmp_path)
    history = fit(model, [Continuation("linear", until="100%", logs=True), board], epochs=2)
    expected = [1 + 2 * (1 - 5 / 12), 1 + 2 * (1 - 11 / 12)]
    np.testing.assert_allclose(history["meter.number"], expected, rtol=1e-6)
    shown = read(tmp_path)["epoch/continuation_meter.number"]
    np.testing.assert_allclose(shown[1] if isinstance(shown, tuple) else [p[1] for p in shown], expected, rtol=1e-6)
    assert "The continuation reached the real problem (`meter.number` at 1.167); 0 batches" in report(tmp_path)


def real_and_easy():
    """A model with an annealed layer and loss, and the same without them, with equal weights."""
    keras.utils.set_random_seed(0)
    easy, real = (
        keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, "relu"), *between, keras.layers.Dense(2)])
        for between in ([Temperature(4.0, name="soft")], [])
    )
    easy.compile(optimizers.SGD(0.1), Softened())
    real.compile(optimizers.SGD(0.1), keras.losses.CategoricalCrossentropy(from_logits=True))
    return easy, real


LABELS = np.eye(2, dtype="float32")[(Y[:, 0] > 0).astype(int)]


@pytest.mark.slow
def test_validation_is_on_the_real_problem_and_the_end_is_the_model_without_the_parts_bit_for_bit():
    easy, real = real_and_easy()
    losses = []

    class Check(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            real.set_weights(easy.get_weights())
            losses.append((real.evaluate(X, LABELS, **batches), self.model.evaluate(X, LABELS, **batches)))

    batches = {"batch_size": BATCH, "verbose": 0}
    data = {**batches, "shuffle": False, "validation_data": (X, LABELS), "validation_freq": 2}
    history = easy.fit(
        X, LABELS, epochs=2, callbacks=[Check(), Continuation("linear", "100%", logs=True)], **data
    ).history
    np.testing.assert_allclose(history["soft.temperature"], [4 - 15 / 12, 4 - 33 / 12])
    np.testing.assert_allclose(*zip(*losses, strict=True), rtol=1e-6)
    assert history["val_loss"] == pytest.approx([losses[1][0]], rel=1e-6)

    np.testing.assert_array_equal(easy.predict_on_batch(X), real.predict_on_batch(X))
    assert easy.train_on_batch(X, LABELS) == real.train_on_batch(X, LABELS)
    for found, expected in zip(easy.get_weights(), real.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_an_early_end_warns_and_leaves_the_real_problem():
    model, meter = metered()

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    callback = Continuation("linear", until="50%")
    with pytest.warns(UserWarning, match=r"after 50% of the continuation, with `meter.number` at 2.167.*not trained"):
        fit(model, [Stop(), callback], epochs=4)
    assert meter.number.value == 1.0
    assert callback.findings()[0].startswith("The training ended after 50%")


@pytest.mark.slow
def test_a_model_without_shapes_is_built_by_its_first_batch():
    meter = Meter(name="meter")
    model = keras.Sequential([meter, keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    fit(model, [Continuation(until="100%")], epochs=1)
    np.testing.assert_allclose(meter.values, 1 + 2 * (1 - np.arange(STEPS) / STEPS), rtol=1e-6)


def until_the_end():
    for _ in range(STEPS):
        yield X[:BATCH], Y[:BATCH]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras's own, false here
def test_data_of_unknown_length_need_a_length_in_batches():
    model, meter = metered()
    model.fit(until_the_end(), callbacks=[Continuation(until="3ba")], shuffle=False, verbose=0)
    np.testing.assert_allclose(meter.values[:STEPS], 1 + 2 * np.maximum(1 - np.arange(STEPS) / 3, 0), rtol=1e-6)
    with pytest.raises(ValueError, match=r"Received: until=70%. Pass `steps_per_epoch`"):
        model.fit(until_the_end(), callbacks=[Continuation()], shuffle=False, verbose=0)


def test_a_model_with_nothing_to_move_and_a_value_out_of_its_range_are_refused():
    plain = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
    plain.compile("sgd", "mse")
    with pytest.raises(ValueError, match="neither the layers nor the loss of this model have any"):
        fit(plain, [Continuation()])
    model, meter = metered()
    meter.number = Annealed(1.0, low=0.0)
    with pytest.raises(ValueError, match=r"`value` is an annealed number.*Received: value=-1.0"):
        fit(model, [Continuation([-1.0])])


def on_two_replicas_and_on_one_device():
    found, strategy = [], forked.two_replicas()
    for scope in (contextlib.nullcontext(), strategy.scope()):
        keras.utils.set_random_seed(0)
        with scope:
            model = keras.Sequential([keras.Input((6,)), Temperature(4.0), keras.layers.Dense(2)])
            model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
        fit(model, [Continuation(until="70%")], epochs=2, batch_size=16)
        found.append(model.get_weights()[0])
    return found


@pytest.mark.full
def test_two_replicas_train_as_one_device():
    one, two = forked.call(on_two_replicas_and_on_one_device)
    assert np.abs(one - two).max() < 1e-6


@pytest.mark.slow
def test_with_several_steps_in_one_execution_the_logs_have_what_the_last_of_them_read():
    model, meter = metered(steps_per_execution=3)
    history = fit(model, [Continuation("linear", "100%", logs=True)], epochs=2)
    np.testing.assert_allclose(history["meter.number"], meter.values[[STEPS - 1, 2 * STEPS - 1]], rtol=1e-6)


def test_what_was_set_to_go_on_from_is_what_is_got_before_the_training_begins():
    continued = Continuation()
    state = continued.get_state() | {"batches": 7}
    continued.set_state(state)
    assert continued.get_state() == state

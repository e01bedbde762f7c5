"""PolyakAveraging: averages are those of the formula, the training is as without, each word does what it says."""

import functools
import math

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks
from keras_ch8._duration import Clock
from keras_ch8.callbacks.weight_average import (
    UNIFORM,
    Averages,
    WeightAverage,
    clock_of,
    log_decay,
    rate,
    updates_in,
)
from tests.callbacks.runs import BATCH, STEPS, X, Y, network
from tests.callbacks.test_tensorboard import read
from tests.oracles import averages

pytestmark = pytest.mark.filterwarnings("ignore:.*so the average mostly covers its start")  # of a few updates

CLOCK = Clock(steps_per_epoch=10.0, batches_per_step=4.0, steps=500.0)
VALIDATION = X[:20], -3 * Y[:20]
"""The loss on these examples soon rises while the model learns."""


class Path(keras.callbacks.Callback):
    """Keeps the weights after each batch, and the averages as the callback gives them."""

    def __init__(self, average=None):
        super().__init__()
        self.average = average

    def on_train_begin(self, logs=None):
        self.raw, self.averages, self.at_end_of_epoch = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.raw.append(self.model.get_weights())
        if self.average is not None and self.average.updates:
            self.averages.append(self.average.weights)

    def on_epoch_end(self, epoch, logs=None):
        self.at_end_of_epoch.append(self.model.get_weights())


def average_of(**options):
    return callbacks.PolyakAveraging(**options)


def train(*listed, optimizer="adam", epochs=2, model=None, **options):
    model = network(optimizer) if model is None else model
    options = {"validation_data": VALIDATION, "batch_size": BATCH, "shuffle": False, "verbose": 0} | options
    history = model.fit(X, Y, epochs=epochs, callbacks=list(listed), **options).history
    return model, history


@functools.cache
def shared():
    """Return a compiled model, a callback, and all values at the start, for many trainings that trace once."""
    model = network(keras.optimizers.SGD(0.2, momentum=0.5))
    model.optimizer.build(model.trainable_variables)
    return model, average_of(decay=0.8), [v.numpy() for v in variables_of(model)]


def variables_of(model):
    return [*model.variables, *model.optimizer.variables]


def again(*listed, evaluate="average", final="average", **options):
    """Train the shared model from its start, with the shared callback in the place of the word `average_of`."""
    model, own, start = shared()
    for variable, value in zip(variables_of(model), start, strict=True):
        variable.assign(value)
    own.evaluate, own.final = evaluate, final
    return train(*[own if one is average_of else one for one in listed], model=model, **options)


def assert_same(some, others):
    for a, b in zip(some, others, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def averaged():
    average = shared()[1]
    path = Path(average)
    _, history = again(path, average_of, final="raw")
    return history, path, average.updates


# --- the mean --------------------------------------------------------------------------------------------------------


def test_after_each_update_the_average_is_the_sum_of_the_formula(averaged):
    _, path, updates = averaged
    assert updates == len(path.raw) == len(path.averages) == 2 * STEPS
    for n in range(1, 2 * STEPS + 1):
        for i, values in enumerate(zip(*path.raw[:n], strict=True)):
            np.testing.assert_allclose(path.averages[n - 1][i], averages.exponential(values, 0.8), rtol=1e-5, atol=1e-7)


def test_after_the_first_update_the_average_is_theta_to_the_bit(averaged):
    assert_same(averaged[1].averages[0], averaged[1].raw[0])


@pytest.mark.parametrize(
    "arguments, oracle",
    [
        ({"decay": 0.0}, lambda thetas: thetas[-1]),
        ({"decay": 0.999}, lambda thetas: averages.exponential(thetas, 0.999)),
        ({"half_life": 3}, lambda thetas: averages.exponential(thetas, 2 ** (-1 / 3))),
        ({"uniform": True}, averages.uniform),
        ({}, lambda thetas: averages.exponential(thetas, 0.999)),
    ],
    ids=["last", "decay", "half-life", "uniform", "default"],
)
def test_every_mean_is_one_recursion_with_its_own_rate(arguments, oracle):
    thetas, average = np.random.default_rng(0).normal(size=(50, 3)), np.zeros(3)
    made = callbacks.PolyakAveraging(**arguments)
    log_alpha = keras.ops.convert_to_tensor(log_decay(made._decay, made._half_life, CLOCK), "float64")
    for n, theta in enumerate(thetas, 1):
        share = rate(keras.ops.convert_to_tensor(n, "float64"), log_alpha)
        average = average + float(share) * (theta - average)
        np.testing.assert_allclose(average, oracle(thetas[:n]), rtol=1e-12)


def test_in_the_program_only_updates_count_and_float64_is_averaged_in_float64():
    thetas = np.random.default_rng(0).normal(size=(9, 3))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False, dtype="float64")])
    (variable,) = model.trainable_variables
    average = WeightAverage(model, lambda: None)
    average.build()
    average.begin(UNIFORM, Averages(0, 2))
    thetas = thetas[:, :, None]
    for n, theta in enumerate(thetas, 1):
        variable.assign(theta)
        average.update(keras.ops.convert_to_tensor(True))
        variable.assign(theta + 1)
        average.update(keras.ops.convert_to_tensor(False))
        if n > 2:
            np.testing.assert_allclose(average.kept().averages[0], averages.uniform(thetas[2:n]), rtol=1e-12)
    assert average.count == 7


def test_half_life_and_start_are_in_updates_batches_epochs_or_percent():
    for word, updates in ((7, 7), ("8ba", 2), ("2ep", 20), ("5%", 25)):
        made = callbacks.PolyakAveraging(half_life=word, start=word)
        assert log_decay(made._decay, made._half_life, CLOCK) == pytest.approx(-math.log(2) / updates)
        assert updates_in(made._start, CLOCK) == updates


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("start, before", [("1ep", STEPS), (4, 4)])
def test_the_average_begins_after_start(start, before):
    average = average_of(uniform=True, start=start)
    path = Path(average)
    again(path, average)
    assert average.updates == 2 * STEPS - before
    assert_same(path.averages[0], path.raw[before])
    for i, values in enumerate(zip(*path.raw[before:], strict=True)):
        np.testing.assert_allclose(average.weights[i], averages.uniform(values), rtol=1e-5, atol=1e-7)


# --- what is validated -----------------------------------------------------------------------------------------------


def loss_of(model):
    return model.evaluate(*VALIDATION, batch_size=BATCH, verbose=0)


def test_the_averages_are_validated(averaged):
    model = shared()[0]
    history, path, _ = averaged
    for value, weights in zip(history["val_loss"], path.averages[STEPS - 1 :: STEPS], strict=True):
        model.set_weights(weights)
        assert loss_of(model) == pytest.approx(value, rel=1e-6)


# --- what the model has afterwards -----------------------------------------------------------------------------------


class StopAfter(keras.callbacks.Callback):
    """Stops the training in the middle of an epoch."""

    def __init__(self, batches):
        super().__init__()
        self.batches, self.seen = batches, 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.batches:
            self.model.stop_training = True


@pytest.mark.slow
def test_the_model_has_the_average_also_after_a_stop_in_the_middle_of_an_epoch():
    model, average, _ = shared()
    path = Path(average)
    again(average_of, path, StopAfter(2 * STEPS + 2), epochs=9)
    assert len(path.raw) == 2 * STEPS + 2
    assert_same(model.get_weights(), path.averages[-1])
    assert_same(average.raw_weights, path.raw[-1])
    assert "train_step" not in vars(model), "the model has its own methods back"


# --- by hand ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_averages_can_be_put_in_at_any_time_and_give_back_what_was_there(averaged):
    """Defect 2 of Keras: after `predict(callbacks=[SwapEMAWeights()])` the averages stay in the model."""
    model, average, _ = shared()
    path = Path()
    _, history = again(path, average_of)
    for found in (path.raw[-1], path.raw[3]):
        model.set_weights(found)
        with average.swapped():
            assert loss_of(model) == pytest.approx(history["val_loss"][-1], rel=1e-6)
        assert_same(model.get_weights(), found)
        with pytest.raises(KeyboardInterrupt), average.swapped():
            raise KeyboardInterrupt
        assert_same(model.get_weights(), found)


@pytest.mark.slow
def test_an_evaluation_in_the_middle_of_an_epoch_leaves_the_training_as_it_is(averaged):
    path, average = Path(), shared()[1]
    looks = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: shared()[0].evaluate(*VALIDATION, verbose=0, callbacks=[average])
    )
    again(path, looks, average_of)
    for found, weights in zip(path.raw, averaged[1].raw, strict=True):
        assert_same(found, weights)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("evaluate", ["raw", "average"])
def test_the_distance_is_that_of_the_trainable_weights_without_statistics(evaluate, tmp_path):
    model = keras.Sequential([keras.Input((6,)), keras.layers.BatchNormalization(), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    average = average_of(decay=0.9, evaluate=evaluate, final="raw")
    train(callbacks.TensorBoard(tmp_path), average, model=model, epochs=1)
    gaps = [r - a for v, a, r in zip(model.weights, average.weights, average.raw_weights, strict=True) if v.trainable]
    expected = np.sqrt(sum(np.sum(np.square(gap)) for gap in gaps))
    assert read(tmp_path)["step/average_distance"][-1][1] == pytest.approx(expected, rel=1e-5)


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"decay": 0.9, "uniform": True}, r"Received: decay=0.9, uniform=True. Pass one of them"),
        ({"decay": 0.9, "half_life": 5}, r"Received: decay=0.9, half_life=5. Pass one of them"),
    ],
)
def test_two_arguments_that_say_which_mean_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        callbacks.PolyakAveraging(**arguments)


def test_before_anything_is_averaged_there_are_no_averages():
    with pytest.raises(ValueError, match=r"has no average yet.*Pass it to `fit`"), average_of().swapped():
        pass


@pytest.mark.slow
def test_an_average_of_nothing_warns_and_leaves_the_weights():
    path = Path()
    with pytest.warns(UserWarning, match=r"leaves the weights unchanged because it averaged no update"):
        model, _ = again(average_of(start=100), path, epochs=1)
    assert_same(model.get_weights(), path.raw[-1])


def test_a_length_in_epochs_needs_to_know_how_long_one_is():
    clock = clock_of(network("sgd").optimizer, {"steps": None, "epochs": 1})
    with pytest.raises(ValueError, match=r"the length of an epoch is unknown.*Received: 1ep.*or updates"):
        updates_in(callbacks.PolyakAveraging(half_life="1ep")._half_life, clock)
    assert updates_in(callbacks.PolyakAveraging(half_life=5, start=3)._start, clock) == 3
    assert updates_in(callbacks.PolyakAveraging(half_life="6ba")._half_life, clock) == 6


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_a_memory_that_is_longer_than_the_training_is_told():
    with pytest.warns(UserWarning, match=r"about the last 1000 updates, and this training makes \d+, .*\"5%\""):
        model, _ = train(average_of())
    train(average_of(uniform=True), model=model)
    train(average_of(half_life="5%"), model=model)

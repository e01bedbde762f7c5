"""What the Python and TensorFlow of a user's layers and losses do besides computing happens as often as without us."""

import random
import threading
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, preflight
from keras_ch8.callbacks.left_out import origin_of
from keras_ch8.curvature.objective import Objective
from keras_ch8.integration import backend, keras_private
from tests.marks import mostly

X = np.random.default_rng(0).normal(size=(48, 4)).astype("float32")
Y = np.tanh(X @ np.ones((4, 1))).astype("float32")


class CountsInVariable(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.calls = tf.Variable(0.0, trainable=False)

    def call(self, x):
        return x * (1 + 0.1 * self.calls.assign_add(1.0))

    def seen(self):
        return float(self.calls)


class DrawsFromGenerator(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.draws = tf.random.Generator.from_seed(1)

    def call(self, x):
        return x + 0.1 * self.draws.normal(tf.shape(x))

    def seen(self):
        return self.draws.state.numpy().tolist()


class DrawsByOperation(keras.layers.Layer):
    def call(self, x):
        return x + 0.1 * tf.random.normal(tf.shape(x))


class DrawsInPython(keras.layers.Layer):
    def call(self, x):
        return x * (1 + 0.1 * random.random() + 0.1 * float(np.random.random()))  # noqa: NPY002


class DrawsFromItsOwn(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.rng, self.other = np.random.default_rng(0), random.Random(0)

    def call(self, x):
        return x * (1 + 0.1 * float(self.rng.random()) * self.other.random())

    def seen(self):
        return self.rng.random(), self.other.random()


class CallsPython(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.calls = []

    def call(self, x):
        def again(x):
            self.calls.append(1)
            return x * (1 + 0.01 * len(self.calls))

        return tf.ensure_shape(tf.py_function(again, [x], tf.float32), x.shape)

    def compute_output_shape(self, shape):
        return shape

    def seen(self):
        return len(self.calls)


class CountsInPython(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.calls, self.list, self.dict, self.set = 0, [], {"calls": 0}, set()

    def call(self, x):
        self.calls += 1
        self.list.append(self.calls)
        self.set.add(self.calls)
        self.dict["calls"] += 1
        self.dict[f"{self.calls}"] = 1
        return x * (1 + 0.1 * self.calls + 0.01 * len(self.list) + 0.01 * self.dict["calls"] + 0.01 * len(self.set))

    def seen(self):
        return self.calls, list(self.list), dict(self.dict), set(self.set)


class KeepsTensor(keras.layers.Layer):
    last = None

    def call(self, x):
        self.last = x * 2
        return x

    def seen(self):
        return np.asarray(self.last).tolist() if tf.is_tensor(self.last) and hasattr(self.last, "numpy") else None


class DrawsByGlobalSeed(keras.layers.Layer):
    """The first call in training makes the generator of all unseeded calls."""

    def call(self, x, training=False):
        return x + 0.1 * random.random() + 0.1 * keras.random.normal(keras.ops.shape(x)) if training else x


class CountsInKeras(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.calls = self.add_weight(shape=(), trainable=False)
        self.seed = keras.random.SeedGenerator(1)

    def call(self, x):
        self.calls.assign_add(1.0)
        return x * (1 + 0.01 * self.calls) + 0.1 * keras.random.normal(keras.ops.shape(x), seed=self.seed)


def plain(y, y_pred):
    return keras.ops.mean(keras.ops.square(y - y_pred), axis=-1)


def loss_in_variable():
    factor = tf.Variable(1.0)
    return lambda y, y_pred: plain(y, y_pred) * factor.assign(factor * 0.9)


def loss_by_operation():
    return lambda y, y_pred: plain(y, y_pred) * (1 + 0.1 * tf.random.uniform(()))


def loss_in_python():
    return lambda y, y_pred: plain(y, y_pred) * (1 + 0.1 * random.random() + 0.1 * float(np.random.random()))  # noqa: NPY002


def loss_in_closure():
    calls, last = [], 0

    def loss(y, y_pred):
        nonlocal last
        last += 1
        calls.append(1)
        return plain(y, y_pred) * (1 + 0.1 * len(calls) + 0.01 * last)

    return loss


class CountingLoss(keras.losses.Loss):
    calls = 0

    def call(self, y, y_pred):
        self.calls += 1
        return plain(y, y_pred) * (1 + 0.1 * self.calls)


LAYERS = [
    CountsInVariable,
    DrawsFromGenerator,
    DrawsByOperation,
    DrawsInPython,
    DrawsFromItsOwn,
    CallsPython,
    CountsInPython,
    KeepsTensor,
    DrawsByGlobalSeed,
    CountsInKeras,
]
LOSSES = [loss_in_variable, loss_by_operation, loss_in_python, loss_in_closure, CountingLoss]
REFUSED = [CountsInVariable, DrawsFromGenerator, DrawsByOperation, CallsPython, loss_in_variable, loss_by_operation]
IN_EVERY_CI = [CountsInVariable, DrawsByOperation, CountsInPython, DrawsByGlobalSeed, loss_in_closure]
"""One of each way in which something outlives a call."""
WATCHERS = {
    "board": lambda folder: [callbacks.TensorBoard(folder)],
    "probe": lambda folder: [callbacks.Diagnosis((X[:32], Y[:32]), "cheap", measure_every=2, verbose=False)],
    "both": lambda folder: [callbacks.TensorBoard(folder), callbacks.Diagnosis(verbose=False)],
}


def begin():
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)


def network(part, eager, optimizer="adam"):
    """Return a compiled model with such a layer or loss, and that."""
    part = part()
    is_layer = isinstance(part, keras.layers.Layer)
    layers = [keras.Input((4,)), part if is_layer else keras.layers.Dropout(0.2), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(optimizer, "mse" if is_layer else part, run_eagerly=eager)
    return model, part


def seen_of(model, part):
    """Return all that a training leaves: what it has learnt, and where all generators of random numbers are."""
    states = [np.asarray(v).tolist() for v in (*model.variables, *model.optimizer.variables)]
    draws = random.random(), np.random.random(), float(tf.random.uniform(())), float(keras.random.uniform(()))  # noqa: NPY002
    return {"states": states, "own": part.seen() if hasattr(part, "seen") else None, "draws": draws}


def trained(part, eager, watchers=(), optimizer="adam"):
    begin()
    model, part = network(part, eager, optimizer)
    at_each_step = []
    reads = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: at_each_step.append(part.seen() if hasattr(part, "seen") else None)
    )
    options = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}
    history = model.fit(X, Y, **options, callbacks=[*watchers, reads]).history
    return {"loss": history["loss"], "steps": at_each_step} | seen_of(model, part)


def assert_as_bare(part, eager, watchers, optimizer="adam"):
    bare = trained(part, eager, (), optimizer)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        watched = trained(part, eager, watchers, optimizer)
    assert watched == bare
    return [str(each.message) for each in told if "continues without its probe" in str(each.message)]


@pytest.mark.slow
@pytest.mark.parametrize("eager", [False, pytest.param(True, marks=pytest.mark.full)])
@pytest.mark.parametrize("part", mostly(pytest.mark.full, [*LAYERS, *LOSSES], *IN_EVERY_CI))
def test_a_training_on_which_diagnosis_measures_is_the_bare_one(part, eager, tmp_path):
    watchers = WATCHERS["probe"](tmp_path)
    told = assert_as_bare(part, eager, watchers)
    assert len(told) == (part in REFUSED)
    assert bool(watchers[0].measurements) != (part in REFUSED)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("watching", ["board", "both"])
def test_the_python_of_a_layer_is_traced_as_often(optimizer, watching, tmp_path):
    """Once, or twice where the first step makes the slots of the optimizer."""
    assert_as_bare(CountsInPython, False, WATCHERS[watching](tmp_path), optimizer)


@pytest.mark.slow
@pytest.mark.broad(slow=4)
@pytest.mark.parametrize("watching", ["board", "both"])
@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("part", [*LAYERS, *LOSSES])
def test_a_training_is_the_bare_one_under_the_other_watchers(part, eager, watching, tmp_path):
    assert_as_bare(part, eager, WATCHERS[watching](tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("part", [CountsInVariable, loss_in_variable])
def test_what_writes_is_refused_before_it_is_run_with_the_reason(part):
    with pytest.warns(RuntimeWarning, match=r"AssignAddVariableOp|AssignVariableOp") as told:
        trained(part, False, WATCHERS["probe"](None))
    assert "keras.Variable" in str(told[0].message)


@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("part", [CountsInVariable, DrawsInPython, CountsInPython, loss_in_python])
def test_preflight_leaves_the_model_as_it_was(part):
    found = []
    for looks in (False, True):
        begin()
        model, own = network(part, False)
        if looks:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                preflight(model, X, Y, steps=0)
        found.append(seen_of(model, own))
    assert found[0] == found[1]


@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("part", [CountsInVariable, DrawsInPython, loss_in_variable, loss_in_closure])
def test_a_fault_is_traced_to_its_origin_without_effects(part):
    found = []
    for looks in (False, True):
        begin()
        model, own = network(part, True)
        if looks:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    origin_of(model, (X[:8], Y[:8]), is_spike=True)
                except backend.HasEffects:
                    assert part in REFUSED
        found.append(seen_of(model, own) | {"loss": float(model.train_on_batch(X[:8], Y[:8]))})
    assert found[0] == found[1]


@pytest.mark.slow
def test_layers_of_keras_keep_their_probe():
    """All of them write variables of Keras's, or draw by a seed that is one."""
    layers = keras.layers
    begin()
    model = keras.Sequential(
        [
            keras.Input((4, 3)),
            layers.SpectralNormalization(layers.Dense(5)),
            layers.BatchNormalization(),
            layers.GaussianNoise(0.1),
            layers.LSTM(4, dropout=0.2, recurrent_dropout=0.2, return_sequences=True),
            layers.Bidirectional(layers.GRU(3)),
            layers.Dropout(0.2),
            layers.Lambda(lambda x: x + keras.random.normal(keras.ops.shape(x), stddev=0.01)),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(32, 4, 3)).astype("float32")
    diagnosis = callbacks.Diagnosis((x, Y[:32]), "cheap", measure_every=1, verbose=False)
    model.fit(x, Y[:32], batch_size=16, epochs=2, verbose=0, callbacks=[diagnosis])
    assert diagnosis.measurements
    assert all("The probe was measured" in reason for reason in diagnosis.state.reasons if "probe" in reason)


def test_exact_moments_are_those_of_one_thread_and_are_given_back():
    theirs = keras_private._nn._compute_moments
    x = tf.constant(X)
    found = {}

    def slope_of_slope():
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                variance = keras.ops.moments(x, axes=[0])[1]
            slope = tf.reduce_sum(inner.gradient(variance, x) ** 2)
        return outer.gradient(slope, x).numpy()

    plain = slope_of_slope()
    first, second = keras_private.exact_moments(), keras_private.exact_moments()
    first.__enter__()
    thread = threading.Thread(target=lambda: found.update(other=slope_of_slope()))
    thread.start()
    thread.join()
    second.__enter__()
    exact = slope_of_slope()
    first.__exit__(None, None, None)
    still = slope_of_slope()
    second.__exit__(None, None, None)
    assert keras_private._nn._compute_moments is theirs
    np.testing.assert_array_equal(found["other"], plain)
    np.testing.assert_array_equal(still, exact)
    np.testing.assert_array_equal(slope_of_slope(), plain)
    assert not np.array_equal(exact, plain)


def test_an_objective_that_only_watches_leaves_what_python_keeps():
    model, layer = network(CountsInPython, False)
    before, tracked = layer.seen(), len(layer._layers)
    Objective(model, X, Y, watches=True).value(Objective(model, X, Y).theta())
    assert layer.seen() == before
    assert len(layer._layers) == tracked

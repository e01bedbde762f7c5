"""One result of every public function that returns one, for the test of their forms."""

import contextlib
import functools
import io
import tempfile

import keras
import numpy as np

import keras_ch8
from keras_ch8 import (
    callbacks,
    choosing,
    continuation,
    curvature,
    landscapes,
    monitors,
    optimizers,
    read_run,
    second_order,
    symmetries,
    training,
)
from keras_ch8.extend import Verdict
from keras_ch8.verdicts.state import state_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 4)).astype("float32")
Y = (np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:3]).astype("float32")


def network(depth=4, rate=0.05, activation="tanh", seed=0):
    keras.utils.set_random_seed(seed)
    hidden = [keras.layers.Dense(8, activation, name=f"hidden_{i + 1}") for i in range(depth)]
    model = keras.Sequential([keras.Input((4,)), *hidden, keras.layers.Dense(1, name="output")])
    model.compile(optimizers.SGD(rate), "mse")
    return model


@functools.cache
def training_of():
    """Return a model that has been trained for six epochs, and its weights before the first and after each."""
    model = network()
    weights = [model.get_weights()]
    for _ in range(6):
        model.fit(X, Y, verbose=0)
        weights.append(model.get_weights())
    return model, weights


def trained():
    return training_of()[0]


def cured():
    code = "model.optimizer.learning_rate = 0.05"
    lower = Verdict("step_too_long", "act", "It rises.", "Lower the rate.", "8.2.1", 5, code=code)
    return silently(keras_ch8.cure, lambda: network(rate=1.5), (X, Y), [lower], fit={"epochs": 3}, seeds=1)


def rosenbrock(x):
    return keras.ops.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rastrigin(x):
    return keras.ops.sum(10 + x**2 - 10 * keras.ops.cos(2 * np.pi * x))


def recurrent():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((20, 1)), keras.layers.SimpleRNN(8), keras.layers.Dense(1)])
    model.compile(loss="mse")
    return model


def normalized():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(8), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(loss="mse")
    return model


def norms():
    values = RNG.lognormal(0, 0.3, 400)
    values[[150, 300]] *= 60
    return values


def silently(function, *args, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*args, **options)


@functools.cache
def path():
    model, weights = training_of()
    return landscapes.interpolate(model, X, Y, trajectory=weights)


@functools.cache
def optimizers_compared():
    rates = {"learning_rate": (0.005, 0.5)}
    candidates = {name: choosing.Candidate(getattr(optimizers, name), rates) for name in ("SGD", "Momentum")}
    return choosing.compare(candidates, network, (X, Y), target=0.5, epochs=3, seeds=3, trials=2, verbose=0)


@functools.cache
def pretraining():
    model = keras.Sequential(
        [keras.Input((4,)), *(keras.layers.Dense(8, "relu") for _ in range(2)), keras.layers.Dense(1)]
    )
    model.compile(optimizers.SGD(0.05), "mse")
    return silently(training.pretrain_greedily, model, X, Y, epochs=3, fine_tune_epochs=3, verbose=0)


@functools.cache
def run():
    """Return what `read_run` says of a training with validation, an average, clipping and a verdict."""
    model = network()
    model.compile(optimizers.SGD(1e-7, global_clipnorm=0.5), "mse")
    watching = [callbacks.Diagnosis((X[:64], Y[:64]), measure_every=2, budget=None), callbacks.PolyakAveraging(0.9)]
    with tempfile.TemporaryDirectory() as folder:
        board = callbacks.TensorBoard(folder)
        model.fit(X, Y, epochs=8, validation_data=(X[:64], Y[:64]), callbacks=[board, *watching], verbose=0)
        return read_run(folder)


RESULTS = {
    "state_of": lambda: state_of([], applicable=["cliff", "saddle"], reasons=["There is no probe. Pass one."]),
    "find_learning_rate": lambda: choosing.find_learning_rate(network(), X, Y, steps=100),
    "compare_learning_rates": lambda: choosing.compare_learning_rates(network(), X, Y, steps=20),
    "check_initialization": lambda: training.check_initialization(network(), X, Y),
    "preflight": lambda: keras_ch8.preflight(network(activation="relu"), 100 * X, Y),
    "scale_to_data": lambda: training.scale_to_data(network(), X),
    "compare": optimizers_compared,
    "cure": cured,
    "a difference of two optimizers": lambda: next(iter(optimizers_compared().differences().values())),
    "pretrain_greedily": pretraining,
    "a stage": lambda: pretraining().stages[0],
    "minimize": lambda: second_order.minimize(rosenbrock, np.full(10, -1.0)),
    "minimize by continuation": lambda: continuation.minimize(rastrigin, np.array([3.3, -2.2]), [1.0, 0.5, 0.25]),
    "lanczos": lambda: curvature.lanczos(trained(), X, Y),
    "matrix_power": lambda: curvature.matrix_power(np.diag([1.1, 0.9, 0.5]), np.ones(3), 20),
    "check_gradient": lambda: curvature.check_gradient(network(), X, Y),
    "interpolate": path,
    "its trajectory": lambda: path().trajectory,
    "balance": lambda: symmetries.balance(network(activation="relu"), "hidden_1"),
    "layer_flow": lambda: monitors.layer_flow(network(12), X, Y),
    "batch_statistics": lambda: monitors.batch_statistics(normalized(), X, Y),
    "time_horizon": lambda: monitors.time_horizon(recurrent(), RNG.normal(size=(64, 20, 1)), np.ones((64, 1)))[0],
    "cliff": lambda: monitors.cliff(norms()),
    "spectrum": lambda: monitors.spectrum(network(), X, Y),
    "gradient_noise": lambda: monitors.gradient_noise(network(), X, Y),
    "gradient_norm": lambda: monitors.gradient_norm(network(), X, Y),
    "step_length": lambda: monitors.step_length(trained(), X, Y, network().get_weights()),
    "read_run": run,
    "a curve of it": lambda: run()["step/loss"],
}
"""By what they are called: functions that make one."""

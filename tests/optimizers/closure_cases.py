"""Small trainings with the optimizers of section 8.6, and what is run of them in a process of its own.

`python -m tests.optimizers.closure_cases CASE...` forks for each case and prints a line of JSON with what it returned.
"""

import json
import os
import subprocess
import sys
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from keras_ch8 import optimizers as ours

NAMES = [
    "BFGS", "ConjugateGradient", "LBFGS", "LevenbergMarquardt", "Newton", "SaddleFreeNewton", "SteepestDescent",
    "TruncatedNewton",
]  # fmt: skip
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype("float32")
Y = np.tanh(X @ RNG.normal(size=(3, 2)) + 0.5).astype("float32")


def network(optimizer, loss="mse", layers=None, kind=keras.Sequential, **options):
    keras.utils.set_random_seed(1)
    layers = layers or [keras.layers.Dense(4, "tanh"), keras.layers.Dense(2)]
    model = kind([keras.Input((3,)), *layers])
    model.compile(optimizer, loss, **options)
    return model


def fit(model, epochs=1, x=X, y=Y, **options):
    options = {"batch_size": len(X), "verbose": 0, "shuffle": False} | options
    return model.fit(x, y, epochs=epochs, **options).history


def flat(model):
    return np.concatenate([v.numpy().ravel() for v in model.trainable_variables])


def resumed(path):
    """Go on with a saved model for three more steps; return its weights and the state of its optimizer."""
    model = keras.models.load_model(path)
    fit(model, epochs=3)
    return digits(model)


def digits(model):
    return [v.numpy().astype("float64").ravel().tolist() for v in [*model.variables, *model.optimizer.variables]]


def adam():
    """Train with Adam, where no optimizer that wants the loss has been made."""
    assert not hasattr(keras.Model.train_step, "is_of_keras_ch8")
    model = network("adam")
    fit(model, epochs=5, batch_size=8)
    return digits(model)


def strategy():
    """Return how a strategy of two replicas is refused."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        model = network(ours.LBFGS())
    try:
        fit(model)
    except ValueError as error:
        return str(error)
    return "not refused"


def run(*cases):
    """Run cases elsewhere; return what each has returned."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.optimizers.closure_cases", *cases]
    done = subprocess.run(command, capture_output=True, text=True, timeout=570)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip(cases, map(json.loads, done.stdout.splitlines()), strict=True))


def main():
    for case in sys.argv[1:]:
        name, *rest = case.split(":")
        read, write = os.pipe()
        if os.fork() == 0:
            os.close(read)
            try:
                result = {"adam": adam, "resumed": resumed, "strategy": strategy}[name](*rest)
            except BaseException:
                result = traceback.format_exc()
            with os.fdopen(write, "w") as pipe:
                json.dump(result, pipe)
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            sys.stdout.write(pipe.read() + "\n")
            sys.stdout.flush()
        os.wait()


if __name__ == "__main__":
    main()

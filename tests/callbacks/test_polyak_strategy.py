"""Two replicas average as one device does; each case in a process of its own (see tests.optimizers.strategy_cases)."""

import json
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, layers, optimizers
from tests.forked import print_each

CASES = {
    "ours": (lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2), {"norm": True}),
    "Keras": (lambda: keras.optimizers.SGD(0.1), {"policy": "mixed_float16"}),
}


def train(optimizer, setting):
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(setting.get("policy", "float32"))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 8)).astype("float32"), rng.normal(size=(64, 1)).astype("float32")
    norm = [layers.BatchNormalization(synchronized=True)] if setting.get("norm") else []
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, "tanh"), *norm, keras.layers.Dense(1)])
    model.compile(optimizer(), "mse")
    average = callbacks.PolyakAveraging(0.8, evaluate="both")
    data = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0, "validation_data": (x, y)}
    history = model.fit(x, y, callbacks=[average], **data).history
    return model, average, history


def flat(weights):
    return np.concatenate([np.asarray(w, "float64").ravel() for w in weights])


def run_case(case):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    _, alone, history_alone = train(*CASES[case])
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        model, together, history = train(*CASES[case])
    copies = [[c.numpy().astype("float64") for c in v.value.values] for v in model.trainable_variables]
    return {
        "updates": [alone.updates, together.updates],
        "average": float(np.abs(flat(alone.weights) - flat(together.weights)).max()),
        "raw": float(np.abs(flat(alone.raw_weights) - flat(together.raw_weights)).max()),
        "apart": float(np.abs(flat(together.weights) - flat(together.raw_weights)).max()),
        "final": float(np.abs(flat(model.get_weights()) - flat(together.weights)).max()),
        "between": max(float(np.abs(a - b).max()) for a, b in copies),
        "loss": abs(history_alone["val_loss_average"][-1] - history["val_loss_average"][-1]),
    }


@pytest.fixture(scope="module")
def found():
    command = [sys.executable, "-W", "ignore", "-m", "tests.callbacks.test_polyak_strategy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return {row.pop("case"): row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_two_replicas_average_as_one_device(case, found):
    row = found[case]
    assert "error" not in row, row["error"]
    assert row["updates"] == [6 if case == "ours" else 12] * 2
    limit = 1e-3 if case == "Keras" else 1e-6  # its forward pass rounds to 11 bits, halves of a batch another way
    assert max(row["average"], row["raw"], row["loss"]) < limit
    assert row["apart"] > 1e-3
    assert row["final"] == row["between"] == 0.0


if __name__ == "__main__":
    print_each(run_case, sys.argv[1:] or CASES)

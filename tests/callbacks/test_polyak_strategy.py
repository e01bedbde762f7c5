"""Two replicas average as one device does; each case in a process of its own."""

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, layers, optimizers
from tests import forked
from tests.marks import mostly

pytestmark = pytest.mark.filterwarnings("ignore:.*so the average mostly covers its start")  # of a few updates

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
    average = callbacks.PolyakAveraging(0.8)
    data = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0, "validation_data": (x, y)}
    history = model.fit(x, y, callbacks=[average], **data).history
    return model, average, history


def flat(weights):
    return np.concatenate([np.asarray(w, "float64").ravel() for w in weights])


def run_case(case):
    strategy = forked.two_replicas()
    _, alone, history_alone = train(*CASES[case])
    with strategy.scope():
        model, together, history = train(*CASES[case])
    copies = [[c.numpy().astype("float64") for c in v.value.values] for v in model.trainable_variables]
    return {
        "updates": [alone.updates, together.updates],
        "average": float(np.abs(flat(alone.weights) - flat(together.weights)).max()),
        "raw": float(np.abs(flat(alone.raw_weights) - flat(together.raw_weights)).max()),
        "apart": float(np.abs(flat(together.weights) - flat(together.raw_weights)).max()),
        "final": float(np.abs(flat(model.get_weights()) - flat(together.weights)).max()),
        "between": max(float(np.abs(a - b).max()) for a, b in copies),
        "loss": abs(history_alone["val_loss"][-1] - history["val_loss"][-1]),
    }


@pytest.mark.slow
@pytest.mark.parametrize("case", mostly(pytest.mark.full, CASES, "ours"))
def test_two_replicas_average_as_one_device(case):
    row = forked.call(run_case, case)
    assert row["updates"] == [6 if case == "ours" else 12] * 2
    limit = 1e-3 if case == "Keras" else 1e-6  # its forward pass rounds to 11 bits, halves of a batch differently
    assert max(row["average"], row["raw"], row["loss"]) < limit
    assert row["apart"] > 1e-3
    assert row["final"] == row["between"] == 0.0

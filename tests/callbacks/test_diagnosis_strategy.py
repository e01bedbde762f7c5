"""A training on two replicas is diagnosed as one on one device, and its rate is lowered alike."""

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, data, optimizers, schedules
from tests import forked


def train():
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(256, 8)).astype("float32")
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
    model.compile(optimizers.SGD(1e-6), "mse")
    diagnosis = callbacks.Diagnosis((x[:64], x[:64, :1]), verbose=0)
    plateau = callbacks.LearningRateDecay(schedules.ReduceOnPlateau("loss", patience=1, min_delta=1.0))
    data = {"batch_size": 16, "epochs": 6, "shuffle": False, "verbose": 0}
    model.fit(x, x[:, :1], callbacks=[diagnosis, plateau], **data)
    verdicts = [(verdict.kind, verdict.level, verdict.cure) for verdict in diagnosis.verdicts]
    return verdicts, float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


def on_two_replicas():
    with forked.two_replicas().scope():
        return train()


@pytest.mark.slow
def test_two_replicas_are_diagnosed_as_one_device():
    together, alone = forked.call(on_two_replicas), forked.call(train)
    assert "step_too_short" in [kind for kind, _, _ in alone[0]]
    assert together[0] == alone[0]
    assert together[1] == alone[1] < 1e-6


def found_in(kind):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(128, 8)).astype("float32")
    y = x[:, :1].copy()
    x[30, 3] = np.nan
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile(optimizers.SGD(0.01), "mse")
    given = {"x": x, "y": y, "batch_size": 32} if kind == "arrays" else {"x": data.ArraySource(x, y, seed=0)}
    diagnosis = callbacks.Diagnosis((x[64:], y[64:]), "cheap", verbose=0)
    model.fit(**given, verbose=0, callbacks=[diagnosis])
    return sorted((v.kind, v.level, v.finding) for v in diagnosis.verdicts if v.level == "act")


def found_on_two_replicas(kind):
    with forked.two_replicas().scope():
        return found_in(kind)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("kind", ["arrays", "source"])
def test_what_is_wrong_with_the_data_is_seen_on_two_replicas_as_on_one_device(kind):
    together, alone = forked.call(found_on_two_replicas, kind), forked.call(found_in, kind)
    assert "bad_inputs" in [of for of, _, _ in alone]
    assert together == alone

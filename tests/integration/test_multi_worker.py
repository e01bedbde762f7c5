"""Two workers, each a process, train as one process does, with much of the suite at once."""

import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8 import callbacks, clipping, data, layers, optimizers
from keras_ch8.integration import backend, multi_worker
from tests import forked

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 8)).astype("float32")
Y = (X @ RNG.normal(size=(8, 1))).astype("float32")


def first_order():
    """Clipping, accumulation, averages, statistics of all replicas, early stopping and the diagnosis at once."""
    normalize = layers.BatchNormalization(synchronized=True)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, "tanh"), normalize, keras.layers.Dense(1)])
    clip = clipping.ByGlobalNorm(1.0)
    model.compile(optimizers.Adam(0.05, clip=clip, gradient_accumulation_steps=2, skip_nonfinite=True), "mse")
    watching = [
        callbacks.PolyakAveraging(0.8), callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True),
        callbacks.LearningRateDecay(lambda epoch, rate: rate / 2), callbacks.Diagnosis((X, Y), verbose=0),
    ]  # fmt: skip
    return model, watching, {"x": data.ArraySource(X, Y, batch_size=16, seed=3)}


def kerass_own():
    """Keras's optimizer with clipping by a callback, on arrays."""
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, "tanh"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    return (
        model,
        [callbacks.ClipGradients(clipping.ByGlobalNorm(0.5))],
        {"x": X, "y": Y, "batch_size": 16, "shuffle": False},
    )


CASES = {"ours": first_order, "Keras": kerass_own}


def train(case, strategy, folder):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model, watching, given = CASES[case]()
    board = [callbacks.TensorBoard(folder)] if folder else []
    fitted = model.fit(**given, epochs=4, validation_data=(X, Y), verbose=0, callbacks=[*watching, *board])
    diagnosed = [w for w in watching if isinstance(w, callbacks.Diagnosis)]
    return {
        "weights": [np.asarray(w, "float64") for w in model.get_weights()],
        "history": fitted.history,
        "evaluated": model.evaluate(X, Y, verbose=0, return_dict=True)["loss"],
        "verdicts": [[(v.kind, v.level) for v in d.verdicts] for d in diagnosed],
        "hooks": [hook.replaces for hook in keras_ch8.integration.hooks()],
    }


def worker(case, index, ports, folder):
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
    return train(case, tf.distribute.MultiWorkerMirroredStrategy(), folder)


def alone(case):
    return train(case, tf.distribute.get_strategy(), None)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.mark.parametrize(
    "case", [pytest.param("ours", marks=pytest.mark.slow), pytest.param("Keras", marks=pytest.mark.full)]
)
def test_two_workers_train_as_one_process(case, tmp_path):
    ports = free_ports(2)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(forked.call, worker, case, i, ports, str(tmp_path)) for i in range(2)]
        both = [each.result() for each in waiting]
    single = forked.call(alone, case)
    for one in both:
        for mine, its, others in zip(single["weights"], one["weights"], both[0]["weights"], strict=True):
            np.testing.assert_array_equal(its, others)
            np.testing.assert_allclose(its, mine, atol=1e-6)
        assert one["history"].keys() == single["history"].keys()
        for name, values in single["history"].items():
            np.testing.assert_allclose(one["history"][name], values, rtol=1e-5)
        np.testing.assert_allclose(one["evaluated"], single["evaluated"], rtol=1e-5)
        assert one["verdicts"] == single["verdicts"]
        assert {multi_worker.BUILD, multi_worker.REDUCE} <= set(one["hooks"])
    assert not {multi_worker.BUILD, multi_worker.REDUCE} & set(single["hooks"])
    assert [path.name for path in tmp_path.iterdir()] == ["optimization"]  # which the chief alone has written
    assert len(list((tmp_path / "optimization").glob("*tfevents*"))) == 1


def test_keras_is_repaired_for_several_workers_alone():
    assert not backend.is_multi_worker()
    optimizers.Adam()
    multi_worker.prepare(tf.distribute.get_strategy(), "nobody")
    assert not {multi_worker.BUILD, multi_worker.REDUCE} & {hook.replaces for hook in keras_ch8.integration.hooks()}


def test_parameter_servers_are_refused_with_the_strategy_to_use():
    unconnected = object.__new__(tf.distribute.ParameterServerStrategy)  # its constructor waits for the servers
    with pytest.raises(ValueError, match=r"`Adam` works with .*Use `tf.distribute.MultiWorkerMirroredStrategy"):
        multi_worker.prepare(unconnected, "Adam")

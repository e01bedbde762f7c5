"""Two workers, each a process, train as one process does, with much of the suite at once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8 import callbacks, clipping, data, layers, optimizers
from keras_ch8.integration import backend, multi_worker
from tests import forked
from tests.integration import workers

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


SEEN = []
"""Of each batch that this process has trained on, whether there was a NaN in it."""


class NotesNan(keras.layers.Layer):
    """Passes on what comes, and notes what there was."""

    def call(self, x, training=False):
        if training:
            tf.numpy_function(lambda values: SEEN.append(bool(np.isnan(values).any())), [x], [])
        return x


def one_nan():
    """A NaN in an example of the second batch, which only the second worker is given."""
    parts = [keras.layers.Dense(6, "tanh"), layers.BatchNormalization(synchronized=True), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((8,)), NotesNan(), *parts])
    model.compile(optimizers.Adam(0.05, skip_nonfinite=True), "mse", metrics=["mae"])
    x = X.copy()
    x[30, 3] = np.nan
    return model, [], {"x": data.ArraySource(x, Y, batch_size=16, shuffle=False)}


def bad_inputs():
    """A NaN that the first look at the data finds."""
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile(optimizers.Adam(0.05, skip_nonfinite=True), "mse")
    x = X.copy()
    x[30, 3] = np.nan
    given = {"x": data.ArraySource(x, Y, batch_size=16, seed=3)}
    return model, [callbacks.Diagnosis((X, Y), "cheap", verbose=0)], given


CASES = {"ours": first_order, "Keras": kerass_own, "NaN": one_nan, "bad inputs": bad_inputs}


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
        "skipped": getattr(model.optimizer, "skipped_steps", 0),
        "batches_with_nan": np.flatnonzero(SEEN).tolist(),
        "hooks": [hook.replaces for hook in keras_ch8.integration.hooks()],
    }


def worker(index, ports, case, folder):
    return train(case, workers.strategy(index, ports), folder)


def alone(case):
    return train(case, tf.distribute.get_strategy(), None)


@pytest.mark.parametrize(
    "case", [pytest.param("ours", marks=pytest.mark.slow), pytest.param("Keras", marks=pytest.mark.full)]
)
def test_two_workers_train_as_one_process(case, tmp_path):
    check_two_workers_train_as_one_process(case, tmp_path)


@pytest.mark.slow
def test_a_nan_for_one_of_two_workers_is_skipped_by_both(tmp_path):
    both, single = check_two_workers_train_as_one_process("NaN", tmp_path)
    assert [one["batches_with_nan"] for one in (*both, single)] == [[], [1, 5, 9, 13], [1, 5, 9, 13]]
    assert [one["skipped"] for one in (*both, single)] == [4, 4, 4]
    assert all(np.isfinite(weights).all() for weights in both[0]["weights"])


@pytest.mark.full
def test_two_workers_see_what_is_wrong_with_the_data_as_one_process_does(tmp_path):
    _, single = check_two_workers_train_as_one_process("bad inputs", tmp_path)
    assert ("bad_inputs", "act") in single["verdicts"][0]


def check_two_workers_train_as_one_process(case, tmp_path):
    """Train with two workers and in one process, and return what they came to."""
    both = workers.together(worker, case, str(tmp_path))
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
    return both, single


def test_keras_is_repaired_for_several_workers_alone():
    assert not backend.is_multi_worker()
    optimizers.Adam()
    multi_worker.prepare(tf.distribute.get_strategy(), "nobody")
    assert not {multi_worker.BUILD, multi_worker.REDUCE} & {hook.replaces for hook in keras_ch8.integration.hooks()}


def test_parameter_servers_are_refused_with_the_strategy_to_use():
    unconnected = object.__new__(tf.distribute.ParameterServerStrategy)  # its constructor waits for the servers
    with pytest.raises(ValueError, match=r"`Adam` works with .*Use `tf.distribute.MultiWorkerMirroredStrategy"):
        multi_worker.prepare(unconnected, "Adam")

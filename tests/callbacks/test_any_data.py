"""With data of any form, a training that is watched ends bit for bit as the bare one, and decides as it."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks
from keras_ch8.data import ArraySource
from tests import forked

X = np.random.default_rng(0).normal(size=(96, 4)).astype("float32")
Y = (np.tanh(X @ np.ones((4, 1))) + 0.3 * np.random.default_rng(1).normal(size=(96, 1))).astype("float32")
TRAIN, HELD_OUT = slice(0, 64), slice(64, 96)


def rows(part):
    return tf.data.Dataset.from_tensor_slices((X[part], Y[part]))


def batches(part=TRAIN):
    return rows(part).batch(16)


def shuffled(part=TRAIN, seed=None, batch=16):
    return rows(part).shuffle(64, seed=seed).batch(batch)


def generated(part=TRAIN, batch=16):
    """Yield batches that are drawn, without end."""
    rng = np.random.default_rng(0)
    while True:
        drawn = rng.permutation(np.arange(96)[part])[:batch]
        yield X[drawn], Y[drawn]


class Rows(keras.utils.PyDataset):
    """Batches in an order that changes after each epoch, with noise."""

    def __init__(self, part, batch=16, noise=0.1, **options):
        super().__init__(**options)
        self._rows, self._batch, self._noise = np.arange(96)[part], batch, noise
        self._rng, self._order = np.random.default_rng(0), np.random.default_rng(0)

    def __len__(self):
        return len(self._rows) // self._batch

    def __getitem__(self, i):
        drawn = self._rows[self._batch * i : self._batch * (i + 1)]
        return X[drawn] + self._rng.normal(0.0, self._noise, (len(drawn), 4)), Y[drawn]

    def on_epoch_end(self):
        self._order.shuffle(self._rows)


def parted(seed=None):
    whole = rows(slice(None)).shuffle(96, seed=seed)
    return {"x": whole.skip(32).batch(16), "validation_data": whole.take(32).batch(8)}


def noisy(part, layer):
    return rows(part).batch(8).map(lambda x, y: (layer(x, training=True), y))


def noisy_both():
    layer = keras.layers.GaussianNoise(0.5, seed=1)
    return {"x": noisy(TRAIN, layer), "validation_data": noisy(HELD_OUT, layer)}


def flipped(part):
    return rows(part).map(lambda x, y: (x * tf.sign(tf.random.normal((4,))), y)).batch(8)


def is_small(x, y):
    return x[0, 0] < 2.0


def as_classes(x, y):
    return x, tf.cast(y[:, 0] > 0, tf.int32)


def one_for_both():
    data = shuffled(seed=3)
    return {"x": data, "validation_data": data, "validation_steps": 2}


def both(train, held_out, **options):
    return {"x": train, "validation_data": held_out, **options}


ARRAYS = {"x": X[TRAIN], "y": Y[TRAIN], "batch_size": 16}
FORMS = {
    "validation_steps": lambda: ARRAYS | {"validation_data": shuffled(HELD_OUT, 5, 8), "validation_steps": 2},
    "one for both": one_for_both,
    "parts of a shuffle": lambda: parted(3),
    "PyDataset": lambda: both(Rows(TRAIN), Rows(HELD_OUT, 8)),
    "generator": lambda: both(generated(), generated(HELD_OUT, 8), steps_per_epoch=4, validation_steps=2),
    "a layer with noise": noisy_both,
    "shuffled without a seed": lambda: both(shuffled(), shuffled(HELD_OUT, batch=8)),
    "shuffled by a seed": lambda: both(shuffled(seed=1), shuffled(HELD_OUT, 2, 8)),
    "random numbers in a map": lambda: both(flipped(TRAIN), flipped(HELD_OUT)),
    "validation_freq": lambda: both(shuffled(seed=1), shuffled(HELD_OUT, 2, 8), validation_freq=2),
    "parts of a shuffle without a seed": parted,
    "arrays": lambda: ARRAYS | {"validation_data": (X[HELD_OUT], Y[HELD_OUT])},
    "validation_split": lambda: {"x": X, "y": Y, "batch_size": 16, "validation_split": 0.3},
    "in order": lambda: both(batches(), batches(HELD_OUT), validation_steps=1),
    "without end": lambda: both(
        shuffled(seed=1).repeat(), shuffled(HELD_OUT, 2, 8).repeat(), steps_per_epoch=3, validation_steps=3
    ),
    "of unknown length": lambda: both(shuffled(seed=1).filter(is_small), shuffled(HELD_OUT, 2, 8).filter(is_small)),
    "several workers": lambda: both(Rows(TRAIN, noise=0.0, workers=2), Rows(HELD_OUT, 8)),
    "sources": lambda: both(ArraySource(X[TRAIN], Y[TRAIN], batch_size=16), ArraySource(X[HELD_OUT], Y[HELD_OUT])),
    "weights": lambda: ARRAYS | {"sample_weight": X[TRAIN, 0] ** 2, "validation_data": shuffled(HELD_OUT, 5, 8)},
    "weights of classes": lambda: both(
        shuffled(seed=1).map(as_classes), shuffled(HELD_OUT, 2, 8), class_weight={0: 1.0, 1: 3.0}
    ),
}
"""Arguments of `fit`."""

PROBES = {
    "validation": lambda given: given.get("validation_data"),
    "training": lambda given: given["x"] if "y" not in given else None,
    "part": lambda given: part_of(given.get("validation_data")),
    "none": lambda given: None,
    "arrays": lambda given: (X[HELD_OUT], Y[HELD_OUT]),
}
"""What may be the probe, given the arguments of `fit`."""


def part_of(data):
    return data.take(1).unbatch().batch(64) if isinstance(data, tf.data.Dataset) else data


def watchers(probe, folder):
    if not isinstance(probe, tuple | tf.data.Dataset | keras.utils.PyDataset | ArraySource):
        probe = None  # a generator, which is refused
    diagnosis = callbacks.Diagnosis(probe, "cheap", measure_every=2, budget=None, verbose=False)
    return [callbacks.TensorBoard(folder / "logs"), callbacks.GradientClippingLogger(), diagnosis]


def network():
    layers = [keras.Input((4,)), keras.layers.Dense(4, "tanh"), keras.layers.Dropout(0.2), keras.layers.Dense(1)]
    return keras.Sequential(layers)


def trained(form, folder, watch=None, epochs=4, steps_at_once=1, **compiled):
    """Return what a training has left: history, weights, and what Keras's callbacks have decided."""
    keras.utils.set_random_seed(7)
    given = FORMS[form]()
    model = network()
    model.compile(keras.optimizers.SGD(0.1), "mse", steps_per_execution=steps_at_once, **compiled)
    keep = keras.callbacks.ModelCheckpoint(
        folder / "best.weights.h5", "val_loss", save_best_only=True, save_weights_only=True
    )
    stop = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    slow = keras.callbacks.ReduceLROnPlateau(patience=0, min_delta=0.05, cooldown=0)
    watching = [] if watch is None else watch(given)
    with warnings.catch_warnings():
        for told in ("`shuffle=True`", ".*ran out of data", "(Early|Learning|Can save)", "`Diagnosis` measures on the"):
            warnings.filterwarnings("ignore", told, UserWarning)
        history = model.fit(**given, epochs=epochs, verbose=0, callbacks=[*watching, keep, stop, slow]).history
    decided = [
        keep.best,
        stop.best,
        stop.best_epoch,
        stop.stopped_epoch,
        slow.best,
        slow.wait,
    ]
    return history, [w.tobytes() for w in model.get_weights()], decided


def same(form, probe, folder, **options):
    bare = trained(form, folder, **options)
    watched = trained(form, folder, lambda given: watchers(PROBES[probe](given), folder), **options)
    for one, other in zip(watched, bare, strict=True):
        assert one == other


@pytest.mark.slow
@pytest.mark.broad(slow=4)
@pytest.mark.parametrize("form", FORMS)
def test_a_probe_that_is_the_validation_data_changes_nothing(form, tmp_path):
    same(form, "validation", tmp_path)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize(
    ("form", "steps_at_once"),
    # Of a generator, several steps at once read ahead in a race: the bare training does not end alike twice.
    [(form, steps) for form in FORMS for steps in (1, 3) if (form, steps) != ("generator", 3)],
)
@pytest.mark.parametrize("probe", [probe for probe in PROBES if probe != "validation"])
def test_no_probe_changes_anything(form, probe, steps_at_once, tmp_path):
    same(form, probe, tmp_path, steps_at_once=steps_at_once)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.slow
def test_the_step_without_data_at_the_end_of_unknown_length_does_what_it_does_bare(tmp_path):
    """What of it needs no data, the count of steps and weight decay, is a race against the end: 60 of them here."""

    def ended(*watching):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "tanh"), keras.layers.Dense(1)])
        model.compile(keras.optimizers.AdamW(0.01, weight_decay=0.1), "mse")
        data = batches().filter(lambda x, y: tf.shape(x)[0] > 0)
        model.fit(data, epochs=60, shuffle=False, verbose=0, callbacks=list(watching))
        return int(model.optimizer.iterations), [np.array(v).tobytes() for v in model.variables]

    assert ended(callbacks.TensorBoard(tmp_path)) == ended()


@pytest.mark.slow
def test_where_xla_compiles_the_step_no_number_differs_by_more_than_rounding(tmp_path):
    bare = trained("parts of a shuffle", tmp_path, jit_compile=True)
    watched = trained("parts of a shuffle", tmp_path, lambda given: watchers(given["x"], tmp_path), jit_compile=True)
    for name, values in bare[0].items():
        np.testing.assert_allclose(watched[0][name], values, rtol=1e-5)
    for one, other in zip(watched[1], bare[1], strict=True):
        np.testing.assert_allclose(np.frombuffer(one, "float32"), np.frombuffer(other, "float32"), rtol=1e-5)


def on_two_replicas(folder):
    with forked.two_replicas().scope():
        same("parts of a shuffle", "validation", folder, epochs=2)


@pytest.mark.slow
def test_on_two_replicas_a_probe_that_is_the_validation_data_changes_nothing(tmp_path):
    forked.call(on_two_replicas, tmp_path)

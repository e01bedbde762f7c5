"""Where a training goes on, by what it reads."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8.callbacks import Resume

from .resuming import STEPS, Died, X, Y, assert_same, interrupted, small_model, train

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*ran out of data", "ignore:`shuffle=True` was passed, but will be ignored"
)


@pytest.fixture
def resume(tmp_path):
    def make(every="2ba", **arguments):
        return Resume(tmp_path / "states", every, **arguments)

    return make


def dataset(seed=7, batches=1):
    shuffled = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(70, seed=seed)
    return shuffled.batch(16)


def of_unknown_length():
    shuffled = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(70, seed=7)
    return shuffled.filter(lambda x, y: True).batch(16)


def without_end():
    return dataset().repeat()


def without_seed():
    tf.random.set_seed(None)  # with one of the process, shuffles are the same in each
    return tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(70).batch(16)


def constant_rate():
    return small_model(keras_ch8.optimizers.Adam(0.01))


EXACT = {
    "arrays": {"data": lambda: (X, Y), "batch_size": 16},
    "arrays in order": {"data": lambda: (X, Y), "batch_size": 16, "shuffle": False},
    "arrays with a split": {"data": lambda: (X, Y), "batch_size": 16, "validation_split": 0.2, "validation_data": None},
    "dataset": {"data": dataset},
    "dataset of unknown length": {"data": of_unknown_length, "model": constant_rate},
    "dataset without end": {"data": without_end, "steps_per_epoch": STEPS},
    "several at once": {"data": dataset, "model": lambda: small_model(steps_per_execution=2)},
}


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("name", EXACT)
def test_it_goes_on_at_the_very_batch(name, resume, tmp_path, capsys):
    script = EXACT[name]
    one = train(Resume(tmp_path / "whole", "2ba"), **script)
    other = interrupted(resume, (8,), **script)
    assert ", after 0 of its batches" not in capsys.readouterr().out
    assert_same(other, one)


@pytest.mark.parametrize(
    "script",
    [
        {"data": lambda: (X, Y), "batch_size": 16, "shuffle": False},
        {"data": dataset},
        {"data": of_unknown_length, "model": constant_rate},
        {"data": without_end, "steps_per_epoch": STEPS},
    ],
)
@pytest.mark.slow
def test_it_changes_nothing(script, resume):
    assert_same(train(resume(), **script), train(**script))


def test_arrays_are_read_through_a_source_and_this_is_said(resume, capsys):
    train(resume(), data=lambda: (X, Y), batch_size=16, verbose=2, epochs=1)
    assert capsys.readouterr().out.count("ArraySource(batch_size=16, shuffle=True)") == 1


class Sequence(keras.utils.PyDataset):
    def __len__(self):
        return STEPS

    def __getitem__(self, i):
        return X[i * 16 : (i + 1) * 16], Y[i * 16 : (i + 1) * 16]


def generator():
    while True:
        for i in range(STEPS):
            yield X[i * 16 : (i + 1) * 16], Y[i * 16 : (i + 1) * 16]


AT_EPOCHS = {
    "without a seed": ({"data": without_seed}, "it is shuffled without a `seed`"),
    "cut off": ({"data": dataset, "steps_per_epoch": 3}, "`steps_per_epoch` is given for data that end"),
    "PyDataset": ({"data": lambda: Sequence(workers=1), "shuffle": False}, "`PyDataset`"),
    "generator": ({"data": generator, "steps_per_epoch": STEPS}, "a generator can only be begun anew"),
    "arrays cut off": ({"data": lambda: (X, Y), "batch_size": 16, "steps_per_epoch": 4}, "makes other epochs"),
}


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("name", AT_EPOCHS)
def test_otherwise_it_goes_on_at_the_beginning_of_an_epoch_and_says_why(name, resume, capsys):
    script, why = AT_EPOCHS[name]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        run = interrupted(lambda: resume("1ep"), (8,), verbose=2, epochs=3, **script)
    said = capsys.readouterr().out
    assert why in said + " ".join(str(each.message) for each in told)
    assert ", after 0 of its batches" in said
    assert run.epochs == [0, 1, 2]
    if "cut off" not in name:  # there Keras's epochs are not equally long
        assert int(run.model.optimizer.iterations) == 3 * STEPS


@pytest.mark.filterwarnings("ignore:.*ends otherwise than one without")
@pytest.mark.parametrize("name", ["PyDataset", "generator"])
@pytest.mark.slow
def test_what_is_the_same_in_every_epoch_is_exact(name, resume):
    script, _ = AT_EPOCHS[name]
    assert_same(interrupted(lambda: resume("1ep"), (8,), **script), train(**script))


@pytest.mark.slow
def test_initial_epoch_begins_with_that_epoch_of_a_source():
    """F5: the order of an epoch is that of Keras's epoch."""
    seen = []

    class Order(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append((epoch, examples.epoch))

    examples = keras_ch8.data.ArraySource(X, Y, batch_size=16, seed=3)
    model = small_model()
    model.fit(examples, initial_epoch=5, epochs=7, callbacks=[Order()], verbose=0)
    assert seen == [(5, 5), (6, 6)]


@pytest.mark.slow
def test_other_data_begin_with_the_epoch_where_that_is_allowed(resume):
    with pytest.raises(Died):
        train(resume(), 8, data=lambda: (X, Y), batch_size=16)
    more = np.concatenate([X, X]), np.concatenate([Y, Y])
    run = train(resume(allow=["data"]), data=lambda: more, batch_size=16)
    assert int(run.model.optimizer.iterations) == 7 + 2 * 9


@pytest.mark.slow
def test_a_data_set_goes_on_where_no_source_has_put_the_hook_into_keras(tmp_path):
    keras_ch8.integration.uninstall()
    other = interrupted(lambda: Resume(tmp_path / "states", "2ba"), (8,), data=dataset)
    assert_same(other, train(data=dataset))

"""How a training goes on, by what it reads: every row of the table in docs/guide/order.md, and a few more."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8

from .resuming import STEPS, Died, X, Y, assert_same, interrupted, small_model, source, train

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*ran out of data", "ignore:`shuffle=True` was passed, but will be ignored"
)
AT_BATCH, AT_EPOCH, DIFFERS = (
    "at the exact batch",
    "at the beginning of the epoch",
    "different examples or a different order",
)


def rows():
    return tf.data.Dataset.from_tensor_slices((X, Y))


def dataset():
    return rows().shuffle(70, seed=7).batch(16)


def seeded_by_the_process():
    keras.utils.set_random_seed(2)
    return rows().shuffle(70).batch(16)


def unseeded():
    tf.random.set_seed(None)
    return rows().shuffle(70).batch(16)


def with_random_map():
    return dataset().map(lambda x, y: (x + tf.random.normal(tf.shape(x)), y))


def with_layer_in_map():
    noise, generator = keras.layers.GaussianNoise(1.0, seed=4), tf.random.Generator.from_seed(5)

    def changed(x, y):
        return noise(x, training=True) + generator.normal(tf.shape(x)), y

    return dataset().map(changed).prefetch(2)


def with_parallel_map():
    noise = keras.layers.GaussianNoise(1.0, seed=4)
    return dataset().map(lambda x, y: (noise(x, training=True), y), num_parallel_calls=2)


def calling_numpy():
    def doubled(x, y):
        return tf.ensure_shape(tf.numpy_function(lambda a: 2 * a, [x], tf.float32), [None, 6]), y

    return dataset().map(doubled)


def drawing_in_numpy():
    rng = np.random.default_rng(0)

    def changed(x, y):
        noisy = tf.numpy_function(lambda a: a + rng.normal(size=a.shape).astype("float32"), [x], tf.float32)
        return tf.ensure_shape(noisy, [None, 6]), y

    return dataset().map(changed)


def batches():
    rng = np.random.default_rng(0)
    while True:
        chosen = rng.integers(0, 70, 16)
        yield X[chosen], Y[chosen]


def from_generator():
    signature = tf.TensorSpec([None, 6], tf.float32), tf.TensorSpec([None], tf.int64)
    return tf.data.Dataset.from_generator(batches, output_signature=signature)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return STEPS

    def __getitem__(self, i):
        return X[i * 16 : (i + 1) * 16], Y[i * 16 : (i + 1) * 16]


class Reshuffled(Batches):
    def __init__(self):
        super().__init__()
        self.rng, self.order = np.random.default_rng(0), np.arange(70)

    def __getitem__(self, i):
        chosen = self.order[i * 16 : (i + 1) * 16]
        return X[chosen], Y[chosen]

    def on_epoch_end(self):
        self.rng.shuffle(self.order)


def parts_of_one_shuffle():
    """The split that reads train and validation examples from one shuffle."""
    shuffled = rows().shuffle(70, seed=7)
    return shuffled.skip(20).batch(10), shuffled.take(20).batch(10)


def shared():
    parts = {}

    def data():
        parts["train"], parts["validation"] = parts_of_one_shuffle()
        return parts["train"]

    return {"data": data, "validation_data": lambda: parts["validation"]}


def validated(data):
    return {"data": source, "validation_data": data}


def forever(data):
    return lambda: data().repeat()


def of_unknown_length():
    return rows().shuffle(70, seed=7).filter(lambda x, y: True).batch(16)


CASES = {
    "arrays": (AT_BATCH, {"data": lambda: (X, Y), "batch_size": 16}),
    "arrays, `shuffle=False`": (AT_BATCH, {"data": lambda: (X, Y), "batch_size": 16, "shuffle": False}),
    "arrays, `validation_split`": (
        AT_BATCH, {"data": lambda: (X, Y), "batch_size": 16, "validation_split": 0.2, "validation_data": None},
    ),
    "`keras_ch8.data.ArraySource`": (AT_BATCH, {"data": source}),
    "`Dataset`, `shuffle(seed=)`": (AT_BATCH, {"data": dataset}),
    "`Dataset`, `shuffle()` after `keras.utils.set_random_seed`": (AT_BATCH, {"data": seeded_by_the_process}),
    "`Dataset`, `repeat()` and `steps_per_epoch`": (AT_BATCH, {"data": forever(dataset), "steps_per_epoch": 4}),
    "`Dataset` of unknown length": (
        AT_BATCH, {"data": of_unknown_length, "model": lambda: small_model(keras_ch8.optimizers.Adam(0.01))},
    ),
    "`Dataset`, `tf.random` or `tf.image.random_...` in `map`": (AT_BATCH, {"data": with_random_map}),
    "`Dataset`, a layer or a `tf.random.Generator` in `map`": (AT_BATCH, {"data": with_layer_in_map}),
    "the same, `repeat()` and `steps_per_epoch`": (
        AT_BATCH, {"data": forever(with_layer_in_map), "steps_per_epoch": 4},
    ),
    "`Dataset`, a function in Python that gives the same again": (AT_BATCH, {"data": calling_numpy}),
    "`Dataset.from_generator`, of one that gives the same again": (
        AT_BATCH, {"data": from_generator, "steps_per_epoch": STEPS},
    ),
    "`PyDataset`, with `shuffle` or without": (AT_EPOCH, {"data": Batches}),
    'arrays, `shuffle="batch"`': (AT_EPOCH, {"data": lambda: (X, Y), "batch_size": 16, "shuffle": "batch"}),
    "validation on arrays": (AT_BATCH, validated(lambda: (X[:20], Y[:20]))),
    "validation on a `Dataset`, `shuffle(seed=)`": (AT_BATCH, validated(lambda: dataset().take(2))),
    "validation on a `Dataset`, a layer in `map`": (AT_BATCH, validated(with_layer_in_map)),
    "validation and training on parts of one `shuffle(seed=)`": (AT_BATCH, shared()),
    "validation on a `PyDataset`": (AT_BATCH, validated(Batches)),
    "`Dataset`, `shuffle()` without any seed": (DIFFERS, {"data": unseeded}),
    "`Dataset`, random numbers in `map(num_parallel_calls=)`": (DIFFERS, {"data": with_parallel_map}),
    "`Dataset`, `cache()` of what is shuffled": (DIFFERS, {"data": lambda: dataset().cache()}),
    "`Dataset` that ends, `steps_per_epoch`": (DIFFERS, {"data": dataset, "steps_per_epoch": 3}),
    "`PyDataset` with `on_epoch_end`": (DIFFERS, {"data": Reshuffled}),
    "generator": (DIFFERS, {"data": batches, "steps_per_epoch": STEPS}),
    "arrays, `steps_per_epoch`": (DIFFERS, {"data": lambda: (X, Y), "batch_size": 16, "steps_per_epoch": 4}),
    "validation on a `Dataset`, `shuffle()` without any seed": (DIFFERS, validated(lambda: unseeded().take(2))),
    "validation on a generator": (DIFFERS, {**validated(batches), "validation_steps": 2}),
    "validation on a `PyDataset` with `on_epoch_end`": (DIFFERS, validated(Reshuffled)),
}  # fmt: skip


WHY = {
    "`Dataset`, `shuffle()` without any seed": "it is shuffled without a `seed`",
    "`Dataset` that ends, `steps_per_epoch`": "`steps_per_epoch` is given for data that end",
    "`PyDataset`, with `shuffle` or without": "`PyDataset`",
    "generator": "a generator can only be restarted",
    "arrays, `steps_per_epoch`": "makes other epochs",
}
THROUGH_A_SOURCE = ("arrays", "arrays, `validation_split`", 'arrays, `shuffle="batch"`')
"""Read in another order than Keras's own, which depends on what else has drawn."""


def named(how):
    return [name for name, (kind, _) in CASES.items() if kind == how]


@pytest.mark.broad(slow=6)
@pytest.mark.parametrize("name", [*named(AT_BATCH), *named(AT_EPOCH)])
@pytest.mark.slow
def test_it_ends_bit_for_bit_as_one_that_nothing_interrupts(name, resume, capsys):
    how, script = CASES[name]
    every = "2ba" if how == AT_BATCH else "1ep"
    one = train(resume(every, "whole") if name in THROUGH_A_SOURCE else None, **script)
    other = interrupted(lambda: resume(every), (8, 5), verbose=2, **script)
    said = capsys.readouterr().out
    assert (", after 0 of its batches" in said) == (how == AT_EPOCH)
    assert WHY.get(name, "") in said
    assert_same(other, one)


@pytest.mark.broad(slow=3)
@pytest.mark.parametrize("name", named(DIFFERS))
@pytest.mark.slow
def test_one_warning_says_what_differs_whatever_verbose(name, resume):
    _, script = CASES[name]
    with pytest.warns(UserWarning, match="resumes but ends differently from an uninterrupted one: ") as told:
        run = interrupted(lambda: resume("1ep"), (8,), **script)
    said = [str(each.message) for each in told if "ends differently" in str(each.message)]
    assert len(said) == len(set(said)) + 1 == 2  # one for each `fit`
    assert ("validation reads" in said[0]) == name.startswith("validation")
    assert WHY.get(name, "") in said[0]
    assert run.epochs == [0, 1, 2]


@pytest.mark.slow
def test_what_a_function_in_python_remembers_begins_anew_and_this_is_said(resume, capsys):
    script = {"data": drawing_in_numpy, "verbose": 2}
    one = train(resume("2ba", "whole"), **script)
    other = interrupted(resume, (8,), **script)
    assert "assumes that the Python functions" in capsys.readouterr().out
    assert other.history["loss"] != one.history["loss"]


def test_arrays_are_read_through_a_source_and_this_is_said(resume, capsys):
    train(resume(), data=lambda: (X, Y), batch_size=16, verbose=2, epochs=1)
    assert capsys.readouterr().out.count("ArraySource(batch_size=16, shuffle=True)") == 1


@pytest.mark.slow
def test_initial_epoch_begins_with_that_epoch_of_a_source():
    seen, examples = [], source()
    look = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append((epoch, examples.epoch)))
    small_model().fit(examples, initial_epoch=5, epochs=7, callbacks=[look], verbose=0)
    assert seen == [(5, 5), (6, 6)]


@pytest.mark.slow
def test_other_data_begin_with_the_epoch_where_that_is_allowed(resume):
    with pytest.raises(Died):
        train(resume(), 8, data=lambda: (X, Y), batch_size=16)
    more = np.concatenate([X, X]), np.concatenate([Y, Y])
    run = train(resume(allow=["data"]), data=lambda: more, batch_size=16)
    assert int(run.model.optimizer.iterations) == 7 + 2 * 9


@pytest.mark.slow
def test_several_steps_at_once(resume):
    script = {"data": dataset, "model": lambda: small_model(steps_per_execution=2)}
    assert_same(interrupted(resume, (8,), **script), train(**script))


@pytest.mark.slow
def test_a_data_set_goes_on_where_no_source_has_put_the_hook_into_keras(resume):
    keras_ch8.integration.uninstall()
    assert_same(interrupted(resume, (8,), data=dataset), train(data=dataset))

"""What a training is measured on: nothing is read that `fit` trains on, and what does not fit is said at once."""

import copy
import pathlib
import pickle
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8 as ch8

X = np.random.default_rng(0).normal(size=(320, 8)).astype("float32")
Y = X @ np.ones((8, 1), "float32")
ROWS = tf.data.Dataset.from_tensor_slices


def shuffled(seed=3):
    return tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(128, seed=seed).batch(32)


def losses_of(data, probe_of=None, optimizer="adam", epochs=2, compiled=None, **arguments):
    """Train with or without a probe; return the losses, the callback, and what was warned of."""
    keras.utils.set_random_seed(1)
    data = data()
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)])
    model.compile(optimizer() if callable(optimizer) else optimizer, "mse", **(compiled or {}))
    watching = (
        [] if probe_of is None else [ch8.callbacks.Diagnosis(probe_of(data), "cheap", measure_every=3, budget=None)]
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = model.fit(data, epochs=epochs, verbose=0, callbacks=watching, **arguments)
    said = [str(w.message) for w in caught if "probe" in str(w.message)]
    return history.history["loss"], watching[0] if watching else None, said


class Rows(keras.utils.PyDataset):
    def __len__(self):
        return 10

    def __getitem__(self, i):
        return X[32 * i : 32 * (i + 1)], Y[32 * i : 32 * (i + 1)]


KINDS = {
    "shuffled by a seed": shuffled,
    "shuffled": lambda: shuffled(None),
    "without end": lambda: shuffled().repeat(),
    "PyDataset": Rows,
    "ArraySource": lambda: ch8.data.ArraySource(X, Y, seed=0),
}


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_data_set_that_is_trained_on_is_not_read_and_its_first_batches_are_used(kind, steps):
    arguments = {"steps_per_epoch": 10} if kind == "without end" else {}
    options = {"compiled": {"steps_per_execution": steps}} | arguments
    bare, _, _ = losses_of(KINDS[kind], **options)
    watched, diagnosis, said = losses_of(KINDS[kind], lambda data: data, **options)
    assert watched == bare
    assert said == []
    assert diagnosis.measurements == 20 // 3 if steps == 1 else diagnosis.measurements > 0
    x, y, weight = diagnosis.probe.batch
    examples = 32 * steps if kind == "PyDataset" else 256
    assert (len(x), len(y), weight) == (examples, examples, None)
    rows = {row.tobytes() for row in X}
    assert all(row.tobytes() in rows for row in np.asarray(x))
    np.testing.assert_allclose(np.asarray(x) @ np.ones((8, 1)), y, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("way", ["take", "skip", "map"])
def test_a_data_set_that_shares_a_shuffle_is_not_read_either_and_that_is_said(way):
    made = {"take": lambda d: d.take(1), "skip": lambda d: d.skip(2), "map": lambda d: d.map(lambda x, y: (x, y))}[way]
    bare, _, _ = losses_of(shuffled)
    watched, diagnosis, said = losses_of(shuffled, made)
    assert watched == bare
    assert diagnosis.measurements > 0
    assert len(said) == 1
    assert "pass arrays" in said[0]


OTHERS = {
    "in order": ROWS((X, Y)).batch(64),
    "in memory": ROWS((X, Y)).batch(64).cache().prefetch(2),
    "of some files": tf.data.Dataset.range(9).interleave(lambda i: ROWS((X[:8], Y[:8]))).batch(64),
    "a source": ch8.data.ArraySource(X, Y, batch_size=64),
}


@pytest.mark.slow
@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("validates", [False, True])
@pytest.mark.parametrize("kind", OTHERS)
def test_a_data_set_without_a_state_is_read_also_where_fit_validates_on_it(kind, validates):
    def trained_on():
        return ROWS((X, Y)).shuffle(128, seed=3).batch(32)

    given = {"validation_data": OTHERS[kind]} if validates else {}
    bare, _, _ = losses_of(trained_on, **given)
    watched, diagnosis, said = losses_of(trained_on, lambda data: OTHERS[kind], **given)
    assert watched == bare
    assert said == []
    assert len(diagnosis.probe.batch[0]) == 64


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("kind", ["shuffled", "PyDataset", "in a file"])
def test_another_data_set_that_has_a_state_or_may_have_one_is_not_read(kind, tmp_path):
    class Untouched(Rows):
        def __getitem__(self, i):
            raise AssertionError("a batch was read")

    made = {
        "shuffled": lambda: shuffled(8),
        "PyDataset": Untouched,
        "in a file": lambda: ROWS((X, Y)).batch(64).cache(str(tmp_path / "cache")),
    }
    _, diagnosis, said = losses_of(shuffled, lambda data: made[kind]())
    assert len(said) == 1
    assert said[0].endswith("could change the training, so pass arrays.")
    assert len(diagnosis.probe.batch[0]) == 256
    assert diagnosis.measurements > 0


@pytest.mark.slow
def test_the_probe_of_a_model_that_its_first_batch_builds():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = shuffled()
    diagnosis = ch8.callbacks.Diagnosis(data, "cheap", measure_every=3, budget=None)
    model.fit(data, verbose=0, callbacks=[diagnosis], shuffle=False)
    assert diagnosis.measurements == 3
    assert len(diagnosis.probe.batch[0]) == 256


@pytest.mark.slow
def test_a_second_fit_measures_on_the_examples_of_the_first_unless_it_is_of_a_new_model_and_a_copy_can_be_made():
    model, diagnosis = plain_model(), ch8.callbacks.Diagnosis(None, "cheap", measure_every=2, budget=None)
    model.fit(X[:64], Y[:64], verbose=0, callbacks=[diagnosis])
    kept = np.asarray(diagnosis.probe.batch[0])
    for one in (copy.deepcopy(diagnosis), diagnosis):
        model.fit(X[64:128], Y[64:128], verbose=0, callbacks=[one])
        np.testing.assert_array_equal(one.probe.batch[0], kept)
    plain_model().fit(X[64:128], Y[64:128], verbose=0, callbacks=[diagnosis])  # another fold, or other classes
    assert not np.isin(diagnosis.probe.batch[0], kept).any()


@pytest.mark.slow
def test_a_train_function_of_ones_own_is_left_alone():
    class Own(keras.Sequential):
        def make_train_function(self, force=False):
            super().make_train_function(force=force)

    def model():
        keras.utils.set_random_seed(1)
        made = Own([keras.Input((8,)), keras.layers.Dense(1)])
        made.compile("sgd", "mse")
        return made

    with pytest.warns(RuntimeWarning, match="continues without its probe, .*: reading a data set .*, so pass arrays"):
        model().fit(shuffled(), verbose=0, callbacks=[ch8.callbacks.Diagnosis(shuffled())], shuffle=False)
    nothing = ch8.callbacks.Diagnosis()
    model().fit(shuffled(), verbose=0, callbacks=[nothing], shuffle=False)
    assert nothing.state.name == "little_checked"
    assert "Pass `probe=(x, y)`" in nothing.state.reasons[0]
    bare = model().fit(shuffled(), verbose=0, shuffle=False).history["loss"]
    arrays = ch8.callbacks.Diagnosis((X[:64], Y[:64]), "cheap", measure_every=3, budget=None)
    assert model().fit(shuffled(), verbose=0, callbacks=[arrays], shuffle=False).history["loss"] == bare
    assert arrays.measurements == 3


# --- trainings of every kind go on as without ----------------------------------------------------------------------


def of_dicts():
    inputs = {"w": keras.Input((), name="w"), "x": keras.Input((8,), name="x")}
    return keras.Model(inputs, keras.layers.Dense(1)(inputs["x"]))


def of_sparse():
    inputs = keras.Input((8,), sparse=True)
    return keras.Model(inputs, keras.layers.Dense(1)(inputs))


TRAININGS = {
    "a number beside the rows": (
        of_dicts,
        lambda: ROWS((X, Y)).batch(32).map(lambda x, y: ({"w": tf.constant([1.0]), "x": x}, y)),
        ({"w": np.ones(64), "x": X[:64]}, Y[:64]),
    ),
    "sparse rows": (of_sparse, lambda: ROWS((X, Y)).batch(32).map(lambda x, y: (tf.sparse.from_dense(x), y)), None),
}


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.filterwarnings("ignore:.*continues without its probe:RuntimeWarning")
@pytest.mark.parametrize("given", [False, True], ids=["no probe", "arrays"])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("kind", TRAININGS)
def test_a_training_is_bit_for_bit_the_bare_one(kind, steps, given):
    make, data, probe = TRAININGS[kind]

    def losses(*callbacks):
        keras.utils.set_random_seed(1)
        model = make()
        model.compile("adam", "mse", steps_per_execution=steps)
        return model.fit(data(), epochs=2, verbose=0, shuffle=False, callbacks=callbacks).history["loss"]

    watching = ch8.callbacks.Diagnosis(probe if given else None, "cheap", measure_every=3, budget=None, logs=False)
    assert losses(watching) == losses()


@pytest.mark.slow
def test_a_map_that_computes_alone_is_read():
    scaled = ROWS((X, Y)).batch(32).map(lambda x, y: (x * 2, y))
    _, diagnosis, said = losses_of(lambda: scaled.shuffle(10, seed=1), lambda data: scaled.take(1))
    assert (len(diagnosis.probe.batch[0]), said) == (32, [])


# --- a probe that does not fit -----------------------------------------------------------------------------------

WRONG = {
    "one-hot": ((X, np.zeros((320, 10), "float32")), "y of the probe has shape (10,) for each example, where that of"),
    "features": ((X[:, :7], Y), "x of the probe has shape (7,) for each example, where that of `fit` has (8,)"),
    "axes": ((X[:, :, None] * np.ones((1, 1, 3)), Y), "x of the probe has shape (8, 3) for each example"),
    "no targets": (X, "y of the probe has no arrays, where that of `fit` has some"),
    "two inputs": (([X, X], Y), "x of the probe has 2 arrays, where that of `fit` has 1"),
    "a data set": (ROWS((X[:, :7], Y)).batch(64), "x of the probe has shape (7,)"),
    "an empty data set": (ROWS((X, Y)).batch(64).take(0), "reading it fails with ValueError: "),
    "no file": (tf.data.TextLineDataset("/no/such").batch(2), "reading it fails with NotFoundError: "),
}


def plain_model():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("kind", WRONG)
def test_a_probe_of_another_form_is_one_sentence_and_the_first_examples_of_fit_take_its_place(kind):
    probe, said = WRONG[kind]
    diagnosis = ch8.callbacks.Diagnosis(probe, "cheap", measure_every=3, budget=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        watched = plain_model().fit(shuffled(), verbose=0, shuffle=False, callbacks=[diagnosis]).history
    assert [said in str(warning.message) for warning in caught] == [True]
    assert str(caught[0].message).startswith(
        "`Diagnosis` measures on the first 256 training examples instead of its probe"
    )
    assert watched == plain_model().fit(shuffled(), verbose=0, shuffle=False).history
    assert len(diagnosis.probe.batch[0]) == 256
    assert diagnosis.measurements == 3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*continues without its probe:RuntimeWarning")
@pytest.mark.broad
@pytest.mark.parametrize("kind", ["dict for tuple", "words", "labels out of range"])
def test_a_probe_that_the_model_cannot_read_changes_nothing(kind):
    probe = {
        "dict for tuple": ({"a": X, "b": X}, Y),
        "words": (np.array([["a"] * 8] * 64), Y[:64]),
        "labels out of range": (X[:64], np.full((64, 1), np.nan)),
    }[kind]
    diagnosis = ch8.callbacks.Diagnosis(probe)
    watched = plain_model().fit(X, Y, epochs=2, verbose=0, callbacks=[diagnosis]).history
    assert watched == plain_model().fit(X, Y, epochs=2, verbose=0).history


@pytest.mark.slow
def test_in_a_fit_of_another_model_other_examples_take_the_place_of_those_that_were_given_and_then_they_are_back():
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    encoder.compile("sgd", "mse")
    kept = ch8.callbacks.Diagnosis(None, "cheap", measure_every=2, budget=None)
    given = ch8.callbacks.Diagnosis((X[:64], Y[:64]), "cheap", measure_every=2, budget=None)
    model = plain_model()
    for one in (kept, given):
        model.fit(X, Y, verbose=0, callbacks=[one])
    encoder.fit(X[:, :4], X[:, :3], verbose=0, callbacks=[kept])  # nobody gave what it had kept, so nothing is said
    with pytest.warns(UserWarning, match=r"x of the probe has shape \(8,\)"):
        encoder.fit(X[:, :4], X[:, :3], verbose=0, callbacks=[given])
    assert [one.probe.batch[0].shape for one in (kept, given)] == [(256, 4), (256, 4)]
    model.fit(X, Y, verbose=0, callbacks=[given])
    np.testing.assert_array_equal(given.probe.batch[0], given.probe._arrays[0])
    assert given.measurements == 5


# --- no batches, and batches that fail ---------------------------------------------------------------------------

EMPTY = {
    "a data set": lambda: {"x": ROWS((X, Y)).batch(32).take(0)},
    "a filter": lambda: {"x": ROWS((X, Y)).batch(32).filter(lambda x, y: x[0, 0] > 99.0)},
    "arrays": lambda: {"x": X[:0], "y": Y[:0]},
    "no epochs": lambda: {"x": X, "y": Y, "epochs": 0},
    "a generator": lambda: {"x": (batch for batch in ())},
    "validation": lambda: {"x": X, "y": Y, "validation_data": ROWS((X, Y)).batch(32).take(0)},
}


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.filterwarnings("ignore:Your input ran out of data", "ignore:`shuffle=True`")
@pytest.mark.parametrize("probe", [None, (X[:64], Y[:64])], ids=["no probe", "arrays"])
@pytest.mark.parametrize("kind", EMPTY)
def test_a_fit_of_no_batches_ends_as_the_bare_one(kind, probe, tmp_path):
    def ended(*callbacks):
        model = plain_model()
        try:
            found = model.fit(**EMPTY[kind](), verbose=0, callbacks=callbacks).history
        except Exception as error:
            found = type(error), str(error)
        return found, int(model.optimizer.iterations)

    assert ended(ch8.callbacks.TensorBoard(tmp_path), ch8.callbacks.Diagnosis(probe, verbose=False)) == ended()


SIZES = {
    "language": (lambda: [keras.Input((None,)), keras.layers.Embedding(9, 4), keras.layers.Dense(9)], (20,), (20,),
                 "int32"),
    "series": (lambda: [keras.Input((None, 1)), keras.layers.LSTM(2), keras.layers.Dense(1)], (7, 1), (1,), "float32"),
    "waves": (lambda: [keras.Input((None,)), keras.layers.Reshape((-1, 1)), keras.layers.GlobalAveragePooling1D(),
                       keras.layers.Dense(1)], (30,), (1,), "float32"),
    "pictures": (lambda: [keras.Input((None, None, 3)), keras.layers.Conv2D(1, 3, padding="same")], (6, 6, 3),
                 (6, 6, 1), "float32"),
}  # fmt: skip


@pytest.mark.broad
@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.slow
def test_sizes_that_a_batch_has_of_its_own_need_not_agree(kind):
    layers, shape, target, dtype = SIZES[kind]
    longer = [tuple(2 * n if n > 3 else n for n in sizes) for sizes in (shape, target)]
    model = keras.Sequential(layers())
    model.compile("sgd", "sparse_categorical_crossentropy" if dtype == "int32" else "mse")
    probe = np.ones((16, *shape), dtype), np.ones((16, *target), dtype)
    diagnosis = ch8.callbacks.Diagnosis(probe, "cheap", measure_every=1, budget=None)
    model.fit(*(np.ones((16, *sizes), dtype) for sizes in longer), verbose=0, callbacks=[diagnosis])
    assert diagnosis.measurements == 1


def test_before_it_is_read_a_data_set_is_copied_by_reference_and_not_pickled():
    diagnosis = ch8.callbacks.Diagnosis(shuffled())
    assert copy.deepcopy(diagnosis).probe._data_set is diagnosis.probe._data_set
    with pytest.raises(TypeError, match=r"Received: probe=a _BatchDataset\. Pass arrays"):
        pickle.dumps(diagnosis)


@pytest.mark.slow
def test_targets_of_a_column_and_of_a_vector_are_alike():
    assert losses_of(shuffled, lambda data: (X[:64], Y[:64, 0]), epochs=1)[2] == []


@pytest.mark.parametrize("path", ["logs", pathlib.PurePath("logs")], ids=["str", "path"])
def test_a_folder_for_logs_is_no_probe_and_the_error_says_what_writes_there(path):
    with pytest.raises(
        ValueError, match=r"Received: the path 'logs'\. Pass `callbacks=\[keras_ch8\.Doctor\('logs'\)\]` to `fit`"
    ):
        ch8.callbacks.Diagnosis(path)


@pytest.mark.slow
def test_where_the_loss_of_the_probe_fails_nothing_else_is_tried_on_it():
    x, y = np.ones((32, 3, 2), "float32"), np.ones((32, 1), "float32")

    def model():
        keras.utils.set_random_seed(0)
        parts = [keras.Input(batch_shape=(8, 3, 2)), keras.layers.LSTM(2, stateful=True), keras.layers.Dense(1)]
        made = keras.Sequential(parts)
        made.compile("sgd", "mse")
        return made

    diagnosis = ch8.callbacks.Diagnosis((x[:5], y[:5]), "full", measure_every=lambda step: step > 1)
    with pytest.warns(RuntimeWarning, match="continues without its probe"):
        watched = model().fit(x, y, batch_size=8, epochs=2, verbose=0, shuffle=False, callbacks=[diagnosis]).history
    assert watched == model().fit(x, y, batch_size=8, epochs=2, verbose=0, shuffle=False).history

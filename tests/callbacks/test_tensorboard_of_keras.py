"""TensorBoard with arguments of Keras's writes beside its own what Keras's callback writes that is listed by hand."""

import copy
import pickle
import re
import warnings

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util

import keras_ch8
from keras_ch8 import _net, callbacks, integration
from tests.board.readers import python_loader
from tests.small_callbacks import Dies

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 9, size=(32, 3)), RNG.normal(size=(32, 2)).astype("float32")
STEPS = 4
MADE = []
"""The model that is traced once, and what all its variables were at first."""


def network():
    """Return a model as it was when it was made."""
    if not MADE:
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Embedding(9, 4, name="words"), keras.layers.Flatten(), keras.layers.Dense(2, name="out")]
        model = keras.Sequential([keras.Input((3,), dtype="int32"), *layers])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.optimizer.build(model.trainable_variables)
        MADE.append((model, [np.array(v) for v in (*model.variables, *model.optimizer.variables)]))
    ((model, start),) = MADE
    for variable, value in zip((*model.variables, *model.optimizer.variables), start, strict=True):
        variable.assign(value)
    return model


def fit(given, model=None, **options):
    """Train, and return history and weights."""
    model = network() if model is None else model
    options = {"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0, "validation_data": (X, Y)} | options
    history = model.fit(X, Y, callbacks=given, **options).history
    return history, [w.tobytes() for w in model.get_weights()]


def warned(action):
    """Return what an action warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
    return [str(warning.message) for warning in caught]


def of_keras(folder):
    """Return what Keras's callback has written: by file, without time, host and process, what is in it."""
    found = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = str(path.relative_to(folder))
        if name.startswith("optimization"):
            continue
        if "tfevents" in name:
            seen = found.setdefault(f"{path.parent.name}/events", [])
            seen += [entry for event in EventFileLoader(str(path)).Load() for entry in entries(event)]
        else:
            found[re.sub(r"profile/.*\.", "profile/.", name)] = path.read_text() if path.suffix == ".pbtxt" else ""
    return {name: sorted(seen, key=repr) if isinstance(seen, list) else seen for name, seen in found.items()}


def entries(event):
    """Yield the step and the tag of all that is in an event, and what it shows; not graphs, which hold counters."""
    for value in event.summary.value:
        kind = value.metadata.plugin_data.plugin_name
        is_same = kind in ("scalars", "histograms", "images") and "per_second" not in value.tag
        yield event.step, value.tag, kind, tensor_util.make_ndarray(value.tensor).tolist() if is_same else None
    if not event.summary.value:
        yield event.step, event.WhichOneof("what")


def by_hand(folder, **given):
    """Return Keras's callback in the list behind ours."""
    of_keras = copy.deepcopy(given)  # Keras empties `embeddings_metadata`
    return [callbacks.TensorBoard(folder), keras.callbacks.TensorBoard(folder, **of_keras)]


@pytest.mark.slow
def test_without_an_argument_of_keras_nothing_of_keras_is_written_and_no_curve_twice(tmp_path):
    fit([callbacks.TensorBoard(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["optimization"]
    with python_loader(tmp_path) as board:
        assert board.runs() == {"optimization"}
        names = [tag for tag in board.scalars() if tag.split("/")[-1] in ("loss", "val_loss")]
    assert sorted(names) == ["epoch/loss", "epoch/val_loss", "step/loss"]


ARGUMENTS = {
    "histogram_freq": ({"histogram_freq": 1}, "words/embeddings/histogram"),
    "write_images": ({"histogram_freq": 1, "write_images": True}, "out/kernel/image"),
    "write_graph": ({"write_graph": True}, "keras"),
    "no graph": ({"write_graph": False}, "epoch_loss"),
    "update_freq": ({"update_freq": 1}, "batch_loss"),
    "steps per second": ({"write_steps_per_second": True}, "epoch_steps_per_second"),
    "profile_batch": ({"profile_batch": 2}, "batch_2"),
    "embeddings_freq": ({"embeddings_freq": 1, "embeddings_metadata": {"words": "words.tsv"}}, "epoch_loss"),
}


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("kind", ARGUMENTS)
def test_an_argument_of_keras_writes_what_keras_writes_and_changes_nothing(kind, tmp_path):
    given, tag = ARGUMENTS[kind]
    bare = fit([])
    assert fit(by_hand(tmp_path / "hand", **given)) == bare
    assert fit([callbacks.TensorBoard(tmp_path / "ours", **given)]) == bare
    ours, hand = of_keras(tmp_path / "ours"), of_keras(tmp_path / "hand")
    assert ours == hand
    assert any(entry[1].endswith(tag) for entry in ours["train/events"])
    assert (tmp_path / "ours" / "optimization").is_dir()
    files = [name for name in ours if not name.endswith("/events")]
    assert any("profile/" in name for name in files) == (kind == "profile_batch")
    assert ("projector_config.pbtxt" in files) == (kind == "embeddings_freq")


def ready(listed):
    return keras.callbacks.CallbackList(listed, add_history=True, model=network(), epochs=2, steps=STEPS, verbose=0)


FORMS = {
    "in a ready list": lambda board: [ready([board])],
    "a copy": lambda board: [copy.deepcopy([board])],
    "a pickled one": lambda board: [pickle.loads(pickle.dumps([board]))],
    "twice": lambda board: [[board], [board]],
    "a copy after a training": lambda board: [[board], lambda: copy.deepcopy([board])],
}


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("form", FORMS)
def test_it_stands_behind_ours_wherever_that_stands(form, tmp_path):
    given = {"update_freq": 2, "embeddings_freq": 1, "embeddings_metadata": {"words": "words.tsv"}}
    trainings = FORMS[form](callbacks.TensorBoard(tmp_path / "ours", **given))
    theirs = by_hand(tmp_path / "hand", **given)
    for number, listed in enumerate(trainings):
        if number and form != "twice":  # a copy begins anew, as a callback does that is made
            theirs = by_hand(tmp_path / "hand", **given)
        model = network()
        fit(listed() if callable(listed) else listed, model)
        fit(theirs)
    assert of_keras(tmp_path / "ours") == of_keras(tmp_path / "hand")


@pytest.mark.slow
def test_where_nothing_of_ours_watches_keras_writes(tmp_path, monkeypatch):
    monkeypatch.setenv(_net.OFF, "1")
    fit([keras.callbacks.TensorBoard(tmp_path / "hand", update_freq=1)])
    fit([callbacks.TensorBoard(tmp_path / "ours", update_freq=1)])
    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == ["train", "validation"]
    assert of_keras(tmp_path / "ours") == of_keras(tmp_path / "hand")


@pytest.mark.slow
def test_with_resume_it_goes_on_where_it_was_without_a_warning(tmp_path, capsys):
    given = {"update_freq": 1, "write_steps_per_second": True}

    def train(folder, make, *more):
        listed = make(tmp_path / folder, **given)
        fit([callbacks.Resume(tmp_path / f"states of {folder}"), *listed, *more])

    def ours(folder, **given):
        return [callbacks.TensorBoard(folder, **given)]

    for folder, make in (("hand", by_hand), ("ours", ours)):
        with pytest.raises(KeyboardInterrupt):
            train(folder, make, Dies("on_train_batch_begin", STEPS + 2))
        train(folder, make)
        assert "Resuming from" in capsys.readouterr().out
    written = of_keras(tmp_path / "ours")
    assert written == of_keras(tmp_path / "hand")
    assert [step for step, tag, *_ in written["train/events"] if tag == "epoch_loss"] == [0, 1]
    assert {step for step, tag, *_ in written["train/events"] if tag == "batch_loss"} == {*range(1, 2 * STEPS + 1)}


def test_where_something_else_trains_it_is_said_that_keras_is_not_called(tmp_path):
    board, model = callbacks.TensorBoard(tmp_path / "logs", histogram_freq=1), network()
    said = r"Received a loop of your own: TensorBoard\(log_dir=.*, histogram_freq=1\)\. Omit them"
    with (
        pytest.warns(RuntimeWarning, match=said),
        keras_ch8.Doctor(None).watch(model, callbacks=[board, callbacks.Diagnosis(verbose=False)]) as run,
    ):
        run.step()
    integration.uninstall()
    assert any(re.search(said, text) for text in warned(lambda: fit([board], model, epochs=1)))
    assert not (tmp_path / "logs" / "train").exists()


def test_what_neither_has_or_keras_does_not_take_is_refused_when_it_is_made():
    with pytest.raises(TypeError, match=r"Received: histogram_frequency=1\. Did you mean `histogram_freq`\?"):
        callbacks.TensorBoard(histogram_frequency=1)
    with pytest.raises(TypeError, match=r"Received: measure_evry=5\. Did you mean `measure_every`\?"):
        callbacks.TensorBoard(measure_evry=5)
    with pytest.raises(TypeError, match=r"Received: qqq=1\. It takes: log_dir, measure_every, log_to, histo"):
        callbacks.TensorBoard(qqq=1)
    with pytest.raises(ValueError, match="profile_batch must be"):
        callbacks.TensorBoard(profile_batch=-1)

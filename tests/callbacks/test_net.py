"""The net under what only watches: whatever fails in it, the training goes on bit for bit, and one warning says so."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8 import _net, callbacks, clipping, extend
from keras_ch8 import optimizers as ours
from keras_ch8.board import writer
from keras_ch8.board.writer import RunWriter
from keras_ch8.callbacks._watched_loop import WatchedLoop
from keras_ch8.callbacks.diagnosis import probe_data
from keras_ch8.callbacks.session import observing
from keras_ch8.cockpit.page import LivePage
from keras_ch8.integration import fit
from keras_ch8.telemetry import observation, recorder
from keras_ch8.telemetry.solver_log import SolverLog
from keras_ch8.trackers.feeds import Feeds
from tests.callbacks.runs import BATCH, STEPS, X, Y, network

EPOCHS = 2


class Broken(Exception):
    """What fails."""


def boom(*args, **kwargs):
    raise Broken("it broke")


@pytest.fixture(autouse=True)
def caught(monkeypatch):
    """Let errors be caught, as for users."""
    monkeypatch.delenv(_net.RAISE, raising=False)


def watchers(folder):
    gap = callbacks.SurrogateGap(true="val_loss", surrogate="loss")
    return [callbacks.TensorBoard(folder), callbacks.Diagnosis(), callbacks.GradientClippingLogger(), gap]


def train(model, watching=(), **options):
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0, "validation_data": (X, Y)} | options
    return model.fit(X, Y, epochs=EPOCHS, callbacks=list(watching), **options).history


class Again:
    """A model that is trained again and again from the same beginning, and what it comes to bare."""

    def __init__(self, optimizer, **options):
        self.model, self.options = network(optimizer), options
        self.model.optimizer.build(self.model.trainable_variables)
        self.start = [np.array(v) for v in self.variables]
        self.expected = self.run()

    @property
    def variables(self):
        return [*self.model.variables, *self.model.optimizer.variables]

    def run(self, watching=(), **options):
        for variable, value in zip(self.variables, self.start, strict=True):
            variable.assign(value)
        return train(self.model, watching, **self.options, **options), [np.array(v) for v in self.variables]

    def check(self, found):
        assert found[0] == self.expected[0]
        for one, other in zip(found[1], self.expected[1], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def again():
    return Again(keras.optimizers.Adam(0.01))


def told(found):
    return [str(w.message) for w in found if "has failed, and training continues without it" in str(w.message)]


def nothing_is_left(model, watching):
    attributes = {"apply", "scale_loss", "update_step"}
    assert not attributes & vars(model.optimizer).keys()
    assert "train_step" not in vars(model)
    for callback in watching:
        assert not [name for name in vars(callback) if name.startswith("on_") or name in fit.ANSWERS]


HOOKS = [
    "set_model", "set_params", "on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end",
    "on_test_begin", "on_test_batch_end", "on_test_end", "on_epoch_end", "on_train_end", "on_open", "on_built",
    "on_telemetry", "on_close",
]  # fmt: skip
WATCHERS = ["TensorBoard", "Diagnosis", "GradientClippingLogger", "SurrogateGap"]


@pytest.mark.slow
@pytest.mark.broad(slow=4)
@pytest.mark.parametrize("name", WATCHERS)
@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_fails_is_one_warning_and_the_others_go_on(again, hook, name, tmp_path, monkeypatch):
    monkeypatch.setattr(getattr(callbacks, name), hook, boom)
    watching = watchers(str(tmp_path))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        again.check(again.run(watching))
    assert len(told(found)) == 1, told(found)
    sentence = told(found)[0]
    assert sentence.startswith(f"`{name}` has failed, and training continues without it, unchanged: Broken: it broke")
    nothing_is_left(again.model, watching)
    _, diagnosis, logger, _ = watching
    if name != "TensorBoard":
        assert list(tmp_path.glob("optimization/report.html"))
    if name != "Diagnosis":
        assert diagnosis.measurements > 0
    if name != "GradientClippingLogger":
        assert f"{EPOCHS * STEPS} steps" in logger.findings()[0]


@pytest.mark.broad
@pytest.mark.parametrize("hook", HOOKS)
def test_in_tests_it_is_raised(again, hook, tmp_path, monkeypatch):
    extend.raise_caught()
    monkeypatch.setattr(callbacks.Diagnosis, hook, boom)
    watching = watchers(str(tmp_path))
    with pytest.raises(Broken):
        again.run(watching)
    nothing_is_left(again.model, watching)


PARTS = {
    "what is put into the record": (callbacks.Diagnosis, "_bring_record_up_to_date"),
    "the first batches": (probe_data, "_first_examples"),
    "the summary": (callbacks.TensorBoard, "_summary"),
    "the findings": (callbacks.Diagnosis, "findings"),
    "the page": (LivePage, "points"),
    "the page at the end": (LivePage, "close"),
    "the trackers": (Feeds, "record"),
    "the writer": (writer.Steps, "forward"),
    "the record": (RunWriter, "record"),
    "closing the writer": (RunWriter, "close"),
    "reading": (observation.Observation, "read"),
    "counting": (observation.Observation, "most_steps"),
    "beginning to observe": (observation.Observation, "start"),
    "making an observation": (observation.Observation, "__init__"),
    "the wishes": (observing, "wishes_of"),
    "the other train function": (fit, "use_train_function"),
}


@pytest.mark.slow
@pytest.mark.broad(slow=4)
@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_fails_is_one_warning(again, part, tmp_path, monkeypatch):
    owner, name = PARTS[part]
    again.model.train_function = None  # nothing is kept of other trainings
    broken = property(boom) if name == "most_steps" else boom
    monkeypatch.setattr(owner, name, broken)
    board = callbacks.TensorBoard(str(tmp_path), log_to=[keras_ch8.trackers.JSONL()])
    watching = [board, *watchers(str(tmp_path))[1:]]
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        again.check(again.run(watching, verbose=2))
    assert len(told(found)) == 1, [str(w.message) for w in found]
    nothing_is_left(again.model, watching)
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        again.check(again.run(watchers(str(tmp_path))))  # and the next training is watched as ever


OF_STEPS = {
    "a row": (recorder.Recorder, "write_row"),
    "whether it is due": (recorder.Recorder, "is_due"),
    "the loss": (recorder.Recorder, "take_loss"),
    "hearing the loss": (recorder.Recorder, "record_loss"),
    "making the rings": (recorder.Recorder, "make_rings"),
    "measuring": (observation, "measured"),
    "publishing": (recorder, "publish"),
}
KINDS = {"Keras's": lambda: keras.optimizers.Adam(0.01), "ours": lambda: ours.Adam(0.01)}
WAYS = [{}, {"run_eagerly": True}, {"jit_compile": True}]
TRACED = [(part, kind) for part in OF_STEPS for kind in KINDS]


@pytest.mark.slow
@pytest.mark.broad(slow=4)
@pytest.mark.parametrize("part, kind", TRACED)
def test_what_fails_while_a_step_is_traced_leaves_the_bare_step(part, kind, tmp_path, monkeypatch):
    bare = Again(KINDS[kind]())
    bare.model.train_function = None
    owner, name = OF_STEPS[part]
    monkeypatch.setattr(owner, name, boom)
    watching = watchers(str(tmp_path))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        bare.check(bare.run(watching))
    assert len(told(found)) == 1, [str(w.message) for w in found]
    nothing_is_left(bare.model, watching)
    monkeypatch.undo()
    again = watchers(str(tmp_path))
    bare.check(bare.run(again))
    assert f"{EPOCHS * STEPS} steps" in again[2].findings()[0]  # and the next training is observed again


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("way", WAYS[1:], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_so_it_does_in_other_ways_to_step(kind, way, tmp_path, monkeypatch):
    expected, watched = network(KINDS[kind](), **way), network(KINDS[kind](), **way)
    history = train(expected)
    monkeypatch.setattr(recorder.Recorder, "write_row", boom)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        assert train(watched, watchers(str(tmp_path))) == history
    assert len(told(found)) == 1
    for one, other in zip(expected.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("part", ["make_rings", "_with_row", "end"])
def test_a_method_of_section_8_6_goes_on_without_its_rows(part, monkeypatch):
    bare = Again(ours.LBFGS(), batch_size=len(X))
    bare.model.train_function = None
    monkeypatch.setattr(SolverLog, "_ring" if part == "end" else part, property(boom) if part == "end" else boom)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        bare.check(bare.run([callbacks.GradientClippingLogger()]))
    assert len(told(found)) == 1, [str(w.message) for w in found]


@pytest.mark.slow
def test_what_clips_the_gradient_still_clips_where_its_rows_fail(monkeypatch):
    def clipped(*more):
        model, rule = network(keras.optimizers.SGD(0.1)), clipping.ByGlobalNorm(0.01)
        model.fit(X, Y, BATCH, shuffle=False, verbose=0, callbacks=[callbacks.ClipGradients(rule), *more])
        return model.get_weights()

    expected = clipped()
    monkeypatch.setattr(recorder.Recorder, "write_row", boom)
    with pytest.warns(RuntimeWarning, match="What observes the steps of the optimizers has failed"):
        found = clipped(callbacks.GradientClippingLogger())
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


class OwnError(Exception):
    """Of the user's own model or callback."""


class Refuses(keras.layers.Layer):
    def call(self, x, training=False):
        if training:
            raise OwnError("mine")
        return x


def test_an_error_of_the_model_is_the_users_own(tmp_path):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2), Refuses()])
    model.compile("adam", "mse")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`Diagnosis` continues without")
        with pytest.raises(OwnError, match="mine"):
            train(model, watchers(str(tmp_path)))


class Mine(extend.Callback):
    """A user's own callback, which fails where another one reads."""

    def on_telemetry(self, frames, logs):
        raise OwnError("mine")


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("first", [True, False])
def test_an_error_of_a_callback_of_the_users_own_is_raised_also_inside_a_watcher(again, first, tmp_path):
    watching = watchers(str(tmp_path))
    with pytest.raises(OwnError, match="mine"):
        again.run([Mine(), *watching] if first else [*watching, Mine()])
    nothing_is_left(again.model, watching)


class MineWatches(Mine):
    watches = True


@pytest.mark.slow
def test_one_that_says_that_it_watches_is_caught(again):
    with pytest.warns(RuntimeWarning, match="`MineWatches` has failed, and training continues without it"):
        again.check(again.run([MineWatches()]))


@pytest.mark.parametrize("verbose", [0, 1, 2, "auto"])
def test_a_folder_that_cannot_be_written_is_said_before_the_first_step(again, verbose, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    before = [np.array(v) for v in again.variables]
    with pytest.raises(
        OSError, match="`log_dir` is where the files for TensorBoard go, so it must be a folder"
    ) as found:
        train(again.model, [keras_ch8.Doctor(str(tmp_path / "file"))], verbose=verbose)
    assert found.value.__context__ is None or not isinstance(found.value.__context__, AttributeError)
    assert "Not enough was measured" not in capsys.readouterr().out
    for one, other in zip(before, again.variables, strict=True):
        np.testing.assert_array_equal(one, np.array(other))


@pytest.mark.slow
def test_by_the_environment_nothing_watches_and_what_acts_still_acts(again, tmp_path, monkeypatch, capsys):
    watching = [callbacks.TensorBoard(str(tmp_path / "logs")), callbacks.Diagnosis()]
    assert str(watching[-1]).startswith("It has watched no training yet")
    monkeypatch.setenv(_net.OFF, "1")  # read when a training begins, not before
    train_function = again.model.train_function
    stop = callbacks.EarlyStopping("loss", patience=1, min_delta=1e9)
    again.check(again.run([*watching, callbacks.GradientClippingLogger()], verbose=0))
    assert again.model.train_function is train_function
    assert not (tmp_path / "logs").exists()
    assert str(watching[-1]) == "It watches nothing because the environment variable KERAS_CH8_OFF is set."
    history, _ = again.run([*watching, stop], verbose=2)
    assert stop.reason is not None
    assert len(history["loss"]) == 2
    assert "Page: " not in capsys.readouterr().out
    monkeypatch.setenv(_net.OFF, "0")
    again.run(watching)
    assert (tmp_path / "logs").exists()


def loop(model, optimizer, callbacks=(), log_dir=None, losses=lambda loss: loss, compiled=True):
    with keras_ch8.Doctor(log_dir).watch(model, optimizer, callbacks=callbacks) as run:

        def step():
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(model(X[:BATCH]) - Y[:BATCH]))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            run.step(loss=losses(loss))

        step = tf.function(step) if compiled else step
        for _ in range(5):
            step()
    return run.steps, model.get_weights()


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("part", ["_notify", "_leave", "_losses", "_variables"])
def test_a_loop_of_ones_own_goes_on(part, compiled, tmp_path, monkeypatch):
    expected = loop(network("sgd"), keras.optimizers.Adam(), compiled=compiled)
    monkeypatch.setattr(WatchedLoop, part, boom)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        steps, weights = loop(network("sgd"), keras.optimizers.Adam(), log_dir=str(tmp_path), compiled=compiled)
    assert len(told(found)) == 1, [str(w.message) for w in found]
    assert steps == 5
    for one, other in zip(expected[1], weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_a_loop_may_tell_a_loss_for_each_example():
    assert loop(network("sgd"), keras.optimizers.Adam(), losses=lambda loss: tf.fill([3], loss))[0] == 5


@pytest.mark.slow
def test_by_the_environment_a_loop_is_bare(tmp_path, monkeypatch):
    monkeypatch.setenv(_net.OFF, "1")
    optimizer = keras.optimizers.Adam()
    assert loop(network("sgd"), optimizer, log_dir=str(tmp_path / "logs"))[0] == 5
    assert not (tmp_path / "logs").exists()
    assert "apply" not in vars(optimizer)

"""Every kind of training goes on as it is with all that watches on, and is acted on by all that acts."""

import collections
import contextlib
import warnings

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, clipping, extend, schedules
from tests.board.readers import python_loader

from . import KINDS
from .runs import WATCHING, bare, difference, made, train, watching

HOOKS = {"apply", "scale_loss", "train_step", "test_step", "evaluate", "fit", "predict", "compute_loss"}
"""Methods that somebody could have put into an instance, and must have taken out again."""


def each():
    """Parametrize a test with the kinds; one is skipped where this Keras does not have what it needs."""
    kinds = [
        pytest.param(kind, id=kind.name, marks=pytest.mark.skipif(not kind.is_available, reason=f"no {kind.needs}"))
        for kind in KINDS.values()
    ]
    return pytest.mark.parametrize("kind", kinds)


MANY = pytest.mark.broad
"""The same of each kind: of one in `.ci/run`."""


def tolerance(kind):
    """XLA fuses another step when somebody listens, by a last bit."""
    return 1e-6 if kind.is_compiled else 0.0


@contextlib.contextmanager
def at_most_a_sentence(kind):
    """Let each callback say once that it leaves something out, where a loss or a `call` is missing; nobody else."""
    with warnings.catch_warnings(record=True) as caught:
        for category in (UserWarning, RuntimeWarning):
            warnings.simplefilter("always", category)
        yield
    sentences = collections.Counter(speaker(str(warning.message)) for warning in caught)
    assert kind.is_ordinary or not set(sentences) - set(WATCHING), sentences
    assert not kind.is_ordinary or not sentences, [str(warning.message) for warning in caught]
    assert all(count == 1 for count in sentences.values()), [str(warning.message) for warning in caught]


def speaker(sentence):
    """Return the name in backquotes that a sentence begins with; the sentence, where there is none."""
    return sentence.split("`")[1] if sentence.startswith("`") else sentence


def curves(log_dir):
    with python_loader(log_dir) as board:
        return board.scalars()


# --- (a) all that watches, together -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.broad(slow=6)
@each()
def test_a_training_that_is_watched_is_the_bare_one(kind, tmp_path):
    plain = bare(kind.name, "Momentum")
    model, arguments = made(kind, "Momentum")
    with at_most_a_sentence(kind):
        run = train(kind, model, arguments, watching(kind, arguments, tmp_path))
    assert difference(plain, run) <= tolerance(kind)
    assert run.steps == plain.steps
    check_curves(kind, curves(tmp_path), run)
    check_that_nothing_is_left(run, plain)


def check_curves(kind, found, run):
    """Each optimizer that trains has one point a batch, and the x axis is the batches that were trained."""
    tags = {"optimizer": "step/gradient_norm"} if len(kind.optimizers) == 1 else {}
    tags = {name: tags.get(name, f"step/{name}/gradient_norm") for name in kind.optimizers}
    assert {tag for tag in found if tag.startswith("step/") and tag.endswith("/gradient_norm")} == set(tags.values())
    for tag in tags.values():
        steps, norms = zip(*found[tag], strict=True)
        assert steps == tuple(range(1, run.batches + 1)), tag
        assert np.isfinite(norms).all(), tag
        assert max(norms) > 0, tag


def check_that_nothing_is_left(run, plain):
    """Model and optimizers have the attributes that a bare training leaves, and no method of their own."""
    assert run.is_built == plain.is_built
    assert run.names["model"] == plain.names["model"]
    assert set(run.names) == set(plain.names)
    for path, names in run.names.items():
        assert not names & HOOKS, path


def in_turn(kind, turn):
    """Return Momentum and its twin of Keras in turn for half of the kinds, both Adams for the others."""
    twins = [("Momentum", "keras SGD"), ("keras Adam", "Adam")]
    return twins[list(KINDS).index(kind.name) % 2][turn % 2]


# --- (b) what acts ----------------------------------------------------------------------------------------------------


def acted(kind, optimizer, log_dir, *listed, **changed):
    """Train with callbacks that act, and a `TensorBoard`; return model, what is left, and the curves."""
    model, arguments = made(kind, optimizer)
    with warnings.catch_warnings():
        if not kind.is_ordinary:
            warnings.filterwarnings("ignore", "`[A-Z]", UserWarning)
            warnings.filterwarnings("ignore", "`[A-Z]", RuntimeWarning)
        run = train(kind, model, arguments | changed, [*listed, callbacks.TensorBoard(log_dir)])
    return model, run, curves(log_dir)


@pytest.mark.slow
@MANY
@each()
def test_a_training_slows_down_and_stops_and_goes_back_to_its_best_epoch(kind, tmp_path):
    seen = []

    class Weights(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.get_weights())

    stop = callbacks.EarlyStopping(kind.monitor, 1e9, patience=2, mode="min", restore_best_weights=True)
    rule = schedules.ReduceOnPlateau(kind.monitor, factor=0.5, patience=1, mode="min", min_delta=1e9)
    decay = callbacks.LearningRateDecay(rule)
    _, run, _ = acted(kind, in_turn(kind, 0), tmp_path, Weights(), stop, decay, epochs=4)
    assert len(run.logs) == 3 * kind.fits
    assert stop.reason.why is extend.StopReason.PATIENCE
    assert "Restored the weights of epoch 1" in stop.reason.message
    for restored, first in zip(run.weights, seen[-3], strict=True):
        np.testing.assert_array_equal(restored, first)
    if kind.fits == 1:
        assert f"when `{kind.monitor}` stopped improving: epoch 2: from 0.01 to 0.005" in decay.findings()[0]


@pytest.mark.slow
@MANY
@each()
def test_the_rate_falls_and_gradients_are_clipped_for_an_optimizer_of_keras(kind, tmp_path):
    halve = callbacks.LearningRateDecay(lambda epoch, learning_rate: learning_rate / 2, logs=True)
    clip = callbacks.ClipGradients(clipping.ByGlobalNorm(1e-3))
    _, run, found = acted(kind, "keras SGD", tmp_path, halve, clip, callbacks.GradientClippingLogger())
    rates = {name: [logs[name] for logs in run.logs] for name in run.logs[0] if name.startswith("learning_rate")}
    assert rates
    for name, values in rates.items():
        np.testing.assert_allclose(values, 0.01 / 2.0 ** np.arange(1, len(values) + 1), rtol=1e-6, err_msg=name)
    shown = [tag for tag in found if tag.endswith("/gradient_norm_clipped")]
    assert len(shown) == len(kind.optimizers)
    for tag in shown:
        assert max(norm for _, norm in found[tag]) <= 1e-3 * (1 + 1e-5)


@pytest.mark.slow
@MANY
@each()
def test_weights_are_averaged_beside_the_callbacks_of_keras(kind, tmp_path):
    theirs = []
    if kind.is_built:  # Keras saves no weights of a model that is not
        theirs.append(keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True))
    if not kind.needs:  # a `MultiOptimizer` has no rate that Keras's callback could lower
        theirs.append(keras.callbacks.ReduceLROnPlateau(kind.monitor, 0.5, patience=1, mode="min", min_delta=1e9))
    stop = callbacks.EarlyStopping(kind.monitor, patience=99, mode="min")
    average = callbacks.PolyakAveraging(half_life=2)
    model, run, _ = acted(kind, in_turn(kind, 1), tmp_path / "logs", stop, *theirs, average, epochs=3)
    assert stop.reason.why is extend.StopReason.COMPLETED
    assert len(list(tmp_path.glob("*.weights.h5"))) == 3 * kind.is_built
    if not kind.needs and "optimizer" in kind.optimizers:  # Keras's callback knows `model.optimizer` alone
        assert [logs["learning_rate"] for logs in run.logs[:3]] == pytest.approx([0.01, 0.01, 0.005])
    if kind.optimizers:
        assert average.updates > 0
        for in_model, averaged in zip(model.get_weights(), average.weights, strict=True):
            np.testing.assert_array_equal(in_model, averaged)
        assert any((a != b).any() for a, b in zip(average.raw_weights, run.weights, strict=True))

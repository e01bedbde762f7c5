"""Diagnosis: it changes nothing, works on every kind of model and data, and a part of it that fails fails alone."""

import contextlib
import html
import json
import math
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_ch8 import callbacks, extend
from keras_ch8 import optimizers as ours
from keras_ch8.board import tags
from keras_ch8.extend import Claim
from keras_ch8.monitors.eigenvalues import SpectrumMonitor
from keras_ch8.verdicts.texts import markdown, report
from tests.board.readers import python_loader
from tests.callbacks.runs import STEPS, Frames, X, Y, fit, network
from tests.callbacks.test_tensorboard import read
from tests.choosing import models

PROBE = X[:16], Y[:16]
HELD_OUT = models.X[200:232], models.Y[200:232]
CHEAP = {"step_over_best", "noise_scale", "standard_error", "loss", "gradient_norm"}


def always(step):
    return True


def diagnosis(checks="cheap", measure_every=always, budget=None, probe=PROBE, **options):
    return callbacks.Diagnosis(probe, checks, measure_every, budget, **options)


def plain(**options):
    return network(keras.optimizers.SGD(0.1), jit_compile=False, **options)


def numbers(history):
    return {name.removeprefix("diagnosis_") for name in history if name.startswith("diagnosis_")}


# --- it changes nothing --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize(
    "optimizer, options",
    [
        (lambda: ours.Adam(0.01), {"jit_compile": False}),
        (lambda: keras.optimizers.SGD(0.01), {"jit_compile": False}),
        (lambda: ours.SGD(0.01, use_ema=True), {"steps_per_execution": 4}),
    ],
    ids=["ours", "Keras", "average, 4 steps at once"],
)
def test_a_run_with_all_checks_at_every_step_ends_bit_for_bit_as_one_without(optimizer, options):
    """Weights, optimizer, metrics, statistics of batch normalization, and the seeds of Keras, TensorFlow, Python."""

    watching = diagnosis("full", probe=HELD_OUT)
    assert ended(optimizer(), watching, **options) == ended(optimizer(), **options)
    executions = 2 * math.ceil(6 / options.get("steps_per_execution", 1))
    assert watching.measurements == 2 * executions  # at the probe, and at the spectrum


def ended(optimizer, *listed, **options):
    """Return all that a training leaves behind, and its history."""
    model = models.network(optimizer, **options)
    history = model.fit(models.X[:96], models.Y[:96], batch_size=16, epochs=2, callbacks=listed, verbose=0).history
    return models.state_of(model)[0], {n: v for n, v in history.items() if not n.startswith("diagnosis_")}


@pytest.mark.slow
def test_in_one_xla_program_it_ends_as_with_any_callback_that_listens():
    """The row that every step leaves makes XLA fuse the step another way, by a last bit; looking adds nothing to it."""
    found = [
        ended(ours.Momentum(0.01), one, jit_compile=True) for one in (diagnosis("full", probe=HELD_OUT), Frames(None))
    ]
    assert found[0] == found[1]


# --- it works everywhere -------------------------------------------------------------------------------------------


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return X[16 * i : 16 * i + 16], Y[16 * i : 16 * i + 16]


def batches(weighted=False):
    return tf.data.Dataset.from_tensor_slices((X, Y, np.ones(48, "float32")) if weighted else (X, Y)).batch(16)


PROBES = {
    "tf.data": (batches, 16),
    "tf.data without end": (lambda: batches(weighted=True).repeat(), 16),
    "PyDataset": (Batches, 16),
    "with weights": (lambda: (X, Y, np.linspace(0, 2, 48, dtype="float32")), 48),
    "tensors": (lambda: [tf.constant(X), tf.constant(Y)], 48),
}


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("kind", PROBES)
def test_every_kind_of_probe(kind):
    build, size = PROBES[kind]
    model, watching = plain(), diagnosis(["gradient_norm"], measure_every=STEPS, probe=build())
    is_not_read = pytest.warns(UserWarning, match="could change the training, so pass arrays")
    with is_not_read if kind == "PyDataset" else contextlib.nullcontext():
        model.fit(batches(), epochs=2, callbacks=[watching], shuffle=False, verbose=0)
    (reading,) = watching.log.of("gradient_norm")
    assert watching.log.steps_of("gradient_norm").tolist() == [6]
    x, y, *weight = build() if size == 48 else next(iter(batches())) if kind != "PyDataset" else (None, None)
    if x is not None:
        error = np.mean((model(x).numpy() - np.asarray(y)) ** 2, axis=1)
        assert reading.loss == pytest.approx(np.mean(error * (weight[0] if weight else 1)), rel=1e-5)


# --- what it reports -----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize(
    "every, steps",
    [(5, [5, 10, 15]), ("5st", [5, 10, 15]), (lambda step: step in (2, 7, 18), [2, 7, 18]), ("1ep", [6, 12, 18])],
    ids=["5", "5st", "function", "1ep"],
)
def test_measurements_are_made_at_the_steps_that_are_due(every, steps):
    watching = diagnosis(["gradient_norm"], every)
    fit(plain(), [watching], epochs=3)
    assert watching.log.steps_of("gradient_norm").tolist() == steps


@pytest.mark.slow
def test_the_spectrum_is_dear_and_measured_ten_times_less_often():
    watching = diagnosis("full", measure_every=1)
    fit(plain(), [watching], epochs=4)
    assert watching.log.steps_of("gradient_norm").tolist() == [*range(1, 25)]
    assert watching.log.steps_of("spectrum").tolist() == [10, 20]


def test_a_measurement_is_of_the_update_that_was_just_made():
    """The change of the loss on the probe at each step is what a loop of `train_on_batch` sees."""
    watching, model = diagnosis(["step_length"]), plain()
    fit(plain(), [watching], epochs=1)
    for k, found in enumerate(watching.log.of("step_length")):
        before = np.mean((model(PROBE[0]).numpy() - PROBE[1]) ** 2)
        weights = model.get_weights()
        model.train_on_batch(X[8 * k : 8 * k + 8], Y[8 * k : 8 * k + 8])
        after = np.mean((model(PROBE[0]).numpy() - PROBE[1]) ** 2)
        assert (found.loss_before, found.loss_after) == pytest.approx((before, after), rel=1e-5)
        moved = np.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(model.get_weights(), weights, strict=True)))
        assert found.length == pytest.approx(moved, rel=1e-4)
    assert watching.log.batch_size == 8


def test_the_batch_size_is_that_of_a_whole_minibatch_though_the_last_of_an_epoch_is_shorter():
    watching = diagnosis(["gradient_norm"])
    fit(plain(), [watching], batch_size=20, epochs=1)  # 20, 20 and 8 examples
    assert watching.log.batch_size == 20


@pytest.mark.slow
def test_four_steps_at_once_are_judged_as_one_update_and_it_says_so():
    one, four = diagnosis(["step_length"]), diagnosis(["step_length"])
    fit(plain(), [one], batch_size=12, epochs=1)
    fit(plain(steps_per_execution=4), [four], batch_size=12, epochs=1)
    (sum_of_four,) = four.log.of("step_length")
    assert sum_of_four.loss_before == pytest.approx(one.log.of("step_length")[0].loss_before, rel=1e-6)
    assert sum_of_four.loss_after == pytest.approx(one.log.of("step_length")[3].loss_after, rel=1e-6)
    assert four.log.steps_of("step_length").tolist() == [4]
    assert "over 4 updates" in four.findings()[-1]
    assert "each time over" not in one.findings()[-1]


def diverging():
    return network(keras.optimizers.SGD(2.0), jit_compile=False)


@pytest.mark.slow
def test_the_event_file_the_log_and_history_say_the_same(tmp_path):
    """A network of three hidden layers whose rate is far too long, with its pictures and its verdict."""
    keras.utils.set_random_seed(0)
    hidden = [layers.Dense(5, "tanh") for _ in range(3)]
    model = keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(2)])
    model.compile(keras.optimizers.SGD(2.0), "mse", jit_compile=False)
    watching = diagnosis("standard", logs=True)
    history = fit(model, [callbacks.TensorBoard(tmp_path), watching])
    curves = {name: points for name, points in read(tmp_path).items() if name.startswith("diagnosis/")}
    assert set(curves) <= {tag.name for tag in tags.diagnosis_tags().values()}
    assert {f"diagnosis/{name}" for name in CHEAP} <= set(curves)
    expected = watching.log.series("gradient_norm", "loss")
    steps, found = zip(*curves["diagnosis/loss"], strict=True)
    assert steps == tuple(range(1, 2 * STEPS + 1))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(history["diagnosis_loss"], expected[[STEPS - 1, 2 * STEPS - 1]])
    with python_loader(tmp_path) as board:
        text = board.tensors("text")["diagnosis/verdicts"][-1][1].item().decode()
        described = board.descriptions("scalars", "scalars")
    assert text == markdown(watching.verdicts, watching.state)
    assert all(described[tag.name] == tag.description for tag in tags.diagnosis_tags().values() if tag.name in curves)
    lines = (tmp_path / "optimization" / "verdicts.jsonl").read_text().splitlines()
    changes = [extend.Verdict(**json.loads(line)) for line in lines]
    for standing in watching.verdicts:
        last = [c for c in changes if c.kind == standing.kind][-1]
        assert (last.level, last.step) == (standing.level, standing.step)
    (worst, *_) = watching.verdicts
    assert (worst.kind, worst.level) == ("step_too_long", "act")


@pytest.mark.slow
def test_the_number_of_a_verdict_is_the_last_point_of_its_series(tmp_path):
    watching = diagnosis("standard")
    keras.utils.set_random_seed(0)
    fit(diverging(), [callbacks.TensorBoard(tmp_path), watching], epochs=4, validation_data=(X[:8], -Y[:8]))
    curves, numbers = read(tmp_path), [v for v in watching.verdicts if v.value is not None]
    assert {"epoch/val_loss", "diagnosis/spikes"} < {v.series for v in numbers}
    for verdict in numbers:
        assert verdict.value == pytest.approx(curves[verdict.series][-1][1], rel=1e-5), verdict
        assert 0 < verdict.step <= verdict.measured <= 4 * STEPS
        assert verdict.why or verdict.kind == "nonfinite"


@pytest.mark.slow
def test_print_is_the_report_and_a_notebook_has_cards_after_fit_and_after_unpickling():
    """The name of a kind is that of a monitor, which may be the user's: it is text."""
    watching = diagnosis()
    assert str(watching) == "It has watched no training yet: pass it to `fit` in `callbacks`."
    line = repr(watching)
    assert line.startswith("Diagnosis(")
    assert len(line) <= 400
    assert "<details" not in watching._repr_html_()
    fit(plain(), [watching], epochs=2)
    assert watching.verdicts
    for one in (watching, pickle.loads(pickle.dumps(watching))):
        assert str(one) == report(watching.verdicts, one.state, "diagnosis")
        assert one.state == watching.state
        assert repr(one) == line
        shown = one._repr_html_()
        wrong = [verdict for verdict in watching.verdicts if verdict.level != "ok"]
        assert shown.count("<details") == len(wrong) + 1, "one for the passed checks"
        assert all(html.escape(verdict.finding) in shown for verdict in wrong)


def test_in_a_notebook_the_texts_of_verdicts_are_text(monkeypatch):
    names = [f"<b>trouble_{number}" for number in range(90)]
    found = [extend.Verdict(name, "act", "<script>alert(1)</script>", "<img>", "8.2", 5) for name in names]
    monkeypatch.setattr(callbacks.Diagnosis, "verdicts", found)
    shown = diagnosis()._repr_html_()
    assert not any(tag in shown for tag in ("<script", "<img", "<b>trouble"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


# --- what it costs -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_budget_is_kept_and_the_cost_reported():
    watching = diagnosis(["gradient_norm"], measure_every=None, budget=0.03, logs=True)
    history = fit(plain(), [watching], epochs=10)
    assert history["diagnosis_cost"][-1] >= 0
    assert len(history["diagnosis_cost"]) == 10
    assert watching.measurements == 12  # what any training gets where that is light
    assert f"Diagnosis measured {watching.measurements} times" in watching.findings()[-1]
    cost = watching.cost
    assert cost > 0
    assert watching.cost == cost  # the clock does not run on


@pytest.mark.slow
def test_a_second_fit_starts_afresh():
    watching, model = diagnosis(["gradient_norm"], measure_every=2), plain()
    fit(model, [watching])
    assert len(watching.log.of("gradient_norm")) == STEPS
    history = fit(model, [watching], epochs=1)
    assert len(watching.log.of("gradient_norm")) == STEPS / 2
    assert [logs["loss"] for logs in watching.log.epochs] == history["loss"]


# --- what fails ----------------------------------------------------------------------------------------------------


class Broken(extend.Monitor):
    name = "broken"

    def __init__(self, where):
        self.where = where

    def tensors(self, snapshot):
        return self.fails_in("tensors", {"loss": snapshot.now.loss})

    def reading(self, **arrays):
        return self.fails_in("reading", arrays)

    def numbers(self, log):
        return self.fails_in("numbers", {"mine": 7.0})

    def claims(self, log):
        return self.fails_in("claims", [Claim("cliff", "watch", "It was me.")])

    def fails_in(self, where, otherwise):
        if where == self.where:
            raise ZeroDivisionError(f"in {where}")
        return otherwise


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("where", ["tensors", "reading", "numbers", "claims"])
def test_a_monitor_that_fails_is_left_out_with_one_warning_and_the_others_go_on(where):
    watching = diagnosis([Broken(where), "gradient_norm", "cliff"], logs=True)
    with pytest.warns(
        RuntimeWarning, match=rf"continues without 'broken', which failed with ZeroDiv.*in {where}"
    ) as said:
        history = fit(plain(), [watching])
    assert len(said) == 1
    assert len(watching.log.of("gradient_norm")) == 2 * STEPS
    assert np.isfinite(history["diagnosis_loss"]).all()
    assert {(v.kind, v.level) for v in watching.verdicts} == {
        (kind, "ok")
        for kind in ("cliff", "step_too_long", "nonfinite")  # of `cliff`
    }


@pytest.mark.slow
def test_a_spectrum_that_cannot_be_taken_is_left_out_with_one_warning_and_the_others_go_on(monkeypatch):
    def no_second_derivative(*_):
        raise LookupError("gradient registry has no entry for it")

    monkeypatch.setattr("keras_ch8.callbacks.diagnosis.meters.ends_of", no_second_derivative)
    watching = diagnosis(["gradient_norm", SpectrumMonitor(always=True)])
    with pytest.warns(RuntimeWarning, match="continues without 'spectrum', which failed with LookupError") as said:
        fit(plain(), [watching])
    assert len(said) == 1
    assert len(watching.log.of("gradient_norm")) == 2 * STEPS


@pytest.mark.slow
def test_a_monitor_of_one_s_own_that_works_has_its_say_and_its_curve(tmp_path):
    watching = diagnosis([Broken("nowhere")], logs=True)
    history = fit(plain(), [watching, callbacks.TensorBoard(tmp_path)])
    assert [(v.kind, v.level) for v in watching.verdicts] == [("cliff", "watch")]
    assert history["diagnosis_mine"] == [7.0, 7.0]
    assert read(tmp_path)["diagnosis/mine"] == [(step, 7.0) for step in range(1, 2 * STEPS + 1)]


@pytest.mark.slow
def test_a_probe_whose_loss_cannot_be_measured_is_left_out_with_one_warning():
    watching = diagnosis(loss=lambda y, y_pred: keras.ops.matmul(y, y_pred))
    with pytest.warns(RuntimeWarning, match="continues without its probe") as said:
        history = fit(plain(), [watching])
    assert len(said) == 1
    assert len(history["loss"]) == 2


@pytest.mark.slow
def test_a_probe_of_one_example_has_no_noise_and_all_the_rest():
    watching = diagnosis(probe=(X[:1], Y[:1]))
    with pytest.warns(RuntimeWarning, match=r"without 'gradient_noise'.*fewer examples \(1\) than parts") as said:
        fit(plain(), [watching])
    assert len(said) == 1
    assert len(watching.log.of("step_length")) == 2 * STEPS


def endless():
    while True:
        yield PROBE


@pytest.mark.parametrize(
    "probe", [3, (), (X, Y, None, None), (X, Y[:5]), b"digits", {}, endless()], ids=lambda p: type(p).__name__
)
def test_what_is_no_probe_is_an_error_at_once(probe):
    with pytest.raises(ValueError, match=r"`probe` is held-out .*: an object of type \w+, which .*[^.]\. Pass 64"):
        diagnosis(probe=probe)


@pytest.mark.parametrize("checks", ["all", ["spectrum", "weather"], None])
def test_unknown_checks_are_an_error_that_names_those_there_are(checks):
    with pytest.raises(
        ValueError, match=r"`checks` is 'cheap', 'standard' or 'full', or a list of monitors: step_length"
    ):
        diagnosis(checks)

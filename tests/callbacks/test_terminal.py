"""What a user sees in a terminal of 80 columns, with all callbacks of the suite."""

import dataclasses
import itertools
import math
import re

import keras
import numpy as np
import pyte
import pytest
from pyte import modes

import keras_ch8 as ch8
from keras_ch8 import callbacks
from keras_ch8.callbacks.session import shown
from keras_ch8.extend import Verdict
from keras_ch8.verdicts.texts import alarm
from tests.small_callbacks import Dies

RNG = np.random.default_rng(0)
X = RNG.normal(size=(128, 6)).astype("float32")
Y = X[:, :1] * X[:, 1:2]
BAR = re.compile(r"8/8 ━{20} \S+ \S+/step - loss: \S+( - val_loss: \S+)?")


def deep(depth=12):
    """A network whose gradient vanishes on its way back, for certain."""
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(8, "sigmoid") for _ in range(depth)]
    last = keras.layers.Dense(1), ch8.continuation.Temperature(2.0)
    model = keras.Sequential([keras.Input((6,)), *hidden, *last])
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    return model


def all_of_them(source):
    """Every callback of the suite, as a user lists it."""
    listed = [
        callbacks.TensorBoard("logs"),
        callbacks.Diagnosis(budget=None),
        callbacks.EarlyStopping(patience=2, min_delta=0.5, restore_best_weights=True),
        callbacks.PolyakAveraging(uniform=True, start="2ep", evaluate="raw"),
        callbacks.LearningRateDecay(ch8.schedules.ReduceOnPlateau(patience=2)),
        callbacks.SurrogateGap("loss"),
        callbacks.GradientClippingLogger(),
        callbacks.ClipGradients(ch8.clipping.ByGlobalNorm(1.0)),
        callbacks.Continuation(until="1ep"),
        callbacks.SwitchOptimizer("2ep", to=keras.optimizers.SGD(0.01)),
        callbacks.Curriculum(source, np.abs(X[:, 0])),
        callbacks.Resume("states"),
    ]
    but = {"Callback", "Guard"}  # the guard is for the optimizers of the suite
    assert {type(callback).__name__ for callback in listed} == {*callbacks.__all__} - but
    return listed


def screen(text):
    """Return the rows of a terminal of 80 columns that was sent a text."""
    shown = pyte.Screen(80, 500)
    shown.set_mode(modes.LNM)
    pyte.Stream(shown).feed(text)
    return [row.rstrip() for row in "\n".join(shown.display).rstrip().split("\n")]


def fit(model, listed, capsys, source=None, **options):
    """Train as a user does, and return the rows of the terminal."""
    options = {"epochs": 6, "validation_data": (X, Y)} | options
    given = {"x": X, "y": Y, "batch_size": 16} if source is None else {"x": source}
    model.fit(**given, callbacks=listed, **options)
    return screen(capsys.readouterr().out)


def parts(rows):
    """Return the rows of each epoch's bar, the alarms, some of them before the first bar, and the rows after them."""
    first = list(itertools.takewhile(lambda row: row.startswith(("ACT ", "    ")), rows[1:]))
    rows = [*rows[:1], *rows[1 + len(first) :]]
    starts = [i for i, row in enumerate(rows) if row.startswith("Epoch ")]
    bars, alarms, rest = [], [], []
    for begin, end in itertools.pairwise([*starts, len(rows)]):
        ends = next(i for i in range(begin + 1, end) if BAR.fullmatch("".join(rows[begin + 1 : i + 1])))
        longest = max(i for i in range(ends, end) if BAR.fullmatch("".join(rows[begin + 1 : i + 1])))
        bars.append(rows[begin : longest + 1])
        rest += rows[longest + 1 : end]
    rest = [*first, *rest]
    while rest and rest[0].startswith(("ACT ", "    ")):
        if rest[0].startswith("ACT "):
            alarms.append([])
        alarms[-1].append(rest.pop(0))
    return bars, alarms, rest


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def one_line(rows):
    return " ".join(row.strip() for row in rows)


@pytest.mark.slow
def test_with_all_callbacks_an_epoch_has_three_rows_an_alarm_six_and_the_summary_eight(capsys, monkeypatch):
    monkeypatch.setattr(shown, "PATIENCE", math.inf)  # however long an epoch takes here
    source = ch8.data.ArraySource(X, Y, batch_size=16, seed=0)
    listed = all_of_them(source)
    rows = fit(deep(), listed, capsys, source)
    bars, alarms, summary = parts(rows)
    stop, diagnosis = listed[2], listed[1]
    assert len(bars) == stop.stopped_epoch + 1 < 6
    assert max(map(len, bars)) <= 3
    assert max(map(len, alarms)) <= 6
    kinds = [alarm[0].split()[1] for alarm in alarms]
    assert "vanishing" in kinds
    assert len(kinds) == len(set(kinds))
    assert {verdict.kind for verdict in diagnosis.verdicts if verdict.level == "act"} <= set(kinds)
    vanishing = alarms[kinds.index("vanishing")]
    assert re.fullmatch(r"ACT vanishing at step 0: The gradient vanishes on its way back .*", vanishing[0])
    cure = "Cure: Add `layers.BatchNormalization` after each hidden layer."
    assert one_line(vanishing).endswith(cure)
    assert len(summary) <= 8, summary
    said = " ".join(line.strip() for line in summary)
    assert "ACT: " in said
    assert f"Stopped after epoch {stop.stopped_epoch + 1}: `val_loss` has not become better" in said
    assert f"Restored the weights of epoch {stop.best_epoch + 1}" in said
    assert "The average of the weights is over" in said
    assert "Page of the run: logs/optimization/report.html" in summary
    assert summary[-1] == "Curves: tensorboard --logdir logs"


@pytest.mark.slow
def test_nothing_is_printed_where_fit_prints_nothing(capsys):
    source = ch8.data.ArraySource(X, Y, batch_size=16, seed=0)
    assert fit(deep(), all_of_them(source), capsys, source, verbose=0) == [""]


@pytest.mark.slow
def test_a_verbose_callback_is_heard_also_where_fit_prints_nothing_as_those_of_keras_are(capsys):
    stop = callbacks.EarlyStopping(patience=1, min_delta=0.5, verbose=1)
    assert fit(deep(1), [stop], capsys, verbose=0)[0].startswith("Stopped after epoch 2")


@pytest.mark.slow
def test_what_a_verbose_callback_says_is_not_said_again_by_the_summary(capsys):
    stop = callbacks.EarlyStopping(patience=1, min_delta=0.5, verbose=1)
    rows = fit(deep(1), [stop, ch8.Doctor()], capsys)
    assert sum("Stopped after epoch 2" in row for row in rows) == 1


@pytest.mark.full
def test_one_line_an_epoch_is_not_torn_either(capsys):
    rows = fit(deep(), [ch8.Doctor()], capsys, verbose=2)
    lines = [row for row in rows if row.startswith("8/8 - ")]
    assert len(lines) == 6
    assert all(re.fullmatch(r"8/8 - \S+ - \S+/step - loss: \S+ - val_loss: \S+", line) for line in lines)
    assert sum(row.startswith("ACT vanishing at") for row in rows) == 1


def test_a_healthy_training_ends_with_one_good_sentence(capsys):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    train, test = X[:64], X[64:]
    data = {"x": train, "y": train[:, :1], "batch_size": 16, "validation_data": (test, test[:, :1])}
    diagnosis = callbacks.Diagnosis(
        (test, test[:, :1]), ["step_length", "layer_flow", "cliff"], measure_every=1, budget=None
    )
    model.fit(**data, epochs=5, callbacks=[diagnosis])
    said = screen(capsys.readouterr().out)[-1]
    state = diagnosis.state
    assert state.name == "ok"
    assert said == f"All right: {state.judged} of {state.applicable} checks." == str(diagnosis)


def test_before_an_error_nothing_is_said_of_how_little_was_measured(capsys):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    with pytest.raises(KeyboardInterrupt):
        model.fit(
            X, X[:, :1], callbacks=[callbacks.Diagnosis((X, X[:, :1])), Dies("on_train_batch_begin", 1)], verbose=2
        )
    said = capsys.readouterr().out
    assert "CHECKED" not in said
    assert "measured" not in said


@pytest.mark.slow
def test_without_tensorboard_the_summary_says_where_the_rest_is(capsys):
    rows = fit(deep(), [callbacks.Diagnosis(budget=None)], capsys)
    assert rows[-1] == "`print` the Doctor, or the Diagnosis, for what was found, and what cures it."
    assert rows[-2].startswith(("ACT: ", "WATCH: "))


@pytest.mark.slow
def test_verbose_of_the_diagnosis_turns_alarms_and_summary_off(capsys):
    rows = fit(deep(), [callbacks.Diagnosis(budget=None, verbose=False), callbacks.TensorBoard("logs")], capsys)
    _, alarms, rest = parts(rows)
    assert alarms == rest == []


@pytest.mark.slow
def test_in_a_long_epoch_an_alarm_comes_below_the_bar_which_goes_on_below_it(capsys, monkeypatch):
    monkeypatch.setattr(shown, "PATIENCE", 0.0)
    diagnosis = callbacks.Diagnosis((X, Y), measure_every=1, budget=None, preflight=False)
    rows = fit(deep(), [diagnosis], capsys, epochs=1, validation_data=None)
    begins = next(i for i, row in enumerate(rows) if row.startswith("ACT vanishing"))
    assert re.match(r"[1-7]/8 ━{20}", rows[begins - 1].strip()), rows[begins - 1]
    assert rows[begins + 2].startswith("    Measured 2 times so far: the cause may be another")
    assert any(re.fullmatch(BAR, row) for row in rows[begins + 3 :])


@pytest.mark.slow
def test_after_an_interruption_the_summary_begins_on_a_row_of_its_own(capsys):
    with pytest.raises(KeyboardInterrupt):
        fit(deep(), [ch8.Doctor("logs"), Dies("on_train_batch_end", 6)], capsys)
    rows = screen(capsys.readouterr().out)
    assert rows[-1] == "Curves: tensorboard --logdir logs"
    assert any(re.match(r"\d/8 ━", row.strip()) and "ACT" not in row for row in rows)


def test_an_alarm_has_what_was_found_a_number_and_the_first_cure():
    long = "steps that suit the curvature in each of all the many directions would lower the loss by 0.13 %"
    found = f"It is a plateau: there is hardly a gradient, and no curvature (nothing helps; {long}; and no more)."
    verdict = Verdict("plateau", "act", found, "Start anew (with 0.1, or 2): small. Use `optimizers.Adam`.", "8.2.3", 5)
    said = alarm(verdict)
    assert said[0] == "ACT plateau at step 5: It is a plateau: there is hardly a gradient"
    assert said[1].startswith("    ... ")
    assert said[1].endswith("would lower the loss by 0.13 %")
    assert said[2] == "    Cure: Start anew (with 0.1, or 2): small."
    assert max(map(len, said)) < 80
    both = dataclasses.replace(verdict, finding=found.replace("no more", "7 more"))
    assert alarm(both)[1] == "    and 7 more"

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
from keras_ch8.callbacks.diagnosis.judging import Reporter
from keras_ch8.callbacks.session import shown
from keras_ch8.extend import Verdict
from keras_ch8.verdicts.kinds import KINDS
from tests.small_callbacks import Dies

RNG = np.random.default_rng(0)
X = RNG.normal(size=(128, 6)).astype("float32")
Y = X[:, :1] * X[:, 1:2]
PAGE = "Page: logs/optimization/report.html (live: tensorboard --logdir logs)"
BAR = re.compile(r"8/8 ━{20} \S+ \S+/step - loss: \S+( - val_loss: \S+)?")


def deep(depth=12):
    """A network whose gradient vanishes during backpropagation, for certain."""
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
def test_with_all_callbacks_an_epoch_has_three_rows_an_alarm_three_and_the_summary_eight(capsys, monkeypatch):
    monkeypatch.setattr(shown, "PATIENCE", math.inf)  # however long an epoch takes here
    source = ch8.data.ArraySource(X, Y, batch_size=16, seed=0)
    listed = all_of_them(source)
    rows = fit(deep(), listed, capsys, source)
    bars, alarms, summary = parts(rows)
    stop, diagnosis = listed[2], listed[1]
    assert len(bars) == stop.stopped_epoch + 1 < 6
    assert max(map(len, bars)) <= 3
    assert max(map(len, alarms)) <= 3
    assert sum(map(len, alarms)) + len(summary) <= 25
    kinds = [re.search(r"\((\w+)\) at step", alarm[0])[1] for alarm in alarms]
    assert "vanishing" in kinds
    assert len(kinds) == len(set(kinds))
    assert {verdict.kind for verdict in diagnosis.verdicts if verdict.level == "act"} <= set(kinds)
    vanishing = alarms[kinds.index("vanishing")]
    assert vanishing[0].startswith("ACT Vanishing gradients (vanishing) at step 0: The gradient vanishes")
    assert vanishing[-1] == "    Fix: Add `layers.BatchNormalization` after each hidden layer."
    assert len(summary) <= 8, summary
    said = " ".join(line.strip() for line in summary)
    assert re.search(r"ACT: (\d problems\. First: )?.*\. Fix: .* -> print\(diagnosis\)", said)
    assert f"Stopped after epoch {stop.stopped_epoch + 1}: `val_loss` has not become better" in said
    assert f"Restored the weights of epoch {stop.best_epoch + 1}" in said
    assert "The weights are averaged over" in said
    assert summary[-1] == PAGE


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
    assert sum(row.startswith("ACT Vanishing gradients (vanishing) at step") for row in rows) == 1


def test_a_healthy_training_ends_with_two_rows_what_was_checked_and_where_the_page_is(capsys):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    (x, x_test), (y, y_test) = np.split(X, 2), np.split(X[:, :1] + X[:, 1:2], 2)
    data = {"x": x, "y": y, "batch_size": 16, "validation_data": (x_test, y_test)}
    diagnosis = callbacks.Diagnosis(
        (x_test, y_test), ["step_length", "layer_flow", "cliff"], measure_every=1, budget=None
    )
    model.fit(**data, epochs=5, callbacks=[callbacks.TensorBoard("logs"), diagnosis])
    *others, said, page = screen(capsys.readouterr().out)
    state = diagnosis.state
    assert state.name == "ok"
    assert page == PAGE
    assert all(row.startswith("Epoch ") or BAR.match(row.replace("4/4", "8/8")) for row in others)
    assert said == f"OK: {state.judged} of {state.applicable} checks ran, nothing to do." == str(diagnosis)


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
    assert "-> print(diagnosis)" in one_line(rows)


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
    begins = next(i for i, row in enumerate(rows) if row.startswith("ACT Vanishing gradients"))
    assert re.match(r"[1-7]/8 ━{20}", rows[begins - 1].strip()), rows[begins - 1]
    assert "    Fix: Add `layers.BatchNormalization` after each hidden layer." in rows[begins + 1 : begins + 4]
    assert any(re.fullmatch(BAR, row) for row in rows[begins + 2 :])


@pytest.mark.slow
def test_after_an_interruption_the_summary_begins_on_a_row_of_its_own(capsys):
    with pytest.raises(KeyboardInterrupt):
        fit(deep(), [ch8.Doctor("logs"), Dies("on_train_batch_end", 6)], capsys)
    rows = screen(capsys.readouterr().out)
    assert rows[-1] == PAGE
    assert any(re.match(r"\d/8 ━", row.strip()) and "ACT" not in row for row in rows)


def test_each_sentence_of_an_alarm_has_four_rows_at_most_and_after_five_alarms_one_row_says_that_there_are_more():
    long = Verdict("plateau", "act", f"{'It is flat and ' * 20}so on.", f"{'Start anew and ' * 20}so on.", "8.2.3", 5)
    reporter, said = Reporter(), []
    for kind in list(KINDS)[:8]:
        reporter.reported.add(kind)
        said.append(reporter._told(dataclasses.replace(long, kind=kind), 0))
    assert [len(rows) for rows in said] == [8, 8, 8, 8, 8, 1, 0, 0]
    assert max(len(row) for rows in said for row in rows) < 80
    assert all(rows[0].startswith("ACT ") and rows[4].startswith("    Fix: Start") for rows in said[:5])

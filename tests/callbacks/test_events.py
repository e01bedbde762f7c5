"""What the callbacks tell the record of a run, and the series by which the page shows them."""

import numpy as np
import pytest

import keras_ch8 as ch8
from keras_ch8 import callbacks, extend, stopping
from tests.callbacks.runs import STEPS, X, Y, fit, network
from tests.callbacks.test_continuation import Meter, metered
from tests.callbacks.test_early_stopping import Says
from tests.callbacks.test_record import newest
from tests.callbacks.test_tensorboard import read


def events(folder, *kinds):
    """Return step and text of the events of some kinds in the newest record."""
    found = newest(folder)["events"]
    return [(event["step"], event["text"]) for event in found if event["kind"] in kinds]


@pytest.mark.slow
def test_early_stopping_shows_metric_best_and_patience_and_says_where_and_why_it_stopped(tmp_path):
    values = [3.0, 2.0, np.nan, 2.5, 2.4, 1.0]
    stop = callbacks.EarlyStopping("x", mode="min", patience=3, restore_best_weights=True)
    listed = [Says(x=values), stop, callbacks.EarlyStopping("loss", patience=9), callbacks.TensorBoard(tmp_path)]
    fit(network("sgd"), listed, epochs=6)
    curves = read(tmp_path)
    at = [STEPS * epoch for epoch in range(1, 6)]
    assert [step for step, _ in curves["epoch/stopping_metric"]] == at
    np.testing.assert_allclose([value for _, value in curves["epoch/stopping_metric"]], values[:5], rtol=1e-6)
    assert curves["epoch/stopping_best"] == list(zip(at, [3.0, 2.0, 2.0, 2.0, 2.0], strict=True))
    assert curves["epoch/stopping_patience_left"] == list(zip(at, [3, 3, 2, 1, 0], strict=True))
    why = "Stopped after epoch 5: `x` has not become better for 3 epochs; the best is 2 of epoch 2."
    assert events(tmp_path, "stop", "restore") == [
        (5 * STEPS, why), (5 * STEPS, "Restored the weights of epoch 2, where `x` was 2.")
    ]  # fmt: skip
    expected = {"metric": "x", "best": 2.0, "best_epoch": 2, "patience_left": 0, "reason": why}
    assert newest(tmp_path)["stopping"] == expected


def test_another_criterion_has_no_patience_and_a_training_to_its_end_no_reason(tmp_path):
    stop = callbacks.EarlyStopping("loss", criterion=stopping.Diverged())
    fit(network("sgd"), [stop, callbacks.TensorBoard(tmp_path)])
    assert "epoch/stopping_patience_left" not in read(tmp_path)
    found = newest(tmp_path)["stopping"]
    assert (found["metric"], found["patience_left"], found["reason"]) == ("loss", None, None)
    assert events(tmp_path, "stop", "restore") == []


@pytest.mark.parametrize(
    ("baseline", "values", "expected"),
    [(None, [5, 4, 4, 4], [2, 2, 1, 0]), (3.0, [5, 4, 2, 3], [1, 0, 2, 1])],
)
def test_patience_says_how_many_epochs_are_left(baseline, values, expected):
    criterion, past = stopping.Patience(2, baseline=baseline), extend.EpochHistory("x")
    left = []
    for epoch, value in enumerate(values):
        past = past.after(epoch, {"x": value}, 0.0)
        left.append(criterion.left(past))
    assert left == expected


@pytest.mark.slow
@pytest.mark.broad(slow=1)
@pytest.mark.parametrize(
    ("pacing", "expected"),
    [
        (ch8.curriculum.pacings.Step(start=0.5, at=0.5), [(1, 50), (4, 100)]),
        (ch8.curriculum.pacings.BabySteps(4), [(1, 25), (3, 50), (5, 75), (7, 100)]),
        (ch8.curriculum.pacings.Linear(start=0.2), [(1, 20), (9, 100)]),
    ],
)
def test_a_stage_of_a_curriculum_is_an_event_where_it_begins(tmp_path, pacing, expected):
    source = ch8.data.ArraySource(X, Y, batch_size=8, seed=0)
    at = {"until": 8} if not isinstance(pacing, ch8.curriculum.pacings.Step) else {"until": 6}
    easy_first = callbacks.Curriculum(source, np.abs(X[:, 0]), pacing, **at)
    model = network("sgd")
    model.fit(source, epochs=3, callbacks=[easy_first, callbacks.TensorBoard(tmp_path)], verbose=0)
    said = [(step, f"From now on, {share}% of the examples can be drawn.") for step, share in expected]
    assert events(tmp_path, "stage") == said


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("schedule", ["linear", [1.0, 0.5]])
def test_a_stage_of_a_continuation_is_an_event_and_so_is_the_real_problem(tmp_path, schedule):
    model, _ = metered(meter=Meter(1.0, 0.0, name="m"))
    fit(model, [callbacks.Continuation(schedule, "8ba"), callbacks.TensorBoard(tmp_path)])
    begins = [(0, "A stage begins: `m.number` is 1."), (4, "A stage begins: `m.number` is 0.5.")]
    stages = [] if schedule == "linear" else begins
    assert events(tmp_path, "stage") == [*stages, (8, "The real problem begins: `m.number` is 0.")]

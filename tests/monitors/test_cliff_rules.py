"""What is said of single steps: each limit on its two sides."""

import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.monitors import _cliff, _step_length
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows
from keras_ch8.verdicts.fact import Fact
from tests.monitors.logs import INF, NAN, check, cliffs, level, log_of, losses, said


@pytest.mark.parametrize(
    "losses, kinds",
    [
        ([np.nan] * 9, {"nonfinite"}),  # before any step
        ([1.0, 0.9, 0.8, 0.7, np.nan], {"nonfinite"}),  # from one step to the next
        ([1.0, 2.0, 9.0, 80.0, np.nan], {"nonfinite", "step_too_long"}),  # after it has grown
    ],
)
def test_what_is_not_a_number_without_growth_is_no_fault_of_the_steps(losses, kinds):
    log, losses = MeasurementLog(total=100), np.array(losses)
    log.add_rows(Rows(np.arange(1, len(losses) + 1), losses, losses))
    for step in (8, 9):
        log.add(step, {"step_length": StepLength(np.nan, np.nan, np.nan, np.nan, np.nan)})
    claims = [c for m in (_cliff.CliffMonitor(), _step_length.StepLengthMonitor()) for c in m.claims(log)]
    assert {claim.kind for claim in claims if claim.level == "act"} == kinds
    assert "divides by 0" in claims[1].cure or "step_too_long" in kinds


def test_cliffs_by_their_number_and_their_height():
    def spikes(count, height=10.1, fallen=0.2):
        norms = np.ones(200)
        norms[50 : 50 + 20 * count : 20] = height
        claim = said("cliff", cliffs(norms, fallen), "cliff")
        assert claim.proven == (claim.level == "act")
        return claim.level

    check([(0, "ok"), (1, "watch"), (2, "watch"), (3, "act"), (3, 9.9, "ok"), (3, 10.1, 0.6, "ok")], spikes)


@pytest.mark.parametrize("value", [np.inf, NAN])
def test_a_gradient_that_is_no_number_calls_for_action_and_twice_it_is_proven(value):
    claims = [said("cliff", cliffs([*[1.0] * 30, *[value] * n]), "nonfinite") for n in range(3)]
    assert [claim.level for claim in claims] == ["ok", "act", "act"]
    assert [claim.proven for claim in claims] == [False, False, True]
    assert level("cliff", cliffs([*[1.0] * 30, value, value, value]), "cliff") == "ok"


def test_the_ratio_where_there_is_no_gradient_and_where_it_is_infinite():
    assert np.isnan(monitors.cliff(np.ones(5)).largest)
    nothing, without_end = monitors.cliff(np.zeros(30)), monitors.cliff(np.full(30, INF))
    assert (nothing.ratio == 0).all()
    assert (nothing.rise == 0).all()
    assert (without_end.ratio == 1).all()
    assert (without_end.rise == 1).all()


def test_the_finding_names_the_step_of_the_last_spike():
    norms = np.ones(100)
    assert "most recently" not in said("cliff", cliffs(norms), "cliff").finding
    norms[[40, 60]] = 20.0
    finding = said("cliff", cliffs(norms), "cliff").finding
    assert "(2 spikes; the largest was 20 times the median of the 100 before it; in the last 100 steps" in finding
    assert finding.endswith(", most recently at step 61).")


def test_steps_that_are_left_out_call_for_no_other_rate():
    log = cliffs([*[1.0] * 28, *[INF] * 2])
    assert said("cliff", log, "nonfinite").level == "act"
    log.has = frozenset({Fact.SKIPPING})
    claim = said("cliff", log, "nonfinite")
    assert claim.level == "watch"
    assert "`guard.jsonl`" in claim.cure


@pytest.mark.parametrize(
    "spikes, fallen, recent, expected",
    [
        (8, 0.7, 0.0, "act"),
        (4, 0.7, 0.0, "ok"),  # a few, of a loss that is good
        (8, 0.95, 0.0, "ok"),  # the loss is low
        (8, 0.7, 0.3, "ok"),  # it still falls
    ],
)
def test_spikes_that_come_again_and_again_count_where_the_loss_is_not_low(spikes, fallen, recent, expected):
    log = log_of(losses(fallen, recent))
    norms = np.ones(500)
    norms[50 : 50 + 50 * spikes : 50] = 40.0
    log.add_rows(Rows(np.arange(1001, 1501), norms, np.full(500, 0.3)))
    assert level("cliff", log, "cliff") == expected


@pytest.mark.parametrize(
    "neighbours, recent, expected", [(0.1, 0.0, "act"), (0.3, 0.0, "ok"), (0.1, 0.1, "ok"), (np.nan, 0.0, "ok")]
)
def test_spikes_hold_a_loss_up_that_is_good_but_far_above_what_the_nearest_examples_predict(
    neighbours, recent, expected
):
    norms = np.ones(200)
    norms[50:150:20] = 40.0
    log = cliffs(norms, fallen=0.6, recent=recent)
    log.neighbours = neighbours
    assert level("cliff", log, "cliff") == expected


@pytest.mark.parametrize(
    "factor, spikes, fallen, expected",
    [
        (2.1, 4, 0.7, "act"),
        (1.9, 4, 0.7, "ok"),  # the loss is good and falls, and the spikes have done little
        (2.1, 2, 0.7, "ok"),  # there were too few
        (2.1, 4, 0.92, "watch"),  # the loss is low
    ],
)
def test_spikes_that_undo_what_many_steps_have_done_are_cliffs_though_the_loss_falls(factor, spikes, fallen, expected):
    log, norms, minibatches = log_of(losses(fallen, 0.1)), np.ones(500), np.full(500, 0.3)
    for at in range(50, 50 + 50 * spikes, 50):
        norms[at], minibatches[at] = 40.0, 100.0
        minibatches[at + 1 : at + 6] = 0.3 * factor
    log.add_rows(Rows(np.arange(1001, 1501), norms, minibatches))
    assert level("cliff", log, "cliff") == expected


@pytest.mark.parametrize(
    "shift, recent, expected",
    [
        (0.0, 0.0, "act"),  # the loss is good, but the spikes come again and again
        (1.0, 0.0, "act"),  # below 0 nothing says what is good
        (1.0, 0.3, "ok"),  # it still falls
    ],
)
def test_spikes_count_where_a_loss_below_0_does_not_fall(shift, recent, expected):
    values = np.array(losses(0.6, recent)) - shift + (0.5 if shift else 0.0)
    values[0] = 1.0
    log = log_of(values)
    norms = np.ones(400)
    norms[100::50] = 40.0
    log.add_rows(Rows(np.arange(1001, 1401), norms, np.full(400, values[-1])))
    assert level("cliff", log, "cliff") == expected

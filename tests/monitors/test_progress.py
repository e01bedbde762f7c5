"""How the loss develops, how long what is left takes, and how large steps and gradients are; on a written log."""

import numpy as np
import pytest

from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors.eigenvalues import SpectrumEnds, elasticity
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows
from keras_ch8.monitors.progress import (
    Progress,
    effective_rate,
    is_spectrum_worthwhile,
    progress,
    progress_measured,
    progress_newest,
)
from keras_ch8.verdicts.table import AT_REST, GOOD, STUCK
from keras_ch8.verdicts.verdict import Claim, VerdictTracker
from tests.monitors.logs import (
    NAN,
    check,
    flow,
    level,
    log_of,
    losses,
    past_of_losses,
    said,
    statistics,
    with_steps,
)


@pytest.mark.parametrize("first", [0, 100])
def test_the_last_third_is_compared_with_what_was_before_it(first):
    found = progress(past_of_losses([9, 8, 7, 6, 5, 4, 3, 2, 1], first=first))
    assert (found.start, found.now, found.recent) == (9, 2, pytest.approx((6 - 2) / 6))


def test_where_all_measurements_are_late_the_first_two_are_what_was_before():
    found = progress(past_of_losses([4, 3, 2, 1], steps=[97, 98, 99, 100]))
    assert found.recent == pytest.approx((3.5 - 2) / 3.5)
    assert progress(past_of_losses([4, 3, 2])) is None


def test_single_measurements_do_not_count():
    assert progress(past_of_losses([9, 8, 7, 6, 600, 4, 3, 200, 1])).now == 3
    assert progress(past_of_losses([9, 8, 7, 6, 600, 4, 3, 2, 1])).recent == pytest.approx((7 - 2) / 7)


def test_the_last_third_ends_at_the_last_step():
    """Of steps 1 to 10 and 30 the last third are those from 20 on: of steps 1 to 10 it would be those from 7 on."""
    found = progress(past_of_losses([*range(11, 0, -1)], steps=[*range(1, 11), 30]))
    assert (found.now, found.recent) == (2, pytest.approx((3 - 2) / 3))


def test_the_start_is_before_the_first_step_and_the_stride_that_of_the_last_9():
    log = past_of_losses([1.0] * 12, strides=[100.0] * 3 + [-1, 2, -3, 4, -5, 6, -7, 8, 900], start=7.0)
    assert (progress(log).start, progress_measured(log)["typical_step"]) == (7.0, 5)
    assert np.isnan(progress_measured(past_of_losses([1.0] * 9))["typical_step"])


def test_a_loss_that_begins_at_0_or_below():
    at_0, below = Progress(0.0, 1.0, 0.0).measured(), Progress(-1.0, -1.5, 0.0).measured()
    assert (at_0["gained"], below["gained"], GOOD.holds(below)) == (0.0, 0.5, True)
    assert np.isnan([below["growth"], at_0["growth"]]).all()
    assert progress(past_of_losses([0.0] * 9)).recent == 0.0
    assert progress(past_of_losses([-1.0] * 5 + [-1.5] * 4)).recent == 0.5


def test_gain_growth_and_pace_are_parts_of_the_loss_at_the_start():
    fallen, grown = Progress(2.0, 0.5, 0.0, then=1.0).measured(), Progress(2.0, 5.0, 0.0, then=1.0).measured()
    found = [tuple(of[name] for name in ("gained", "growth", "pace_kept")) for of in (fallen, grown)]
    assert found == [(0.75, 0.25, pytest.approx(1 / 3)), (-1.5, 2.5, 0.0)]


def test_a_loss_that_is_no_number_is_stuck_and_not_at_rest():
    lost = Progress(1.0, 0.9, NAN, then=0.9).measured()
    assert STUCK.holds(lost)
    assert [limit.name for limit in AT_REST if not limit.holds(lost)] == [
        "the loss is not falling", "the loss is not rising much",
    ]  # fmt: skip


def test_the_gradient_is_that_of_the_last_50_minibatches_where_it_is_smaller():
    log = MeasurementLog()
    assert elasticity(log, GradientNorm(100.0, 2.0, -4.0)) == 50
    norms = np.array([0.0] * 10 + [2.0] * 25 + [4.0] * 25)
    log.add_rows(Rows(np.arange(60), norms, norms))
    assert elasticity(log, GradientNorm(100.0, 2.0, -4.0)) == 3 * 2 / 4
    assert elasticity(log, GradientNorm(1.0, 2.0, -4.0)) == 0.5
    assert np.isnan(elasticity(log, GradientNorm(1.0, 2.0, 0.0)))


def test_one_large_gradient_of_a_minibatch_does_not_count():
    log = MeasurementLog()
    norms = np.array([2.0] * 10 + [1000.0])
    log.add_rows(Rows(np.arange(11), norms, norms))
    assert elasticity(log, GradientNorm(100.0, 2.0, -4.0)) == 2 * 2 / 4


def test_the_rate_is_the_median_over_the_last_9_steps_whose_gradient_is_known():
    log = MeasurementLog()
    for step in range(1, 13):
        length = 90.0 if step == 9 else float(step)
        log.add(step, {"step_length": StepLength(1.0, 1.0, -1.0, 1.0, length)})
    assert np.isnan(effective_rate(log))
    norms = np.array([0.5] * 9 + [np.inf, 0.0])
    log.add_rows(Rows(np.array([*range(1, 10), 11, 12]), norms, norms))
    assert effective_rate(log) == 2 * np.median([4, 5, 6, 7, 8, 90])


def test_the_past_keeps_5000_rows():
    log = MeasurementLog(first=10)
    log.add_rows(Rows(np.arange(11, 5013), np.ones(5002), np.ones(5002)))
    assert (len(log.rows.steps), log.rows.steps[0], log.done) == (5000, 13, 5002)
    log.add_rows(Rows())
    log.add_rows(Rows(np.array([100]), np.ones(1), np.ones(1)))
    assert log.done == 5002  # rows of before do not turn it back
    assert log.of("cliff") == []


def at_chance(values, chance):
    log = with_steps(values)
    log.chance = chance
    return log


@pytest.mark.parametrize("monitor, kind", [("step_length", "step_too_long"), ("gradient_noise", "noise_dominated")])
def test_of_a_trend_nothing_is_said_before_the_fourth_measurement(monitor, kind):
    log = MeasurementLog(total=100)
    log.batch_size = 10.0
    for step in range(1, 5):
        assert step == 1 or said(monitor, log, kind) is None
        log.add(step, {
            "step_length": StepLength(1.0, 1.0, -1.0, 1.0, 1.0),
            "gradient_noise": GradientNoise(1, 1), "gradient_norm": GradientNorm(1.0, 1.0, 1.0, penalty=0.1),
        })  # fmt: skip
    assert said(monitor, log, kind) is not None


def test_the_spectrum_is_worth_its_price_where_a_loss_is_not_low_and_slow_or_steps_are_short():
    def closer(fallen, recent, ratio=0.2):
        return is_spectrum_worthwhile(with_steps(losses(fallen, recent), ratio))

    check([(0.94, 0.19, True), (0.96, 0.19, False), (0.94, 0.21, False), (0.96, 0.21, 0.0099, True),
           (0.96, 0.21, 0.0101, False)], closer)  # fmt: skip
    assert is_spectrum_worthwhile(MeasurementLog(total=10)) is False


@pytest.mark.parametrize("monitor, kind, good, bad", [
    ("batch_statistics", "batch_norm_gap", statistics(), statistics(1.9, inference=1.4)),
    ("layer_flow", "dead_units", flow(dead=np.array([0.1, NAN, NAN, NAN])), flow(dead=np.array([0.9, NAN, NAN, NAN]))),
])  # fmt: skip
def test_the_last_measurement_counts(monitor, kind, good, bad):
    for readings, found in (([*[good] * 8, bad], "act"), ([*[bad] * 8, good], "ok")):
        log = log_of(losses(0.05), **{monitor: readings})
        log.chance = 1.2
        assert level(monitor, log, kind) == found


def test_elasticity_where_the_loss_is_below_0_or_0():
    assert GradientNorm(2.0, 3.0, -4.0).elasticity == 1.5
    assert np.isnan(GradientNorm(2.0, 3.0, 0.0).elasticity)
    ends = {"smallest": 0.0, "largest": 1.0, "residual": 0.0, "gradient_norm": 2.0, "weight_norm": 3.0,
            "kernel_elasticity": 1.0, "decrement": 0.0, "resolved": 1.0}  # fmt: skip
    assert SpectrumEnds(**ends, loss=-4.0).elasticity == 1.5
    assert SpectrumEnds(**ends, loss=-4.0).gain == 0.25
    assert np.isnan(SpectrumEnds(**ends, loss=0.0).elasticity)
    assert SpectrumEnds(**ends, loss=0.0).gain == 0.0


def test_what_a_source_denies_is_taken_back():
    tracker = VerdictTracker()
    found = Claim("vanishing", "act", "act")
    for step in range(2):
        tracker.update(step, [found])
    tracker.update(0, [Claim("exploding", "act", "said before the first step", proven=True)], "preflight")
    for _ in range(2):  # the second time there is nothing more to take back
        tracker.retract("preflight", ("exploding", "vanishing"))
        assert [verdict.kind for verdict in tracker.verdicts] == ["vanishing"]


@pytest.mark.parametrize(
    "values, is_good",
    [
        ([0.5, 0.0, -0.7, -1.3, -1.3, -1.2, 0.2, 0.1, 0.3], False),  # 40 % below its start, and most was lost again
        ([0.5, 0.0, -0.7, -1.0, -1.2, -1.2, -1.3, -1.2, -1.3], True),
        ([-1.0, -1.1, -1.2, -1.2, -1.2, -1.2, -1.2, -1.2, -1.2], False),  # kept whole, but it is little
        ([1.0, 0.2, 0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 0.3], True),  # never below 0
    ],
)
def test_a_loss_that_goes_below_0_is_good_by_what_it_has_kept_of_its_fall(values, is_good):
    assert GOOD.holds(progress_measured(with_steps(np.array(values)))) == is_good


def penalized(values, penalties):
    """Return a log of losses of which these parts are penalties."""
    readings = [GradientNorm(1.0, 10.0, v, p) for v, p in zip(values, penalties, strict=True)]
    log = log_of(values, gradient_norm=readings)
    log.chance, log.neighbours = 2.3, 0.5
    return log


def test_of_a_loss_with_penalties_the_rest_is_held_against_constants_and_neighbours():
    """All that has fallen is the penalties."""
    log = penalized(np.array([20.0, *[2.4] * 8]), [17.6, *[0.1] * 8])
    measured = progress_measured(log)
    assert (measured["gained"], measured["over_chance"], measured["over_neighbours"]) == pytest.approx((0.0, 1.0, 4.6))
    without = penalized(np.array([20.0, *[0.6] * 8]), [17.6, *[0.1] * 8])
    assert GOOD.holds(progress_measured(without))
    assert progress(log).gained_at(1.25, 0.1) == pytest.approx(0.5)


def test_the_newest_loss_is_without_its_own_penalty_not_with_that_of_others():
    """Penalties that have just come down are no loss below 0."""
    log = penalized(np.array([20.0] * 8 + [2.0]), [17.6] * 8 + [0.1])
    newest = progress_newest(log)
    assert newest["over_chance"] == pytest.approx(1.9 / log.chance)
    assert newest["gained"] == pytest.approx(min((20 - 2.0) / 20, (log.chance - 1.9) / log.chance))


@pytest.mark.parametrize("small, expected", [(1.0, 0.01), (0.2, 0.05), (1e-9, 0.01 / 0.9)])
def test_a_gradient_that_has_not_made_the_step_says_nothing_of_the_rate(small, expected):
    log = MeasurementLog(total=200)
    norms = np.ones(200)
    norms[19::20] = small  # where it is measured; momentum goes on all the same
    log.add_rows(Rows(np.arange(1, 201), norms, np.ones(200)))
    for step in range(20, 201, 20):
        log.add(step, {"step_length": StepLength(1.0, 1.0, slope=-0.1, curvature=0.01, length=0.01)})
    assert effective_rate(log) == pytest.approx(expected)


@pytest.mark.parametrize(
    "values, chance, is_good",
    [
        (np.array([1.5e7, *[4.3e5] * 8]), 0.25, False),  # far below its start, and a million times a constant
        (np.array([3.4, *[np.log(3)] * 8]), np.log(3), False),  # 70 % below its start: as good as a constant
        (np.array([3.4, *[0.5] * 8]), np.log(3), True),
        (np.array([1.0, *[0.4] * 8]), 30.0, True),  # it began better than any constant, as a model that is tuned
        (np.array([1.0, *[0.6] * 8]), 30.0, False),
        (np.array([3.4, *[np.log(3)] * 8]), NAN, True),  # a constant is unknown
    ],
)
def test_a_loss_is_good_only_if_it_is_far_below_that_of_the_best_constant_prediction(values, chance, is_good):
    measured = progress_measured(at_chance(values, chance))
    assert GOOD.holds(measured) == is_good
    assert STUCK.holds(measured) != is_good


def test_a_loss_at_chance_counts_as_where_it_began_and_its_growth_is_over_its_own_start():
    measured = progress_measured(at_chance(np.array([3.4, *[np.log(3)] * 8]), np.log(3)))
    found = (measured["gained"], measured["over_chance"], measured["growth"])
    assert found == pytest.approx((0.0, 1.0, np.log(3) / 3.4))

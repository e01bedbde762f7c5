"""What group 16 showed after it was judged: pasts on which a rule was silent or wrong, and neighbours of them."""

import numpy as np
import pytest

from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors._time_horizon import TimeHorizon
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows
from keras_ch8.monitors.progress import effective_rate
from tests.monitors.test_claims import log_of
from tests.monitors.test_duration import claim_of
from tests.monitors.test_duration import log_of as of_epochs
from tests.monitors.test_levels import flow, level, losses, with_steps


@pytest.mark.parametrize("best, expected", [(6, "act"), (8, "ok")])
def test_a_held_out_loss_that_was_best_in_the_first_third_was_best_long_ago(best, expected):
    held_out = [*np.linspace(0.9, 0.5, best), *np.linspace(0.5, 0.6, 20 - best)]
    training = [*np.linspace(0.9, 0.5, best), *np.geomspace(0.5, 0.3, 20 - best)]
    assert claim_of(of_epochs(held_out, training, total=400), "too_long").level == expected


@pytest.mark.parametrize(
    "lowest, end, ratio, noise, expected",
    [
        (0.03, 0.15, 2.4, 0.1, "act"),
        (0.08, 0.13, 2.4, 0.1, "act"),
        (0.08, 0.12, 2.4, 0.1, "watch"),
        (0.09, 0.11, 2.4, 0.1, "ok"),  # it is at one level
        (0.03, 0.15, 0.3, 0.1, "ok"),  # the steps do not go beyond the lowest point
        (0.03, 0.15, 2.4, 1e6, "ok"),  # the gradient is mostly noise
        (0.01, 0.05, 2.4, 0.1, "ok"),  # it is low
    ],
)
def test_a_loss_that_rises_again_by_steps_beyond_the_lowest_point_has_steps_that_are_too_long(
    lowest, end, ratio, noise, expected
):
    values = np.array([1.0, 0.4, lowest, lowest, lowest, *np.linspace(lowest, end, 3), end])
    log = with_steps(values, ratio=ratio, gradient_noise=GradientNoise(100.0 * noise, 1.0))
    assert level("step_length", log, "step_too_long") == expected


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


@pytest.mark.parametrize(
    "share, signal, fallen, expected",
    [(0.75, 9.0, 0.2, "act"), (0.65, 9.0, 0.2, "ok"), (0.75, 7.0, 0.2, "ok"), (0.75, 9.0, 0.6, "ok")],
)
def test_a_layer_saturated_by_large_numbers_counts_from_fewer_units(share, signal, fallen, expected):
    seen = flow(signal=np.array([signal, 1.0, 1.0, 1.0]), saturated=np.array([0.0, share, 0.0, np.nan]))
    assert level("layer_flow", log_of(losses(fallen), layer_flow=seen), "saturated_units") == expected


@pytest.mark.parametrize(
    "growth, is_final, fallen, expected",
    [
        (1400.0, False, 0.2, "act"),
        (390.0, False, 0.2, "watch"),
        (190.0, False, 0.2, "ok"),  # a sum over 40 steps may come to 40
        (190.0, True, 0.2, "act"),
        (1400.0, False, 0.6, "watch"),
    ],
)
def test_a_gradient_grows_through_time_also_where_the_loss_sees_every_step(growth, is_final, fallen, expected):
    seen = (TimeHorizon("rnn", np.geomspace(1, growth, 40), is_final=is_final, kernel=np.eye(2)),)
    assert level("time_horizon", log_of(losses(fallen), time_horizon=seen), "exploding") == expected


@pytest.mark.parametrize("small, expected", [(1.0, 0.01), (0.2, 0.05), (1e-9, 0.01 / 0.9)])
def test_a_gradient_that_has_not_made_the_step_says_nothing_of_the_rate(small, expected):
    log = MeasurementLog(total=200)
    norms = np.ones(200)
    norms[19::20] = small  # where it is measured; momentum goes on all the same
    log.add_rows(Rows(np.arange(1, 201), norms, np.ones(200)))
    for step in range(20, 201, 20):
        log.add(step, {"step_length": StepLength(1.0, 1.0, slope=-0.1, curvature=0.01, length=0.01)})
    assert effective_rate(log) == pytest.approx(expected)

"""What is said of the length of the steps: each limit on both sides, and what is measured of the steps."""

import numpy as np
import pytest

from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors.measurement_log import Rows
from tests.monitors.logs import INF, NAN, faded, level, log_of, losses, measured, steps, with_steps


def diverging(growth=2.0, ratio=1.2, minibatches=1.0):
    """Of the last 50 minibatches the loss of every other is known, and those before had five times the start's."""
    log = with_steps([1.0, *[growth] * 8], ratio)
    log.add_rows(Rows(np.arange(1001, 1121), np.ones(120), np.array([5.0] * 70 + [minibatches, NAN] * 25)))
    return level("step_length", log, "step_too_long")


def far_beyond(product=25.0, ratio=1.2, headway=-0.1):
    """The loss falls early to a half, and is beyond half of the training further down by the headway."""
    values = [1.0, *[0.5] * 5, *[0.5 * (1 - headway)] * 3]
    return level("step_length", with_steps(values, ratio, spectrum={"largest": 100 * product}), "step_too_long")


def swinging(rises=1.0, ratio=1.2, height=0.9):
    values = [1.0, *[height * (1 - rises / 4), height] * 4]
    return level("step_length", with_steps(values, ratio), "step_too_long")


def rising_again(by=0.5, overshoot=1.2):
    values = [1.0, *[0.4] * 5, *[0.4 * (1 + by)] * 3]
    return level("step_length", with_steps(values, 2 * overshoot), "step_too_long")


def evenly(ratio=0.004, fallen=0.05, pace=0.5, total=1000):
    """The loss has fallen by a part of its start, of which the last third of the steps brought the pace."""
    now = 1 - fallen
    log = with_steps([1.0, *[now + pace * fallen] * 4, *[now] * 4], ratio)
    log.total = total
    return level("step_length", log, "step_too_short")


def after_fading(left=0.004, fallen=0.2):
    log = faded(left, losses(fallen))
    log.chance = 1.0
    return level("step_length", log, "step_too_short")


@pytest.mark.parametrize(
    "rule, given, levels",
    [
        (diverging, "growth", {1.49: "ok", 1.51: "act"}),
        (diverging, "ratio", {0.99: "ok", 1.01: "act", -1.01: "act"}),
        (diverging, "minibatches", {0.69: "ok", 0.71: "act"}),  # learned by heart
        (far_beyond, "product", {19.9: "ok", 20.1: "act"}),
        (far_beyond, "ratio", {0.99: "ok", 1.01: "act", -1.01: "act"}),
        (far_beyond, "headway", {0.01: "ok", 0.0: "act"}),
        (swinging, "rises", {0.59: "ok", 0.61: "act"}),
        (swinging, "ratio", {0.99: "ok", 1.01: "act", -1.01: "act"}),
        (swinging, "height", {0.49: "ok", 0.51: "act"}),
        (rising_again, "by", {0.19: "ok", 0.21: "act"}),
        (rising_again, "overshoot", {0.99: "ok", 1.01: "act"}),
        (evenly, "ratio", {0.021: "ok", 0.019: "watch", 0.011: "watch", 0.009: "act"}),
        (evenly, "fallen", {0.101: "ok", 0.099: "act", 0.0: "ok"}),
        (evenly, "pace", {0.24: "ok", 0.26: "act"}),
        (evenly, "total", {3000: "act", 3001: "ok"}),
        (after_fading, "left", {0.0101: "ok", 0.0099: "act", 0.0: "act"}),
        (after_fading, "fallen", {0.51: "ok", 0.49: "act"}),
    ],
)
def test_each_limit_on_both_sides_where_all_others_are_reached(rule, given, levels):
    assert {value: rule(**{given: value}) for value in levels} == levels


def test_the_step_along_which_the_loss_is_flat_has_no_best_length():
    flat = StepLength(1.0, 1.0, slope=0.0, curvature=0.0, length=1.0)
    assert np.isnan([flat.step_over_optimal, flat.ratio, flat.trust]).all()
    down = StepLength(2.0, 1.5, slope=-1.0, curvature=0.5, length=1.0)
    assert (down.actual, down.predicted, down.step_over_optimal, down.ratio) == (-0.5, -0.75, 0.5, 0.25)
    assert down.trust == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "change, name, expected",
    [
        ({"curvature": 100.0}, "overshoot", 0.5),
        ({"curvature": 100.0}, "step_over_best", 1.0),
        ({"curvature": 100.0}, "typical_step", 1.0),
    ],
)
def test_of_the_last_steps_the_median_counts(change, name, expected):
    """One step of nine is a hundred times as long as the others."""
    assert measured("step_length", log_of([1.0] * 9, step_length=steps(change)))[name] == expected


def test_where_the_curvature_is_negative_or_changes_its_sign_a_step_has_the_size_of_its_length():
    found = measured("step_length", log_of([1.0] * 9, step_length=steps(*[{"curvature": -0.5}] * 9)))
    assert (found["step_over_best"], found["typical_step"], found["overshoot"]) == (0.5, 0.5, -0.25)
    both = [{"curvature": c} for c in (3.0, -3.0, 3.0, -3.0, 0.2, -3.0, 3.0, -3.0, 3.0)]
    found = measured("step_length", log_of([1.0] * 9, step_length=steps(*both)))
    assert (found["step_over_best"], found["typical_step"]) == (0.2, 3.0)


@pytest.mark.parametrize("height, expected", [(2.0, 1.0), (-2.0, 1.0), (0.0, 0.0)])
def test_rises_are_a_part_of_the_size_of_the_loss(height, expected):
    """A part of 0 is not known, and does not count."""
    swings = [{"loss_after": height + 0.5 * (i % 2)} for i in range(9)]
    assert measured("step_length", log_of([height] * 9, step_length=steps(*swings)))["rises"] == expected


@pytest.mark.parametrize("loss", [INF, NAN])
def test_of_a_loss_that_has_overflowed_the_steps_say_nothing(loss):
    assert measured("step_length", log_of([1.0] * 9, step_length=steps({"loss_after": loss}))) == {}

"""A loss that goes up and down, one that rests, and one that was thrown up: which of several kinds is said of it."""

import numpy as np
import pytest

from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors.measurement_log import Rows
from keras_ch8.verdicts.verdict import FORGOTTEN_AFTER, Claim, VerdictTracker
from tests.monitors.test_claims import log_of
from tests.monitors.test_levels import flow, level, losses, with_steps

SWINGS = np.array([1.0, *[0.2, 0.4] * 4])
"""A loss that has come down, and rises by some 0.8 in all at a height of 0.3."""


def swinging(values=SWINGS, ratio=1.5, noise=1.0, jump=0.2):
    noisy = GradientNoise(trace=100.0 * noise, squared_norm=1.0)
    log = with_steps(values, ratio=ratio, jump=jump, gradient_noise=noisy)
    return [level("step_length", log, kind) for kind in ("oscillation", "step_too_long")]


def test_a_loss_that_has_come_down_and_swings_oscillates_and_one_that_single_steps_throw_has_steps_that_are_too_long():
    assert swinging() == ["act", "ok"]
    assert swinging(jump=0.5) == ["ok", "act"]
    assert swinging(np.array([1.0, *[0.7, 1.4] * 4]), ratio=2.5)[0] == "ok"  # it has not come down
    assert swinging(ratio=0.5)[0] == "ok"  # the curvature takes little back: something else throws it
    assert swinging(noise=5.0)[0] == "ok"  # the gradient of a minibatch is mostly noise
    assert swinging(np.geomspace(1, 0.2, 9))[0] == "ok"
    assert swinging(SWINGS * np.array([1, *[0.2] * 8]))[0] == "ok"  # it is low


@pytest.mark.parametrize(
    "noise, largest, expected",
    [
        (6.1, 29.0, "ok"),
        (5.9, 29.0, "act"),  # it is not mostly noise
        (6.1, 31.0, "act"),  # the rate, 0.01, is near the limit of 2 / 31
        (6.1, None, "act"),  # the limit is not known
    ],
)
def test_steps_that_only_follow_the_noise_of_a_few_examples_are_not_too_long(noise, largest, expected):
    """Of the XOR of four examples, one at a time, the loss rests at a saddle point, and each step fits one example."""
    noisy = GradientNoise(trace=100.0 * noise, squared_norm=1.0)
    ends = {"largest": largest} if largest else None
    log = with_steps(np.full(9, 0.7), ratio=3.0, gradient_noise=noisy, spectrum=ends)
    assert level("step_length", log, "step_too_long") == expected


@pytest.mark.parametrize("noise, last, expected", [(6.1, 0.7, "ok"), (5.9, 0.7, "act"), (6.1, 0.99, "act")])
def test_a_step_as_long_as_all_weights_does_no_harm_where_it_follows_noise_and_the_loss_falls(noise, last, expected):
    values = np.geomspace(1.0, last, 9)
    taken = [StepLength(v, v, -0.005, 0.0005, 7.0 if i == 3 else 0.01) for i, v in enumerate(values)]
    noisy = GradientNoise(trace=100.0 * noise, squared_norm=1.0)
    log = log_of(values, step_length=taken, gradient_noise=noisy, spectrum={"largest": 1.0})
    assert level("step_length", log, "step_too_long") == expected


def spiked(spikes, ratio):
    log = with_steps(np.array([1.0, *[0.9, 1.1] * 4]), ratio=ratio, jump=0.4)
    norms = np.ones(300)
    norms[50 : 50 + 20 * spikes : 20] = 40.0
    log.rows = Rows()
    log.add_rows(Rows(np.arange(1, 301), norms, np.ones(300)))
    return level("step_length", log, "step_too_long"), level("cliff", log, "cliff")


def test_the_leaps_that_single_gradients_make_are_not_said_to_be_the_fault_of_all_steps():
    assert spiked(5, 0.4) == ("ok", "act")
    assert spiked(0, 0.4) == ("act", "ok")
    assert spiked(5, 1.4)[0] == "act"


def thrown(losses_of_steps, height=1.0):
    log = with_steps(np.full(9, height))
    log.rows = Rows()
    number = len(losses_of_steps)
    log.add_rows(Rows(np.arange(1, number + 1), np.ones(number), np.array(losses_of_steps)))
    return level("step_length", log, "step_too_long")


def test_first_steps_that_throw_the_loss_far_up_were_too_long_where_it_has_not_come_back():
    far = [1.0, *[20.0] * 30, *[1.0] * 100]
    assert thrown(far) == "act"
    assert thrown([1.0, *[3.1] * 30, *[1.0] * 100]) == "act"
    assert thrown([1.0, *[2.9] * 30, *[1.0] * 100]) == "ok"
    assert thrown([1.0, *[20.0, 1.0, 1.0] * 30]) == "ok"  # a few minibatches with outliers
    assert thrown([1.0] * 130) == "ok"


def resting(neighbours, **change):
    spectrum = {"largest": 1.0, "smallest": 0.05, "resolved": 0.0, "gradient_norm": 1.0} | change
    log = log_of(losses(0.6, 0.0), spectrum=spectrum, layer_flow=flow())
    log.chance, log.neighbours = 1.0, neighbours
    return level("spectrum", log, "underfitting")


def test_a_loss_at_rest_is_judged_by_what_the_nearest_other_examples_predict():
    assert [resting(0.4 / over) for over in (1.3, 1.16, 1.14, 1.05, 0.8)] == ["act", "act", "watch", "ok", "ok"]
    assert resting(float("nan")) == "watch"  # of words: whether noise holds it up is not known


def test_what_is_over_for_long_is_not_worth_watching_and_what_is_denied_is_taken_back():
    tracker = VerdictTracker()
    found, fine = (Claim("vanishing", given, given) for given in ("act", "ok"))
    course = []
    for claim in (found, found, *[fine] * (FORGOTTEN_AFTER + 3)):
        tracker.update(len(course), [claim])
        course.append(tracker.verdicts[0].level if tracker.verdicts else "")
    assert course[1:5] == ["act", "act", "act", "watch"]
    assert course[-1] == "ok"
    tracker.update(20, [found, found][:1])
    tracker.update(21, [found])
    assert tracker.verdicts[0].level == "act"
    proven = Claim("exploding", "act", "said before the first step", proven=True)
    tracker.update(0, [proven], "preflight")
    tracker.retract("preflight", ("exploding", "vanishing"))
    assert [verdict.kind for verdict in tracker.verdicts] == ["vanishing"]
    tracker.retract("preflight", ("exploding",))  # nothing more to take back


@pytest.mark.parametrize("hidden, expected", [((False, False, False, True), "act"), ((True,) * 4, "ok")])
def test_a_model_without_a_hidden_layer_has_no_plateau(hidden, expected):
    flat = {"largest": 1e-9, "smallest": -1e-12, "resolved": 0.0, "gradient_norm": 1e-6}
    log = log_of(losses(0.0), norm=1e-6, batches=1e-6, spectrum=flat, layer_flow=flow(is_output=hidden))
    assert level("spectrum", log, "plateau") == expected

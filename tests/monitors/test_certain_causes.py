"""Rates that fade, statistics at the end, examples known by heart, and others, each beside a healthy neighbour."""

import numpy as np
import pytest

from keras_ch8.monitors import _online_risk
from keras_ch8.monitors._batch_statistics import BatchStatistics
from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.measurement_log import MeasurementLog
from tests.monitors.test_claims import AT_REST, STEPS, log_of
from tests.monitors.test_levels import flow

SWAYING = np.array([1.0, 0.4, 0.4, 0.48, 0.44, 0.48, 0.44, 0.48, 0.44])


def claim_of(monitor, log, kind):
    (asked,) = chosen([monitor])
    return next((claim for claim in asked.claims(log) if claim.kind == kind), None)


def faded(left, losses=AT_REST, spectrum=None):
    """Return nine measurements of which the last six are made at a part of the rate of the first three."""
    lengths = 0.01 * np.array([1.0] * 3 + [left] * 6)
    steps = [StepLength(v, v, -0.5 * d, 5 * d, d) for v, d in zip(losses, lengths, strict=True)]
    log = log_of(losses, step_length=steps, spectrum=spectrum)
    log.chance, log.neighbours = 0.62, 0.1
    return log


@pytest.mark.parametrize(
    "left, level", [(1.0, "ok"), (0.02, "ok"), (9e-3, "watch"), (6e-3, "watch"), (4e-3, "act"), (0.0, "act")]
)
def test_a_loss_at_rest_after_a_rate_that_has_faded_has_steps_that_are_too_short(left, level):
    assert claim_of("step_length", faded(left), "step_too_short").level == level
    low = np.array([1.0, 0.5, *[0.05] * 7])
    assert claim_of("step_length", faded(left, low), "step_too_short").level == "ok"


@pytest.mark.parametrize("left, level", [(1.0, "act"), (5e-4, "ok")])
def test_a_loss_that_rests_because_its_rate_has_faded_is_not_said_to_be_at_a_minimum(left, level):
    log = faded(left, spectrum={"smallest": 0.05, "loss": AT_REST[-1]})
    assert claim_of("spectrum", log, "underfitting").level == level


@pytest.mark.parametrize("total, neighbours, proven", [(1000, 0.2, True), (2000, 0.2, False), (1000, 0.4, False)])
def test_one_spectrum_near_the_end_is_enough_where_the_neighbours_predict_far_better(total, neighbours, proven):
    losses = np.array([1.0, *AT_REST[1:]])
    log = log_of(losses, spectrum={"smallest": 0.05, "loss": AT_REST[-1]})
    log.total, log.chance, log.neighbours = total, 1.0, neighbours
    claim = claim_of("spectrum", log, "underfitting")
    assert (claim.level, claim.proven) == ("act", proven)


@pytest.mark.parametrize(
    "total, gap, inference, proven", [(900, 1.5, 5.0, True), (1000, 1.5, 5.0, False), (900, 1.5, 1.5, False)]
)
def test_the_statistics_that_a_training_ends_with_are_those_of_inference(total, gap, inference, proven):
    one = np.array([gap])
    seen = BatchStatistics(("norm",), one, one, np.zeros(1), training_loss=1.0, inference_loss=inference)
    log = log_of(AT_REST, batch_statistics=seen)
    log.total = total
    claim = claim_of("batch_statistics", log, "batch_norm_gap")
    assert (claim.level, claim.proven) == ("act", proven)


@pytest.mark.parametrize(
    "training, validation, level",
    [
        (0.01, 0.95, "act"),
        (0.05, 0.95, "watch"),
        (0.2, 0.95, "ok"),
        (0.01, 0.2, "ok"),  # most of the loss is gone on new examples, too
    ],
)
def test_a_model_that_knows_its_examples_and_no_others_overfits_though_the_held_out_loss_never_rose(
    training, validation, level
):
    log = MeasurementLog(total=100)
    log.chance = 1.0
    for known, new in zip(np.geomspace(0.9, training, 6), np.linspace(1.2, validation, 6), strict=True):
        log.add_epoch({"loss": known, "val_loss": new}, np.full(10, known))
    (claim,) = _online_risk.OnlineRiskMonitor().claims(log)
    assert claim.level == level


@pytest.mark.parametrize(
    "last, updates, level", [(0.06, 300, "act"), (0.04, 300, "ok"), (0.06, 500, "ok"), (0.15, 300, "act")]
)
def test_few_epochs_that_end_in_the_midst_of_a_fall_are_too_few_though_most_of_the_loss_is_gone(last, updates, level):
    log = MeasurementLog(total=updates)
    log.step, log.chance = updates, 1.0
    for loss in last * 1.25 ** np.arange(6, -1, -1):
        log.add_epoch({"loss": loss}, np.full(3, loss))
    assert claim_of("duration", log, "too_short").level == level


@pytest.mark.parametrize(
    "ratio, noise, level", [(0.9, 0.1, "act"), (0.6, 0.1, "watch"), (0.3, 0.1, "watch"), (0.9, 2.0, "watch")]
)
def test_a_swing_that_the_curvature_along_the_steps_explains_calls_for_action_sooner(ratio, noise, level):
    noisy = GradientNoise(trace=100.0 * noise, squared_norm=1.0)
    log = log_of(AT_REST, curvature=2 * ratio * 0.005, gradient_noise=noisy)
    log.chance = 1.0
    for loss in [0.5, 0.6] * 6:
        log.add_epoch({"loss": loss}, np.full(10, loss))
    assert claim_of("duration", log, "oscillation").level == level


def far_beyond(largest, losses, ratio=0.8):
    spectrum = {"largest": largest, "loss": losses[-1]}
    log = log_of(losses, curvature=2 * ratio * 0.005, spectrum=spectrum)
    log.total, log.chance = 900, 1.0
    return claim_of("step_length", log, "step_too_long").level


def test_a_rate_far_beyond_its_limit_is_too_long_where_half_a_training_gains_nothing():
    assert [far_beyond(largest, SWAYING) for largest in (5000.0, 3000.0, 1500.0)] == ["act", "act", "ok"]
    assert far_beyond(5000.0, SWAYING, ratio=0.4) == "ok"  # no step goes beyond the lowest point
    assert far_beyond(5000.0, SWAYING * np.linspace(1, 0.6, 9)) == "ok"  # the loss gets on
    assert far_beyond(5000.0, np.array([1.0, *[0.05, 0.06] * 4])) == "ok"  # it is low


@pytest.mark.parametrize(
    "scale, size, level", [(15, 100, "ok"), (300, 2000, "act"), (500, 2000, "watch"), (700, 2000, "ok")]
)
def test_a_large_batch_is_wasteful_where_it_had_little_noise_over_the_training(scale, size, level):
    noise = GradientNoise(trace=0.1 * scale, squared_norm=0.1)
    log = log_of(np.geomspace(1, 0.2, 9), gradient_noise=noise)
    log.batch_size = float(size)
    assert claim_of("gradient_noise", log, "batch_wasteful").level == level


@pytest.mark.parametrize(
    "growth, end, level", [(80.0, 0.9, "act"), (40.0, 0.9, "watch"), (20.0, 0.9, "ok"), (80.0, 0.6, "ok")]
)
def test_a_start_whose_gradient_explodes_counts_as_long_as_the_loss_has_got_nowhere(growth, end, level):
    flows = [flow(gradient=np.array([first, 1.0, 1.0, 1.0])) for first in [growth] * 3 + [1.0] * 6]
    log = log_of(np.linspace(1.0, end, len(STEPS)), layer_flow=flows)
    assert claim_of("layer_flow", log, "exploding").level == level


@pytest.mark.parametrize("signal, chance, level", [(9.0, 0.5, "act"), (9.0, 0.8, "watch"), (7.0, 0.5, "ok")])
def test_a_large_signal_at_the_start_counts_sooner_where_the_loss_stays_above_that_of_a_constant(signal, chance, level):
    log = log_of(np.linspace(2.0, 0.9, len(STEPS)), layer_flow=flow(signal=np.array([signal, 1.0, 1.0, 1.0])))
    log.chance = chance
    assert claim_of("layer_flow", log, "bad_scale").level == level

"""What monitors make of a log that is written by hand: each number on its two sides of the threshold."""

import numpy as np
import pytest

from keras_ch8.monitors import _cliff, _gradient_noise, _gradient_norm, _step_length, eigenvalues
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors._time_horizon import TimeHorizon, TimeHorizonMonitor
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows

STEPS = range(100, 1000, 100)


def log_of(losses, *, norm=1.0, curvature=0.005, batches=1.0, spectrum=None, **readings):
    """Return nine measurements: |g| of the probe and of minibatches, steps of 0.01, and what else was read at each."""
    log = MeasurementLog(total=1000)
    log.batch_size = 100.0
    for i, (step, loss) in enumerate(zip(STEPS, losses, strict=True)):
        taken = StepLength(loss if i else losses[0], loss, slope=-0.005, curvature=curvature, length=0.01)
        others = {name: given[i] if isinstance(given, list) else given for name, given in readings.items()}
        log.add(step, {"step_length": taken, "gradient_norm": GradientNorm(norm, 10.0, loss)} | others)
        log.add_rows(Rows(np.array([step]), np.array([batches]), np.array([loss])))
    if spectrum:
        log.add(900, {"spectrum": eigenvalues.SpectrumEnds(**ENDS | {"loss": losses[-1]} | spectrum)})
    return log


ENDS = {
    "smallest": 0.0, "largest": 1.0, "residual": 0.0, "gradient_norm": 1.0, "weight_norm": 10.0,
    "kernel_elasticity": 10.0, "loss": 1.0, "decrement": 0.0, "resolved": 0.0,
}  # fmt: skip


def levels(monitor, log):
    return {claim.kind: claim.level for claim in monitor.claims(log)}


FALLING, AT_REST, LOW = np.geomspace(1, 0.2, 9), np.full(9, 0.6), np.geomspace(1, 0.02, 9)


@pytest.mark.parametrize(
    "losses, change, level",
    [
        (FALLING, {}, "watch"),
        (FALLING, {"largest": 90.0}, "ok"),  # a rate that is below its limit
        (FALLING, {"resolved": 0.1}, "ok"),  # half of the loss is not nearly all
        (FALLING, {"smallest": -50.0}, "ok"),  # where Newton's step means nothing
        (LOW, {"resolved": 0.018}, "ok"),  # nothing is missing
    ],
)
def test_a_rate_at_its_limit_that_leaves_nearly_all_of_the_loss_to_newton_is_in_a_ravine(losses, change, level):
    log = log_of(losses, spectrum={"largest": 150.0, "resolved": 0.8 * losses[-1]} | change)
    assert levels(eigenvalues.SpectrumMonitor(), log)["ill_conditioned"] == level


@pytest.mark.parametrize(
    "losses, curvature, change, level",
    [
        (FALLING, 4e-6, {}, "watch"),
        (FALLING, 8e-6, {}, "ok"),  # steps of more than a thousandth and a half of the best ones along them
        (FALLING, 4e-6, {"largest": 0.3}, "ok"),  # a rate of more than a thousandth of the longest
        (FALLING, 4e-6, {"resolved": 0.01}, "ok"),  # Newton's step would gain 5 % of the loss
        (LOW, 4e-6, {"resolved": 0.01}, "ok"),  # a loss that is low
    ],
)
def test_a_thousandth_of_the_rate_is_too_short_though_the_loss_falls(losses, curvature, change, level):
    log = log_of(losses, curvature=curvature, spectrum={"largest": 0.1, "resolved": 0.1} | change)
    assert levels(_step_length.StepLengthMonitor(), log)["step_too_short"] == level


SWAYING = np.array([1, 0.8, 0.7, 0.8, 0.7, 0.8, 0.7, 0.8, 0.7])


@pytest.mark.parametrize("spectra, level", [(0, "watch"), (1, "watch"), (2, "ok")])
def test_before_the_spectrum_has_its_say_a_gradient_that_is_small_from_the_start_is_worth_watching(spectra, level):
    log = log_of(AT_REST, norm=1e-4)
    for _ in range(spectra):
        log.add(900, {"spectrum": eigenvalues.SpectrumEnds(**ENDS)})
    assert levels(_gradient_norm.GradientNormMonitor(), log) == {"plateau": level}
    assert levels(_gradient_norm.GradientNormMonitor(), log_of(AT_REST, norm=0.1)) == {"plateau": "ok"}
    assert levels(_gradient_norm.GradientNormMonitor(), log_of(FALLING, norm=1e-4)) == {"plateau": "ok"}


@pytest.mark.parametrize(
    "losses, growth, level",
    [
        (AT_REST, 100, "act"),
        (AT_REST, 11, "act"),
        (AT_REST, 9, "watch"),
        (AT_REST, 4, "ok"),
        (FALLING, 100, "watch"),
        (FALLING, 11, "ok"),
    ],
)
def test_a_gradient_that_grows_on_its_way_back_through_time_explodes(losses, growth, level):
    seen = TimeHorizon("rnn", np.geomspace(1, growth, 20), is_final=True, kernel=np.eye(2))
    log = log_of(losses, time_horizon=(seen,))
    assert levels(TimeHorizonMonitor(), log) == {"short_horizon": "ok", "exploding": level}


def test_without_a_measurement_of_the_steps_noise_is_worth_watching():
    log = MeasurementLog(total=1000)
    log.batch_size = 100.0
    for step in STEPS:
        noise = _gradient_noise.GradientNoise(1e6, 1.0)
        log.add(step, {"gradient_norm": GradientNorm(1.0, 10.0, 0.6), "gradient_noise": noise})
    assert levels(_gradient_noise.GradientNoiseMonitor(), log)["noise_dominated"] == "watch"


def test_noise_keeps_gradient_descent_above_the_floor_of_a_quadratic_by_what_is_said():
    """theta' = theta - rate (h theta + noise), with the loss h theta^2 / 2."""
    h, rate, deviation, theta, heights = 2.0, 0.05, 3.0, 0.0, []
    for noise in deviation * np.random.default_rng(0).normal(size=40_000):
        theta -= rate * (h * theta + noise)
        heights.append(h * theta**2 / 2)
    log = log_of(AT_REST, batches=100.0)  # steps of 0.01
    noise = _gradient_noise.GradientNoise(deviation**2 * log.batch_size, 0.0)
    expected = _gradient_noise.excess(noise, log) * rate / (0.01 / 100)
    assert np.mean(heights) == pytest.approx(expected, rel=0.1)


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

"""What variants of the kinds showed before group 16: pasts on which a rule was silent, and neighbours."""

import dataclasses

import numpy as np
import pytest

from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors._step_length import StepLength
from tests.monitors.test_claims import log_of
from tests.monitors.test_duration import claim_of
from tests.monitors.test_duration import log_of as of_epochs
from tests.monitors.test_levels import epochs, flow, level, losses, with_steps


@pytest.mark.parametrize(
    "gain, earlier, neighbours, expected",
    [
        (0.95, 0.95, 0.1, "act"),
        (0.85, 0.95, 0.1, "watch"),
        (0.95, 0.5, 0.1, "watch"),
        (0.95, 0.95, 0.3, "watch"),  # the nearest examples predict hardly better
    ],
)
def test_two_spectra_with_nearly_all_of_the_loss_left_are_a_ravine_at_a_pace_that_is_no_better(
    gain, earlier, neighbours, expected
):
    values = losses(0.6, recent=0.18)
    log = with_steps(values, spectrum={"largest": 50.0, "resolved": earlier * values[-1]})
    (first,) = log.of("spectrum")
    log.add(900, {"spectrum": dataclasses.replace(first, resolved=gain * values[-1])})
    log.total, log.chance, log.neighbours = 1200, 1.0, neighbours
    assert level("spectrum", log, "ill_conditioned") == expected


@pytest.mark.parametrize(
    "neighbours, recent, fallen, gain, expected",
    [
        (0.2, 0.06, 0.4, 0.2, "act"),
        (0.31, 0.06, 0.4, 0.2, "act"),
        (0.32, 0.06, 0.4, 0.2, "ok"),
        (0.2, 0.15, 0.4, 0.2, "ok"),  # it still falls
        (0.2, 0.06, 0.4, 0.4, "ok"),  # other steps would gain much
        (0.2, 0.06, 0.05, 0.2, "ok"),  # nothing was learned
    ],
)
def test_a_loss_far_above_what_the_nearest_examples_predict_is_underfitting_though_it_is_not_quite_at_rest(
    neighbours, recent, fallen, gain, expected
):
    values = losses(fallen, recent)
    ends = {"largest": 1.0, "smallest": 0.05, "resolved": gain * values[-1], "gradient_norm": 1.0}
    log = log_of(values, spectrum=ends, layer_flow=flow())
    log.total, log.chance, log.neighbours = 900, 1.0, neighbours
    assert level("spectrum", log, "underfitting") == expected


@pytest.mark.parametrize(
    "scale, fallen, batch, expected",
    [(100.0, 0.98, 4096, "act"), (300.0, 0.98, 4096, "watch"), (100.0, 0.98, 512, "ok")],
)
def test_a_batch_is_wasteful_by_the_part_of_the_training_in_which_the_loss_fell(scale, fallen, batch, expected):
    values = np.array([1.0, *np.linspace(0.9, 0.3, 4), *[1 - fallen] * 4])
    early = GradientNoise(trace=scale, squared_norm=1.0)
    late = GradientNoise(trace=1e-9, squared_norm=-1.0)  # what is left of the gradient is noise of the probe
    log = with_steps(values, gradient_noise=[*[early] * 5, *[late] * 4])
    log.batch_size = batch
    assert level("gradient_noise", log, "batch_wasteful") == expected


@pytest.mark.parametrize("left, expected", [(0.1, "act"), (0.03, "ok")])
def test_a_low_loss_oscillates_too_where_the_curvature_explains_the_swings(left, expected):
    course = left * (1 + 0.3 * np.array([1.0, -1.0] * 8))
    log = of_epochs(course, course)
    steps = [StepLength(1.0, 1.0, -0.01, 0.02, 0.01)] * 5
    for step, reading in enumerate(steps):
        log.add(10 * (step + 1), {"step_length": reading, "gradient_noise": GradientNoise(1.0, 1.0)})
    log.batch_size = 32.0
    assert claim_of(log, "oscillation").level == expected


@pytest.mark.parametrize(
    "rise, learned, best, expected",
    [(0.2, 0.4, 3, "act"), (0.2, 0.95, 3, "act"), (0.021, 0.4, 3, "act"), (0.019, 0.4, 3, "ok"), (0.2, 0.4, 10, "ok")],
)
def test_epochs_after_the_best_are_too_many_whatever_is_learned_by_heart_in_them(rise, learned, best, expected):
    after = 20 - best
    held_out = [*np.linspace(0.9, 0.5, best), *np.linspace(0.5, 0.5 * (1 + rise), after)]
    training = [*np.linspace(0.9, 0.5, best), *np.geomspace(0.5, 0.5 * (1 - learned), after)]
    assert claim_of(of_epochs(held_out, training, total=400), "too_long").level == expected


@pytest.mark.parametrize("held_out, expected", [(0.4, "act"), (0.2, "watch")])
def test_what_is_known_by_heart_is_overfitting_where_a_quarter_of_the_held_out_loss_is_left(held_out, expected):
    course = np.geomspace(1.0, 0.002, 10)
    log = epochs(course, np.maximum(course, held_out))
    assert level("online_risk", log, "overfitting") == expected

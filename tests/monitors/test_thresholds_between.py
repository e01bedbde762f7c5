"""What three groups of trainings that were missed have in common: pasts on which a rule was silent, and neighbours."""

import numpy as np
import pytest

from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors.measurement_log import Rows
from tests.monitors.test_claims import log_of
from tests.monitors.test_duration import ahead, claim_of
from tests.monitors.test_duration import log_of as of_epochs
from tests.monitors.test_levels import flow, level, losses


@pytest.mark.parametrize(
    "longest, end, expected",
    [
        (6.1, 0.5, "act"),
        (5.1, 0.5, "watch"),
        (4.4, 0.5, "ok"),  # as long as that of a healthy training
        (6.1, 0.05, "ok"),  # the loss is low
    ],
)
def test_a_step_as_long_as_all_weights_was_too_long(longest, end, expected):
    """Beside weights of length 10."""
    values = np.array([1.0, *np.linspace(0.8, end, 4), *[end] * 4])
    lengths = [longest, *[0.001] * 8]
    steps = [StepLength(v, v, -0.001, 0.0002, size) for v, size in zip(values, lengths, strict=True)]
    log = log_of(values, step_length=steps)
    assert level("step_length", log, "step_too_long") == expected


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
    "reached, uneven, total, expected",
    [
        (0.2, 1000.0, 1000, "act"),
        (0.4, 1000.0, 1000, "ok"),  # the loss is where it can be
        (0.2, 50.0, 1000, "ok"),  # the inputs are even
        (0.2, 1000.0, 2000, "ok"),  # the training is not over
        (np.nan, np.nan, 1000, None),  # it is not linear
    ],
)
def test_a_linear_model_is_held_against_least_squares(reached, uneven, total, expected):
    log = log_of(losses(0.6, 0.3))
    log.least_squares, log.unevenness, log.total = reached, uneven, total
    assert level("gradient_norm", log, "ill_conditioned") == expected


@pytest.mark.parametrize(
    "ratio, expected",
    [(0.009, "watch"), (0.011, "act"), (0.2, "act")],  # of less than a hundredth of the best, and more
)
def test_a_loss_that_falls_evenly_in_short_steps_may_want_longer_ones_as_well_as_more(ratio, expected):
    log = of_epochs(ahead(0.1), ahead(0.1), total=90)
    for step in (10, 40, 80):
        log.add(step, {"step_length": StepLength(1.0, 1.0, -0.01, 0.01 * ratio, 0.01)})
    log.step = 90
    assert claim_of(log, "too_short").level == expected


@pytest.mark.parametrize(
    "units, gain, recent, expected",
    [
        ((8, 2, 8, 4), 0.0, 0.0, "act"),
        ((8, 3, 8, 4), 0.0, 0.0, "ok"),  # as an autoencoder has
        ((8, 2, 8, 2), 0.0, 0.0, "ok"),  # as many as the outputs
        ((8, 2, 8, 4), 0.2, 0.0, "ok"),  # other steps would gain much
        ((8, 2, 8, 4), 0.0, 0.1, "ok"),  # it still falls
    ],
)
def test_a_loss_at_rest_behind_a_layer_of_one_unit_or_two_is_underfitting(units, gain, recent, expected):
    """Though the nearest examples predict no better."""
    values = losses(0.4, recent)
    ends = {"largest": 1.0, "smallest": 0.05, "resolved": gain * values[-1], "gradient_norm": 1.0}
    log = log_of(values, spectrum=ends, layer_flow=flow(units=units))
    log.chance, log.neighbours = 1.0, values[-1]
    assert level("spectrum", log, "underfitting") == expected


@pytest.mark.parametrize("minibatches, expected", [(1.5, "act"), (0.8, "act"), (0.6, "ok")])
def test_a_held_out_loss_above_its_start_is_no_divergence_where_the_training_loss_has_fallen(minibatches, expected):
    log = log_of(np.array([1.0, 0.8, *[1.8] * 7]), curvature=0.001)
    log.add_rows(Rows(np.arange(1001, 1061), np.ones(60), np.full(60, minibatches)))
    assert level("step_length", log, "step_too_long") == expected


@pytest.mark.parametrize("ratio, expected", [(0.9, "act"), (1.1, "watch")])
def test_what_falls_in_steps_of_which_the_curvature_takes_back_half_may_be_a_swing(ratio, expected):
    course = np.array([1.0, 0.5, 0.36, 0.3, 0.25, 0.21, 0.18, 0.15])
    log = of_epochs(course, course, total=380)
    log.add(200, {"step_length": StepLength(1.0, 1.0, -0.01, 0.01 * ratio, 0.01)})
    log.step = 380
    assert claim_of(log, "too_short").level == expected


@pytest.mark.parametrize("updates, expected", [(49, "watch"), (51, "act")])
def test_of_a_loss_that_has_only_begun_to_fall_a_handful_of_updates_tells_little(updates, expected):
    course = np.linspace(1.0, 0.91, 10)
    log = of_epochs(course, course, total=updates)
    assert claim_of(log, "too_short").level == expected

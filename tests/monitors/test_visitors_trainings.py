"""What trainings of group 17 showed: pasts on which a rule was silent or wrong, and neighbours."""

import numpy as np
import pytest

from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors.measurement_log import Rows
from keras_ch8.monitors.progress import GOOD, progress, progress_measured, progress_newest
from tests.monitors.test_claims import log_of
from tests.monitors.test_levels import epochs, flow, level, losses


def penalized(values, penalties, chance=2.3, neighbours=0.5, **more):
    """Return a log of losses of which these parts are penalties."""
    readings = [GradientNorm(1.0, 10.0, v, p) for v, p in zip(values, penalties, strict=True)]
    log = log_of(values, gradient_norm=readings, **more)
    log.chance, log.neighbours = chance, neighbours
    return log


def test_of_a_loss_with_penalties_the_rest_is_held_against_constants_and_neighbours():
    """All that has fallen is the penalties."""
    log = penalized(np.array([20.0, *[2.4] * 8]), [17.6, *[0.1] * 8])
    measured = progress_measured(log)
    assert (measured["gained"], measured["over_chance"], measured["over_neighbours"]) == pytest.approx((0.0, 1.0, 4.6))
    assert measured["fallen"] == pytest.approx(0.88)
    assert not GOOD.holds(measured)
    without = penalized(np.array([20.0, *[0.6] * 8]), [17.6, *[0.1] * 8])
    assert GOOD.holds(progress_measured(without))
    assert progress(log).gained_at(1.25, 0.1) == pytest.approx(0.5)


def test_the_newest_loss_is_without_its_own_penalty_not_with_that_of_others():
    """Penalties that have just come down are no loss below 0."""
    log = penalized(np.array([20.0] * 8 + [2.0]), [17.6] * 8 + [0.1])
    newest = progress_newest(log)
    assert newest["over_chance"] == pytest.approx(1.9 / log.chance)
    assert newest["gained"] == pytest.approx(min((20 - 2.0) / 20, (log.chance - 1.9) / log.chance))


@pytest.mark.parametrize("penalty, expected", [(0.1, "act"), (1.9, "ok")])
def test_a_loss_at_rest_that_penalties_hold_at_chance_is_underfitting(penalty, expected):
    """Beside 1.9 of penalties, what is left is what the nearest examples predict."""
    values = 2.4 * np.array(losses(0.4)) / 0.6
    ends = {"largest": 1.0, "smallest": 0.2, "gradient_norm": 1.0, "loss": 2.4}
    log = penalized(values, [penalty] * 9, spectrum=ends)
    assert level("spectrum", log, "underfitting") == expected


def risen(to, best=0.22, noise=0.0, training=0.001):
    """Return what is said of 60 epochs whose validation loss falls from 2.3, and rises again from the 20th on."""
    held_out = np.array([*np.geomspace(2.3, best, 20), *np.linspace(best, to, 41)[1:]])
    held_out[20:] += noise * np.array([1, -1] * 20)
    log = epochs(np.geomspace(2.3, training, 60), held_out)
    return level("online_risk", log, "overfitting")


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"to": 0.275}, "watch"),  # by a quarter of its best, a fortieth of its fall
        ({"to": 0.245}, "ok"),  # by a tenth
        ({"to": 0.47}, "act"),  # it has doubled
        ({"to": 0.275, "noise": 0.005}, "watch"),
        ({"to": 0.275, "noise": 0.01}, "ok"),  # it goes up and down by a third of that
        ({"to": 0.075, "best": 0.06}, "ok"),  # it was next to nothing
        ({"to": 0.275, "training": 2.2}, "ok"),  # nothing is learned
    ],
)
def test_a_held_out_loss_that_rises_far_above_its_best_is_overfitting_however_far_it_had_fallen(change, expected):
    """The training loss stays at 2 % of it, so that it is not the rule of what is known by heart that speaks."""
    assert risen(**{"training": 0.03} | change) == expected


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
    "kernels, chance, neighbours, expected",
    [
        (0.04, 1.0, 0.3, ["act", "ok"]),
        (0.06, 1.0, 0.3, ["ok", "act"]),  # the kernels have a gradient
        (0.04, 2.0, 0.3, ["ok", "act"]),  # the loss is half of what a constant has
        (0.04, 1.0, 1.0, ["ok", "ok"]),  # the nearest examples predict no better: there is nothing to learn
    ],
)
def test_a_flat_region_is_a_plateau_though_the_bias_of_the_output_has_a_gradient(kernels, chance, neighbours, expected):
    ends = {"kernel_elasticity": kernels, "smallest": -0.001, "loss": 1.0}
    log = log_of([1.001, *[1.0] * 8], spectrum=ends)
    log.chance, log.neighbours = chance, neighbours
    found = [level("spectrum", log, kind) for kind in ("plateau", "underfitting")]
    assert found == expected


@pytest.mark.parametrize(
    "lengths, data, expected",
    [
        ((10.0, 3.0), 2.3, {"underfitting": "act", "dead_units": "ok", "saddle": "ok"}),
        ((10.0, 4.0), 2.3, {"underfitting": "ok", "dead_units": "act", "saddle": "act"}),  # the weights are there
        ((10.0, 3.0), 1.9, {"underfitting": "ok", "dead_units": "act", "saddle": "act"}),  # something was learned
    ],
)
def test_weights_that_penalties_have_shrunk_away_are_underfitting(lengths, data, expected):
    """The weights next to 0 are no saddle point to get away from, and the idle units no fault of their start."""
    values = np.array([9.0, *[data + 0.1] * 8])
    readings = [GradientNorm(0.001, lengths[i > 0], v, 6.7 if not i else 0.1) for i, v in enumerate(values)]
    ends = {"smallest": -0.5, "kernel_elasticity": 0.001, "residual": 0.01, "loss": data + 0.1}
    idle = flow(dead=np.array([0.9, 0.9, 0.9, np.nan]))
    log = log_of(values, gradient_norm=readings, layer_flow=idle, spectrum=ends)
    log.chance, log.neighbours = 2.3, 0.5
    of = {"underfitting": "gradient_norm", "dead_units": "layer_flow", "saddle": "spectrum"}
    assert {kind: level(monitor, log, kind) for kind, monitor in of.items()} == expected


@pytest.mark.parametrize(
    "start, now, chance, expected",
    [
        (1.0, 110.0, 1.0, "act"),
        (1.0, 90.0, 1.0, "ok"),
        (1.0, 110.0, 1.2, "ok"),  # the model knows more than a constant does
        (0.01, 9.0, 1.0, "ok"),  # they gave next to nothing, and give what others can work with
        (0.01, 11.0, 1.0, "act"),
    ],
)
def test_layers_that_give_a_hundred_times_what_they_gave_were_thrown_there_by_steps_that_are_too_long(
    start, now, chance, expected
):
    flows = [flow(before=np.full(4, start)), *[flow(signal=np.array([1.0, now, 1.0, 1.0]))] * 8]
    log = log_of(losses(0.0), layer_flow=flows)
    log.chance = chance
    assert level("layer_flow", log, "step_too_long") == expected


@pytest.mark.parametrize("at_start, expected", [(10.0, "act"), (1.0, "ok")])
def test_a_step_is_as_long_as_all_weights_only_if_these_are_not_near_0_as_at_the_start(at_start, expected):
    """The first step is eight tenths of the weights, which stay as long, or become a hundred times as long."""
    values = losses(0.8)
    taken = [StepLength(v, v, -0.005, 0.002, 0.8 * at_start if i == 0 else 0.01) for i, v in enumerate(values)]
    lengths = [at_start, *[10.0 * 10 ** (at_start == 1.0)] * 8]
    readings = [GradientNorm(1.0, length, v) for length, v in zip(lengths, values, strict=True)]
    log = log_of(values, step_length=taken, gradient_norm=readings)
    assert level("step_length", log, "step_too_long") == expected

"""Which measurements a verdict is about, where a loss is 0 or below it, and what the sentences say."""

import keras
import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.past import Rows
from tests.monitors.test_claims import past_of
from tests.monitors.test_levels import check, cliffs, flow, level, losses, said

NAN, INF = float("nan"), float("inf")


def statistics(gap=0.0, training=1.0, inference=1.0):
    pair = np.array([0.0, gap]), np.zeros(2)
    return monitors.BatchStatistics(("a", "b"), *pair, np.zeros(2), training, inference)


def rnn(growth):
    return (monitors.TimeHorizon("rnn", np.geomspace(1, growth, 20), is_final=True, kernel=np.eye(2)),)


@pytest.mark.parametrize("monitor, kind, good, bad, expected", [
    ("batch_statistics", "batch_norm_gap", statistics(), statistics(2.0), "watch"),
    ("layer_flow", "dead_units", flow(dead=np.array([0.1, NAN, NAN, NAN])), flow(dead=np.array([0.9, NAN, NAN, NAN])),
     "act"),
    ("gradient_norm", "plateau", monitors.GradientNorm(1.0, 1.0, 0.9), monitors.GradientNorm(1e-3, 1.0, 0.9), "watch"),
])  # fmt: skip
def test_the_last_measurement_counts(monitor, kind, good, bad, expected):
    for readings, found in (([*[good] * 8, bad], expected), ([*[bad] * 8, good], "ok")):
        past = past_of(losses(0.05), **{monitor: readings})
        assert level(monitor, past, kind) == found


def test_through_depth_the_median_counts_and_the_last_measurement_says_how_far_the_first_layer_moves():
    explodes = flow(gradient=np.array([1e9, 1e4, 1.0, 1.0]), relative_update=np.full(4, 0.5))
    past = past_of(losses(), layer_flow=[*[flow()] * 7, explodes, flow(relative_update=np.full(4, 0.25))])
    claim = said("layer_flow", past, "exploding")
    assert claim.level == "ok"
    assert claim.finding == (
        "The gradient does not explode on its way back (from the last hidden layer to the first it is multiplied by 1; "
        "a factor of 1 for each of 3 hidden layers; the first moves by 25 % of its size in a step)."
    )


@pytest.mark.parametrize("training", [0.0, -1.0])
def test_statistics_where_the_loss_is_not_above_0_count_by_their_gap(training):
    for gap, expected in ((0.5, "ok"), (1.5, "watch")):
        past = past_of(losses(), batch_statistics=statistics(gap, training, 9.0))
        assert level("batch_statistics", past, "batch_norm_gap") == expected


def test_the_layer_with_the_largest_gap_is_named():
    claim = said("batch_statistics", past_of(losses(), batch_statistics=statistics(2.0)), "batch_norm_gap")
    assert "(the moving statistics are off by 2 standard deviations; " in claim.finding
    assert claim.finding.endswith("; in b).")


def test_a_spike_is_above_three_times_what_was_usual_and_above_the_first_20_steps():
    usual = [*[2.0] * 130, *[0.5] * 120]
    assert level("cliff", cliffs([*usual, 6.0, 0.5]), "cliff") == "ok"
    assert monitors.cliff(np.array([*[1.0] * 20, 20.0])).spikes(10.0).tolist() == [21]
    first = np.array([100.0, *[1.0] * 60])
    first[40] = 99.0
    assert monitors.cliff(first).spikes(10.0).tolist() == []
    first[40] = 101.0
    assert monitors.cliff(first).spikes(10.0).tolist() == [41]


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


def noisy(trace, squared_norm=1.0, values=None, batches=20.0):
    values = losses() if values is None else values
    return past_of(values, batches=batches, gradient_noise=monitors.GradientNoise(trace, squared_norm))


def test_the_scale_of_noise_without_a_gradient_is_infinite():
    assert monitors.GradientNoise(1.0, 0.0).scale == INF
    finding = said("gradient_noise", noisy(1.0, 0.0), "noise_dominated").finding
    assert "(the gradient is lost in its noise on the probe; " in finding
    assert finding.endswith("; a minibatch has 100 examples).")


def test_the_finding_says_how_much_of_the_gradient_is_noise():
    finding = said("gradient_noise", noisy(300.0), "noise_dominated").finding
    assert "(75 % of the squared gradient of a minibatch is noise; " in finding
    assert finding.endswith("; a minibatch has 100 examples).")


@pytest.mark.parametrize("start, expected", [(-1.0, "act"), (0.0, "watch")])
def test_noise_where_the_loss_is_below_0_or_0(start, expected):
    """A part of a loss of 0 is unknown, and noise then worth watching."""
    assert level("gradient_noise", noisy(1e6, values=[start] * 9), "noise_dominated") == expected


def test_noise_costs_no_more_than_the_gradients_of_the_minibatches_vary():
    """A rate of 0.01 / |g| and a variance of |g|^2 are 0.0025 |g| of a loss of 0.8."""

    def costs(norm, last=None):
        past = noisy(1e9, batches=norm)
        if last:
            past.add_rows(Rows(np.array([950]), np.array([last]), np.array([0.8])))
        return level("gradient_noise", past, "noise_dominated")

    check([(3.1, "ok"), (3.3, "watch"), (3.1, 1e3, "ok")], costs)


def test_of_several_measurements_of_noise_the_ratio_of_means_counts():
    traces = [0, 0, 0, 0, 0, 900, 900, 900, 900]
    past = past_of(losses(), gradient_noise=[monitors.GradientNoise(t, 1.0) for t in traces])
    (monitor,) = chosen(["gradient_noise"])
    assert monitor.measure(past)["noise_over_batch"] == pytest.approx(400 / 100)
    assert "(80 % of the squared gradient" in said("gradient_noise", past, "noise_dominated").finding


def test_a_batch_is_wasteful_if_it_usually_was():
    usual, once = monitors.GradientNoise(4.0, 1.0), monitors.GradientNoise(1e-3, 1e-6)
    past = past_of(losses(0.4, 0.3), gradient_noise=[*[usual] * 8, once])
    assert level("gradient_noise", past, "batch_wasteful") == "watch"


def test_a_batch_is_wasteful_by_its_noise_and_by_what_that_usually_was():
    def wasteful(noise, usual):
        once, small = monitors.GradientNoise(100 * noise, 1.0), monitors.GradientNoise(1e-7 * usual, 1e-9)
        past = past_of(losses(0.4, 0.3), gradient_noise=[*[small] * 8, once])
        return level("gradient_noise", past, "batch_wasteful")

    check([(0.051, 0.001, "ok"), (0.049, 0.001, "watch"), (0.0101, 0.001, "watch"), (0.0099, 0.001, "act"),
           (0.001, 0.051, "ok"), (0.001, 0.049, "watch"), (0.001, 0.0101, "watch"), (0.001, 0.0099, "act")],
          wasteful)  # fmt: skip


def test_elasticity_where_the_loss_is_below_0_or_0():
    assert monitors.GradientNorm(2.0, 3.0, -4.0).elasticity == 1.5
    assert np.isnan(monitors.GradientNorm(2.0, 3.0, 0.0).elasticity)
    ends = {"smallest": 0.0, "largest": 1.0, "residual": 0.0, "gradient_norm": 2.0, "weight_norm": 3.0,
            "kernel_elasticity": 1.0, "slope_curvature": 1.0, "decrement": 0.0, "resolved": 1.0}  # fmt: skip
    assert monitors.SpectrumEnds(**ends, loss=-4.0).elasticity == 1.5
    assert monitors.SpectrumEnds(**ends, loss=-4.0).gain == 0.25
    assert np.isnan(monitors.SpectrumEnds(**ends, loss=0.0).elasticity)
    assert monitors.SpectrumEnds(**ends, loss=0.0).gain == 0.0


def test_a_curvature_that_takes_nothing_back_is_said_to():
    for curvature, words in ((0.5, "the curvature takes back 25 %"), (-0.5, "the curvature takes nothing back")):
        step = monitors.StepLength(1.0, 1.0, slope=-1.0, curvature=curvature, length=0.01)
        assert words in said("step_length", past_of([1.0] * 9, step_length=step), "step_too_long").finding


def test_newton_s_step_that_gains_nothing_is_said_to():
    for gain, words in ((0.16, "would lower the loss by another 20 %"), (0.0, "would gain nothing")):
        past = past_of(losses(), spectrum={"resolved": gain})
        assert words in said("spectrum", past, "underfitting").finding


def test_the_step_along_which_the_loss_is_flat_has_no_best_length():
    flat = monitors.StepLength(1.0, 1.0, slope=0.0, curvature=0.0, length=1.0)
    assert np.isnan([flat.step_over_optimal, flat.ratio, flat.trust]).all()
    down = monitors.StepLength(2.0, 1.5, slope=-1.0, curvature=0.5, length=1.0)
    assert (down.actual, down.predicted, down.step_over_optimal, down.ratio) == (-0.5, -0.75, 0.5, 0.25)
    assert down.trust == pytest.approx(2 / 3)


def test_a_unit_is_saturated_below_a_twentieth_of_the_largest_slope():
    x = np.linspace(-9, 9, 181, dtype="float32")[:, None] + 0.01
    flat = {
        "tanh": np.abs(x) > np.arctanh(np.sqrt(0.95)),
        "sigmoid": np.abs(x) > 2 * np.arctanh(np.sqrt(0.95)),
        "softsign": np.abs(x) > np.sqrt(20) - 1,
        "hard_sigmoid": np.abs(x) > 3,
    }
    given = keras.Input((1,))
    units = [keras.layers.Activation(name, name=name)(given) for name in flat]
    model = keras.Model(given, keras.layers.Dense(1, name="dense")(keras.layers.Concatenate()(units)))
    model.compile(loss="mse")
    found = monitors.layer_flow(model, x, x)
    assert dict(zip(found.names, found.saturated, strict=True)) == pytest.approx(
        {name: is_flat.mean() for name, is_flat in flat.items()} | {"dense": NAN}, nan_ok=True
    )

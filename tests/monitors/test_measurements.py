"""Which measurements a verdict is about, where a loss is 0 or below it, and what the sentences say."""

import keras
import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.monitors._batch_statistics import BatchStatistics
from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors._time_horizon import TimeHorizon
from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.eigenvalues import SpectrumEnds
from keras_ch8.monitors.flow import scale_of_start
from keras_ch8.monitors.measurement_log import Rows
from keras_ch8.verdicts.fact import Fact
from tests.monitors.test_claims import log_of
from tests.monitors.test_levels import check, cliffs, flow, level, losses, said

NAN, INF = float("nan"), float("inf")


def statistics(gap=0.0, training=1.0, inference=1.0):
    pair = np.array([0.0, gap]), np.zeros(2)
    return BatchStatistics(("a", "b"), *pair, np.zeros(2), training, inference)


def rnn(growth):
    return (TimeHorizon("rnn", np.geomspace(1, growth, 20), is_final=True, kernel=np.eye(2)),)


def measured(monitor, log):
    return chosen([monitor])[0].measure(log)


def remarks(monitor, log):
    return chosen([monitor])[0].remarks(log)


def steps(*changes):
    """Return nine steps along which the loss is 1 and flat, but for what is changed at each of the last."""
    plain = {"loss_before": 1.0, "loss_after": 1.0, "slope": -1.0, "curvature": 1.0, "length": 0.01}
    return [StepLength(**plain | change) for change in [*[{}] * (9 - len(changes)), *changes]]


@pytest.mark.parametrize("monitor, kind, good, bad, expected", [
    ("batch_statistics", "batch_norm_gap", statistics(), statistics(1.9), "watch"),
    ("layer_flow", "dead_units", flow(dead=np.array([0.1, NAN, NAN, NAN])), flow(dead=np.array([0.9, NAN, NAN, NAN])),
     "act"),
    ("gradient_norm", "plateau", GradientNorm(1.0, 1.0, 0.9), GradientNorm(1e-3, 1.0, 0.9), "watch"),
])  # fmt: skip
def test_the_last_measurement_counts(monitor, kind, good, bad, expected):
    for readings, found in (([*[good] * 8, bad], expected), ([*[bad] * 8, good], "ok")):
        log = log_of(losses(0.05), **{monitor: readings})
        assert level(monitor, log, kind) == found


def test_through_depth_the_median_counts_and_the_last_measurement_says_how_far_the_first_layer_moves():
    explodes = flow(gradient=np.array([1e9, 1e4, 1.0, 1.0]), relative_update=np.full(4, 0.5))
    log = log_of(losses(), layer_flow=[*[flow()] * 7, explodes, flow(relative_update=np.full(4, 0.25))])
    claim = said("layer_flow", log, "exploding")
    assert claim.level == "ok"
    assert claim.finding == (
        "The gradient does not explode on its way back (from the last hidden layer to the first it is multiplied by 1; "
        "at the start it was multiplied by 1 on its way from the last hidden layer to the first; a factor of 1 for "
        "each of 3 hidden layers; the first moves by 25 % of its size in a step)."
    )


@pytest.mark.parametrize("training", [0.0, -1.0])
def test_statistics_where_the_loss_is_not_above_0_count_by_their_gap(training):
    for gap, expected in ((0.5, "ok"), (1.5, "watch")):
        log = log_of(losses(), batch_statistics=statistics(gap, training, 9.0))
        assert level("batch_statistics", log, "batch_norm_gap") == expected


def test_a_spike_is_above_three_times_what_was_usual_also_in_the_first_20_steps():
    usual = [*[2.0] * 130, *[0.5] * 120]
    assert level("cliff", cliffs([*usual, 6.0, 0.5]), "cliff") == "ok"
    assert monitors.cliff(np.array([*[1.0] * 20, 20.0])).spikes().tolist() == [21]
    first = np.array([*[10.0] * 20, *[1.0] * 60])
    first[60] = 29.0
    assert monitors.cliff(first).spikes().tolist() == []
    first[60] = 31.0
    assert monitors.cliff(first).spikes().tolist() == [61]


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
    return log_of(values, batches=batches, gradient_noise=GradientNoise(trace, squared_norm))


def test_the_scale_of_noise_without_a_gradient_is_infinite():
    assert GradientNoise(1.0, 0.0).scale == INF
    finding = said("gradient_noise", noisy(1.0, 0.0), "noise_dominated").finding
    assert "(the gradient is lost in its noise on the probe; " in finding
    assert finding.endswith("; a minibatch has 100 examples).")


@pytest.mark.parametrize("start, expected", [(-1.0, "act"), (0.0, "watch")])
def test_noise_where_the_loss_is_below_0_or_0(start, expected):
    """A part of a loss of 0 is unknown, and noise then worth watching."""
    assert level("gradient_noise", noisy(1e6, values=[start] * 9), "noise_dominated") == expected


def test_noise_costs_no_more_than_the_gradients_of_the_minibatches_vary():
    """A rate of 0.01 / |g| and a variance of |g|^2 are 0.0025 |g| of a loss of 0.8."""

    def costs(norm, last=None):
        log = noisy(1e9, batches=norm)
        if last:
            log.add_rows(Rows(np.array([950]), np.array([last]), np.array([0.8])))
        return level("gradient_noise", log, "noise_dominated")

    check([(9.5, "ok"), (9.7, "watch"), (9.5, 1e3, "ok")], costs)


def test_of_several_measurements_of_noise_the_ratio_of_means_counts():
    traces = [0, 0, 0, 0, 0, 900, 900, 900, 900]
    log = log_of(losses(), gradient_noise=[GradientNoise(t, 1.0) for t in traces])
    (monitor,) = chosen(["gradient_noise"])
    assert monitor.measure(log)["noise_over_batch"] == pytest.approx(400 / 100)
    assert "(80 % of the squared gradient" in said("gradient_noise", log, "noise_dominated").finding


def test_a_batch_is_wasteful_by_its_noise_and_by_what_that_usually_was():
    def wasteful(noise, usual, batch=1000):
        once, small = GradientNoise(batch * noise, 1.0), GradientNoise(1e-9 * batch * usual, 1e-9)
        log = log_of(losses(0.4, 0.3), gradient_noise=[*[small] * 8, once])
        log.batch_size = float(batch)
        return level("gradient_noise", log, "batch_wasteful")

    check([(0.051, 0.001, "ok"), (0.049, 0.001, "watch"), (0.0251, 0.001, "watch"), (0.0249, 0.001, "act"),
           (0.001, 0.051, "ok"), (0.001, 0.049, "watch"), (0.001, 0.0251, "watch"), (0.001, 0.0249, "act"),
           (0.001, 0.001, 256, "act"), (0.001, 0.001, 255, "ok")], wasteful)  # fmt: skip


def test_elasticity_where_the_loss_is_below_0_or_0():
    assert GradientNorm(2.0, 3.0, -4.0).elasticity == 1.5
    assert np.isnan(GradientNorm(2.0, 3.0, 0.0).elasticity)
    ends = {"smallest": 0.0, "largest": 1.0, "residual": 0.0, "gradient_norm": 2.0, "weight_norm": 3.0,
            "kernel_elasticity": 1.0, "decrement": 0.0, "resolved": 1.0}  # fmt: skip
    assert SpectrumEnds(**ends, loss=-4.0).elasticity == 1.5
    assert SpectrumEnds(**ends, loss=-4.0).gain == 0.25
    assert np.isnan(SpectrumEnds(**ends, loss=0.0).elasticity)
    assert SpectrumEnds(**ends, loss=0.0).gain == 0.0


def test_the_step_along_which_the_loss_is_flat_has_no_best_length():
    flat = StepLength(1.0, 1.0, slope=0.0, curvature=0.0, length=1.0)
    assert np.isnan([flat.step_over_optimal, flat.ratio, flat.trust]).all()
    down = StepLength(2.0, 1.5, slope=-1.0, curvature=0.5, length=1.0)
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


# --- which of several measurements counts -------------------------------------------------------------------------


def test_of_the_lengths_of_the_last_steps_the_median_counts():
    """One step of nine is a hundred times as long as the others, and one loss a hundred times as high."""
    far, high = {"curvature": 100.0}, {"loss_after": 100.0}
    found = measured("step_length", log_of([1.0] * 9, step_length=steps(far)))
    assert (found["overshoot"], found["step_over_best"]) == (0.5, 1.0)
    found = measured("step_length", log_of([1.0] * 9, step_length=steps(high)))
    assert (found["jump"], found["height_fallen"]) == (0.0, 0.0)
    pace = measured("step_length", log_of([1.0] * 9, step_length=steps({"slope": -1e3})))["trainings_to_halve"]
    assert pace == pytest.approx(np.log(2) / 1000)


def test_a_step_along_which_the_curvature_is_negative_has_the_size_of_its_length():
    found = measured("step_length", log_of([1.0] * 9, step_length=steps(*[{"curvature": -0.5}] * 9)))
    assert (found["step_over_best"], found["overshoot"]) == (0.5, -0.25)


def test_leaps_and_rises_are_parts_of_the_size_of_the_loss():
    for height in (2.0, -2.0):
        leaps = [{"loss_before": height, "loss_after": height + 0.5 * (i % 2)} for i in range(9)]
        found = measured("step_length", log_of([height] * 9, step_length=steps(*leaps)))
        assert (found["jump"], found["rises"]) == (0.0, 1.0)
    at_0 = [{"loss_before": 1.0, "loss_after": float(i < 3)} for i in range(9)]
    found = measured("step_length", log_of([1.0] * 9, step_length=steps(*at_0)))
    assert (found["jump"], found["rises"]) == (0.0, 0.0)  # a part of 0 is not known, and does not count


def test_how_long_the_loss_takes_to_halve_where_it_is_below_0_or_0_or_does_not_fall():
    def halving(**change):
        return measured("step_length", log_of([1.0] * 9, step_length=steps(*[change] * 9)))["trainings_to_halve"]

    assert halving(loss_before=-2.0) == halving(loss_before=2.0) == pytest.approx(2 * np.log(2) / 1000)
    assert halving(loss_before=0.0) == halving(slope=0.0) == halving(slope=1.0) == INF


def test_a_loss_that_has_overflowed_is_1_and_nothing_else_is_said():
    overflown = steps({"loss_after": INF})
    assert measured("step_length", log_of([1.0] * 9, step_length=overflown)) == {
        "infinite_loss": 1.0, "measurements": 9, "grew": 0.0,
    }  # fmt: skip


def test_the_elasticity_beside_a_step_is_that_of_the_last_measurement():
    norms = [GradientNorm(norm, 10.0, 1.0) for norm in [*[0.5] * 8, 0.25]]
    log = log_of([1.0] * 9, gradient_norm=norms)
    assert measured("step_length", log)["elasticity"] == 2.5


def test_at_the_limit_of_its_rate_or_above_its_start_a_loss_does_not_fall_for_want_of_long_steps():
    """A loss that has grown by a third and falls slowly, at steps of a ten-thousandth."""
    for start, expected in ((1.29, "act"), (1.31, "ok")):
        short = {"slope": -1e-5, "curvature": 1e-9, "loss_before": start, "loss_after": start}
        log = log_of([1.0, *[1.01 * start] * 4, *[start] * 4], step_length=steps({"loss_before": 1.0}, *[short] * 8))
        assert level("step_length", log, "step_too_short") == expected


def test_noise_whose_cost_has_no_end_is_one_whose_cost_is_not_known():
    log = log_of(losses(), step_length=steps(*[{"length": INF}] * 9), gradient_noise=GradientNoise(1e6, 1.0))
    assert np.isnan(measured("gradient_noise", log)["excess"])
    assert level("gradient_noise", log, "noise_dominated") == "watch"


def test_without_the_length_of_the_training_or_the_rate_only_the_curvature_is_judged():
    given = {"spectrum": {"smallest": -2.0, "largest": 50.0}}
    whole, endless, unknown = (log_of(losses(), **given) for _ in range(3))
    endless.total = 0
    unknown.rows = Rows()
    assert whole.done == 900
    assert measured("spectrum", whole)["escapes"] == pytest.approx(0.01 * 2 * 1000)
    assert measured("spectrum", endless)["escapes"] == pytest.approx(0.01 * 2 * 900)
    for log, is_known in ((whole, True), (endless, False), (unknown, False)):
        assert {"rate_times_curvature", "trainings_to_gain"} & set(measured("spectrum", log)) == (
            {"rate_times_curvature", "trainings_to_gain"} if is_known else set()
        )
        assert (said("spectrum", log, "ill_conditioned") is not None) == is_known


def test_the_lowest_curvature_is_a_part_of_the_size_of_the_largest():
    def lowest(smallest, largest):
        log = log_of(losses(), spectrum={"smallest": smallest, "largest": largest})
        return measured("spectrum", log)["lowest_curvature"]

    check([(-2.0, 4.0, -0.5), (-4.0, -2.0, -2.0), (0.0, 0.0, -INF)], lowest)


def test_a_plateau_is_behind_the_units_that_are_idle_by_the_last_measurement():
    """Eight measurements of one kind, and the last of the other."""
    good, bad = flow(), flow(dead=np.array([0.9, NAN, NAN, NAN]))
    for flows, expected in (([*[good] * 8, bad], 0.9), ([*[bad] * 8, good], NAN)):
        log = log_of(losses(), layer_flow=flows, spectrum={"smallest": 0.0})
        assert measured("spectrum", log)["fraction_dead"] == pytest.approx(expected, nan_ok=True)


# --- what the sentences say besides their numbers -----------------------------------------------------------------


def test_the_layer_of_the_last_measurement_is_named():
    seen = [statistics(2.0)] * 8 + [BatchStatistics(("a", "b"), np.array([9.0, 0.0]), *np.zeros((2, 2)), 1, 1)]
    assert remarks("batch_statistics", log_of(losses(), batch_statistics=seen)) == {"batch_norm_gap": "in a"}
    idle = [flow(dead=np.array([0.1, 0.5, NAN, NAN]))] * 8
    idle += [flow(dead=np.array([0.5, 0.1, NAN, NAN]), saturated=np.array([NAN, NAN, 0.2, NAN]))]
    found = remarks("layer_flow", log_of(losses(), layer_flow=idle))
    assert (found["dead_units"], found["saturated_units"]) == ("most of them in a", "most of them in c")


def test_the_scale_is_said_with_its_layers_after_a_single_measurement():
    (claim,) = scale_of_start([flow(input_signal=20.0, signal=np.array([1, 0.5, 1, 1]))])
    assert claim.finding.endswith("; the largest in the input, the smallest in b, and about 1 is best).")
    log = log_of(losses(), layer_flow=flow(signal=np.array([1, 2, 1, 0.5])))
    assert remarks("layer_flow", log)["bad_scale"] == "the largest in b, the smallest in out, and about 1 is best"


def test_a_ravine_is_said_with_the_scales_of_the_inputs_if_they_differ():
    def spread(*seen):
        return remarks("spectrum", log_of(losses(), layer_flow=[flow(input_spread=x) for x in seen]))

    words = "the standard deviations of the inputs differ by a factor of {}"
    assert spread(*[1.0] * 8, 1.5) == {"ill_conditioned": words.format(1.5)}
    assert spread(*[1.0] * 8, 2.0) == {"ill_conditioned": words.format(2)}
    assert spread(*[9.0] * 8, 1.49) == spread(*[9.0] * 8, INF) == spread(*[9.0] * 8, NAN) == {}
    assert remarks("spectrum", log_of(losses())) == {}


def test_memory_is_said_with_the_numbers_of_the_last_measurement():
    long, short = rnn(1e-9), (TimeHorizon("first", np.ones(1), is_final=True, kernel=np.zeros((0, 0))),)
    found = remarks("time_horizon", log_of(losses(), time_horizon=[*[short] * 8, long]))
    assert set(found) == {"short_horizon", "exploding"}
    assert found["exploding"] == ("in rnn, over 20 time steps, now a factor of 0.34 for each step, spectral radius 1")
    found = remarks("time_horizon", log_of(losses(), time_horizon=[*[long] * 8, short]))
    assert found["exploding"] == "in first, over 1 time steps"


def test_steps_that_are_left_out_call_for_no_other_rate():
    log = cliffs([*[1.0] * 28, *[INF] * 2])
    assert said("cliff", log, "nonfinite").level == "act"
    log.has = frozenset({Fact.SKIPPING})
    claim = said("cliff", log, "nonfinite")
    assert claim.level == "watch"
    assert "`guard.jsonl`" in claim.cure

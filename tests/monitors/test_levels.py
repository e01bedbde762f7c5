"""Every threshold of the verdicts on its two sides: a number a little below it, and a little above."""

import numpy as np
import pytest

from keras_ch8.monitors._batch_statistics import BatchStatistics
from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors._time_horizon import TimeHorizon
from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.flow import LayerFlow
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows
from keras_ch8.monitors.progress import is_spectrum_worthwhile
from tests.monitors.test_claims import log_of

NAN = float("nan")


def said(monitor, log, kind):
    """Return the claim of a monitor on one kind; None without one."""
    (one,) = chosen([monitor])
    return next((claim for claim in one.claims(log) if claim.kind == kind), None)


def level(monitor, log, kind):
    claim = said(monitor, log, kind)
    return claim and claim.level


def losses(fallen=0.2, recent=0.0):
    """Return losses that have fallen by a fraction of their start, and by one since two thirds of the steps."""
    now = 1 - fallen
    return [1.0, *[now / (1 - recent)] * 4, *[now] * 4]


def check(cases, make):
    assert [make(*given) for *given, _ in cases] == [expected for *_, expected in cases]


def flow(**changes):
    """Return three hidden layers and the output, through which signal and gradient pass as they are."""
    none, ones = np.full(4, NAN), np.ones(4)
    whole = {
        "names": ("a", "b", "c", "out"), "weighted": (True,) * 4, "is_output": (False, False, False, True),
        "signal": ones, "gradient": ones, "dead": none, "saturated": none, "relative_update": ones,
        "units": (8,) * 4, "input_signal": 1.0, "input_spread": 1.0,
    }  # fmt: skip
    return LayerFlow(**whole | changes)


def with_steps(values, ratio=0.2, pace=0.005, jump=0.0, **more):
    """Return a log of steps `ratio` times the best; they promise a fall by `pace`, and change the loss by `jump`."""
    steps = [StepLength(v * (1 + jump), v, slope=-pace * v, curvature=ratio * pace * v, length=0.01) for v in values]
    return log_of(values, step_length=steps, **more)


def test_a_share_of_idle_units():
    def idle(share):
        units = np.array([share, NAN, NAN, NAN])
        log = log_of(losses(), layer_flow=flow(dead=units, saturated=units))
        return [level("layer_flow", log, kind) for kind in ("dead_units", "saturated_units")]

    check([(0.29, ["ok", "ok"]), (0.31, ["watch", "ok"]), (0.39, ["watch", "ok"]), (0.41, ["act", "watch"]),
           (0.69, ["act", "watch"]), (0.71, ["act", "act"])],
          idle)  # fmt: skip


def test_each_layer_of_idle_units_counts_by_its_units_and_the_worst_is_named():
    log = log_of(losses(), layer_flow=flow(dead=np.array([0.1, 0.5, NAN, NAN]), units=(30, 10, 8, 8)))
    claim = said("layer_flow", log, "dead_units")
    assert (claim.level, claim.finding) == (
        "ok",
        "Few ReLUs are dead, if any (20 % of the ReLUs give 0 for every example of the probe; 50 % in the layer with "
        "most of them; most of them in b).",
    )  # fmt: skip
    assert said("layer_flow", log, "saturated_units") is None


@pytest.mark.parametrize("at_input", [False, True])
def test_the_scale_of_the_start(at_input):
    def scale(size):
        at = {"input_signal": size} if at_input else {"signal": np.array([1, size, 1, 1])}
        return level("layer_flow", log_of(losses(), layer_flow=flow(**at)), "bad_scale")

    check([(1.1e-3, "ok"), (0.9e-3, "watch"), (5.1e-4, "watch"), (4.9e-4, "act"),
           (7.9, "ok"), (8.1, "watch"), (9.9, "watch"), (10.1, "act")], scale)  # fmt: skip


def test_the_gradient_through_depth():
    def through(total):
        log = log_of(losses(), layer_flow=flow(gradient=np.array([total, np.sqrt(total), 1.0, 1.0])))
        return [level("layer_flow", log, kind) for kind in ("exploding", "vanishing")]

    check([(19.9, ["ok", "ok"]), (20.1, ["watch", "ok"]), (29, ["watch", "ok"]), (31, ["act", "ok"]),
           (0.051, ["ok", "ok"]), (0.049, ["ok", "watch"]), (0.031, ["ok", "watch"]), (0.029, ["ok", "act"])],
          through)  # fmt: skip


def test_two_hidden_layers_are_too_few_to_tell_of_depth():
    two = flow(is_output=(False, False, True, True), gradient=np.array([1e-9, 1.0, 1.0, 1.0]))
    assert level("layer_flow", log_of(losses(), layer_flow=two), "vanishing") is None


def test_the_horizon_in_time():
    def back(steps, rest=0.001, fallen=0.2):
        profile = np.where(np.arange(100) < steps, 1.0, rest)
        seen = (TimeHorizon("rnn", profile, is_final=True, kernel=np.eye(2)),)
        return level("time_horizon", log_of(losses(fallen), time_horizon=seen), "short_horizon")

    check([(71, "ok"), (69, "watch"), (51, "watch"), (49, "act"), (49, 0.0101, "ok"), (49, 0.0099, "act"),
           (49, 0.0, 0.6, "watch")], back)  # fmt: skip


def test_a_loss_that_sees_every_time_step_says_nothing_of_memory():
    seen = (TimeHorizon("rnn", np.geomspace(1, 1e-9, 20), is_final=False, kernel=np.eye(2)),)
    assert said("time_horizon", log_of(losses(), time_horizon=seen), "short_horizon") is None


def test_moving_statistics_and_what_they_cost():
    def off(gap, ratio):
        means, scales = np.array([0.0, gap]), np.zeros(2)
        found = [
            level("batch_statistics", log_of(losses(), batch_statistics=BatchStatistics(
                ("a", "b"), *pair, np.zeros(2), training_loss=2.0, inference_loss=2 * ratio)), "batch_norm_gap")
            for pair in ((means, scales), (scales, means))
        ]  # fmt: skip
        assert found[0] == found[1]
        return found[0]

    check([(0.29, 9.0, "ok"), (0.31, 1.09, "ok"), (0.31, 1.11, "watch"), (0.31, 1.14, "watch"), (0.31, 1.16, "act"),
           (0.99, 1.0, "ok"), (1.01, 1.0, "watch"), (1.99, 1.0, "watch"), (2.01, 1.0, "act")], off)  # fmt: skip


def cliffs(norms, fallen=0.2, recent=0.0):
    log = MeasurementLog(total=1000)
    for step, loss in zip(range(100, 1000, 100), losses(fallen, recent), strict=True):
        log.add(step, {"gradient_norm": GradientNorm(1.0, 1.0, loss)})
    log.add_rows(Rows(np.arange(1, len(norms) + 1), np.array(norms), np.ones(len(norms))))
    return log


def test_cliffs_by_their_number_and_their_height():
    def spikes(count, height=10.1, fallen=0.2):
        norms = np.ones(200)
        norms[50 : 50 + 20 * count : 20] = height
        claim = said("cliff", cliffs(norms, fallen), "cliff")
        assert claim.proven == (claim.level == "act")
        return claim.level

    check([(0, "ok"), (1, "watch"), (2, "watch"), (3, "act"), (3, 9.9, "ok"), (3, 10.1, 0.6, "ok")], spikes)


def test_a_spike_stands_out_from_all_that_was_usual_so_far():
    norms = [*[2.0] * 130, *[0.5] * 120, 5.9, 0.5]
    assert level("cliff", cliffs(norms), "cliff") == "ok"  # 11.8 times its median, but within 3 times an earlier one
    assert level("cliff", cliffs([*norms[:-2], 6.1, 0.5]), "cliff") == "watch"


@pytest.mark.parametrize("value", [np.inf, NAN])
def test_a_gradient_that_is_no_number_calls_for_action_and_twice_it_is_proven(value):
    claims = [said("cliff", cliffs([*[1.0] * 30, *[value] * n]), "nonfinite") for n in range(3)]
    assert [claim.level for claim in claims] == ["ok", "act", "act"]
    assert [claim.proven for claim in claims] == [False, False, True]
    assert level("cliff", cliffs([*[1.0] * 30, value, value, value]), "cliff") == "ok"


def test_steps_that_are_too_long_where_the_loss_does_not_fall():
    def too_long(ratio, jump=0.0, recent=0.0):
        return level("step_length", with_steps(losses(0.2, recent), 2 * ratio, jump=jump), "step_too_long")

    check([(0.49, "ok"), (0.51, "watch"), (0.99, "watch"), (1.01, "act"), (1.01, 0.0, 0.06, "ok"),
           (0.1, 0.099, "ok"), (0.1, 0.101, "watch"), (0.1, 0.149, "watch"), (0.1, 0.151, "act"),
           (1.01, 0.0, 0.049, "act")], too_long)  # fmt: skip


def test_steps_that_leap_while_the_loss_falls_though_it_is_high():
    def leaps(values, jump, steps_of_update=1):
        log = with_steps(values, jump=jump)
        log.steps_of_update = steps_of_update
        return level("step_length", log, "step_too_long")

    high, low, slower = losses(0.4, 0.3), [1.0, *[0.06] * 4, *[0.03] * 4], losses(0.4, 0.19)
    check([(slower, 0.099, "ok"), (slower, 0.101, "watch"), (high, 0.101, "ok"), (high, 0.29, "ok"),
           (high, 0.31, "act"), (low, 0.31, "ok"),
           (high, 0.31, 8, "act"), (high, 0.31, 9, "ok")], leaps)  # fmt: skip


def test_a_loss_above_its_start():
    def grown(growth):
        return level("step_length", with_steps([*[1.0] * 2, *[growth] * 7]), "step_too_long")

    check([(1.29, "ok"), (1.31, "watch"), (1.59, "watch"), (1.61, "act")], grown)


def test_a_loss_that_goes_up_and_down_near_the_limit_of_the_rate():
    def up_and_down(by, limit, gain=0.0):
        values = [1.0, *[0.8, 0.8 - by] * 4]
        log = with_steps(values, spectrum={"largest": limit / 0.01, "resolved": gain * values[-1]})
        return level("step_length", log, "step_too_long")

    check([(0.081, 0.31, "watch"), (0.079, 0.31, "ok"), (0.081, 0.29, "ok"), (0.081, 0.31, 0.099, "watch"),
           (0.081, 0.31, 0.101, "ok")], up_and_down)  # fmt: skip


def test_a_loss_that_is_no_number_calls_for_action_and_twice_it_is_proven():
    log = MeasurementLog(total=10)
    for step, proven in ((1, False), (2, True)):
        log.add(step, {"step_length": StepLength(1.0, NAN, -1.0, 1.0, 1.0)})
        claim = said("step_length", log, "step_too_long")
        assert (claim.level, claim.proven) == ("act", proven)


def test_steps_that_are_too_short_by_their_length_and_the_pace_that_they_promise():
    def too_short(ratio, halving, recent=0.04, total=1000, **more):
        log = with_steps(losses(0.2, recent), ratio, np.log(2) / halving / 1000, **more)
        log.total = total
        return level("step_length", log, "step_too_short")

    check([(0.0099, 2.1, "watch"), (0.0101, 2.1, "ok"), (0.0099, 1.9, "ok"), (0.00149, 4.1, "act"),
           (0.00149, 3.9, "watch"), (0.00151, 4.1, "watch"), (0.00149, 4.1, -0.04, "ok"),
           (0.00149, 4.1, 0.04, 0, "ok")], too_short)  # fmt: skip
    assert too_short(0.00149, 4.1, norm=0.0041) == "act"  # |g| |theta| / L is 0.05125
    assert too_short(0.00149, 4.1, norm=0.0039) == "ok"  # the gradient is small: a plateau
    assert too_short(0.00149, 4.1, spectrum={"largest": 29.0}) == "act"
    assert too_short(0.00149, 4.1, spectrum={"largest": 31.0}) == "ok"  # the rate is near its limit


def test_a_rate_far_below_its_limit():
    def below(limit, gain, recent):
        values = losses(0.2, recent)
        log = with_steps(values, spectrum={"largest": limit / 0.01, "resolved": gain * values[-1]})
        return level("step_length", log, "step_too_short")

    check([(0.019, 0.11, 0.02, "watch"), (0.021, 0.11, 0.02, "ok"), (0.019, 0.099, 0.02, "ok"),
           (0.019, 0.34, 0.1, "watch"), (0.019, 0.33, 0.1, "ok"), (0.019, 0.9, 0.21, "ok"),
           (0.25, 0.51, 0.02, "watch"), (0.25, 0.49, 0.02, "ok"), (0.31, 0.51, 0.02, "ok")], below)  # fmt: skip


def test_a_rate_and_steps_of_a_thousandth():
    def thousandth(ratio, limit, gain, fallen):
        values = losses(fallen, 0.3)
        log = with_steps(values, ratio, spectrum={"largest": limit / 0.01, "resolved": gain * values[-1]})
        return level("step_length", log, "step_too_short")

    check([(0.0014, 0.0019, 0.11, 0.89, "watch"), (0.0016, 0.0019, 0.11, 0.89, "ok"),
           (0.0009, 0.0021, 0.11, 0.89, "ok"), (0.0009, 0.0019, 0.099, 0.89, "ok"),
           (0.0009, 0.0019, 0.11, 0.91, "ok")], thousandth)  # fmt: skip


def ravine(values, limit=0.5, gain=0.35, ratio=0.2, **ends):
    largest = limit / 0.01
    ends = {"largest": largest, "resolved": gain * values[-1], "smallest": ends.get("negativity", 0.0) * -largest}
    return level("spectrum", with_steps(values, ratio, spectrum=ends), "ill_conditioned")


def test_a_ravine_by_what_newton_would_gain_and_how_long_that_takes():
    check([(0.02, 0.099, "ok"), (0.02, 0.101, "watch"), (0.02, 0.299, "watch"), (0.02, 0.301, "act"),
           (0.1, 0.33, "ok"), (0.1, 0.34, "watch"), (0.1, 0.66, "watch"), (0.1, 0.68, "act"), (0.21, 0.9, "ok")],
          lambda recent, gain: ravine(losses(0.2, recent), gain=gain))  # fmt: skip


def test_a_ravine_by_steps_that_are_short_though_the_loss_falls():
    check([(0.0101, "ok"), (0.0099, "watch"), (0.00101, "watch"), (0.00099, "act")],
          lambda ratio: ravine(losses(0.4, 0.3), ratio=ratio))  # fmt: skip


def test_a_ravine_only_where_the_rate_is_near_its_limit_and_newton_means_something():
    slow = losses(0.2, 0.02)
    check([(0.29, 0.0, "ok"), (0.31, 0.0, "act"), (0.5, 0.049, "act"), (0.5, 0.051, "ok")],
          lambda limit, negativity: ravine(slow, limit, negativity=negativity))  # fmt: skip


def test_a_ravine_where_the_rate_is_at_its_limit():
    check([(0.99, 0.19, 0.2, "ok"), (1.01, 0.19, 0.2, "watch"), (1.01, 0.19, 0.099, "ok"), (1.01, 0.21, 0.2, "ok"),
           (1.01, 0.21, 0.69, "ok"), (1.01, 0.21, 0.71, "watch")],
          lambda limit, recent, gain: ravine(losses(0.2, recent), limit, gain))  # fmt: skip
    assert ravine([1.0, 0.8, 0.5, 0.3, 0.2, *[0.051] * 4], 1.01, 0.8) == "watch"
    assert ravine([1.0, 0.8, 0.5, 0.3, 0.2, *[0.049] * 4], 1.01, 0.8) == "ok"  # nothing is missing


def flat(kind, values=None, elasticity=10.0, batches=10.0, gain=0.0, **more):
    """Return the level of a kind of flat region; the elasticity is that of the probe, `batches` of the minibatches."""
    values = losses() if values is None else values
    ends = {key: more.pop(key) for key in ("smallest", "residual", "kernel_elasticity") if key in more}
    ends |= {"resolved": gain * values[-1], "gradient_norm": elasticity * values[-1] / 10}
    log = log_of(values, norm=1.0, batches=batches * values[-1] / 10, spectrum=ends, **more)
    return level("spectrum", log, kind)


def test_a_plateau_by_the_gradient_and_what_newton_would_gain():
    check([(0.051, 0.0, "ok"), (0.049, 0.0, "act"), (0.049, 0.051, "watch"), (0.049, 0.049, "act"),
           (0.049, 0.099, "watch"), (0.049, 0.101, "ok")],
          lambda elasticity, gain: flat("plateau", elasticity=elasticity, gain=gain))  # fmt: skip
    assert flat("plateau", batches=0.049) == "act"
    assert flat("plateau", elasticity=0.01, smallest=0.99e-3) == "act"
    assert flat("plateau", elasticity=0.01, smallest=1.01e-3) == "ok"  # a minimum
    assert flat("plateau", losses(0.2, 0.06), elasticity=0.01) == "ok"  # the loss falls
    assert flat("plateau", losses(0.51), elasticity=0.01) == "ok"  # the loss is good


@pytest.mark.parametrize("share", ["dead", "saturated"])
def test_a_plateau_behind_idle_units(share):
    limit = {"dead": 0.3, "saturated": 0.4}[share]
    for by, expected in ((0.99, "ok"), (1.01, "act")):
        units = flow(**{share: np.array([by * limit, NAN, NAN, NAN])})
        assert flat("plateau", layer_flow=units) == expected
    assert flat("plateau", layer_flow=flow(gradient=np.array([0.049, 0.2, 1.0, 1.0]))) == "act"
    assert flat("plateau", layer_flow=flow(gradient=np.array([0.051, 0.2, 1.0, 1.0]))) == "ok"


def test_underfitting_is_a_loss_at_rest_that_is_not_low_with_nothing_to_gain():
    def at_rest(fallen, recent, gain=0.0):
        return flat("underfitting", losses(fallen, recent), gain=gain)

    check([(0.2, 0.049, "watch"), (0.2, 0.051, "ok"), (0.2, -0.19, "watch"), (0.2, -0.21, "ok"),
           (0.89, 0.0, "watch"), (0.91, 0.0, "ok"), (0.2, 0.0, 0.099, "watch"), (0.2, 0.0, 0.101, "ok")],
          at_rest)  # fmt: skip
    assert flat("underfitting", elasticity=0.01) == "ok"  # a plateau


def test_a_saddle_point_by_its_curvature_and_the_gradient_there():
    def saddle(elasticity, negativity, **more):
        return flat("saddle", batches=elasticity, smallest=-negativity, **more)

    check([(0.051, 0.5, "ok"), (0.049, 0.5, "watch"), (0.021, 0.5, "watch"), (0.019, 0.5, "act"),
           (0.021, 0.11, "watch"), (0.021, 0.099, "ok"), (0.019, 0.21, "act"), (0.019, 0.19, "watch"),
           (0.019, 0.031, "watch"), (0.019, 0.029, "ok"), (0.019, 9.9, "act"), (0.019, 10.1, "ok")],
          saddle)  # fmt: skip
    assert saddle(0.019, 0.5, residual=0.249) == "act"
    assert saddle(0.019, 0.5, residual=0.251) == "ok"  # it may be no negative curvature
    assert saddle(0.019, 0.5, values=losses(0.2, 0.06)) == "ok"  # the loss falls


def test_a_saddle_point_is_neither_a_plateau_nor_underfitting():
    for negativity, plateau in ((0.5, "ok"), (0.0, "act")):
        assert flat("plateau", batches=0.019, smallest=-negativity) == plateau
    for negativity, underfitting in ((0.5, "ok"), (0.0, "watch")):
        given = {"smallest": -negativity, "kernel_elasticity": 0.01}
        assert flat("underfitting", batches=1.0, **given) == underfitting


def test_a_saddle_point_that_can_be_left_within_the_training():
    """A rate of 0.01 / 16 and 1000 steps: a curvature of -1.6 grows e-fold."""
    for curvature, expected in ((1.65, "act"), (1.55, "ok")):
        given = {"smallest": -curvature, "kernel_elasticity": 0.01}
        assert flat("saddle", batches=200.0, **given) == expected


def test_a_gradient_that_is_small_from_the_start():
    def small(elasticity, fallen=0.09, recent=0.0):
        values = losses(fallen, recent)
        return level("gradient_norm", log_of(values, norm=elasticity * values[-1] / 10), "plateau")

    check([(0.051, "ok"), (0.049, "watch"), (0.001, "watch"), (0.001, 0.11, "ok"), (0.001, 0.09, 0.06, "ok")],
          small)  # fmt: skip


def test_noise_by_the_batch_and_by_what_it_costs():
    def noise(ratio, costs, fallen=0.2, recent=0.0):
        values = losses(fallen, recent)
        trace = costs * values[-1] * 4 * 100 / (0.01 / 20)  # a rate of 0.01 / 20, a batch of 100
        seen = GradientNoise(trace, trace / 100 / ratio)
        return level("gradient_noise", log_of(values, batches=20.0, gradient_noise=seen), "noise_dominated")

    check([(3.9, 0.051, "ok"), (4.1, 0.051, "watch"), (5.9, 0.051, "watch"), (6.1, 0.051, "act"),
           (8.1, 0.029, "ok"), (8.1, 0.031, "watch"), (8.1, 0.049, "watch"), (8.1, 0.051, 0.2, 0.19, "watch"),
           (8.1, 0.051, 0.2, 0.21, "ok"), (8.1, 0.051, 0.51, 0.0, "watch"), (8.1, 0.051, 0.91, 0.0, "ok")],
          noise)  # fmt: skip


def test_a_batch_that_is_larger_than_its_noise_asks_for():
    def wasteful(ratio):
        log = log_of(losses(0.4, 0.3), gradient_noise=GradientNoise(1000 * ratio, 1.0))
        log.batch_size = 1000.0
        claim = said("gradient_noise", log, "batch_wasteful")
        return claim.level, claim.cure

    cure = "Take smaller batches, down to some {} examples: as many steps learn the same from fewer."
    check([(0.051, ("ok", "")), (0.049, ("watch", cure.format(49))), (0.0251, ("watch", cure.format(25))),
           (0.0249, ("act", cure.format(25))), (0.001, ("act", cure.format(16))), (0.0, ("ok", ""))],
          wasteful)  # fmt: skip


LEARNING = np.linspace(1, 0.7, 10)


def epochs(training, validation):
    log = MeasurementLog(total=100)
    for loss, held_out in zip(training, validation, strict=True):
        log.add_epoch({"loss": loss} | ({} if held_out is None else {"val_loss": held_out}), np.full(10, loss))
    return log


def test_overfitting_by_the_rise_since_the_best():
    def rises(share, training=LEARNING):
        log = epochs(training, [0.9, 0.7, 0.5, *[0.5 + 0.4 * share] * 7])
        return level("online_risk", log, "overfitting")

    check([(0.099, "ok"), (0.101, "watch"), (0.149, "watch"), (0.151, "act"),
           (0.301, np.linspace(0.7, 1, 10), "ok"),  # nothing is learned
           (0.301, [1.0] * 5 + [0.9] + [0.82] * 4, "ok"), (0.301, [1.0] * 5 + [0.9] + [0.80] * 4, "act")],
          rises)  # fmt: skip


def test_overfitting_by_what_is_learned_by_heart():
    def by_heart(last, best=0.5):
        log = epochs([1.2, 1.1, 1.0, *np.linspace(1, last, 7)], [0.9, 0.7, best, *[best + 0.001] * 7])
        return level("online_risk", log, "overfitting")

    check([(0.51, "ok"), (0.49, "watch"), (0.49, 0.1, "watch"), (0.49, 0.08, "ok")], by_heart)


def test_a_rise_after_a_fall_of_next_to_nothing_is_compared_with_a_tenth():
    log = epochs(LEARNING, [0.5, 0.499, *[0.503] * 8])
    assert level("online_risk", log, "overfitting") == "ok"  # 0.004 of 0.05
    log = epochs(LEARNING, [0.5, 0.499, *[0.505] * 8])
    assert level("online_risk", log, "overfitting") == "watch"


def test_without_validation_the_probe_is_held_out_and_three_epochs_are_needed():
    log = epochs(LEARNING, [None] * 10)
    assert said("online_risk", log, "overfitting") is None
    for step, loss in enumerate([0.9, 0.7, 0.5, *[0.7] * 3], 1):
        log.add(step, {"gradient_norm": GradientNorm(1.0, 1.0, loss)})
    claim = said("online_risk", log, "overfitting")
    assert (claim.level, "the loss on the probe" in claim.finding) == ("act", True)
    assert said("online_risk", epochs([1, 0.9], [1, 1]), "overfitting") is None
    assert said("online_risk", epochs([1, 0.9, 0.8], [1, 1, 1]), "overfitting") is not None


@pytest.mark.parametrize("monitor, kind", [
    ("step_length", "step_too_long"), ("gradient_norm", "plateau"), ("gradient_noise", "noise_dominated"),
])  # fmt: skip
def test_of_a_trend_nothing_is_said_before_the_fourth_measurement(monitor, kind):
    log = MeasurementLog(total=100)
    log.batch_size = 10.0
    for step in range(1, 5):
        assert step == 1 or said(monitor, log, kind) is None
        log.add(step, {
            "step_length": StepLength(1.0, 1.0, -1.0, 1.0, 1.0),
            "gradient_noise": GradientNoise(1, 1), "gradient_norm": GradientNorm(1.0, 1.0, 1.0),
        })  # fmt: skip
    assert said(monitor, log, kind) is not None


def test_without_the_size_of_a_batch_nothing_is_said_of_noise():
    log = log_of(losses(), gradient_noise=GradientNoise(1, 1))
    log.batch_size = 0.0
    assert said("gradient_noise", log, "noise_dominated") is None


def test_the_spectrum_is_worth_its_price_where_a_loss_is_not_low_and_slow_or_steps_are_short():
    def closer(fallen, recent, ratio=0.2):
        return is_spectrum_worthwhile(with_steps(losses(fallen, recent), ratio))

    check([(0.94, 0.19, True), (0.96, 0.19, False), (0.94, 0.21, False), (0.96, 0.21, 0.0099, True),
           (0.96, 0.21, 0.0101, False)], closer)  # fmt: skip
    assert is_spectrum_worthwhile(MeasurementLog(total=10)) is False

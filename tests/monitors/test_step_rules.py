"""What is said of the length of the steps: each limit on its two sides, and each rule beside a neighbour."""

import numpy as np
import pytest

from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows
from keras_ch8.verdicts import causes
from tests.monitors.logs import INF, NAN, check, faded, level, log_of, losses, measured, said, steps, with_steps

SWAYING = np.array([1.0, 0.4, 0.4, 0.48, 0.44, 0.48, 0.44, 0.48, 0.44])


def far_beyond(largest, losses, ratio=0.8):
    spectrum = {"largest": largest, "loss": losses[-1]}
    log = log_of(losses, curvature=2 * ratio * 0.005, spectrum=spectrum)
    log.total, log.chance = 900, 1.0
    return said("step_length", log, "step_too_long").level


SWINGS = np.array([1.0, *[0.2, 0.4] * 4])
"""A loss that has come down, and rises by some 0.8 in all at a height of 0.3."""


def swinging(values=SWINGS, ratio=1.5, noise=1.0, jump=0.2):
    noisy = GradientNoise(trace=100.0 * noise, squared_norm=1.0)
    log = with_steps(values, ratio=ratio, jump=jump, gradient_noise=noisy)
    return [level("step_length", log, kind) for kind in ("oscillation", "step_too_long")]


def spiked(spikes, ratio):
    log = with_steps(np.array([1.0, *[0.9, 1.1] * 4]), ratio=ratio, jump=0.4)
    norms = np.ones(300)
    norms[50 : 50 + 20 * spikes : 20] = 40.0
    log.rows = Rows()
    log.add_rows(Rows(np.arange(1, 301), norms, np.ones(300)))
    return level("step_length", log, "step_too_long"), level("cliff", log, "cliff")


def thrown(losses_of_steps, height=1.0):
    log = with_steps(np.full(9, height))
    log.rows = Rows()
    number = len(losses_of_steps)
    log.add_rows(Rows(np.arange(1, number + 1), np.ones(number), np.array(losses_of_steps)))
    return level("step_length", log, "step_too_long")


def spiked_by(sizes):
    """Return what is said of steps with these lengths over the best, and of ten gradients that stand out."""
    values = np.array([1.0, *[0.9, 1.1] * 4])
    steps = [StepLength(v, v, -0.01, 0.01 * size, 0.01) for v, size in zip(values, sizes, strict=True)]
    log = log_of(values, step_length=steps, spectrum={"largest": 5e3, "smallest": 1.0})
    norms = np.ones(300)
    norms[50:250:20] = 40.0
    log.rows, log.total = Rows(), 900
    log.add_rows(Rows(np.arange(1, 301), norms, np.ones(300)))
    return [level(*asked) for asked in (("step_length", log, "step_too_long"), ("cliff", log, "cliff"))]


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


def test_the_step_along_which_the_loss_is_flat_has_no_best_length():
    flat = StepLength(1.0, 1.0, slope=0.0, curvature=0.0, length=1.0)
    assert np.isnan([flat.step_over_optimal, flat.ratio, flat.trust]).all()
    down = StepLength(2.0, 1.5, slope=-1.0, curvature=0.5, length=1.0)
    assert (down.actual, down.predicted, down.step_over_optimal, down.ratio) == (-0.5, -0.75, 0.5, 0.25)
    assert down.trust == pytest.approx(2 / 3)


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


@pytest.mark.parametrize(
    "left, level", [(1.0, "ok"), (0.02, "ok"), (9e-3, "watch"), (6e-3, "watch"), (4e-3, "act"), (0.0, "act")]
)
def test_a_loss_at_rest_after_a_rate_that_has_faded_has_steps_that_are_too_short(left, level):
    assert said("step_length", faded(left), "step_too_short").level == level
    low = np.array([1.0, 0.5, *[0.05] * 7])
    assert said("step_length", faded(left, low), "step_too_short").level == "ok"


def test_a_rate_far_beyond_its_limit_is_too_long_where_half_a_training_gains_nothing():
    assert [far_beyond(largest, SWAYING) for largest in (5000.0, 3000.0, 1500.0)] == ["act", "act", "ok"]
    assert far_beyond(5000.0, SWAYING, ratio=0.4) == "ok"  # no step goes beyond the lowest point
    assert far_beyond(5000.0, SWAYING * np.linspace(1, 0.6, 9)) == "ok"  # the loss gets on
    assert far_beyond(5000.0, np.array([1.0, *[0.05, 0.06] * 4])) == "ok"  # it is low


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


def test_the_leaps_that_single_gradients_make_are_not_said_to_be_the_fault_of_all_steps():
    assert spiked(5, 0.4) == ("ok", "act")
    assert spiked(0, 0.4) == ("act", "ok")
    assert spiked(5, 1.4)[0] == "act"


def test_first_steps_that_throw_the_loss_far_up_were_too_long_where_it_has_not_come_back():
    far = [1.0, *[20.0] * 30, *[1.0] * 100]
    assert thrown(far) == "act"
    assert thrown([1.0, *[3.1] * 30, *[1.0] * 100]) == "act"
    assert thrown([1.0, *[2.9] * 30, *[1.0] * 100]) == "ok"
    assert thrown([1.0, *[20.0, 1.0, 1.0] * 30]) == "ok"  # a few minibatches with outliers
    assert thrown([1.0] * 130) == "ok"


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


@pytest.mark.parametrize("minibatches, expected", [(1.5, "act"), (0.8, "act"), (0.6, "ok")])
def test_a_held_out_loss_above_its_start_is_no_divergence_where_the_training_loss_has_fallen(minibatches, expected):
    log = log_of(np.array([1.0, 0.8, *[1.8] * 7]), curvature=0.001)
    log.add_rows(Rows(np.arange(1001, 1061), np.ones(60), np.full(60, minibatches)))
    assert level("step_length", log, "step_too_long") == expected


def test_gradients_stand_out_of_steps_that_are_too_long_everywhere_though_the_curvature_changes_its_sign():
    assert spiked_by([3.0, -3.0] * 4 + [0.2]) == ["act", "act"]  # the middle of the lengths with their signs is 0.2
    assert spiked_by([0.2, -0.2] * 4 + [0.2]) == ["ok", "act"]
    assert causes.explained_by("cliff", ["step_too_long", "cliff"]) == "step_too_long"


@pytest.mark.parametrize("recent, expected", [(0.04, "act"), (0.1, "act"), (0.25, "watch")])
def test_steps_are_too_short_for_a_loss_that_has_hardly_moved_though_it_begins_to(recent, expected):
    log = with_steps(np.array([1.0, *[0.999] * 5, *[0.999 * (1 - recent)] * 3]), ratio=2e-3, pace=1e-4)
    log.total, log.chance = 900, 0.8
    assert level("step_length", log, "step_too_short") == expected


@pytest.mark.parametrize(
    "sizes, swing, expected",
    [
        ([3.0, -3.0] * 4 + [0.2], 0.4, "act"),
        ([0.2] * 9, 0.4, "ok"),  # the steps are short: something else makes it swing
        ([3.0, -3.0] * 4 + [0.2], 0.05, "ok"),  # it hardly swings
    ],
)
def test_a_loss_that_swings_and_has_not_come_down_has_steps_that_are_too_long(sizes, swing, expected):
    values = 0.9 * (1 + swing * np.array([0.0, -1, 0, -1, 0, -1, 0, -1, -1]))
    steps = [StepLength(v, v, -0.01, 0.01 * size, 0.01) for v, size in zip(values, sizes, strict=True)]
    noise = GradientNoise(trace=100.0, squared_norm=1.0)
    log = log_of(values, step_length=steps, gradient_noise=noise)
    assert level("step_length", log, "step_too_long") == expected


@pytest.mark.parametrize(
    "first, chance, expected", [(25.0, 1.0, "act"), (7.1, 1.0, "act"), (6.9, 1.0, "ok"), (25.0, 1.3, "ok")]
)
def test_a_first_step_that_throws_the_weights_where_nothing_is_learned_is_too_long(first, chance, expected):
    log = with_steps(np.array([1.0] * 9), step=0.3)
    log.chance = chance
    log.rows = Rows()
    log.add_rows(Rows(np.arange(1, 31), np.ones(30), np.array([1.0, first, *[1.0] * 28])))
    assert level("step_length", log, "step_too_long") == expected


@pytest.mark.parametrize("at_start, expected", [(10.0, "act"), (1.0, "ok")])
def test_a_step_is_as_long_as_all_weights_only_if_these_are_not_near_0_as_at_the_start(at_start, expected):
    """The first step is eight tenths of the weights, which stay as long, or become a hundred times as long."""
    values = losses(0.8)
    taken = [StepLength(v, v, -0.005, 0.002, 0.8 * at_start if i == 0 else 0.01) for i, v in enumerate(values)]
    lengths = [at_start, *[10.0 * 10 ** (at_start == 1.0)] * 8]
    readings = [GradientNorm(1.0, length, v) for length, v in zip(lengths, values, strict=True)]
    log = log_of(values, step_length=taken, gradient_norm=readings)
    assert level("step_length", log, "step_too_long") == expected


@pytest.mark.parametrize(
    "lowest, end, ratio, noise, expected",
    [
        (0.03, 0.15, 2.4, 0.1, "act"),
        (0.08, 0.13, 2.4, 0.1, "act"),
        (0.08, 0.12, 2.4, 0.1, "watch"),
        (0.09, 0.11, 2.4, 0.1, "ok"),  # it is at one level
        (0.03, 0.15, 0.3, 0.1, "ok"),  # the steps do not go beyond the lowest point
        (0.03, 0.15, 2.4, 1e6, "ok"),  # the gradient is mostly noise
        (0.01, 0.05, 2.4, 0.1, "ok"),  # it is low
    ],
)
def test_a_loss_that_rises_again_by_steps_beyond_the_lowest_point_has_steps_that_are_too_long(
    lowest, end, ratio, noise, expected
):
    values = np.array([1.0, 0.4, lowest, lowest, lowest, *np.linspace(lowest, end, 3), end])
    log = with_steps(values, ratio=ratio, gradient_noise=GradientNoise(100.0 * noise, 1.0))
    assert level("step_length", log, "step_too_long") == expected


@pytest.mark.parametrize(
    "ratio, values, level",
    [
        (0.0049, np.linspace(1, 0.985, 9), "act"),
        (0.0051, np.linspace(1, 0.985, 9), "watch"),
        (0.011, np.linspace(1, 0.985, 9), "ok"),
        (0.0049, np.linspace(1, 0.85, 9), "ok"),  # the loss has fallen
        (0.0049, [1.0, *[0.95] * 8], "ok"),  # it fell at the start: that may be a ravine
        (0.0049, np.linspace(1, 0.997, 9), "ok"),  # it has not fallen at all
    ],
)
def test_steps_are_too_short_where_the_loss_has_fallen_evenly_and_hardly(ratio, values, level):
    log = with_steps(values, ratio, spectrum={"largest": 40.0, "resolved": 0.0})
    assert said("step_length", log, "step_too_short").level == level
    log.total = 10_000  # at the beginning of a long training nothing is said
    assert said("step_length", log, "step_too_short").level == "ok"

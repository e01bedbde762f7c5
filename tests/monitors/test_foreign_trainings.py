"""What trainings by an author who did not know the rules showed: pasts on which a rule was wrong, or said nothing."""

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import monitors
from keras_ch8.monitors._batch_statistics import BatchStatistics
from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors.model_facts import facts_of_model
from keras_ch8.monitors.progress import GOOD, HARDLY_MOVED, STUCK, progress, progress_measured
from keras_ch8.verdicts.fact import Fact
from tests.monitors.test_claims import log_of
from tests.monitors.test_levels import flow, level, losses, ravine, said, with_steps

NAN = float("nan")


def test_cliffs_that_occur_from_the_first_steps_on_are_seen():
    norms = np.ones(400)
    norms[5::40] = 40.0
    assert monitors.cliff(norms).spikes().tolist() == [*range(46, 400, 40)]


def test_a_loss_that_only_falls_from_a_high_start_is_no_cliff_and_neither_is_its_end():
    assert not monitors.cliff(np.geomspace(1e3, 1e-3, 400)).spikes().size


def at_chance(values, chance):
    log = with_steps(values)
    log.chance = chance
    return log


@pytest.mark.parametrize(
    "values, chance, is_good",
    [
        (np.array([1.5e7, *[4.3e5] * 8]), 0.25, False),  # far below its start, and a million times a constant
        (np.array([3.4, *[np.log(3)] * 8]), np.log(3), False),  # 70 % below its start: as good as a constant
        (np.array([3.4, *[0.5] * 8]), np.log(3), True),
        (np.array([1.0, *[0.4] * 8]), 30.0, True),  # it began better than any constant, as a model that is tuned
        (np.array([1.0, *[0.6] * 8]), 30.0, False),
        (np.array([3.4, *[np.log(3)] * 8]), NAN, True),  # a constant is not known
    ],
)
def test_a_loss_is_good_only_if_it_is_far_below_that_of_the_best_constant_prediction(values, chance, is_good):
    measured = progress_measured(at_chance(values, chance))
    assert GOOD.holds(measured) == is_good
    assert STUCK.holds(measured) != is_good


def test_a_loss_at_chance_counts_as_where_it_began_and_its_growth_is_over_its_own_start():
    log = at_chance(np.array([3.4, *[np.log(3)] * 8]), np.log(3))
    measured = progress_measured(log)
    assert HARDLY_MOVED.holds(measured)
    assert measured["growth"] == pytest.approx(np.log(3) / 3.4)
    assert measured["over_chance"] == pytest.approx(1)
    assert progress(log).measured()["fallen"] == pytest.approx(1 - np.log(3) / 3.4)


def test_no_ravine_is_named_where_the_curvature_is_nearly_the_same_in_all_directions():
    slow = losses(0.2, 0.02)
    assert ravine(slow, limit=1.5, gain=0.9) == "act"
    for smallest, expected in ((0.74, "ok"), (0.11, "ok"), (0.09, "act")):
        log = with_steps(slow, spectrum={"largest": 150.0, "resolved": 0.72, "smallest": 150 * smallest})
        assert level("spectrum", log, "ill_conditioned") == expected


def test_no_ravine_is_named_where_the_steps_are_too_long_for_the_largest_curvature():
    slow = losses(0.2, 0.02)
    assert [ravine(slow, limit, gain=0.9, ratio=1.0) for limit in (2.4, 2.6)] == ["act", "ok"]
    assert ravine(slow, 2.6, gain=0.9, ratio=0.4) == "act"  # a rate for each weight: no limit for the others


def held_up(signal, **ends):
    """Return the claims on saddle and plateau where nearly all curvature is small, with both signs."""
    ends = {"largest": 1e-3, "smallest": -5e-4, "gradient_norm": 1e-4, "kernel_elasticity": 1e-3, "resolved": 0} | ends
    flows = flow(signal=np.array([1.0, signal, signal, signal]))
    log = log_of(losses(0.0), norm=1e-5, batches=1e-4, spectrum=ends, layer_flow=flows)
    log.total = 10
    log.has = frozenset({Fact.SMALL_START} if signal < 0.01 else ())
    return said("spectrum", log, "saddle"), said("spectrum", log, "plateau")


def test_a_start_at_weights_of_next_to_nothing_is_a_saddle_point_whose_cure_is_larger_weights():
    saddle, plateau = held_up(signal=1e-6)
    assert (saddle.level, plateau.level) == ("act", "ok")
    assert "random weights of the usual size" in saddle.cure
    saddle, plateau = held_up(signal=1.0)  # a flat end of the loss, from which its curvature leads nowhere
    assert (saddle.level, plateau.level) == ("ok", "act")


def test_the_scale_of_the_start_is_that_of_the_first_measurement_and_before_its_update():
    large, fine = np.array([1.0, 100.0, 1.0, 1.0]), np.ones(4)
    for first, expected in (
        (flow(before=fine, signal=large), "ok"),
        (flow(before=large, signal=fine), "act"),
        (flow(signal=large), "act"),
        (flow(signal=fine), "ok"),
    ):
        later = flow(signal=large) if expected == "ok" else flow()
        assert level("layer_flow", log_of(losses(), layer_flow=[first, *[later] * 8]), "bad_scale") == expected


def test_a_layer_that_begins_at_zero_is_no_matter_of_scale():
    zeros, tiny = flow(signal=np.array([1.0, 1.0, 1.0, 0.0])), flow(signal=np.array([1.0, 1.0, 1.0, 1e-4]))
    assert level("layer_flow", log_of(losses(), layer_flow=[zeros] * 9), "bad_scale") == "ok"
    assert level("layer_flow", log_of(losses(), layer_flow=[tiny] * 9), "bad_scale") != "ok"


def test_the_signal_before_an_update_is_that_of_the_weights_before_it():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile(loss="mse")
    found = monitors.layer_flow(model, np.ones((4, 1)), np.zeros((4, 1)), before=[np.full((1, 1), 3.0), np.zeros(1)])
    assert (found.before.tolist(), found.signal.tolist()) == ([3.0], [1.0])
    assert monitors.layer_flow(model, np.ones((4, 1)), np.zeros((4, 1))).before is None


def test_features_that_are_next_to_constant_do_not_count_for_the_spread_of_the_inputs():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 4)) * [1.0, 50.0, 1e-9, 1e-4] + [0, 0, 0, 1e4]
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    x = x.astype("float32")
    found = monitors.layer_flow(model, x, np.zeros((64, 1)))
    assert found.input_spread == pytest.approx(x[:, 1].std() / x[:, 0].std(), rel=1e-3)


def wasteful(values, scale=1.0, batch_size=2000.0, has=()):
    noise = GradientNoise(trace=scale, squared_norm=1.0)
    log = with_steps(values, gradient_noise=noise)
    log.batch_size, log.has = batch_size, frozenset(has)
    return said("gradient_noise", log, "batch_wasteful")


def test_a_batch_is_called_wasteful_only_where_the_loss_gets_on():
    falling, stuck, diverging = losses(0.6, 0.3), losses(0.0), [1.0, 1.0, *[2.0] * 7]
    assert [wasteful(values).level for values in (falling, stuck, diverging)] == ["act", "ok", "ok"]


def test_no_batch_is_wasteful_for_an_optimizer_that_compares_losses_of_the_same_examples():
    """L-BFGS wants all examples at once: fewer would be another loss at each step."""
    assert wasteful(losses(0.6, 0.3), has=[Fact.COMPARED_LOSSES]).level == "ok"
    switch = keras_ch8.callbacks.SwitchOptimizer(to=keras_ch8.optimizers.LBFGS())
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert Fact.COMPARED_LOSSES not in facts_of_model(model)
    assert Fact.COMPARED_LOSSES in facts_of_model(model, [switch])
    assert not {Fact.CURVATURE, Fact.OWN_STEP_LENGTH} & facts_of_model(model, [switch]), "until it has come"
    clipped = keras_ch8.callbacks.ClipGradients(keras_ch8.clipping.ByGlobalNorm(1.0))
    assert Fact.FIRST_ORDER_ONLY in facts_of_model(model, [clipped])
    model.compile(keras_ch8.optimizers.BFGS(), "mse")
    assert Fact.COMPARED_LOSSES in facts_of_model(model)


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


def test_no_ravine_is_named_where_the_loss_falls_evenly():
    ravine_of = {"largest": 50.0, "resolved": 0.9}
    even, bent = np.linspace(1, 0.985, 9), [1.0, *[0.986] * 4, *[0.985] * 4]
    assert [level("spectrum", with_steps(v, spectrum=ravine_of), "ill_conditioned") for v in (even, bent)] == [
        "ok", "act",
    ]  # fmt: skip


def test_noise_that_takes_back_what_the_steps_gain_is_worth_watching_though_the_loss_hardly_suffers():
    def noisy(ratio, fallen=0.2, recent=0.1, scale=500.0):
        noise = GradientNoise(trace=1e-3 * scale, squared_norm=1e-3)
        return level(
            "gradient_noise", with_steps(losses(fallen, recent), ratio, gradient_noise=noise), "noise_dominated"
        )

    assert [noisy(ratio) for ratio in (0.9, 1.1)] == ["ok", "watch"]
    assert noisy(1.1, scale=300.0) == "ok"  # the gradient is not mostly noise
    assert noisy(1.1, recent=0.3) == "ok"  # the loss falls fast
    assert noisy(1.1, fallen=0.6) == "ok"  # the loss is good


def test_a_layer_whose_units_are_nearly_all_idle_counts_though_those_of_others_are_not():
    def idle(share):
        units = {kind: np.array([0.0, share, NAN, NAN]) for kind in ("dead", "saturated")}
        log = log_of(losses(), layer_flow=flow(units=(100, 4, 8, 8), **units))
        return [level("layer_flow", log, kind) for kind in ("dead_units", "saturated_units")]

    assert [idle(share) for share in (0.69, 0.71, 0.81, 0.91)] == [
        ["ok", "ok"], ["act", "ok"], ["act", "watch"], ["act", "act"],
    ]  # fmt: skip


def test_a_training_of_few_updates_has_not_come_to_rest():
    log = log_of(losses(0.2), norm=1.0, spectrum={"resolved": 0.0, "smallest": 0.5})
    assert level("spectrum", log, "underfitting") == "watch"
    log.first = 860
    assert level("spectrum", log, "underfitting") == "ok"


def test_idle_units_do_not_matter_where_the_loss_is_low_and_matter_less_where_it_is_good():
    def idle(share, fallen):
        log = log_of(losses(fallen), layer_flow=flow(dead=np.array([share, share, NAN, NAN])))
        return level("layer_flow", log, "dead_units")

    assert [idle(0.5, fallen) for fallen in (0.4, 0.6, 0.91)] == ["act", "watch", "ok"]
    assert [idle(0.61, fallen) for fallen in (0.4, 0.6, 0.91)] == ["act", "act", "ok"]


def test_moving_statistics_are_not_expected_to_have_caught_up_in_the_first_quarter():
    off = BatchStatistics(("a",), np.ones(1), np.zeros(1), np.zeros(1), training_loss=1.0, inference_loss=2.0)
    log = log_of(losses(), batch_statistics=off)
    assert [level_of_length(log, total) for total in (0, 900, 3500, 3700)] == ["act", "act", "act", "ok"]


def level_of_length(log, total):
    log.total = total
    return level("batch_statistics", log, "batch_norm_gap")


WEIGHTS = ("a/kernel", "b/kernel", "c/kernel", "d/kernel")
HAVE, LACKS = np.full(4, 1e-3), np.array([0.0, 1e-3, 1e-3, 1e-3])


def sloped(slopes, **others):
    return flow(weights=WEIGHTS, slopes=slopes, **others)


def test_a_matrix_whose_gradient_is_always_zero_has_none_whatever_decay_moves_it():
    for slopes, expected in (([HAVE] * 9, "ok"), ([LACKS] * 9, "act"), ([LACKS] * 8 + [HAVE], "ok")):
        log = log_of(losses(), layer_flow=[sloped(slope) for slope in slopes])
        assert level("layer_flow", log, "no_gradient") == expected
    found = said("layer_flow", log_of(losses(), layer_flow=[sloped(LACKS)] * 9), "no_gradient")
    assert "25 % of the matrices that are trained have a gradient of exactly 0; the first is a/kernel" in found.finding


def test_a_gradient_of_zero_says_nothing_where_all_are_or_a_layer_is_dead_or_saturated():
    full = np.array([NAN, 1.0, NAN, NAN])
    for one in (sloped(0 * LACKS), sloped(LACKS, dead=full), sloped(LACKS, saturated=full)):
        assert level("layer_flow", log_of(losses(), layer_flow=[one] * 9), "no_gradient") in (None, "ok")


def test_a_gradient_that_grows_where_the_loss_is_good_is_worth_watching():
    grows = flow(gradient=np.array([90.0, 9.0, 1.0, 1.0]))
    for values, expected in ((losses(0.9), "watch"), (losses(), "act")):
        assert level("layer_flow", log_of(values, layer_flow=[grows] * 9), "exploding") == expected


def test_losses_that_have_overflowed_are_judged_without_a_warning():
    passes = [np.array([1.0, np.inf, np.inf, np.inf]), np.array([np.inf, np.nan])]
    found = monitors.online_risk(passes)
    assert (found.first, np.isnan(found.last)) == (np.inf, True)

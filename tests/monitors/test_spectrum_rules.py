"""What is said of ravines, plateaus, saddle points and models that are too small: each limit on its two sides."""

import dataclasses

import numpy as np
import pytest

from keras_ch8.monitors import eigenvalues
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors.measurement_log import Rows
from keras_ch8.verdicts.fact import Fact
from tests.monitors.logs import (
    AT_REST,
    ENDS,
    INF,
    NAN,
    check,
    faded,
    flow,
    level,
    log_of,
    losses,
    measured,
    penalized,
    remarks,
    said,
    with_steps,
)


def ravine(values, limit=0.5, gain=0.35, ratio=0.2, **ends):
    largest = limit / 0.01
    ends = {"largest": largest, "resolved": gain * values[-1], "smallest": ends.get("negativity", 0.0) * -largest}
    return level("spectrum", with_steps(values, ratio, spectrum=ends), "ill_conditioned")


def flat(kind, values=None, elasticity=10.0, batches=10.0, gain=0.0, **more):
    """Return the level of a kind of flat region; the elasticity is that of the probe, `batches` of the minibatches."""
    values = losses() if values is None else values
    ends = {key: more.pop(key) for key in ("smallest", "residual", "kernel_elasticity") if key in more}
    ends |= {"resolved": gain * values[-1], "gradient_norm": elasticity * values[-1] / 10}
    log = log_of(values, norm=1.0, batches=batches * values[-1] / 10, spectrum=ends, **more)
    return level("spectrum", log, kind)


def resting(neighbours, **change):
    spectrum = {"largest": 1.0, "smallest": 0.05, "resolved": 0.0, "gradient_norm": 1.0} | change
    log = log_of(losses(0.6, 0.0), spectrum=spectrum, layer_flow=flow())
    log.chance, log.neighbours = 1.0, neighbours
    return level("spectrum", log, "underfitting")


def held_up(signal, **ends):
    """Return the claims on saddle and plateau where nearly all curvature is small, with both signs."""
    ends = {"largest": 1e-3, "smallest": -5e-4, "gradient_norm": 1e-4, "kernel_elasticity": 1e-3, "resolved": 0} | ends
    flows = flow(signal=np.array([1.0, signal, signal, signal]))
    log = log_of(losses(0.0), norm=1e-5, batches=1e-4, spectrum=ends, layer_flow=flows)
    log.total = 10
    log.has = frozenset({Fact.SMALL_START} if signal < 0.01 else ())
    return said("spectrum", log, "saddle"), said("spectrum", log, "plateau")


@pytest.mark.parametrize("spectra, expected", [(0, "watch"), (1, "watch"), (2, "ok")])
def test_before_the_spectrum_has_its_say_a_gradient_that_is_small_from_the_start_is_worth_watching(spectra, expected):
    log = log_of(AT_REST, norm=1e-4)
    for _ in range(spectra):
        log.add(900, {"spectrum": eigenvalues.SpectrumEnds(**ENDS)})
    assert level("gradient_norm", log, "plateau") == expected


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


def test_a_ravine_is_said_with_the_scales_of_the_inputs_if_they_differ():
    def spread(*seen):
        return remarks("spectrum", log_of(losses(), layer_flow=[flow(input_spread=x) for x in seen]))

    words = "the standard deviations of the inputs differ by a factor of {}"
    assert spread(*[1.0] * 8, 1.5) == {"ill_conditioned": words.format(1.5)}
    assert spread(*[1.0] * 8, 2.0) == {"ill_conditioned": words.format(2)}
    assert spread(*[9.0] * 8, 1.49) == spread(*[9.0] * 8, INF) == spread(*[9.0] * 8, NAN) == {}
    assert remarks("spectrum", log_of(losses())) == {}


@pytest.mark.parametrize("left, level", [(1.0, "act"), (5e-4, "ok")])
def test_a_loss_that_rests_because_its_rate_has_faded_is_not_said_to_be_at_a_minimum(left, level):
    log = faded(left, spectrum={"smallest": 0.05, "loss": AT_REST[-1]})
    assert said("spectrum", log, "underfitting").level == level


@pytest.mark.parametrize("total, neighbours, proven", [(1000, 0.2, True), (2000, 0.2, False), (1000, 0.4, False)])
def test_one_spectrum_near_the_end_is_enough_where_the_neighbours_predict_far_better(total, neighbours, proven):
    losses = np.array([1.0, *AT_REST[1:]])
    log = log_of(losses, spectrum={"smallest": 0.05, "loss": AT_REST[-1]})
    log.total, log.chance, log.neighbours = total, 1.0, neighbours
    claim = said("spectrum", log, "underfitting")
    assert (claim.level, claim.proven) == ("act", proven)


def test_a_loss_at_rest_is_judged_by_what_the_nearest_other_examples_predict():
    assert [resting(0.4 / over) for over in (1.3, 1.16, 1.14, 1.05, 0.8)] == ["act", "act", "watch", "ok", "ok"]
    assert resting(float("nan")) == "watch"  # of words: whether noise holds it up is not known


@pytest.mark.parametrize("hidden, expected", [((False, False, False, True), "act"), ((True,) * 4, "ok")])
def test_a_model_without_a_hidden_layer_has_no_plateau(hidden, expected):
    flat = {"largest": 1e-9, "smallest": -1e-12, "resolved": 0.0, "gradient_norm": 1e-6}
    log = log_of(losses(0.0), norm=1e-6, batches=1e-6, spectrum=flat, layer_flow=flow(is_output=hidden))
    assert level("spectrum", log, "plateau") == expected


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


@pytest.mark.parametrize(
    "total, gain, earlier, proven",
    [(1000, 0.85, 0.8, True), (2000, 0.85, 0.8, False), (1000, 0.5, 0.8, False), (1000, 0.85, -0.1, False)],
)
def test_two_spectra_that_agree_are_enough_for_a_ravine_though_the_pace_is_slow_at_the_end_only(
    total, gain, earlier, proven
):
    values = losses(recent=0.02)
    log = with_steps(values, spectrum={"largest": 50.0, "resolved": earlier * values[-1]})
    (first,) = log.of("spectrum")
    log.add(900, {"spectrum": dataclasses.replace(first, resolved=gain * values[-1])})
    log.total = total
    claim = said("spectrum", log, "ill_conditioned")
    assert (claim.level, claim.proven) == ("act", proven)


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


@pytest.mark.parametrize("penalty, expected", [(0.1, "act"), (1.9, "ok")])
def test_a_loss_at_rest_that_penalties_hold_at_chance_is_underfitting(penalty, expected):
    """Beside 1.9 of penalties, what is left is what the nearest examples predict."""
    values = 2.4 * np.array(losses(0.4)) / 0.6
    ends = {"largest": 1.0, "smallest": 0.2, "gradient_norm": 1.0, "loss": 2.4}
    log = penalized(values, [penalty] * 9, spectrum=ends)
    assert level("spectrum", log, "underfitting") == expected


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


def test_a_start_at_weights_of_next_to_nothing_is_a_saddle_point_whose_cure_is_larger_weights():
    saddle, plateau = held_up(signal=1e-6)
    assert (saddle.level, plateau.level) == ("act", "ok")
    assert "random weights of the usual size" in saddle.cure
    saddle, plateau = held_up(signal=1.0)  # a flat end of the loss, from which its curvature leads nowhere
    assert (saddle.level, plateau.level) == ("ok", "act")


def test_no_ravine_is_named_where_the_loss_falls_evenly():
    ravine_of = {"largest": 50.0, "resolved": 0.9}
    even, bent = np.linspace(1, 0.985, 9), [1.0, *[0.986] * 4, *[0.985] * 4]
    assert [level("spectrum", with_steps(v, spectrum=ravine_of), "ill_conditioned") for v in (even, bent)] == [
        "ok", "act",
    ]  # fmt: skip


def test_a_training_of_few_updates_has_not_come_to_rest():
    log = log_of(losses(0.2), norm=1.0, spectrum={"resolved": 0.0, "smallest": 0.5})
    assert level("spectrum", log, "underfitting") == "watch"
    log.first = 860
    assert level("spectrum", log, "underfitting") == "ok"

"""What is said of ravines, plateaus, saddle points and models that are too small: each limit on both sides."""

import functools

import pytest

from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors.measurement_log import Rows
from keras_ch8.verdicts.fact import Fact
from tests.monitors.logs import INF, NAN, flow, level, log_of, losses, measured, remarks

LARGE_TARGETS = frozenset({Fact.LARGE_TARGETS})


def with_penalties(values, left, penalty):
    return [GradientNorm(1.0, 10.0 * (left if i else 1), value, penalty) for i, value in enumerate(values)]


def found(
    kind, *, fallen=0.2, recent=0.0, pace=None, probe=10.0, batches=10.0, kernels=10.0, negativity=0.0, product=0.1,
    gain=0.0, over=NAN, chance=2.0, hidden=3, units=(8, 8, 8, 8), left=1.0, has=frozenset(),
):  # fmt: skip
    """Return the level of a kind.

    The loss has fallen by a part of its start, of which the last third of the steps brought the `pace`, or a `recent`
    part of itself; it is `over` that of the neighbours, but for its penalty. The elasticity is that of the probe, the
    minibatches and the kernels; the `product` is of rate and largest curvature. Of the weights a part is `left`.
    """
    now = 1 - fallen
    values = losses(fallen, recent if pace is None else pace * fallen / (now + pace * fallen))
    largest = product * batches * now / 0.1
    ends = {
        "largest": largest, "smallest": -negativity * largest, "resolved": gain * now,
        "gradient_norm": probe * now / 10, "kernel_elasticity": kernels,
    }  # fmt: skip
    flows = {None: {}, 0: {"layer_flow": flow(is_output=(True,) * 4)}, 3: {"layer_flow": flow(units=units)}}[hidden]
    weights = with_penalties(values, left, 0.01)
    log = log_of(values, batches=batches * now / 10, spectrum=ends, gradient_norm=weights, **flows)
    log.neighbours, log.chance, log.has = (now - 0.01) / over, chance, has
    return level("spectrum", log, kind)


thousandth = functools.partial(found, "step_too_short", gain=0.5, product=1e-4)
saddle = functools.partial(found, "saddle", kernels=0.01, negativity=0.5)
plateau = functools.partial(found, "plateau", kernels=0.01)
resting = functools.partial(found, "underfitting", over=2.0)
narrow = functools.partial(found, "underfitting", units=(8, 2, 8, 4))
ravine = functools.partial(found, "ill_conditioned", gain=0.5, product=0.5)


def linear(over=2.0, unevenness=1000.0, total=1000, penalty=0.0):
    values = losses(0.6)
    log = log_of(values, gradient_norm=with_penalties(values, 1.0, penalty))
    log.least_squares, log.unevenness, log.total = values[-1] / over, unevenness, total
    return level("gradient_norm", log, "ill_conditioned")


@pytest.mark.parametrize(
    "rule, given, levels",
    [
        (thousandth, "gain", {0.299: "ok", 0.301: "act"}),
        (thousandth, "product", {0.00201: "ok", 0.00199: "act"}),
        (saddle, "kernels", {0.021: "ok", 0.019: "act"}),
        (saddle, "negativity", {0.099: "ok", 0.101: "act", 20.0: "act"}),
        (saddle, "product", {0.00199: "ok", 0.00201: "act"}),  # 1000 steps: it grows e-fold
        (saddle, "left", {0.39: "ok", 0.41: "act"}),  # shrunk by penalties
        (saddle, "has", {LARGE_TARGETS: "ok", frozenset(): "act"}),
        (plateau, "kernels", {0.051: "ok", 0.049: "act"}),
        (plateau, "gain", {0.101: "ok", 0.099: "act"}),
        (plateau, "fallen", {0.51: "ok", 0.49: "act"}),
        (plateau, "recent", {0.051: "ok", 0.049: "act"}),
        (plateau, "hidden", {0: "ok", 3: "act", None: "act"}),
        (plateau, "negativity", {0.0101: "ok", 0.0099: "act"}),  # a way down
        (functools.partial(plateau, negativity=0.5), "product", {0.00201: "ok", 0.00199: "act"}),  # too long a way
        (resting, "gain", {0.121: "ok", 0.119: "act"}),
        (resting, "over", {1.59: "ok", 1.61: "act", NAN: "ok"}),
        (resting, "chance", {0.78: "ok", 0.8: "act"}),  # neighbours that do no better know nothing
        (functools.partial(resting, fallen=0.6), "recent", {0.051: "ok", 0.049: "act", -0.19: "act", -0.21: "ok"}),
        (functools.partial(resting, fallen=0.1), "pace", {0.26: "ok", 0.24: "act"}),
        (narrow, "gain", {0.121: "ok", 0.119: "act"}),
        (narrow, "units", {(8, 3, 8, 4): "ok", (8, 2, 8, 2): "ok", (8, 2, 8, 4): "act", (1, 8, 8, 2): "act"}),
        (narrow, "fallen", {0.91: "ok", 0.89: "act"}),
        (ravine, "gain", {0.299: "ok", 0.301: "act"}),
        (ravine, "product", {0.29: "ok", 0.31: "act", 2.49: "act", 2.51: "ok"}),
        (ravine, "negativity", {0.051: "ok", 0.049: "act"}),
        (ravine, "fallen", {0.91: "ok", 0.89: "act"}),
        (ravine, "recent", {0.21: "ok", 0.19: "act"}),
        (linear, "over", {1.49: "ok", 1.51: "act", NAN: None}),  # it is not linear
        (linear, "unevenness", {99.0: "ok", 101.0: "act"}),
        (linear, "total", {1286: "ok", 1285: "act"}),
        (linear, "penalty", {0.1: None, 0.0: "act"}),  # least squares have none
    ],
)
def test_each_limit_on_both_sides_where_all_others_are_reached(rule, given, levels):
    assert {value: rule(**{given: value}) for value in levels} == levels


@pytest.mark.parametrize("of", ["probe", "batches", "kernels"])
@pytest.mark.parametrize("rule", [saddle, plateau])
def test_there_is_hardly_a_gradient_where_the_probe_the_minibatches_or_the_kernels_have_none(rule, of):
    """The bias of the output has a gradient on any examples but those that it was fitted to."""
    assert [rule(**{"kernels": 10.0, of: elasticity}) for elasticity in (0.051, 0.019)] == ["ok", "act"]


def test_how_long_a_saddle_point_holds_is_counted_in_steps_of_the_training_or_of_those_so_far():
    whole, endless, unknown = (log_of(losses(), spectrum={"smallest": -2.0, "largest": 50.0}) for _ in range(3))
    endless.total = 0
    unknown.rows = Rows()  # nor is the rate
    expected = {"escapes": (20.0, 18.0, NAN), "rate_times_curvature": (0.5, 0.5, NAN)}
    for name, values in expected.items():
        found = [measured("spectrum", log)[name] for log in (whole, endless, unknown)]
        assert found == pytest.approx(values, nan_ok=True)


def test_a_ravine_is_said_with_the_scales_of_the_inputs_if_they_differ():
    def spread(*seen):
        return remarks("spectrum", log_of(losses(), layer_flow=[flow(input_spread=x) for x in seen]))

    words = "input scales differ by a factor of {}"
    assert spread(*[1.0] * 8, 1.5) == {"ill_conditioned": words.format(1.5)}
    assert spread(*[1.0] * 8, 2.0) == {"ill_conditioned": words.format(2)}
    assert spread(*[9.0] * 8, 1.49) == spread(*[9.0] * 8, INF) == spread(*[9.0] * 8, NAN) == {}
    assert remarks("spectrum", log_of(losses())) == {}

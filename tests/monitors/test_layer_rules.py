"""What is said of layers and their units: each limit on its two sides."""

import re

import keras
import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.monitors._batch_statistics import BatchStatistics
from keras_ch8.monitors.flow import scale_of_start
from tests.monitors.logs import NAN, STEPS, check, flow, level, log_of, losses, remarks, said, statistics


class Attended(keras.layers.Layer):
    """Lets each step attend to all."""

    def __init__(self, attention):
        super().__init__()
        self.attention = attention

    def call(self, x):
        return self.attention(x, x)


WEIGHTS = ("a/kernel", "b/kernel", "c/kernel", "d/kernel")


HAVE, LACKS = np.full(4, 1e-3), np.array([0.0, 1e-3, 1e-3, 1e-3])


def sloped(slopes, **others):
    return flow(weights=WEIGHTS, slopes=slopes, **others)


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
    assert claim.level == "ok"
    assert re.findall(r"\d+ %|in b\)", claim.finding) == ["20 %", "50 %", "in b)"]
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


def test_through_depth_the_median_counts_and_the_last_measurement_says_how_far_the_first_layer_moves():
    explodes = flow(gradient=np.array([1e9, 1e4, 1.0, 1.0]), relative_update=np.full(4, 0.5))
    log = log_of(losses(), layer_flow=[*[flow()] * 7, explodes, flow(relative_update=np.full(4, 0.25))])
    claim = said("layer_flow", log, "exploding")
    assert claim.level == "ok"
    assert claim.finding.endswith(
        "; a factor of 1 for each of 3 hidden layers; the first moves by 25 % of its size in a step)."
    )


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


@pytest.mark.parametrize(
    "growth, end, level", [(80.0, 0.9, "act"), (40.0, 0.9, "watch"), (20.0, 0.9, "ok"), (80.0, 0.6, "ok")]
)
def test_a_start_whose_gradient_explodes_counts_as_long_as_the_loss_has_got_nowhere(growth, end, level):
    flows = [flow(gradient=np.array([first, 1.0, 1.0, 1.0])) for first in [growth] * 3 + [1.0] * 6]
    log = log_of(np.linspace(1.0, end, len(STEPS)), layer_flow=flows)
    assert said("layer_flow", log, "exploding").level == level


@pytest.mark.parametrize("signal, chance, level", [(9.0, 0.5, "act"), (9.0, 0.8, "watch"), (7.0, 0.5, "ok")])
def test_a_large_signal_at_the_start_counts_sooner_where_the_loss_stays_above_that_of_a_constant(signal, chance, level):
    log = log_of(np.linspace(2.0, 0.9, len(STEPS)), layer_flow=flow(signal=np.array([signal, 1.0, 1.0, 1.0])))
    log.chance = chance
    assert said("layer_flow", log, "bad_scale").level == level


@pytest.mark.parametrize("names, expected", [(("query", "key", "value", "out"), "ok"), (("a", "b", "c", "out"), "act")])
def test_queries_and_keys_tell_nothing_of_the_gradient_on_its_way_back(names, expected):
    depth = flow(
        names=(*names[:3], "dense", "dense_1", names[3]), gradient=np.array([1e-3, 1e-3, 8.0, 8.0, 1.0, 1.0]),
        weighted=(True,) * 6, is_output=(*[False] * 5, True), signal=np.ones(6), dead=np.full(6, np.nan),
        saturated=np.full(6, np.nan), relative_update=np.ones(6), units=(8,) * 6,
    )  # fmt: skip
    assert level("layer_flow", log_of(losses(), layer_flow=depth), "vanishing") == expected


def test_keras_calls_the_weighing_layers_of_an_attention_by_these_names():
    attention = keras.layers.MultiHeadAttention(2, 4)
    model = keras.Sequential([keras.Input((5, 8)), Attended(attention), keras.layers.Dense(1)])
    model.compile(loss="mse")
    seen = monitors.layer_flow(model, np.ones((2, 5, 8)), np.ones((2, 5, 1)))
    assert [seen.names[place] for place in seen.hidden] == ["value", "attention_output"]


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


@pytest.mark.parametrize(
    "share, signal, fallen, expected",
    [(0.75, 9.0, 0.2, "act"), (0.65, 9.0, 0.2, "ok"), (0.75, 7.0, 0.2, "ok"), (0.75, 9.0, 0.6, "ok")],
)
def test_a_layer_saturated_by_large_numbers_counts_from_fewer_units(share, signal, fallen, expected):
    seen = flow(signal=np.array([signal, 1.0, 1.0, 1.0]), saturated=np.array([0.0, share, 0.0, np.nan]))
    assert level("layer_flow", log_of(losses(fallen), layer_flow=seen), "saturated_units") == expected


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


def test_a_layer_whose_units_are_nearly_all_idle_counts_though_those_of_others_are_not():
    def idle(share):
        units = {kind: np.array([0.0, share, NAN, NAN]) for kind in ("dead", "saturated")}
        log = log_of(losses(), layer_flow=flow(units=(100, 4, 8, 8), **units))
        return [level("layer_flow", log, kind) for kind in ("dead_units", "saturated_units")]

    assert [idle(share) for share in (0.69, 0.71, 0.81, 0.91)] == [
        ["ok", "ok"], ["act", "ok"], ["act", "watch"], ["act", "act"],
    ]  # fmt: skip


def test_idle_units_do_not_matter_where_the_loss_is_low_and_matter_less_where_it_is_good():
    def idle(share, fallen):
        log = log_of(losses(fallen), layer_flow=flow(dead=np.array([share, share, NAN, NAN])))
        return level("layer_flow", log, "dead_units")

    assert [idle(0.5, fallen) for fallen in (0.4, 0.6, 0.91)] == ["act", "watch", "ok"]
    assert [idle(0.61, fallen) for fallen in (0.4, 0.6, 0.91)] == ["act", "act", "ok"]


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


@pytest.mark.parametrize("kind, growth", [("exploding", 90.0), ("vanishing", 1 / 90)])
def test_a_gradient_that_grows_or_shrinks_where_the_loss_is_good_is_worth_watching(kind, growth):
    changes = flow(gradient=np.array([growth, np.sqrt(growth), 1.0, 1.0]))
    for values, expected in ((losses(0.9), "watch"), (losses(), "act")):
        assert level("layer_flow", log_of(values, layer_flow=changes), kind) == expected


def test_hidden_layers_from_the_first_to_the_last():
    one, two = flow(is_output=(False, True, True, True)), flow(is_output=(False, False, True, True))
    assert np.isnan(one.total)
    assert flow(is_output=(False, False, True, True), gradient=np.array([3.0, 2.0, 7.0, 7.0])).total == 1.5
    assert np.isnan(flow(gradient=np.array([1.0, 1.0, 0.0, 1.0])).total)
    assert np.isnan([two.forward_factor, two.backward_factor]).all()
    doubled = flow(signal=np.array([1.0, 2.0, 4.0, 9.0]), gradient=np.array([4.0, 2.0, 1.0, 9.0]))
    assert (doubled.forward_factor, doubled.backward_factor) == pytest.approx((2, 2))

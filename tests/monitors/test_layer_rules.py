"""What is said of layers and their units: each limit on its two sides."""

import keras
import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.monitors._batch_statistics import BatchStatistics
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.flow import scale_of_start
from keras_ch8.verdicts.fact import Fact
from tests.monitors.logs import NAN, check, flow, level, log_of, losses, remarks, said, statistics


class Attended(keras.layers.Layer):
    """Lets each step attend to all."""

    def __init__(self, attention):
        super().__init__()
        self.attention = attention

    def call(self, x):
        return self.attention(x, x)


def first(size):
    """Return a number of the first layer, where the others have a 1."""
    return np.array([size, 1.0, 1.0, 1.0])


def level_of(kind, flows, values):
    return level("layer_flow", log_of(values, layer_flow=flows), kind)


def test_the_signal_is_drawn_until_a_layer_is_nan_and_not_as_that_of_the_input_alone():
    (monitor,) = chosen(["layer_flow"])

    def drawn(signal):
        numbers = monitor.numbers(log_of(losses(), layer_flow=flow(input_signal=4.8, signal=signal)))
        return numbers.get("largest_signal")

    assert drawn(first(9.0)) == 9.0
    assert drawn(first(NAN)) is None


@pytest.mark.parametrize("share, fallen, expected", [
    (0.399, 0.2, "ok"), (0.401, 0.2, "act"),
    (0.499, 0.499, "act"), (0.499, 0.501, "ok"), (0.501, 0.501, "act"),  # where the loss is good, the rest is enough
])  # fmt: skip
def test_dead_units_count_less_the_better_the_loss(share, fallen, expected):
    assert level_of("dead_units", flow(dead=np.array([share, share, NAN, NAN])), losses(fallen)) == expected


@pytest.mark.parametrize("left, expected", [(0.401, "act"), (0.399, "ok")])
def test_dead_units_do_not_count_where_penalties_have_shrunk_the_weights(left, expected):
    readings = [GradientNorm(1.0, size, v, 0.01) for size, v in zip([1.0, *[left] * 8], losses(), strict=True)]
    log = log_of(losses(), gradient_norm=readings, layer_flow=flow(dead=np.array([0.5, NAN, NAN, NAN])))
    assert level("layer_flow", log, "dead_units") == expected


@pytest.mark.parametrize("shares, fallen, expected", [
    ((0.699, 0.699), 0.2, "ok"), ((0.701, 0.701), 0.899, "act"), ((0.701, 0.701), 0.901, "ok"),
    ((0.0, 0.699), 0.2, "ok"), ((0.0, 0.701), 0.2, "act"), ((0.0, 0.701), 0.499, "act"), ((0.0, 0.701), 0.501, "ok"),
])  # fmt: skip
def test_saturated_units_count_together_and_most_of_a_layer_by_themselves(shares, fallen, expected):
    assert level_of("saturated_units", flow(saturated=np.array([*shares, NAN, NAN])), losses(fallen)) == expected


@pytest.mark.parametrize("kind, growth, fallen, recent, expected", [
    ("exploding", 49.9, 0.2, 0.0, "ok"), ("exploding", 50.1, 0.2, 0.0, "act"),
    ("exploding", 50.1, 0.4, 0.199, "act"), ("exploding", 50.1, 0.4, 0.201, "ok"),  # the loss falls fast
    ("vanishing", 0.051, 0.2, 0.0, "ok"), ("vanishing", 0.049, 0.2, 0.0, "act"), ("vanishing", 0.0, 0.2, 0.0, None),
    ("vanishing", 1e-9, 0.499, 0.049, "act"), ("vanishing", 1e-9, 0.499, 0.051, "ok"),  # the loss is still falling
    ("vanishing", 1e-9, 0.501, 0.0, "ok"),
])  # fmt: skip
def test_the_gradient_through_depth(kind, growth, fallen, recent, expected):
    gradient = np.array([growth, np.sqrt(growth), 1.0, 1.0])
    assert level_of(kind, flow(gradient=gradient), losses(fallen, recent)) == expected


@pytest.mark.parametrize("growth, fallen, expected", [
    (49.9, 0.1, "ok"), (50.1, 0.1, "act"), (50.1, 0.199, "act"), (50.1, 0.201, "ok"),
])  # fmt: skip
def test_a_start_whose_gradient_explodes_counts_as_long_as_the_loss_has_got_nowhere(growth, fallen, expected):
    flows = [flow(gradient=first(size)) for size in [growth] * 3 + [1.0] * 6]
    assert level_of("exploding", flows, losses(fallen)) == expected


@pytest.mark.parametrize("at_input", [False, True])
def test_the_scale_of_the_start(at_input):
    def scale(size):
        return level_of(
            "bad_scale", flow(**({"input_signal": size} if at_input else {"signal": first(size)})), losses()
        )

    check([(1e-9, "ok"), (9.9, "ok"), (10.0, "act")], scale)


@pytest.mark.parametrize(
    "start, now, chance, has, expected",
    [
        (1.0, 100.0, 1.0, (), "act"),
        (1.0, 99.0, 1.0, (), "ok"),
        (0.01, 9.9, 1.0, (), "ok"),  # they gave next to nothing, and give what others can work with
        (0.01, 10.0, 1.0, (), "act"),
        (1.0, 100.0, 1.03, (), "act"),
        (1.0, 100.0, 1.04, (), "ok"),  # the model knows more than a constant does
        (1.0, 100.0, NAN, (), "ok"),
        (1.0, 100.0, 1.0, (Fact.LARGE_TARGETS,), "ok"),  # outputs have to grow towards targets far away
    ],
)
def test_layers_that_give_a_hundred_times_what_they_gave_were_thrown_there_by_steps_that_are_too_long(
    start, now, chance, has, expected
):
    flows = [flow(before=np.full(4, start)), *[flow(signal=first(now))] * 8]
    log = log_of(losses(0.0), layer_flow=flows)
    log.chance, log.has = chance, frozenset(has)
    assert level("layer_flow", log, "step_too_long") == expected


def test_each_layer_of_idle_units_counts_by_its_units_and_the_worst_is_named():
    log = log_of(losses(), layer_flow=flow(dead=np.array([0.1, 0.5, NAN, NAN]), units=(30, 10, 8, 8)))
    claim = said("layer_flow", log, "dead_units")
    assert claim.level == "ok"
    assert claim.why[0].startswith("20 % of the ReLUs")
    assert said("layer_flow", log, "saturated_units") is None


def test_two_hidden_layers_are_too_few_to_tell_of_depth():
    two = flow(is_output=(False, False, True, True), gradient=np.array([1e-9, 1.0, 1.0, 1.0]))
    assert level("layer_flow", log_of(losses(), layer_flow=two), "vanishing") is None


def test_through_depth_the_median_counts_and_the_reasons_say_what_each_layer_does_now():
    explodes = flow(gradient=np.array([1e9, 1e4, 1.0, 1.0]))
    log = log_of(losses(), layer_flow=[*[flow()] * 7, explodes, flow()])
    assert said("layer_flow", log, "exploding").level == "ok"
    log = log_of(losses(), layer_flow=[*[explodes] * 8, flow()])
    claim = said("layer_flow", log, "exploding")
    assert claim.level == "act"
    assert claim.finding.endswith(": the first hidden layer gets 1e9 times the gradient of the last (3 hidden layers).")
    assert claim.why[1] == "Each hidden layer now multiplies the gradient by 1 during backpropagation."


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
    seen = [statistics(2.0)] * 8 + [BatchStatistics(("a", "b"), np.array([9.0, 0.0]), np.zeros(2), 1, 1)]
    assert remarks("batch_statistics", log_of(losses(), batch_statistics=seen)) == {"batch_norm_gap": "worst: a"}
    idle = [flow(dead=np.array([0.1, 0.5, NAN, NAN]))] * 8
    idle += [flow(dead=np.array([0.5, 0.1, NAN, NAN]), saturated=np.array([NAN, NAN, 0.2, NAN]))]
    found = remarks("layer_flow", log_of(losses(), layer_flow=idle))
    assert (found["dead_units"], found["saturated_units"]) == ("worst: a", "worst: c")


def test_the_scale_is_said_with_its_layers_after_a_single_measurement():
    (claim,) = scale_of_start([flow(input_signal=20.0, signal=np.array([1, 0.5, 1, 1]))])
    assert claim.finding.endswith(": the largest RMS is 20 instead of about 1 (in the input).")
    log = log_of(losses(), layer_flow=flow(signal=np.array([1, 2, 1, 0.5])))
    assert remarks("layer_flow", log)["bad_scale"] == "in b"


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
    assert level_of("bad_scale", flow(signal=np.zeros(4), input_signal=0.0), losses()) is None


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


def test_a_matrix_whose_gradient_is_always_zero_has_none_whatever_decay_moves_it():
    def without(slopes):
        weights = [f"{number}/kernel" for number in range(len(slopes[0]))]
        return log_of(losses(), layer_flow=[flow(weights=weights, slopes=slope) for slope in slopes])

    have, lacks = np.full(4, 1e-3), np.array([0.0, 1e-3, 1e-3, 1e-3])
    one_of = {number: np.arange(number, dtype=float) for number in (500, 501)}
    for slopes, expected in (
        ([have] * 9, "ok"), ([lacks] * 9, "act"), ([*[lacks] * 8, have], "ok"), ([0 * have] * 9, None),
        ([one_of[500]] * 9, "act"), ([one_of[501]] * 9, "ok"),
    ):  # fmt: skip
        assert level("layer_flow", without(slopes), "no_gradient") == expected
    found = said("layer_flow", without([lacks] * 9), "no_gradient").finding
    assert "exactly 0 for 25 % of the trainable weight matrices (first: 0/kernel)" in found


def test_hidden_layers_from_the_first_to_the_last():
    one, two = flow(is_output=(False, True, True, True)), flow(is_output=(False, False, True, True))
    assert np.isnan(one.total)
    assert flow(is_output=(False, False, True, True), gradient=np.array([3.0, 2.0, 7.0, 7.0])).total == 1.5
    assert np.isnan(flow(gradient=np.array([1.0, 1.0, 0.0, 1.0])).total)
    assert np.isnan(two.backward_factor)
    doubled = flow(signal=np.array([1.0, 2.0, 4.0, 9.0]), gradient=np.array([4.0, 2.0, 1.0, 9.0]))
    assert doubled.backward_factor == pytest.approx(2)


@pytest.mark.parametrize(
    "has, rate, at_input, expected",
    [
        (set(), 3.0, 1.0, "act"),
        ({Fact.BUILT_BY_THE_FIRST_BATCH}, 3.0, 1.0, "ok"),
        ({Fact.BUILT_BY_THE_FIRST_BATCH}, 3.0, 100.0, "act"),
        ({Fact.BUILT_BY_THE_FIRST_BATCH}, 1.0, 1.0, "act"),
        ({Fact.BUILT_BY_THE_FIRST_BATCH, Fact.STEPS_OF_THE_RATE}, 1.0, 1.0, "ok"),
    ],
)
def test_what_a_long_first_step_may_have_made_is_not_of_the_start(has, rate, at_input, expected):
    """No measurement comes before the first step of a model that its batch builds."""
    large = flow(signal=np.full(4, 50.0), input_signal=at_input)
    log = log_of(losses(), layer_flow=large)
    log.has = frozenset(has)
    log.see(rate)
    assert level("layer_flow", log, "bad_scale") == expected

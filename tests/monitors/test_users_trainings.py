"""What trainings of users showed, groups 14 and 15: pasts on which a rule was wrong or silent, and neighbours."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.monitors._batch_statistics import BatchStatistics
from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors.measurement_log import Rows
from keras_ch8.monitors.progress import GOOD, progress_measured
from keras_ch8.verdicts import causes
from tests.monitors.test_certain_causes import claim_of
from tests.monitors.test_claims import AT_REST, log_of
from tests.monitors.test_duration import log_of as of_epochs
from tests.monitors.test_levels import cliffs, flow, level, losses, said, with_steps


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


class Attended(keras.layers.Layer):
    """Lets each step attend to all."""

    def __init__(self, attention):
        super().__init__()
        self.attention = attention

    def call(self, x):
        return self.attention(x, x)


def spiked(sizes):
    """Return what is said of steps with these lengths over the best, and of ten gradients that stand out."""
    values = np.array([1.0, *[0.9, 1.1] * 4])
    steps = [StepLength(v, v, -0.01, 0.01 * size, 0.01) for v, size in zip(values, sizes, strict=True)]
    log = log_of(values, step_length=steps, spectrum={"largest": 5e3, "smallest": 1.0})
    norms = np.ones(300)
    norms[50:250:20] = 40.0
    log.rows, log.total = Rows(), 900
    log.add_rows(Rows(np.arange(1, 301), norms, np.ones(300)))
    return [level(*asked) for asked in (("step_length", log, "step_too_long"), ("cliff", log, "cliff"))]


def test_gradients_stand_out_of_steps_that_are_too_long_everywhere_though_the_curvature_changes_its_sign():
    assert spiked([3.0, -3.0] * 4 + [0.2]) == ["act", "act"]  # the middle of the lengths with their signs is 0.2
    assert spiked([0.2, -0.2] * 4 + [0.2]) == ["ok", "act"]
    assert causes.explained_by("cliff", ["step_too_long", "cliff"]) == "step_too_long"


@pytest.mark.parametrize(
    "values, is_good",
    [
        ([0.5, 0.0, -0.7, -1.3, -1.3, -1.2, 0.2, 0.1, 0.3], False),  # 40 % below its start, and most was lost again
        ([0.5, 0.0, -0.7, -1.0, -1.2, -1.2, -1.3, -1.2, -1.3], True),
        ([-1.0, -1.1, -1.2, -1.2, -1.2, -1.2, -1.2, -1.2, -1.2], False),  # kept whole, but it is little
        ([1.0, 0.2, 0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 0.3], True),  # never below 0
    ],
)
def test_a_loss_that_goes_below_0_is_good_by_what_it_has_kept_of_its_fall(values, is_good):
    assert GOOD.holds(progress_measured(with_steps(np.array(values)))) == is_good


@pytest.mark.parametrize("recent, expected", [(0.04, "act"), (0.1, "act"), (0.25, "watch")])
def test_steps_are_too_short_for_a_loss_that_has_hardly_moved_though_it_begins_to(recent, expected):
    log = with_steps(np.array([1.0, *[0.999] * 5, *[0.999 * (1 - recent)] * 3]), ratio=2e-3, pace=1e-4)
    log.total, log.chance = 900, 0.8
    assert level("step_length", log, "step_too_short") == expected


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
    "batches, gap, of_epoch, expected",
    [
        (0.1, 0.5, 500, "act"),
        (0.25, 0.5, 500, "watch"),
        (0.45, 0.5, 500, "ok"),  # the probe is about as well off as other new examples
        (0.1, 0.1, 500, "ok"),  # the statistics agree
        (0.1, 0.5, 50, "ok"),  # the minibatches have been seen before: they may be known by heart
    ],
)
def test_minibatches_that_are_learned_before_they_were_seen_and_a_probe_that_is_not_differ(
    batches, gap, of_epoch, expected
):
    one = np.array([gap])
    seen = BatchStatistics(("norm",), one, one, np.zeros(1), training_loss=0.7, inference_loss=0.7)
    log = log_of(AT_REST, batch_statistics=seen)
    log.rows, log.total = Rows(), 900
    log.add_rows(Rows(np.arange(1, 901), np.ones(900), np.full(900, batches)))
    log.add_epoch({"loss": batches}, np.full(of_epoch, batches))
    assert claim_of("batch_statistics", log, "batch_norm_gap").level == expected


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


# --- group 15 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first, chance, expected", [(25.0, 1.0, "act"), (7.1, 1.0, "act"), (6.9, 1.0, "ok"), (25.0, 1.3, "ok")]
)
def test_a_first_step_that_throws_the_weights_where_nothing_is_learned_is_too_long(first, chance, expected):
    log = with_steps(np.array([1.0] * 9), step=0.3)
    log.chance = chance
    log.rows = Rows()
    log.add_rows(Rows(np.arange(1, 31), np.ones(30), np.array([1.0, first, *[1.0] * 28])))
    assert level("step_length", log, "step_too_long") == expected


@pytest.mark.parametrize(
    "neighbours, recent, expected", [(0.1, 0.0, "act"), (0.3, 0.0, "ok"), (0.1, 0.1, "ok"), (np.nan, 0.0, "ok")]
)
def test_spikes_hold_a_loss_up_that_is_good_but_far_above_what_the_nearest_examples_predict(
    neighbours, recent, expected
):
    norms = np.ones(200)
    norms[50:150:20] = 40.0
    log = cliffs(norms, fallen=0.6, recent=recent)
    log.neighbours = neighbours
    assert level("cliff", log, "cliff") == expected


@pytest.mark.parametrize(
    "course, updates, expected",
    [
        (np.linspace(3.0, 2.87, 6), 192, "act"),  # evenly, and hardly any of it yet
        (np.linspace(3.0, 2.95, 6), 192, "ok"),  # too little to be certain
        (2.87 + 0.13 * 0.3 ** np.arange(6), 192, "ok"),  # it comes to rest
        (np.linspace(3.0, 2.87, 6), 400, "ok"),  # there was time
    ],
)
def test_a_training_ends_too_early_when_the_loss_has_only_begun_to_fall(course, updates, expected):
    log = of_epochs(course, total=updates, chance=2.96)
    assert level("duration", log, "too_short") == expected

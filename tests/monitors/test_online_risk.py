"""What is said of held-out losses beside those of the training: each limit on its two sides."""

import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.monitors import _online_risk
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.measurement_log import MeasurementLog
from tests.monitors.logs import (
    INF,
    LEARNING,
    check,
    epochs,
    level,
    said,
)


def risen(to, best=0.22, noise=0.0, training=0.001):
    """Return what is said of 60 epochs whose validation loss falls from 2.3, and rises again from the 20th on."""
    held_out = np.array([*np.geomspace(2.3, best, 20), *np.linspace(best, to, 41)[1:]])
    held_out[20:] += noise * np.array([1, -1] * 20)
    log = epochs(np.geomspace(2.3, training, 60), held_out)
    return level("online_risk", log, "overfitting")


def test_overfitting_by_the_rise_since_the_best():
    def rises(share):
        log = epochs(LEARNING, [0.9, 0.7, 0.5, *[0.5 + 0.4 * share] * 7])
        return level("online_risk", log, "overfitting")

    check([(0.099, "ok"), (0.101, "watch"), (0.149, "watch"), (0.151, "act")], rises)


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


@pytest.mark.parametrize(
    "training, validation, level",
    [
        (0.01, 0.95, "act"),
        (0.05, 0.95, "watch"),
        (0.2, 0.95, "ok"),
        (0.01, 0.2, "ok"),  # most of the loss is gone on new examples, too
    ],
)
def test_a_model_that_knows_its_examples_and_no_others_overfits_though_the_held_out_loss_never_rose(
    training, validation, level
):
    log = MeasurementLog(total=100)
    log.chance = 1.0
    for known, new in zip(np.geomspace(0.9, training, 6), np.linspace(1.2, validation, 6), strict=True):
        log.add_epoch({"loss": known, "val_loss": new}, np.full(10, known))
    (claim,) = _online_risk.OnlineRiskMonitor().claims(log)
    assert claim.level == level


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"to": 0.275}, "watch"),  # by a quarter of its best, a fortieth of its fall
        ({"to": 0.245}, "ok"),  # by a tenth
        ({"to": 0.47}, "act"),  # it has doubled
        ({"to": 0.275, "noise": 0.005}, "watch"),
        ({"to": 0.275, "noise": 0.01}, "ok"),  # it goes up and down by a third of that
        ({"to": 0.075, "best": 0.06}, "ok"),  # it was next to nothing
        ({"to": 0.275, "training": 2.2}, "ok"),  # nothing is learned
    ],
)
def test_a_held_out_loss_that_rises_far_above_its_best_is_overfitting_however_far_it_had_fallen(change, expected):
    """The training loss stays at 2 % of it, so that it is not the rule of what is known by heart that speaks."""
    assert risen(**{"training": 0.03} | change) == expected


def test_losses_that_have_overflowed_are_judged_without_a_warning():
    passes = [np.array([1.0, np.inf, np.inf, np.inf]), np.array([np.inf, np.nan])]
    found = monitors.online_risk(passes)
    assert (found.first, np.isnan(found.last)) == (np.inf, True)


def test_validation_is_best_of_the_last_three_epochs_and_begins_where_the_probe_did():
    rising = [0.9, 0.7, *[0.5] * 2, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]
    assert level("online_risk", epochs(LEARNING, rising), "overfitting") == "act"
    assert level("online_risk", epochs(LEARNING, [*rising[:7], 0.5, 0.7, 0.7]), "overfitting") == "ok"
    assert level("online_risk", epochs(LEARNING, [*rising[:6], 0.5, *rising[7:]]), "overfitting") == "act"
    log = epochs(LEARNING, rising)
    log.add(1, {"gradient_norm": GradientNorm(1.0, 1.0, 2.0)})
    assert level("online_risk", log, "overfitting") == "watch"  # 0.2 of 1.5, not of 0.4


def test_what_is_learned_by_heart_where_the_loss_is_0_or_below_or_validation_is_rare():
    flat = [0.9, 0.7, 0.5, *[0.501] * 7]
    assert level("online_risk", epochs([1, 0, 0, *[-1.0] * 7], flat), "overfitting") == "ok"
    assert level("online_risk", epochs([1, -0.5, -1.0, *[-1.6] * 7], flat), "overfitting") == "watch"
    heart = [1.2, 1.1, 1.0, *np.linspace(1, 0.4, 7)]
    assert level("online_risk", epochs([2, 2, 1, *[0.5] * 7], flat), "overfitting") == "ok"  # by a half, not more
    assert level("online_risk", epochs(heart, [-1, -1.2, -1.5, *[-1.49] * 7]), "overfitting") == "watch"
    assert level("online_risk", epochs(heart, [10, 5, 1, *[1.01] * 7]), "overfitting") == "ok"  # low, by nine tenths
    rare = [0.9, None, 0.5, None, 0.501, None, 0.501, None, 0.501, None]
    assert level("online_risk", epochs([1.2, 1.1, 1.0, *np.linspace(1, 0.3, 7)], rare), "overfitting") == "watch"


def test_parts_of_a_held_out_loss_that_begins_at_0_or_falls_to_it():
    def measured(training, validation):
        found = chosen(["online_risk"])[0].measure(epochs(training, validation))
        return found["held_out_rise"], found["held_out_fallen"], found["learned_lately"]

    assert measured([1, 0, -1], [0, 0, 0]) == (0.0, INF, INF)
    assert measured([1, 0, 0], [0, 0, 1, 1, 1][:3]) == (0.0, INF, 0.0)
    assert measured([1, 1, 0, 0.5], [0, 1, 1, 1]) == (INF, INF, -INF)
    assert measured([4, 2, 1], [4, 1, 1])[1:] == (0.75, 0.5)
    assert measured([4, 2, 1], [1, 0, 0])[1] == measured([4, 2, 1], [1, -1, 0])[1] == INF
    assert level("online_risk", epochs(np.geomspace(1, 0.1, 10), [0.0] * 10), "overfitting") == "ok"


@pytest.mark.parametrize(
    "training, expected",
    [
        (LEARNING, "act"),
        ([1.0] * 4 + [0.8] * 6, "ok"),  # it has learned nothing in the second half
        ([0.5, *[1.0] * 5, *[0.8] * 4], "ok"),  # it is above where it began
        ([*[1.0] * 3, *[1.3] * 3, *[1.0] * 4], "ok"),  # it is where it began
        ([1.0, *[1.5] * 5, *[0.9] * 3, 1.2], "ok"),
        ([11, *[10] * 5, *[9] * 4], "ok"),  # a tenth
        ([11, *[10] * 5, *[8.9] * 4], "act"),
        (np.linspace(-1, -1.3, 10), "act"),
        (np.linspace(-1, -1.1, 10), "ok"),  # less than a tenth
    ],
)
def test_only_a_training_that_learns_overfits(training, expected):
    assert level("online_risk", epochs(training, [0.9, 0.7, 0.5, *[0.7] * 7]), "overfitting") == expected


def test_a_rise_of_a_validation_loss_below_0_is_compared_with_a_tenth_of_its_size():
    assert level("online_risk", epochs(LEARNING, [-1.0, -1.001, *[-0.997] * 8]), "overfitting") == "ok"
    assert level("online_risk", epochs(LEARNING, [-1.0, -1.001, *[-0.988] * 8]), "overfitting") == "watch"


def test_the_end_of_a_short_pass():
    assert monitors.online_risk([np.array([1.0, 2.0, 3.0, 4.0, 8.0])]).first == 8
    assert monitors.online_risk([np.arange(8.0)]).first == 6.5


def test_what_the_digits_do_not_tell_apart_is_no_rise():
    risk, length = chosen(["online_risk", "duration"])
    assert "`val_loss` is near its best, 38.7" in risk.remarks(epochs([1.0] * 3, [38.71, 38.71, 38.74]))["overfitting"]
    assert length.remarks(epochs([2.0] * 12, [2.0] * 12))["too_short"] == "it stayed near 2"


def test_the_risk_is_the_mean_of_the_last_quarter_of_a_pass():
    passes = np.random.default_rng(5).normal(size=(3, 40))
    found = monitors.online_risk(list(passes))
    assert found.first == pytest.approx(passes[0, 30:].mean())
    assert found.last == pytest.approx(passes[2, 30:].mean())
    assert found.passes == 3


def test_one_minibatch_is_a_pass_and_no_pass_has_no_risk():
    found = monitors.online_risk([np.array([2.0])])
    assert (found.first, found.last, found.passes) == (2.0, 2.0, 1)
    with pytest.raises(ValueError, match=r"Received: losses=\[\]\. Give at least one array"):
        monitors.online_risk([])

"""What is said of held-out losses beside those of the training: each limit on its two sides."""

import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.monitors import _online_risk
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors.measurement_log import MeasurementLog
from tests.monitors.logs import LEARNING, check, epochs, level, said


def risen(to, best=0.22, noise=0.0, training=0.001):
    """Return what is said of 60 epochs whose validation loss falls from 2.3, and rises again from the 20th on."""
    held_out = np.array([*np.geomspace(2.3, best, 20), *np.linspace(best, to, 41)[1:]])
    held_out[20:] += noise * np.array([1, -1] * 20)
    log = epochs(np.geomspace(2.3, training, 60), held_out)
    return level("online_risk", log, "overfitting")


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


@pytest.mark.parametrize("held_out, expected", [(0.4, "act"), (0.2, "watch")])
def test_what_is_known_by_heart_is_overfitting_where_a_quarter_of_the_held_out_loss_is_left(held_out, expected):
    course = np.geomspace(1.0, 0.002, 10)
    log = epochs(course, np.maximum(course, held_out))
    assert level("online_risk", log, "overfitting") == expected


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

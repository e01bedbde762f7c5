"""What is said of held-out losses beside those of the training: each limit on its two sides."""

import numpy as np
import pytest

from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors.base import chosen
from tests.monitors.logs import INF, LEARNING, NAN, check, epochs, level, measured, said


def overfitting(training, validation, chance=NAN):
    log = epochs(training, validation)
    log.chance = chance
    return level("online_risk", log, "overfitting")


def test_overfitting_by_the_rise_since_a_best_that_was_clearly_below_the_loss_of_a_constant():
    def rises(share, best=0.5, chance=NAN):
        return overfitting(LEARNING, [1.0, 0.95, best, *[best + share * (1 - best)] * 7], chance)

    check([(0.099, "ok"), (0.101, "act"), (0.2, 0.5, 0.516, "act"), (0.2, 0.5, 0.515, "ok"), (0.2, -0.5, "ok")],
          rises)  # fmt: skip


@pytest.mark.parametrize(
    "name, best, commonest, expected",
    [
        ("val_accuracy", 0.61, 0.5, "act"),  # 0.1 is five standard errors of 625 examples
        ("val_accuracy", 0.57, 0.5, "ok"),
        ("val_accuracy", 0.61, NAN, "ok"),
        ("val_top_5_accuracy", 0.9, 0.5, "ok"),
    ],
)
def test_a_model_overfits_though_its_loss_never_was_below_that_of_a_constant_where_its_accuracy_was(
    name, best, commonest, expected
):
    log = epochs(LEARNING, np.linspace(0.72, 1.0, 10))
    log.chance, log.chance_of_validation, log.validated, log.commonest_of_validation = 0.69, 0.69, 625, commonest
    log.epochs = [logs | {name: best} for logs in log.epochs]
    log.total = log.step = 200
    assert level("online_risk", log, "overfitting") == expected
    assert level("nothing_learned", log, "learns_nothing") in ({"act": "ok", "ok": "act"}[expected], None)


def test_without_validation_the_probe_is_held_out_and_three_epochs_are_needed():
    log = epochs(LEARNING, [None] * 10)
    assert said("online_risk", log, "overfitting") is None
    for step, loss in enumerate([0.9, 0.7, 0.5, *[0.7] * 3], 1):
        log.add(step, {"gradient_norm": GradientNorm(1.0, 1.0, loss)})
    claim = said("online_risk", log, "overfitting")
    assert (claim.level, claim.proven, "(probe loss 0.7, at best 0.5)" in claim.finding) == ("act", False, True)
    assert overfitting([1, 0.9], [1, 1]) is None
    assert overfitting([1, 0.9, 0.8], [1, 1, 1]) == "ok"


def test_validation_is_best_of_the_last_three_epochs_and_begins_where_the_probe_did():
    rising = [0.9, 0.7, *[0.5] * 2, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]
    assert overfitting(LEARNING, rising) == "act"
    assert overfitting(LEARNING, [*rising[:7], 0.5, 0.7, 0.7]) == "ok"
    assert overfitting(LEARNING, [*rising[:6], 0.5, *rising[7:]]) == "act"
    log = epochs(LEARNING, rising)
    log.add(1, {"gradient_norm": GradientNorm(1.0, 1.0, 2.6)})
    assert level("online_risk", log, "overfitting") == "ok"  # 0.2 of 2.1, not of 0.4


@pytest.mark.parametrize(
    "validation, rise",
    [
        ([4, 1, 1], 0.0),
        ([0.5, 0.499, *[0.503] * 3], 0.08),  # after a fall of next to nothing it is compared with a tenth of the start
        ([-1.0, -1.001, *[-0.988] * 3], 0.13),
        ([0, 0, 0], 0.0),
        ([0, 1, 1, 1], INF),
    ],
)
def test_a_rise_is_a_part_of_the_fall_before_it(validation, rise):
    log = epochs(np.ones(len(validation)), validation)
    assert measured("online_risk", log)["held_out_rise"] == pytest.approx(rise)


def test_by_what_the_training_loss_has_risen_too_the_loss_itself_has_changed():
    annealed = [3.0, 2.0, 1.0, 2.0, 3.0, 3.0, 3.0]
    assert overfitting(annealed, annealed) == "ok"
    assert overfitting(annealed, [*annealed[:4], 3.3, 3.3, 3.3]) == "act"
    assert overfitting([3.0, 2.0, 1.0, 1.1, 1.2, 1.2, 1.2], annealed) == "act"


def test_what_the_digits_do_not_tell_apart_is_no_rise():
    (risk,) = chosen(["online_risk"])
    found = [risk.remarks(epochs([1.0] * 3, [38.71, 38.71, last]))["overfitting"] for last in (38.74, 38.76)]
    assert found == ["`val_loss` 38.7, its best", "`val_loss` 38.8, at best 38.7"]

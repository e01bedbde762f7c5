"""Trainings that end too early, that go on for nothing, and that oscillate at one level; each limit on both sides."""

import numpy as np
import pytest

from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows
from keras_ch8.verdicts.verdict import VerdictTracker
from tests.monitors import logs


def log_of(validation, training=None, *, total=100, done=None, chance=1.0, of_update=1):
    """Return the log of a training whose epochs have reported these losses."""
    log = MeasurementLog(total=total)
    log.step, log.chance, log.of_update = total if done is None else done, chance, of_update
    for i, loss in enumerate(validation):
        held_out = {} if training is None else {"val_loss": loss}
        log.add_epoch({"loss": loss if training is None else training[i]} | held_out)
    return log


def claim_of(log, kind):
    return logs.said("duration", log, kind)


def too_short(thirds, left, *, epochs=10, best=-1, **more):
    """Return the level of a course through the ends of three thirds, of which a part of a constant's loss is left."""
    course = np.interp(np.linspace(0, 3, epochs), range(4), thirds)
    course[best] = course[-1] - 1e-9
    claim = claim_of(log_of(course, **{"chance": course[-1] / left} | more), "too_short")
    return claim and claim.level


@pytest.mark.parametrize(
    "change, level",
    [
        ({}, "act"),
        ({"epochs": 11, "best": 9}, "act"),
        ({"epochs": 10, "best": 8}, "ok"),  # it was lower before
        ({"done": 399}, "ok"),  # the last step may still bring it
        ({"total": 0, "done": 100}, None),  # where it ends is not known
        ({"training": np.ones(10)}, "act"),  # the validation loss is what counts
        ({"chance": np.nan, "fall": 0.141, "kept": 1.0}, "act"),  # it is compared with the first epoch
        ({"chance": np.nan}, "ok"),
        ({"fall": 0.1, "kept": 1.0}, "ok"),
        ({"fall": 0.12, "kept": 1.0}, "act"),
        ({"kept": 0.49}, "ok"),  # a pace that falls as it has fallen gains little
        ({"left": 0.299}, "ok"),  # it is of use already
        ({"total": 401}, "ok"),  # there was time
        ({"total": 801, "of_update": 2}, "act"),  # each update adds up two batches
        ({"total": 802, "of_update": 2}, "ok"),
    ],
)
def test_a_training_ends_too_early_when_its_loss_falls_by_much_of_what_is_left(change, level):
    """The logarithm of the loss falls in each third by this part of what it did in the one before."""

    def midst(fall=0.3, kept=0.5, left=0.301, total=400, **more):
        falls = np.cumsum([0, 1 / kept**2, 1 / kept, 1]) * -np.log(1 - fall)
        return too_short(np.exp(-falls), left, total=total, **more)

    assert midst(**change) == level


@pytest.mark.parametrize("over, updates, fall, level", [(3.1, 399, 0.06, "act"), (2.9, 399, 0.06, "ok"),
    (3.1, 401, 0.06, "ok"), (3.1, 399, 0.04, "ok")])  # fmt: skip
def test_a_loss_that_still_falls_far_above_what_the_nearest_neighbors_have_ends_too_early(over, updates, fall, level):
    log = log_of(np.geomspace(1, (1 - fall) ** 3, 10), total=updates, chance=1.0)
    now = log.epochs[-1]["loss"]
    for step in range(1, 10):
        log.add(step, {"gradient_norm": GradientNorm(1.0, 1.0, now)})
    log.step, log.chance, log.neighbours = updates, 1.4, now / over
    assert claim_of(log, "too_short").level == level


@pytest.mark.parametrize("over, of_chance, fall, level", [(3.1, 0.72, 0.025, "act"), (2.9, 0.72, 0.025, "ok"),
    (3.1, 0.68, 0.025, "ok"), (3.1, 0.72, 0.018, "ok"), (3.1, np.nan, 0.06, "ok")])  # fmt: skip
def test_a_loss_near_that_of_a_constant_that_still_falls_ends_too_early_after_any_updates(over, of_chance, fall, level):
    log = log_of(np.geomspace(1, (1 - fall) ** 3, 10), total=5000, chance=1.0)
    now = log.epochs[-1]["loss"]
    for step in range(1, 10):
        log.add(step, {"gradient_norm": GradientNorm(1.0, 1.0, now)})
    log.step, log.chance, log.neighbours = 5000, now / of_chance, now / over
    assert claim_of(log, "too_short").level == level


def test_a_training_of_few_updates_is_judged_when_it_ends_and_its_verdict_stands_at_once():
    losses = [1.0, 0.95, 0.88, 0.79, 0.7, 0.56]  # six epochs of two updates
    claims = [claim_of(log_of(losses[:n], total=12, done=2 * n, chance=1.1), "too_short") for n in (2, 3, 6)]
    assert claims[:2] == [None, None]
    tracker = VerdictTracker()
    (changed,) = tracker.update(12, claims[2:])
    assert (changed.level, changed.step) == ("act", 12)
    assert ": the loss fell by 26 % in the last third of training." in changed.finding


def test_the_end_of_a_training_has_the_last_word():
    """What would be too short at nine tenths of it is not told then."""
    course = np.geomspace(1.0, 0.4, 10)
    tracker = VerdictTracker()
    levels = []
    for epochs in (9, 10):
        log = log_of(course[:epochs], done=10 * epochs)
        tracker.update(log.step, [claim_of(log, "too_short")])
        levels += [verdict.level for verdict in tracker.verdicts]
    assert levels == ["act"]


@pytest.mark.parametrize("last", [0.9, 0.5, 0.1, 0.01])
def test_no_loss_is_said_to_fall_by_more_than_it_is(last):
    for course in (np.linspace(1.0, last, 12), np.geomspace(1.0, last, 12)):
        measured = logs.measured("duration", log_of(course))
        assert 0 < measured["fell_lately"] < 1
        assert 0 < measured["still_ahead"] < 1


def test_of_few_epochs_the_minibatches_are_the_course():
    log = log_of([0.9])
    assert claim_of(log, "too_short") is None
    log.add_rows(Rows(np.arange(1, 101), np.ones(100), np.linspace(1.0, 0.5, 100)))
    assert claim_of(log, "too_short").level == "act"


@pytest.mark.parametrize(
    "change, level",
    [
        ({}, "act"),
        ({"learned": 0.9}, "act"),  # whatever is learned by heart
        ({"best": 31}, "ok"),
        ({"risen": 0.0499}, "ok"),
        ({"learned": 0.0199}, "ok"),
        ({"left": 0.901}, "ok"),  # it is little better than a constant
        ({"done": 89}, "ok"),
    ],
)
def test_epochs_after_a_best_that_came_early_are_too_many(change, level):
    def long(best=30, risen=0.0501, learned=0.0201, left=0.899, done=90):
        def course(change):
            return np.interp(np.arange(101), [0, best, 100], [1, 0.5, 0.5 * (1 + change)])

        held_out = course(risen)
        return log_of(held_out, course(-learned), done=done, chance=held_out[-1] / left)

    assert claim_of(long(**change), "too_long").level == level


@pytest.mark.parametrize(
    "change, level",
    [
        ({"size": 0.119}, "ok"),
        ({"size": 0.121}, "act"),
        ({"ratio": 0.69}, "ok"),
        ({"ratio": 0.71}, "act"),
        ({"ratio": np.nan}, "ok"),  # the steps were not measured
        ({"slope": 0.0115}, "act"),
        ({"slope": 0.012}, "ok"),  # it gets on
        ({"height": 0.01}, "act"),  # however low it is
    ],
)
def test_a_loss_that_swings_at_one_level_by_steps_beyond_the_lowest_point_oscillates(change, level):
    def swings(size=0.2, ratio=0.9, slope=0.0, height=1.0):
        log = logs.log_of(logs.AT_REST, curvature=2 * ratio * 0.005)
        for epoch in range(16):
            log.add_epoch({"loss": height * (1 + size * (-1) ** epoch / 2 - slope * (epoch - 12))})
        return log

    claim = claim_of(swings(**change), "oscillation")
    assert (claim.level, claim.proven) == (level, False)

"""Trainings that end too early, that go on for nothing, and that swing at one level; each limit on its two sides."""

import numpy as np
import pytest

from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows
from keras_ch8.verdicts.verdict import VerdictTracker

NAN = float("nan")


def log_of(validation, training=None, *, total=100, done=None, chance=1.0):
    """Return the log of a training whose epochs have reported these losses."""
    log = MeasurementLog(total=total)
    log.step, log.chance = total if done is None else done, chance
    for i, loss in enumerate(validation):
        held_out = {} if training is None else {"val_loss": loss}
        log.add_epoch({"loss": loss if training is None else training[i]} | held_out, np.full(3, loss))
    return log


def claim_of(log, kind):
    (monitor,) = chosen(["duration"])
    return next((claim for claim in monitor.claims(log) if claim.kind == kind), None)


def ahead(fall, epochs=10):
    """Return losses that end at .6 and fall evenly, by this fraction in the last third."""
    return np.linspace(0.6 + 3 * (0.6 / (1 - fall) - 0.6), 0.6, epochs)


@pytest.mark.parametrize(
    "fall, updates, level",
    [
        (0.039, 49, "ok"),
        (0.041, 49, "watch"),
        (0.041, 50, "ok"),
        (0.079, 100, "ok"),
        (0.081, 100, "act"),
        (0.081, 299, "act"),
        (0.081, 599, "act"),
        (0.119, 600, "ok"),
        (0.121, 600, "watch"),
        (0.75, 600, "watch"),
    ],
)
def test_a_training_is_too_short_where_the_loss_still_falls_at_its_end(fall, updates, level):
    for kind in (log_of(ahead(fall), total=updates), log_of(ahead(fall), np.ones(10), total=updates)):
        claim = claim_of(kind, "too_short")
        assert (claim.level, claim.proven) == (level, True)


def test_a_training_of_few_updates_is_judged_when_it_ends_and_its_verdict_stands_at_once():
    losses = [0.674, 0.643, 0.603, 0.53]  # four epochs of two updates
    for epochs in (2, 3, 4):
        assert claim_of(log_of(losses[:epochs], total=8, done=2 * epochs), "too_short") is None or epochs == 4
    tracker = VerdictTracker()
    (changed,) = tracker.update(8, [claim_of(log_of(losses, total=8), "too_short")])
    assert (changed.level, changed.step) == ("act", 8)
    assert "from 0.674 to 0.53" in changed.finding


def test_the_end_of_a_training_has_the_last_word():
    course = [*np.geomspace(1.0, 0.12, 9), 0.04]  # within the last epoch it comes to next to nothing
    tracker = VerdictTracker()
    levels = []
    for epochs in (9, 10):
        log = log_of(course[:epochs], done=10 * epochs)
        tracker.update(log.step, [claim_of(log, "too_short")])
        levels += [verdict.level for verdict in tracker.verdicts]
    assert levels == ["act", "ok"]


@pytest.mark.parametrize("last", [0.9, 0.5, 0.1, 0.01])
def test_no_loss_is_said_to_fall_by_more_than_it_is(last):
    for course in (np.linspace(1.0, last, 12), np.geomspace(1.0, last, 12)):
        (monitor,) = chosen(["duration"])
        measured = monitor.measure(log_of(course))
        assert 0 < measured["fell_lately"] < 1
        assert 0 < measured["still_ahead"] < 1


@pytest.mark.parametrize(
    "change, level",
    [
        ({}, "act"),
        ({"done": 91}, "act"),
        ({"done": 89}, "ok"),  # it is not at its end
        ({"chance": 6.1}, "ok"),  # less than a tenth of the loss is left
        ({"chance": NAN}, "act"),  # of the first epoch more than half is left
        ({"total": 0, "done": 100}, None),  # where it ends is not known
    ],
)
def test_a_training_is_called_too_short_only_at_its_end_and_where_much_is_left(change, level):
    claim = claim_of(log_of(ahead(0.13), **change), "too_short")
    assert (claim and claim.level) == level


def test_a_pace_that_falls_as_it_has_fallen_gains_little():
    steady, slower = np.linspace(2.0, 1.0, 12), 1.0 + 0.5 ** np.arange(12)
    for losses, level in ((steady, "act"), (slower, "ok")):
        assert claim_of(log_of(0.8 * losses, total=350), "too_short").level == level


def test_a_loss_that_was_lower_before_is_not_too_short_of_epochs():
    assert claim_of(log_of([*ahead(0.13), 0.59, 0.6, 0.605]), "too_short").level == "ok"


def test_of_few_epochs_the_minibatches_are_the_course():
    log = log_of([0.9])
    assert claim_of(log, "too_short") is None
    losses = np.linspace(1.0, 0.6, 100)
    log.add_rows(Rows(np.arange(1, 101), np.ones(100), losses))
    assert claim_of(log, "too_short").level == "act"


def test_epochs_in_which_nothing_is_gained_are_too_many():
    def level(best, since=0.0, left=0.5):
        validation = np.full(21, left + 0.01)
        validation[:best] = np.linspace(1, left + 0.02, best)
        validation[best] = left
        training = np.full(21, 0.5)
        training[best + 1 :] = 0.5 * (1 - since)
        return claim_of(log_of(validation, training), "too_long").level

    assert [level(*given) for given in ((5,), (6,), (5, 0.019), (5, 0.021), (5, 0.0, 0.88), (5, 0.0, 0.9))] == [
        "act", "ok", "act", "ok", "act", "ok",
    ]  # fmt: skip


def test_a_loss_that_swings_from_epoch_to_epoch_at_one_level_oscillates():
    def level(size, height=0.8, slope=0.0):
        swings = height * (1 + size / 2 * np.array([1, -1] * 8)) - slope * np.arange(16)
        return claim_of(log_of(swings), "oscillation").level

    assert [level(size) for size in (0.099, 0.101, 0.19, 0.21)] == ["ok", "watch", "watch", "act"]
    assert level(0.5, height=0.15) == "ok"  # it is low
    assert level(0.26, slope=0.04) == "ok"  # it gets on

"""Trainings that end too early, that go on for nothing, and that swing at one level; each limit on its two sides."""

import numpy as np
import pytest

from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows
from keras_ch8.verdicts.verdict import VerdictTracker
from tests.monitors import logs


def log_of(validation, training=None, *, total=100, done=None, chance=1.0):
    """Return the log of a training whose epochs have reported these losses."""
    log = MeasurementLog(total=total)
    log.step, log.chance = total if done is None else done, chance
    for i, loss in enumerate(validation):
        held_out = {} if training is None else {"val_loss": loss}
        log.add_epoch({"loss": loss if training is None else training[i]} | held_out, np.full(3, loss))
    return log


def claim_of(log, kind):
    return logs.said("duration", log, kind)


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
        ({"chance": np.nan}, "act"),  # of the first epoch more than half is left
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


def test_a_loss_that_was_lower_before_is_not_too_short_log_of():
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


@pytest.mark.parametrize(
    "last, updates, level", [(0.06, 300, "act"), (0.04, 300, "ok"), (0.06, 500, "ok"), (0.15, 300, "act")]
)
def test_few_epochs_that_end_in_the_midst_of_a_fall_are_too_few_though_most_of_the_loss_is_gone(last, updates, level):
    log = MeasurementLog(total=updates)
    log.step, log.chance = updates, 1.0
    for loss in last * 1.25 ** np.arange(6, -1, -1):
        log.add_epoch({"loss": loss}, np.full(3, loss))
    assert claim_of(log, "too_short").level == level


@pytest.mark.parametrize(
    "ratio, noise, level", [(0.9, 0.1, "act"), (0.6, 0.1, "watch"), (0.3, 0.1, "watch"), (0.9, 2.0, "watch")]
)
def test_a_swing_that_the_curvature_along_the_steps_explains_calls_for_action_sooner(ratio, noise, level):
    noisy = GradientNoise(trace=100.0 * noise, squared_norm=1.0)
    log = logs.log_of(logs.AT_REST, curvature=2 * ratio * 0.005, gradient_noise=noisy)
    log.chance = 1.0
    for loss in [0.5, 0.6] * 6:
        log.add_epoch({"loss": loss}, np.full(10, loss))
    assert claim_of(log, "oscillation").level == level


@pytest.mark.parametrize(
    "ratio, expected",
    [(0.009, "watch"), (0.011, "act"), (0.2, "act")],  # of less than a hundredth of the best, and more
)
def test_a_loss_that_falls_evenly_in_short_steps_may_want_longer_ones_as_well_as_more(ratio, expected):
    log = log_of(ahead(0.1), ahead(0.1), total=90)
    for step in (10, 40, 80):
        log.add(step, {"step_length": StepLength(1.0, 1.0, -0.01, 0.01 * ratio, 0.01)})
    log.step = 90
    assert claim_of(log, "too_short").level == expected


@pytest.mark.parametrize("ratio, expected", [(0.9, "act"), (1.1, "watch")])
def test_what_falls_in_steps_of_which_the_curvature_takes_back_half_may_be_a_swing(ratio, expected):
    course = np.array([1.0, 0.5, 0.36, 0.3, 0.25, 0.21, 0.18, 0.15])
    log = log_of(course, course, total=380)
    log.add(200, {"step_length": StepLength(1.0, 1.0, -0.01, 0.01 * ratio, 0.01)})
    log.step = 380
    assert claim_of(log, "too_short").level == expected


@pytest.mark.parametrize("updates, expected", [(49, "watch"), (51, "act")])
def test_of_a_loss_that_has_only_begun_to_fall_a_handful_of_updates_tells_little(updates, expected):
    course = np.linspace(1.0, 0.91, 10)
    log = log_of(course, course, total=updates)
    assert claim_of(log, "too_short").level == expected


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
    log = log_of(course, total=updates, chance=2.96)
    assert claim_of(log, "too_short").level == expected


@pytest.mark.parametrize("left, expected", [(0.1, "act"), (0.03, "ok")])
def test_a_low_loss_oscillates_too_where_the_curvature_explains_the_swings(left, expected):
    course = left * (1 + 0.3 * np.array([1.0, -1.0] * 8))
    log = log_of(course, course)
    steps = [StepLength(1.0, 1.0, -0.01, 0.02, 0.01)] * 5
    for step, reading in enumerate(steps):
        log.add(10 * (step + 1), {"step_length": reading, "gradient_noise": GradientNoise(1.0, 1.0)})
    log.batch_size = 32.0
    assert claim_of(log, "oscillation").level == expected


@pytest.mark.parametrize(
    "rise, learned, best, expected",
    [(0.2, 0.4, 3, "act"), (0.2, 0.95, 3, "act"), (0.021, 0.4, 3, "act"), (0.019, 0.4, 3, "ok"), (0.2, 0.4, 10, "ok")],
)
def test_epochs_after_the_best_are_too_many_whatever_is_learned_by_heart_in_them(rise, learned, best, expected):
    after = 20 - best
    held_out = [*np.linspace(0.9, 0.5, best), *np.linspace(0.5, 0.5 * (1 + rise), after)]
    training = [*np.linspace(0.9, 0.5, best), *np.geomspace(0.5, 0.5 * (1 - learned), after)]
    assert claim_of(log_of(held_out, training, total=400), "too_long").level == expected


@pytest.mark.parametrize("best, expected", [(6, "act"), (8, "ok")])
def test_a_held_out_loss_that_was_best_in_the_first_third_was_best_long_ago(best, expected):
    held_out = [*np.linspace(0.9, 0.5, best), *np.linspace(0.5, 0.6, 20 - best)]
    training = [*np.linspace(0.9, 0.5, best), *np.geomspace(0.5, 0.3, 20 - best)]
    assert claim_of(log_of(held_out, training, total=400), "too_long").level == expected


@pytest.mark.parametrize(
    "of_update, updates, left, level",
    [(2, 99, 0.51, "act"), (1, 99, 0.51, "ok"), (2, 100, 0.51, "ok"), (2, 99, 0.49, "ok")],
)
def test_a_training_whose_updates_are_few_since_each_adds_up_many_batches_is_too_short(of_update, updates, left, level):
    log = log_of(np.full(6, left), total=of_update * updates)
    log.of_update = of_update
    assert claim_of(log, "too_short").level == level

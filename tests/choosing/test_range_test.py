"""What is suggested for textbook curves, whatever the noise."""

import re

import numpy as np
import pytest

from keras_ch8.choosing._range_test import SIGNIFICANT, fall_of, fallback, suggest, without_batch_effects

RATES = np.geomspace(1e-7, 10, 100)


def textbook(rates, middle=2e-2, sharpness=4.0):
    """A plateau at 2.3, a fall around `middle`, and a rise where the training is lost."""
    t = np.log10(rates)
    return 0.3 + 2.0 / (1 + np.exp(sharpness * (t - np.log10(middle)))) + 0.3 * np.exp(4 * (t - np.log10(middle) - 1.9))


def steepest_of(**curve):
    fine = np.geomspace(1e-7, 10, 100_001)
    return fine[np.argmin(np.gradient(textbook(fine, **curve)))]


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("curve", [{}, {"middle": 1e-3, "sharpness": 2.0}, {"middle": 0.3, "sharpness": 8.0}])
def test_the_steepest_point_is_found_in_50_of_50_draws(curve):
    truth, noisy = steepest_of(**curve), []
    for seed in range(50):
        losses = textbook(RATES, **curve) + 0.02 * np.random.default_rng(seed).normal(size=100)
        kept = np.cumsum(losses > 4 * np.minimum.accumulate(losses)) == 0
        _, found, reason = suggest(RATES[kept], losses[kept])
        assert reason == ""
        noisy.append(found["steepest"].rate)
        assert truth / 3 < found["steepest"].rate < truth * 3
        assert found["steepest"].low <= found["steepest"].high < 10 * found["steepest"].low
        assert found["scaled minimum"].rate < found["valley"].rate * 10
    assert np.std(np.log10(noisy)) < 0.15


@pytest.mark.slow
def test_noise_alone_is_refused_and_a_small_fall_is_found():
    refused = found = 0
    for seed in range(200):
        noise = np.random.default_rng(seed).normal(size=100)
        refused += suggest(RATES, 2.3 + 0.1 * noise)[2].startswith("the loss never falls")
        found += suggest(RATES, textbook(RATES) + 0.2 * noise)[2] == ""
    assert refused >= 199
    assert found >= 199


@pytest.mark.parametrize("steps", [10, 30, 100])
def test_the_suggestion_does_not_depend_on_how_many_rates_there_are(steps):
    """Where the minimum falls as 1 / sqrt(steps a decade), as the best rate of a convex problem does."""
    found = []
    for count in (steps, 4 * steps):
        decades = np.linspace(-3, 0, count)
        loss = (decades + 1 + 0.5 * np.log10(count)) ** 2
        found.append(suggest(10**decades, loss)[1]["scaled minimum"].rate)
    assert found[1] == pytest.approx(found[0], rel=0.25)  # the minimum lies on one of the rates


@pytest.mark.slow
def test_the_advised_steps_tell_the_fall_that_is_named_from_noise_in_5_of_6_draws():
    rates, advised, shown = RATES[40:], 0, 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        reason = suggest(rates, textbook(rates) + 1.2 * rng.normal(size=60))[2]
        if advice := re.search(r"`steps=(\d+)` would tell a fall of (\S+) from noise", reason):
            more = np.geomspace(rates[0], rates[-1], int(advice[1]))
            named = float(advice[2]) / np.ptp(textbook(more)[more < 0.5]) * textbook(more)
            fall, error = fall_of(np.log10(more), named + 1.2 * rng.normal(size=len(more)))
            advised += 1
            shown += fall > SIGNIFICANT * error
    assert advised > 10
    assert shown >= 5 / 6 * advised


def test_a_loss_that_only_rises_is_refused():
    assert suggest(RATES, 1 + np.log10(RATES / 1e-7) ** 2)[2].startswith("the loss never falls")


def test_too_few_rates_are_refused():
    reason = suggest(RATES[:5], textbook(RATES[:5]))[2]
    assert reason == (
        "the training diverged after 5 rates: begin with a smaller one or take more steps; "
        "meanwhile try a rate of 1e-08"
    )
    assert fallback(RATES[:0], RATES[:0]) != fallback(RATES[:0], RATES[:0])


def test_a_refusal_names_a_rate_to_try_near_the_lowest_point_of_a_fall_that_noise_may_explain():
    rates, refused, near = RATES[40:], 0, 0
    for seed in range(100):
        losses = textbook(rates) + 1.2 * np.random.default_rng(seed).normal(size=60)
        reason = suggest(rates, losses)[2]
        if reason:
            refused += 1
            named = float(re.search(r"meanwhile try a rate of (\S+)$", reason)[1])
            assert named == pytest.approx(fallback(rates, losses), rel=0.05)
            near += 0.003 < named < 1.0
    assert refused > 10
    assert near >= 0.8 * refused


def test_where_the_loss_only_rises_the_rate_to_try_is_far_below_the_last():
    assert fallback(RATES, 1 + np.log10(RATES / 1e-7) ** 2) == pytest.approx(10 / 30)


def test_hard_and_easy_batches_are_evened_out():
    rng = np.random.default_rng(0)
    effect = np.exp(0.3 * rng.normal(size=100))
    losses = textbook(RATES) * effect
    even = without_batch_effects(RATES, losses, textbook(RATES[:1]) * effect)
    truth, before_the_rise = textbook(RATES) * effect.mean(), RATES < 0.5
    left, at_first = (np.abs(x - truth)[before_the_rise].mean() for x in (even, losses))
    assert left < 0.15 * at_first

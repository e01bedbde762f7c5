"""What is suggested for textbook curves, whatever the noise."""

import numpy as np
import pytest

from keras_ch8.choosing._numbers import suggest, without_batch_effects

RATES = np.geomspace(1e-7, 10, 100)


def textbook(rates, middle=2e-2, sharpness=4.0):
    """A plateau at 2.3, a fall around `middle`, and a rise where the training is lost."""
    t = np.log10(rates)
    return 0.3 + 2.0 / (1 + np.exp(sharpness * (t - np.log10(middle)))) + 0.3 * np.exp(4 * (t - np.log10(middle) - 1.9))


def expected_of(rates, **curve):
    """Return the rate with the smallest loss, for 500 steps in place of those near each rate."""
    fine = np.geomspace(1e-7, 10, 100_001)
    near_each = (len(rates) - 1) / np.log(rates[-1] / rates[0])
    return fine[np.argmin(textbook(fine, **curve))] * np.sqrt(near_each / 500)


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("curve", [{}, {"middle": 1e-3, "sharpness": 2.0}, {"middle": 0.3, "sharpness": 8.0}])
def test_the_smallest_loss_is_found_in_50_of_50_draws(curve):
    ratios = []
    for seed in range(50):
        losses = textbook(RATES, **curve) + 0.02 * np.random.default_rng(seed).normal(size=100)
        kept = np.cumsum(losses > 4 * np.minimum.accumulate(losses)) == 0
        _, (rate, low, high), doubt = suggest(RATES[kept], losses[kept])
        assert doubt == ""
        assert low < rate < high < 30 * low
        ratios.append(rate / expected_of(RATES[kept], **curve))
    assert 1 / 3 < min(ratios) <= max(ratios) < 3
    assert np.std(np.log10(ratios)) < 0.15


@pytest.mark.slow
def test_noise_alone_leaves_doubt_and_a_small_fall_does_not():
    doubted = sure = 0
    for seed in range(200):
        noise = np.random.default_rng(seed).normal(size=100)
        doubted += suggest(RATES, 2.3 + 0.1 * noise)[2] != ""
        sure += suggest(RATES, textbook(RATES) + 0.2 * noise)[2] == ""
    assert doubted >= 199
    assert sure >= 199


@pytest.mark.parametrize("steps", [10, 30, 100])
def test_the_suggestion_does_not_depend_on_how_many_rates_there_are(steps):
    """Where the minimum falls as 1 / sqrt(steps a decade), as the best rate of a convex problem does."""
    found = []
    for count in (steps, 4 * steps):
        decades = np.linspace(-3, 0, count)
        loss = (decades + 1 + 0.5 * np.log10(count)) ** 2
        found.append(suggest(10**decades, loss)[1].rate)
    assert found[1] == pytest.approx(found[0], rel=0.25)  # the minimum lies on one of the rates


def test_where_the_loss_only_rises_only_the_smallest_rates_fit():
    _, (rate, low, high), doubt = suggest(RATES, 1 + np.log10(RATES / 1e-7) ** 2)
    assert doubt == "the loss never falls"
    assert low == RATES[0] <= rate <= high < 1e-6


def test_where_the_loss_is_the_same_until_it_rises_the_suggestion_is_far_below_the_last_rate():
    _, (rate, low, high), doubt = suggest(RATES, np.where(RATES < 1, 1.0, 3.0) + 0.1 * (-1.0) ** np.arange(100))
    assert doubt == "the loss never falls"
    assert rate == pytest.approx(RATES[-1] / 30)
    assert low == RATES[0] < rate < high < 1


def test_a_fall_that_noise_may_explain_gets_a_rate_near_its_lowest_point_and_a_wider_range():
    rates, near, wide, doubted = RATES[40:], 0, 0, 0
    _, sure, _ = suggest(rates, textbook(rates))
    for seed in range(100):
        losses = textbook(rates) + 1.2 * np.random.default_rng(seed).normal(size=60)
        _, (rate, low, high), doubt = suggest(rates, losses)
        if doubt == "the loss falls no more than noise explains":
            doubted += 1
            near += 0.003 < rate < 1.0
            wide += high / low > sure.high / sure.low
    assert doubted > 10
    assert near >= 0.8 * doubted
    assert wide == doubted


def test_what_fits_is_three_times_more_to_both_sides_than_the_noise_has_and_at_most_the_last_rate():
    _, (rate, low, high), doubt = suggest(RATES, textbook(RATES))
    assert (doubt, rate) == ("", pytest.approx(expected_of(RATES), rel=0.25))
    assert low <= rate / 3 * 1.1
    assert high >= rate * 3 / 1.1
    rates = np.geomspace(1e-3, 1, 500)
    assert suggest(rates, 1 - rates / 2)[1].high == 1.0


def test_hard_and_easy_batches_are_evened_out():
    rng = np.random.default_rng(0)
    effect = np.exp(0.3 * rng.normal(size=100))
    losses = textbook(RATES) * effect
    even = without_batch_effects(RATES, losses, textbook(RATES[:1]) * effect)
    truth, before_the_rise = textbook(RATES) * effect.mean(), RATES < 0.5
    left, at_first = (np.abs(x - truth)[before_the_rise].mean() for x in (even, losses))
    assert left < 0.15 * at_first

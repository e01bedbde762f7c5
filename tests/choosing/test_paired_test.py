"""The paired t test: right numbers, as many false alarms as it says, and the true difference in its interval."""

import sys

import numpy as np
import pytest

from keras_ch8.choosing._paired_test import critical_t, paired_test

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "degrees, closed_form",
    [
        (1, lambda t: 1 - 2 / np.pi * np.arctan(t)),
        (2, lambda t: 1 - t / np.sqrt(2 + t**2)),
        (4, lambda t: 1 - t / np.sqrt(4 + t**2) * (1 + 2 / (4 + t**2))),
    ],
)
def test_the_probability_is_the_closed_form(degrees, closed_form):
    for shift in (0.0, 0.3, 1.0, 2.5, 12.0):
        differences = np.linspace(-1, 1, degrees + 1) + shift
        t = differences.mean() / (differences.std(ddof=1) / np.sqrt(degrees + 1))
        assert paired_test(differences, np.zeros(degrees + 1)).p == pytest.approx(closed_form(t), abs=1e-12)


def test_with_many_degrees_of_freedom_it_is_the_normal_one():
    assert critical_t(10**6) == pytest.approx(1.959964, abs=1e-5)


def test_without_scipy_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"Received: an environment without it\. Install it: .*keras_ch8\[tune\]"):
        paired_test(np.ones(3), np.arange(3.0))


def test_it_is_by_hand():
    first, second = np.array([3.0, 5.0, 4.0]), np.array([2.0, 2.0, 2.0])  # differences 1, 3, 2: mean 2, sd 1
    found = paired_test(first, second)
    assert found.difference == 2
    assert found.margin == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)
    assert found.p == pytest.approx(1 - np.sqrt(12) / np.sqrt(2 + 12), rel=1e-9)  # t = 2 / (1 / sqrt(3))
    assert not found.is_significant
    assert paired_test(second, first).difference == -2
    assert paired_test(second, first).p == found.p


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_where_nothing_differs_5_percent_are_false_alarms(seeds):
    trials = 4000
    pairs = RNG.normal(size=(trials, 2, seeds)) + 10 * RNG.normal(size=(trials, 1, seeds))  # seeds differ, ways do not
    alarms = sum(paired_test(*pair).is_significant for pair in pairs)
    assert abs(alarms / trials - 0.05) < 4 * np.sqrt(0.05 * 0.95 / trials)


def test_the_true_difference_lies_in_95_of_100_intervals():
    trials = 4000
    found = [paired_test(RNG.normal(0.3, 1, 5), np.zeros(5)) for _ in range(trials)]
    inside = np.mean([abs(test.difference - 0.3) <= test.margin for test in found])
    assert abs(inside - 0.95) < 4 * np.sqrt(0.05 * 0.95 / trials)


def test_a_large_difference_is_found_and_a_small_one_mostly_not():
    base = RNG.normal(size=(500, 5))
    noise = 0.1 * RNG.normal(size=(500, 5))
    power = [np.mean([paired_test(b + n + by, b).is_significant for b, n in zip(base, noise, strict=True)])
             for by in (0.02, 0.5)]  # fmt: skip
    assert power[0] < 0.2
    assert power[1] > 0.99


@pytest.mark.parametrize(
    "differences, p", [([0, 0, 0], 1.0), ([1, 1, 1], 0.0), ([1, np.nan, 1], 1.0), ([1, np.inf, 1], 1.0)]
)
def test_no_spread_or_no_number(differences, p):
    found = paired_test(np.array(differences), np.zeros(3))
    assert found.p == p
    assert found.is_significant == (p == 0)

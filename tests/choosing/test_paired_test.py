"""The paired t test has the probabilities of its closed form."""

import sys

import numpy as np
import pytest

from keras_ch8.choosing._numbers import paired_test


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


def test_without_scipy_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"needs SciPy, which is not installed\. Install it with .*keras_ch8\[tune\]"):
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


@pytest.mark.parametrize(
    "differences, p", [([0, 0, 0], 1.0), ([1, 1, 1], 0.0), ([1, np.nan, 1], 1.0), ([1, np.inf, 1], 1.0)]
)
def test_no_spread_or_no_number(differences, p):
    found = paired_test(np.array(differences), np.zeros(3))
    assert found.p == p
    assert found.is_significant == (p == 0)

"""Where a rate is looked for: even points on a log scale, a boundary that is extended, the band of good rates."""

import math

import numpy as np
import pytest

from keras_ch8.choosing import _numbers


def test_each_coordinate_has_one_point_in_each_interval_of_equal_width():
    points = _numbers.halton(8, 2)
    assert sorted(np.floor(points[:, 0] * 8)) == list(range(8))
    assert sorted(np.floor(_numbers.halton(9, 2)[:, 1] * 9)) == list(range(9))
    assert np.array_equal(points, _numbers.halton(8, 2))


def test_settings_are_even_in_the_logarithm_and_a_momentum_in_that_of_its_distance_from_one():
    found = _numbers.settings({"learning_rate": (1e-4, 1.0), "momentum": (0.5, 0.999)}, 8)
    decades = sorted(math.log10(one["learning_rate"]) for one in found)
    assert all(-4 + i / 2 <= decade < -3.5 + i / 2 for i, decade in enumerate(decades))
    momenta = np.array([one["momentum"] for one in found])
    assert np.all((momenta >= 0.5) & (momenta < 0.999))
    assert 0.95 < np.median(momenta) < 0.99
    assert _numbers.settings({}, 8) == [{}]
    with pytest.raises(ValueError, match="At most 8 settings"):
        _numbers.settings({str(i): (0.1, 1.0) for i in range(9)}, 2)


def test_where_every_rate_diverges_lower_ones_are_tried():
    assert _numbers.beyond([0.1, 1.0], [math.nan, math.inf]) == pytest.approx(0.01)
    assert _numbers.beyond([0.1], [math.nan]) == pytest.approx(0.1 / 3)


def test_a_best_rate_at_a_boundary_is_looked_for_beyond_it():
    rates = [0.01, 0.1, 1.0]
    assert _numbers.beyond(rates, [3.0, 1.0, 2.0]) is None
    assert _numbers.beyond(rates, [3.0, 2.0, 1.0]) == pytest.approx(10.0)
    assert _numbers.beyond(rates, [1.0, 2.0, 3.0]) == pytest.approx(1e-3)


def test_the_band_ends_at_the_first_rate_that_is_worse():
    rates, losses = [1.0, 0.1, 0.01, 0.001, 0.0001], [math.nan, 1.0, 1.04, 2.0, 1.01]
    assert _numbers.band(rates, losses) == (0.01, 0.1)
    assert _numbers.band(rates, [-value for value in losses]) == (0.001, 0.001)
    assert all(math.isnan(end) for end in _numbers.band([1.0], [math.nan]))


def test_a_momentum_is_extended_towards_one_and_not_beyond_it():
    values = [setting["momentum"] for setting in _numbers.settings({"momentum": (0.5, 0.99)}, 8)]
    further = _numbers.beyond_in((0.5, 0.99), values, [1 - value for value in values])
    assert max(values) < further < 1
    assert _numbers.beyond_in((1e-3, 0.1), [1e-3, 1e-2], [2.0, 1.0]) == _numbers.beyond([1e-3, 1e-2], [2.0, 1.0])

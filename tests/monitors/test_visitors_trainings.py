"""What trainings of the seventeenth group showed: pasts on which a rule was silent or wrong, and neighbours."""

import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.monitors.progress import GOOD, progress, progress_measured
from tests.monitors.test_claims import past_of
from tests.monitors.test_levels import level, losses


def penalized(values, penalties, chance=2.3, neighbours=0.5, **more):
    """Return a past of losses of which these parts are penalties."""
    readings = [monitors.GradientNorm(1.0, 10.0, v, p) for v, p in zip(values, penalties, strict=True)]
    past = past_of(values, gradient_norm=readings, **more)
    past.chance, past.neighbours = chance, neighbours
    return past


def test_of_a_loss_with_penalties_the_rest_is_held_against_constants_and_neighbours():
    """All that has fallen is the penalties."""
    past = penalized(np.array([20.0, *[2.4] * 8]), [17.6, *[0.1] * 8])
    measured = progress_measured(past)
    assert (measured["gained"], measured["over_chance"], measured["over_neighbours"]) == pytest.approx((0.0, 1.0, 4.6))
    assert measured["fallen"] == pytest.approx(0.88)
    assert not GOOD.holds(measured)
    without = penalized(np.array([20.0, *[0.6] * 8]), [17.6, *[0.1] * 8])
    assert GOOD.holds(progress_measured(without))
    assert progress(past).gained_at(1.25) == pytest.approx(0.5)


@pytest.mark.parametrize("penalty, expected", [(0.1, "act"), (1.9, "ok")])
def test_a_loss_at_rest_that_penalties_hold_at_chance_is_underfitting(penalty, expected):
    """Beside 1.9 of penalties, what is left is what the nearest examples predict."""
    values = 2.4 * np.array(losses(0.4)) / 0.6
    ends = {"largest": 1.0, "smallest": 0.2, "gradient_norm": 1.0, "loss": 2.4}
    past = penalized(values, [penalty] * 9, spectrum=ends)
    assert level("spectrum", past, "underfitting") == expected

"""Two replicas with common statistics are one device with the whole batch."""

import numpy as np
import pytest

from tests import forked
from tests.layers.strategy_cases import moments, one_replica_with_nothing, trained_together

pytestmark = pytest.mark.slow


def test_synchronized_replicas_train_as_one_device():
    difference, batches = forked.call(trained_together, True)
    assert difference < 2e-6
    assert batches == pytest.approx(sum(0.8**i for i in range(8)))


def test_replicas_apart_do_not():
    difference, batches = forked.call(trained_together, False)
    assert difference > 1e-3
    assert batches == pytest.approx(sum(0.8**i for i in range(8)))


def test_their_variance_does_not_cancel():
    """Mean 3000, deviation 1, float32: E[x^2] - E[x]^2 would be off by about 1."""
    stored, variance, _, _ = forked.call(moments, 3e3)
    np.testing.assert_allclose(stored, variance, rtol=1e-4)


@pytest.mark.parametrize("synchronized", [True, False], ids=["synchronized", "apart"])
def test_a_replica_without_an_example_changes_nothing(synchronized):
    found, expected = forked.call(one_replica_with_nothing, synchronized)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_their_gradient_proposes_no_common_shift():
    _, _, shift, gradient = forked.call(moments, 0.0)
    assert gradient > 0.1
    assert shift < 1e-5

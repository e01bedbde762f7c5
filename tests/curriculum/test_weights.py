"""A curriculum as Bengio et al. define it: weights that never fall, entropy that never falls, the data in the end."""

import numpy as np
import pytest

from keras_ch8 import curriculum
from tests.curriculum.test_pacing import PACINGS_AND_STARTS
from tests.oracles.curriculum import sampling_weights

RANKS = np.arange(40)
CURRICULA = {name: pacing for name, (pacing, _) in PACINGS_AND_STARTS.items() if name != "one_pass"}


def weights_on_the_way(pacing, mix):
    progress = np.linspace(0, 1, 101)
    return np.array([sampling_weights(RANKS, float(pacing(u)), mix, float(pacing.oldest(u))) for u in progress])


def entropies(weights):
    q = weights / weights.sum(axis=1, keepdims=True)
    return -np.where(q > 0, q * np.log(np.where(q > 0, q, 1)), 0).sum(axis=1)


@pytest.mark.parametrize("mix", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("pacing", CURRICULA.values(), ids=CURRICULA)
def test_weights_lie_in_0_to_1_and_no_example_loses_weight(pacing, mix):
    weights = weights_on_the_way(pacing, mix)
    assert ((weights >= 0) & (weights <= 1)).all()
    assert (np.diff(weights, axis=0) >= 0).all()


@pytest.mark.parametrize("mix", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("pacing", CURRICULA.values(), ids=CURRICULA)
def test_the_entropy_never_falls(pacing, mix):
    entropy = entropies(weights_on_the_way(pacing, mix))
    assert (np.diff(entropy) >= -1e-14).all()
    assert entropy[0] < entropy[-1] == pytest.approx(np.log(40))


def test_one_pass_breaks_two_of_the_three():
    weights = weights_on_the_way(curriculum.pacings.OnePass(4), 0.0)
    assert (np.diff(weights, axis=0) < 0).any()
    assert weights[-1].tolist() == [0.0] * 30 + [1.0] * 10
    np.testing.assert_allclose(entropies(weights), np.log(10))

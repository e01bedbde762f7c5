"""A curriculum as Bengio et al. define it: weights that never fall, entropy that never falls, the data in the end."""

import numpy as np
import pytest

from keras_ch8 import curriculum
from keras_ch8.curriculum.sampler import soft_weights
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


def test_soft_weights_of_losses_from_0_on_are_one_minus_loss_over_lambda():
    losses = np.array([0.0, 0.5, 1.5])
    np.testing.assert_allclose(soft_weights(losses, 0.0, np.array(2.0)), 1 - losses / 2)


def test_soft_weights_rise_with_the_limit_and_the_easiest_has_1_whatever_the_sign_of_the_losses():
    losses = np.array([-3.0, -1.0, 0.5])
    all_of_them = np.array([soft_weights(losses, -3.0, np.array(limit)) for limit in (1.0, 2.0, 10.0)])
    assert (all_of_them[:, 0] == 1).all()
    assert (np.diff(all_of_them, axis=0) >= 0).all()
    assert ((all_of_them > 0) & (all_of_them <= 1)).all()
    assert (soft_weights(np.ones(3), 1.0, np.array(1.0)) == 1).all()

"""The problems of Moré, Garbow and Hillstrom, beside SciPy's methods of the same name."""

import pytest

from keras_ch8.second_order.loop import Status
from keras_ch8.second_order.methods import BFGS, LBFGS, ConjugateGradient
from tests.second_order.mgh import HARD
from tests.second_order.peers import ours, scipys


@pytest.mark.slow
def test_lbfgs_solves_the_hard_ones_and_does_not_call_a_halt_a_minimum():
    solved, _, statuses = ours(LBFGS(), HARD)
    assert solved.all(), [str(c) for c, s in zip(HARD, solved, strict=True) if not s]
    assert set(statuses) == {Status.CONVERGED_GRADIENT, Status.STALLED}


@pytest.mark.full
@pytest.mark.parametrize(
    "method, peer, least",
    [
        (LBFGS(), "L-BFGS-B", 27),
        (BFGS(), "BFGS", 27),
        (ConjugateGradient(), "CG", 25),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_as_many_are_solved_as_by_scipy_with_at_most_twice_the_evaluations(method, peer, least):
    solved, evaluations, _ = ours(method)
    theirs, peers = scipys(peer)
    both = solved & theirs
    assert solved.sum() >= max(least, theirs.sum())
    assert evaluations[both].sum() <= 2 * peers[both].sum()
    assert (evaluations[both] <= 4 * peers[both]).all()

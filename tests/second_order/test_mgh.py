"""The problems of Moré, Garbow and Hillstrom by a method that reads gradients alone."""

import pytest

from keras_ch8.second_order.loop import Status
from keras_ch8.second_order.methods import LBFGS
from tests.second_order.mgh import ends_of


@pytest.mark.slow
def test_lbfgs_solves_the_hard_ones_and_does_not_call_a_halt_a_minimum():
    assert ends_of(LBFGS()) == ([], {Status.CONVERGED_GRADIENT, Status.STALLED})

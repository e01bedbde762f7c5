"""What coordinate descent shows of its blocks: which one moves, and the gradient of each."""

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks
from keras_ch8 import optimizers as ours
from tests.callbacks.runs import STEPS, by_hand, fit, network
from tests.callbacks.test_tensorboard import read

STILL = 1e-12
"""A rate at which nothing moves."""


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("inner", [ours.SGD, keras.optimizers.SGD])
def test_the_block_that_moves_and_the_gradient_of_each_are_those_of_a_loop_by_hand(tmp_path, inner):
    model = network("sgd")
    optimizer = ours.BlockCoordinateDescent(inner(STILL), blocks=model.layers, steps_per_block=2)
    model.compile(optimizer, "mse")
    fit(model, [callbacks.TensorBoard(tmp_path)])
    curves, layers = read(tmp_path), by_hand(0.0)["layers"]
    steps = [*range(1, 2 * STEPS + 1)]
    assert curves["step/block"] == [(step, (step - 1) // 2 % 2) for step in steps]
    for number in range(2):
        found = curves[f"step/block_gradient_norm_{number}"]
        assert [step for step, _ in found] == steps
        np.testing.assert_allclose([value for _, value in found], layers[:, number], rtol=1e-5)

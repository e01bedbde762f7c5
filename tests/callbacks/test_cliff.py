"""The cliff of Pascanu et al. (2013): one recurrent unit, 50 steps; section 8.2.4."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ch8 import callbacks, clipping
from keras_ch8 import optimizers as ours
from tests.board.readers import python_loader
from tests.callbacks.runs import Frames
from tests.marks import mostly

START, RATE, LIMIT, STEPS = (6.0, -3.0), 0.5, 1.0, 200
SAME = 80  # steps before the path meets the cliff again, where the last bit decides where it goes
TARGET = float(np.float32(0.7))  # as Keras hands it on


class OneUnit(keras.layers.Layer):
    """x_t = w sigmoid(x_{t-1}) + b from x_0 = 0; the output is sigmoid(x_50)."""

    def build(self, shape):
        self.w = self.add_weight(shape=(), initializer=keras.initializers.Constant(START[0]), name="w")
        self.b = self.add_weight(shape=(), initializer=keras.initializers.Constant(START[1]), name="b")

    def call(self, inputs):
        x = 0.0 * inputs
        for _ in range(50):
            x = self.w * ops.sigmoid(x) + self.b
        return ops.sigmoid(x)


def by_hand(limit):
    """Descend in float64 NumPy; return w and b, the loss and the gradient at each step."""
    path, theta = [], np.array(START)
    for _ in range(STEPS):
        x, dx = 0.0, np.zeros(2)
        for _ in range(50):
            s = 1 / (1 + np.exp(-x))
            dx = np.array([s, 1.0]) + theta[0] * s * (1 - s) * dx
            x = theta[0] * s + theta[1]
        y = 1 / (1 + np.exp(-x))
        g = 2 * (y - TARGET) * y * (1 - y) * dx
        path.append((*theta, (y - TARGET) ** 2, *g))
        theta = theta - RATE * g * min(1, limit / np.linalg.norm(g))
    return np.array(path)


def trained(optimizer, extra=(), steps=STEPS):
    keras.config.set_dtype_policy("float64")
    try:
        model = keras.Sequential([keras.Input((1,)), OneUnit()])
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile(optimizer, "mse")
    frames = Frames()
    model.fit(np.zeros((steps, 1)), np.full((steps, 1), TARGET), batch_size=1, verbose=0, callbacks=[frames, *extra])
    return model, frames


@pytest.mark.slow
@pytest.mark.parametrize("kind", mostly(pytest.mark.full, ["ours", "Keras"], "Keras"))
def test_clipping_goes_on_where_unclipped_training_is_thrown_out(kind, tmp_path):
    rule = clipping.ByGlobalNorm(LIMIT)

    def again():
        if kind == "ours":
            return ours.SGD(RATE, clip=rule), []
        return keras.optimizers.SGD(RATE), [callbacks.ClipGradients(rule)]

    optimizer, extra = again()
    _, frames = trained(optimizer, [*extra, callbacks.TensorBoard(tmp_path)])
    path = by_hand(LIMIT)
    norms = np.linalg.norm(path[:, 3:], axis=1)
    assert norms[0] > 1e8 > 1e6 * norms[1:].max()  # the highest cliff is where it starts

    # The norm before clipping is that of the cliff; the step is lr * limit long and goes down the cliff.
    np.testing.assert_allclose(frames.norm[:SAME], norms[:SAME], rtol=1e-4)
    np.testing.assert_allclose(frames.clipped, np.minimum(frames.norm, LIMIT), rtol=1e-6)
    np.testing.assert_allclose(frames.update[0], RATE * LIMIT, rtol=1e-6)
    short, _ = trained(*again(), steps=1)
    moved = np.array([float(v.numpy()) for v in short.trainable_variables]) - START
    np.testing.assert_allclose(moved, -RATE * LIMIT * path[0, 3:] / norms[0], rtol=1e-6)
    # Training goes where gradient descent by hand with such steps goes, and arrives.
    np.testing.assert_allclose(frames.loss[:SAME], path[:SAME, 2], rtol=1e-4)
    assert frames.loss[-20:].mean() < 3e-3

    # The whole height of the cliff is in TensorBoard.
    with python_loader(tmp_path) as board:
        highest = dict(board.scalars()["step/gradient_norm"])
    np.testing.assert_allclose(highest[1], norms[0], rtol=1e-3)

    thrown, seen = trained(type(optimizer)(RATE))
    np.testing.assert_allclose(seen.norm[0], norms[0], rtol=1e-4)
    assert abs(float(thrown.trainable_variables[0].numpy())) > 1e6
    np.testing.assert_allclose(seen.loss[1:], 0.09, rtol=1e-3)  # a plateau without slope

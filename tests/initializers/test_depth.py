"""Signal and gradient through five layers of tanh, beside the theory of Glorot and Bengio."""

import keras
import numpy as np
import pytest

from keras_ch8 import initializers, monitors

POINTS, WEIGHTS = np.polynomial.hermite_e.hermegauss(100)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
WIDTH, DEPTH, EXAMPLES = 1000, 5, 100


def theory(variance):
    """Return the deviations of the layers' signals, and of the gradients at them over that at the last one.

    For many units z = W h is normal with variance v E[h^2], where v is the variance of the weights times their number;
    h = tanh(z); and the gradient at a layer has v E[tanh'(z)^2] of the variance of that at the next.
    """
    square, signals, factors = 1 / 3, [], []  # inputs are uniform on (-1, 1)
    for _ in range(DEPTH):
        z = np.sqrt(variance * square) * POINTS
        square = WEIGHTS @ np.tanh(z) ** 2
        signals.append(np.sqrt(square))
        factors.append(np.sqrt(variance * (WEIGHTS @ (1 - np.tanh(z) ** 2) ** 2)))
    back = np.cumprod([1.0, *factors[:0:-1]])[::-1]
    return np.array(signals), back


def flow():
    start = initializers.Heuristic(seed=1)
    layers = [keras.layers.Dense(WIDTH, "tanh", kernel_initializer=start) for _ in range(DEPTH)]
    model = keras.Sequential([keras.Input((WIDTH,)), *layers])
    model.compile(loss=lambda y, prediction: keras.ops.mean(y * prediction, axis=-1))  # its gradient is y, at random
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (EXAMPLES, WIDTH)), rng.normal(size=(EXAMPLES, WIDTH))
    return monitors.layer_flow(model, x.astype("float32"), y.astype("float32"))


@pytest.mark.slow
def test_signals_and_gradients_are_those_of_the_theory():
    found = flow()
    signals, back = theory(variance=1 / 3)
    # The mean square over 1000 units of one example is off by some sqrt(2 / 1000), its root by half of that.
    error = np.sqrt(2 / WIDTH) / 2
    np.testing.assert_allclose(found.signal, signals, rtol=error)
    np.testing.assert_allclose(found.gradient / found.gradient[-1], back, rtol=error)


def test_the_theory_has_the_numbers_of_the_books_source():
    signals, _ = theory(1.0)
    assert signals.round(2).tolist() == [0.46, 0.39, 0.35, 0.31, 0.29]
    _, back = theory(1 / 3)
    assert back[0].round(3) == 0.107
    assert theory(1.0)[1][0] > 6 * back[0]

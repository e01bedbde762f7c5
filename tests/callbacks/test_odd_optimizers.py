"""Optimizers that do more than most, and weights whose gradients are products: watched, they train as bare."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from keras_ch8 import callbacks

X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
Y = np.tanh(X.sum(axis=1, keepdims=True))
MASK = np.random.default_rng(1).normal(size=(4, 5)).astype("float32")
ROW = MASK[:1]


class TakesMore(keras.optimizers.SGD):
    """Takes an argument more, and returns something."""

    def apply(self, grads, trainable_variables=None, factor=1.0):
        """Take a step with the gradients times a factor."""
        super().apply([factor * g for g in grads], trainable_variables)
        return ops.convert_to_tensor(factor)


class GivesMore(keras.Model):
    """Gives its optimizer the argument more, and uses what that returns."""

    def __init__(self):
        super().__init__()
        self.last = keras.layers.Dense(1)
        self.told = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        """Return the prediction."""
        return self.last(x)

    def train_step(self, data):
        """Take a step."""
        from tensorflow import GradientTape

        x, y = data
        with GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        variables = self.trainable_variables
        answer = self.optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables, factor=0.5)
        self.told.assign_add(answer)
        return {"loss": loss}


class Product(keras.layers.Layer):
    """Multiplies with a kernel that is made of its weight."""

    def __init__(self, made):
        super().__init__()
        self.made = made

    def build(self, shape):
        """Make the weight."""
        self.kernel = self.add_weight(shape=(4, 5))

    def call(self, x):
        """Return the outputs."""
        return ops.tanh(x @ self.made(self.kernel))


def ended(model, optimizer, *watching):
    """Return history, weights and state of the optimizer after a training."""
    keras.utils.set_random_seed(0)
    model = model()
    model.compile(optimizer(), "mse")
    history = model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=list(watching)).history
    return history, [np.array(v).tobytes() for v in (*model.variables, *model.optimizer.variables)]


def plain():
    """Return a small model."""
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])


@pytest.mark.slow
def test_an_optimizer_may_take_more_and_return_something(tmp_path):
    bare = ended(GivesMore, lambda: TakesMore(0.1))
    assert ended(GivesMore, lambda: TakesMore(0.1), callbacks.TensorBoard(tmp_path)) == bare


@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.slow
def test_a_rate_that_is_a_function_is_called_as_often_as_bare(eager, tmp_path):
    def counted(*watching):
        calls = itertools.count()

        def model():
            made = plain()
            made.run_eagerly = eager
            return made

        left = ended(model, lambda: keras.optimizers.SGD(lambda: 0.1 / (1 + next(calls))), *watching)
        return left, next(calls)

    assert counted(callbacks.TensorBoard(tmp_path), callbacks.Diagnosis(verbose=False)) == counted()


KERNELS = {
    "a product": lambda w: w * MASK,
    "a product in a product": lambda w: w * MASK * 0.37,
    "three": lambda w: w * ROW * MASK * 0.37,
    "a quotient of a product": lambda w: w * 3.0 / 7.0,
    "a product of a quotient": lambda w: w / 3.0 * MASK,
    "with a sign": lambda w: -(w * MASK) / 7.0,
}


@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, keras.optimizers.Lion])
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_gradient_that_is_a_product_keeps_its_last_bit(kernel, optimizer, tmp_path):
    def model():
        return keras.Sequential([keras.Input((4,)), Product(KERNELS[kernel]), keras.layers.Dense(1)])

    bare = ended(model, lambda: optimizer(0.013))
    assert ended(model, lambda: optimizer(0.013), callbacks.TensorBoard(tmp_path)) == bare

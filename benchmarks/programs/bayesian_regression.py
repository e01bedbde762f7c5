"""Say how a wine is rated and how sure that is: weights are distributions, and so is the answer."""

import forms
import keras
import numpy as np
from keras import layers, ops

BATCH, EPOCHS, WINES = 32, 40, 1280
LEARNS = "val_error", 1.0, 0.5  # the variance of the targets
TRUTH = ()


def data():
    """Return measurements of wines, and ratings of unit scale, of which some kinds of wine have wilder ones."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(WINES, 5))
    y = np.sin(x[:, 0]) + 0.6 * x[:, 1] * x[:, 2] + 0.4 * x[:, 3]
    y += rng.normal(0, 0.1 + 0.3 / (1 + np.exp(-3 * x[:, 4])))
    return x.astype("float32"), ((y - y.mean()) / y.std())[:, None].astype("float32")


class BayesianDense(layers.Layer):
    """A dense layer that draws its weights anew in each call, and pays for what is known of them."""

    def __init__(self, units, activation):
        super().__init__()
        self.units, self.activation = units, keras.activations.get(activation)
        self.seeds = keras.random.SeedGenerator(1)

    def build(self, shape):
        """Make mean and width of each weight, the last row for the bias."""
        shape = (shape[-1] + 1, self.units)
        self.mean = self.add_weight(shape=shape, initializer="glorot_uniform", name="mean")
        self.width = self.add_weight(shape=shape, initializer=keras.initializers.Constant(-4.0), name="width")

    def call(self, x):
        """Return the activations; the prior of each weight is a normal distribution."""
        width = ops.softplus(self.width)
        weights = self.mean + width * keras.random.normal(ops.shape(width), seed=self.seeds)
        self.add_loss(ops.sum(0.5 * (self.mean**2 + width**2 - 1) - ops.log(width)) / WINES)
        return self.activation(ops.matmul(x, weights[:-1]) + weights[-1])


def surprise(y, answer):
    """Return minus the logarithm of the likelihood; an answer is a mean and the logarithm of a width."""
    mean, log_width = answer[:, :1], answer[:, 1:]
    return 0.5 * ((y - mean) / ops.exp(log_width)) ** 2 + log_width + 0.5 * np.log(2 * np.pi)


def error(y, answer):
    """Return the squared error of the mean."""
    return (y - answer[:, :1]) ** 2


def model():
    """Return the compiled network."""
    inputs = keras.Input((5,))
    x = layers.BatchNormalization()(inputs)
    for _ in range(2):
        x = BayesianDense(16, "sigmoid")(x)
    network = keras.Model(inputs, layers.Dense(2)(x))
    network.compile(keras.optimizers.RMSprop(1e-2), surprise, metrics=[error])
    return network


def train(model, data, callbacks=()):
    """Train."""
    return model.fit(**data, epochs=EPOCHS, callbacks=[*callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))

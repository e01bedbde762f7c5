"""Learn the density of two moons with a RealNVP, whose training step is its own."""

import forms
import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from sklearn.datasets import make_moons

BATCH, EPOCHS, COUPLINGS = 64, 20, 6
LEARNS = "val_loss", 2.84, 2.2  # that of two normal distributions
TRUTH = ()


def data():
    """Return points of the moons, each of unit scale, and which moon each is of, which nothing reads."""
    points, moons = make_moons(1280, noise=0.05, random_state=0)
    return ((points - points.mean(0)) / points.std(0)).astype("float32"), moons.astype("int32")


def coupling():
    """Return a network that gives scale and shift of what it does not see."""
    inputs = x = keras.Input((2,))
    for _ in range(3):
        x = layers.Dense(48, "relu", kernel_regularizer=keras.regularizers.L2(1e-4))(x)
    scale = layers.Dense(2, "tanh", kernel_regularizer=keras.regularizers.L2(1e-4))(x)
    return keras.Model(inputs, [scale, layers.Dense(2, kernel_regularizer=keras.regularizers.L2(1e-4))(x)])


class RealNVP(keras.Model):
    """Couplings that turn points into noise, and back."""

    def __init__(self):
        super().__init__()
        self.couplings = [coupling() for _ in range(COUPLINGS)]
        self.masks = np.array([[0, 1], [1, 0]] * (COUPLINGS // 2), "float32")
        self.mean = keras.metrics.Mean("loss")

    @property
    def metrics(self):
        """What is reported."""
        return [self.mean]

    def call(self, x):
        """Return the noise, and by how much the volume grows on the way."""
        growth = 0.0
        for mask, network in zip(self.masks, self.couplings, strict=True):
            seen = x * mask
            scale, shift = network(seen)
            scale, shift = scale * (1 - mask), shift * (1 - mask)
            x = seen + (1 - mask) * (x * ops.exp(scale) + shift)
            growth += ops.sum(scale, axis=1)
        return x, growth

    def surprise(self, x):
        """Return the mean of minus the logarithm of the density."""
        noise, growth = self(x)
        return ops.mean(0.5 * ops.sum(ops.square(noise), axis=1) + np.log(2 * np.pi) - growth)

    def train_step(self, data):
        """One step."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            loss = self.surprise(x) + sum(self.losses)
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        self.mean.update_state(loss)
        return {"loss": self.mean.result()}

    def test_step(self, data):
        """The loss without a step."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.mean.update_state(self.surprise(x))
        return {"loss": self.mean.result()}


def model():
    """Return the compiled flow."""
    flow = RealNVP()
    flow.compile(keras.optimizers.Adam(1e-3))
    return flow


def train(model, data, callbacks=()):
    """Train."""
    return model.fit(**data, epochs=EPOCHS, callbacks=[*callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))

"""Say how likely each answer is where there are several: a mixture of normal distributions, with a loss of its own."""

import forms
import keras
import numpy as np
from keras import layers, ops

BATCH, EPOCHS, PARTS = 32, 5, 4
LEARNS = "val_loss", -0.226, -1.0  # all y equally likely: log 2, less what the loss leaves out
TRUTH = ()


def data():
    """Return points of a curve that turns back, so that one x has up to three y."""
    rng = np.random.default_rng(0)
    y = rng.uniform(-1, 1, (960, 1))
    x = y + 0.3 * np.sin(2 * np.pi * y) + rng.normal(0, 0.03, y.shape)
    return x.astype("float32"), y.astype("float32")


class MixtureDensity(keras.Model):
    """A network that returns logits, means and logarithms of widths."""

    def __init__(self):
        super().__init__()
        self.inner = [layers.Dense(32, "tanh", activity_regularizer=keras.regularizers.L2(1e-4)) for _ in range(2)]
        self.outer = layers.Dense(3 * PARTS)
        self.noise = layers.GaussianNoise(0.02)
        self.near = keras.metrics.Mean("near")

    def call(self, x, training=None):
        """Return the parts; those that are never used cost something."""
        x = self.noise(x, training=training)
        for layer in self.inner:
            x = layer(x)
        parts = self.outer(x)
        shares = ops.mean(ops.softmax(parts[:, :PARTS]), axis=0)
        self.add_loss(0.01 * ops.sum(shares * ops.log(shares + 1e-6)))
        return parts

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the negative logarithm of the likelihood, and what layers have added."""
        logits, means, widths = ops.split(y_pred, 3, axis=-1)
        each = ops.log_softmax(logits) - widths - 0.5 * ((y - means) / ops.exp(widths)) ** 2
        self.near.update_state(ops.min(ops.abs(y - means), axis=-1))
        return -ops.mean(ops.logsumexp(each, axis=-1)) + sum(self.losses)


def model():
    """Return the compiled network."""
    network = MixtureDensity()
    network.compile(keras.optimizers.Adam(1e-2))
    return network


def train(model, data, callbacks=()):
    """Train, with a lower rate once the validation stands still."""
    slower = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=0)
    best = keras.callbacks.ModelCheckpoint("best.weights.h5", save_best_only=True, save_weights_only=True)
    return model.fit(**data, epochs=EPOCHS, callbacks=[slower, best, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))

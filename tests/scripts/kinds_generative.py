"""Generative models: steps of their own, several optimizers, no `call`."""

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

from .registry import BATCH, EPOCHS, NEVER_BUILT, kind


def images():
    """Return pictures of digits in [-1, 1]."""
    x = load_digits(n_class=2).images[:48]
    return (x[..., None] / 8 - 1).astype("float32")


def judge():
    """Return a network that judges a picture."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, 2),
            layers.Flatten(),
            layers.Dense(8),
            layers.LeakyReLU(),
            layers.Dense(1),
        ],
        name="discriminator",
    )


def painter():
    """Return a network that paints a picture from noise."""
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(32),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Reshape((4, 4, 2)),
            layers.Conv2DTranspose(1, 4, 2, "same", activation="tanh"),
        ],
        name="generator",
    )


class Adversaries(keras.Model):
    """A discriminator and a generator in turn, each with an optimizer of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.discriminator, self.generator = judge(), painter()
        self.seeds = keras.random.SeedGenerator(0)

    def compile(self, d_optimizer, g_optimizer):
        super().compile()
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer
        self.d_loss, self.g_loss = keras.metrics.Mean("d_loss"), keras.metrics.Mean("g_loss")

    @property
    def metrics(self):
        return [self.d_loss, self.g_loss]

    def painted(self, x):
        return self.generator(keras.random.normal((tf.shape(x)[0], 4), seed=self.seeds), training=True)

    def moved(self, optimizer, variables, tape, loss):
        optimizer.apply(tape.gradient(loss, variables), variables)

    def train_step(self, x):
        entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        pictures = tf.concat([self.painted(x), x], axis=0)
        painted = tf.concat([tf.ones((tf.shape(x)[0], 1)), tf.zeros((tf.shape(x)[0], 1))], axis=0)
        with tf.GradientTape() as tape:
            d_loss = entropy(painted, self.discriminator(pictures, training=True))
        self.moved(self.d_optimizer, self.discriminator.trainable_variables, tape, d_loss)
        with tf.GradientTape() as tape:
            judged = self.discriminator(self.painted(x), training=True)
            g_loss = entropy(tf.zeros_like(judged), judged)
        self.moved(self.g_optimizer, self.generator.trainable_variables, tape, g_loss)
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}


@kind(
    **NEVER_BUILT,
    monitor="d_loss",
    pair=("d_loss", "g_loss", "min"),
    optimizers=("d_optimizer", "g_optimizer"),
    has_loss=False,
)
def adversaries(optimizer):
    model = Adversaries()
    model.compile(optimizer(), optimizer())
    return model, {"x": images(), "batch_size": BATCH, "epochs": EPOCHS}

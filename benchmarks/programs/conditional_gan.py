"""Draw the digit that is asked for: a generator and its judge, each with an optimizer, trained against each other."""

import forms
import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from sklearn.datasets import load_digits

BATCH, EPOCHS, NOISE = 32, 12, 16
LEARNS = "val_far", None, 0.3
TRUTH = ()


def data():
    """Return images of digits, and which digit each is."""
    digits = load_digits()
    return (digits.images[:960, ..., None] / 8 - 1).astype("float32"), digits.target[:960].astype("int32")


class ConditionalGAN(keras.Model):
    """Two networks that see the digit as ten more channels or numbers."""

    def __init__(self, judge, painter):
        super().__init__()
        self.judge, self.painter = judge, painter
        self.built = True  # its parts are
        self.seeds = keras.random.SeedGenerator(1)
        self.judge_loss, self.painter_loss = keras.metrics.Mean("judge_loss"), keras.metrics.Mean("painter_loss")
        self.far = keras.metrics.Mean("far")

    @property
    def metrics(self):
        """What is reported."""
        return [self.judge_loss, self.painter_loss, self.far]

    def compile(self, judge_optimizer, painter_optimizer, loss):
        """Keep an optimizer for each of the two."""
        super().compile()
        self.judge_optimizer, self.painter_optimizer, self.criterion = judge_optimizer, painter_optimizer, loss

    def paint(self, digits, training):
        """Return new images of some digits."""
        noise = keras.random.normal((ops.shape(digits)[0], NOISE), seed=self.seeds)
        return self.painter(ops.concatenate([noise, digits], axis=1), training=training)

    def judged(self, images, digits, training):
        """Return what the judge says of images; it sees the digit in ten more channels."""
        channels = ops.tile(digits[:, None, None, :], (1, 8, 8, 1))
        return self.judge(ops.concatenate([images, channels], axis=-1), training=training)

    def step(self, images, digits, training):
        """Return the losses of both."""
        painted = self.paint(digits, training)
        true, false = self.judged(images, digits, training), self.judged(painted, digits, training)
        judge = self.criterion(ops.ones_like(true), true) + self.criterion(ops.zeros_like(false), false)
        painter = self.criterion(ops.ones_like(false), false)
        self.judge_loss.update_state(judge)
        self.painter_loss.update_state(painter)
        self.far.update_state(ops.abs(ops.mean(painted, axis=0) - ops.mean(images, axis=0)))  # both on average
        return judge, painter

    def train_step(self, data):
        """One step of both."""
        images, y = data
        digits = ops.one_hot(y, 10)
        with tf.GradientTape(persistent=True) as tape:
            judge, painter = self.step(images, digits, training=True)
        for loss, network, optimizer in (
            (judge, self.judge, self.judge_optimizer),
            (painter, self.painter, self.painter_optimizer),
        ):
            gradients = tape.gradient(loss, network.trainable_weights)
            optimizer.apply(gradients, network.trainable_weights)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data):
        """The same without a step."""
        images, y = data
        self.step(images, ops.one_hot(y, 10), training=False)
        return {metric.name: metric.result() for metric in self.metrics}


class Gallery(keras.callbacks.Callback):
    """Keeps some images of each epoch."""

    def on_epoch_end(self, epoch, logs=None):
        """Paint one of each digit."""
        np.save(f"epoch_{epoch}.npy", self.model.paint(ops.eye(10), training=False))


def model():
    """Return the compiled pair."""
    judge = keras.Sequential(
        [
            keras.Input((8, 8, 11)),
            layers.Conv2D(24, 3, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    painter = keras.Sequential(
        [
            keras.Input((NOISE + 10,)),
            layers.Dense(4 * 4 * 24),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Reshape((4, 4, 24)),
            layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="tanh"),
        ]
    )
    gan = ConditionalGAN(judge, painter)
    gan.compile(
        keras.optimizers.Adam(5e-4, beta_1=0.5),
        keras.optimizers.Adam(2e-3, beta_1=0.5),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    return gan


def train(model, data, callbacks=()):
    """Train, and look at what it paints."""
    return model.fit(**data, epochs=EPOCHS, callbacks=[Gallery(), *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))

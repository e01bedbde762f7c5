"""Lay digits out on a plane, from which new ones can be drawn, with a variational autoencoder."""

import forms
import keras
import tensorflow as tf
from keras import layers, ops
from sklearn.datasets import load_digits

BATCH, EPOCHS, LATENT = 32, 40, 2
LEARNS = "val_loss", 26.7, 25.5  # the mean of each pixel
TRUTH = ()


def data():
    """Return images of digits, and which digit each is, which nothing reads."""
    digits = load_digits()
    return (digits.images[:1792, ..., None] / 16).astype("float32"), digits.target[:1792].astype("int32")


class Sampling(layers.Layer):
    """Draws a point of the plane, from a normal distribution."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, inputs):
        """Return the point."""
        mean, log_variance = inputs
        return mean + ops.exp(0.5 * log_variance) * keras.random.normal(ops.shape(mean), seed=self.seeds)


def encoder():
    """Return the network that says where an image lies, with how much doubt, and draws a point there."""
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Dense(16, "relu")(layers.Flatten()(x))
    mean, log_variance = layers.Dense(LATENT, name="mean")(x), layers.Dense(LATENT, name="log_variance")(x)
    return keras.Model(inputs, [mean, log_variance, Sampling()([mean, log_variance])])


def decoder():
    """Return the network that draws the image of a point."""
    inputs = keras.Input((LATENT,))
    x = layers.Reshape((2, 2, 32))(layers.Dense(2 * 2 * 32, "relu")(inputs))
    for filters in (32, 16):
        x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu")(x)
    return keras.Model(inputs, layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(x))


class VAE(keras.Model):
    """Both, and what is lost on the way from an image to a point and back."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.built = True  # its parts are
        self.trackers = [keras.metrics.Mean(name) for name in ("loss", "reconstruction_loss", "kl_loss")]

    @property
    def metrics(self):
        """What is reported."""
        return self.trackers

    def lost(self, images):
        """Return the loss of some images, and keep what is reported."""
        mean, log_variance, point = self.encoder(images)
        each = keras.losses.binary_crossentropy(images, self.decoder(point))
        reconstruction = ops.mean(ops.sum(each, axis=(1, 2)))
        divergence = -0.5 * ops.mean(ops.sum(1 + log_variance - mean**2 - ops.exp(log_variance), axis=1))
        loss = reconstruction + divergence
        for tracker, value in zip(self.trackers, (loss, reconstruction, divergence), strict=True):
            tracker.update_state(value)
        return loss

    def train_step(self, data):
        """One step."""
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            loss = self.lost(images)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        return {tracker.name: tracker.result() for tracker in self.trackers}

    def test_step(self, data):
        """The same without a step."""
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.lost(images)
        return {tracker.name: tracker.result() for tracker in self.trackers}


def model():
    """Return the compiled autoencoder."""
    vae = VAE(encoder(), decoder())
    vae.compile(keras.optimizers.Adam())
    return vae


def train(model, data, callbacks=()):
    """Train."""
    return model.fit(**data, epochs=EPOCHS, callbacks=[*callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))

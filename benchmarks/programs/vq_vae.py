"""Compress handwritten digits to 16 words of a book of 32: a VQ-VAE, with a gradient straight through the lookup."""

import forms
import keras
from keras import layers, ops
from sklearn.datasets import load_digits

BATCH, EPOCHS = 32, 15
LEARNS = "val_loss", 0.076, 0.05  # the variance of each pixel
TRUTH = ()


def data():
    """Return images of digits, which are to be given back."""
    images = (load_digits().images[:1280, ..., None] / 16).astype("float32")
    return images, images


class VectorQuantizer(layers.Layer):
    """Replaces each vector by the nearest one of a book that is learned."""

    def __init__(self, words, width, commitment=0.25):
        super().__init__()
        self.words, self.width, self.commitment = words, width, commitment

    def build(self, shape):
        """Make the book, and counters of how often each word is used."""
        self.book = self.add_weight(shape=(self.width, self.words), initializer="random_uniform", name="book")
        self.used = self.add_weight(shape=(self.words,), initializer="zeros", trainable=False, name="used")

    def call(self, x, training=None):
        """Return the nearest words."""
        flat = ops.reshape(x, (-1, self.width))
        distances = (
            ops.sum(flat**2, axis=1, keepdims=True) + ops.sum(self.book**2, axis=0) - 2 * ops.matmul(flat, self.book)
        )
        chosen = ops.one_hot(ops.argmin(distances, axis=1), self.words)
        if training:
            self.used.assign(0.99 * self.used + 0.01 * ops.sum(chosen, axis=0))
        quantized = ops.reshape(ops.matmul(chosen, ops.transpose(self.book)), ops.shape(x))
        self.add_loss(self.commitment * ops.mean((ops.stop_gradient(quantized) - x) ** 2))
        self.add_loss(ops.mean((quantized - ops.stop_gradient(x)) ** 2))
        return x + ops.stop_gradient(quantized - x)


def model():
    """Return the compiled autoencoder."""
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(8, 1)(x)
    x = VectorQuantizer(32, 8)(x)
    x = layers.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu")(x)
    outputs = layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x)
    autoencoder = keras.Model(inputs, outputs)
    autoencoder.compile(keras.optimizers.Adam(3e-3), "mse")
    return autoencoder


def train(model, data, callbacks=()):
    """Train, and stop when the validation gets worse."""
    slower = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=2, min_delta=1e-3)
    stop = keras.callbacks.EarlyStopping("val_loss", patience=4, restore_best_weights=True)
    return model.fit(**data, epochs=EPOCHS, callbacks=[slower, stop, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))

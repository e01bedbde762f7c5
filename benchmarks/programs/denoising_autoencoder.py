"""Take the noise out of images of digits, with a convolutional autoencoder."""

import forms
import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

BATCH, EPOCHS = 32, 30
LEARNS = "val_loss", 0.418, 0.3  # the mean of each pixel
TRUTH = ()


def data():
    """Return images with noise, and without."""
    images = (load_digits().images[:1792, ..., None] / 16).astype("float32")
    noisy = images + np.random.default_rng(0).normal(0, 0.3, images.shape)
    return np.clip(noisy, 0, 1).astype("float32"), images


def model():
    """Return the compiled autoencoder."""
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(24, 3, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(24, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    for _ in range(2):
        x = layers.Conv2DTranspose(24, 3, strides=2, padding="same", activation="relu")(x)
    autoencoder = keras.Model(inputs, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x))
    autoencoder.compile("adam", "binary_crossentropy")
    return autoencoder


def train(model, data, callbacks=()):
    """Train."""
    return model.fit(**data, epochs=EPOCHS, callbacks=[*callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))

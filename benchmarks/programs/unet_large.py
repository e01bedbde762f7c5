"""Clean noisy drawings with a U-Net of two million weights, on a few images: more weights than steps can fill."""

import forms
import keras
import numpy as np
from keras import layers

BATCH, EPOCHS, SIZE = 8, 10, 32
LEARNS = "val_loss", 0.637, 0.3  # drawings without waves
TRUTH = ()


def data():
    """Return noisy drawings of waves, and the drawings."""
    rng = np.random.default_rng(0)
    down, right = np.mgrid[:SIZE, :SIZE] / SIZE
    across, along, start = rng.uniform(1, 4, (3, 80, 1, 1))
    clean = np.sin(2 * np.pi * (across * down + along * right + start))[..., None].astype("float32")
    return clean + rng.normal(0, 0.5, clean.shape).astype("float32"), clean


def block(x, filters):
    """Two convolutions with group normalization, and a way past them."""
    past = layers.Conv2D(filters, 1)(x)
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same")(layers.Activation("swish")(layers.GroupNormalization(8)(x)))
    return layers.Add()([x, past])


def model():
    """Return the compiled U-Net."""
    inputs = keras.Input((SIZE, SIZE, 1))
    x, skipped = layers.Conv2D(24, 3, padding="same")(inputs), []
    for filters in (24, 48, 96):
        x = block(x, filters)
        skipped.append(x)
        x = layers.AveragePooling2D(2)(x)
    x = block(block(x, 192), 192)
    for filters in (96, 48, 24):
        x = layers.Concatenate()([layers.UpSampling2D(interpolation="bilinear")(x), skipped.pop()])
        x = block(x, filters)
    unet = keras.Model(inputs, layers.Conv2D(1, 1)(x))
    unet.compile(keras.optimizers.AdamW(1e-3, weight_decay=1e-4), "mae", metrics=["mse"])
    return unet


def train(model, data, callbacks=()):
    """Train."""
    return model.fit(**data, epochs=EPOCHS, callbacks=[*callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))

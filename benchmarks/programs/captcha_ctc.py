"""Read captchas of three handwritten digits: convolutions, an LSTM in both directions, and the loss CTC."""

import forms
import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

BATCH, EPOCHS, LENGTH = 32, 50, 3
LEARNS = "val_loss", 6.91, 3.0  # log 1000: three digits of which nothing is known
TRUTH = ()


def data():
    """Return images of three digits beside each other, and the digits as 1 to 10; CTC keeps 0 for the blank."""
    rng = np.random.default_rng(0)
    digits = load_digits()
    chosen = rng.integers(0, len(digits.images), (640, LENGTH))
    images = np.concatenate([digits.images[chosen[:, place]] for place in range(LENGTH)], axis=2)
    return (images[..., None] / 16).astype("float32"), (digits.target[chosen] + 1).astype("int32")


def model():
    """Return the compiled reader."""
    inputs = keras.Input((8, 8 * LENGTH, 1))
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D((2, 1))(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D((2, 2))(x)
    x = layers.Reshape((4 * LENGTH, 2 * 32))(layers.Permute((2, 1, 3))(x))
    x = layers.Dropout(0.2)(layers.Dense(32, "relu")(x))
    x = layers.Bidirectional(layers.LSTM(24, return_sequences=True))(x)
    reader = keras.Model(inputs, layers.Dense(11)(x))
    reader.compile(keras.optimizers.Adam(5e-3, clipnorm=5.0), keras.losses.CTC())
    return reader


def train(model, data, callbacks=()):
    """Train, with a lower rate once the validation stands still."""
    slower = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=4)
    return model.fit(**data, epochs=EPOCHS, callbacks=[slower, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))

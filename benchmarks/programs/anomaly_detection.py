"""Find the strange hours of a series: an autoencoder of its windows gives back badly what it has not seen."""

import forms
import keras
import numpy as np
from keras import layers

BATCH, EPOCHS, WINDOW, DAY = 32, 20, 48, 96
LEARNS = "val_loss", 1.0, 0.25  # the variance of the series
TRUTH = ()


def data():
    """Return the windows of a series without anything strange, which are to be given back."""
    rng = np.random.default_rng(0)
    time = 2 * np.pi * np.arange(14 * DAY + WINDOW - 1) / DAY
    series = np.sin(time) + 0.5 * np.sin(2 * time + 1) + 0.3 * np.sin(5 * time) + rng.normal(0, 0.15, len(time))
    windows = np.lib.stride_tricks.sliding_window_view((series - series.mean()) / series.std(), WINDOW)
    windows = windows[..., None].astype("float32")
    return windows, windows


def model():
    """Return the compiled autoencoder."""
    autoencoder = keras.Sequential(
        [
            keras.Input((WINDOW, 1)),
            layers.Conv1D(32, 7, strides=2, padding="same", activation="relu"),
            layers.Dropout(0.2),
            layers.Conv1D(16, 7, strides=2, padding="same", activation="relu"),
            layers.Conv1DTranspose(16, 7, strides=2, padding="same", activation="relu"),
            layers.Dropout(0.2),
            layers.Conv1DTranspose(32, 7, strides=2, padding="same", activation="relu"),
            layers.Conv1DTranspose(1, 7, padding="same"),
        ]
    )
    autoencoder.compile(keras.optimizers.Adam(1e-3), "mse")
    return autoencoder


def train(model, data, callbacks=()):
    """Train, and stop when the validation gets worse."""
    stop = keras.callbacks.EarlyStopping("val_loss", patience=5)
    return model.fit(**data, epochs=EPOCHS, callbacks=[stop, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))

"""Forecast 16 stations with an LSTM that remembers from batch to batch, and forgets at the end of an epoch."""

import forms
import keras
import numpy as np
from keras import layers

BATCH, EPOCHS, STEPS = 16, 4, 12
LEARNS = "val_loss", 0.51, 0.2  # the variance of the targets
TRUTH = ()


def data():
    """Return windows of the series of each station, one after another, and the next value of each."""
    rng = np.random.default_rng(0)
    time = np.arange(25 * STEPS + 1)
    series = np.sin(time / rng.uniform(4, 12, (BATCH, 1))) + rng.normal(0, 0.1, (BATCH, len(time)))
    x = series[:, :-1].reshape(BATCH, 25, STEPS).transpose(1, 0, 2).reshape(-1, STEPS, 1)
    y = series[:, STEPS::STEPS].T.reshape(-1, 1)
    return x.astype("float32"), y.astype("float32")


class Forget(keras.callbacks.Callback):
    """Begins each epoch without memory."""

    def on_epoch_begin(self, epoch, logs=None):
        """Forget."""
        for layer in self.model.layers:
            if hasattr(layer, "reset_states"):
                layer.reset_states()


def model():
    """Return the compiled network."""
    network = keras.Sequential(
        [
            keras.Input(batch_shape=(BATCH, STEPS, 1)),
            layers.LSTM(16, stateful=True, return_sequences=True),
            layers.GRU(16, stateful=True),
            layers.Dense(1),
        ]
    )
    network.compile(keras.optimizers.Adam(1e-2), "mse", metrics=["mae"])
    return network


def train(model, data, callbacks=()):
    """Train in the order of time."""
    slower = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=0)
    return model.fit(**data, epochs=EPOCHS, shuffle=False, callbacks=[Forget(), slower, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))

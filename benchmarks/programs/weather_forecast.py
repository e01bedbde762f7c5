"""Forecast the temperature in 12 hours from two days of weather, with an LSTM."""

import forms
import keras
import numpy as np
from keras import layers

BATCH, EPOCHS, PAST, AHEAD = 64, 10, 24, 12
LEARNS = "val_loss", 1.0, 0.5  # the variance of the targets
TRUTH = ()


def weather(hours, rng):
    """Return pressure, temperature, humidity and wind of each hour: days, and fronts that come and go."""
    front, wind = np.zeros(hours), np.zeros(hours)
    for hour in range(1, hours):
        front[hour] = 0.98 * front[hour - 1] + rng.normal(0, 0.2)
        wind[hour] = 0.9 * wind[hour - 1] + rng.normal(0, 0.4)
    day = np.sin(2 * np.pi * np.arange(hours) / 24)
    lag = np.roll(front, -6)  # the pressure falls before it gets cold
    temperature = 10 + 5 * day + 4 * front + rng.normal(0, 0.5, hours)
    humidity = 70 - 10 * day - 5 * wind + rng.normal(0, 3, hours)
    return np.stack([1000 + 8 * lag, temperature, humidity, 4 + 2 * wind], axis=1)


def data():
    """Return windows of the weather, every second hour, of unit scale, and the temperature 12 hours after the last."""
    numbers = weather(4100, np.random.default_rng(0))
    numbers = (numbers - numbers.mean(0)) / numbers.std(0)
    first = np.arange(len(numbers) - 2 * PAST - AHEAD)[:3968]
    x = np.stack([numbers[start : start + 2 * PAST : 2] for start in first])
    y = numbers[first + 2 * (PAST - 1) + AHEAD, 1:2]
    return x.astype("float32"), y.astype("float32")


def model():
    """Return the compiled network."""
    inputs = keras.Input((PAST, 4))
    network = keras.Model(inputs, layers.Dense(1)(layers.LSTM(32)(inputs)))
    network.compile(keras.optimizers.Adam(1e-3), "mse")
    return network


def train(model, data, callbacks=()):
    """Train, stop when the validation gets worse, and keep the best weights."""
    stop = keras.callbacks.EarlyStopping("val_loss", patience=5)
    best = keras.callbacks.ModelCheckpoint("best.weights.h5", "val_loss", save_best_only=True, save_weights_only=True)
    return model.fit(**data, epochs=EPOCHS, callbacks=[stop, best, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))

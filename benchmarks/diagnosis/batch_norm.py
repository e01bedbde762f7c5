"""Batch normalization whose moving statistics are not those of the batches."""

import keras
import numpy as np
from keras import layers, ops

import keras_ch8
from keras_ch8 import optimizers, schedules

from .data import chirps, damped, digits, digits_run, gratings, heart_sounds, letters, sines
from .runs import BINARY_LOGITS, LOGITS, net, ready, sick, split, standardized


@sick("batch_norm_gap", "a momentum of 0.9", group=1)
def moving_too_slowly(rng, cured=False):
    hidden = layers.Dense(32), layers.BatchNormalization(momentum=0.9 if cured else 0.9999), layers.ReLU()
    return digits_run(rng, hidden, optimizers.Momentum(0.02), 64)


@sick("batch_norm_gap", "shuffled examples", group=2)
def batches_by_sensor(rng, cured=False):
    train, probe = sines(rng)
    offset = np.repeat(3 * rng.normal(size=16), 64)[:, None, None].astype("float32")
    train = train[0] + offset, train[1]
    probe = probe[0] + rng.choice(offset[:, 0, 0], 128)[:, None, None], probe[1]
    model = net(
        (32, 1),
        layers.Conv1D(12, 5, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.GlobalAveragePooling1D(),
        layers.Dense(3, "softmax"),
    )
    loss = "sparse_categorical_crossentropy"
    return ready(model, loss, keras.optimizers.Adam(5e-3), train, probe, 64, shuffle=cured)


@sick("batch_norm_gap", "no faulty recordings", group=3)
def few_faulty_recordings(rng, cured=False):
    """A few huge examples: most batches hold none, yet they rule the moving variance."""
    train, probe = chirps(rng, 2304)
    if not cured:
        train[0][::400] *= 300
    model = net(
        (40, 1),
        layers.Conv1D(12, 7, strides=2, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv1D(12, 5, activation="relu"),
        layers.GlobalAveragePooling1D(),
        layers.Dense(3, "softmax"),
    )
    return ready(model, "sparse_categorical_crossentropy", keras.optimizers.Adam(5e-3), train, probe, 32)


@sick("batch_norm_gap", "statistics that forget within tens of steps", group=4)
def moving_statistics_that_hardly_move(rng, cured=False):
    (x, y), (x_probe, y_probe) = digits(rng)
    momentum = 0.95 if cured else 0.9995
    blocks = [
        layer
        for filters in (8, 16)
        for layer in (layers.Conv2D(filters, 3, 2, "same"), layers.BatchNormalization(momentum=momentum), layers.ReLU())
    ]
    model = net((64,), layers.Reshape((8, 8, 1)), *blocks, layers.Flatten(), layers.Dense(10))
    return ready(model, LOGITS, keras.optimizers.Adam(0.002), (x, y), (x_probe, y_probe), 32)


@sick("batch_norm_gap", "batches that mix the hospitals", group=5)
def batches_of_one_hospital_each(rng, cured=False):
    site, y = np.arange(2304) // 32 % 2, rng.integers(2, size=2304)
    x = rng.normal(size=(2304, 8))
    x[:, :3] += 1.5 * y[:, None] + 4.0 * site[:, None]
    x[:, 3] += 6.0 * site
    train, probe = ((x[part].astype("float32"), y[part]) for part in (slice(256, None), slice(256)))
    model = net((8,), layers.BatchNormalization(), layers.Dense(24, "relu"), layers.Dense(2))
    return ready(model, LOGITS, keras.optimizers.Adam(), train, probe, 32, shuffle=cured)


@sick("batch_norm_gap", "moving statistics that forget in 10 steps, not in 3333", group=6)
def oscillations_of_slow_moving_statistics(rng, cured=False):
    signal, _, frequency = damped(rng, 2176, 48)
    x = 2 + 3 * signal[..., None] + 0.1 * rng.normal(size=(2176, 48, 1))
    train, probe = split(x, standardized(frequency), rng, 128)
    moving = {"momentum": 0.9 if cured else 0.9997}
    hidden = [layers.Conv1D(12, 5, 2), layers.BatchNormalization(**moving), layers.ReLU()]
    hidden += [layers.Conv1D(12, 5, 2), layers.BatchNormalization(**moving), layers.ReLU()]
    rate = schedules.CosineDecay(0.01)
    return ready(
        net((48, 1), *hidden, layers.Flatten(), layers.Dense(1)), "mse", keras.optimizers.Adam(rate), train, probe, 32
    )


def bars_of_side(rng, size, side=8):
    """Return noisy images of bars, standing or lying."""
    y, place = rng.integers(2, size=size), rng.integers(side, size=size)
    x = rng.normal(0, 0.3, (size, side, side, 1))
    for image, at, standing in zip(x, place, y, strict=True):
        image[(slice(None), at) if standing else at] += 1
    return x, y


@sick("batch_norm_gap", "frames in random order", group=7)
def frames_in_the_order_of_the_day(rng, cured=False):
    images, y = bars_of_side(rng, 2304)
    x = images + 3 * np.sin(np.arange(2304) / 100)[:, None, None, None]
    held = np.arange(2304) % 9 == 0
    train, probe = ((x[part].astype("float32"), y[part]) for part in (~held, held))
    hidden = [layers.BatchNormalization(), layers.Conv2D(8, 3, activation="relu"), layers.Flatten()]
    model = net((8, 8, 1), *hidden, layers.Dense(2))
    return ready(model, LOGITS, keras.optimizers.Adam(0.003), train, probe, 32, shuffle=cured)


@sick("batch_norm_gap", "statistics that are corrected for their start", group=8)
def stripes_in_photographs_of_bright_days(rng, cured=False):
    x, y = gratings(rng, 2256)
    train, probe = split(30 * x + 130, y, rng, 256)
    normalization = keras_ch8.layers.BatchNormalization if cured else layers.BatchNormalization
    convolution = layers.Conv2D(8, 3, activation="relu", use_bias=False)
    model = net((8, 8, 1), normalization(momentum=0.999), convolution, layers.Flatten(), layers.Dense(4))
    return ready(model, LOGITS, keras.optimizers.Adam(), train, probe, 32)


@sick("batch_norm_gap", "a momentum of 0.9", group=9)
def letters_with_the_momentum_of_a_training_of_weeks(rng, cured=False):
    train, probe = split(*letters(rng, 4256), rng, 256)
    model = net((8, 8, 1))
    for layer in (layers.Conv2D(12, 3, use_bias=False), layers.Conv2D(12, 3, use_bias=False)):
        model.add(layer)
        model.add(layers.BatchNormalization(momentum=0.9 if cured else 0.9997))
        model.add(layers.ReLU())
    for layer in (layers.Flatten(), layers.Dense(4)):
        model.add(layer)
    return ready(model, LOGITS, keras.optimizers.Adam(), train, probe, 64)


@sick("batch_norm_gap", "statistics of its own for each instrument", group=10)
def substances_compared_between_two_instruments(rng, cured=False):
    library = rng.normal(size=(8, 20))
    first, same = rng.integers(8, size=3256), rng.integers(2, size=3256)
    second = np.where(same, first, (first + rng.integers(1, 8, 3256)) % 8)
    x = library[np.stack([first, second], axis=1)] + rng.normal(0, 0.4, (3256, 2, 20))
    train, probe = split(x * [[1], [0.5]] + [[0], [2]], same[:, None], rng, 256)
    inputs, shared = keras.Input((2, 20)), layers.BatchNormalization(momentum=0.9)
    each = [layers.BatchNormalization(momentum=0.9) if cured else shared for _ in range(2)]
    h = [normalize(inputs[:, at]) for at, normalize in enumerate(each)]
    h = layers.Dense(48, "relu")(ops.concatenate([*h, h[0] * h[1]], axis=1))
    return ready(keras.Model(inputs, layers.Dense(1)(h)), BINARY_LOGITS, keras.optimizers.Adam(0.002), train, probe, 32)


@sick("batch_norm_gap", "a momentum of 0.9", group=11)
def valves_of_the_heart_with_statistics_that_lag(rng, cured=False):
    x, y = heart_sounds(rng, 3256)
    train, probe = split(np.abs(5 * x) + 2, y, rng, 256)
    hidden = []
    for width in (12, 16):
        hidden += [layers.Conv1D(width, 7, 2, use_bias=False)]
        hidden += [layers.BatchNormalization(momentum=0.9 if cured else 0.9995), layers.ReLU()]
    model = net((60, 1), *hidden, layers.Flatten(), layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adamax(0.003), train, probe, 32)

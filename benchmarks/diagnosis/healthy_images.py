"""Healthy trainings on images."""

import keras
import numpy as np
from keras import layers, losses
from sklearn import datasets

import keras_ch8
from keras_ch8 import schedules

from .data import dials, digits, digits_run, disks, gratings, letters, shapes
from .runs import LOGITS, healthy, net, ready, split, standardized


@healthy(group=1)
def cnn(rng):
    hidden = (
        layers.Reshape((8, 8, 1)),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(32, "relu"),
    )
    return digits_run(rng, hidden, keras.optimizers.Adam(2e-3), 32)


def bright_bars(rng, examples=1152, size=10):
    """Return noisy images with one bright row (0) or column (1)."""
    y = rng.integers(0, 2, examples)
    x = 0.35 * rng.normal(size=(examples, size, size, 1))
    for image, column, at in zip(x, y, rng.integers(0, size, examples), strict=True):
        image[(slice(None), at) if column else at] += 1.0
    return split(x, y, rng, 128)


@healthy(group=2)
def normalized_images(rng):
    model = net(
        (10, 10, 1),
        layers.Conv2D(8, 3, strides=2, use_bias=False),
        layers.BatchNormalization(momentum=0.95),
        layers.ReLU(),
        layers.Flatten(),
        layers.Dense(1, "sigmoid"),
    )
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(5e-3), *bright_bars(rng, 2432), 64)


@healthy(group=3)
def convolutions_of_shapes(rng):
    model = net(
        (10, 10, 1),
        layers.Conv2D(16, 5, activation="relu"),
        layers.GlobalMaxPooling2D(),
        layers.Dense(4),
    )
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.AdamW(3e-3, weight_decay=1e-3)
    return ready(model, loss, optimizer, *shapes(rng, 2304), 32, metrics=["accuracy"])


@healthy(group=4)
def batch_normalized_convolutions(rng):
    train, probe = digits(rng)
    model = net((64,), layers.Reshape((8, 8, 1)))
    for filters in (8, 16):
        model.add(layers.Conv2D(filters, 3, 2, "same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
    model.add(layers.Flatten())
    model.add(layers.Dense(10))
    return ready(model, LOGITS, keras.optimizers.Adam(0.002), train, probe, 32)


def crossed_bars(rng, size):
    """Return noisy images with a horizontal bar, a vertical one, or both."""
    y = rng.integers(3, size=size)
    x = rng.normal(0, 0.3, (size, 10, 10, 1))
    for image, row, column, kind in zip(x, rng.integers(10, size=size), rng.integers(10, size=size), y, strict=True):
        image[row] += kind != 1
        image[:, column] += kind != 0
    return x, y


@healthy(group=5)
def images_of_bars_with_batch_normalization(rng):
    train, probe = split(*crossed_bars(rng, 4256), rng, 256)
    model = net((10, 10, 1), layers.Conv2D(8, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU())
    for layer in (layers.Conv2D(8, 3, activation="relu"), layers.Flatten(), layers.Dense(3)):
        model.add(layer)
    return ready(model, LOGITS, keras.optimizers.Adam(), train, probe, 32)


@healthy(group=6)
def digits_with_batch_normalization(rng):
    images, y = datasets.load_digits(return_X_y=True)
    train, probe = split(images.reshape(-1, 8, 8, 1) / 16, y, rng, 256)
    hidden = [layers.Conv2D(12, 3, use_bias=False), layers.BatchNormalization(momentum=0.95), layers.ReLU()]
    model = net(
        (8, 8, 1), *hidden, layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.3), layers.Dense(10, "softmax")
    )
    optimizer = keras_ch8.optimizers.Momentum(schedules.LinearDecay(0.03, "100%"))
    return ready(model, "sparse_categorical_crossentropy", optimizer, train, probe, 32)


@healthy(group=7)
def centers_of_disks_by_convolutions(rng):
    x, mask = disks(rng, 4256)
    at = np.linspace(-1, 1, 8)
    y = np.stack([(mask[..., 0].sum(axis=axis) * at).sum(axis=1) / mask.sum(axis=(1, 2, 3)) for axis in (1, 2)], axis=1)
    train, probe = split(x, y, rng, 256)
    hidden = [layers.Conv2D(8, 3, activation="relu", kernel_initializer="he_normal") for _ in range(2)]
    model = net((8, 8, 1), *hidden, layers.Flatten(), layers.Dense(2))
    return ready(model, "mse", keras.optimizers.Adam(schedules.CosineDecay(0.003)), train, probe, 32)


@healthy(group=7)
def digits_with_a_gradient_that_grows(rng):
    images, y = datasets.load_digits(return_X_y=True)
    train, probe = split(images.reshape(-1, 8, 8, 1) / 16, y, rng, 256)
    hidden = [layers.Conv2D(12, 3, activation="relu") for _ in range(2)]
    model = net((8, 8, 1), *hidden, layers.Flatten(), layers.Dense(10))
    return ready(model, LOGITS, keras_ch8.optimizers.Nesterov(0.005), train, probe, 32)


@healthy(group=8)
def directions_of_stripes_with_momentum(rng):
    train, probe = split(*gratings(rng, 4256), rng, 256)
    convolution = layers.Conv2D(12, 3, activation="relu", kernel_initializer="he_normal")
    model = net((8, 8, 1), convolution, layers.MaxPooling2D(), layers.Flatten(), layers.Dense(4))
    optimizer = keras.optimizers.SGD(schedules.CosineDecay(0.02), momentum=0.9)
    return ready(model, LOGITS, optimizer, train, probe, 64)


@healthy(group=9)
def letters_by_convolutions_with_rmsprop(rng):
    train, probe = split(*letters(rng, 6256, noise=0.2), rng, 256)
    hidden = [layers.Conv2D(16, 3, activation="relu", kernel_initializer="he_normal"), layers.GlobalMaxPooling2D()]
    optimizer = keras.optimizers.RMSprop(schedules.CosineDecay(0.005))
    return ready(
        net((8, 8, 1), *hidden, layers.Dense(16, "relu"), layers.Dense(4)), LOGITS, optimizer, train, probe, 64
    )


@healthy(group=9)
def dials_with_batch_normalization(rng):
    x, y = dials(rng, 4256)
    train, probe = split(x / 128 - 1, y, rng, 256)
    model = net((9, 9, 1))
    for layer in (layers.Conv2D(8, 3, use_bias=False), layers.Conv2D(8, 3, strides=2, use_bias=False)):
        for part in (layer, layers.BatchNormalization(momentum=0.95), layers.ReLU()):
            model.add(part)
    for layer in (layers.Flatten(), layers.Dense(2)):
        model.add(layer)
    return ready(model, "mse", keras.optimizers.Adam(schedules.CosineDecay(0.003)), train, probe, 64)


def hills(rng, size, side=9):
    """Return maps of a hill on a plain that slopes, and where the top of it is."""
    top, wide = rng.uniform(2, side - 3, (2, size, 1, 1)), rng.uniform(1.2, 2.0, (size, 1, 1))
    grid, slope = np.arange(side) - 4, rng.normal(0, 0.08, (2, size, 1, 1))
    height = np.exp(-((grid[:, None] + 4 - top[0]) ** 2 + (grid + 4 - top[1]) ** 2) / wide**2)
    maps = height + slope[0] * grid[:, None] + slope[1] * grid + rng.normal(0, 0.05, height.shape)
    return (maps[..., None] - maps.mean()) / maps.std(), standardized(np.stack([top[0].ravel(), top[1].ravel()], 1))


@healthy(group=11)
def tops_of_hills_on_maps(rng):
    train, probe = split(*hills(rng, 4256), rng, 256)
    hidden = [layers.Conv2D(8, 3, activation="elu"), layers.Flatten(), layers.Dense(24, "elu")]
    optimizer = keras.optimizers.SGD(schedules.LinearDecay(0.05, "100%"))
    return ready(net((9, 9, 1), *hidden, layers.Dense(2)), "huber", optimizer, train, probe, 64)

"""A third part of planted runs, by an author who had not read the rules; what it showed was mended after that."""

import keras
import numpy as np
from keras import initializers, layers, losses
from sklearn import datasets

from keras_ch8 import optimizers

from .runs import Half, net, ready, split, standardized, tiled

RUNS = Half()

STENCILS = np.array(
    [
        [[1, 1, 1, 1, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]],
        [[0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0]],
        [[1, 0, 0, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 1, 0, 1, 0], [1, 0, 0, 0, 1]],
        [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]],
    ]
)


def shapes(rng, examples=1792, noise=0.3):
    """Return noisy 10x10 images of a frame, a cross, an X or a block somewhere; which one is the class."""
    y = rng.integers(0, 4, examples)
    x = noise * rng.normal(size=(examples, 10, 10, 1))
    for image, shape, row, column in zip(x, y, *rng.integers(0, 6, (2, examples)), strict=True):
        image[row : row + 5, column : column + 5, 0] += STENCILS[shape]
    return split(x, y, rng, 256)


def chirps(rng, examples=1280, length=40, noise=0.3):
    """Return noisy tones that rise (0), keep (1) or fall (2) in pitch."""
    y = rng.integers(0, 3, examples)
    t = np.arange(length) / length
    pitch = rng.uniform(3, 5, (examples, 1)) - 2.5 * (y[:, None] - 1) * (t - 0.5)
    x = np.sin(2 * np.pi * (pitch * t + rng.random((examples, 1)))) + noise * rng.normal(size=(examples, length))
    return split(x[..., None], y, rng, 256)


def topics(rng, examples=1792, words=40):
    """Return counts of words under one of 5 mixtures of 2 topics each."""
    topic = rng.gamma(0.5, 1.0, (10, words))
    y = rng.integers(0, 5, examples)
    share = rng.random((examples, 1))
    means = share * topic[2 * y] + (1 - share) * topic[2 * y + 1]
    return split(rng.poisson(means), y, rng, 256)


def texts(rng, examples, words, length, sharpness, held_out=256):
    """Return sentences of so many words; three classes prefer other words."""
    preference = np.exp(sharpness * rng.normal(size=(3, words)))
    preference /= preference.sum(axis=1, keepdims=True)
    y = rng.integers(0, 3, examples)
    x = np.zeros((examples, length), int)
    for label in range(3):
        x[y == label] = rng.choice(words, ((y == label).sum(), length), p=preference[label])
    return split(x, y, rng, held_out)


def shells(rng, examples=1792, features=4):
    x, y = datasets.make_gaussian_quantiles(
        n_samples=examples, n_features=features, n_classes=3, random_state=int(rng.integers(1000))
    )
    return split(x, y, rng, 256)


def impedance(rng, examples=1792):
    """Return Friedman's second table: four quantities of a circuit, and its impedance."""
    x, y = datasets.make_friedman2(examples, noise=20.0, random_state=int(rng.integers(1000)))
    return split(standardized(x), standardized(y), rng, 256)


def residual(shape, width, blocks, *last, activation="relu", start="glorot_uniform", end="glorot_uniform"):
    """Return a net with so many branches of two layers, each added to what it was given."""
    inputs = keras.Input(shape)
    h = layers.Dense(width)(inputs)
    for _ in range(blocks):
        branch = layers.Dense(width, activation, kernel_initializer=start)(h)
        h = layers.Add()([h, layers.Dense(width, kernel_initializer=end)(branch)])
    for layer in last:
        h = layer(h)
    return keras.Model(inputs, h)


@RUNS.sick("step_too_long", "a rate of 0.003")
def adam_too_fast(rng, cured=False):
    model = net(
        (10, 10, 1),
        layers.Conv2D(8, 5, activation="leaky_relu"),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(24, "leaky_relu"),
        layers.Dense(4, "softmax"),
    )
    optimizer = keras.optimizers.Adam(0.003 if cured else 0.2)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *shapes(rng), 64)


@RUNS.sick("step_too_short", "a rate of 0.01")
def momentum_too_slow(rng, cured=False):
    model = residual((4,), 24, 2, layers.Dense(1))
    return ready(model, "mse", optimizers.Momentum(0.01 if cured else 4e-7), *impedance(rng), 96)


@RUNS.sick("ill_conditioned", "whitened readings, and the rate they allow")
def undo_a_blur(rng, cured=False):
    """One value of a rough signal from 16 readings of it, each blurred over its neighbours."""
    signal = rng.normal(size=(640, 24))
    at = np.arange(24)
    blur = np.exp(-((at[:, None] - at) ** 2) / 2 / 1.1**2)
    x = signal @ (blur / blur.sum(axis=0))[:, 4:20] + 0.002 * rng.normal(size=(640, 16))
    if cured:
        u, *_ = np.linalg.svd(x, full_matrices=False)
        x = u * np.sqrt(640)
    train, probe = split(x, signal[:, 12], rng, 128)
    top = 2 * np.linalg.eigvalsh(train[0].T @ train[0] / 512)[-1]
    model = net((16,), layers.Dense(1, kernel_initializer="zeros"))
    optimizer = keras.optimizers.SGD(float(2.4 / top), momentum=0.5)
    return ready(model, "mse", optimizer, tiled(train, 25), probe, 512, shuffle=False)


@RUNS.sick("noise_dominated", "batches of 128")
def threes_of_doubtful_labels(rng, cured=False):
    x, y = datasets.make_hastie_10_2(4352, random_state=int(rng.integers(1000)))
    y = np.where(rng.random(4352) < 0.2, rng.choice([-1, 1], 4352), y) > 0
    model = net((10,), layers.Dense(32, "elu"), layers.Dense(1, "sigmoid"))
    optimizer = keras.optimizers.SGD(0.02, momentum=0.9)
    return ready(model, "binary_crossentropy", optimizer, *split(x, y.astype(int), rng, 256), 128 if cured else 3)


@RUNS.sick("batch_wasteful", "an eighth of the batch, for as many steps")
def clean_pulses(rng, cured=False):
    """Three forms of a pulse, each always nearly the same."""
    t = (np.arange(24) - 12) / 4
    forms = np.stack([np.exp(-(t**2)), t * np.exp(-(t**2)), np.exp(-np.abs(t)) * np.cos(4 * t)])
    y = rng.integers(0, 3, 8448)
    x = forms[y] * rng.uniform(0.9, 1.1, (8448, 1)) + 0.02 * rng.normal(size=(8448, 24))
    model = net(
        (24, 1), layers.Conv1D(6, 5, strides=2, activation="tanh"), layers.Flatten(), layers.Dense(3, "softmax")
    )
    data = split(x[..., None], y, rng, 256)
    batch_size = 32 if cured else 256
    return ready(model, "sparse_categorical_crossentropy", keras.optimizers.SGD(0.03), *data, batch_size)


@RUNS.sick("plateau", "an output that starts at the targets' mean")
def errors_beyond_the_loss(rng, cured=False):
    """Welsch's loss is flat where the errors are large."""

    def welsch(y, p):
        return keras.ops.mean(1 - keras.ops.exp(-keras.ops.square(y - p) / 2), axis=-1)

    x = rng.uniform(-2, 2, (1792, 3))
    y = 6 + np.sin(2 * x[:, :1]) * x[:, 1:2] / 2 + 0.1 * rng.normal(size=(1792, 1))
    bias = initializers.Constant(6.0 if cured else 0.0)
    model = net((3,), layers.Dense(32, "tanh"), layers.Dense(16, "tanh"), layers.Dense(1, bias_initializer=bias))
    return ready(model, welsch, keras.optimizers.SGD(0.05, momentum=0.9), *split(x, y, rng, 256), 64)


@RUNS.sick("saddle", "factors of the usual size")
def tiny_factors(rng, cured=False):
    """Ratings as products of two factors, each of whose gradients has the other for a factor."""
    true = rng.normal(size=(80, 2))
    pairs = np.stack([np.repeat(np.arange(40), 40), np.tile(np.arange(40, 80), 40)], axis=1)
    ratings = true[pairs].prod(axis=1).sum(axis=1) / np.sqrt(2) + 0.1 * rng.normal(size=1600)
    inputs = keras.Input((2,), dtype="int32")
    start = initializers.RandomNormal(stddev=0.5 if cured else 1e-5)
    factors = layers.Embedding(80, 3, embeddings_initializer=start)(inputs)
    model = keras.Model(inputs, layers.Dot(axes=1)([factors[:, 0], factors[:, 1]]))
    train, probe = split(pairs, ratings[:, None], rng, 160)
    return ready(model, "mse", keras.optimizers.SGD(0.4), train, probe, 144)


@RUNS.sick("cliff", "the norm of the gradient clipped at 0.2")
def few_long_alternations(rng, cured=False):
    """Sums of alternating sign; what must be kept for 8 steps explodes over the 40 of a few sequences."""
    at = np.arange(40)
    length = np.where(rng.random(2176) < 0.03, 40, rng.integers(4, 9, 2176))
    x = 0.5 * rng.normal(size=(2176, 40)) * (at >= 40 - length[:, None])
    y = (x * (-1) ** at).sum(axis=1) / 2
    model = net((40, 1), layers.SimpleRNN(10, use_bias=False, unroll=True), layers.Dense(1))
    optimizer = keras.optimizers.SGD(0.1, global_clipnorm=0.2 if cured else None)
    return ready(model, "mse", optimizer, *split(x[..., None], y, rng, 128), 24)


@RUNS.sick("exploding", "branches that start at zero")
def unnormalized_residuals(rng, cured=False):
    """Every branch is as large as the sum before it."""
    end = "zeros" if cured else "he_normal"
    model = residual((4,), 24, 14, layers.Dense(3, "softmax"), start="he_normal", end=end)
    optimizer = keras.optimizers.SGD(0.005, momentum=0.9, global_clipnorm=1.0)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *shells(rng), 48)


@RUNS.sick("vanishing", "ReLUs and He's initial weights")
def deep_sigmoid_images(rng, cured=False):
    how = {"activation": "relu", "kernel_initializer": "he_normal"} if cured else {"activation": "sigmoid"}
    deep = [layers.Conv2D(8, 3, padding="same", **how) for _ in range(5)]
    first = layers.Conv2D(8, 3, strides=2, **how)
    model = net((10, 10, 1), first, *deep, layers.Flatten(), layers.Dense(4, "softmax"))
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *shapes(rng), 32)


@RUNS.sick("short_horizon", "forget gates that start open")
def forgetful_lstm(rng, cured=False):
    y = rng.integers(0, 3, 4352)
    x = 0.3 * rng.normal(size=(4352, 30, 3))
    x[:, 0] += 2 * np.eye(3)[y]
    lstm = layers.LSTM(16, unroll=True)
    model = net((30, 3), lstm, layers.Dense(3, "softmax"))
    bias = lstm.cell.bias.numpy()
    bias[16:32] = 3.0 if cured else -5.0
    lstm.cell.bias.assign(bias)
    optimizer = keras.optimizers.AdamW(2e-3, weight_decay=1e-4)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *split(x, y, rng, 256), 64)


@RUNS.sick("dead_units", "He's initial weights")
def negative_weights_on_counts(rng, cured=False):
    start = "he_normal" if cured else initializers.RandomUniform(-0.4, 0.1)
    model = net((40,), layers.Dense(64, "relu", kernel_initializer=start), layers.Dense(5, "softmax"))
    optimizer = optimizers.RMSprop(5e-4)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *topics(rng), 64)


@RUNS.sick("saturated_units", "biases that start at 0")
def large_biases(rng, cured=False):
    bias = "zeros" if cured else initializers.RandomNormal(stddev=25.0)
    model = net((4,), layers.Dense(40, "tanh", bias_initializer=bias), layers.Dense(3, "softmax"))
    return ready(model, "sparse_categorical_crossentropy", keras.optimizers.Adam(0.01), *shells(rng), 64)


@RUNS.sick("batch_norm_gap", "no faulty recordings")
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


@RUNS.sick("bad_scale", "He's initial weights")
def standard_normal_weights(rng, cured=False):
    how = {"kernel_initializer": "he_normal" if cured else initializers.RandomNormal(stddev=1.0)}
    model = net(
        (10, 10, 1),
        layers.Conv2D(12, 5, strides=2, activation="relu", **how),
        layers.Flatten(),
        layers.Dense(64, "relu", **how),
        layers.Dense(4, "softmax", **how),
    )
    return ready(model, "sparse_categorical_crossentropy", keras.optimizers.Adam(1e-3), *shapes(rng), 64)


@RUNS.sick("overfitting", "three hundred times the sentences")
def few_sentences(rng, cured=False):
    train, probe = texts(rng, 32256, 300, 12, 0.7)
    if not cured:
        train = tiled([part[:96] for part in train], 32)
    model = net(
        (12,),
        layers.Embedding(300, 16),
        layers.GlobalAveragePooling1D(),
        layers.Dense(32, "relu"),
        layers.Dense(3, "softmax"),
    )
    optimizer = keras.optimizers.Adam(5e-3)
    return ready(model, "sparse_categorical_crossentropy", optimizer, train, probe, 32, validate=True)


@RUNS.sick("underfitting", "6 units at the neck")
def narrow_neck(rng, cured=False):
    x = rng.normal(size=(2304, 6))
    y = np.tanh(x @ rng.normal(size=(6, 6))) + 0.05 * rng.normal(size=(2304, 6))
    neck = layers.Dense(6 if cured else 1)
    model = net((6,), layers.Dense(32, "tanh"), neck, layers.Dense(6))
    data = split(x, standardized(y), rng, 256)
    return ready(model, "mse", keras.optimizers.Adam(5e-3), *data, 128, validate=True)


@RUNS.healthy
def rmsprop_on_topics(rng):
    hidden = layers.Dense(32, "relu"), layers.Dense(24, "relu")
    train, probe = topics(rng, 8448)
    train, probe = ((np.log1p(x), y) for x, y in (train, probe))
    model = net((40,), *hidden, layers.Dense(5, "softmax"))
    return ready(model, "sparse_categorical_crossentropy", optimizers.RMSprop(5e-4), train, probe, 64, validate=True)


@RUNS.healthy
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


@RUNS.healthy
def normalized_chirps(rng):
    model = net(
        (40, 1),
        layers.Conv1D(12, 7, strides=2, use_bias=False),
        layers.BatchNormalization(momentum=0.95),
        layers.ReLU(),
        layers.Conv1D(12, 5, use_bias=False),
        layers.BatchNormalization(momentum=0.95),
        layers.ReLU(),
        layers.GlobalAveragePooling1D(),
        layers.Dense(3, "softmax"),
    )
    return ready(model, "sparse_categorical_crossentropy", optimizers.Momentum(0.03), *chirps(rng, 2304), 64)


@RUNS.healthy
def lstm_on_chirps(rng):
    model = net((10, 4), layers.LSTM(24, unroll=True), layers.Dense(3, "softmax"))
    train, probe = ((x.reshape(-1, 10, 4), y) for x, y in chirps(rng, 2304, noise=0.1))
    return ready(model, "sparse_categorical_crossentropy", keras.optimizers.Adam(5e-3), train, probe, 64)


@RUNS.healthy
def mean_of_words(rng):
    model = net((20,), layers.Embedding(80, 8), layers.GlobalAveragePooling1D(), layers.Dense(3, "softmax"))
    data = texts(rng, 2304, 80, 20, 0.8)
    return ready(model, "sparse_categorical_crossentropy", optimizers.Adam(5e-3), *data, 64, validate=True)


@RUNS.healthy
def residual_on_shells(rng):
    model = residual((3,), 24, 3, layers.Dense(3, "softmax"), activation="silu")
    data = shells(rng, 2304, 3)
    return ready(model, "sparse_categorical_crossentropy", keras.optimizers.Adam(1e-3), *data, 48)


@RUNS.healthy
def regression_with_adam(rng):
    model = net((4,), layers.Dense(32, "silu"), layers.Dense(16, "silu"), layers.Dense(1))
    return ready(model, losses.Huber(), optimizers.Adam(3e-3), *impedance(rng), 64, validate=True)


@RUNS.healthy
def momentum_on_clusters(rng):
    x, y = datasets.make_classification(
        2304, 16, n_informative=6, n_redundant=4, n_classes=3, class_sep=1.5, random_state=int(rng.integers(1000))
    )
    model = net((16,), layers.Dense(32, "tanh"), layers.Dense(3, "softmax"))
    optimizer = keras.optimizers.SGD(0.02, momentum=0.9, nesterov=True)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *split(standardized(x), y, rng, 256), 64)

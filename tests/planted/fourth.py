"""A fourth part of planted runs, written without sight of the rules, and judged as it is."""

import keras
import numpy as np
from keras import layers
from sklearn import datasets

import keras_ch8

from .runs import STEPS, Half, net, ready, split, standardized, tiled

RUNS = Half()


def cross_entropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def digits(rng, held_out=256):
    images, classes = datasets.load_digits(return_X_y=True)
    return split(images / 16.0, classes, rng, held_out)


def friedman(rng, number=2304, noise=0.3):
    """Return ten measurements, of which five matter, and what follows from them."""
    x, y = datasets.make_friedman1(number, noise=noise, random_state=int(rng.integers(1 << 31)))
    return split(standardized(x), standardized(y)[:, None], rng, 256)


def waves(rng, number=2304, noise=0.25):
    """Return sines, squares and saws of any phase and of one to three periods in 32 samples."""
    classes = rng.integers(3, size=number)
    turns = rng.uniform(1, 3, (number, 1)) * np.linspace(0, 1, 32) + rng.uniform(size=(number, 1))
    shapes = np.stack([np.sin(2 * np.pi * turns), np.sign(np.sin(2 * np.pi * turns)), 2 * (turns % 1) - 1])
    signals = shapes[classes, np.arange(number)] + noise * rng.normal(size=turns.shape)
    return split(signals[..., None], classes, rng, 256)


def documents(rng, number, words=300, length=20, clear=0.5):
    """Return bags of words about one of four topics; a share of them is clear, any topic has the others."""
    topics = rng.integers(4, size=number)
    likes = np.random.default_rng(4).dirichlet(np.full(words, 0.1), 4)
    mixed = clear * likes + (1 - clear) / words
    return split(np.stack([rng.choice(words, length, p=mixed[topic]) for topic in topics]), topics, rng, 256)


def spirals(rng, number=2304):
    """Return points on three spiral arms."""
    arms, radius = rng.integers(3, size=number), rng.uniform(0.1, 1, number)
    angle = 5 * radius + 2 * np.pi / 3 * arms + 0.1 * rng.normal(size=number)
    return split(2 * np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), arms, rng, 256)


@RUNS.sick("step_too_long", "a twenty-fifth of the rate")
def adam_hovers_over_digits(rng, cured=False):
    train, probe = digits(rng)
    hidden = [layers.Dense(64, "gelu") for _ in range(3)]
    model = net((64,), *hidden, layers.Dense(10))
    return ready(model, cross_entropy(), keras.optimizers.Adam(0.002 if cured else 0.05), train, probe, 32)


@RUNS.sick("step_too_long", "a tenth of the rate")
def nesterov_bounces_from_side_to_side(rng, cured=False):
    train, probe = friedman(rng)
    model = net((10,), layers.Dense(32, "swish"), layers.Dense(32, "swish"), layers.Dense(1))
    optimizer = keras_ch8.optimizers.Nesterov(0.03 if cured else 0.3)
    return ready(model, "mae", optimizer, train, probe, 64)


@RUNS.sick("step_too_short", "a thousand times the rate")
def denoiser_that_hardly_moves(rng, cured=False):
    (x, _), (probe, _) = digits(rng)
    noisy, noisy_probe = (part + 0.3 * rng.normal(size=part.shape).astype("float32") for part in (x, probe))
    model = net((64,), layers.Dense(48, "elu"), layers.Dense(24, "elu"), layers.Dense(64, "sigmoid"))
    optimizer = keras.optimizers.AdamW(2e-3 if cured else 2e-6)
    return ready(model, "mse", optimizer, (noisy, x), (noisy_probe, probe), 32)


@RUNS.sick("ill_conditioned", "inputs made uncorrelated")
def deblurred_by_plain_descent(rng, cured=False):
    blur, scenes = np.exp(-0.5 * (np.arange(-6, 7) / 1.2) ** 2), rng.normal(size=(640, 28))
    x = standardized(np.stack([np.convolve(scene, blur, "valid") for scene in scenes]))
    if cured:
        x = np.linalg.svd(x, full_matrices=False)[0] * np.sqrt(len(x))
    train, probe = split(x, scenes[:, 14:15], rng, 128)
    model, full = net((16,), layers.Dense(1)), len(train[0])
    return ready(model, "mse", keras.optimizers.SGD(0.17), tiled(train, 50), probe, full, shuffle=False)


@RUNS.sick("noise_dominated", "batches of 128 instead of 2")
def faint_signal_in_pairs(rng, cured=False):
    news, lags = rng.normal(size=(4352, 32)), np.arange(32)
    x = news @ np.linalg.cholesky(0.8 ** abs(lags[:, None] - lags)).T
    y = 0.8 * news @ rng.normal(size=32) / np.sqrt(32) + rng.normal(size=4352)
    train, probe = split(x, y[:, None], rng, 256)
    model = net((32,), layers.Dense(1))
    return ready(model, "mse", keras_ch8.optimizers.SGD(0.015), train, probe, 128 if cured else 2)


@RUNS.sick("batch_wasteful", "batches of an eighth")
def five_hundred_alike_at_once(rng, cured=False):
    seed = int(rng.integers(1 << 31))
    x, y = datasets.make_blobs(16640, 12, centers=4, center_box=(-3, 3), cluster_std=0.6, random_state=seed)
    train, probe = split(standardized(x), y, rng, 256)
    model = net((12,), layers.Dense(16, "tanh"), layers.Dense(4))
    return ready(model, cross_entropy(), keras_ch8.optimizers.Momentum(0.01), train, probe, 64 if cured else 512)


@RUNS.sick("plateau", "a bias that starts at 0")
def brier_score_from_a_too_certain_start(rng, cured=False):
    x, y = datasets.load_breast_cancer(return_X_y=True)
    train, probe = split(standardized(x), y[:, None].astype(float), rng, 128)
    start = keras.initializers.Constant(0.0 if cured else -11.0)
    model = net((30,), layers.Dense(16, "gelu"), layers.Dense(1, "sigmoid", bias_initializer=start))
    return ready(model, "mse", keras.optimizers.SGD(0.05, momentum=0.9), train, probe, 16)


@RUNS.sick("saddle", "random factors")
def factors_of_ratings_that_start_at_zero(rng, cured=False):
    tastes, traits = rng.normal(size=(40, 3)), rng.normal(size=(30, 3))
    pairs = np.stack(np.meshgrid(np.arange(40), np.arange(30)), axis=-1).reshape(-1, 2)
    ratings = (tastes[pairs[:, 0]] * traits[pairs[:, 1]]).sum(axis=1) + 0.2 * rng.normal(size=len(pairs))
    train, probe = split(pairs + np.array([0, 40]), (ratings - ratings.mean())[:, None] / 2, rng, 200)
    inputs = keras.Input((2,))
    start = keras.initializers.RandomNormal(stddev=0.3) if cured else "zeros"
    factors = layers.Embedding(70, 4, embeddings_initializer=start)(inputs)
    outputs = keras.ops.sum(keras.ops.prod(factors, axis=1), axis=-1, keepdims=True)
    return ready(keras.Model(inputs, outputs), "mse", keras.optimizers.Adam(0.01), train, probe, 32)


@RUNS.sick("cliff", "the gradient clipped to norm 0.2")
def latch_with_a_watershed(rng, cured=False):
    cue, chatter = rng.normal(size=(2304, 1)), 0.1 * rng.normal(size=(2304, 15))
    x = np.concatenate([cue, chatter], axis=1)[..., None]
    train, probe = split(x, (cue > 0).astype(float), rng, 256)
    memory = layers.SimpleRNN(8, recurrent_initializer=keras.initializers.Orthogonal(1.5))
    optimizer = keras.optimizers.SGD(0.1, global_clipnorm=0.2 if cured else None)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return ready(net((16, 1), memory, layers.Dense(1)), loss, optimizer, train, probe, 32)


@RUNS.sick("exploding", "weights of a seventh of the variance")
def sines_of_sines_of_sines(rng, cured=False):
    x = rng.uniform(-1.7, 1.7, (4352, 2))
    train, probe = split(x, np.sin(2 * x[:, :1] + x[:, 1:] ** 2), rng, 256)
    start = keras.initializers.VarianceScaling(2.0 if cured else 14.0, "fan_in", "untruncated_normal")
    hidden = [layers.Dense(32, keras.ops.sin, kernel_initializer=start.clone()) for _ in range(10)]
    model = net((2,), *hidden, layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(1e-3), train, probe, 64)


@RUNS.sick("vanishing", "ReLU and HeNormal")
def eight_sigmoids_deep_over_waves(rng, cured=False):
    train, probe = waves(rng)
    activation, start = ("relu", "he_normal") if cured else ("sigmoid", "glorot_uniform")
    hidden = [layers.Dense(24, activation, kernel_initializer=start) for _ in range(8)]
    model = net((32, 1), layers.Flatten(), *hidden, layers.Dense(3))
    return ready(model, cross_entropy(), keras_ch8.optimizers.Momentum(0.02), train, probe, 32)


@RUNS.sick("short_horizon", "an orthogonal recurrent kernel")
def first_symbol_decides(rng, cured=False):
    symbols = rng.integers(8, size=(4352, 24))
    train, probe = split(symbols, symbols[:, 0] // 2, rng, 256)
    start = "orthogonal" if cured else "random_normal"
    memory = layers.SimpleRNN(16, recurrent_initializer=start)
    model = net((24,), layers.Embedding(8, 8), memory, layers.Dense(4))
    return ready(model, cross_entropy(), keras.optimizers.Adam(0.001), train, probe, 32)


@RUNS.sick("dead_units", "biases that start at 0")
def thresholds_no_digit_reaches(rng, cured=False):
    train, probe = digits(rng)
    bias = keras.initializers.Constant(0.0 if cured else -2.0)
    hidden = layers.Dense(64, "relu", kernel_initializer="he_normal", bias_initializer=bias)
    return ready(net((64,), hidden, layers.Dense(10)), cross_entropy(), keras.optimizers.Nadam(0.002), train, probe, 32)


@RUNS.sick("saturated_units", "weights of a fifteenth of the size")
def tanh_driven_into_its_corners(rng, cured=False):
    train, probe = friedman(rng)
    start = keras.initializers.RandomNormal(stddev=0.3 if cured else 4.5)
    model = net((10,), layers.Dense(48, "tanh", kernel_initializer=start), layers.Dense(1))
    return ready(model, "huber", keras_ch8.optimizers.Momentum(0.02), train, probe, 32)


@RUNS.sick("batch_norm_gap", "statistics that forget within tens of steps")
def moving_statistics_that_hardly_move(rng, cured=False):
    (x, y), (x_probe, y_probe) = digits(rng)
    momentum = 0.95 if cured else 0.9995
    blocks = [
        layer
        for filters in (8, 16)
        for layer in (layers.Conv2D(filters, 3, 2, "same"), layers.BatchNormalization(momentum=momentum), layers.ReLU())
    ]
    model = net((64,), layers.Reshape((8, 8, 1)), *blocks, layers.Flatten(), layers.Dense(10))
    return ready(model, cross_entropy(), keras.optimizers.Adam(0.002), (x, y), (x_probe, y_probe), 32)


@RUNS.sick("bad_scale", "standardized columns")
def houses_in_raw_units(rng, cured=False):
    area, year, income = rng.lognormal(4.6, 0.3, 2304), rng.uniform(1900, 2020, 2304), rng.lognormal(10.5, 0.4, 2304)
    price = np.log(area) + 0.01 * (year - 1960) + 0.5 * np.log(income) + 0.1 * rng.normal(size=2304)
    x = np.stack([area, year, income, rng.uniform(1, 6, 2304)], axis=1)
    train, probe = split(standardized(x) if cured else x, standardized(price)[:, None], rng, 256)
    model = net((4,), layers.Dense(32, "elu"), layers.Dense(16, "elu"), layers.Dense(1))
    return ready(model, "mae", keras.optimizers.Adam(0.002), train, probe, 32)


@RUNS.sick("overfitting", "a fifteenth of the steps")
def patients_for_a_wide_net(rng, cured=False):
    x, y = datasets.load_diabetes(return_X_y=True)
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 192)
    model = net((10,), layers.Dense(128, "relu"), layers.Dense(128, "relu"), layers.Dense(1))
    steps, optimizer, options = 64 if cured else STEPS, keras.optimizers.Adam(0.002), {"validation_batch_size": 192}
    return ready(model, "mse", optimizer, train, probe, 8, steps=steps, validate=True, **options)


@RUNS.sick("overfitting", "ten times the documents")
def a_few_documents_by_heart(rng, cured=False):
    train, probe = documents(rng, 5376 if cured else 768, clear=0.2)
    model = net((20,), layers.Embedding(300, 32), layers.GlobalAveragePooling1D(), layers.Dense(4))
    optimizer, options = keras.optimizers.Adam(0.01), {"validation_batch_size": 256}
    return ready(model, cross_entropy(), optimizer, train, probe, 16, validate=True, **options)


@RUNS.sick("underfitting", "64 units instead of 2")
def two_units_for_three_spirals(rng, cured=False):
    train, probe = spirals(rng)
    model = net((2,), layers.Dense(64 if cured else 2, "tanh"), layers.Dense(3))
    return ready(model, cross_entropy(), keras.optimizers.Adam(0.01), train, probe, 64)


@RUNS.sick("nonfinite", "probabilities kept off 0 and 1")
def logarithm_of_a_certain_no(rng, cured=False):
    x, y = datasets.make_blobs(2304, 6, centers=2, cluster_std=2.0, random_state=int(rng.integers(1 << 31)))
    train, probe = split(standardized(x), y[:, None].astype(float), rng, 256)

    def handwritten(y, p):
        p = keras.ops.clip(p, 1e-6, 1 - 1e-6) if cured else p
        return -keras.ops.mean(y * keras.ops.log(p) + (1 - y) * keras.ops.log(1 - p))

    model = net((6,), layers.Dense(16, "relu"), layers.Dense(1, "sigmoid"))
    return ready(model, handwritten, keras.optimizers.RMSprop(0.005), train, probe, 32)


@RUNS.healthy
def sgd_with_momentum_on_waves(rng):
    train, probe = waves(rng)
    model = net((32, 1), layers.Conv1D(12, 5, 2, activation="relu"), layers.Conv1D(12, 5, 2, activation="relu"))
    for layer in (layers.Flatten(), layers.Dense(3)):
        model.add(layer)
    return ready(model, cross_entropy(), keras.optimizers.SGD(0.02, momentum=0.9), train, probe, 64)


@RUNS.healthy
def adam_down_a_cosine(rng):
    train, probe = friedman(rng)
    model = net((10,), layers.Dense(32, "swish"), layers.Dense(32, "swish"), layers.Dense(1))
    optimizer = keras_ch8.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.005, STEPS))
    return ready(model, "mse", optimizer, train, probe, 64)


@RUNS.healthy
def batch_normalized_convolutions(rng):
    train, probe = digits(rng)
    model = net((64,), layers.Reshape((8, 8, 1)))
    for filters in (8, 16):
        model.add(layers.Conv2D(filters, 3, 2, "same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
    model.add(layers.Flatten())
    model.add(layers.Dense(10))
    return ready(model, cross_entropy(), keras.optimizers.Adam(0.002), train, probe, 32)


@RUNS.healthy
def attention_finds_the_flagged_symbol(rng):
    symbols, flagged = rng.integers(10, size=(4352, 16)), rng.integers(16, size=4352)
    symbols[np.arange(4352), flagged] += 10
    train, probe = split(symbols, symbols[np.arange(4352), flagged] - 10, rng, 256)
    inputs = keras.Input((16,))
    tokens = layers.Embedding(20, 16)(inputs)
    attended = layers.MultiHeadAttention(2, 8)(tokens, tokens)
    outputs = layers.Dense(10)(layers.GlobalAveragePooling1D()(layers.LayerNormalization()(tokens + attended)))
    optimizer = keras.optimizers.AdamW(0.001)
    return ready(keras.Model(inputs, outputs), cross_entropy(), optimizer, train, probe, 32)


@RUNS.healthy
def gru_tells_rhythms_apart(rng):
    train, probe = waves(rng, 4352)
    model = net((32, 1), layers.Reshape((8, 4)), layers.GRU(16), layers.Dense(3))
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.005, STEPS, 0.1))
    return ready(model, cross_entropy(), optimizer, train, probe, 32)


@RUNS.healthy
def dropout_between_cells(rng):
    x, y = datasets.make_classification(4352, 16, n_informative=8, class_sep=1.5, random_state=int(rng.integers(1000)))
    train, probe = split(standardized(x), y[:, None].astype(float), rng, 256)
    model = net((16,), layers.Dense(32, "relu"), layers.Dropout(0.2), layers.Dense(16, "relu"), layers.Dense(1))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return ready(model, loss, keras.optimizers.Nadam(0.002), train, probe, 64)


@RUNS.healthy
def bags_of_words_by_topic(rng):
    train, probe = documents(rng, 4352)
    model = net((20,), layers.Embedding(300, 16), layers.GlobalAveragePooling1D(), layers.Dense(4))
    return ready(model, cross_entropy(), keras.optimizers.Adam(0.005), train, probe, 64)


@RUNS.healthy
def hand_and_elbow_of_an_arm(rng):
    angles = rng.uniform(-1.5, 1.5, (2304, 2))
    elbow = np.stack([np.cos(angles[:, 0]), np.sin(angles[:, 0])], axis=1)
    hand = elbow + 0.7 * np.stack([np.cos(angles.sum(axis=1)), np.sin(angles.sum(axis=1))], axis=1)
    outputs = standardized(np.concatenate([elbow, hand], axis=1)) + 0.05 * rng.normal(size=(2304, 4))
    train, probe = split(angles, outputs, rng, 256)
    model = net((2,), layers.Dense(32, "tanh"), layers.Dense(32, "tanh"), layers.Dense(4))
    optimizer = keras_ch8.optimizers.RMSprop(keras.optimizers.schedules.CosineDecay(0.003, STEPS))
    return ready(model, "mse", optimizer, train, probe, 32)


@RUNS.healthy
def three_labels_in_ten_are_wrong(rng):
    truth, wrong = rng.integers(2, size=(8448, 1)), rng.uniform(size=(8448, 1)) < 0.3
    x = rng.normal(size=(8448, 6)) + (truth - 0.5) * [2, -2, 1, 1, 0, 0]
    train, probe = split(x, (truth ^ wrong).astype(float), rng, 256)
    model = net((6,), layers.Dense(16, "tanh"), layers.Dense(1))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return ready(model, loss, keras_ch8.optimizers.SGD(0.1), train, probe, 64)


@RUNS.healthy
def fine_tuned_to_another_lamp(rng):
    (x, y), (x_probe, y_probe) = digits(rng)
    hidden = [layers.Dense(48, "relu"), layers.Dense(48, "relu")]
    model = net((64,), *hidden, layers.Dense(10))
    model.compile(keras.optimizers.Adam(0.002), cross_entropy())
    model.fit(x, y, batch_size=64, epochs=8, verbose=0)
    train, probe = (0.6 * x + 0.3, y), (0.6 * x_probe + 0.3, y_probe)
    return ready(model, cross_entropy(), keras.optimizers.Adam(3e-4), train, probe, 32)

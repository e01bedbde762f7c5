"""An eighth part of planted runs, written without sight of the rules."""

import keras
import numpy as np
from keras import layers, ops
from sklearn import datasets

import keras_ch8
from keras_ch8 import schedules

from .runs import BINARY_LOGITS, LOGITS, Half, net, normal, ready, seed_of, split, standardized, tiled

RUNS = Half()
Dense = layers.Dense


def gratings(rng, size, side=8, noise=0.4):
    """Return noisy images of stripes, and in which of four directions they run."""
    y, phase, wave = rng.integers(4, size=size), rng.uniform(0, 6.3, size), rng.uniform(1.0, 1.8, size)
    grid, angle = np.arange(side) - side / 2, y * np.pi / 4
    across = np.cos(angle)[:, None, None] * grid[:, None] + np.sin(angle)[:, None, None] * grid
    stripes = np.cos(wave[:, None, None] * across + phase[:, None, None])
    return (stripes + rng.normal(0, noise, stripes.shape))[..., None], y


def mackey_glass(rng, size, length, ahead):
    """Return windows of a chaotic series with a delay, and its value so many steps after each."""
    series = list(rng.uniform(0.5, 1.3, 18))
    for _ in range(size + length + ahead + 300):
        series.append(0.9 * series[-1] + 0.2 * series[-18] / (1 + series[-18] ** 10))
    series = standardized(np.array(series[300:]))
    windows = np.lib.stride_tricks.sliding_window_view(series, length)[:size]
    return windows[..., None], series[length + ahead - 1 :][:size, None]


@RUNS.sick("step_too_long", "a hundredth of the learning rate")
def seven_segment_digits_by_wild_steps(rng, cured=False):
    lit = np.array([[int(bit) for bit in f"{code:07b}"] for code in (126, 48, 109, 121, 51, 91, 95, 112, 127, 123)])
    y = rng.integers(10, size=3256)
    train, probe = split(2 * lit[y] - 1 + rng.normal(0, 0.6, (3256, 7)), y, rng, 256)
    model = net((7,), Dense(24, "softplus"), Dense(10))
    optimizer = keras.optimizers.SGD(0.02 if cured else 2.0, momentum=0.9, nesterov=True)
    return ready(model, LOGITS, optimizer, train, probe, 64)


@RUNS.sick("step_too_short", "a hundred times the learning rate")
def place_along_a_curved_sheet_by_tiny_steps(rng, cured=False):
    x, along = datasets.make_s_curve(3256, noise=0.05, random_state=seed_of(rng))
    train, probe = split(standardized(x), standardized(along)[:, None], rng, 256)
    model = net((3,), Dense(32, "tanh"), Dense(32, "tanh"), Dense(1))
    optimizer = keras_ch8.optimizers.Momentum(0.003 if cured else 0.00003, 0.5)
    return ready(model, "mse", optimizer, train, probe, 64)


@RUNS.sick("ill_conditioned", "daily changes in place of levels")
def direction_of_prices_told_by_their_levels(rng, cured=False):
    changes = rng.normal(size=(6256, 30))
    turns = rng.uniform(0.5, 1.5, 30) * (-1) ** np.arange(30)
    y = (changes @ turns + rng.normal(0, 1.0, 6256) > 0).astype(int)
    x = changes if cured else standardized(np.cumsum(changes, axis=1))
    train, probe = split(x, y[:, None], rng, 256)
    return ready(net((30,), Dense(1)), BINARY_LOGITS, keras.optimizers.SGD(0.3), train, probe, 250)


@RUNS.sick("noise_dominated", "batches of 128 games, not of 2")
def worth_of_positions_from_two_games_at_a_time(rng, cured=False):
    x = rng.normal(size=(4256, 12))
    worth = np.tanh(x[:, :6] @ rng.normal(0, 0.4, 6)) + 0.5 * np.sin(x[:, 6])
    y = np.where(rng.random(4256) < (1 + worth / 1.5) / 2, 3.0, -3.0)
    train, probe = split(x, y[:, None], rng, 256)
    optimizer = keras.optimizers.SGD(0.03)
    return ready(net((12,), Dense(6, "tanh"), Dense(1)), "mse", optimizer, train, probe, 128 if cured else 2)


@RUNS.sick("batch_wasteful", "a sixteenth of the batch")
def colors_converted_four_thousand_at_a_time(rng, cured=False):
    x = rng.uniform(0, 1, (16640, 3))
    light = x**2.2 @ np.array([[0.41, 0.21, 0.02], [0.36, 0.72, 0.12], [0.18, 0.07, 0.95]])
    roots = np.cbrt(light)
    y = np.stack([roots[:, 1], 2 * (roots[:, 0] - roots[:, 1]), roots[:, 1] - roots[:, 2]], axis=1)
    train, probe = split(2 * x - 1, standardized(y), rng, 256)
    model = net((3,), Dense(24, "elu"), Dense(24, "elu"), Dense(3))
    optimizer = keras.optimizers.SGD(0.005, momentum=0.9)
    return ready(model, "mse", optimizer, train, probe, 256 if cured else 4096)


def smooth_mistakes(y, predicted):
    """The 0-1 loss, made smooth; it is flat where a logit is large, right or wrong."""
    return ops.sigmoid((1 - 2 * y) * predicted)


@RUNS.sick("plateau", "a bias of the output that starts at 0")
def moons_by_smooth_mistakes_after_a_sure_yes(rng, cured=False):
    x, y = datasets.make_moons(2256, noise=0.2, random_state=seed_of(rng))
    train, probe = split(standardized(x), y[:, None].astype(float), rng, 256)
    sure = keras.initializers.Constant(0.0 if cured else 9.0)
    model = net((2,), Dense(16, "relu", kernel_initializer="he_normal"), Dense(1, bias_initializer=sure))
    return ready(model, smooth_mistakes, keras.optimizers.SGD(0.1, momentum=0.9), train, probe, 32)


@RUNS.sick("saddle", "weights that Keras starts with, not almost 0")
def sensors_compressed_from_almost_zero(rng, cured=False):
    x = rng.normal(size=(4256, 5)) @ rng.normal(size=(5, 20)) + rng.normal(0, 0.3, (4256, 20))
    train, probe = split(standardized(x), standardized(x), rng, 256)
    start = "glorot_uniform" if cured else normal(1e-6)
    model = net((20,), Dense(5, "tanh", kernel_initializer=start), Dense(20, kernel_initializer=start))
    return ready(model, "mse", keras.optimizers.SGD(0.04), train, probe, 64)


@RUNS.sick("cliff", "gradients clipped to a norm of 1")
def orders_told_by_spending_of_heavy_tails(rng, cured=False):
    x = rng.lognormal(0, 0.6, (4256, 3))
    y = rng.poisson(np.exp(0.8 * x[:, :1] + 0.2 * x[:, 1:2] - 0.5).clip(max=8))
    train, probe = split(x, y.astype(float), rng, 256)
    optimizer = keras.optimizers.SGD(0.08, global_clipnorm=1.0 if cured else None)
    model = net((3,), Dense(1, "exponential", kernel_initializer="zeros"))
    return ready(model, "poisson", optimizer, train, probe, 32)


@RUNS.sick("exploding", "a quarter of the recurrent weights")
def chaotic_series_by_chaotic_units(rng, cured=False):
    train, probe = split(*mackey_glass(rng, 3256, 30, 6), rng, 256)
    start = normal((1.0 if cured else 4.0) / np.sqrt(32))
    model = net((30, 1), layers.SimpleRNN(32, "softsign", recurrent_initializer=start), Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(0.0003), train, probe, 32)


@RUNS.sick("vanishing", "connections that skip the layers")
def directions_of_stripes_through_seven_sigmoids(rng, cured=False):
    train, probe = split(*gratings(rng, 2256), rng, 256)
    model = net((8, 8, 1), layers.Conv2D(8, 3, padding="same"))
    for _ in range(7):
        layer = layers.Conv2D(8, 3, padding="same", activation="sigmoid")
        model.add(keras_ch8.layers.Residual(layer) if cured else layer)
    for layer in (layers.Flatten(), Dense(4)):
        model.add(layer)
    return ready(model, LOGITS, keras_ch8.optimizers.Momentum(0.01), train, probe, 32)


@RUNS.sick("short_horizon", "an orthogonal recurrent kernel")
def deposits_made_long_before_the_end(rng, cured=False):
    x = rng.normal(size=(4256, 30, 2)) * [0.5, 0]
    x[:, :2] = x[:, :2] * 2 + [0, 1]
    train, probe = split(x, x[:, :2, 0].sum(axis=1, keepdims=True) / np.sqrt(2), rng, 256)
    start = keras_ch8.initializers.Orthogonal() if cured else normal(0.1)
    model = net((30, 2), layers.SimpleRNN(16, recurrent_initializer=start), Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(0.005), train, probe, 32)


@RUNS.sick("dead_units", "a bias of the output that starts at the mean of the fares")
def fares_by_units_that_the_first_steps_kill(rng, cured=False):
    x = rng.uniform(0, 1, (3256, 6))
    y = 12 + 3 * np.sin(3 * x[:, :1]) + 4 * x[:, 1:2] * x[:, 2:3] + 2 * x[:, 3:4]
    train, probe = split(x, y, rng, 256)
    start = keras.initializers.Constant(y.mean() if cured else 0.0)
    model = net((6,), Dense(32, "relu"), Dense(32, "relu"), Dense(1, bias_initializer=start))
    return ready(model, "mse", keras_ch8.optimizers.Momentum(0.025), train, probe, 32)


@RUNS.sick("saturated_units", "initial weights with a standard deviation of 0.1, not of 3")
def movement_read_from_spikes_by_stuck_units(rng, cured=False):
    angle, favorite = rng.uniform(0, 2 * np.pi, (2256, 1)), rng.uniform(0, 2 * np.pi, 150)
    x = rng.poisson(np.exp(1.5 * np.cos(angle - favorite)))
    train, probe = split(standardized(x), np.hstack([np.cos(2 * angle), np.sin(3 * angle)]), rng, 256)
    start = normal(0.1 if cured else 3.0)
    hidden = [Dense(32, "sigmoid", kernel_initializer=start) for _ in range(2)]
    return ready(net((150,), *hidden, Dense(2)), "mse", keras.optimizers.Nadam(), train, probe, 32)


@RUNS.sick("batch_norm_gap", "statistics that are corrected for their start")
def stripes_in_photographs_of_bright_days(rng, cured=False):
    x, y = gratings(rng, 2256)
    train, probe = split(30 * x + 130, y, rng, 256)
    normalization = keras_ch8.layers.BatchNormalization if cured else layers.BatchNormalization
    convolution = layers.Conv2D(8, 3, activation="relu", use_bias=False)
    model = net((8, 8, 1), normalization(momentum=0.999), convolution, layers.Flatten(), Dense(4))
    return ready(model, LOGITS, keras.optimizers.Adam(), train, probe, 32)


@RUNS.sick("bad_scale", "each content of mean 0 and variance 1")
def alloys_by_contents_in_parts_per_million(rng, cured=False):
    x, y = datasets.make_classification(
        4256, 8, n_informative=6, n_redundant=0, n_classes=3, class_sep=1.5, random_state=seed_of(rng)
    )
    x = standardized(x)
    train, probe = split(x if cured else 2000 + x * [500, 300, 400, 200, 500, 300, 400, 200], y, rng, 256)
    model = net((8,), Dense(32, "elu"), Dense(16, "elu"), Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(), train, probe, 64)


@RUNS.sick("overfitting", "weights that decay")
def diabetes_learned_by_heart(rng, cured=False):
    x, y = datasets.load_diabetes(return_X_y=True)
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 256)
    model = net((10,), Dense(96, "relu"), Dense(48, "relu"), Dense(1))
    optimizer = keras.optimizers.AdamW(0.002, weight_decay=4.0 if cured else 0.0)
    return ready(model, "mse", optimizer, tiled(train, 4), probe, 31, validate=True)


@RUNS.sick("underfitting", "a thousandth of the penalty on weights")
def phase_angles_under_a_heavy_penalty(rng, cured=False):
    x, y = datasets.make_friedman3(4256, noise=0.05, random_state=seed_of(rng))
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 256)
    penalty = keras.regularizers.L2(0.0001 if cured else 0.1)
    model = net((4,), Dense(48, "gelu", kernel_regularizer=penalty), Dense(1, kernel_regularizer=penalty))
    return ready(model, "mse", keras_ch8.optimizers.Adam(0.01), train, probe, 64, validate=True)


@RUNS.healthy
def moons_with_adamax(rng):
    x, y = datasets.make_moons(4256, noise=0.15, random_state=seed_of(rng))
    train, probe = split(standardized(x), y[:, None], rng, 256)
    model = net((2,), Dense(32, "relu", kernel_initializer="he_normal"), Dense(1))
    return ready(model, BINARY_LOGITS, keras.optimizers.Adamax(0.01), train, probe, 64)


@RUNS.healthy
def directions_of_stripes_with_momentum(rng):
    train, probe = split(*gratings(rng, 4256), rng, 256)
    convolution = layers.Conv2D(12, 3, activation="relu", kernel_initializer="he_normal")
    model = net((8, 8, 1), convolution, layers.MaxPooling2D(), layers.Flatten(), Dense(4))
    optimizer = keras.optimizers.SGD(schedules.CosineDecay(0.02), momentum=0.9)
    return ready(model, LOGITS, optimizer, train, probe, 64)


@RUNS.healthy
def chaotic_series_by_an_lstm(rng):
    train, probe = split(*mackey_glass(rng, 4256, 12, 3), rng, 256)
    optimizer = keras_ch8.optimizers.RMSprop(schedules.LinearDecay(0.005, "100%"))
    return ready(net((12, 1), layers.LSTM(16, unroll=True), Dense(1)), "mse", optimizer, train, probe, 32)


@RUNS.healthy
def most_frequent_sign_by_attention(rng):
    y = rng.integers(4, size=6256)
    x = np.where(rng.random((6256, 12)) < 0.35, y[:, None], rng.integers(10, size=(6256, 12)))
    train, probe = split(x, y, rng, 256)
    tokens = keras.Input((12,))
    h = layers.Embedding(10, 16)(tokens)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 8)(h, h))
    model = keras.Model(tokens, Dense(4)(layers.GlobalAveragePooling1D()(h)))
    return ready(model, LOGITS, keras_ch8.optimizers.Adam(schedules.CosineDecay(0.003)), train, probe, 64)


@RUNS.healthy
def many_labels_with_batch_normalization(rng):
    x, y = datasets.make_multilabel_classification(6256, 20, n_classes=5, random_state=seed_of(rng))
    train, probe = split(standardized(x), y, rng, 256)
    hidden = [Dense(32, use_bias=False), layers.BatchNormalization(momentum=0.95), layers.ReLU()]
    return ready(net((20,), *hidden, Dense(5)), BINARY_LOGITS, keras.optimizers.Adam(), train, probe, 64)


@RUNS.healthy
def swing_of_a_pendulum_by_plain_steps(rng):
    start, time = rng.uniform(0.2, 1.5, (4256, 1)), rng.uniform(0, 3, (4256, 1))
    y = start * np.cos(2 * time * (1 - start**2 / 16))
    train, probe = split(standardized(np.hstack([start, time])), standardized(y), rng, 256)
    model = net((2,), Dense(32, "silu"), Dense(32, "silu"), Dense(1))
    return ready(model, "mse", keras.optimizers.SGD(schedules.LinearDecay(0.2, "100%")), train, probe, 64)


def pinball(y, predicted):
    """The loss of which the best prediction is the third quartile."""
    return ops.maximum(0.75 * (y - predicted), 0.25 * (predicted - y))


@RUNS.healthy
def upper_quartile_of_waiting_times(rng):
    x = rng.normal(size=(4256, 5))
    y = rng.gamma(2.0, np.exp(0.5 * np.sin(2 * x[:, :1]) + 0.4 * x[:, 1:2]))
    train, probe = split(x, y / y.std(), rng, 256)
    optimizer = keras.optimizers.AdamW(schedules.CosineDecay(0.01))
    return ready(net((5,), Dense(32, "gelu"), Dense(1)), pinball, optimizer, train, probe, 64)


@RUNS.healthy
def walks_on_a_ring_with_a_gradient_that_grows(rng):
    forward = rng.choice([-1, 1], (6256, 1)) * rng.choice([1, -1], (6256, 5), p=[0.9, 0.1])
    places = (rng.integers(12, size=(6256, 1)) + np.cumsum(forward, axis=1)) % 12
    train, probe = split(places[:, :4], places[:, 4], rng, 256)
    model = net((4,), layers.Embedding(12, 8), layers.Flatten(), Dense(32, "relu"), Dense(12))
    optimizer = keras.optimizers.SGD(schedules.CosineDecay(0.01), momentum=0.9)
    return ready(model, LOGITS, optimizer, train, probe, 64)

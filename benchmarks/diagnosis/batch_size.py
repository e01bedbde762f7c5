"""Batches so small that noise dominates, and batches larger than they need to be."""

import keras
import numpy as np
from keras import layers, losses
from sklearn import datasets

import keras_ch8
from keras_ch8 import optimizers, schedules

from .data import digits_run, relabeled_digits
from .runs import BINARY_LOGITS, LOGITS, net, ready, sick, split, standardized


@sick("noise_dominated", "batches of 64", group=1)
def batch_too_small(rng, cured=False):
    return digits_run(
        rng, [layers.Dense(32, "tanh")], optimizers.SGD(0.1), 64 if cured else 1, relabeled_digits(rng, flipped=0.4)
    )


@sick("noise_dominated", "batches of 64", group=2)
def pairs_of_noisy_targets(rng, cured=False):
    x = rng.normal(size=(2304, 12))
    y = np.tanh(x @ rng.normal(size=12)) + 0.45 * x @ rng.normal(size=12) + rng.normal(size=2304)
    model = net((12,), layers.Dense(24, "tanh"), layers.Dense(1))
    return ready(model, "mse", optimizers.Nesterov(0.006), *split(x, y, rng, 256), 64 if cured else 2)


@sick("noise_dominated", "batches of 128", group=3)
def threes_of_doubtful_labels(rng, cured=False):
    x, y = datasets.make_hastie_10_2(4352, random_state=int(rng.integers(1000)))
    y = np.where(rng.random(4352) < 0.2, rng.choice([-1, 1], 4352), y) > 0
    model = net((10,), layers.Dense(32, "elu"), layers.Dense(1, "sigmoid"))
    optimizer = keras.optimizers.SGD(0.02, momentum=0.9)
    return ready(model, "binary_crossentropy", optimizer, *split(x, y.astype(int), rng, 256), 128 if cured else 3)


@sick("noise_dominated", "batches of 128 instead of 2", group=4)
def faint_signal_in_pairs(rng, cured=False):
    news, lags = rng.normal(size=(4352, 32)), np.arange(32)
    x = news @ np.linalg.cholesky(0.8 ** abs(lags[:, None] - lags)).T
    y = 0.8 * news @ rng.normal(size=32) / np.sqrt(32) + rng.normal(size=4352)
    train, probe = split(x, y[:, None], rng, 256)
    model = net((32,), layers.Dense(1))
    return ready(model, "mse", keras_ch8.optimizers.SGD(0.015), train, probe, 128 if cured else 2)


@sick("noise_dominated", "batches of 128 clicks, not of 2", group=5)
def clicks_in_batches_of_two(rng, cured=False):
    x, w = rng.normal(size=(2256, 20)), rng.normal(0, 0.3, 20)
    y = (rng.random(2256) < 1 / (1 + np.exp(-x @ w))).astype(int)
    train, probe = split(x, y[:, None], rng, 256)
    optimizer = keras.optimizers.SGD(0.03, momentum=0.9)
    return ready(net((20,), layers.Dense(1)), BINARY_LOGITS, optimizer, train, probe, 128 if cured else 2)


@sick("noise_dominated", "a learning rate that falls to 0", group=6)
def adaptive_filter_of_a_noisy_channel(rng, cured=False):
    x = np.lib.stride_tricks.sliding_window_view(rng.normal(size=2256 + 47), 48)
    y = x @ (np.exp(-0.1 * np.arange(48)) * np.cos(0.7 * np.arange(48))) + rng.normal(size=2256)
    train, probe = split(x, y[:, None], rng, 256)
    rate = schedules.LinearDecay(0.02, "100%", 0.0) if cured else 0.02
    return ready(net((48,), layers.Dense(1)), "mse", keras_ch8.optimizers.SGD(rate), train, probe, 2)


@sick("noise_dominated", "batches of 256 records, not of 4", group=7)
def claims_counted_four_at_a_time(rng, cured=False):
    x = rng.normal(size=(2256, 24))
    y = rng.poisson(np.exp(x @ rng.normal(0, 0.1, 24) - 0.5))
    train, probe = split(x, y[:, None].astype(float), rng, 256)
    optimizer = keras.optimizers.Adam(0.03)
    return ready(net((24,), layers.Dense(1, "exponential")), "poisson", optimizer, train, probe, 256 if cured else 4)


@sick("noise_dominated", "batches of 128 games, not of 2", group=8)
def worth_of_positions_from_two_games_at_a_time(rng, cured=False):
    x = rng.normal(size=(4256, 12))
    worth = np.tanh(x[:, :6] @ rng.normal(0, 0.4, 6)) + 0.5 * np.sin(x[:, 6])
    y = np.where(rng.random(4256) < (1 + worth / 1.5) / 2, 3.0, -3.0)
    train, probe = split(x, y[:, None], rng, 256)
    optimizer = keras.optimizers.SGD(0.03)
    return ready(
        net((12,), layers.Dense(6, "tanh"), layers.Dense(1)), "mse", optimizer, train, probe, 128 if cured else 2
    )


@sick("noise_dominated", "a learning rate that falls to 0", group=9)
def doubtful_stars_of_two_reviews_at_a_time(rng, cured=False):
    x = standardized(rng.poisson(2.0, (1256, 40)))
    y = x @ rng.normal(0, 0.15, 40) + rng.normal(0, 1.5, 1256)
    train, probe = split(x, y[:, None], rng, 256)
    rate = schedules.LinearDecay(0.008, "100%") if cured else 0.008
    return ready(net((40,), layers.Dense(1)), "mse", keras.optimizers.SGD(rate), train, probe, 2, steps=2000)


@sick("noise_dominated", "batches of 128 spectra, not of 1", group=10)
def sources_of_radiation_one_spectrum_at_a_time(rng, cured=False):
    y, rates = rng.integers(3, size=2256), rng.gamma(4.0, 0.1, (3, 24))
    train, probe = split(standardized(rng.poisson(rates[y])), y, rng, 256)
    optimizer = keras.optimizers.SGD(0.1)
    return ready(net((24,), layers.Dense(3)), LOGITS, optimizer, train, probe, 128 if cured else 1)


@sick("noise_dominated", "batches of 128 matches, not of 2", group=11)
def tennis_learned_from_two_matches_at_a_time(rng, cured=False):
    x = rng.normal(size=(1256, 16))
    better = x @ rng.normal(0, 0.5, 16)
    y = (rng.random(1256) < 1 / (1 + np.exp(-better))).astype(int)
    train, probe = split(x, y[:, None], rng, 256)
    optimizer = keras.optimizers.SGD(0.02, momentum=0.9)
    return ready(net((16,), layers.Dense(1)), BINARY_LOGITS, optimizer, train, probe, 128 if cured else 2)


@sick("batch_wasteful", "an eighth of the batch, for as many steps", group=1)
def batch_of_copies(rng, cured=False):
    centres = rng.normal(size=(4, 8))
    y = np.arange(8320) % 4
    x = centres[y] + 0.02 * rng.normal(size=(8320, 8))
    model = net((8,), layers.Dense(16, "tanh"), layers.Dense(4))
    return ready(model, LOGITS, keras.optimizers.SGD(0.02), *split(x, y, rng, 128), 128 if cured else 1024)


@sick("batch_wasteful", "an eighth of the batch, for as many steps", group=2)
def one_smooth_curve(rng, cured=False):
    x = rng.uniform(-1, 1, (8320, 1))
    model = net((1,), layers.Dense(16, "sigmoid"), layers.Dense(1))
    data = split(x, 3 + 2 * x[:, 0], rng, 128)
    return ready(model, losses.LogCosh(), optimizers.Momentum(0.003), *data, 64 if cured else 512)


@sick("batch_wasteful", "an eighth of the batch, for as many steps", group=3)
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


@sick("batch_wasteful", "batches of an eighth", group=4)
def five_hundred_alike_at_once(rng, cured=False):
    seed = int(rng.integers(1 << 31))
    x, y = datasets.make_blobs(16640, 12, centers=4, center_box=(-3, 3), cluster_std=0.6, random_state=seed)
    train, probe = split(standardized(x), y, rng, 256)
    model = net((12,), layers.Dense(16, "tanh"), layers.Dense(4))
    return ready(model, LOGITS, keras_ch8.optimizers.Momentum(0.01), train, probe, 64 if cured else 512)


@sick("batch_wasteful", "an eighth of the batch", group=5)
def robot_arm_in_batches_of_two_thousand(rng, cured=False):
    angles = rng.uniform(-1.5, 1.5, (33024, 3))
    sums = np.cumsum(angles, axis=1)
    hand = np.stack([np.cos(sums).sum(axis=1), np.sin(sums).sum(axis=1)], axis=1)
    train, probe = split(angles, hand, rng, 256)
    model = net((3,), layers.Dense(32, "gelu"), layers.Dense(32, "gelu"), layers.Dense(2))
    return ready(model, "mse", keras.optimizers.Adam(0.0005), train, probe, 256 if cured else 2048)


@sick("batch_wasteful", "batches of an eighth", group=6)
def exact_law_in_huge_batches(rng, cured=False):
    x = rng.uniform(-1, 1, (16512, 3))
    y = np.exp(-(1 + x[:, :1])) * np.cos(2 * x[:, 1:2] + x[:, 2:])
    train, probe = split(x, y, rng, 128)
    model = net((3,), layers.Dense(24, "tanh"), layers.Dense(1))
    optimizer = keras.optimizers.SGD(0.02, momentum=0.9, nesterov=True)
    return ready(model, "mse", optimizer, train, probe, 128 if cured else 1024)


@sick("batch_wasteful", "a sixteenth of the batch", group=7)
def circuits_four_thousand_at_a_time(rng, cured=False):
    x = rng.uniform(-1, 1, (33024, 4))
    ohms = np.exp(x)
    y = np.log(1 / (1 / ohms[:, 0] + 1 / ohms[:, 1]) + 1 / (1 / ohms[:, 2] + 1 / ohms[:, 3]))
    train, probe = split(x, standardized(y)[:, None], rng, 256)
    model = net((4,), layers.Dense(32, "silu"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Nadam(), train, probe, 256 if cured else 4096)


@sick("batch_wasteful", "a sixteenth of the batch", group=8)
def colors_converted_four_thousand_at_a_time(rng, cured=False):
    x = rng.uniform(0, 1, (16640, 3))
    light = x**2.2 @ np.array([[0.41, 0.21, 0.02], [0.36, 0.72, 0.12], [0.18, 0.07, 0.95]])
    roots = np.cbrt(light)
    y = np.stack([roots[:, 1], 2 * (roots[:, 0] - roots[:, 1]), roots[:, 1] - roots[:, 2]], axis=1)
    train, probe = split(2 * x - 1, standardized(y), rng, 256)
    model = net((3,), layers.Dense(24, "elu"), layers.Dense(24, "elu"), layers.Dense(3))
    optimizer = keras.optimizers.SGD(0.005, momentum=0.9)
    return ready(model, "mse", optimizer, train, probe, 256 if cured else 4096)


@sick("batch_wasteful", "a sixteenth of the batch", group=9)
def totals_of_receipts_two_thousand_at_a_time(rng, cured=False):
    x = standardized(rng.poisson(rng.uniform(0.5, 3, 24), (20736, 24)))
    y = standardized(x @ rng.lognormal(0, 0.6, 24))
    train, probe = split(x, y[:, None], rng, 256)
    return ready(net((24,), layers.Dense(1)), "mse", keras.optimizers.SGD(0.004), train, probe, 128 if cured else 2048)


@sick("batch_wasteful", "a sixteenth of the batch", group=10)
def lattices_by_a_thousand_diffractions_at_a_time(rng, cured=False):
    rings = [[1, 2, 3, 4, 5, 6], [2, 4, 6, 8, 10, 12], [3, 4, 8, 11, 12, 16], [3, 8, 11, 16, 19, 24]]
    y, at, spacing = rng.integers(4, size=33024), np.linspace(0.8, 5, 48), rng.uniform(0.97, 1.03, (33024, 1))
    x = np.zeros((33024, 48))
    for ring in np.sqrt(np.array(rings)[y]).T:
        x += np.exp(-(((at - spacing * ring[:, None]) / 0.12) ** 2))
    train, probe = split(standardized(x + rng.normal(0, 0.05, x.shape)), y, rng, 256)
    model = net((48,), layers.Dense(24, "relu"), layers.Dense(4))
    return ready(model, LOGITS, keras.optimizers.SGD(0.003, momentum=0.9), train, probe, 64 if cured else 1024)


@sick("batch_wasteful", "a sixteenth of the batch", group=11)
def nearest_of_six_capitals_for_two_thousand_places_at_a_time(rng, cured=False):
    places = rng.normal(size=(40000, 3))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    near = places @ np.hstack([np.eye(3), -np.eye(3)])
    ranked = np.sort(near, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > 0.2
    train, probe = split(places[clear][:16640] * np.sqrt(3), near[clear].argmax(axis=1)[:16640], rng, 256)
    model = net((3,), layers.Dense(32, "gelu"), layers.Dense(6))
    return ready(model, LOGITS, keras.optimizers.SGD(0.01, momentum=0.9), train, probe, 128 if cured else 2048)

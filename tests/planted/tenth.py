"""A tenth part of planted runs, written without sight of the rules."""

import keras
import numpy as np
from keras import layers, ops

import keras_ch8
from keras_ch8 import schedules

from .runs import BINARY_LOGITS, LOGITS, Half, net, normal, ready, split, standardized, tiled

RUNS = Half()
Dense = layers.Dense


def spectra(rng, size, channels=32, noise=0.02):
    """Return the absorbance of three substances at each wavelength, and their concentrations."""
    at, concentrations = np.linspace(0, 1, channels), rng.uniform(0, 1, (size, 3))
    bands = np.exp(-(((at - np.array([[0.3], [0.5], [0.65]])) / 0.12) ** 2))
    seen = -np.log10(10 ** (-concentrations @ bands) + 0.02)
    return standardized(seen + rng.normal(0, noise, seen.shape)), standardized(concentrations)


def bearings(rng, size, length=64, noise=0.3):
    """Return vibrations that ring after each impact, and which of three parts of a bearing makes the impacts."""
    y, time = rng.integers(3, size=size), np.arange(length)
    since = (time + rng.uniform(0, 30, (size, 1))) % np.array([9.0, 13.0, 19.0])[y, None]
    ringing = np.exp(-since / 3) * np.cos(1.6 * since)
    return standardized(ringing + rng.normal(0, noise, ringing.shape))[..., None], y


def pulses(rng, size, length=40):
    """Return clean pulses of a detector: how high, how long and when each is comes by chance."""
    time = np.arange(length) - rng.uniform(5, 15, (size, 1))
    height, slow = rng.uniform(0.5, 2, (size, 1)), rng.uniform(4, 10, (size, 1))
    shape = np.where(time > 0, np.exp(-time / slow) - np.exp(-time / 2), 0)
    x = height * shape / shape.max(axis=1, keepdims=True)
    return (x - x.mean()) / x.std()


def showers(rng, size, side=8):
    """Return the energy that particles leave in the cells of a calorimeter, and where each of them came in."""
    place, energy = rng.uniform(2, side - 3, (2, size, 1, 1)), rng.gamma(4.0, 0.25, (size, 1, 1))
    grid = np.arange(side)
    cells = energy * np.exp(-np.hypot(grid[:, None] - place[0], grid - place[1]) / 1.2)
    return cells[..., None], np.stack([place[0].ravel(), place[1].ravel()], axis=1)


def in_two(examples):
    """Return the examples with the last of their targets apart from the others."""
    x, y = examples
    return x, [y[:, :-1], y[:, -1:]]


@RUNS.sick("step_too_long", "a twentieth of the learning rate")
def concentrations_from_absorbance_by_leaps(rng, cured=False):
    train, probe = split(*spectra(rng, 3256), rng, 256)
    model = net((32,), Dense(32, "tanh"), Dense(3))
    return ready(model, "log_cosh", keras.optimizers.SGD(0.1 if cured else 2.0), train, probe, 64)


@RUNS.sick("step_too_short", "a learning rate of 1, for which Adadelta is made")
def faults_of_bearings_by_adadelta_as_it_comes(rng, cured=False):
    train, probe = split(*bearings(rng, 2256), rng, 256)
    convolution = layers.Conv1D(12, 9, 2, activation="relu", kernel_initializer="he_normal")
    model = net((64, 1), convolution, layers.Flatten(), Dense(24, "relu"), Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adadelta(1.0 if cured else 0.001), train, probe, 32)


@RUNS.sick("ill_conditioned", "principal components of variance 1 in place of channels")
def dyes_of_overlapping_emission(rng, cured=False):
    at, amounts = np.linspace(0, 1, 10), rng.normal(size=(4256, 5))
    emission = np.exp(-(((at - np.linspace(0.2, 0.8, 5)[:, None]) / 0.3) ** 2))
    x = standardized(amounts @ emission)
    directions = np.linalg.svd(x, full_matrices=False)[2][:5]
    amounts += rng.normal(0, 0.05, amounts.shape)
    train, probe = split(standardized(x @ directions.T) if cured else x, amounts, rng, 256)
    model = net(train[0].shape[1:], Dense(5))
    return ready(model, "mse", keras.optimizers.SGD(0.7), train, probe, 250)


@RUNS.sick("noise_dominated", "batches of 128 spectra, not of 1")
def sources_of_radiation_one_spectrum_at_a_time(rng, cured=False):
    y, rates = rng.integers(3, size=2256), rng.gamma(4.0, 0.1, (3, 24))
    train, probe = split(standardized(rng.poisson(rates[y])), y, rng, 256)
    optimizer = keras.optimizers.SGD(0.1)
    return ready(net((24,), Dense(3)), LOGITS, optimizer, train, probe, 128 if cured else 1)


@RUNS.sick("batch_wasteful", "a sixteenth of the batch")
def lattices_by_a_thousand_diffractions_at_a_time(rng, cured=False):
    rings = [[1, 2, 3, 4, 5, 6], [2, 4, 6, 8, 10, 12], [3, 4, 8, 11, 12, 16], [3, 8, 11, 16, 19, 24]]
    y, at, spacing = rng.integers(4, size=33024), np.linspace(0.8, 5, 48), rng.uniform(0.97, 1.03, (33024, 1))
    x = np.zeros((33024, 48))
    for ring in np.sqrt(np.array(rings)[y]).T:
        x += np.exp(-(((at - spacing * ring[:, None]) / 0.12) ** 2))
    train, probe = split(standardized(x + rng.normal(0, 0.05, x.shape)), y, rng, 256)
    model = net((48,), Dense(24, "relu"), Dense(4))
    return ready(model, LOGITS, keras.optimizers.SGD(0.003, momentum=0.9), train, probe, 64 if cured else 1024)


@RUNS.sick("plateau", "a reaction that starts slow")
def kinetics_of_a_reaction_thought_to_be_over_at_once(rng, cured=False):
    conditions, time = rng.normal(size=(3256, 3)), rng.uniform(0.5, 2.5, (3256, 1))
    speed = np.exp(0.7 * np.sin(conditions[:, :1]) + 0.4 * conditions[:, 1:2] * conditions[:, 2:] - 0.3)
    left = np.exp(-speed * time) + rng.normal(0, 0.01, time.shape)
    train, probe = split(np.hstack([conditions, time]), left, rng, 256)
    inputs = keras.Input((4,))
    start = keras.initializers.Constant(0.0 if cured else 4.3)
    fast = Dense(1, "exponential", bias_initializer=start)(Dense(24, "tanh")(inputs[:, :3]))
    model = keras.Model(inputs, ops.exp(-fast * inputs[:, 3:]))
    return ready(model, "mse", keras.optimizers.SGD(0.3), train, probe, 64)


@RUNS.sick("saddle", "weights with a standard deviation of 0.3")
def action_of_coupled_springs_by_squares_of_almost_nothing(rng, cured=False):
    x, couplings = rng.normal(size=(4256, 8)), rng.normal(size=(4, 4))
    y = (x[:, 4:] ** 2).sum(axis=1) - ((x[:, :4] @ couplings) ** 2).sum(axis=1) / 4
    train, probe = split(x, standardized(y)[:, None], rng, 256)
    start = normal(0.3 if cured else 1e-8)
    model = net((8,), Dense(16, ops.square, use_bias=False, kernel_initializer=start), Dense(1))
    return ready(model, "mse", keras.optimizers.SGD(0.01), train, probe, 64)


@RUNS.sick("cliff", "gradients clipped to a norm of 1")
def cultures_of_which_a_few_grow_for_long(rng, cured=False):
    def grown(speed, time, exponential):
        return 200 / (1 + 199 * exponential(-speed * time))

    x = rng.normal(size=(3256, 3))
    time = np.where(rng.random((3256, 1)) < 0.01, 8.0, rng.uniform(0.5, 2, (3256, 1)))
    speed = 0.3 * np.sin(1.5 * x[:, :1]) + 0.3 * x[:, 1:2] * np.tanh(x[:, 2:])
    cells = grown(speed, time, np.exp) * (1 + rng.normal(0, 0.02, time.shape))
    train, probe = split(np.hstack([x, time]), cells, rng, 256)
    inputs = keras.Input((4,))
    predicted = Dense(1)(Dense(12, "tanh")(inputs[:, :3]))
    model = keras.Model(inputs, grown(predicted, inputs[:, 3:], ops.exp))
    optimizer = keras.optimizers.SGD(0.03, global_clipnorm=1.0 if cured else None)
    return ready(model, "log_cosh", optimizer, train, probe, 32)


@RUNS.sick("exploding", "phases half as large")
def wells_told_by_ten_interferometers(rng, cured=False):
    x = rng.uniform(-2, 2, (4256, 2))
    place, speed = x.T
    for _ in range(300):
        speed = speed + 0.05 * (place - place**3 - 0.4 * speed)
        place = place + 0.05 * speed
    train, probe = split(x, (place > 0).astype(int)[:, None], rng, 256)
    start = normal((1.5 if cured else 3.0) / np.sqrt(24))
    hidden = [Dense(24, ops.cos, kernel_initializer=start) for _ in range(10)]
    return ready(net((2,), *hidden, Dense(1)), BINARY_LOGITS, keras.optimizers.SGD(0.01), train, probe, 32)


@RUNS.sick("vanishing", "SELU, and weights as it wants them")
def pulses_cleaned_by_eight_sigmoids(rng, cured=False):
    clean = pulses(rng, 3256)
    train, probe = split(clean + rng.normal(0, 0.3, clean.shape), clean, rng, 256)
    kind = {"activation": "selu", "kernel_initializer": "lecun_normal"} if cured else {"activation": "sigmoid"}
    model = net((40,), *[Dense(32, **kind) for _ in range(8)], Dense(40))
    return ready(model, "mse", keras.optimizers.SGD(0.03, momentum=0.9), train, probe, 32)


@RUNS.sick("short_horizon", "an orthogonal recurrent kernel")
def polarity_of_an_earthquake_under_its_coda(rng, cured=False):
    y, time = rng.integers(2, size=3256), np.arange(30)
    coda = np.exp(-time / 15) * np.cos(rng.uniform(0.8, 1.5, (3256, 1)) * time + rng.uniform(0, 6.3, (3256, 1)))
    x = 0.5 * coda + rng.normal(0, 0.2, coda.shape)
    x[:, :3] = (2 * y[:, None] - 1) * [0.7, 1.5, 0.7] + rng.normal(0, 0.2, (3256, 3))
    train, probe = split(x[..., None], y[:, None], rng, 256)
    start = keras_ch8.initializers.Orthogonal() if cured else normal(0.05)
    model = net((30, 1), layers.SimpleRNN(20, "softsign", recurrent_initializer=start), Dense(1))
    return ready(model, BINARY_LOGITS, keras.optimizers.Adam(0.001), train, probe, 32)


@RUNS.sick("dead_units", "units that answer from 0 on")
def orbits_by_units_of_too_high_a_threshold(rng, cured=False):
    place, speed = rng.normal(size=(2, 3256, 2))
    energy = (speed**2).sum(axis=1) / 2 - 1.5 / np.linalg.norm(place, axis=1)
    spin = place[:, 0] * speed[:, 1] - place[:, 1] * speed[:, 0]
    y = np.where(energy > 0, 2, spin > 0)
    train, probe = split(np.hstack([place, speed]), y, rng, 256)
    hidden = [Dense(48), layers.ReLU(threshold=0.0 if cured else 6.0), Dense(24, "relu")]
    return ready(net((4,), *hidden, Dense(3)), LOGITS, keras.optimizers.Adam(0.003), train, probe, 32)


@RUNS.sick("saturated_units", "gains of 1 after the normalization")
def lift_of_wings_by_units_of_too_much_gain(rng, cured=False):
    x = rng.uniform(-1, 1, (3256, 6))
    y = np.sin(2 * x[:, :1]) * (1 + x[:, 1:2]) ** 2 + x[:, 2:3] * x[:, 3:4] + 0.5 * x[:, 4:5]
    train, probe = split(standardized(x), standardized(y), rng, 256)
    gain = keras.initializers.Constant(1.0 if cured else 40.0)
    hidden = [Dense(32), layers.LayerNormalization(gamma_initializer=gain), layers.Activation("tanh")]
    hidden += [Dense(32), layers.LayerNormalization(gamma_initializer=gain), layers.Activation("tanh")]
    return ready(net((6,), *hidden, Dense(1)), "mse", keras.optimizers.Adam(), train, probe, 32)


@RUNS.sick("batch_norm_gap", "statistics of its own for each instrument")
def substances_compared_between_two_instruments(rng, cured=False):
    library = rng.normal(size=(8, 20))
    first, same = rng.integers(8, size=3256), rng.integers(2, size=3256)
    second = np.where(same, first, (first + rng.integers(1, 8, 3256)) % 8)
    x = library[np.stack([first, second], axis=1)] + rng.normal(0, 0.4, (3256, 2, 20))
    train, probe = split(x * [[1], [0.5]] + [[0], [2]], same[:, None], rng, 256)
    inputs, shared = keras.Input((2, 20)), layers.BatchNormalization(momentum=0.9)
    each = [layers.BatchNormalization(momentum=0.9) if cured else shared for _ in range(2)]
    h = [normalize(inputs[:, at]) for at, normalize in enumerate(each)]
    h = Dense(48, "relu")(ops.concatenate([*h, h[0] * h[1]], axis=1))
    return ready(keras.Model(inputs, Dense(1)(h)), BINARY_LOGITS, keras.optimizers.Adam(0.002), train, probe, 32)


@RUNS.sick("bad_scale", "cells of mean 0 and variance 1")
def places_of_showers_in_counts_of_a_converter(rng, cured=False):
    cells, place = showers(rng, 3256)
    counts = np.round(400 * cells + 300 + rng.normal(0, 8, cells.shape)).clip(0, 4095)
    train, probe = split(standardized(counts) if cured else counts, standardized(place), rng, 256)
    convolution = layers.Conv2D(8, 3, activation="relu", kernel_initializer="he_normal")
    model = net((8, 8, 1), convolution, layers.Flatten(), Dense(32, "relu", kernel_initializer="he_normal"), Dense(2))
    return ready(model, "mse", keras.optimizers.Adam(), train, probe, 32)


@RUNS.sick("overfitting", "forty times the stars")
def planets_of_a_hundred_stars(rng, cured=False):
    size = 256 + (4000 if cured else 100)
    y, time = rng.integers(2, size=size), np.arange(48)
    middle, half = rng.uniform(12, 36, (size, 1)), rng.uniform(3, 6, (size, 1))
    x = rng.normal(size=(size, 48)) - 1.2 * y[:, None] * (np.abs(time - middle) < half)
    train, probe = split(x[..., None], y[:, None], rng, 256)
    model = net((48, 1), layers.Conv1D(16, 7, activation="relu"), layers.Flatten(), Dense(32, "relu"), Dense(1))
    train = train if cured else tiled(train, 8)
    return ready(model, BINARY_LOGITS, keras.optimizers.Adam(0.0005), train, probe, 25, validate=True)


@RUNS.sick("underfitting", "a network of all three together")
def torque_as_a_sum_of_what_each_part_does(rng, cured=False):
    x = rng.uniform(-1, 1, (4256, 3))
    y = (0.7 + x[:, :1]) * (0.7 + x[:, 1:2]) * np.sin(1.5 * x[:, 2:]) + rng.normal(0, 0.01, (4256, 1))
    train, probe = split(standardized(x), standardized(y), rng, 256)
    inputs = keras.Input((3,))
    parts = [inputs] if cured else [inputs[:, at : at + 1] for at in range(3)]
    effects = [Dense(1)(Dense(32, "tanh")(Dense(32, "tanh")(part))) for part in parts]
    model = keras.Model(inputs, sum(effects))
    return ready(model, "mse", keras.optimizers.Adam(schedules.CosineDecay(0.01)), train, probe, 64, validate=True)


@RUNS.healthy
def kind_and_energy_of_particles(rng):
    kind, energy, depth = rng.integers(2, size=(6256, 1)), rng.uniform(0, 1, (6256, 1)), np.arange(1, 13)
    profile = depth ** (1.5 + 1.5 * kind + energy) * np.exp(-0.6 * depth)
    x = (1 + energy) * profile / profile.sum(axis=1, keepdims=True) + rng.normal(0, 0.01, (6256, 12))
    train, probe = split(standardized(x), np.hstack([standardized(energy), kind]), rng, 256)
    inputs = keras.Input((12,))
    trunk = Dense(32, "silu")(inputs)
    model = keras.Model(inputs, [Dense(1, name=name)(Dense(16, "silu")(trunk)) for name in ("energy", "kind")])
    optimizer = keras.optimizers.Adam(schedules.CosineDecay(0.005))
    return ready(model, ["mse", BINARY_LOGITS], optimizer, in_two(train), in_two(probe), 64)


def contrastive(y, distance):
    """Pull those together that are the same, and push the others a distance of 1 apart."""
    return y * distance**2 + (1 - y) * ops.maximum(1 - distance, 0) ** 2


@RUNS.healthy
def same_or_other_wave_by_distance(rng):
    y, kinds = rng.integers(2, size=6256), rng.integers(4, size=6256)
    kinds = np.stack([kinds, np.where(y, kinds, (kinds + rng.integers(1, 4, 6256)) % 4)], axis=1)[..., None]
    turn = (1 + kinds) * np.arange(20) * np.pi / 20 + rng.uniform(-0.5, 0.5, (6256, 2, 1))
    train, probe = split(np.cos(turn) + rng.normal(0, 0.2, turn.shape), y[:, None].astype(float), rng, 256)
    place = net((20,), Dense(32, "relu"), Dense(4))
    left, right = keras.Input((20,)), keras.Input((20,))
    square = ops.sum((place(left) - place(right)) ** 2, axis=1, keepdims=True)
    model = keras.Model([left, right], ops.sqrt(square + 1e-6))
    train, probe = (((x[:, 0], x[:, 1]), y) for x, y in (train, probe))
    return ready(model, contrastive, keras.optimizers.AdamW(0.002), train, probe, 64, steps=12)


@RUNS.healthy
def photons_of_a_lighthouse_counted(rng):
    x = rng.normal(size=(4256, 4))
    y = rng.poisson(np.exp(2 + np.sin(2 * x[:, :1]) + 0.4 * x[:, 1:2] * np.tanh(x[:, 2:3])))
    train, probe = split(x, y.astype(float), rng, 256)
    model = net((4,), Dense(32, "tanh"), Dense(24, "tanh"), Dense(1, "exponential"))
    return ready(model, "poisson", keras.optimizers.RMSprop(schedules.CosineDecay(0.003)), train, probe, 64)


@RUNS.healthy
def pulses_squeezed_to_four_numbers(rng):
    clean = pulses(rng, 6256)
    train, probe = split(clean, clean, rng, 256)
    hidden = [Dense(48, "elu"), Dense(4), Dense(48, "elu")]
    optimizer = keras.optimizers.Nadam(schedules.CosineDecay(0.005))
    return ready(net((40,), *hidden, Dense(40)), "mse", optimizer, train, probe, 64)


def three_bells(y, predicted):
    """Negative log-likelihood of a mixture of three normal distributions."""
    weight, middle, width = ops.split(predicted, 3, axis=1)
    width = 0.02 + ops.softplus(width)
    bells = ops.log_softmax(weight) - ((y - middle) / width) ** 2 / 2 - ops.log(width)
    return -ops.logsumexp(bells, axis=1) + 0.9189


@RUNS.healthy
def angles_of_which_a_sine_leaves_a_choice(rng):
    angle = rng.uniform(-1, 1, (6256, 1))
    x = angle + 0.4 * np.sin(5 * angle) + rng.normal(0, 0.03, angle.shape)
    train, probe = split(standardized(x), standardized(angle), rng, 256)
    model = net((1,), Dense(32, "tanh"), Dense(32, "tanh"), Dense(9))
    return ready(model, three_bells, keras_ch8.optimizers.Adam(schedules.CosineDecay(0.01)), train, probe, 64)


@RUNS.healthy
def faults_of_bearings_by_nesterov(rng):
    train, probe = split(*bearings(rng, 4256), rng, 256)
    hidden = [layers.Conv1D(16, 9, 2, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU()]
    hidden += [layers.Conv1D(16, 9, 2, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU()]
    model = net((64, 1), *hidden, layers.GlobalAveragePooling1D(), Dense(3))
    return ready(model, LOGITS, keras_ch8.optimizers.Nesterov(schedules.LinearDecay(0.02, "100%")), train, probe, 64)


@RUNS.healthy
def response_of_a_valve_by_dilated_convolutions(rng):
    drive, state, response = rng.normal(size=(3256, 24)), np.zeros(3256), []
    for push in drive.T:
        state = 0.6 * state + 0.4 * np.tanh(2 * push)
        response.append(state)
    train, probe = split(drive[..., None], standardized(np.stack(response, axis=1))[..., None], rng, 256)
    hidden = [layers.Conv1D(16, 3, padding="causal", dilation_rate=2**k, activation="gelu") for k in range(3)]
    model = net((24, 1), *hidden, Dense(1))
    return ready(model, "mse", keras.optimizers.Adamax(schedules.CosineDecay(0.01)), train, probe, 32)


@RUNS.healthy
def stability_of_linear_systems_by_plain_steps(rng):
    x = rng.normal(size=(6256, 2, 2))
    roots = np.linalg.eigvals(x)
    y = 2 * (roots.real.max(axis=1) < 0) + (np.abs(roots.imag).max(axis=1) > 0)
    train, probe = split(x.reshape(-1, 4), y, rng, 256)
    model = net((4,), Dense(48, "relu", kernel_initializer="he_normal"), Dense(48, "relu"), Dense(4))
    optimizer = keras.optimizers.SGD(schedules.LinearDecay(0.3, "100%"))
    return ready(model, LOGITS, optimizer, train, probe, 64)

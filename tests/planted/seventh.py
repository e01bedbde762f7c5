"""A seventh part of planted runs, written without sight of the rules."""

import keras
import numpy as np
from keras import layers, ops
from sklearn import datasets

import keras_ch8
from keras_ch8 import schedules

from .runs import BINARY_LOGITS, LOGITS, Half, net, normal, ready, split, standardized, tiled

RUNS = Half()
Dense = layers.Dense


def graphs(rng, size, nodes=8):
    """Return which pairs of nodes are joined, as -1 and 1, and the standardized logarithm of the triangles."""
    joined = np.triu(rng.random((size, nodes, nodes)) < rng.uniform(0.3, 0.8, (size, 1, 1)), 1).astype(float)
    both = joined + joined.transpose(0, 2, 1)
    triangles = np.trace(both @ both @ both, axis1=1, axis2=2) / 6
    return 2 * joined[:, *np.triu_indices(nodes, 1)] - 1, standardized(np.log1p(triangles))[:, None]


def textures(rng, size, side=6):
    """Return the cosine coefficients of smooth random images, of variance 1, and the images' pixels."""
    at = np.arange(side)
    waves = np.cos(np.pi * at[:, None] * (at + 0.5) / side)
    basis = np.einsum("iy,jx->ijyx", waves, waves).reshape(side**2, side**2)
    coefficients = rng.normal(size=(size, side**2))
    return coefficients, coefficients / (1 + np.hypot(*np.divmod(np.arange(side**2), side))) ** 2 @ basis


def disks(rng, size, side=8):
    """Return noisy images of one disk, and where it is."""
    grid = np.arange(side)
    middle, radius = rng.uniform(1.5, side - 2.5, (2, size, 1, 1)), rng.uniform(1.2, 2.5, (size, 1, 1))
    mask = np.hypot(grid[:, None] - middle[0], grid - middle[1]) < radius
    return (mask + rng.normal(0, 0.3, mask.shape))[..., None], mask[..., None].astype(float)


def bars(rng, size, side=8):
    """Return noisy images of bars, standing or lying."""
    y, place = rng.integers(2, size=size), rng.integers(side, size=size)
    x = rng.normal(0, 0.3, (size, side, side, 1))
    for image, at, standing in zip(x, place, y, strict=True):
        image[(slice(None), at) if standing else at] += 1
    return x, y


def dice(y, predicted):
    """One minus the overlap of two masks."""
    shared, total = (ops.sum(part, axis=(1, 2, 3)) for part in (y * predicted, y + predicted))
    return 1 - 2 * shared / (total + 1e-3)


@RUNS.sick("step_too_long", "a hundredth of the learning rate")
def triangles_of_graphs_by_leaps(rng, cured=False):
    x, triangles = graphs(rng, 2256)
    train, probe = split(x, np.digitize(triangles[:, 0], [-0.8, 0, 0.8]), rng, 256)
    model = net((28,), Dense(32, "leaky_relu"), Dense(4))
    return ready(model, LOGITS, keras.optimizers.SGD(0.03 if cured else 3.0), train, probe, 64)


@RUNS.sick("step_too_short", "a hundred times the learning rate")
def symbols_of_a_chain_by_tiny_steps(rng, cured=False):
    chances = np.cumsum(rng.dirichlet(np.full(12, 0.1), size=12), axis=1)
    pairs = rng.integers(12, size=(4256, 2))
    y = (rng.random((4256, 1)) > chances[pairs[:, 1]]).sum(axis=1).clip(max=11)
    train, probe = split(pairs, y, rng, 256)
    model = net((2,), layers.Embedding(12, 8), layers.Flatten(), Dense(48, "gelu"), Dense(12))
    return ready(model, LOGITS, keras_ch8.optimizers.RMSprop(0.003 if cured else 0.00003), train, probe, 64)


@RUNS.sick("ill_conditioned", "cosine coefficients of variance 1 in place of pixels")
def fine_detail_of_smooth_textures(rng, cured=False):
    coefficients, pixels = textures(rng, 4256)
    y = coefficients @ rng.choice([-1, 1], 36) / 6
    train, probe = split(coefficients if cured else standardized(pixels), y[:, None], rng, 256)
    return ready(net((36,), Dense(1)), "mse", keras.optimizers.SGD(0.02), train, probe, 256)


@RUNS.sick("noise_dominated", "batches of 256 records, not of 4")
def claims_counted_four_at_a_time(rng, cured=False):
    x = rng.normal(size=(2256, 24))
    y = rng.poisson(np.exp(x @ rng.normal(0, 0.1, 24) - 0.5))
    train, probe = split(x, y[:, None].astype(float), rng, 256)
    optimizer = keras.optimizers.Adam(0.03)
    return ready(net((24,), Dense(1, "exponential")), "poisson", optimizer, train, probe, 256 if cured else 4)


@RUNS.sick("batch_wasteful", "a sixteenth of the batch")
def circuits_four_thousand_at_a_time(rng, cured=False):
    x = rng.uniform(-1, 1, (33024, 4))
    ohms = np.exp(x)
    y = np.log(1 / (1 / ohms[:, 0] + 1 / ohms[:, 1]) + 1 / (1 / ohms[:, 2] + 1 / ohms[:, 3]))
    train, probe = split(x, standardized(y)[:, None], rng, 256)
    model = net((4,), Dense(32, "silu"), Dense(1))
    return ready(model, "mse", keras.optimizers.Nadam(), train, probe, 256 if cured else 4096)


@RUNS.sick("plateau", "an output that starts at even odds, not at almost no chance")
def overlap_of_masks_from_an_empty_one(rng, cured=False):
    train, probe = split(*disks(rng, 2256), rng, 256)
    odds = keras.initializers.Constant(0.0 if cured else -12.0)
    hidden = layers.Conv2D(8, 3, padding="same", activation="relu", kernel_initializer="he_normal")
    model = net((8, 8, 1), hidden, layers.Conv2D(1, 3, padding="same", activation="sigmoid", bias_initializer=odds))
    return ready(model, dice, keras.optimizers.SGD(0.1), train, probe, 32)


@RUNS.sick("saddle", "random weights, not all units alike")
def product_of_two_by_units_that_start_alike(rng, cured=False):
    x = rng.uniform(-2, 2, (512, 2)).astype("float32")
    x[256:] = -x[:256]
    train, probe = ((part, part[:, :1] * part[:, 1:]) for part in (x, rng.uniform(-2, 2, (256, 2)).astype("float32")))
    starts = ("glorot_uniform",) * 2 if cured else [keras.initializers.Constant(value) for value in (0.3, 0.1)]
    model = net((2,), Dense(16, "tanh", kernel_initializer=starts[0]), Dense(1, kernel_initializer=starts[1]))
    return ready(model, "mse", keras.optimizers.SGD(0.03), tiled(train, 10), probe, 512, shuffle=False)


@RUNS.sick("cliff", "gradients clipped to a norm of 1")
def spread_of_a_gaussian_that_gets_narrow(rng, cured=False):
    x = rng.uniform(-1, 1, (2256, 3))
    y = np.sin(2 * x[:, :1]) * x[:, 1:2] + 0.01 * rng.normal(size=(2256, 1))
    train, probe = split(x, y, rng, 256)
    loss = keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.HeteroscedasticGaussianLikelihood())
    model = net((3,), Dense(32, "tanh"), Dense(2))
    optimizer = keras_ch8.optimizers.SGD(0.05, global_clipnorm=1.0 if cured else None)
    return ready(model, loss, optimizer, train, probe, 32)


@RUNS.sick("exploding", "an orthogonal recurrent kernel")
def recurrent_units_in_a_chaotic_regime(rng, cured=False):
    speed, phase = rng.uniform(0.2, 0.6, (2256, 1)), rng.uniform(0, 6.3, (2256, 1))
    x = np.sin(speed * np.arange(40) + phase)[..., None] + rng.normal(0, 0.05, (2256, 40, 1))
    train, probe = split(x, standardized(speed), rng, 256)
    start = keras_ch8.initializers.Orthogonal() if cured else normal(2.0 / np.sqrt(48))
    model = net((40, 1), layers.SimpleRNN(48, recurrent_initializer=start), Dense(1))
    return ready(model, "mse", keras.optimizers.RMSprop(), train, probe, 32)


@RUNS.sick("vanishing", "batch normalization before each activation")
def tumors_through_eight_sigmoids(rng, cured=False):
    x, y = datasets.load_breast_cancer(return_X_y=True)
    train, probe = split(standardized(x), y[:, None], rng, 256)
    between = [keras_ch8.layers.BatchNormalization] * cured
    block = [lambda: Dense(24), *between, lambda: layers.Activation("sigmoid")]
    model = net((30,), *[make() for make in block * 8], Dense(1))
    return ready(model, BINARY_LOGITS, keras.optimizers.SGD(0.05, momentum=0.9), train, probe, 32)


@RUNS.sick("short_horizon", "a recurrent kernel that starts as the identity")
def theme_told_by_the_first_word(rng, cured=False):
    x, y = rng.integers(4, 20, size=(4256, 50)), rng.integers(4, size=4256)
    x[:, 0] = y
    train, probe = split(x, y, rng, 256)
    start = keras_ch8.initializers.IdentityRecurrent() if cured else normal(0.05)
    model = net((50,), layers.Embedding(20, 8), layers.SimpleRNN(24, recurrent_initializer=start), Dense(4))
    return ready(model, LOGITS, keras.optimizers.Adam(global_clipnorm=1.0), train, probe, 32)


@RUNS.sick("dead_units", "a shift that starts at 0")
def radii_by_filters_shifted_out_of_reach(rng, cured=False):
    x, mask = disks(rng, 2256)
    train, probe = split(x, standardized(np.sqrt(mask.sum(axis=(1, 2)))), rng, 256)
    shift = keras.initializers.Constant(0.0 if cured else -6.0)
    normalize = layers.BatchNormalization(momentum=0.9, beta_initializer=shift)
    model = net((8, 8, 1), layers.Conv2D(12, 3, use_bias=False), normalize, layers.ReLU(), layers.Flatten(), Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(), train, probe, 32)


@RUNS.sick("saturated_units", "the weights that Keras starts with, not some forty times as large")
def heartbeats_through_filters_of_large_weights(rng, cured=False):
    times, y = np.arange(40), rng.integers(3, size=2256)
    place, width = rng.uniform(10, 30, (2256, 1)), np.array([1.0, 2.0, 3.5])[y, None]
    x = np.exp(-(((times - place) / width) ** 2)) - np.exp(-(((times - place - 2 * width) / width) ** 2))
    x = standardized(x + rng.normal(0, 0.1, x.shape))[..., None]
    train, probe = split(x, y, rng, 256)
    start = "glorot_uniform" if cured else normal(6.0)
    hidden = [layers.Conv1D(12, 5, 2, activation="tanh", kernel_initializer=start) for _ in range(2)]
    model = net((40, 1), *hidden, layers.Flatten(), Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(), train, probe, 32)


@RUNS.sick("batch_norm_gap", "frames in random order")
def frames_in_the_order_of_the_day(rng, cured=False):
    images, y = bars(rng, 2304)
    x = images + 3 * np.sin(np.arange(2304) / 100)[:, None, None, None]
    held = np.arange(2304) % 9 == 0
    train, probe = ((x[part].astype("float32"), y[part]) for part in (~held, held))
    hidden = [layers.BatchNormalization(), layers.Conv2D(8, 3, activation="relu"), layers.Flatten()]
    model = net((8, 8, 1), *hidden, Dense(2))
    return ready(model, LOGITS, keras.optimizers.Adam(0.003), train, probe, 32, shuffle=cured)


@RUNS.sick("bad_scale", "coordinates of mean 0 and variance 1")
def rents_by_degrees_of_latitude_and_longitude(rng, cured=False):
    z = rng.normal(size=(4256, 2))
    y = np.exp(-(z**2).sum(axis=1) / 2) + np.tanh(z[:, 0] - z[:, 1]) + rng.normal(0, 0.1, 4256)
    x = z if cured else z * [0.03, 0.05] + [48.14, 11.58]
    train, probe = split(x, standardized(y)[:, None], rng, 256)
    model = net((2,), Dense(32, "leaky_relu"), Dense(16, "leaky_relu"), Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(), train, probe, 64)


@RUNS.sick("overfitting", "forty times the patients")
def genes_of_eighty_patients(rng, cured=False):
    x = rng.normal(size=(256 + (3200 if cured else 80), 100))
    y = (x[:, :4].sum(axis=1) + rng.normal(0, 1.5, len(x)) > 0).astype(int)
    train, probe = split(x, y[:, None], rng, 256)
    train = tiled(train, 1 if cured else 10)
    model = net((100,), Dense(32, "relu"), Dense(1))
    return ready(model, BINARY_LOGITS, keras.optimizers.Adam(), train, probe, 16, validate=True)


@RUNS.sick("underfitting", "the embeddings side by side, not their average")
def codes_of_which_the_order_is_lost(rng, cured=False):
    x, worth = rng.integers(16, size=(4256, 8)), rng.normal(size=16)
    y = worth[x] @ np.linspace(-0.5, 1.5, 8)
    train, probe = split(x, standardized(y)[:, None], rng, 256)
    gather = layers.Flatten() if cured else layers.GlobalAveragePooling1D()
    model = net((8,), layers.Embedding(16, 6), gather, Dense(16, "gelu"), Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(schedules.CosineDecay(0.01)), train, probe, 128, validate=True)


@RUNS.healthy
def rings_with_adam(rng):
    seed = int(rng.integers(2**31))
    x, y = datasets.make_gaussian_quantiles(n_samples=4256, n_features=3, n_classes=3, random_state=seed)
    train, probe = split(x, y, rng, 256)
    return ready(net((3,), Dense(32, "relu"), Dense(3)), LOGITS, keras.optimizers.Adam(0.005), train, probe, 64)


@RUNS.healthy
def centers_of_disks_by_convolutions(rng):
    x, mask = disks(rng, 4256)
    at = np.linspace(-1, 1, 8)
    y = np.stack([(mask[..., 0].sum(axis=axis) * at).sum(axis=1) / mask.sum(axis=(1, 2, 3)) for axis in (1, 2)], axis=1)
    train, probe = split(x, y, rng, 256)
    hidden = [layers.Conv2D(8, 3, activation="relu", kernel_initializer="he_normal") for _ in range(2)]
    model = net((8, 8, 1), *hidden, layers.Flatten(), Dense(2))
    return ready(model, "mse", keras.optimizers.Adam(schedules.CosineDecay(0.003)), train, probe, 32)


@RUNS.healthy
def largest_so_far_by_a_gru(rng):
    x = rng.normal(size=(4256, 10, 1))
    train, probe = split(x, x.max(axis=1), rng, 256)
    return ready(net((10, 1), layers.GRU(16), Dense(1)), "mse", keras.optimizers.Adam(0.005), train, probe, 64)


@RUNS.healthy
def answers_looked_up_by_attention(rng):
    x = rng.integers(8, size=(6256, 6))
    y = (x[:, :-1] == x[:, -1:]).sum(axis=1).clip(max=2)
    train, probe = split(x, y, rng, 256)
    tokens = keras.Input((6,))
    h = layers.Embedding(8, 16)(tokens)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 8)(h[:, -1:], h))
    model = keras.Model(tokens, Dense(3)(Dense(32, "gelu")(layers.Flatten()(h))))
    return ready(model, LOGITS, keras.optimizers.AdamW(schedules.Warmup(0.003, 100)), train, probe, 64)


@RUNS.healthy
def hastie_with_batch_normalization(rng):
    x, y = datasets.make_hastie_10_2(6256, random_state=int(rng.integers(2**31)))
    train, probe = split(x, (y > 0).astype(int)[:, None], rng, 256)
    model = net((10,), Dense(48, use_bias=False), layers.BatchNormalization(momentum=0.95), layers.ReLU(), Dense(1))
    return ready(model, BINARY_LOGITS, keras.optimizers.SGD(0.03, momentum=0.9), train, probe, 64)


@RUNS.healthy
def range_of_a_throw_by_plain_steps(rng):
    speed, angle = rng.uniform(0.5, 1.5, 4256), rng.uniform(0, np.pi / 2, 4256)
    y = standardized(speed**2 * np.sin(2 * angle))[:, None]
    train, probe = split(standardized(np.stack([speed, angle], axis=1)), y, rng, 256)
    return ready(net((2,), Dense(32, "relu"), Dense(1)), "mse", keras.optimizers.SGD(0.05), train, probe, 32)


@RUNS.healthy
def impedances_with_rmsprop(rng):
    x, y = datasets.make_friedman2(4256, noise=20.0, random_state=int(rng.integers(2**31)))
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 256)
    model = net((4,), Dense(32, "gelu"), Dense(32, "gelu"), Dense(1))
    return ready(model, "mse", keras.optimizers.RMSprop(schedules.LinearDecay(0.002, "100%")), train, probe, 64)


@RUNS.healthy
def digits_with_a_gradient_that_grows(rng):
    images, y = datasets.load_digits(return_X_y=True)
    train, probe = split(images.reshape(-1, 8, 8, 1) / 16, y, rng, 256)
    hidden = [layers.Conv2D(12, 3, activation="relu") for _ in range(2)]
    model = net((8, 8, 1), *hidden, layers.Flatten(), Dense(10))
    return ready(model, LOGITS, keras_ch8.optimizers.Nesterov(0.005), train, probe, 32)

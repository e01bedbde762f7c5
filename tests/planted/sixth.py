"""A sixth part of planted runs, written without sight of the rules, and judged as it is."""

import keras
import numpy as np
from keras import layers, ops
from sklearn import datasets

import keras_ch8
from keras_ch8 import schedules

from .runs import Half, net, normal, ready, split, standardized

RUNS = Half()
Dense = layers.Dense
constant = keras.initializers.Constant


def damped(rng, count, length):
    """Return damped oscillations at so many times, their damping, and their frequency."""
    damping, frequency, phase = (rng.uniform(*ends, (count, 1)) for ends in [(0.05, 0.5), (1, 5), (0, 2 * np.pi)])
    time = np.linspace(0, 6, length)
    return np.exp(-damping * time) * np.cos(frequency * time + phase), damping, frequency


def friedman(rng, count, noise=0.0):
    x, y = datasets.make_friedman1(count, noise=noise, random_state=int(rng.integers(2**31)))
    return standardized(x), standardized(y)[:, None]


def poisson_likelihood():
    return keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.PoissonLikelihood())


@RUNS.sick("step_too_long", "a hundredth of the learning rate")
def spectral_fit_by_long_steps(rng, cured=False):
    x = rng.uniform(-1, 1, (2176, 2))
    y = np.sin(3 * x[:, :1]) * np.cos(2 * x[:, 1:]) + 0.02 * rng.normal(size=(2176, 1))
    train, probe = split(x, y, rng, 128)
    model = net((2,), Dense(48, ops.sin, kernel_initializer=normal(2.0)), Dense(1))
    return ready(model, "huber", keras.optimizers.SGD(0.06 if cured else 6.0), train, probe, 64)


@RUNS.sick("step_too_short", "50 times the learning rate")
def forecast_by_adagrad_as_it_comes(rng, cured=False):
    signal, _, _ = damped(rng, 2176, 30)
    train, probe = split(signal[:, :24], signal[:, 27:28], rng, 128)
    model = net((24,), Dense(32, "tanh"), Dense(1))
    return ready(model, "mse", keras.optimizers.Adagrad(0.05 if cured else 0.001), train, probe, 32)


@RUNS.sick("ill_conditioned", "orthogonal polynomials in place of powers")
def calibration_curve_in_powers(rng, cured=False):
    t = rng.uniform(-1, 1, 4224)
    powers, orthogonal = np.stack([t**k for k in range(1, 8)], 1), np.polynomial.legendre.legvander(t, 7)[:, 1:]
    y = orthogonal @ rng.choice([-1, 1], 7) + 0.02 * rng.normal(size=4224)
    train, probe = split(standardized(orthogonal if cured else powers), y[:, None], rng, 128)
    return ready(net((7,), Dense(1)), "mse", keras_ch8.optimizers.SGD(0.2), train, probe, 128)


@RUNS.sick("noise_dominated", "a learning rate that falls to 0")
def adaptive_filter_of_a_noisy_channel(rng, cured=False):
    x = np.lib.stride_tricks.sliding_window_view(rng.normal(size=2256 + 47), 48)
    y = x @ (np.exp(-0.1 * np.arange(48)) * np.cos(0.7 * np.arange(48))) + rng.normal(size=2256)
    train, probe = split(x, y[:, None], rng, 256)
    rate = schedules.LinearDecay(0.02, "100%", 0.0) if cured else 0.02
    return ready(net((48,), Dense(1)), "mse", keras_ch8.optimizers.SGD(rate), train, probe, 2)


@RUNS.sick("batch_wasteful", "batches of an eighth")
def exact_law_in_huge_batches(rng, cured=False):
    x = rng.uniform(-1, 1, (16512, 3))
    y = np.exp(-(1 + x[:, :1])) * np.cos(2 * x[:, 1:2] + x[:, 2:])
    train, probe = split(x, y, rng, 128)
    model = net((3,), Dense(24, "tanh"), Dense(1))
    optimizer = keras.optimizers.SGD(0.02, momentum=0.9, nesterov=True)
    return ready(model, "mse", optimizer, train, probe, 128 if cured else 1024)


@RUNS.sick("plateau", "the last bias starts at 0")
def light_curve_from_a_dark_start(rng, cured=False):
    x = rng.normal(size=(2176, 6))
    y = np.exp(np.sin(x[:, :1]) + 0.5 * x[:, 1:2] * (x[:, 2:3] > 0)) + 0.1 * rng.normal(size=(2176, 1))
    train, probe = split(x, y, rng, 128)
    dark = constant(0.0 if cured else np.log(5e-4))
    model = net((6,), Dense(24, "tanh"), Dense(1, "exponential", bias_initializer=dark))
    return ready(model, "mse", keras.optimizers.SGD(0.02), train, probe, 32)


@RUNS.sick("saddle", "factors that start at random, not at almost 0")
def ratings_factored_from_almost_zero(rng, cured=False):
    users, items = np.divmod(np.arange(40 * 30), 30)
    ratings = np.sum(rng.normal(size=(40, 3))[users] * rng.normal(size=(30, 3))[items], 1) / np.sqrt(3)
    train, probe = split(np.stack([users, items], 1), ratings[:, None], rng, 128)
    pair, start = keras.Input((2,)), normal(0.3 if cured else 1e-7)
    user, item = (layers.Embedding(size, 3, start)(pair[:, at]) for at, size in enumerate([40, 30]))
    model = keras.Model(pair, layers.Dot(1)([user, item]))
    return ready(model, "mse", keras_ch8.optimizers.SGD(0.3), train, probe, 32)


@RUNS.sick("exploding", "weights of the variance that sines want")
def deep_sine_net_of_too_large_weights(rng, cured=False):
    x = rng.uniform(-1, 1, (2176, 2))
    y = np.exp(-x[:, :1]) * np.cos(4 * x[:, 1:])
    train, probe = split(x, y, rng, 128)
    start = keras.initializers.VarianceScaling(1.5 if cured else 9.0)
    hidden = [Dense(32, ops.sin, kernel_initializer=start) for _ in range(8)]
    return ready(net((2,), *hidden, Dense(1)), "mse", keras.optimizers.SGD(0.005), train, probe, 32)


@RUNS.sick("vanishing", "ReLU, and weights as it wants them")
def damping_through_many_sigmoids(rng, cured=False):
    signal, damping, _ = damped(rng, 2176, 32)
    train, probe = split(signal, standardized(damping), rng, 128)
    kind = {"activation": "relu", "kernel_initializer": "he_normal"} if cured else {"activation": "sigmoid"}
    model = net((32,), *[Dense(32, **kind) for _ in range(7)], Dense(1))
    return ready(model, "mse", keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True), train, probe, 32)


@RUNS.sick("short_horizon", "an orthogonal recurrent kernel")
def pulse_of_long_ago(rng, cured=False):
    x, y = 0.2 * rng.normal(size=(2176, 30, 2)), rng.integers(0, 2, 2176)
    x[:, 0, 0] += 2 * y - 1.0
    train, probe = split(x, y, rng, 128)
    start = keras_ch8.initializers.Orthogonal() if cured else normal(0.1)
    model = net((30, 2), layers.SimpleRNN(16, recurrent_initializer=start), Dense(2, "softmax"))
    return ready(model, "sparse_categorical_crossentropy", keras_ch8.optimizers.Nesterov(0.02), train, probe, 32)


@RUNS.sick("dead_units", "hidden biases that start at 0")
def sparse_counts_of_silent_units(rng, cured=False):
    x = rng.normal(size=(4352, 8))
    y = rng.poisson(np.exp(1.5 * np.sin(2 * x[:, :1]) + np.abs(x[:, 1:2]) - 1))
    train, probe = split(x, y, rng, 256)
    start = constant(0.0 if cured else -5.0)
    hidden = Dense(48, "relu", kernel_initializer="he_normal", bias_initializer=start)
    model = net((8,), hidden, Dense(1, "exponential"))
    return ready(model, "poisson", keras.optimizers.Nadam(0.002), train, probe, 32)


@RUNS.sick("saturated_units", "weights of the variance that the inputs ask for")
def friedman_of_saturated_units(rng, cured=False):
    train, probe = split(*friedman(rng, 2176, noise=0.2), rng, 128)
    start = keras.initializers.GlorotUniform() if cured else normal(8.0)
    model = net((10,), Dense(48, "tanh", kernel_initializer=start), Dense(1))
    return ready(model, "huber", keras.optimizers.Adam(0.003), train, probe, 32)


@RUNS.sick("batch_norm_gap", "moving statistics that forget in 10 steps, not in 3333")
def oscillations_of_slow_moving_statistics(rng, cured=False):
    signal, _, frequency = damped(rng, 2176, 48)
    x = 2 + 3 * signal[..., None] + 0.1 * rng.normal(size=(2176, 48, 1))
    train, probe = split(x, standardized(frequency), rng, 128)
    moving = {"momentum": 0.9 if cured else 0.9997}
    hidden = [layers.Conv1D(12, 5, 2), layers.BatchNormalization(**moving), layers.ReLU()]
    hidden += [layers.Conv1D(12, 5, 2), layers.BatchNormalization(**moving), layers.ReLU()]
    rate = schedules.CosineDecay(0.01)
    return ready(
        net((48, 1), *hidden, layers.Flatten(), Dense(1)), "mse", keras.optimizers.Adam(rate), train, probe, 32
    )


@RUNS.sick("bad_scale", "microvolts in place of volts")
def brain_waves_in_volts(rng, cured=False):
    y, time = rng.integers(0, 2, 2176), np.arange(32) / 32
    alpha = np.sin(2 * np.pi * (rng.uniform(3, 5, (2176, 1)) * time + rng.uniform(0, 1, (2176, 1))))
    x = rng.normal(size=(2176, 32)) * 0.7 + 1.5 * y[:, None] * alpha
    train, probe = split(x * (1 if cured else 1e-5), y, rng, 128)
    model = net((32,), Dense(32, "relu"), Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.RMSprop(0.001), train, probe, 32)


@RUNS.sick("overfitting", "13 times the data")
def noisy_friedman_by_heart(rng, cured=False):
    train, probe = split(*friedman(rng, 256 + (4160 if cured else 320), noise=5.0), rng, 256)
    model = net((10,), *[Dense(96, "relu", kernel_initializer="he_normal") for _ in range(2)], Dense(1))
    return ready(model, "mse", keras_ch8.optimizers.Adam(0.002), train, probe, 10, validate=True)


@RUNS.sick("underfitting", "a hidden layer")
def rugged_surface_by_a_plane(rng, cured=False):
    x = rng.uniform(-1, 1, (4352, 4))
    y = x[:, :1] + np.sin(4 * x[:, 1:2]) + 2 * x[:, 2:3] * x[:, 3:] + 0.05 * rng.normal(size=(4352, 1))
    train, probe = split(x, y, rng, 256)
    model = net((4,), *([Dense(48, "tanh")] if cured else []), Dense(1))
    optimizer = keras_ch8.optimizers.Momentum(schedules.LinearDecay(0.05, "100%"))
    return ready(model, "mse", optimizer, train, probe, 64, validate=True)


@RUNS.sick("nonfinite", "a small number under the root")
def distances_of_pairs_some_of_them_equal(rng, cured=False):
    x = rng.normal(size=(2176, 2, 5))
    x[::50, 1] = x[::50, 0]
    y = np.linalg.norm(np.tanh(x[:, 0]) - np.tanh(x[:, 1]), axis=1, keepdims=True) + 0.05 * rng.normal(size=(2176, 1))
    train, probe = split(x, y, rng, 128)
    pair = keras.Input((2, 5))
    place = Dense(8)(Dense(32, "tanh")(pair))
    square = ops.sum((place[:, 0] - place[:, 1]) ** 2, axis=1, keepdims=True)
    model = keras.Model(pair, ops.sqrt(square + (1e-6 if cured else 0.0)))
    return ready(model, "mae", keras.optimizers.Adam(schedules.CosineDecay(0.003)), train, probe, 32)


@RUNS.healthy
def gaussian_likelihood_of_a_sharp_signal(rng):
    x = rng.uniform(-1, 1, (4224, 2))
    y = np.sin(3 * x[:, :1]) * x[:, 1:] + (0.05 + 0.05 * x[:, 1:] ** 2) * rng.normal(size=(4224, 1))
    train, probe = split(x, y, rng, 128)
    loss = keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.HeteroscedasticGaussianLikelihood())
    model = net((2,), Dense(32, "tanh"), Dense(32, "tanh"), Dense(2))
    return ready(model, loss, keras_ch8.optimizers.Adam(schedules.CosineDecay(0.005)), train, probe, 64)


@RUNS.healthy
def frequency_by_a_gru(rng):
    signal, _, frequency = damped(rng, 4224, 12)
    train, probe = split(signal[..., None], standardized(frequency), rng, 128)
    model = net((12, 1), layers.GRU(16, unroll=True), Dense(1))
    return ready(model, "mse", keras.optimizers.Nadam(schedules.CosineDecay(0.01)), train, probe, 64)


@RUNS.healthy
def value_at_the_largest_key_by_attention(rng):
    x = rng.normal(size=(4224, 8, 2))
    y = np.take_along_axis(x[..., 1], x[..., 0].argmax(1)[:, None], 1)
    train, probe = split(x, y, rng, 128)
    tokens = keras.Input((8, 2))
    h = Dense(16, "gelu")(tokens)
    h = Dense(32, "gelu")(h + layers.MultiHeadAttention(2, 8)(h, h))
    model = keras.Model(tokens, Dense(1)(layers.GlobalAveragePooling1D()(h)))
    return ready(model, "mse", keras.optimizers.AdamW(schedules.OneCycle(0.005)), train, probe, 64)


@RUNS.healthy
def digits_with_batch_normalization(rng):
    images, y = datasets.load_digits(return_X_y=True)
    train, probe = split(images.reshape(-1, 8, 8, 1) / 16, y, rng, 256)
    hidden = [layers.Conv2D(12, 3, use_bias=False), layers.BatchNormalization(momentum=0.95), layers.ReLU()]
    model = net((8, 8, 1), *hidden, layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.3), Dense(10, "softmax"))
    optimizer = keras_ch8.optimizers.Momentum(schedules.LinearDecay(0.03, "100%"))
    return ready(model, "sparse_categorical_crossentropy", optimizer, train, probe, 32)


@RUNS.healthy
def counts_by_clipped_steps(rng):
    x = rng.normal(size=(4224, 6))
    y = rng.poisson(np.exp(np.sin(x[:, :1]) + 0.5 * x[:, 1:2] - 0.5))
    train, probe = split(x, y, rng, 256)
    model = net((6,), Dense(24, "tanh"), Dense(1))
    optimizer = keras_ch8.optimizers.RMSprop(schedules.CosineDecay(0.005), global_clipnorm=1.0)
    return ready(model, poisson_likelihood(), optimizer, train, probe, 64)


@RUNS.healthy
def decay_weighted_by_its_errors(rng):
    x = rng.uniform(0, 1, (4224, 2))
    error = 0.02 + 0.2 * x[:, :1]
    y = np.exp(-3 * x[:, :1]) * np.cos(6 * x[:, 1:]) + error * rng.normal(size=(4224, 1))
    weights = 1 / error**2
    train, probe = split(np.hstack([2 * x - 1, weights / weights.mean()]), y, rng, 256)
    (x, y), (held, y_held) = train, probe
    model = net((2,), Dense(32, "tanh"), Dense(1))
    optimizer = keras.optimizers.Adam(schedules.CosineDecay(0.01))
    return ready(model, "mse", optimizer, (x[:, :2], y), (held[:, :2], y_held), 64, sample_weight=x[:, 2])


@RUNS.healthy
def rare_signals_weighted_by_class(rng):
    x, y = datasets.make_classification(
        4352, 12, n_informative=6, weights=[0.85], class_sep=1.5, flip_y=0.01, random_state=int(rng.integers(2**31))
    )
    train, probe = split(standardized(x), y, rng, 256)
    model = net((12,), Dense(24, "relu", kernel_initializer="he_normal"), Dense(1, "sigmoid"))
    optimizer = keras.optimizers.Lion(schedules.CosineDecay(0.001))
    weights = {0: 0.6, 1: 3.0}
    return ready(model, "binary_crossentropy", optimizer, train, probe, 64, class_weight=weights)


@RUNS.healthy
def friedman_with_outliers_by_nesterov(rng):
    x, y = friedman(rng, 4224, noise=0.5)
    y += 3 * rng.standard_t(3, y.shape) * (rng.uniform(size=y.shape) < 0.05)
    train, probe = split(x, y, rng, 128)
    model = net((10,), Dense(32, "tanh"), Dense(1))
    optimizer = keras_ch8.optimizers.Nesterov(schedules.LinearDecay(0.1, "100%"))
    return ready(model, "huber", optimizer, train, probe, 64)

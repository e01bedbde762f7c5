"""Cliffs: few steep steps between many flat ones."""

import keras
import numpy as np
from keras import layers, ops

import keras_ch8
from keras_ch8 import clipping, optimizers

from .runs import net, normal, ready, sick, split


@sick("cliff", "the norm of the gradient clipped at 0.2", group=1)
def few_long_sums(rng, cured=False):
    x = 0.5 * rng.normal(size=(2128, 30, 1))
    length = np.where(rng.random(2128) < 0.02, 30, rng.integers(3, 7, 2128))
    x[np.arange(30) < 30 - length[:, None]] = 0
    model = net((30, 1), layers.SimpleRNN(8, use_bias=False), layers.Dense(1))
    optimizer = keras.optimizers.SGD(0.2, global_clipnorm=0.2 if cured else None)
    return ready(model, "mse", optimizer, *split(x, x.sum(axis=1) / 2, rng, 128), 16)


@sick("cliff", "the norm of the gradient clipped at 0.2", group=2)
def few_long_sequences(rng, cured=False):
    length = np.where(rng.random(2176) < 0.03, 40, rng.integers(3, 8, 2176))
    x = 0.5 * rng.normal(size=(2176, 40, 2)) * (np.arange(40) >= 40 - length[:, None])[..., None]
    y = (x[..., 0] - x[..., 1]).sum(axis=1) / 4
    optimizer = optimizers.Momentum(0.02, clip=clipping.ByGlobalNorm(0.2) if cured else None)
    model = net((40, 2), layers.SimpleRNN(12, use_bias=False, unroll=True), layers.Dense(1))
    return ready(model, "mse", optimizer, *split(x, y, rng, 128), 16)


@sick("cliff", "the norm of the gradient clipped at 0.2", group=3)
def few_long_alternations(rng, cured=False):
    """Sums of alternating sign; what must be kept for 8 steps explodes over the 40 of a few sequences."""
    at = np.arange(40)
    length = np.where(rng.random(2176) < 0.03, 40, rng.integers(4, 9, 2176))
    x = 0.5 * rng.normal(size=(2176, 40)) * (at >= 40 - length[:, None])
    y = (x * (-1) ** at).sum(axis=1) / 2
    model = net((40, 1), layers.SimpleRNN(10, use_bias=False, unroll=True), layers.Dense(1))
    optimizer = keras.optimizers.SGD(0.1, global_clipnorm=0.2 if cured else None)
    return ready(model, "mse", optimizer, *split(x[..., None], y, rng, 128), 24)


@sick("cliff", "the gradient clipped to norm 0.2", group=4)
def latch_with_a_watershed(rng, cured=False):
    cue, chatter = rng.normal(size=(2304, 1)), 0.1 * rng.normal(size=(2304, 15))
    x = np.concatenate([cue, chatter], axis=1)[..., None]
    train, probe = split(x, (cue > 0).astype(float), rng, 256)
    memory = layers.SimpleRNN(8, recurrent_initializer=keras.initializers.Orthogonal(1.5))
    optimizer = keras.optimizers.SGD(0.1, global_clipnorm=0.2 if cured else None)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return ready(net((16, 1), memory, layers.Dense(1)), loss, optimizer, train, probe, 32)


@sick("cliff", "gradients clipped to a norm of 1", group=7)
def spread_of_a_gaussian_that_gets_narrow(rng, cured=False):
    x = rng.uniform(-1, 1, (2256, 3))
    y = np.sin(2 * x[:, :1]) * x[:, 1:2] + 0.01 * rng.normal(size=(2256, 1))
    train, probe = split(x, y, rng, 256)
    loss = keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.likelihoods.HeteroscedasticGaussianLikelihood())
    model = net((3,), layers.Dense(32, "tanh"), layers.Dense(2))
    optimizer = keras_ch8.optimizers.SGD(0.05, global_clipnorm=1.0 if cured else None)
    return ready(model, loss, optimizer, train, probe, 32)


@sick("cliff", "gradients clipped to a norm of 1", group=8)
def orders_told_by_spending_of_heavy_tails(rng, cured=False):
    x = rng.lognormal(0, 0.6, (4256, 3))
    y = rng.poisson(np.exp(0.8 * x[:, :1] + 0.2 * x[:, 1:2] - 0.5).clip(max=8))
    train, probe = split(x, y.astype(float), rng, 256)
    optimizer = keras.optimizers.SGD(0.08, global_clipnorm=1.0 if cured else None)
    model = net((3,), layers.Dense(1, "exponential", kernel_initializer="zeros"))
    return ready(model, "poisson", optimizer, train, probe, 32)


def gamma_deviance(y, predicted):
    """The loss of a logarithm of the mean of costs that are distributed as a gamma."""
    return y * ops.exp(-predicted) + predicted


@sick("cliff", "gradients clipped to a norm of 0.5", group=9)
def costs_of_repairs_by_their_logarithms(rng, cured=False):
    x = rng.uniform(0, 1, (4256, 3)) * np.where(rng.random((4256, 1)) < 0.01, 18, 1)
    y = rng.gamma(3.0, np.exp(1.5 + x @ [[0.2], [-0.12], [0.1]]) / 3)
    train, probe = split(x, y, rng, 256)
    optimizer = keras.optimizers.SGD(0.3, global_clipnorm=0.5 if cured else None)
    model = net((3,), layers.Dense(1, kernel_initializer="zeros"))
    return ready(model, gamma_deviance, optimizer, train, probe, 32)


@sick("cliff", "gradients clipped to a norm of 1", group=10)
def cultures_of_which_a_few_grow_for_long(rng, cured=False):
    def grown(speed, time, exponential):
        return 200 / (1 + 199 * exponential(-speed * time))

    x = rng.normal(size=(3256, 3))
    time = np.where(rng.random((3256, 1)) < 0.01, 8.0, rng.uniform(0.5, 2, (3256, 1)))
    speed = 0.3 * np.sin(1.5 * x[:, :1]) + 0.3 * x[:, 1:2] * np.tanh(x[:, 2:])
    cells = grown(speed, time, np.exp) * (1 + rng.normal(0, 0.02, time.shape))
    train, probe = split(np.hstack([x, time]), cells, rng, 256)
    inputs = keras.Input((4,))
    predicted = layers.Dense(1)(layers.Dense(12, "tanh")(inputs[:, :3]))
    model = keras.Model(inputs, grown(predicted, inputs[:, 3:], ops.exp))
    optimizer = keras.optimizers.SGD(0.03, global_clipnorm=1.0 if cured else None)
    return ready(model, "log_cosh", optimizer, train, probe, 32)


@sick("cliff", "gradients clipped to a norm of 0.1", group=11)
def savings_of_which_a_few_grew_for_thirty_years(rng, cured=False):
    x, years = rng.normal(size=(3256, 3)), rng.uniform(1, 6, (3256, 1))
    years[rng.random(3256) < 0.01] = 30
    rate = 0.09 + 0.04 * np.tanh(x[:, :1]) - 0.03 * np.tanh(x[:, 1:2]) + 0.02 * np.sin(x[:, 2:])
    train, probe = split(np.hstack([x, years]), np.exp(rate * years), rng, 256)
    inputs = keras.Input((4,))
    percent = 5 * layers.Dense(1, kernel_initializer=normal(0.1))(layers.Dense(16, "tanh")(inputs[:, :3]))
    model = keras.Model(inputs, ops.exp(ops.minimum(percent / 100 * inputs[:, 3:], 7)))
    optimizer = keras.optimizers.SGD(0.15, global_clipnorm=0.1 if cured else None)
    return ready(model, "log_cosh", optimizer, train, probe, 32)

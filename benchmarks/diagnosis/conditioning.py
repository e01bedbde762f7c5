"""Losses with curvature that differs greatly between directions."""

import keras
import numpy as np
from keras import layers
from numpy.polynomial import legendre
from sklearn import decomposition

import keras_ch8

from .runs import BINARY_LOGITS, net, ready, sick, split, standardized, tiled


@sick("ill_conditioned", "whitened inputs, and the rate they allow", group=1)
def correlated_inputs(rng, cured=False):
    x = rng.normal(size=(1280, 1)) + 0.03 * rng.normal(size=(1280, 10))
    u, *_ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    y = u @ rng.choice([-1, 1], 10) * np.sqrt(128)
    if cured:
        x = u * np.sqrt(1280)
    top = 2 * np.linalg.eigvalsh(x.T @ x / 1280)[-1]
    train, probe = split(x, y, rng, 256)
    return ready(net((10,), layers.Dense(1)), "mse", keras.optimizers.SGD(1.8 / top), tiled(train, 20), probe, 512)


@sick("ill_conditioned", "inputs of one scale, and the rate they allow", group=2)
def unequal_scales(rng, cured=False):
    x = rng.normal(size=(328, 8)) * (1 if cured else np.geomspace(3.0, 0.03, 8))
    signs = np.where(np.arange(8) < 4, 0.2, 1.0) * rng.choice([-1, 1], 8)
    y = (x / (1 if cured else np.geomspace(3.0, 0.03, 8))) @ signs > 0
    model = net((8,), layers.Dense(1, "sigmoid", kernel_initializer="zeros"))
    train, probe = split(x, y.astype(int), rng, 128)
    top = np.linalg.eigvalsh(train[0].T @ train[0] / 200)[-1] / 4
    optimizer = keras.optimizers.SGD(float(1.6 / top))
    return ready(model, "binary_crossentropy", optimizer, tiled(train, 50), probe, 200, shuffle=False)


@sick("ill_conditioned", "whitened readings, and the rate they allow", group=3)
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


@sick("ill_conditioned", "inputs made uncorrelated", group=4)
def deblurred_by_plain_descent(rng, cured=False):
    blur, scenes = np.exp(-0.5 * (np.arange(-6, 7) / 1.2) ** 2), rng.normal(size=(640, 28))
    x = standardized(np.stack([np.convolve(scene, blur, "valid") for scene in scenes]))
    if cured:
        x = np.linalg.svd(x, full_matrices=False)[0] * np.sqrt(len(x))
    train, probe = split(x, scenes[:, 14:15], rng, 128)
    model, full = net((16,), layers.Dense(1)), len(train[0])
    return ready(model, "mse", keras.optimizers.SGD(0.17), tiled(train, 50), probe, full, shuffle=False)


@sick("ill_conditioned", "inputs without correlation: the principal components, each of variance 1", group=5)
def concentrations_from_overlapping_spectra(rng, cured=False):
    wavelengths, centers = np.linspace(0, 1, 40), np.linspace(0.3, 0.7, 5)
    bands = np.exp(-((wavelengths - centers[:, None]) ** 2) / 0.06)
    amounts = rng.normal(size=(8256, 5))
    x = standardized(amounts @ bands + rng.normal(0, 0.003, (8256, 40)))
    if cured:
        values, axes = np.linalg.eigh(np.cov(x.T))
        x = (x @ axes[:, -5:]) / np.sqrt(values[-5:])
    train, probe = split(x, amounts[:, 2:3], rng, 256)
    model = net((x.shape[1],), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.SGD(0.3 if cured else 0.03), train, probe, 500)


@sick("ill_conditioned", "orthogonal polynomials in place of powers", group=6)
def calibration_curve_in_powers(rng, cured=False):
    t = rng.uniform(-1, 1, 4224)
    powers, orthogonal = np.stack([t**k for k in range(1, 8)], 1), np.polynomial.legendre.legvander(t, 7)[:, 1:]
    y = orthogonal @ rng.choice([-1, 1], 7) + 0.02 * rng.normal(size=4224)
    train, probe = split(standardized(orthogonal if cured else powers), y[:, None], rng, 128)
    return ready(net((7,), layers.Dense(1)), "mse", keras_ch8.optimizers.SGD(0.2), train, probe, 128)


def textures(rng, size, side=6):
    """Return the cosine coefficients of smooth random images, of variance 1, and the images' pixels."""
    at = np.arange(side)
    waves = np.cos(np.pi * at[:, None] * (at + 0.5) / side)
    basis = np.einsum("iy,jx->ijyx", waves, waves).reshape(side**2, side**2)
    coefficients = rng.normal(size=(size, side**2))
    return coefficients, coefficients / (1 + np.hypot(*np.divmod(np.arange(side**2), side))) ** 2 @ basis


@sick("ill_conditioned", "cosine coefficients of variance 1 in place of pixels", group=7)
def fine_detail_of_smooth_textures(rng, cured=False):
    coefficients, pixels = textures(rng, 4256)
    y = coefficients @ rng.choice([-1, 1], 36) / 6
    train, probe = split(coefficients if cured else standardized(pixels), y[:, None], rng, 256)
    return ready(net((36,), layers.Dense(1)), "mse", keras.optimizers.SGD(0.02), train, probe, 256)


@sick("ill_conditioned", "daily changes in place of levels", group=8)
def direction_of_prices_told_by_their_levels(rng, cured=False):
    changes = rng.normal(size=(6256, 30))
    turns = rng.uniform(0.5, 1.5, 30) * (-1) ** np.arange(30)
    y = (changes @ turns + rng.normal(0, 1.0, 6256) > 0).astype(int)
    x = changes if cured else standardized(np.cumsum(changes, axis=1))
    train, probe = split(x, y[:, None], rng, 256)
    return ready(net((30,), layers.Dense(1)), BINARY_LOGITS, keras.optimizers.SGD(0.3), train, probe, 250)


@sick("ill_conditioned", "principal components of variance 1 in place of the measurements", group=9)
def sizes_of_a_body_that_go_together(rng, cured=False):
    proportions = rng.normal(size=(6256, 16))
    x = standardized(rng.normal(size=(6256, 1)) + 0.08 * proportions)
    y = (proportions @ rng.choice([-1, 1], 16) / 4 + rng.normal(0, 0.2, 6256) > 0).astype(int)
    x = decomposition.PCA(whiten=True).fit_transform(x) if cured else x
    train, probe = split(x, y[:, None], rng, 256)
    return ready(net((16,), layers.Dense(1)), BINARY_LOGITS, keras.optimizers.SGD(0.4), train, probe, 200)


@sick("ill_conditioned", "principal components of variance 1 in place of channels", group=10)
def dyes_of_overlapping_emission(rng, cured=False):
    at, amounts = np.linspace(0, 1, 10), rng.normal(size=(4256, 5))
    emission = np.exp(-(((at - np.linspace(0.2, 0.8, 5)[:, None]) / 0.3) ** 2))
    x = standardized(amounts @ emission)
    directions = np.linalg.svd(x, full_matrices=False)[2][:5]
    amounts += rng.normal(0, 0.05, amounts.shape)
    train, probe = split(standardized(x @ directions.T) if cured else x, amounts, rng, 256)
    model = net(train[0].shape[1:], layers.Dense(5))
    return ready(model, "mse", keras.optimizers.SGD(0.7), train, probe, 250)


@sick("ill_conditioned", "Legendre's polynomials in place of powers", group=11)
def pace_of_a_race_by_powers_of_the_distance(rng, cured=False):
    at = rng.uniform(-1, 1, 4256)
    pace = np.sin(7 * at) + 0.6 * np.cos(5 * at + 1) + 0.3 * at + rng.normal(0, 0.05, 4256)
    x = legendre.legvander(at, 10)[:, 1:] if cured else np.vander(at, 11, increasing=True)[:, 1:]
    train, probe = split(standardized(x), standardized(pace)[:, None], rng, 256)
    return ready(net((10,), layers.Dense(1)), "mse", keras.optimizers.SGD(0.15), train, probe, 250)

"""Densities of sections 3.9, 5.5.1 and 6.2.2, entry by entry: `eta` is what a network puts out. Not their logs."""

import math

import numpy as np


def bernoulli(y, eta):
    p = 1 / (1 + np.exp(-eta))
    return p**y * (1 - p) ** (1 - y)


def softmax(eta):
    return np.exp(eta) / np.sum(np.exp(eta), axis=-1, keepdims=True)


def gaussian(y, mu, variance=1.0):
    return np.sqrt(1 / (2 * np.pi * variance)) * np.exp(-((y - mu) ** 2) / (2 * variance))


def gaussian_with_variance(y, eta):
    k = eta.shape[-1] // 2
    return gaussian(y, eta[..., :k], np.exp(eta[..., k:]))


def laplace(y, mu, scale=1.0):
    return np.exp(-np.abs(y - mu) / scale) / (2 * scale)


def poisson(y, eta):
    factorials = np.array([float(math.factorial(int(n))) for n in np.ravel(y)]).reshape(np.shape(y))
    return np.exp(eta) ** y * np.exp(-np.exp(eta)) / factorials


def entropy(p):
    return -np.sum(p[p > 0] * np.log(p[p > 0]))


def divergence(p, q):
    return np.sum(p[p > 0] * np.log(p[p > 0] / q[p > 0]))

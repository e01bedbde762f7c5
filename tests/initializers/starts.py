"""All starts of the suite, each with a shape that suits it, and what tells a distribution."""

import math

import numpy as np

from keras_ch8 import initializers

RANDOM = {
    "heuristic": initializers.Heuristic,
    "orthogonal": initializers.Orthogonal,
    "random_walk": initializers.RandomWalk,
    "sparse": initializers.Sparse,
}
PLAIN = {
    "marginal": (lambda: initializers.output_marginal(np.array([0, 1, 1, 2])), (3,)),
    "forget_gate": (lambda: initializers.forget_gate(2, 4.0), (8,)),
}
SHAPE = (40, 30)


def farthest(values, cdf):
    """Return Kolmogorov's statistic, sqrt(n) sup |F_n - F|: above 2.2 once in 8000 draws."""
    expected, n = cdf(np.sort(np.ravel(values).astype("float64"))), np.size(values)
    steps = np.arange(n + 1) / n
    return math.sqrt(n) * max((expected - steps[:-1]).max(), (steps[1:] - expected).max())


def uniform_cdf(limit):
    return lambda x: np.clip((x / limit + 1) / 2, 0, 1)


def normal_cdf(deviation):
    return np.vectorize(lambda x: (1 + math.erf(x / deviation / math.sqrt(2))) / 2)

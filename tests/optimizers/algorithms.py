"""Every class beside its oracle, with the same arguments; and one way to run a class on given gradients."""

from functools import partial

import keras
import numpy as np
import pytest

from keras_ch8 import optimizers as ours
from tests.oracles import first_order as oracle

ALGORITHMS = {
    "SGD": (partial(ours.SGD, 0.01), partial(oracle.sgd, lr=0.01)),
    "Momentum": (partial(ours.Momentum, 0.01, 0.9), partial(oracle.momentum, lr=0.01, alpha=0.9)),
    "Nesterov": (partial(ours.Nesterov, 0.01, 0.9), partial(oracle.nesterov, lr=0.01, alpha=0.9)),
    "Adagrad": (partial(ours.Adagrad, 0.05), partial(oracle.adagrad, lr=0.05, delta=1e-7)),
    "RMSprop": (partial(ours.RMSprop, 0.01, 0.9), partial(oracle.rmsprop, lr=0.01, rho=0.9, delta=1e-6)),
    "RMSpropNesterov": (
        partial(ours.RMSpropNesterov, 0.003, 0.9, 0.8),
        partial(oracle.rmsprop_nesterov, lr=0.003, rho=0.9, alpha=0.8),
    ),
    "Adam": (partial(ours.Adam, 0.01), partial(oracle.adam, lr=0.01, rho_1=0.9, rho_2=0.999, delta=1e-8)),
    "AdamW": (
        partial(ours.AdamW, 0.01, weight_decay=0.1),
        partial(oracle.adamw, lr=0.01, rho_1=0.9, rho_2=0.999, delta=1e-8, decay=0.1),
    ),
}
NAMES = list(ALGORITHMS)
WHEN = dict.fromkeys(("RMSpropNesterov", "Adam"), ()) | dict.fromkeys(("SGD", "Adagrad"), pytest.mark.slow)
FEW = [pytest.param(name, marks=WHEN.get(name, pytest.mark.full)) for name in NAMES]
"""All classes, two of them in every run and two behind `slow`: for tests that compile models."""


def make(name, /, **kwargs):
    return ALGORITHMS[name][0](**kwargs)


def step(optimizer, variables, grads):
    optimizer.apply([keras.ops.convert_to_tensor(g) for g in grads], variables)


def run(optimizer, grads, start, dtype=None):
    """Apply a list of gradients to one variable; return its path in the book's theta."""
    variable = keras.Variable(start, dtype=dtype or str(start.dtype))
    path = []
    for g in grads:
        step(optimizer, [variable], [g])
        path.append(optimizer.book_variables()[0])
    return variable, path


def all_variables(model):
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


def random_grads(steps=5, shape=(4, 3), seed=0):
    return list(np.random.default_rng(seed).normal(size=(steps, *shape)).astype("float32"))

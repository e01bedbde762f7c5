"""Train a model for a while, and leave no trace of it."""

import hashlib
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..integration import backend, keras_private


def variables_of(model: Any) -> list[Any]:
    """Return every variable that training may change: weights, seeds, metrics, the optimizer's, the global seed."""
    optimizers = [model.optimizer, *keras_private.optimizers_in(model.optimizer)]
    found = [*model.variables, *model.metrics_variables, *(v for o in optimizers for v in o.variables)]
    found += [generator.state] if (generator := keras_private.global_seed_generator()) is not None else []
    return list({id(v): v for v in found}.values())


def fingerprint(model: Any) -> str:
    """Return a hash of all variables and of the random number generators of Python, NumPy and TensorFlow."""
    digest = hashlib.sha256()
    for variable in variables_of(model):
        value = backend.native(variable).numpy()
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(value.tobytes())
    with np.printoptions(threshold=sys.maxsize):
        of_numpy = repr(np.random.get_state(legacy=False))  # noqa: NPY002
    digest.update(repr((of_numpy, random.getstate(), backend.seed_state())).encode())
    return digest.hexdigest()


@contextmanager
def generators_kept() -> Iterator[None]:
    """Put the random number generators of Python, NumPy and TensorFlow back at the end."""
    states = random.getstate(), np.random.get_state(legacy=False), backend.seed_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        backend.set_seed_state(states[2])


def build_on(model: Any, batch: tuple[Any, Any, Any]) -> None:
    """Create all variables that the first training step would create."""
    with generators_kept():
        keras_private.build_on(model, batch)
        if not model.optimizer.built:
            with model.distribute_strategy.scope():
                model.optimizer.build(model.trainable_variables)


@contextmanager
def sandbox(model: Any) -> Iterator[Any]:
    """Put everything back at the end, also after an error, and prove it by a hash."""
    before, generator = fingerprint(model), keras_private.global_seed_generator()
    variables = variables_of(model)
    values = [backend.native(v).numpy() for v in variables]
    rates = [keras_private.rate_of(optimizer) for optimizer in keras_private.optimizers_in(model.optimizer)]
    attributes = {name: getattr(model, name) for name in ("train_function", "steps_per_execution", "stop_training")}
    try:
        with generators_kept():
            yield model
    finally:
        for optimizer, rate in zip(keras_private.optimizers_in(model.optimizer), rates, strict=True):
            if keras_private.rate_of(optimizer) is not rate:
                optimizer.learning_rate = rate
        if generator is None:
            keras_private.forget_global_seed_generator()
        for variable, value in zip(variables, values, strict=True):
            backend.native(variable).assign(value)
        for name, value in attributes.items():
            setattr(model, name, value)
    if fingerprint(model) != before:
        raise RuntimeError(
            "The model is not as it was before: something that training changes is not a variable that Keras knows "
            "(`model.variables`, `model.optimizer.variables`). Keep such state in variables created by `add_weight`, "
            "or try learning rates on `keras.models.clone_model(model)`."
        )

"""What a training of ours needs: to put everything back, and a new model for each."""

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import keras
import numpy as np

from . import _objects
from ._batches import Batch
from .integration import backend, keras_private


def variables_of(model: keras.Model) -> list[keras.Variable]:
    """Return every variable that training may change: weights, seeds, metrics, the optimizer's, the global seed."""
    optimizers = [model.optimizer, *keras_private.optimizers_in(model.optimizer)]
    found = [*model.variables, *model.metrics_variables, *(v for o in optimizers for v in o.variables)]
    found += keras_private.global_seeds()
    return list({id(v): v for v in found}.values())


def values_of(variables: Iterable[keras.Variable]) -> list[np.ndarray]:
    """Return the values of variables, to put them back."""
    return [backend.native(v).numpy() for v in variables]


def put_values(variables: Iterable[keras.Variable], values: Iterable[np.ndarray]) -> None:
    """Give variables the values that `values_of` has returned."""
    for variable, value in zip(variables, values, strict=True):
        backend.native(variable).assign(value)


def new_model(model_factory: Callable[[], keras.Model]) -> keras.Model:
    """Return a compiled model that a function of the user makes; refuse one that makes the same model again."""
    made, again = (_objects.made_by("model_factory", model_factory) for _ in range(2))
    parts, others = (
        {
            id(part)
            for part in (*keras_private.parts_of(model), *model.variables, getattr(model, "optimizer", None))
            if part is not None
        }
        for model in (made, again)
    )
    if made is again or parts & others:
        raise ValueError(
            "`model_factory` must create a new model at each call: otherwise a training starts where the one before "
            "ended. Received: a factory that returns "
            f"{'one shared model' if made is again else 'models that share weights or an optimizer'}. Create the "
            "layers and the optimizer inside it."
        )
    if not made.compiled:
        raise ValueError(
            "`model_factory` must return a compiled model. Received: one that is not compiled. Call "
            "`model.compile(optimizer, loss)` in it."
        )
    return made


def fingerprint(model: keras.Model) -> str:
    """Return a hash of all variables and of the random number generators of Python, NumPy and TensorFlow."""
    digest = hashlib.sha256()
    for variable in variables_of(model):
        value = backend.native(variable).numpy()
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(value.tobytes())
    with np.printoptions(threshold=sys.maxsize):
        digest.update(repr(backend.random_numbers.taken()).encode())
    return digest.hexdigest()


@contextmanager
def generators_kept(seed: int | None = None) -> Iterator[None]:
    """Restore the random number generators of Python, NumPy and TensorFlow at the end; with a seed, set them first."""
    with backend.generators_kept():
        if seed is not None:
            keras.utils.set_random_seed(seed)
        yield


def build_on(model: keras.Model, batch: Batch) -> None:
    """Create all variables that the first training step would create."""
    with generators_kept():
        keras_private.build_on(model, batch)
        if not model.optimizer.built:
            with model.distribute_strategy.scope():
                model.optimizer.build(model.trainable_variables)


@contextmanager
def sandbox(model: keras.Model) -> Iterator[keras.Model]:
    """Restore everything at the end, also after an error, and verify it by a hash."""
    before, generator = fingerprint(model), keras_private.global_seed_generator()
    variables = variables_of(model)
    values = values_of(variables)
    rates = [keras_private.rate_of(optimizer) for optimizer in keras_private.optimizers_in(model.optimizer)]
    names = ("train_function", "steps_per_execution", "jit_compile", "stop_training")
    attributes = {name: getattr(model, name) for name in names}
    try:
        with generators_kept():
            yield model
    finally:
        for optimizer, rate in zip(keras_private.optimizers_in(model.optimizer), rates, strict=True):
            if keras_private.rate_of(optimizer) is not rate:
                optimizer.learning_rate = rate
        if generator is None:
            keras_private.forget_global_seed_generator()
        put_values(variables, values)
        for name, value in attributes.items():
            setattr(model, name, value)
    if fingerprint(model) != before:
        raise RuntimeError(
            "The model was not restored: training changes something that is not a Keras variable (`model.variables`, "
            "`model.optimizer.variables`). Keep such state in variables created by `add_weight`, or try learning "
            "rates on `keras.models.clone_model(model)`."
        )

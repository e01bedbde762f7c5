"""All variables of a model that is trained: weights, statistics, seeds, slots of its optimizers, metrics."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from ..integration import backend, keras_private

Arrays = dict[str, np.ndarray]

MODEL, METRICS, OPTIMIZER, SHARED_SEED = "model", "metrics", "optimizer", "seed of keras.random"


def taken(model: keras.Model) -> tuple[Arrays, dict[str, list[int]]]:
    """Return a copy of all of them, and for which of the model's variables each optimizer was built.

    Of several replicas in this process, metrics and statistics that are not synchronized have a value each: those of
    the others are there where they differ from the first.
    """
    found: Arrays = {}
    place = {id(variable): number for number, variable in enumerate(model.variables)}
    built_for: dict[str, list[int]] = {}
    for name, optimizer in keras_private.outer_optimizers_of(model).items():
        if optimizer.built:
            known = keras_private.known_variables(keras_private.unscaled(optimizer))
            built_for[name] = [place[id(variable)] for variable in known if id(variable) in place]
    for name, variables in _groups(model).items():
        for number, variable in enumerate(variables):
            first, *others = (_copied(copy) for copy in backend.copies_of(variable))
            found[f"{name}/{number}"] = first
            found |= {
                f"{_replica(i)}{name}/{number}": other
                for i, other in enumerate(others, 1)
                if other.tobytes() != first.tobytes()
            }
    return found, built_for


def build(model: keras.Model, example: Callable[[], Any]) -> None:
    """Make the variables of a model and of its metrics, which the first batch would make.

    Args:
        model: The model.
        example: Returns something of the shape and type of a batch, or None where that is not known.

    Raises:
        ValueError: If it is not known, and the model is not built.
    """
    batch = example() if keras_private.lacks_variables(model) else None
    if batch is not None:
        keras_private.build_on(model, batch)
    if not model.built:
        raise ValueError(
            "To go on, a model must have its variables before `fit`, and what it is given does not say their shapes. "
            "Received: a model that is not built. Begin it with `keras.Input`, or call it on a batch first."
        )


def build_optimizers(model: keras.Model, built_for: Mapping[str, list[int]]) -> None:
    """Make the slots of optimizers, for the variables that they were built for."""
    variables = model.variables
    with model.distribute_strategy.scope():
        for name, optimizer in keras_private.outer_optimizers_of(model).items():
            if name in built_for and not optimizer.built:
                optimizer.build([variables[number] for number in built_for[name]])


def put(model: keras.Model, arrays: Mapping[str, np.ndarray], without: Sequence[str] = ()) -> None:
    """Give all variables the values that `taken` has returned.

    Args:
        model: The model, built as it was then.
        arrays: What `taken` returned.
        without: Groups to be left as they are.

    Raises:
        ValueError: If a group does not have as many variables as then, of the same shapes; nothing is changed then.
    """
    if any(name.startswith(SHARED_SEED) for name in arrays):
        keras_private.make_global_seed_generator()
    groups = {name: group for name, group in _groups(model).items() if not name.startswith(tuple(without))}
    for name, variables in groups.items():
        _check_shapes(name, variables, arrays)
    for name, variables in groups.items():
        for number, variable in enumerate(variables):
            first = arrays.get(f"{name}/{number}")
            if first is None:
                continue
            for i, copy in enumerate(backend.copies_of(variable)):
                copy.assign(keras.ops.cast(arrays.get(f"{_replica(i)}{name}/{number}", first), copy.dtype.name))


def updates_of(model: keras.Model) -> int:
    """Return the updates that the optimizer of a model has made; 0 where there is none."""
    optimizer = keras_private.unscaled(model.optimizer)
    return 0 if optimizer is None else keras_private.iterations_of(optimizer)


def put_under_changed_optimizer(
    model: keras.Model, arrays: Mapping[str, np.ndarray], without: Sequence[str], updates: int
) -> None:
    """Do as `put` does, but leave an optimizer its learning rate, and one of another kind all but the count."""
    rate = keras_private.rate_of(keras_private.unscaled(model.optimizer))
    wanted = rate.numpy() if isinstance(rate, keras.Variable) else None
    try:
        put(model, arrays, without)
    except ValueError:
        put(model, arrays, (*without, OPTIMIZER))
        keras_private.set_iterations(keras_private.unscaled(model.optimizer), updates)
    if wanted is not None:
        rate.assign(wanted)


def _groups(model: keras.Model) -> dict[str, list[Any]]:
    optimizers = keras_private.outer_optimizers_of(model)
    return {
        MODEL: model.variables,
        METRICS: model.metrics_variables,
        SHARED_SEED: keras_private.global_seeds(),
    } | {f"{OPTIMIZER} {name}": optimizer.variables for name, optimizer in optimizers.items()}


def _replica(number: int) -> str:
    return f"replica {number} of "


def _copied(variable: keras.Variable) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable))  # which copies


def _check_shapes(name: str, variables: list[Any], arrays: Mapping[str, np.ndarray]) -> None:
    then = {key: value.shape for key, value in arrays.items() if key.startswith(f"{name}/")}
    now = {f"{name}/{number}": tuple(variable.shape) for number, variable in enumerate(variables)}
    if name == MODEL or (then and now and name != SHARED_SEED):
        different = [key for key in then.keys() | now.keys() if then.get(key) != now.get(key)]
        if different:
            key = min(different)
            raise ValueError(
                f"The variables of the {name} must have the shapes that they had when the state was written. Received: "
                f"{len(now)} variables where there were {len(then)}; {key} has the shape {now.get(key)} where it had "
                f"{then.get(key)}. Build it as it was, or give another `directory` to begin anew."
            )

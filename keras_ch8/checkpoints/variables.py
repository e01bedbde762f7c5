"""All variables of a training: weights, statistics, seeds, slots of optimizers, metrics, and what else hangs on it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from ..integration import backend, keras_private
from . import callback_states, object_graph

Arrays = dict[str, np.ndarray]
Callbacks = Sequence[keras.callbacks.Callback]

MODEL, METRICS, OPTIMIZER, SHARED_SEED = "model", "metrics", "optimizer", "seed of keras.random"
OTHERS = "others"
"""What hangs on the model or a callback and is none of the above."""


def taken(model: keras.Model, callbacks: Callbacks) -> tuple[Arrays, dict[str, list[int]]]:
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
    for name, variables in _groups(model, callbacks).items():
        for key, variable in variables.items():
            first, *others = (_copied(copy) for copy in backend.copies_of(variable))
            found[f"{name}/{key}"] = first
            found |= {
                f"{_replica(i)}{name}/{key}": other
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


def put(
    model: keras.Model, callbacks: Callbacks, arrays: Mapping[str, np.ndarray], without: Sequence[str] = ()
) -> None:
    """Give all variables the values that `taken` has returned.

    Args:
        model: The model, built as it was then.
        callbacks: The callbacks on which variables may hang.
        arrays: What `taken` returned.
        without: Groups to be left as they are.

    Raises:
        ValueError: If a group does not have as many variables as then, of the same shapes; nothing is changed then.
    """
    if any(name.startswith(SHARED_SEED) for name in arrays):
        keras_private.make_global_seed_generator()
    groups = {n: group for n, group in _groups(model, callbacks).items() if not n.startswith(tuple(without))}
    for name, variables in groups.items():
        if name != OTHERS:
            _check_shapes(name, variables, arrays)
    for name, variables in groups.items():
        for key, variable in variables.items():
            first = arrays.get(f"{name}/{key}")
            if first is None or not backend.fits(variable, first.shape):
                continue
            for i, copy in enumerate(backend.copies_of(variable)):
                copy.assign(keras.ops.cast(arrays.get(f"{_replica(i)}{name}/{key}", first), copy.dtype.name))


def others_differ(model: keras.Model, callbacks: Callbacks, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Return, as lines, which variables that hang on a training are new, or do not take the values of then."""
    lines = []
    for key, variable in _others(model, callbacks).variables.items():
        then = arrays.get(f"{OTHERS}/{key}")
        if then is None or not backend.fits(variable, then.shape):
            was = "nothing" if then is None else list(then.shape)
            lines.append(f"{key}: {was} then, {list(variable.shape)} now")
    return lines


def others_missing(model: keras.Model, callbacks: Callbacks, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Return the paths of variables that hung on a training and are not there any more, or not yet."""
    now = _others(model, callbacks).variables
    then = (name.removeprefix(f"{OTHERS}/") for name in arrays if name.startswith(f"{OTHERS}/"))
    return [key for key in then if key not in now]


def cannot_be_saved(model: keras.Model, callbacks: Callbacks) -> list[str]:
    """Return the paths of what hangs on a training, has a state, and has no variable with numbers."""
    return _others(model, callbacks).cannot_be_saved


def updates_of(model: keras.Model) -> int:
    """Return the updates that the optimizer of a model has made; 0 where there is none."""
    optimizer = keras_private.unscaled(model.optimizer)
    return 0 if optimizer is None else keras_private.iterations_of(optimizer)


def put_under_changed_optimizer(
    model: keras.Model, callbacks: Callbacks, arrays: Mapping[str, np.ndarray], without: Sequence[str], updates: int
) -> None:
    """Do as `put` does, but leave an optimizer its learning rate, and one of another kind all but the count."""
    rate = keras_private.rate_of(keras_private.unscaled(model.optimizer))
    wanted = rate.numpy() if isinstance(rate, keras.Variable) else None
    try:
        put(model, callbacks, arrays, without)
    except ValueError:
        put(model, callbacks, arrays, (*without, OPTIMIZER))
        keras_private.set_iterations(keras_private.unscaled(model.optimizer), updates)
    if wanted is not None:
        rate.assign(wanted)


def _groups(model: keras.Model, callbacks: Callbacks) -> dict[str, dict[str, Any]]:
    numbered = _numbered(model)
    return {name: {str(number): v for number, v in enumerate(group)} for name, group in numbered.items()} | {
        OTHERS: _others(model, callbacks).variables
    }


def _numbered(model: keras.Model) -> dict[str, list[Any]]:
    """Return the variables that Keras knows, in groups."""
    optimizers = keras_private.outer_optimizers_of(model)
    return {
        MODEL: model.variables,
        METRICS: model.metrics_variables,
        SHARED_SEED: keras_private.global_seeds(),
    } | {f"{OPTIMIZER} {name}": optimizer.variables for name, optimizer in optimizers.items()}


def _others(model: keras.Model, callbacks: Callbacks) -> object_graph.ObjectGraph:
    known = [variable for group in _numbered(model).values() for variable in group]
    return object_graph.found_in({"model": model, **dict(callback_states.without_own(callbacks))}, known)


def _replica(number: int) -> str:
    return f"replica {number} of "


def _copied(variable: keras.Variable) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable))  # which copies


def _check_shapes(name: str, variables: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    then = {key: value.shape for key, value in arrays.items() if key.startswith(f"{name}/")}
    now = {f"{name}/{number}": tuple(variable.shape) for number, variable in variables.items()}
    if name == MODEL or (then and now and name != SHARED_SEED):
        different = [key for key in then.keys() | now.keys() if then.get(key) != now.get(key)]
        if different:
            key = min(different)
            raise ValueError(
                f"The variables of the {name} must have the shapes that they had when the state was written. Received: "
                f"{len(now)} variables where there were {len(then)}; {key} has the shape {now.get(key)} where it had "
                f"{then.get(key)}. Build it as it was, or give another `directory` to begin anew."
            )

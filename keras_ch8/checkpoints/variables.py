"""All variables of a training: weights, statistics, seeds, slots of optimizers, metrics, and what else hangs on it."""

import inspect
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from ..integration import backend, keras_private
from . import callback_states

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
            convert = keras.ops.convert_to_numpy  # which copies
            first, *others = (np.asarray(convert(copy)) for copy in backend.copies_of(variable))
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
            "To resume, a model must be built before `fit`. Received: a model that is not built. Start it with "
            "`keras.Input`, or call it on a batch first."
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


def _others(model: keras.Model, callbacks: Callbacks) -> "ObjectGraph":
    known = [variable for group in _numbered(model).values() for variable in group]
    # What callbacks hold that do not say their state themselves is looked at.
    silent = {name: each for name, each in callback_states.named(callbacks) if not callback_states.has_state(each)}
    return found_in({"model": model, **silent}, known)


def _replica(number: int) -> str:
    return f"replica {number} of "


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
                f"{then.get(key)}. Build it as it was, or pass another `directory` to start from scratch."
            )


# --- variables that hang on a model or a callback, and that Keras does not count among the model's -------------------
#
# The states of a stateful recurrent layer, a weight of the loss that a `train_step` of your own changes, seeds,
# averages in a list or a dict: whatever can be reached by attributes of objects, and names in functions, of Keras and
# of the user.


_OF_KERAS = (
    keras.layers.Layer, keras.metrics.Metric, keras.losses.Loss, keras.optimizers.Optimizer, keras.callbacks.Callback,
    keras.initializers.Initializer, keras.regularizers.Regularizer, keras.constraints.Constraint,
    keras.optimizers.schedules.LearningRateSchedule, keras.random.SeedGenerator,
)  # fmt: skip
_LIBRARIES = {"keras", "keras_ch8", "tensorflow", "numpy", *sys.stdlib_module_names} - {"__main__"}
"""Their other objects and functions hold no variables of a training, or say what they hold (`get_state`)."""


class ObjectGraph(NamedTuple):
    """What hangs on some objects.

    Args:
        variables: By their paths, such as `model.rnn.states[0]`.
        cannot_be_saved: The paths of what has a state and no variable.
    """

    variables: dict[str, Any]
    cannot_be_saved: list[str]


def found_in(roots: Mapping[str, Any], known: list[Any]) -> ObjectGraph:
    """Return what hangs on some objects, but for known variables; the shortest path of each, the first of several."""
    seen = {id(each) for variable in known for each in (variable, backend.native(variable))}
    parts_of: dict[type, Parts | None] = {}
    found = ObjectGraph({}, [])
    waiting = deque(roots.items())
    while waiting:
        path, value = waiting.popleft()
        kind = value.__class__  # of a wrapped list or dict that of what is inside
        if kind not in parts_of:
            parts_of[kind] = _parts_of(value, kind)
        if (parts := parts_of[kind]) is None or id(value) in seen:
            continue
        seen.add(id(value))
        if parts is not _itself:
            waiting.extend((path + name, part) for name, part in parts(value))
            continue
        seen.add(id(backend.native(value)))
        if backend.is_variable(value) and backend.can_be_saved(value):
            found.variables[path] = value
        else:
            found.cannot_be_saved.append(path)
    return found


Parts = Callable[[Any], Iterable[tuple[str, Any]]]
"""Returns what an object of a class holds, by how it is reached from there."""


def _parts_of(value: Any, kind: type) -> Parts | None:
    """Return the function that is asked for the parts of an object of this class; None where it holds nothing."""
    if issubclass(kind, str | bytes | int | float | type | types.ModuleType | None):
        return None
    if backend.is_variable(value) or backend.has_state_without_variable(value):
        return _itself
    if isinstance(value, Mapping):
        return _values
    if isinstance(value, list | tuple | deque):
        return _entries
    if _function_of(value) is not None:
        return _names
    is_plain = isinstance(value, types.SimpleNamespace) or backend.holds(value) or _is_of_user(kind)
    of_keras = isinstance(value, _OF_KERAS) and not kind.__module__.startswith("keras_ch8.optimizers")
    return _attributes if hasattr(value, "__dict__") and (of_keras or is_plain) else None


def _itself(value: Any) -> Iterable[tuple[str, Any]]:
    """Return the one that has a state itself: a variable, or what has none."""
    return [("", value)]


def _values(value: Mapping[Any, Any]) -> Iterable[tuple[str, Any]]:
    keys = [repr(key) if isinstance(key, str | int) else str(number) for number, key in enumerate(value)]
    return [(f"[{key}]", part) for key, part in zip(keys, value.values(), strict=True)]


def _entries(value: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    return [(f"[{number}]", part) for number, part in enumerate(value)]


def _names(value: Any) -> Iterable[tuple[str, Any]]:
    """Return what a function of the user finds by names of its module and of the functions around it."""
    function = _function_of(value)
    if not _is_of_user(function):
        return ()
    names = inspect.getclosurevars(function)
    return [(f":{name}", part) for name, part in {**names.globals, **names.nonlocals}.items()]


def _attributes(value: Any) -> Iterable[tuple[str, Any]]:
    """Return the attributes of an object, and what classes of the user have for it."""
    of_classes = [
        (f".{name}", part)
        for cls in value.__class__.__mro__
        if _is_of_user(cls)
        for name, part in vars(cls).items()
        if not name.startswith("__")
    ]
    return [*((f".{name}", part) for name, part in dict(vars(value)).items()), *of_classes]


def _function_of(value: Any) -> Any:
    """Return a function in Python, also that of a method or of a `tf.function`; None for anything else."""
    function = getattr(value, "python_function", value) if callable(value) else value
    function = getattr(function, "__func__", function)
    return function if isinstance(function, types.FunctionType) else None


def _is_of_user(thing: Any) -> bool:
    return (getattr(thing, "__module__", None) or "").partition(".")[0] not in _LIBRARIES

"""Variables that hang on a model or a callback, and that Keras does not count among the model's.

The states of a stateful recurrent layer, a weight of the loss that a `train_step` of your own changes, seeds, averages
in a list or a dict: whatever can be reached by attributes of objects, and names in functions, of Keras and of the user.
"""

import enum
import inspect
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import keras

from ..integration import backend

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
    parts_of: dict[type, Parts | Kind] = {}
    found = ObjectGraph({}, [])
    waiting = deque(roots.items())
    while waiting:
        path, value = waiting.popleft()
        kind = value.__class__  # of a wrapped list or dict that of what is inside
        if kind not in parts_of:
            parts_of[kind] = _parts_of(value, kind)
        if (parts := parts_of[kind]) is Kind.NOTHING or id(value) in seen:
            continue
        seen.add(id(value))
        if parts is Kind.VARIABLE:
            seen.add(id(backend.native(value)))
        if not isinstance(parts, Kind):
            waiting.extend((path + name, part) for name, part in parts(value))
        elif parts is Kind.VARIABLE and backend.can_be_saved(value):
            found.variables[path] = value
        else:
            found.cannot_be_saved.append(path)
    return found


class Kind(enum.Enum):
    """What holds nothing more: a variable, something with a state and no variable, anything else."""

    VARIABLE, NO_VARIABLE, NOTHING = range(3)


Parts = Callable[[Any], Iterable[tuple[str, Any]]]
"""Returns what an object of a class holds, by how it is reached from there."""


def _parts_of(value: Any, kind: type) -> Parts | Kind:
    """Return the function that is asked for the parts of an object of this class, or what it is instead."""
    if issubclass(kind, str | bytes | int | float | type | types.ModuleType | None):
        return Kind.NOTHING
    if backend.is_variable(value):
        return Kind.VARIABLE
    if backend.has_state_without_variable(value):
        return Kind.NO_VARIABLE
    if isinstance(value, Mapping):
        return _values
    if isinstance(value, list | tuple | deque):
        return _entries
    if _function_of(value) is not None:
        return _names
    is_plain = isinstance(value, types.SimpleNamespace) or backend.holds(value) or _is_of_user(kind)
    of_keras = isinstance(value, _OF_KERAS) and not kind.__module__.startswith("keras_ch8.optimizers")
    return _attributes if hasattr(value, "__dict__") and (of_keras or is_plain) else Kind.NOTHING


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

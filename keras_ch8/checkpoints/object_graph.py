"""Variables that hang on a model or a callback, and that Keras does not count among the model's.

The states of a stateful recurrent layer, a weight of the loss that a `train_step` of your own changes, seeds, averages
in a list or a dict: whatever can be reached by attributes of objects, and names in functions, of Keras and of the user.
"""

import inspect
import sys
import types
from collections import deque
from collections.abc import Iterator, Mapping
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


class Found(NamedTuple):
    """What hangs on some objects.

    Args:
        variables: By their paths, such as `model.rnn.states[0]`.
        cannot_be_saved: The paths of what has a state and no variable.
    """

    variables: dict[str, Any]
    cannot_be_saved: list[str]


def found_in(roots: Mapping[str, Any], known: list[Any]) -> Found:
    """Return what hangs on some objects, but for known variables; the shortest path of each, the first of several."""
    seen = {id(each) for variable in known for each in (variable, backend.native(variable))}
    found = Found({}, [])
    waiting = deque(roots.items())
    while waiting:
        path, value = waiting.popleft()
        if isinstance(value, str | bytes | int | float | type | types.ModuleType | None) or id(value) in seen:
            continue
        seen.add(id(value))
        if backend.is_variable(value):
            seen.add(id(backend.native(value)))
            if backend.can_be_saved(value):
                found.variables[path] = value
            else:
                found.cannot_be_saved.append(path)
        elif backend.has_state_without_variable(value):
            found.cannot_be_saved.append(path)
        else:
            waiting.extend(_parts_of(value, path))
    return found


def _parts_of(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        keys = [repr(key) if isinstance(key, str | int) else str(number) for number, key in enumerate(value)]
        yield from ((f"{path}[{key}]", part) for key, part in zip(keys, value.values(), strict=True))
    elif isinstance(value, list | tuple | deque):
        yield from ((f"{path}[{number}]", part) for number, part in enumerate(value))
    elif function := _function_of(value):
        if _is_of_user(function):
            names = inspect.getclosurevars(function)
            yield from ((f"{path}:{name}", part) for name, part in {**names.globals, **names.nonlocals}.items())
    elif _may_hold(value):
        yield from ((f"{path}.{name}", part) for name, part in dict(vars(value)).items())
        for cls in type(value).__mro__:
            if _is_of_user(cls):
                yield from ((f"{path}.{name}", part) for name, part in vars(cls).items() if not name.startswith("__"))


def _function_of(value: Any) -> Any:
    """Return a function in Python, also that of a method or of a `tf.function`; None for anything else."""
    function = getattr(value, "python_function", value) if callable(value) else value
    function = getattr(function, "__func__", function)
    return function if isinstance(function, types.FunctionType) else None


def _may_hold(value: Any) -> bool:
    if not hasattr(value, "__dict__"):
        return False
    of_keras = isinstance(value, _OF_KERAS) and not type(value).__module__.startswith("keras_ch8.optimizers")
    return of_keras or isinstance(value, types.SimpleNamespace) or backend.holds(value) or _is_of_user(type(value))


def _is_of_user(thing: Any) -> bool:
    return (getattr(thing, "__module__", None) or "").partition(".")[0] not in _LIBRARIES

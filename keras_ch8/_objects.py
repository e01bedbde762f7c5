"""Checks of arguments that are objects: models, functions, lists, data, parts of Keras. The others are in `_checks`."""

import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from ._checks import COMPARABLE, as_array, is_list, keras_3, takes
from ._describe import misfit, short
from .integration import keras_private


def numbers(name: str, value: Any, *, may_be_empty: bool = False) -> np.ndarray:
    """Return an array of numbers as float64; else raise ValueError."""
    array = as_array(value)
    if array.dtype.kind not in "fiub" or not array.ndim or not (array.size or may_be_empty):
        raise ValueError(
            f"`{name}` must be an array of numbers. Received: {name}={short(value)} of type {type(value).__name__}. "
            "Try `np.array([1.0, 2.0])`."
        )
    return array.astype("float64")


def start(value: Any, *, may_be_rows: bool = False) -> np.ndarray:
    """Return where a minimization begins: a vector of float32 or float64, or several as rows; else raise ValueError."""
    array = as_array(value)
    if array.dtype.kind in "iu":
        array = array.astype("float64")
    rows = ", or one a row," if may_be_rows else ""
    if array.ndim not in (1, 1 + may_be_rows) or not array.size or array.dtype.name not in COMPARABLE:
        raise ValueError(
            f"`x0` must be a non-empty vector{rows} in float32 or float64. Received: shape {array.shape} and dtype "
            f"{array.dtype.name}. Flatten it with `np.ravel`, and cast it."
        )
    return array


def leaves(part: Any) -> list[Any]:
    """Return what is in dicts, tuples and lists within each other; nothing of a list that holds itself."""
    try:
        return list(keras.tree.flatten(part))
    except RecursionError:
        return []


def list_of(name: str, value: Any, kind: Any, of: str = "") -> list[Any]:
    """Return a list, a tuple or a flat array of objects of a class as a list; else raise TypeError."""
    if not is_list(value) or not all(isinstance(one, kind) for one in value):
        raise TypeError(
            f"`{name}` must be a list of {of or getattr(kind, '__name__', kind)}. Received: {name}={short(value)} of "
            f"type {type(value).__name__}."
        )
    return list(value)


def path(name: str, value: Any, *, or_none: bool = False) -> Any:
    """Return a path, as it is given; None passes, if it may be left out; else raise TypeError."""
    ok = isinstance(value, str | os.PathLike) and isinstance(os.fspath(value), str) and os.fspath(value) != ""
    if ok:
        try:
            os.fsencode(value)
        except UnicodeEncodeError:  # half a letter, which no file can be called
            ok = False
    if not ok and not (value is None and or_none):
        expected = f"a string or a `pathlib.Path`{', or None for none' if or_none else ''}"
        raise TypeError(misfit(name, "is a place in the file system", expected, value, f"Try {name}='logs'."))
    return value


def function(name: str, value: Any, *arguments: str, returns: str) -> Any:
    """Return a function that can be called with so many arguments by place; else raise TypeError."""
    if not takes(value, len(arguments)):
        reason, fix = f"is called with ({', '.join(arguments)}) and returns {returns}", f"lambda {', '.join(arguments)}"
        raise TypeError(misfit(name, reason, "a function", value, f"Write `{fix}: ...`."))
    return value


def model(value: Any, name: str = "model") -> Any:
    """Return a model of Keras 3; else raise TypeError."""
    keras_3(value)
    if not isinstance(value, keras.Model):
        raise TypeError(
            f"`{name}` must be a `keras.Model`. Received: {name}={short(value)} of type {type(value).__name__}. Create "
            "one, such as `keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])`."
        )
    return value


def layer_of(model: Any, name: str, value: Any) -> Any:
    """Return a layer of a model that is given by itself or by its name; else raise ValueError."""
    layers = {layer.name: layer for layer in getattr(model, "layers", ())}
    key = value if isinstance(value, str) else getattr(value, "name", None)
    if key not in layers or (key is not value and layers[key] is not value):
        raise ValueError(
            f"`{name}` must be a layer of the model or its name. Received: {name}={short(value)}; it has {[*layers]}."
        )
    return layers[key]


ARGUMENTS = {"initializer": 2, "regularizer": 1, "constraint": 1, "activation": 1}
"""Parts of Keras that may be functions, and how many arguments these take."""


def trained(layer: keras.Layer) -> list[Any]:
    """Return the weights of a layer that its model trains, also where only a part of the layer does not rest (LoRA)."""
    return [v for v in layer.variables if v.trainable]


def made_by(name: str, factory: Callable[[], Any], kind: Any = keras.Model, what: str = "a new compiled model") -> Any:
    """Return what a function of the user makes; raise TypeError if it is something else."""
    made = factory()
    if not all(isinstance(one, kind) for one in (made if isinstance(made, list | tuple) else [made])):
        raise TypeError(f"`{name}` must return {what}. Received: {short(made)} of type {type(made).__name__}.")
    return made


def of_keras(name: str, value: Any, what: str) -> Any:
    """Return an initializer, regularizer, ... of Keras, given by itself or its name, as Keras's own `get` reads it.

    None is for no regularizer, constraint or activation; an initializer and an optimizer there must be.
    """
    try:
        is_known = value is None or isinstance(value, str | dict | keras.optimizers.Optimizer) or callable(value)
        found = getattr(keras, f"{what}s").get(value) if is_known else None
    except (TypeError, ValueError, AttributeError, ImportError, KeyError):
        found = None
    is_one = isinstance(found, keras.optimizers.Optimizer) if what == "optimizer" else takes(found, ARGUMENTS[what])
    if what == "activation" and isinstance(found, keras.Layer):
        is_one = True
    if not is_one and not (value is None and what in ("regularizer", "constraint", "activation")):
        raise ValueError(
            f"`{name}` must be one of the {what}s of Keras or the name of one. Received: {name}={short(value)}. Use "
            f"one of `keras.{what}s`."
        )
    return found


def dtype(value: Any) -> Any:
    """Return a floating type to compute in, or a policy, as it is given; None is for Keras's own."""
    try:
        is_one = value is None or isinstance(value, str | dict | np.dtype | type | keras.DTypePolicy)
        is_one = is_one and "float" in keras.dtype_policies.get(value).compute_dtype
    except (TypeError, ValueError, AttributeError):
        is_one = False
    if not is_one:
        expected = "a floating one, by its name, a policy of Keras, or None"
        raise ValueError(misfit("dtype", "is the type that is computed in", expected, value, "Try 'float32'."))
    return value


def targets(value: Any, of: keras.Model) -> None:
    """Refuse to go without targets where the loss of a model reads them."""
    if value is None and keras_private.needs_targets(of):
        raise ValueError(
            "`y` holds the targets of the loss that the model is compiled with. Received: y=None. Pass the targets."
        )


def pair(name: str, value: Any, *, or_none: bool = False) -> None:
    """Check `(x, y)` or `(x, y, sample_weight)`, all with one entry for each example."""
    if value is None and or_none:
        return
    if not isinstance(value, tuple | list) or len(value) not in (2, 3):
        raise TypeError(
            f"`{name}` must be arrays (x, y), or (x, y, sample_weight). Received: {name}={short(value)} of type "
            f"{type(value).__name__}."
        )
    try:
        examples(**dict(zip(("x", "y", "sample_weight"), value, strict=False)))
    except ValueError as error:
        raise ValueError(f"`{name}`: {error}") from None


def inputs(name: str, value: Any, of: keras.Model) -> None:
    """Refuse inputs of another shape than the model takes; a model that does not say which it takes is not asked."""
    expected = getattr(of, "inputs", None) or []
    given = [getattr(leaf, "shape", ()) for leaf in leaves(value)]
    if not expected or isinstance(value, dict):
        return
    shapes = [tuple(one.shape) for one in expected]
    if len(shapes) != len(given) or not all(map(_fits, given, shapes)):
        raise ValueError(
            f"`{name}` is passed to the model, so its shape must be {', '.join(map(str, shapes))}. Received: {name} of "
            f"shape {', '.join(str(tuple(s)) for s in given)}. Reshape it, or pass the model another `keras.Input`."
        )


def _fits(given: Any, expected: tuple[int | None, ...]) -> bool:
    """Whether an array may be this input; Keras adds or takes away a last axis of size 1."""
    given = tuple(given)
    if len(given) == len(expected) + 1 and given[-1] == 1:
        given = given[:-1]
    if len(given) == len(expected) - 1 and expected[-1] == 1:
        given = (*given, 1)
    return len(given) == len(expected) and all(
        n is None or m is None or n == m for n, m in zip(given[1:], expected[1:], strict=True)
    )


def examples(**parts: Any) -> None:
    """Check arrays, also nested, that have one entry for each example along the first axis.

    `y`, `sample_weight` and no other may be None.
    """
    sizes: dict[str, int] = {}
    for name, part in parts.items():
        if part is None and name in ("y", "sample_weight"):
            continue
        shapes: list[Any] = [getattr(leaf, "shape", ()) for leaf in leaves(part)]
        if not shapes or not all(len(shape) and shape[0] != 0 for shape in shapes):
            raise ValueError(
                f"`{name}` must be an array with one entry per example along the first axis, or dicts, tuples or lists "
                f"of such arrays. Received: {name}={short(part)} of type {type(part).__name__}. Try `np.array(...)`."
            )
        named = [(f"{name}[{i}]" if len(shapes) > 1 else name, shape[0]) for i, shape in enumerate(shapes)]
        sizes |= {each: int(size) for each, size in named if size is not None}  # None in a graph
    if len(set(sizes.values())) > 1:
        given = " and ".join(f"`{name}`" for name, part in parts.items() if part is not None)
        raise ValueError(
            f"{given} must have one entry per example. Received: "
            f"{', '.join(f'{size} in `{name}`' for name, size in sizes.items())}. Pass the same number of examples in "
            "each."
        )


def inside_source(arguments: dict[str, Any], *names: str) -> None:
    """Refuse arrays beside a source of data, which holds all of them."""
    for name in names:
        if arguments.get(name) is not None:
            raise ValueError(
                f"A source of `keras_ch8.data` holds all arrays itself. Received: `{name}` together with a source. "
                f"Create the source with it: `ArraySource(x, {name}={name}, ...)`."
            )

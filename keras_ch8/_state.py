"""What a part remembers, as plain data and back, and whether it is what was expected.

What a part remembers is a dataclass, or a dict of values by names. As plain data it is dicts with texts as keys, lists,
texts, numbers, booleans, None and NumPy arrays, so a file of it can be read without running anything that stands in it.
"""

import collections
import dataclasses
import enum
import itertools
import sys
import types
import typing
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from ._describe import short

KIND = "kind of keras_ch8"
"""The key that says what a dict stands for, where that is no dict."""
_NUMBERS: dict[Any, Any] = {int: (int, np.integer), float: (int, float, np.integer, np.floating)}


def dump(value: Any, name: str = "it") -> Any:
    """Return a copy of a value as plain data; plain data stay as they are.

    Args:
        value: What is remembered: besides plain data tuples, sets, deques, numbers of NumPy, tensors, and the enums,
            dataclasses and named tuples of this package, of which the fields that `__init__` takes are kept.
        name: What an error calls it. Defaults to `"it"`.

    Raises:
        TypeError: If there is anything else in it.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.generic):
        return {KIND: "scalar", "value": np.array(value)}
    if isinstance(value, Mapping):
        if all(type(key) is str for key in value):
            return {key: dump(each, f"{name}[{key!r}]") for key, each in value.items()}
        return {KIND: "dict", "items": dump([list(item) for item in value.items()], name)}
    if (fields := _fields(type(value))) is not None:
        path = f"{type(value).__module__}:{type(value).__qualname__}"
        kept = {field: dump(getattr(value, field), f"{name}.{field}") for field in fields}
        return {KIND: "object", "class": path, "fields": kept}
    if isinstance(value, list | tuple | set | frozenset | collections.deque):
        some = sorted(value) if isinstance(value, set | frozenset) else value
        items = [dump(each, f"{name}[{i}]") for i, each in enumerate(some)]
        if isinstance(value, list):
            return items
        longest = {"longest": value.maxlen} if isinstance(value, collections.deque) else {}
        return {KIND: type(value).__name__, "items": items} | longest
    if isinstance(value, int | float | str):
        return value
    array = np.array(value) if hasattr(value, "__array__") else None
    if array is None or array.dtype.kind == "O":
        raise TypeError(
            "A state must consist of dicts, lists, tuples, sets, strings, numbers, booleans, None and NumPy arrays. "
            f"Received: {name} = {short(value)} of type {type(value).__name__}. Let `get_state` return only these."
        )
    return array


def load(data: Any, modules: Collection[str] = ()) -> Any:
    """Return what `dump` was given; a tensor comes back as an array.

    Args:
        data: What `dump` has returned.
        modules: Where classes may be defined, beside this package. None is imported for it. Defaults to `()`.

    Raises:
        ValueError: If it names a class from elsewhere, or is nothing that `dump` returns.
    """
    if isinstance(data, list):
        return [load(each, modules) for each in data]
    if not isinstance(data, Mapping):
        return np.array(data) if isinstance(data, np.ndarray) else data
    found = {key: load(each, modules) for key, each in data.items()}
    makers: dict[Any, Any] = {
        None: lambda: found,
        "scalar": lambda: found["value"][()],
        "object": lambda: _made(_class(found["class"], modules), found["fields"]),
        "dict": lambda: dict(found["items"]),
        "deque": lambda: collections.deque(found["items"], maxlen=found["longest"]),
        "tuple": lambda: tuple(found["items"]),
        "set": lambda: set(found["items"]),
        "frozenset": lambda: frozenset(found["items"]),
    }
    kind = found.pop(KIND, None)
    try:
        return makers[kind]()
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"no {short(kind)} is made of {short(found)}") from error


def fault(value: Any, kind: Any, name: str = "it") -> str:
    """Return in what a value is not of a type, as a clause; "" for in nothing.

    Args:
        value: The value.
        kind: A type as in hints, such as `list[int | None]`; of a dataclass or a named tuple the fields are looked at.
            Or a dict of the types by names, as `types_of` returns it: then the value is to be a dict of these names.
        name: What the clause calls the value. Defaults to `"it"`.
    """
    if kind is Any or kind is object:
        return ""
    kind = types_of(kind) if typing.is_typeddict(kind) else kind
    origin, inner = typing.get_origin(kind) or kind, typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        faults = [fault(value, each, name) for each in inner]
        return "" if "" in faults else faults[-1]
    names = origin if isinstance(origin, Mapping) else None
    wanted = type(None) if origin is None else origin if names is None else dict
    if not isinstance(value, _NUMBERS.get(wanted, wanted)) or (isinstance(value, bool) and wanted is not bool):
        return f"{name} is of type {type(value).__name__} and not {wanted.__name__}"
    if names is not None:
        if others := [key for key in value if key not in names]:
            return f"{name} has {others[0]!r}, which is unknown here"
        if missing := [key for key in names if key not in value]:
            return f"{name} lacks {missing[0]!r}"
        parts = [(value[key], each, f"{name}[{key!r}]") for key, each in names.items()]
    elif isinstance(value, Mapping) and inner:
        parts = [(key, inner[0], f"a key of {name}") for key in value]
        parts += [(each, inner[1], f"{name}[{key!r}]") for key, each in value.items()]
    elif _fields(wanted) is not None and not issubclass(wanted, enum.Enum):
        parts = [(getattr(value, field), each, f"{name}.{field}") for field, each in types_of(wanted).items()]
    elif inner:
        is_fixed = wanted is tuple and inner[-1] is not Ellipsis
        if is_fixed and len(inner) != len(value):
            return f"{name} has {len(value)} entries and not {len(inner)}"
        parts = [(each, inner[i if is_fixed else 0], f"{name}[{i}]") for i, each in enumerate(value)]
    else:
        return ""
    return next(filter(None, itertools.starmap(fault, parts)), "")


def types_of(cls: Any) -> dict[str, Any]:
    """Return the types of what a dataclass, a named tuple or a TypedDict is made from, by names."""
    hints = typing.get_type_hints(cls)
    return hints if typing.is_typeddict(cls) else {name: hints[name] for name in _fields(cls) or ()}


def _fields(cls: type) -> list[str] | None:
    """Return what a dataclass, a named tuple or an enum is made from; None for any other class."""
    if dataclasses.is_dataclass(cls):
        return [field.name for field in dataclasses.fields(cls) if field.init]
    if issubclass(cls, enum.Enum):
        return ["value"]
    return list(cls._fields) if issubclass(cls, tuple) and hasattr(cls, "_fields") else None


def _made(cls: Any, fields: Mapping[str, Any]) -> Any:
    if set(fields) != set(_fields(cls) or ()):
        raise ValueError(f"a {cls.__name__} is not made of {sorted(fields)}")
    return cls(**fields)


def _class(path: str, modules: Collection[str]) -> Any:
    module, _, name = path.partition(":")
    cls: Any = None
    if module in modules or module.partition(".")[0] == __name__.partition(".")[0]:
        cls = sys.modules.get(module)
        for part in name.split("."):
            cls = getattr(cls, part, None)
    if not isinstance(cls, type) or _fields(cls) is None:
        raise ValueError(f"{path!r} names no dataclass of this package or of a monitor that is asked for")
    return cls

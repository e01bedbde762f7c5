"""Objects as plain data and back, for states: a file of them can be read without running anything that stands in it."""

import collections
import dataclasses
import sys
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

KIND = "kind of keras_ch8"
"""The key that says what a dict stands for, where that is no dict."""


def plain(value: Any) -> Any:
    """Return a value as a nesting of dicts, lists, texts, numbers, booleans, None and arrays.

    Raises:
        TypeError: If it is neither of these, nor a tuple, a set, a deque, a number of NumPy, a tensor, a dataclass or a
            named tuple.
    """
    if value is None or type(value) in (bool, int, float, str, np.ndarray):
        return np.array(value) if type(value) is np.ndarray else value
    if isinstance(value, np.generic):
        return {KIND: "scalar", "value": np.array(value)}
    if type(value) is list:
        return [plain(each) for each in value]
    if isinstance(value, Mapping):
        if all(type(key) is str for key in value) and KIND not in value:
            return {key: plain(each) for key, each in value.items()}
        return {KIND: "dict", "items": [[plain(key), plain(each)] for key, each in value.items()]}
    if isinstance(value, set | frozenset):
        return {KIND: type(value).__name__, "items": [plain(each) for each in sorted(value)]}
    if isinstance(value, collections.deque):
        return {KIND: "deque", "items": [plain(each) for each in value], "longest": value.maxlen}
    fields = _fields(type(value))
    if fields is not None:
        path = f"{type(value).__module__}:{type(value).__qualname__}"
        return {KIND: "object", "class": path, "fields": {name: plain(getattr(value, name)) for name in fields}}
    if type(value) is tuple:
        return {KIND: "tuple", "items": [plain(each) for each in value]}
    if hasattr(value, "__array__"):
        return np.array(value)
    raise TypeError(f"a {type(value).__name__} cannot be kept as plain data")


def restored(value: Any, modules: Collection[str] = ()) -> Any:
    """Return what `plain` was given; a tensor comes back as an array.

    Args:
        value: What `plain` has returned.
        modules: Where classes may be defined, beside this package. None is imported for it.

    Raises:
        ValueError: If it is not that, or names a class from elsewhere.
    """
    if isinstance(value, list):
        return [restored(each, modules) for each in value]
    if not isinstance(value, Mapping):
        return np.array(value) if isinstance(value, np.ndarray) else value
    kind = value.get(KIND)
    if kind is None:
        return {key: restored(each, modules) for key, each in value.items()}
    if kind == "scalar":
        return value["value"][()]
    if kind == "object":
        cls = _class(value["class"], modules)
        given = {name: restored(each, modules) for name, each in value["fields"].items()}
        if set(given) != set(_fields(cls) or ()):
            raise ValueError(f"a {cls.__name__} is not made of {sorted(given)}")
        return cls(**given)
    items = [restored(each, modules) for each in value.get("items", [])]
    if kind == "dict":
        return {key: each for key, each in items}
    if kind == "deque":
        return collections.deque(items, maxlen=value["longest"])
    makers: dict[Any, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset}
    if kind not in makers:
        raise ValueError(f"{kind!r} is no kind of plain data")
    return makers[kind](items)


def _fields(cls: type) -> list[str] | None:
    """Return what a dataclass or a named tuple is made from; None for any other class."""
    if dataclasses.is_dataclass(cls):
        return [field.name for field in dataclasses.fields(cls) if field.init]
    return list(cls._fields) if issubclass(cls, tuple) and hasattr(cls, "_fields") else None


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

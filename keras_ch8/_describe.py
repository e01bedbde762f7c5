"""What an object says of itself when it is printed: the call that makes it."""

import inspect
import numbers
from collections.abc import Mapping
from typing import Any

LONGEST = 60
"""Characters of one argument."""


def call_of(thing: Any, arguments: Mapping[str, Any]) -> str:
    """Return the class of an object with the argument that may go first by place, and those that are not defaults."""
    defaults: dict[str, Any] = {}
    for cls in type(thing).__mro__[:-1]:
        defaults = {name: p.default for name, p in inspect.signature(cls).parameters.items()} | defaults
    own = {name: p for name, p in inspect.signature(type(thing)).parameters.items() if name in arguments}
    first = [name for name, p in own.items() if p.kind is p.POSITIONAL_OR_KEYWORD][:1]
    shown = [
        f"{name}={_short(arguments[name])}"
        for name in dict.fromkeys((*own, *arguments))
        if name in defaults and (name in first or _differs(arguments[name], defaults[name]))
    ]
    return f"{type(thing).__name__}({', '.join(shown)})"


def _differs(value: Any, default: Any) -> bool:
    try:
        return bool(value != default)
    except ValueError:  # arrays have no one answer
        return True


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and "class_name" in value:
        return f"{value['class_name']}(...)"
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if hasattr(value, "shape"):
        return f"<{type(value).__name__} of shape {tuple(value.shape)}>"
    text = f"{value:.6g}" if isinstance(value, numbers.Real) and not isinstance(value, int) else repr(value)
    return text if len(text) <= LONGEST else f"<{type(value).__name__}>"

"""What states of callbacks are made of, and the refusal of what is none.

A state is a nesting of dicts with texts as keys, of lists, texts, numbers, booleans, None and NumPy arrays, so that it
can be kept as JSON with arrays beside it. What a callback expects is written as a pattern:

    float, int, ...     a value of this type; a float may be an integer too
    None                None
    (a, b)              one of these patterns
    [a]                 a list of such
    {str: a}            a dict of such, by any names
    {"name": a, ...}    a dict with these names and no others
"""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..._describe import short

Pattern = Any
_KINDS: dict[Any, Any] = {int: (int, np.integer), float: (int, float, np.integer, np.floating)}


def checked(owner: str, state: Any, pattern: Mapping[str, Pattern]) -> dict[str, Any]:
    """Return a copy of a state of the callback `owner`; raise ValueError where it does not fit the pattern."""
    fault = _fault(state, dict(pattern), "it")
    if fault:
        parts = ", ".join(map(repr, pattern)) or "nothing: it has no state"
        raise ValueError(
            f"`set_state` of `{owner}` goes on from what `get_state` of one with the same arguments has returned, "
            f"a dict of {parts}. Received: a {type(state).__name__}; {fault}. Give the state that was kept "
            "for this callback, as it was returned."
        )
    return copy.deepcopy(dict(state))


def refuse(owner: str, what: str, received: Any, expected: Any) -> ValueError:
    """Return the error that says that a state is that of another callback, model or setting."""
    return ValueError(
        f"`set_state` of `{owner}` goes on from the state of one with the same arguments. Received: a state with "
        f"{what}={short(received)}, where this callback has {what}={short(expected)}. Make the callback as it was, or "
        "begin without the state."
    )


def _fault(value: Any, pattern: Pattern, name: str) -> str:
    """Return what is wrong with a value, as a clause; "" for nothing."""
    if isinstance(pattern, tuple):
        faults = [_fault(value, each, name) for each in pattern]
        return "" if "" in faults else faults[-1]
    if isinstance(pattern, list):
        if not isinstance(value, list):
            return _not_a(value, "list", name)
        return next(filter(None, (_fault(each, pattern[0], f"{name}[{i}]") for i, each in enumerate(value))), "")
    if isinstance(pattern, dict):
        return _fault_of_dict(value, pattern, name)
    if pattern is None:
        return "" if value is None else _not_a(value, "None", name)
    wanted: Any = _KINDS.get(pattern, pattern)
    is_other = isinstance(value, bool) and pattern is not bool
    return "" if isinstance(value, wanted) and not is_other else _not_a(value, pattern.__name__, name)


def _fault_of_dict(value: Any, pattern: dict[Any, Pattern], name: str) -> str:
    if not isinstance(value, Mapping):
        return _not_a(value, "dict", name)
    if str in pattern:
        others = [key for key in value if not isinstance(key, str)]
        parts = {key: pattern[str] for key in value}
    else:
        others = [key for key in value if key not in pattern]
        parts = pattern
    if others:
        return f"{name} has {others[0]!r}, which is not known here"
    missing = [key for key in parts if key not in value]
    if missing:
        return f"{name} lacks {missing[0]!r}"
    return next(filter(None, (_fault(value[key], part, f"{name}[{key!r}]") for key, part in parts.items())), "")


def _not_a(value: Any, expected: str, name: str) -> str:
    return f"{name} is of type {type(value).__name__} and not {expected}"

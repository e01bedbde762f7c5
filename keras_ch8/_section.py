"""Which section of the book a part is for, or which paper it is from where the book does not have it.

A class says it by its attribute `section` or `paper`, a function by the decorator `section`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from ._describe import spelled

_Function = TypeVar("_Function", bound=Callable[..., Any])


def section(number: str) -> Callable[[_Function], _Function]:
    """Return a decorator that sets a function's attribute `section`, from which the map of the chapter is made."""

    def mark(function: _Function) -> _Function:
        vars(function)["section"] = number
        return spelled(function)

    return mark


def source(thing: object) -> str:
    """Return the section or the paper that a class or a function says itself; "" for a base, which says none."""
    said = getattr(thing, "__dict__", {})
    own = said.get("section") or said.get("paper")
    return own if isinstance(own, str) else ""

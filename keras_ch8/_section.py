"""Which section of the book a function is for: classes say it by their attribute `section`, functions by this."""

from collections.abc import Callable
from typing import Any, TypeVar

from ._spelling import spelled

_Function = TypeVar("_Function", bound=Callable[..., Any])


def section(number: str) -> Callable[[_Function], _Function]:
    """Return a decorator that sets a function's attribute `section`, from which the map of the chapter is made."""

    def mark(function: _Function) -> _Function:
        vars(function)["section"] = number
        return spelled(function)

    return mark

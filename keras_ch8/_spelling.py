"""Names the argument that was meant where one is misspelt, as Python itself does from 3.13 on."""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from ._describe import short

_Function = TypeVar("_Function", bound=Callable[..., Any])


def meant(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the argument that was likely meant; "" where none is alike."""
    alike = difflib.get_close_matches(name, [*known], n=1)
    return f"Did you mean `{alike[0]}`?" if alike else ""


def check(
    owner: str, called: Callable[..., Any], given: Mapping[str, Any], hands_on_to: Callable[..., Any] | None = None
) -> None:
    """Refuse arguments by names that a function or a class does not have, nor what it hands the others on to."""
    both = [called] if hands_on_to is None else [called, hands_on_to]
    parameters = [parameter for each in both for parameter in inspect.signature(each).parameters.values()]
    known = list(dict.fromkeys(p.name for p in parameters if p.name != "self" and p.kind is not p.VAR_KEYWORD))
    takes_all = hands_on_to is None and any(p.kind is p.VAR_KEYWORD for p in parameters)
    if takes_all or given.keys() <= {*known}:
        return
    name = next(name for name in given if name not in known)
    listed = meant(name, known) or f"It takes: {', '.join(known) or 'none'}."
    raise TypeError(f"`{owner}` has no argument `{name}`. Received: {name}={short(given[name])}. {listed}")


def spelled(function: _Function) -> _Function:
    """Return a function that names the argument that was meant where it is called with a misspelt one.

    Of an `__init__` the class is named.
    """
    owner = function.__qualname__.removesuffix(".__init__").rpartition(".")[2]

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            check(owner, function, kwargs)
        return function(*args, **kwargs)

    return cast(_Function, call)

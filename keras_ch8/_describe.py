"""What a thing says of itself: printed, in an error, with the argument that was meant; and for which section it is."""

import difflib
import functools
import inspect
import numbers
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

LONGEST = 60
"""Characters of one argument."""
LONGEST_RECEIVED = 120
"""Characters of what an error was given; of a text, and of an entry of a list, two thirds of them."""


class _Received(reprlib.Repr):
    """Knows where to end: with a few entries of a list, also of one that holds itself, and in the middle of a text."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 2 * LONGEST_RECEIVED // 3
        self.maxlevel = 3

    def repr1(self, x: Any, level: int) -> str:
        """Return a text for anything: for an array without what is in it, and for what fails to say what it is."""
        try:
            if shape := _shape_of(x):
                return f"<{type(x).__name__} of shape {shape}, {getattr(x, 'dtype', 'without a type')}>"
            return super().repr1(x, level)
        except Exception:
            return f"<{type(x).__name__}>"


def _shape_of(x: Any) -> tuple[Any, ...]:
    try:
        return tuple(x.shape)
    except Exception:  # it has none, or only its class has
        return ()


_RECEIVED = _Received()


def short(value: Any) -> str:
    """Return what an error says of something that came, whatever that is, in one line of 120 characters at most.

    Example:
        >>> from keras_ch8._describe import short
        >>> short(([1, 2, 3], np.zeros((256, 4)), "x"))
        "([1, 2, 3], <ndarray of shape (256, 4), float64>, 'x')"
    """
    said = " ".join(_RECEIVED.repr(value).split())
    half = LONGEST_RECEIVED // 2 - 2
    return said if len(said) <= LONGEST_RECEIVED else f"{said[:half]}...{said[-half:]}"


def misfit(name: str, reason: str, expected: str, value: Any, fix: str = "") -> str:
    """Return what an error says of an argument: what it is for, what it must be, what came, and how to fix that."""
    received = f"`{name}` {reason}, so it must be {expected}. Received: {name}={short(value)}."
    return f"{received} {fix}" if fix else received


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


_Function = TypeVar("_Function", bound=Callable[..., Any])


def meant(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the argument that was likely meant; "" where none is alike."""
    alike = difflib.get_close_matches(name, [*known], n=1)
    return f"Did you mean `{alike[0]}`?" if alike else ""


def check_arguments(
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
            check_arguments(owner, function, kwargs)
        return function(*args, **kwargs)

    return cast(_Function, call)


# --- which section of the book a part is for, or which paper it is from where the book does not have it --------------
#
# A class says it by its attribute `section` or `paper`, a function by the decorator `section`.


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

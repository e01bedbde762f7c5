"""What of Keras is replaced, by whom, and the way back: every replacement on a class or a module goes through here.

Nothing is replaced by `import keras_ch8`. A part that needs a hook installs it when its first object is made. What is
replaced on an instance (a model, an optimizer, a layer) is replaced inside a `with` block (`replaced`), and given back
at its end, whoever raises.
"""

import contextlib
import datetime
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from . import keras_private


@dataclass(frozen=True)
class Hook:
    """A function or class of Keras in whose place stands one of the suite, which calls it.

    Args:
        replaces: Its full name, such as `"keras.Model.fit"`.
        why: What the suite needs that Keras offers no public way for.
        since: Whose construction installed it, and when.
        undone_by: How to undo it.
    """

    replaces: str
    why: str
    since: str
    undone_by: str


@dataclass
class _Installed:
    """A hook, what stands at its place now, what the suite has put there, and the way back."""

    hook: Hook
    now: Callable[[], Any]
    ours: Any
    undo: Callable[[], None]


_installed: dict[str, _Installed] = {}

UNDO = "keras_ch8.integration.uninstall()"


def hooks() -> list[Hook]:
    """Return the hooks in force, in the order in which they were installed."""
    return [each.hook for each in _installed.values()]


def is_installed(replaces: str) -> bool:
    """Whether a hook is in force; one that could not be undone does nothing but pass on, once this is False."""
    return replaces in _installed


def install(owner: Any, name: str, make: Callable[[Any], Any], *, replaces: str, why: str, for_: str) -> None:
    """Put `make(theirs)` in the place of an attribute of a class or module, once.

    Args:
        owner: The class or module.
        name: The attribute.
        make: Returns the replacement, given what is there.
        replaces: Full name of the attribute, under which the hook is listed.
        why: What it is needed for.
        for_: Name of the class whose construction asks for it.
    """
    if replaces in _installed:
        return
    theirs, was_own = getattr(owner, name), name in vars(owner)
    ours = make(theirs)

    def undo() -> None:
        if was_own:
            setattr(owner, name, theirs)
        else:
            delattr(owner, name)

    setattr(owner, name, ours)
    _installed[replaces] = _Installed(_hook(replaces, why, for_), lambda: vars(owner).get(name), ours, undo)


def install_inside(method: str, make: Callable[[Any], Any], *, replaces: str, why: str, for_: str) -> None:
    """Put `make(theirs)` in the place of the function inside one of Keras's decorated methods, once.

    In `model.fit(x, y, callbacks=[TensorBoard()])` Python looks up `model.fit` before it makes the callback, so another
    method on the class would come too late for the first `fit` of a process.

    Args:
        method: The name of the method, which in Keras is a decorator around a function.
        make: As in `install`.
        replaces: As in `install`.
        why: As in `install`.
        for_: As in `install`.
    """
    if replaces in _installed:
        return
    cell = keras_private.cell_of(method)
    theirs = cell.cell_contents
    ours = make(theirs)
    cell.cell_contents = ours

    def undo() -> None:
        cell.cell_contents = theirs

    _installed[replaces] = _Installed(_hook(replaces, why, for_), lambda: cell.cell_contents, ours, undo)


def _hook(replaces: str, why: str, for_: str) -> Hook:
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    return Hook(replaces, why, f"the first `{for_}` was made, {now}", UNDO)


def uninstall() -> None:
    """Undo every hook; parts that are made afterwards install theirs again.

    A function that somebody else has wrapped since stays inside that wrapper, with a warning, and only passes on.
    """
    for replaces, each in list(_installed.items()):
        del _installed[replaces]
        if each.now() is each.ours:
            each.undo()
        else:
            warnings.warn(
                f"`{replaces}` was replaced by somebody else after keras_ch8 replaced it, so it is left as it is; the "
                "function of keras_ch8 inside it does nothing any more but call Keras's.",
                RuntimeWarning,
                stacklevel=2,
            )


@contextlib.contextmanager
def replaced(thing: Any, **attributes: Any) -> Iterator[None]:
    """Have other attributes on an instance inside, and give its own back at the end."""
    own = vars(thing)
    before = {name: own[name] for name in attributes if name in own}
    for name, value in attributes.items():
        setattr(thing, name, value)
    try:
        yield
    finally:
        for name, value in attributes.items():
            if name in before:
                setattr(thing, name, before[name])
            elif vars(thing).get(name) is value:
                delattr(thing, name)

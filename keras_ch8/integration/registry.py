"""What of Keras is replaced, by whom, and the way back: every replacement on a class or a module goes through here.

Nothing is replaced by `import keras_ch8`. A part that needs a hook installs it when its first object is made. What is
replaced on an instance (a model, an optimizer, a layer) is replaced inside a `with` block (`replaced`), and given back
at its end, whoever raises.
"""

import contextlib
import datetime
import threading
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
    """A hook, what stands at its place now, the way back, and what the suite has put there."""

    hook: Hook
    now: Callable[[], Any]
    undo: Callable[[], None]
    ours: Any = None


_installed: dict[str, _Installed] = {}
_lock = threading.RLock()

UNDO = "keras_ch8.integration.uninstall()"


def hooks() -> list[Hook]:
    """Return the hooks in force, in the order in which they were installed."""
    return [each.hook for each in _installed.values()]


Make = Callable[[Any, Callable[[], bool]], Any]
"""Returns a replacement, given what is there and a function that says whether the replacement is in force. One that is
left inside somebody's wrapper by `uninstall` is not, and only passes on."""


def install(owner: Any, name: str, make: Make, *, replaces: str, why: str, for_: str) -> None:
    """Put a replacement in the place of an attribute of a class or module, once.

    Args:
        owner: The class or module.
        name: The attribute.
        make: Returns the replacement (see `Make`).
        replaces: Full name of the attribute, under which the hook is listed.
        why: What it is needed for.
        for_: Name of the class whose construction asks for it.
    """
    theirs, was_own = getattr(owner, name), name in vars(owner)

    def put(value: Any) -> None:
        if value is not theirs or was_own:
            setattr(owner, name, value)
        else:
            delattr(owner, name)

    _install(replaces, why, for_, theirs, make, lambda: vars(owner).get(name), put)


def install_inside(method: str, make: Make, *, replaces: str, why: str, for_: str) -> None:
    """Put a replacement in the place of the function inside one of Keras's decorated methods, once.

    In `model.fit(x, y, callbacks=[TensorBoard()])` Python looks up `model.fit` before it makes the callback, so another
    method on the class would come too late for the first `fit` of a process.

    Args:
        method: The name of the method, which in Keras is a decorator around a function.
        make: As in `install`.
        replaces: As in `install`.
        why: As in `install`.
        for_: As in `install`.
    """
    cell = keras_private.cell_of(method)

    def put(value: Any) -> None:
        cell.cell_contents = value

    _install(replaces, why, for_, cell.cell_contents, make, lambda: cell.cell_contents, put)


def _install(
    replaces: str, why: str, for_: str, theirs: Any, make: Make, now: Callable[[], Any], put: Callable[[Any], None]
) -> None:
    with _lock:
        if replaces in _installed:
            return
        time = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        hook = Hook(replaces, why, f"the first `{for_}` was made, {time}", UNDO)
        installed = _Installed(hook, now, lambda: put(theirs))
        installed.ours = make(theirs, lambda: _installed.get(replaces) is installed)
        put(installed.ours)
        _installed[replaces] = installed


def uninstall() -> None:
    """Undo every hook; parts that are made afterwards install theirs again.

    A function that somebody else has wrapped since stays inside that wrapper, with a warning, and only passes on.
    """
    with _lock:
        installed = list(_installed.items())
        _installed.clear()
    for replaces, each in installed:
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

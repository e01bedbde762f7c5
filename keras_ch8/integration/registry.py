"""What of Keras is replaced, by whom, and the way back: every replacement on a class or a module goes through here.

Nothing is replaced by `import keras_ch8`. A part that needs a hook installs it when its first object is made. What is
replaced on an instance (a model, an optimizer, a layer) is replaced inside a `with` block (`replaced`), and given back
at its end, even after an error.
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
    """A function or class of Keras that keras_ch8 has replaced by one of its own, which calls the original.

    Args:
        replaces: Full name of the function or class of Keras, such as `"keras.Model.fit"`.
        why: What keras_ch8 needs that Keras offers no public way for.
        since: The object whose construction installed the hook, and the time.
        undone_by: The call that undoes it.
    """

    replaces: str
    why: str
    since: str
    undone_by: str


_lock = threading.RLock()

UNDO = "keras_ch8.integration.uninstall()"


def hooks() -> list[Hook]:
    """Return the hooks in force, in the order in which they were installed."""
    return [hook for hook, _, _ in _installed.values()]


Make = Callable[[Any, Callable[[], bool]], Any]
"""Returns a replacement, given what is there and a function that says whether the replacement is in force. One that is
left inside somebody's wrapper by `uninstall` is not, and only passes on."""


@dataclass(frozen=True)
class PatchPoint:
    """Where a function or class of Keras stands that may be replaced.

    Args:
        name: Its full name, such as `"keras.Model.fit"`, under which the hook is listed.
        theirs: What stands there, of Keras.
        now: Returns what stands there now.
        put: Puts something there.
    """

    name: str
    theirs: Any
    now: Callable[[], Any]
    put: Callable[[Any], None]


_installed: dict[str, tuple[Hook, PatchPoint, Any]] = {}
"""By its name each hook, where it stands, and what the suite has put there."""


def attribute(owner: Any, attribute: str, name: str) -> PatchPoint:
    """Return the place of an attribute of a class or module."""
    theirs, was_own = getattr(owner, attribute), attribute in vars(owner)

    def put(value: Any) -> None:
        if value is not theirs or was_own:
            setattr(owner, attribute, value)
        else:
            delattr(owner, attribute)

    return PatchPoint(name, theirs, lambda: vars(owner).get(attribute), put)


def inside(method: str, name: str) -> PatchPoint:
    """Return the place of the function inside one of Keras's decorated methods.

    In `model.fit(x, y, callbacks=[TensorBoard()])` Python looks up `model.fit` before it makes the callback, so another
    method on the class would come too late for the first `fit` of a process.
    """
    cell = keras_private.cell_of(method)

    def put(value: Any) -> None:
        cell.cell_contents = value

    return PatchPoint(name, cell.cell_contents, lambda: cell.cell_contents, put)


def install(place: PatchPoint, make: Make, why: str, for_: str) -> None:
    """Put a replacement where a function or class of Keras stands, once.

    Args:
        place: Where it stands.
        make: Returns the replacement (see `Make`).
        why: What it is needed for.
        for_: Name of the class whose construction asks for it.
    """
    with _lock:
        if place.name in _installed:
            return
        time = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        hook = Hook(place.name, why, f"the first `{for_}` was made, {time}", UNDO)
        ours = make(place.theirs, lambda: _installed.get(place.name, (None,))[0] is hook)
        place.put(ours)
        _installed[place.name] = hook, place, ours


def uninstall() -> None:
    """Undo every hook; parts that are made afterwards install theirs again.

    A function of keras_ch8 that other code has wrapped since stays inside that wrapper, and only calls the function of
    Keras from then on; a `RuntimeWarning` says so.
    """
    with _lock:
        installed = list(_installed.items())
        _installed.clear()
    for replaces, (_, place, ours) in installed:
        if place.now() is ours:
            place.put(place.theirs)
        else:
            warnings.warn(
                f"`{replaces}` was replaced by another package after keras_ch8 replaced it, so it is left as it is. "
                "The function of keras_ch8 inside it now only calls Keras's.",
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

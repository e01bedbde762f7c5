"""What is done to Keras in a process that runs the script of somebody else: each call of a method is seen."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras

from . import registry

Seen = Callable[[Callable[[], Any], keras.Model, dict[str, Any]], Any]
"""Stands in place of a method: it is given a function that calls Keras's, the model, and the arguments by their names,
which it may change before it calls."""


def see(method: str, seen: Seen) -> None:
    """Let a function stand in place of a method of every model, such as `"fit"`, until `uninstall()`."""

    def make(theirs: Callable[..., Any], is_active: Callable[[], bool]) -> Callable[..., Any]:
        signature = inspect.signature(theirs)

        @functools.wraps(theirs)
        def of_script(self: keras.Model, *args: Any, **kwargs: Any) -> Any:
            if not is_active():
                return theirs(self, *args, **kwargs)
            call = signature.bind(self, *args, **kwargs)
            return seen(lambda: theirs(*call.args, **call.kwargs), self, call.arguments)

        return of_script

    why = "A script that is not changed lists no callback, and tells neither where a training stands nor what it saves."
    registry.install(registry.attribute(keras.Model, method, name_of(method)), make, why, "Seen")


def name_of(method: str) -> str:
    """Return the name of the hook on a method."""
    return f"keras.Model.{method} of a script"

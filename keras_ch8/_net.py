"""The net under all that only watches: what it raises is reported in one warning, and the training goes on without it.

What acts on a training, and what a user has written, raises as it did: also where it is called inside a watcher.
"""

import contextvars
import functools
import os
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

Result = TypeVar("Result")

OFF = "KERAS_CH8_OFF"
"""In the environment: nothing watches."""
RAISE = "KERAS_CH8_RAISE"
"""In the environment: what would be caught is raised, as in the tests of this package (see `extend.raise_caught`)."""

STEPS = "What observes the steps of the optimizers"
"""As a warning calls it."""


def off() -> str:
    """Return why nothing is to watch, "" where all may; asked when a training begins."""
    is_off = os.environ.get(OFF, "") not in ("", "0")
    return f"It watches nothing because the environment variable {OFF} is set." if is_off else ""


def watches(callback: Any) -> bool:
    """Whether a callback only observes, as its class says."""
    return getattr(callback, "watches", False) is True


def let_pass(error: Exception) -> Exception:
    """Mark an error that is the user's to see, whoever it passes through, and return it."""
    error.__dict__["passes_keras_ch8"] = True
    return error


@contextmanager
def through() -> Iterator[None]:
    """Let what is raised inside pass: it is no error of the watcher that has called this."""
    try:
        yield
    except Exception as error:
        let_pass(error)
        raise


class Net:
    """Lies under one watcher in one training; after the first error it is asked no more.

    Args:
        what: Who that is, as the warning says.
        lost: Called when it has failed, before that is reported.
    """

    def __init__(self, what: str, lost: Callable[[], None] | None = None) -> None:
        self.what, self._lost, self.is_torn = what, lost, False

    def attempt(self, action: Callable[[], Result], otherwise: Any = None) -> Result | Any:
        """Return what an action returns; where it fails, and ever after, `otherwise`."""
        if self.is_torn:
            return otherwise
        token = _under.set(self)
        try:
            with np.errstate(all="ignore"):  # what a training comes to may be infinite or NaN, and is reported in words
                return action()
        except Exception as error:
            if error.__dict__.get("passes_keras_ch8") or isinstance(error, Warning):  # one that is asked to be an error
                raise
            if not self.is_torn:  # by a hook that this one has called
                self.is_torn = True
                if self._lost is not None:
                    self._lost()
                _tell(self.what, error)
            return otherwise
        finally:
            _under.reset(token)


_under: contextvars.ContextVar[Net | None] = contextvars.ContextVar("keras_ch8_net", default=None)
"""The net over which something is called now."""


def later(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is called later over the net over which this is: it belongs to the same watcher."""
    net = _under.get()
    return function if net is None else lambda *args: net.attempt(functools.partial(function, *args))


def _tell(what: str, error: Exception) -> None:
    """Tell the user of an error that is caught; raise it where this is asked for."""
    if os.environ.get(RAISE, "") not in ("", "0"):
        raise let_pass(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    said = str(error).strip().rstrip(".").partition("\n")[0][:200]
    warnings.warn(
        f"{what} has failed, and training continues without it, unchanged: {type(error).__name__}: {said} (in "
        f"{os.path.basename(place.filename)}, line {place.lineno}). This is a bug in keras_ch8: please report it with "
        "this message.",
        RuntimeWarning,
        stacklevel=2,
    )


def raise_caught(wanted: bool = True) -> None:
    """Raise every error of what only watches, which otherwise becomes a warning while the training goes on.

    For tests: so no defect hides. It is the environment variable `KERAS_CH8_RAISE`, so processes that are started
    afterwards do the same.

    Args:
        wanted: Whether they are raised from now on. Defaults to `True`.

    Example:
        >>> keras_ch8.extend.raise_caught()
    """
    os.environ[RAISE] = "1" if wanted else ""

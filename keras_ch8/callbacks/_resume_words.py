"""What `Resume` refuses and says before the first step."""

import os
import warnings
from collections.abc import Sequence

import keras

from .base import say

ended_here: set[str] = set()
"""The folders of the trainings that have ended in this process."""


def refuse_what_cannot_resume(callbacks: Sequence[keras.callbacks.Callback], kind: type) -> None:
    """Refuse what would restore or write over what `Resume` does, which is of this kind."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            raise ValueError(
                "`Resume` restores all that `keras.callbacks.BackupAndRestore` does, and what that forgets; only one "
                "of the two can. Received: both. Leave out `BackupAndRestore`."
            )
    if sum(isinstance(callback, kind) for callback in callbacks) > 1:
        raise ValueError("Only one `Resume` can keep the states of a `fit`. Received: several. Leave out the others.")


def not_there(missing: Sequence[str], directory: str) -> str:
    """Return what an error says of variables that have a value in a state, and are not there before the first step."""
    return (
        f"A training goes on with all variables that it had. Received: no {', '.join(missing)}, for which the states "
        f"in {directory!r} have a value, before the first step. Make them before `fit`, such as in `__init__`, or let "
        f"them begin anew by `Resume({directory!r}, allow=['model'])`."
    )


def say_that_it_has_ended(directory: str) -> None:
    """Say that nothing is trained: as a warning, where it has ended in this process and so may be another training."""
    said = (
        f"This training has ended before: model and history are what it has left in {directory!r}; to train again, "
        "give `Resume` another directory."
    )
    if os.path.realpath(directory) in ended_here:
        warnings.warn(f"Nothing is trained. {said}", UserWarning, stacklevel=2)
    else:
        say(said)


def warn_of_what_differs(differs: Sequence[str], lost: Sequence[str]) -> None:
    """Warn, if there is anything, of that in which a training that goes on ends otherwise, and of what begins anew."""
    begins_anew = f"what {', '.join(f'`{path}`' for path in lost)} has come to begins anew" if lost else ""
    if said := "; ".join(filter(None, (*differs, begins_anew))):
        warnings.warn(
            f"After an interruption this training goes on, and ends otherwise than one without: {said}. "
            "docs/guide/order.md has a table of all kinds of data.",
            UserWarning,
            stacklevel=2,
        )


def say_what_to_know(of_data: str, unknown: Sequence[str]) -> None:
    """Say what is to be known of the data, and of callbacks whose state is not known."""
    if of_data:
        say(of_data)
    if unknown:
        say(
            f"`Resume` does not know what {', '.join(unknown)} must remember after an interruption. If it has "
            "anything to remember but variables, give the class `get_state` and `set_state`."
        )

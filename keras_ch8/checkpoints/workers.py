"""What the workers that train one model together agree on, and SIGTERM, at which a training is to end."""

import os
import re
import signal
import threading
from contextlib import ExitStack
from typing import Any, NoReturn

from .._describe import short
from ..integration import backend
from . import folder as files

NAME = re.compile(r"worker-\d+-of-(\d+)")
NONE, DAMAGED = 0, -1
"""Said in the place of the number of a state."""


class Workers:
    """The workers that train one model together, as one of them: each keeps its own states, of the same batches.

    What differs between workers (metrics, statistics that are not synchronized, generators of random numbers) so comes
    back to the worker that had it, and the folder need not be shared by their machines.

    Args:
        strategy: The one in whose scope the model was made.
    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self.count = backend.workers(strategy)
        self.number = backend.worker_number(strategy)

    @property
    def are_several(self) -> bool:
        """Whether there is more than this one."""
        return self.count > 1

    def check(self, every: int | str, unit: str, keep: int) -> None:
        """Check that all of several workers take their states at the same batches, and have one in common at any time.

        Raises:
            ValueError: If they do not.
        """
        if self.are_several and unit == "s":
            raise ValueError(
                "Several workers take their states at the same batch, and their clocks differ. Received: "
                f'every={short(every)}, seconds. Give batches or epochs, such as every="500ba".'
            )
        if self.are_several and keep == 1:
            raise ValueError(
                "Of several workers one may have written a state that another has not yet, so each must keep the one "
                "before. Received: keep=1. Give keep=2."
            )

    def folder_in(self, directory: str) -> str:
        """Return where this worker keeps its states: in a folder of its own, if there are several.

        Raises:
            ValueError: If another number of workers has left states there.
        """
        left = os.listdir(directory) if os.path.isdir(directory) else []
        counts = {int(match[1]) for match in map(NAME.fullmatch, left) if match}
        counts |= {1 for name in left if files.NAME.fullmatch(name)}
        if others := sorted(counts - {self.count}):
            raise ValueError(
                f"`Resume` goes on with as many workers as have written the states. Received: {self.count} of them, "
                f"and in {directory!r} the states of {others[0]}. Start as many, or give another `directory` to begin "
                "anew."
            )
        return os.path.join(directory, f"worker-{self.number}-of-{self.count}") if self.are_several else directory

    def any_says(self, yes: bool) -> bool:
        """Whether a worker says yes; each has to call this at the same batch."""
        return any(self._said_by_all(int(yes)))

    def newest(self, folder: files.Folder, unfinished: bool = False) -> files.StoredState | None:
        """Return the newest state that every worker has whole; None if the training has not got to its second one.

        Each worker says the number of its newest, and looks for an older one until all say the same.

        Raises:
            ValueError: If there is none that all have.
        """
        if not self.are_several:
            return folder.newest(unfinished)
        up_to = None
        while True:
            failure = None
            try:
                found = folder.newest(unfinished, up_to)
                number = NONE if found is None else found.number
            except ValueError as error:
                failure, number = error, DAMAGED
            said = self._said_by_all(number)
            up_to = min(said)
            if up_to == max(said) != DAMAGED:
                folder.forget_after(up_to)  # what not all have is trained again
                return found
            if sorted(set(said)) == [NONE, 1] and not unfinished:  # they died while they wrote the first one
                folder.forget_after(NONE)
                return None
            if up_to <= NONE:
                raise ValueError(
                    "Workers go on from a state that each of them has whole. Received: "
                    + ", ".join(f"worker {i} with {_named(n)}" for i, n in enumerate(said))
                    + f" (this is worker {self.number}, with the folder {folder.directory!r}). If their machines do "
                    "not share `directory`, each must find what it wrote; put that back, or delete all to begin anew."
                ) from failure

    def _said_by_all(self, number: int) -> list[int]:
        return backend.gathered_from_workers(number, self._strategy) if self.are_several else [number]


def _named(number: int) -> str:
    return {NONE: "none", DAMAGED: "damaged ones only"}.get(number, f"state {number}")


# --- SIGTERM, which rented machines send before they are taken away --------------------------------------------------


STATUS = 128 + signal.SIGTERM
"""With this a process ends that has been asked to, as shells count."""


class Sigterm:
    """Notes SIGTERM, instead of letting it end the process at once.

    It does so from `listen` on until `exits` ends, in the main thread, where Python lets signals be noted; somebody who
    ignores the signal goes on ignoring it.

    Args:
        came: Whether the signal has come.
    """

    def __init__(self) -> None:
        self.came = False
        self._previous: Any = signal.SIG_DFL

    def listen(self, exits: ExitStack) -> None:
        """Note the signal until `exits` ends."""
        previous = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread() or previous is signal.SIG_IGN:
            return
        self._previous = signal.SIG_DFL if previous is None else previous
        signal.signal(signal.SIGTERM, self._note)
        exits.callback(signal.signal, signal.SIGTERM, self._previous)

    def _note(self, number: int, frame: Any) -> None:
        self.came = True

    def end(self) -> NoReturn:
        """Let whoever listened before know, and end the process; `with` blocks and `atexit` close what is open."""
        if callable(self._previous):
            self._previous(signal.SIGTERM, None)
        raise SystemExit(STATUS)

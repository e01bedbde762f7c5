"""SIGTERM, which rented machines send before they are taken away."""

import signal
import threading
from contextlib import ExitStack
from typing import Any, NoReturn

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

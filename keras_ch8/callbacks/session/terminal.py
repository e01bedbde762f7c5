"""What the suite prints while `fit` runs: a few lines that leave Keras's progress bar whole."""

import textwrap
import time

WIDTH = 79
"""Columns of a line; a terminal has 80."""
FIRST, SECOND, THIRD, LAST = range(4)
"""Places in the summary: what is wrong, why the training was stopped, what else there is to say, and where to look."""
PATIENCE = 5.0
"""Seconds that a line waits for the end of the epoch; after them it is printed below the bar."""


class Terminal:
    """Where all callbacks of a training print.

    Keras draws its bar again and again on one line, and ends that line after the callbacks have seen the end of the
    epoch. What is printed meanwhile would be torn into it. So it waits until the next epoch begins or `fit` ends; in a
    long epoch it comes below the bar, and the bar goes on below it.
    """

    def __init__(self) -> None:
        self.is_quiet = False
        """Whether `fit` was asked to print nothing."""
        self._draws_bars = self._is_drawn = False
        self._waiting: list[str] = []
        self._since = 0.0

    def begin(self, verbose: int | str) -> None:
        """Begin a training with this argument of `fit`."""
        self.is_quiet, self._draws_bars = verbose == 0, verbose in ("auto", 1)

    def say(self, *lines: str) -> None:
        """Print some lines as soon as they do not tear the bar."""
        self._since = self._since if self._waiting else time.monotonic()
        self._waiting += lines
        if not self._is_drawn:
            self._print()

    def batch_ended(self) -> None:
        """Print what has waited for too long; Keras draws the bar of this batch after it."""
        if self._waiting and time.monotonic() - self._since > PATIENCE:
            self._print(below="\n")
        self._is_drawn = self._draws_bars

    def epoch_begins(self) -> None:
        """Print what has waited: the bar of the last epoch is whole."""
        self._is_drawn = False
        self._print()

    def close(self, has_died: bool) -> None:
        """Print what has waited; of a training that has died the last bar may have no end."""
        is_open, self._is_drawn = self._is_drawn and has_died, False
        self._print(below="\n" if is_open else "")

    def _print(self, below: str = "") -> None:
        if self._waiting:
            print(f"{below}{self._waiting[0]}", *self._waiting[1:], sep="\n", flush=True)  # noqa: T201
            self._waiting = []


def fitted(text: str, lines: int) -> list[str]:
    """Return a text in so many lines of a terminal at most, the rest left out."""
    indent = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(
        text.strip(),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        max_lines=lines,
        placeholder=" ...",
        break_on_hyphens=False,
    )

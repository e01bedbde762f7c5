"""Other values into variables and theirs back, bit for bit."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from ...integration import backend


class Held(NamedTuple):
    """What is held while others are in its place.

    Args:
        values: The values.
        ours: Whether what is in the place of each was put in by us, and not set by somebody since.
    """

    values: list[np.ndarray]
    ours: list[bool]


class Swap:
    """Holds the values of variables while others are in their place.

    Args:
        variables: The variables.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        self.variables = list(variables)
        self.held: Sequence[Any] | None = None
        self._left: list[int | None] | None = None
        """What was put in, as prints; None while it is being put in, when all that is there is ours."""

    def put(self, write: Callable[[], None]) -> None:
        """Hold the values and let `write` set others, unless that was done: what was set since then stays."""
        if self.held is not None:
            return
        self.held = [backend.copy(v) for v in self.variables]
        try:
            write()
            self._left = [_print(v) for v in self.variables]
        except BaseException:
            self.back()
            raise

    def hold(self, held: Held) -> None:
        """Hold these values, where others were put in before."""
        self.held = held.values
        self._left = [_print(v) if is_ours else None for v, is_ours in zip(self.variables, held.ours, strict=True)]

    def kept(self) -> Held | None:
        """Return what `hold` goes on from; None where nothing is held."""
        if self.held is None or self._left is None:
            return None
        ours = [left == _print(v) for left, v in zip(self._left, self.variables, strict=True)]
        return Held([np.asarray(value) for value in self.held], ours)

    def back(self) -> None:
        """Put the values back, but where somebody has set others meanwhile: those stay.

        An interruption loses nothing: what is back already is left alone the next time.
        """
        for i, value in enumerate(self.held or ()):
            if self._left is None or self._left[i] == _print(self.variables[i]):
                backend.native(self.variables[i]).assign(value)
        self.held = self._left = None


def _print(variable: keras.Variable) -> int:
    return hash(variable.numpy().tobytes())

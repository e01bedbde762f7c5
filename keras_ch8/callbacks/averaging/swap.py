"""Other values into variables and theirs back, bit for bit."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from ...integration import backend


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

    def hold(self, values: Sequence[Any], ours: Sequence[bool]) -> None:
        """Hold these values, where others were put in before; those that are not `ours` somebody has set since."""
        self.held = list(values)
        self._left = [_print(v) if is_ours else None for v, is_ours in zip(self.variables, ours, strict=True)]

    def state(self) -> dict[str, Any] | None:
        """Return the arguments of `hold` that go on from here; None where nothing is held."""
        if self.held is None or self._left is None:
            return None
        ours = [left == _print(v) for left, v in zip(self._left, self.variables, strict=True)]
        return {"values": [np.asarray(value) for value in self.held], "ours": ours}

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

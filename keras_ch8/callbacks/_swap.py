"""Other values in the place of some variables, and their own back, bit for bit."""

from collections.abc import Callable, Sequence
from typing import Any

from ..integration import backend


class Swap:
    """Holds the values of variables while others are in their place.

    Args:
        variables: The variables.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        self.variables = list(variables)
        self.held: Sequence[Any] | None = None
        self._left: list[int] = []

    def put(self, write: Callable[[], None]) -> None:
        """Hold the values, unless they are held, and let `write` set others."""
        if self.held is None:
            self.held = [backend.copy(v) for v in self.variables]
        try:
            write()
        except BaseException:
            held, self.held = self.held, None
            self.set(held)
            raise
        self._left = self._prints()

    def back(self) -> None:
        """Put the values back, but where somebody has set others meanwhile: those stay."""
        held, self.held = self.held, None
        if held is not None:
            for variable, value, now, left in zip(self.variables, held, self._prints(), self._left, strict=True):
                if now == left:
                    backend.native(variable).assign(value)

    def set(self, values: Sequence[Any]) -> None:
        """Set the variables."""
        for variable, value in zip(self.variables, values, strict=True):
            backend.native(variable).assign(value)

    def values(self) -> Sequence[Any]:
        """Return the values that are held, or those in the variables."""
        return self.held if self.held is not None else [backend.copy(v) for v in self.variables]

    def _prints(self) -> list[int]:
        return [hash(v.numpy().tobytes()) for v in self.variables]

"""Other values in the place of some variables, and their own back, bit for bit."""

from collections.abc import Callable, Mapping, Sequence
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
        self._left: list[int] | None = None
        """What was put in, as prints; None while it is being put in, when all that is there is ours."""

    def put(self, write: Callable[[], None]) -> None:
        """Hold the values, unless they are held, and let `write` set others, but where somebody has set his own."""
        foreign, known = self._foreign(), self._left
        if self.held is None:
            self._left, self.held = None, [backend.copy(v) for v in self.variables]
        self._left = None
        try:
            write()
            left = self._prints()
        except BaseException:
            self.back()
            self._assign(foreign)
            raise
        self._assign(foreign)
        self._left = [known[i] if known is not None and i in foreign else left[i] for i in range(len(left))]

    def back(self) -> None:
        """Put the values back, but where somebody has set others meanwhile: those stay.

        An interruption loses nothing: what is back already is left alone the next time.
        """
        if self.held is not None:
            foreign = self._foreign()
            self._assign({i: value for i, value in enumerate(self.held) if i not in foreign})
            self.held = None

    def widen(self, variables: Sequence[Any]) -> None:
        """Hold the values of these, too."""
        known = {id(v) for v in self.variables}
        more = [v for v in variables if id(v) not in known]
        if self.held is not None:
            self.held = [*self.held, *(backend.copy(v) for v in more)]
            if self._left is not None:
                self._left += [_print(v) for v in more]
        self.variables += more

    def _foreign(self) -> dict[int, Any]:
        """Return the values that somebody else has set since ours were put in, by their place."""
        if self.held is None or self._left is None:
            return {}
        changed = [i for i, (now, left) in enumerate(zip(self._prints(), self._left, strict=True)) if now != left]
        return {i: backend.copy(self.variables[i]) for i in changed}

    def _assign(self, values: Mapping[int, Any]) -> None:
        for i, value in values.items():
            backend.native(self.variables[i]).assign(value)

    def set(self, values: Sequence[Any]) -> None:
        """Set the variables."""
        for variable, value in zip(self.variables, values, strict=True):
            backend.native(variable).assign(value)

    def values(self) -> Sequence[Any]:
        """Return the values that are held, or those in the variables."""
        return self.held if self.held is not None else [backend.copy(v) for v in self.variables]

    def _prints(self) -> list[int]:
        return [_print(v) for v in self.variables]


def _print(variable: Any) -> int:
    return hash(variable.numpy().tobytes())

"""At an even pace."""

import dataclasses
from typing import Any, final

from ._pacing import AbstractPacing
from ._start import checked_start


@final
@dataclasses.dataclass(frozen=True)
class Linear(AbstractPacing):
    """Add as many examples at every step (section 8.7.6).

        c(u) = start + (1 - start) u

    Args:
        start: Share of the examples at the beginning, in (0, 1]. Defaults to `0.2`.

    Raises:
        ValueError: If `start` lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.Linear(start=0.2)
        >>> [round(float(pacing(u)), 6) for u in (0, 0.5, 1)]
        [0.2, 0.6, 1.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Wu, Dyer, Neyshabur (2021), When Do
        Curricula Work?
    """

    section = "8.7.6"

    start: float = 0.2

    def __post_init__(self) -> None:
        checked_start(self.start)

    def __call__(self, u: Any) -> Any:
        """The law."""
        return 1 - (1 - self.start) * (1 - u)  # c(1) is 1 to the bit

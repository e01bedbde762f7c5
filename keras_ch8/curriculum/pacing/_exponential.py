"""Slow first, then faster."""

import dataclasses
from typing import Any, final

from ._pacing import AbstractPacing
from ._start import checked_start


@final
@dataclasses.dataclass(frozen=True)
class Exponential(AbstractPacing):
    """Let the share grow by the same factor at every step (section 8.7.6).

        c(u) = start^(1 - u)

    Args:
        start: Share of the examples at the beginning, in (0, 1]. Defaults to `0.2`.

    Raises:
        ValueError: If `start` lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.Exponential(start=0.25)
        >>> [float(pacing(u)) for u in (0, 0.5, 1)]
        [0.25, 0.5, 1.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Hacohen and Weinshall (2019), On The Power
        of Curriculum Learning in Training Deep Networks.
    """

    section = "8.7.6"

    start: float = 0.2

    def __post_init__(self) -> None:
        checked_start(self.start)

    def __call__(self, u: Any) -> Any:
        """The law."""
        return self.start ** (1.0 - u)

"""All at once."""

import dataclasses
from typing import Any, final

import numpy as np

from ... import _checks
from ._pacing import AbstractPacing
from ._start import checked_start


@final
@dataclasses.dataclass(frozen=True)
class Step(AbstractPacing):
    """Draw from the first examples for some time, then from all (section 8.7.6; Bengio et al. 2009, section 5).

        c(u) = start   if u < at
               1       otherwise

    Args:
        at: Progress at which all examples come, in (0, 1]. Defaults to `1`.
        start: Share of the examples before, in (0, 1]. Defaults to `0.2`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.Step(0.5, start=0.2)
        >>> [float(pacing(u)) for u in (0, 0.49, 0.5, 1)]
        [0.2, 0.2, 1.0, 1.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Bengio et al. (2009), Curriculum Learning.
    """

    section = "8.7.6"

    at: float = 1.0
    start: float = 0.2

    def __post_init__(self) -> None:
        _checks.fraction("at", self.at, meaning="the progress at which all examples come", mend="Try 0.5.")
        checked_start(self.start)

    def __call__(self, u: Any) -> Any:
        """The law."""
        return np.where(np.asarray(u) < self.at, self.start, 1.0)

"""Fast first, then slower."""

import dataclasses
from typing import Any, final

from ... import _checks
from ._pacing import AbstractPacing
from ._start import checked_start


@final
@dataclasses.dataclass(frozen=True)
class Root(AbstractPacing):
    """Add examples the more slowly the more there are (section 8.7.6; Platanios et al. 2019, equation 7).

        c(u) = (start^p + (1 - start^p) u)^(1/p)

    With p = 1 this is `linear`. With p = 2 the pace falls in proportion to 1 / c, as do the draws that an example gets.

    Args:
        p: The root, a number above 0. Defaults to `2`.
        start: Share of the examples at the beginning, in (0, 1]. Defaults to `0.2`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.Root(2, start=0.1)
        >>> [round(float(pacing(u)), 6) for u in (0, 0.5, 1)]
        [0.1, 0.710634, 1.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Platanios et al. (2019), Competence-based
        Curriculum Learning for Neural Machine Translation.
    """

    section = "8.7.6"

    p: float = 2
    start: float = 0.2

    def __post_init__(self) -> None:
        _checks.positive("p", self.p, meaning="the root of the law", mend="Try 2.")
        checked_start(self.start)

    def __call__(self, u: Any) -> Any:
        """The law."""
        return (1 - (1 - self.start**self.p) * (1 - u)) ** (1 / self.p)  # c(1) is 1 to the bit

"""What the laws share that go bucket by bucket."""

import dataclasses
from typing import Any

import numpy as np

from ... import _checks
from ._pacing import AbstractPacing
from ._start import checked_start


@dataclasses.dataclass(frozen=True)
class AbstractStairs(AbstractPacing):
    """Equally long stages, one for each bucket of examples."""

    buckets: int = 5
    start: float | None = None

    def __post_init__(self) -> None:
        _checks.count("buckets", self.buckets, 2, meaning="into how many parts the examples are cut", mend="Try 5.")
        if self.start is not None:
            checked_start(self.start)

    def __call__(self, u: Any) -> Any:
        """The end of the bucket whose stage it is."""
        return self._end_of(self._bucket_at(u))

    def _bucket_at(self, u: Any) -> Any:
        """Return which stage u lies in, from 0; u = 1 belongs to the last."""
        return np.minimum(np.floor(np.asarray(u, "float64") * self.buckets), self.buckets - 1)

    def _end_of(self, bucket: Any) -> Any:
        """Return the share up to the end of a bucket: `start`, by default 1 / buckets, for the first, 1 for the last.

        The other buckets are of equal size.
        """
        first = 1 / self.buckets if self.start is None else self.start
        return np.where(bucket == self.buckets - 1, 1.0, first + (1 - first) * bucket / (self.buckets - 1))

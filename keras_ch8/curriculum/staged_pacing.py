"""Pacings in stages, one for each bucket of examples: with the earlier buckets, or without them."""

import dataclasses
from typing import Annotated, Any, final

import numpy as np

from .._settings import Count
from .pacing import START, Pacing, Progress


@dataclasses.dataclass(frozen=True)
class StagedPacing(Pacing):
    """Equally long stages, one for each bucket of examples."""

    buckets: Annotated[int, Count("into how many parts the examples are cut", "Try 5.", 2)] = 5
    start: Annotated[float, START] | None = None

    def __call__(self, u: Progress) -> Any:
        """Return the end of the bucket whose stage it is."""
        return self._end_of(self._bucket_at(u))

    def _bucket_at(self, u: Progress) -> Any:
        """Return which stage u lies in, from 0; u = 1 belongs to the last."""
        return np.minimum(np.floor(np.asarray(u, "float64") * self.buckets), self.buckets - 1)

    def _end_of(self, bucket: Progress) -> np.ndarray:
        """Return the fraction up to the end of a bucket: `start`, by default 1 / buckets, for the first; at last 1.

        The other buckets are of equal size.
        """
        first = 1 / self.buckets if self.start is None else self.start
        return np.where(bucket == self.buckets - 1, 1.0, first + (1 - first) * bucket / (self.buckets - 1))


@final
@dataclasses.dataclass(frozen=True)
class BabySteps(StagedPacing):
    """Add a bucket of examples at a time, and keep those before it (section 8.7.6; Spitkovsky et al. 2010).

        c(u) = end of bucket floor(u buckets)      the last bucket is there from u = 1 - 1 / buckets on

    Args:
        buckets: Integer of at least 2: the number of buckets, and of equally long stages. Defaults to `5`.
        start: Fraction of the examples in the first bucket, in (0, 1]; the others are of equal size. Defaults to
            `None`: all buckets are of equal size.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.pacings.BabySteps(4)
        >>> [float(pacing(u)) for u in (0, 0.24, 0.25, 0.5, 0.75, 1)]
        [0.25, 0.25, 0.5, 0.75, 1.0, 1.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Spitkovsky, Alshawi, Jurafsky (2010), From
        Baby Steps to Leapfrog.
    """

    section = "8.7.6"
    name = "baby_steps"


@final
@dataclasses.dataclass(frozen=True)
class OnePass(StagedPacing):
    """Draw from one bucket after another, and leave the buckets before it behind (section 8.7.6; Cirik et al. 2016).

        drawn at u = bucket floor(u buckets)       from u = 1 - 1 / buckets on, for good: the last one

    It is no curriculum as Bengio et al. define it: examples lose their weight, and the end is not the distribution of
    the data but that of the last bucket. It is the "naive" strategy of Zaremba and Sutskever, and needs what they
    add to it: with `mix`, some examples of all buckets, at all times.

    Args:
        buckets: Integer of at least 2: the number of buckets, and of equally long stages. Defaults to `5`.
        start: Fraction of the examples in the first bucket, in (0, 1]; the others are of equal size. Defaults to
            `None`: all buckets are of equal size.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.pacings.OnePass(4)
        >>> [(float(pacing.oldest(u)), float(pacing(u))) for u in (0, 0.25, 1)]
        [(0.0, 0.25), (0.25, 0.5), (0.75, 1.0)]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Cirik, Hovy, Morency (2016), Visualizing and
        Understanding Curriculum Learning for LSTMs; Zaremba and Sutskever (2014), Learning to Execute.
    """

    section = "8.7.6"
    name = "one_pass"

    def oldest(self, u: Progress) -> Any:
        """Return the beginning of the bucket."""
        now = self._bucket_at(u)
        return np.where(now == 0, 0.0, self._end_of(now - 1))

"""Bucket after bucket."""

import dataclasses
from typing import final

from ._stairs import AbstractStairs


@final
@dataclasses.dataclass(frozen=True)
class BabySteps(AbstractStairs):
    """Add a bucket of examples at a time, and keep those before it (section 8.7.6; Spitkovsky et al. 2010).

        c(u) = end of bucket floor(u buckets)      the last bucket is there from u = 1 - 1 / buckets on

    Args:
        buckets: Number of buckets, and of equally long stages. Defaults to `5`.
        start: Share of the examples in the first bucket, in (0, 1]; the others are of equal size. Defaults to `None`:
            all are.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.BabySteps(4)
        >>> [float(pacing(u)) for u in (0, 0.24, 0.25, 0.5, 0.75, 1)]
        [0.25, 0.25, 0.5, 0.75, 1.0, 1.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Spitkovsky, Alshawi, Jurafsky (2010), From
        Baby Steps to Leapfrog.
    """

    section = "8.7.6"

"""Bucket after bucket, and none comes back."""

import dataclasses
from typing import Any, final

import numpy as np

from ._stairs import AbstractStairs


@final
@dataclasses.dataclass(frozen=True)
class OnePass(AbstractStairs):
    """Draw from one bucket after another, and leave the buckets before it behind (section 8.7.6; Cirik et al. 2016).

        drawn at u = bucket floor(u buckets)       from u = 1 - 1 / buckets on, for good: the last one

    It is no curriculum as Bengio et al. define it: examples lose their weight, and the end is not the distribution of
    the data but that of the last bucket. It is the "naive" strategy of Zaremba and Sutskever, and wants what they add
    to it: with `mix`, some examples of all buckets, at all times.

    Args:
        buckets: Number of buckets, and of equally long stages. Defaults to `5`.
        start: Share of the examples in the first bucket, in (0, 1]; the others are of equal size. Defaults to `None`:
            all are.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.OnePass(4)
        >>> [(float(pacing.oldest(u)), float(pacing(u))) for u in (0, 0.25, 1)]
        [(0.0, 0.25), (0.25, 0.5), (0.75, 1.0)]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Cirik, Hovy, Morency (2016), Visualizing and
        Understanding Curriculum Learning for LSTMs; Zaremba and Sutskever (2014), Learning to Execute.
    """

    section = "8.7.6"

    def oldest(self, u: Any) -> Any:
        """The beginning of the bucket."""
        now = self._bucket_at(u)
        return np.where(now == 0, 0.0, self._end_of(now - 1))

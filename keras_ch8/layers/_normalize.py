"""Equations 8.35 to 8.37 on one batch, with a backward pass of their own."""

import dataclasses
import math
from typing import Any

from keras import ops

from ..integration import backend


class Features:
    """The axis of the features of a tensor: sums over all others, and numbers of the features beside the tensor.

    Args:
        axis: Place of the axis, from the left.
        rank: Number of axes.
        synchronized: Whether `total` is over the batches of all replicas.
    """

    def __init__(self, axis: int, rank: int, synchronized: bool = False) -> None:
        self.axis, self.synchronized = axis, synchronized
        self.others = [place for place in range(rank) if place != axis]
        self.beside = [1] * axis + [-1] + [1] * (rank - 1 - axis)

    def own(self, x: Any) -> Any:
        """Return the sum of each feature."""
        return ops.sum(x, axis=self.others)

    def total(self, own: Any) -> Any:
        """Return sums of this replica, or of all."""
        return backend.all_reduce_sum([own])[0] if self.synchronized else own

    def spread(self, numbers: Any) -> Any:
        """Return one number for each feature in a shape that goes with the tensor."""
        return numbers if self.beside[-1] == -1 else ops.reshape(numbers, self.beside)

    def affine(self, x: Any, factor: Any, shift: Any) -> Any:
        """Return factor * x + shift, with a factor and a shift for each feature.

        Outside XLA the loops of TensorFlow run along the last axis, and are slow for few features: so the last two axes
        are taken as one.
        """
        width = x.shape[-2] if self.beside[-1] == -1 else None
        if len(x.shape) < 3 or width is None or backend.in_xla():
            return x * self.spread(factor) + self.spread(shift)
        rows = ops.reshape(x, (-1, width * x.shape[-1]))
        return ops.reshape(rows * ops.tile(factor, width) + ops.tile(shift, width), ops.shape(x))

    def entries(self, x: Any) -> Any:
        """Return the number of entries of each feature: an integer, or a tensor if that is not known yet."""
        sizes = [x.shape[place] for place in self.others]
        if None not in sizes and not self.synchronized:
            return math.prod(sizes)
        return self.total(ops.cast(ops.size(x) // x.shape[self.axis], x.dtype))

    def of_all_replicas(self, found: "Moments") -> tuple[Any, Any, Any]:
        """Return mean, variance and what was seen, as they are to be stored.

        Replicas apart store the mean of theirs, which the variables take. One without an entry is no part of it.
        """
        seen = found.seen
        if seen is None or self.synchronized or not backend.replicated():
            return found.mean, found.variance, seen
        parts = [ops.cast(seen, found.mean.dtype), *(ops.where(seen, v, 0) for v in (found.mean, found.variance))]
        count, mean, variance = backend.all_reduce_sum(parts)
        share = 1 / ops.maximum(count, 1)
        return mean * share, variance * share, count > 0


@dataclasses.dataclass
class Moments:
    """Mean and variance of each feature over a batch.

    Args:
        mean: One number for each feature.
        variance: The mean square of what is left without the mean.
        share: 1 / (entries of each feature that count).
        counts: Which entries count; `None` for all.
        seen: Which features have an entry that counts; `None` for all.
    """

    mean: Any
    variance: Any
    share: Any
    counts: Any = None
    seen: Any = None


def moments(x: Any, mask: Any, features: Features) -> Moments:
    """Return mu and sigma^2 - delta (equation 8.36), in two passes: a large mean leaves nothing to cancel."""
    own, total, spread = features.own, features.total, features.spread
    if mask is None:
        number = features.entries(x)
        share = 1 / (max(number, 1) if isinstance(number, int) else ops.maximum(number, 1))
        mean = total(own(x)) * share
        # A strategy gives some replicas nothing of a last batch that is small.
        seen = number > 0 if backend.replicated() and not isinstance(number, int) else None
        return Moments(mean, total(own(ops.square(x - spread(mean)))) * share, share, seen=seen)
    counts = ops.broadcast_to(ops.cast(mask, "bool")[..., None], ops.shape(x))
    number = total(own(ops.cast(counts, x.dtype)))
    share = 1 / ops.maximum(number, 1)
    mean = total(own(ops.where(counts, x, 0))) * share
    squares = ops.square(ops.where(counts, x - spread(mean), 0))
    return Moments(mean, total(own(squares)) * share, share, counts, number > 0)


def normalize(x: Any, gamma: Any, beta: Any, found: Moments, features: Features, delta: float) -> Any:
    """Return gamma * (x - mu) / sigma + beta, where mu and sigma come from x itself (equations 8.35 to 8.37).

    With d = x - mu and sums over the n entries of a feature, the gradient is

        dJ/dbeta <- sum(dJ/dy)        dJ/dgamma <- sum(d * dJ/dy) / sigma
        dJ/dx    <- gamma / sigma * (dJ/dy - sum(dJ/dy) / n - d * sum(d * dJ/dy) / (n sigma^2))

    which takes two sums over the batch, where autodiff takes four. Its terms are plain functions of x, so derivatives
    of every order are exact.
    """
    own, total, spread = features.own, features.total, features.spread

    @backend.with_backward
    def normalized(x: Any, gamma: Any, beta: Any, mean: Any, inverse: Any) -> tuple[Any, Any]:
        d = x - spread(mean)

        def backward(slope: Any) -> tuple[Any, ...]:
            sums, products = own(slope), own(d * slope)
            shift, stretch = total(sums) * found.share, total(products) * found.share * ops.square(inverse)
            of_moments = d * spread(stretch) + spread(shift)
            if found.counts is not None:
                of_moments = ops.where(found.counts, of_moments, 0)
            return (slope - of_moments) * spread(gamma * inverse), products * inverse, sums, None, None

        return d * spread(gamma * inverse) + spread(beta), backward

    return normalized(x, gamma, beta, found.mean, ops.rsqrt(found.variance + delta))

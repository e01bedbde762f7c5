"""Equations 8.35 to 8.37 on one batch, with a backward pass of their own."""

import dataclasses
import math

from keras import ops

from .._types import Tensor
from ..integration import backend


class Features:
    """The axis of the features of a tensor: sums over all other axes, and one number for each feature broadcast to it.

    Args:
        axis: Place of the axis, from the left.
        rank: Number of axes.
        synchronized: Whether `total` is over the batches of all replicas.
    """

    def __init__(self, axis: int, rank: int, synchronized: bool) -> None:
        self.axis, self.synchronized = axis, synchronized
        self.others = [place for place in range(rank) if place != axis]
        self.broadcast_shape = [1] * axis + [-1] + [1] * (rank - 1 - axis)

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum of each feature on this replica."""
        return ops.sum(x, axis=self.others)

    def total(self, sums: Tensor) -> Tensor:
        """Return the sums over all replicas if they are synchronized, otherwise those of this one."""
        return backend.all_reduce_sum([sums])[0] if self.synchronized else sums

    def broadcast(self, numbers: Tensor) -> Tensor:
        """Return one number for each feature in a shape that broadcasts to the tensor."""
        return numbers if self.broadcast_shape[-1] == -1 else ops.reshape(numbers, self.broadcast_shape)

    def affine(self, x: Tensor, factor: Tensor, shift: Tensor) -> Tensor:
        """Return factor * x + shift, with a factor and a shift for each feature.

        Outside XLA the loops of TensorFlow run along the last axis, and are slow for few features: so the last two axes
        are joined to one.
        """
        width = x.shape[-2] if self.broadcast_shape[-1] == -1 else None
        if len(x.shape) < 3 or width is None or backend.in_xla():
            return x * self.broadcast(factor) + self.broadcast(shift)
        rows = ops.reshape(x, (-1, width * x.shape[-1]))
        return ops.reshape(rows * ops.tile(factor, width) + ops.tile(shift, width), ops.shape(x))

    def entries(self, x: Tensor) -> int | Tensor:
        """Return the number of entries of each feature: an integer, or a tensor if that is not known yet."""
        sizes = [x.shape[place] for place in self.others]
        if None not in sizes and not self.synchronized:
            return math.prod(sizes)
        return self.total(ops.cast(ops.size(x) // x.shape[self.axis], x.dtype))


@dataclasses.dataclass
class Moments:
    """Mean and variance of each feature over a batch.

    Args:
        features: The axis of the features.
        mean: One number for each feature.
        variance: The mean square of the deviations from it.
        per_entry: 1 / (entries of each feature that count).
        counts: Which entries count; `None` for all.
        observed: Which features have an entry that counts; `None` for all.
    """

    features: Features
    mean: Tensor
    variance: Tensor
    per_entry: Tensor
    counts: Tensor = None
    observed: Tensor = None

    def of_all_replicas(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean, variance and which features were observed, as they are to be stored.

        Replicas that are not synchronized store the mean over the replicas, as the variables aggregate it. One without
        an entry does not count.
        """
        observed = self.observed
        if observed is None or self.features.synchronized or not backend.replicated():
            return self.mean, self.variance, observed
        parts = [ops.cast(observed, self.mean.dtype), *(ops.where(observed, v, 0) for v in (self.mean, self.variance))]
        count, mean, variance = backend.all_reduce_sum(parts)
        per_replica = 1 / ops.maximum(count, 1)
        return mean * per_replica, variance * per_replica, count > 0


def moments(x: Tensor, mask: Tensor | None, features: Features) -> Moments:
    """Return mu and sigma^2 - delta (equation 8.36), in two passes: with a large mean nothing cancels."""
    local, total, broadcast = features.sum, features.total, features.broadcast
    if mask is None:
        number = features.entries(x)
        per_entry = 1 / (max(number, 1) if isinstance(number, int) else ops.maximum(number, 1))
        mean = total(local(x)) * per_entry
        # A strategy may leave some replicas without examples in a last batch that is small.
        observed = number > 0 if backend.replicated() and not isinstance(number, int) else None
        variance = total(local(ops.square(x - broadcast(mean)))) * per_entry
        return Moments(features, mean, variance, per_entry, observed=observed)
    counts = ops.broadcast_to(ops.cast(mask, "bool")[..., None], ops.shape(x))
    number = total(local(ops.cast(counts, x.dtype)))
    per_entry = 1 / ops.maximum(number, 1)
    mean = total(local(ops.where(counts, x, 0))) * per_entry
    squares = ops.square(ops.where(counts, x - broadcast(mean), 0))
    return Moments(features, mean, total(local(squares)) * per_entry, per_entry, counts, number > 0)


def normalize(x: Tensor, gamma: Tensor, beta: Tensor, of_x: Moments, delta: float) -> Tensor:
    """Return gamma * (x - mu) / sigma + beta, where mu and sigma come from x itself (equations 8.35 to 8.37).

    With d = x - mu and sums over the n entries of a feature, the gradient is

        dJ/dbeta <- sum(dJ/dy)        dJ/dgamma <- sum(d * dJ/dy) / sigma
        dJ/dx    <- gamma / sigma * (dJ/dy - sum(dJ/dy) / n - d * sum(d * dJ/dy) / (n sigma^2))

    which needs two sums over the batch, where autodiff needs four. Its terms are plain functions of x, so derivatives
    of every order are exact.
    """
    local, total, broadcast = of_x.features.sum, of_x.features.total, of_x.features.broadcast

    @backend.with_backward
    def normalized(x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, inverse: Tensor) -> tuple[Tensor, Tensor]:
        d = x - broadcast(mean)

        def backward(slope: Tensor) -> tuple[Tensor, ...]:
            sums, products = local(slope), local(d * slope)
            shift, stretch = total(sums) * of_x.per_entry, total(products) * of_x.per_entry * ops.square(inverse)
            of_moments = d * broadcast(stretch) + broadcast(shift)
            if of_x.counts is not None:
                of_moments = ops.where(of_x.counts, of_moments, 0)
            return (slope - of_moments) * broadcast(gamma * inverse), products * inverse, sums, None, None

        return d * broadcast(gamma * inverse) + broadcast(beta), backward

    return normalized(x, gamma, beta, of_x.mean, ops.rsqrt(of_x.variance + delta))

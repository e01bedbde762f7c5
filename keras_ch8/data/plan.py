"""What an epoch is made of: which example stands where."""

import dataclasses
from typing import Any, NamedTuple, Protocol, final

import numpy as np

from .._describe import short

LAST_BATCHES = ("keep", "drop", "pad", "wrap")


class Plan(NamedTuple):
    """One epoch, decided when it starts: which examples make up each of its batches (section 8.1.3).

        the examples of batch k <- indices[k]

    indices                              (steps, batch_size), int64             row k: the examples of batch k
    weights                              (steps, batch_size), float32           each example's factor in the loss

    Args:
        indices: The numbers of the examples, from 0; -1 marks a place without an example, at the end of a batch. It is
            left out if the source has a smaller last batch, otherwise padded (see `last_batch` of `ArraySource`).
        weights: Numbers of at least 0 that are multiplied into the sample weights, in padded rows by 0. Defaults to
            `None`: all are 1.

    Example:
        >>> plan = keras_ch8.extend.Plan(np.array([[2, 0], [1, -1]]))
        >>> plan.indices.shape, plan.weights
        ((2, 2), None)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.3.
    """

    indices: np.ndarray
    weights: np.ndarray | None = None


class Sampler(Protocol):
    """Who decides the epochs of a source (section 8.1.3).

    A plan is a pure function of the epoch's number and of the sampler's own settings: asked twice, the same. All plans
    have as many batches as the source (`steps`), of its batch size, since Keras fixes the length of an epoch when `fit`
    starts. The plans of all epochs of a `fit` have weights, or none has.

    Example:
        >>> class Backwards:
        ...     def plan(self, epoch):
        ...         return keras_ch8.extend.Plan(np.arange(4)[::-1].reshape(2, 2))
        >>> source = keras_ch8.data.ArraySource(np.arange(4.0), batch_size=2)
        >>> source.sampler = Backwards()
        >>> source.sampler.plan(0).indices.tolist()
        [[3, 2], [1, 0]]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.3.
    """

    def plan(self, epoch: int) -> Plan:
        """Return the plan of an epoch, counted from 0."""
        ...


@final
@dataclasses.dataclass(frozen=True)
class EveryExample:
    """Every example once an epoch, in a fresh order each epoch if `shuffle`; see `ArraySource`."""

    count: int
    batch_size: int
    seed: int
    shuffle: bool
    last_batch: str

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        full, rest = divmod(self.count, self.batch_size)
        return full + bool(rest and self.last_batch != "drop")

    @property
    def has_smaller_batch(self) -> bool:
        """Whether the last batch is smaller than the others."""
        return self.last_batch == "keep" and self.count % self.batch_size > 0

    def plan(self, epoch: int) -> Plan:
        """Return the plan of an epoch."""
        order = np.arange(self.count)
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(self.count)
        size = self.steps * self.batch_size
        if self.last_batch == "wrap":
            order = np.resize(order, size)
        elif self.last_batch in ("keep", "pad"):
            order = np.pad(order, (0, size - self.count), constant_values=-1)
        return Plan(order[:size].reshape(self.steps, self.batch_size))


def checked(plan: Any, shape: tuple[int, int], count: int, sampler: Any) -> Plan:
    """Return the plan of a sampler; raise ValueError if the source cannot follow it."""
    try:
        indices, weights = np.asarray(plan[0]), None if plan[1] is None else np.asarray(plan[1])
    except (TypeError, IndexError, KeyError) as error:
        raise _unfit(sampler, short(plan), "`plan(epoch)` returns a `keras_ch8.extend.Plan`") from error
    if indices.shape != shape or indices.dtype.kind not in "iu":
        expected = f"`indices` are integers of shape {shape}, as many batches as the source has"
        raise _unfit(sampler, f"{indices.dtype}{list(indices.shape)}", expected)
    if indices.min() < -1 or indices.max() >= count:
        expected = f"`indices` are numbers of examples, from 0 to {count - 1}, or -1 for a place without one"
        raise _unfit(sampler, f"some from {indices.min()} to {indices.max()}", expected)
    if (indices[:, 0] < 0).any():
        batch = int(np.argmax(indices[:, 0] < 0))
        raise _unfit(
            sampler, f"a first row of -1 in batch {batch}", "places without an example stand at the end of a batch"
        )
    if weights is not None and (weights.shape != shape or not np.isfinite(weights).all() or weights.min() < 0):
        received = f"{weights.dtype}{list(weights.shape)} from {weights.min():g} to {weights.max():g}"
        raise _unfit(sampler, received, f"`weights` are finite numbers of at least 0, of shape {shape}")
    return Plan(indices, weights)


def is_weighted(plan: Plan, padded: bool) -> bool:
    """Whether the examples of a plan count differently in the loss: those that pad a batch do."""
    return plan.weights is not None or (padded and bool((plan.indices < 0).any()))


def tables(plan: Plan, weighted: bool, padded: bool) -> list[np.ndarray]:
    """Return the examples of each batch, and their weights if asked for; -1 where a place is left out.

    A padded row is a copy of the first example of its batch: something that the model can compute, whatever it is.
    Keras divides the loss by the batch size, hence the factor of the others.
    """
    real = plan.indices >= 0
    indices = np.where(real, plan.indices, plan.indices[:, :1] if padded else -1).astype(np.int64)
    if not weighted:
        return [indices]
    factors = real * (real.shape[1] / real.sum(axis=1, keepdims=True)) if padded else real
    return [indices, (factors if plan.weights is None else factors * plan.weights).astype(np.float32)]


def _unfit(sampler: Any, received: str, expected: str) -> ValueError:
    return ValueError(
        f"A plan of the sampler {short(sampler)} does not fit its source: {expected}. Received: {received}. "
        "A sampler's plans are a function of the epoch only, all of one size."
    )

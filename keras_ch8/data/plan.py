"""What an epoch is made of: which example stands where."""

import dataclasses
from typing import Any, Protocol, final

import numpy as np

from .._describe import short

LAST_BATCHES = ("keep", "drop", "wrap")


class Sampler(Protocol):
    """Who decides the epochs of a source (section 8.1.3).

        the examples of batch k <- plan(epoch)[k]      integers of shape (steps, batch_size)

    A plan is a pure function of the epoch's number and of the sampler's own settings: asked twice, the same. All plans
    have as many batches as the source (`steps`), of its batch size, since Keras fixes the length of an epoch when `fit`
    starts. Where the source has a smaller last batch, -1 at the end of a batch marks a place without an example.

    Example:
        >>> class Backwards:
        ...     def plan(self, epoch):
        ...         return np.arange(4)[::-1].reshape(2, 2)
        >>> source = keras_ch8.data.ArraySource(np.arange(4.0), batch_size=2)
        >>> source.sampler = Backwards()
        >>> [x.tolist() for x, _, _ in source.batches(0)]
        [[3.0, 2.0], [1.0, 0.0]]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.3.
    """

    def plan(self, epoch: int) -> np.ndarray:
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

    def plan(self, epoch: int) -> np.ndarray:
        """Return the plan of an epoch."""
        order = np.arange(self.count)
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(self.count)
        size = self.steps * self.batch_size
        if self.last_batch == "wrap":
            order = np.resize(order, size)
        elif self.last_batch == "keep":
            order = np.pad(order, (0, size - self.count), constant_values=-1)
        return order[:size].reshape(self.steps, self.batch_size)


def checked(plan: Any, source: Any) -> np.ndarray:
    """Return the plan of a source's sampler; raise ValueError if the source cannot follow it."""
    indices, shape, sampler = np.asarray(plan), (source.steps, source.batch_size), source.sampler
    if indices.shape != shape or indices.dtype.kind not in "iu":
        expected = f"`plan(epoch)` returns integers of shape {shape}, as many batches as the source has"
        raise _unfit(sampler, f"{indices.dtype}{list(indices.shape)}", expected)
    least = -1 if source.has_smaller_batch else 0
    if indices.min() < least or indices.max() >= source.count:
        expected = f"it has numbers of examples, from 0 to {source.count - 1}"
        expected += ", or -1 for a place without one" if least else ""
        raise _unfit(sampler, f"some from {indices.min()} to {indices.max()}", expected)
    if (indices[:, 0] < 0).any():
        batch = int(np.argmax(indices[:, 0] < 0))
        raise _unfit(
            sampler, f"a first row of -1 in batch {batch}", "places without an example stand at the end of a batch"
        )
    return indices.astype(np.int64)


def _unfit(sampler: Any, received: str, expected: str) -> ValueError:
    return ValueError(
        f"A plan of the sampler {short(sampler)} does not fit its source: {expected}. Received: {received}. "
        "A sampler's plans are a function of the epoch only, all of one size."
    )

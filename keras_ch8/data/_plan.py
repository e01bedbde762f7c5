"""What an epoch is made of: which example stands where."""

from typing import NamedTuple, Protocol

import numpy as np


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
        >>> plan = keras_ch8.data.Plan(np.array([[2, 0], [1, -1]]))
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
    starts. Plans without weights may turn into such with weights within a `fit` only if `source.weighted` says so.

    Example:
        >>> class Backwards:
        ...     def plan(self, epoch):
        ...         return keras_ch8.data.Plan(np.arange(4)[::-1].reshape(2, 2))
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

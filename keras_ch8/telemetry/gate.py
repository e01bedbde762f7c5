"""Which steps are let through: a judgement of loss and gradient inside the step, before anything is written.

What it knows stands in a few numbers beside the optimizer, which are no part of its `variables`. The judgement is a
pure function, so that it is tested on lists of numbers.
"""

import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from .. import _numerics
from .._types import Data, Tensor
from ..integration import backend
from . import ring
from .recorder import publish

KEPT = 64
"""Steps that were left out of which loss, norm and number are remembered, a power of two."""
WARM_UP = 20
"""Steps that are only looked at before the first one can be called a spike."""
RHO = 0.98
"""The fraction of mean and variance that each step keeps."""
UNUSUAL = 3.0
"""Times the largest value so far that a spike has to exceed: near the end a small loss varies much, and so does that of
a last batch of few examples."""


class LeftOut(NamedTuple):
    """A step that was left out.

    Args:
        number: Its number, counted from 1, over all steps that the optimizer was asked for.
        loss: The loss of its batch.
        norm: The norm of the whole gradient, infinite where its square leaves float32.
        is_spike: Whether both were finite, and too large.
    """

    number: int
    loss: float
    norm: float
    is_spike: bool


def judged(values: Tensor, statistics: Tensor, count: Tensor, threshold: float | None) -> tuple[Tensor, Tensor, Tensor]:
    """Judge the loss and the norm of a step by those of the steps before.

        a spike <- any value > mean + threshold * deviation, and > 3 times the largest so far

    Args:
        values: Loss and norm.
        statistics: Rows: the running mean of both, their running deviation, and the largest so far.
        count: Steps that went into these.
        threshold: Deviations; None for no spikes.

    Returns:
        Whether both are finite, whether one is a spike, and the statistics with this step in them.
    """
    mean, deviation, largest = statistics[0], statistics[1], statistics[2]
    off, warm = values - mean, count >= WARM_UP
    is_finite = ops.all(ops.isfinite(values))
    is_spike = ops.zeros((), "bool")
    if threshold is not None:
        usual = largest + (UNUSUAL - 1) * ops.abs(largest)  # of a loss below 0 it is above it too
        is_spike = is_finite & warm & ops.any((off > threshold * deviation) & (values > usual))
    share = ops.maximum(1 - RHO, 1 / (ops.cast(count, "float32") + 1))
    new_mean = mean + share * off
    new_deviation = ops.sqrt((1 - share) * (ops.square(deviation) + share * ops.square(off)))
    new_largest = ops.where(count > 0, ops.maximum(largest, values), values)
    return is_finite, is_spike, ops.stack([new_mean, new_deviation, new_largest])


class Gate:
    """Lets a step of an optimizer through, or not, for the length of a training.

    Args:
        threshold: How many deviations above the mean of the steps before make a spike; None for no spikes.
        nonfinite: Whether a step that is not finite is a fault to be counted; it is left out in any case.
    """

    def __init__(self, threshold: float | None, nonfinite: bool = True) -> None:
        self.settings = threshold, nonfinite
        self.statistics = backend.numbers(np.zeros((3, 2)), "float32")
        self.tally = backend.numbers(np.zeros(3), "int64")
        """Steps let through, faults, and how many of these came last, one after the other."""
        self._left_out = backend.ring(KEPT, 4)
        self._program = backend.compile_xla(self._judge_and_write)
        self.calls = False
        """Whether the step hands over the batches that it leaves out: XLA and replicas cannot call Python."""
        self.caught: list[tuple[int, Any]] = []
        """Batches that were handed over, each with the number of its step."""

    def reset(self) -> None:
        """Forget everything."""
        self.statistics.assign(np.zeros((3, 2)))
        self.tally.assign(np.zeros(3))
        self.caught.clear()

    def lets_through(self, number: Tensor, loss: Tensor | None, half: Tensor, active: Tensor | None) -> Tensor:
        """Return whether the step may be made, and remember it where it counts.

        Args:
            number: The number of the update, counted from 1.
            loss: The loss; None where the step does not tell it.
            half: Half the sum of squares of the gradient.
            active: Whether the step counts; None: it does.
        """
        loss = ops.zeros((), "float32") if loss is None else ops.cast(loss, "float32")
        numbers = ops.cast(number, "float32"), loss, ops.cast(half, "float32"), active
        if not backend.replicated():
            with backend.on(backend.device_of(self.tally)):
                return self._program(*numbers, self.statistics, self.tally, self._left_out)
        good, statistics, tally, row = self._judge(*numbers, self.statistics, self.tally)
        backend.merge_replicas(partial(publish, self._left_out), backend.as_tensor(self.tally)[1], row)
        backend.write([self.statistics, self.tally], [statistics, tally])
        return good

    def _judge(
        self, number: Tensor, loss: Tensor, half: Tensor, active: Tensor | None, statistics: Any, tally: Any
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return whether a step may be made, the new statistics and tally, and the row of the step."""
        threshold, nonfinite = self.settings
        norm = ops.sqrt(2 * half)
        tally, statistics = backend.as_tensor(tally), backend.as_tensor(statistics)
        is_finite, is_spike, new = judged(ops.stack([loss, norm]), statistics, tally[0], threshold)
        good = is_finite & ~is_spike
        passed, fault = ops.cast(good, "int64"), ops.cast(is_spike | (~is_finite & nonfinite), "int64")
        after = ops.stack([tally[0] + passed, tally[1] + fault, (tally[2] + 1) * fault])
        kept = ops.where(good, new, statistics)
        row = backend.floats(number, loss, norm, is_spike)
        return good, _numerics.choose(active, kept, statistics), _numerics.choose(active, after, tally), row

    def _judge_and_write(
        self, number: Tensor, loss: Tensor, half: Tensor, active: Tensor | None, statistics: Any, tally: Any, ring: Any
    ) -> Tensor:
        """Do all of it in one program: a dozen small operations by themselves would cost ten times as much."""
        good, new_statistics, new_tally, row = self._judge(number, loss, half, active, statistics, tally)
        backend.write_row(ring, backend.as_tensor(tally)[1], row)
        statistics.assign(new_statistics)
        tally.assign(new_tally)
        return good

    def hand_over(self, left_out: Tensor, number: Tensor, data: Data) -> None:
        """Keep the batch of a step that was left out, where the step can call Python."""
        self.calls = backend.hand_over_when(left_out, _unless_gone(self._catch), number, data)

    def _catch(self, number: int, data: Any) -> None:
        if len(self.caught) < KEPT:
            self.caught.append((number, data))

    def read(self, first: int, last: int) -> list[LeftOut]:
        """Return the steps that were left out as number `first` to `last` of these, counted from 0."""
        rows = ring.read(self._left_out, ring.remembered(first, last, KEPT))
        return [LeftOut(round(float(n)), float(loss), float(norm), bool(spike)) for n, loss, norm, spike in rows]

    def begin_anew(self) -> None:
        """Count the steps that were left out in succession from here."""
        self.tally.assign(self.tally * np.array([1, 1, 0]))

    def state(self) -> dict[str, np.ndarray]:
        """Return the numbers, to go on from them."""
        return {"statistics": self.statistics.numpy(), "tally": self.tally.numpy()}

    def set_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from `state`."""
        self.statistics.assign(state["statistics"])
        self.tally.assign(state["tally"])


def _unless_gone(method: Callable[..., None]) -> Callable[..., None]:
    """Return a function that calls a method without keeping its object: TensorFlow keeps the function with a graph."""
    weak = weakref.WeakMethod(method)

    def call(*args: Any) -> None:
        alive = weak()
        if alive is not None:
            alive(*args)

    return call

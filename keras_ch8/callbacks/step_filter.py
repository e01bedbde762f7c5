"""Which steps are let through, by a judgement of loss and gradient inside the step, and the last good state.

What it knows stands in a few numbers beside the optimizer, which are no part of its `variables`. The judgement is a
pure function, so that it is tested on lists of numbers.
"""

import dataclasses
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from .._types import Tensor
from ..integration import backend, keras_private
from ..telemetry.recorder import remembered
from ._learning_rate_decay import rate_or_factor

KEPT = 64
"""Steps that were left out of which loss, norm and number are remembered, a power of two."""
TOP = 4
"""Rows of the table above these."""
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
        number: Its number, counted from 1, over all batches that the optimizer was given a gradient of.
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


class Known(NamedTuple):
    """What a step filter knows.

    Args:
        passed: Steps that it has let through, without those that were undone.
        faults: Faults.
        in_a_row: How many of these came last, one after the other.
        statistics: As in `judged`.
    """

    passed: int
    faults: int
    in_a_row: int
    statistics: np.ndarray


def _judged(threshold: float | None, table: Any, number: Tensor, loss: Tensor, half: Tensor) -> tuple[Tensor, Tensor]:
    """Judge a step by the table of a `StepFilter`; return whether it is let through, and the new table."""
    norm, old = ops.sqrt(2 * ops.cast(half, "float32")), backend.as_tensor(table)
    statistics, tally = ops.cast(old[:3, :2], "float32"), old[3]
    is_finite, is_spike, new = judged(ops.stack([loss, norm]), statistics, tally[0], threshold)
    good = is_finite & ~is_spike
    passed, fault = ops.cast(good, "float64"), ops.cast(~good, "float64")
    after = ops.stack([tally[0] + passed, tally[1] + fault, (tally[2] + 1) * fault, tally[3]])
    kept = ops.pad(ops.cast(ops.where(good, new, statistics), "float64"), [(0, 0), (0, 2)])
    row = ops.stack([ops.cast(x, "float64") for x in (number, loss, norm, is_spike)])
    here = np.arange(KEPT)[:, None] == ops.cast(tally[1], "int64") % KEPT
    return good, ops.concatenate([kept, after[None], ops.where(here, row, old[TOP:])])


def _judge_and_remember(threshold: float | None, table: Any, *step: Tensor) -> Tensor:
    good, new = _judged(threshold, table, *step)
    table.assign(new)
    return good


class StepFilter:
    """Lets a step of an optimizer through, or not, for the length of a training.

    All that it knows is one table of numbers, since each variable more costs the program that writes it: the three rows
    of statistics, the tally, and the last steps that were left out.

    Args:
        threshold: How many deviations above the mean of the steps before make a spike; None for no spikes.
    """

    def __init__(self, threshold: float | None) -> None:
        self.threshold = threshold
        self.table = backend.scalar(np.zeros((TOP + KEPT, 4)), "float64")
        self._program = backend.compile_xla(_judge_and_remember)  # operations by themselves cost ten times more

    def reset(self) -> None:
        """Forget everything."""
        self.table.assign(np.zeros((TOP + KEPT, 4)))

    def judge(self, number: Tensor, loss: Tensor | None, half: Tensor) -> Tensor:
        """Judge a step inside it, and remember that; return whether it is let through.

        Args:
            number: The number of the step, counted from 1.
            loss: Its loss; None where that is not known.
            half: Half the sum of squares of the gradient.
        """
        step = number, ops.zeros((), "float32") if loss is None else loss, half
        if not backend.replicated():
            with backend.on(backend.device_of(self.table)):
                return self._program(self.threshold, self.table, *step)
        good, table = _judged(self.threshold, self.table, *step)
        backend.write([self.table], [table])
        return good

    def knows(self) -> Known:
        """Return what it knows."""
        table = self.table.numpy()
        passed, faults, in_a_row = (int(n) for n in table[3, :3])
        return Known(passed, faults, in_a_row, table[:3, :2])

    def read(self, first: int, last: int) -> list[LeftOut]:
        """Return the steps that were left out as number `first` to `last` of these, counted from 0."""
        rows = self.table.numpy()[TOP:][remembered(first, last, KEPT) % KEPT]
        return [LeftOut(round(number), loss, norm, bool(spike)) for number, loss, norm, spike in rows.tolist()]

    def go_back(self, passed: int, statistics: np.ndarray) -> None:
        """Know of the steps that are kept what it knew then, and count those that are left out in succession anew."""
        table = self.table.numpy()
        table[:3, :2], table[3, 0], table[3, 2] = statistics, passed, 0
        self.table.assign(table)


# --- the last good state of a model and its optimizer, kept in memory, and the way back to it ------------------------


SURVIVED = 16
"""Batches that a state must have led through before it counts as good: damage shows a step or two after it is done."""


@dataclasses.dataclass(frozen=True)
class Kept:
    """What was kept at a batch.

    Args:
        step: Batches that the model had been trained on.
        updates: Updates that the optimizer had made, without those that were undone.
        passed: Steps that the step filter had let through.
        rate: The learning rate, or the factor of its schedule.
        statistics: What the step filter knew of the steps before.
        values: The values of what `KeptStates` keeps, in order.
    """

    step: int
    updates: int
    passed: int
    rate: float
    statistics: np.ndarray
    values: list[Any]


class KeptStates:
    """Keeps weights, statistics of layers and the state of the optimizer; counters and the rate go on.

    Args:
        model: The model.
        optimizer: Its optimizer, of the suite.
        step_filter: What lets its steps through.
    """

    def __init__(self, model: keras.Model, optimizer: Any, step_filter: StepFilter) -> None:
        self._optimizer, self._step_filter = optimizer, step_filter
        seeds = {id(seed) for seed in keras_private.seeds_of(model)}
        of_model = [v for v in (*model.trainable_variables, *model.non_trainable_variables) if id(v) not in seeds]
        sums = optimizer.accumulators if optimizer.gradient_accumulation_steps else ()
        self._sums = [v for v in sums if v is not None]
        counters = (optimizer.micro_steps, optimizer.skipped, keras_private.rate_of(optimizer), *self._sums)
        apart = {id(v) for v in counters}
        of_optimizer = [v for v in optimizer.variables if id(v) not in apart]
        self._variables = [*of_model, *of_optimizer]
        self._copy = backend.trace(lambda: [backend.copy(v) for v in self._variables])
        self.good: Kept | None = None
        """The last state that is known to be good."""
        self.newest: Kept | None = None
        """A state that is to be known as good after some more batches; None for none."""

    @property
    def _updates(self) -> int:
        return keras_private.iterations_of(self._optimizer) - int(self._optimizer.skipped_steps)

    def keep(self, step: int) -> None:
        """Keep the state as it is; the first one counts as good."""
        knows = self._step_filter.knows()
        rate, values = rate_or_factor(self._optimizer), list(self._copy())
        self.newest = Kept(step, self._updates, knows.passed, rate, knows.statistics, values)
        if self.good is None:
            self.trust()

    def trust(self) -> None:
        """Let the newest state be the good one."""
        self.good, self.newest = self.newest, None

    def go_back(self) -> Kept:
        """Put the good state back; what had begun to be summed is dropped, and the updates since are left out."""
        good: Any = self.good
        for variable, value in zip(self._variables, good.values, strict=True):
            backend.native(variable).assign(value)
        for total in self._sums:
            total.assign(keras.ops.zeros_like(total))
        self._optimizer.skipped.assign(self._optimizer.skipped + self._updates - good.updates)
        self._step_filter.go_back(good.passed, good.statistics)
        self.newest = None
        return good

"""The last good state of a model and its optimizer, kept in memory, and the way back to it."""

import dataclasses
from typing import Any

import keras
import numpy as np

from ...integration import backend, keras_private
from .._learning_rate_decay import rate_or_factor
from .step_filter import StepFilter

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

"""The usual epoch: every example once."""

import dataclasses
from typing import final

import numpy as np

from ._plan import Plan

LAST_BATCHES = ("keep", "drop", "pad", "wrap")


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

    def with_seed(self, seed: int) -> "EveryExample":
        """Return the same with other orders."""
        return dataclasses.replace(self, seed=seed)

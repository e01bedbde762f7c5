"""The rings of one optimizer: made at the first step that is observed, filled by the step, read by Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from .. import _net, _numerics
from .._types import Tensor
from ..clipping.rule import Clipped
from ..integration import backend
from .frame import Frame

HEAD = (
    "step",
    "learning_rate",
    "loss",
    "norm_before",  # before a rule that clips tensor by tensor; -1 without one
    "nonfinite_before",
    "factor",  # by which a rule for the whole gradient multiplied it
    "half_squares",  # half the sum of squares of the gradient, before the factor
)
"""What every row has."""

TAIL = ("norm", "nonfinite", "update")
"""What only a row that is due has: norm and number of infinite or NaN entries of the gradient, before the factor, and
the norm of delta theta. The effective rates of a sample are behind it, then the groups of weights, if there are any."""

SAMPLE = 256
"""Parameters of the whole model whose effective rate is measured."""


def not_measured(groups: int) -> Any:
    """Return the tail of a row that is not due, of an optimizer with so many groups of weights."""
    return ops.full((len(TAIL) + SAMPLE + groups,), float("nan"), "float32")


def measured(gradient: Sequence[Any], moved: Sequence[Any], half: Tensor, of_groups: Sequence[Tensor]) -> Any:
    """Return the tail of a row that is due, with |delta theta / g| of a sample of the parameters, NaN where g is 0.

    Args:
        gradient: The gradient before the factor, in pieces.
        moved: The change of the variables that have one, in pieces like it.
        half: Half the plain sum of squares of the gradient.
        of_groups: Norm of the update over that of the weights, of each group.
    """
    step, slope = (_numerics.entries(vectors, SAMPLE) for vectors in (moved, gradient))
    some = slope != 0
    rates = ops.where(some, ops.abs(step / ops.where(some, slope, 1)), float("nan"))
    of_gradient, of_step = (gradient, [half]), (moved, _numerics.half_squares(moved))
    (norm, nonfinite), (update, _) = _numerics.norms(of_gradient, of_step)
    ratios = [backend.floats(*of_groups)] if of_groups else []
    return ops.concatenate([backend.floats(norm, nonfinite, update), rates, *ratios])


class Wishes(NamedTuple):
    """What every step is to leave behind.

    Args:
        rows: Steps that a ring remembers, a power of two.
        measure_every: Update and effective rate are measured at each step that this divides, at none if it is 0. Then a
            step needs no branch, and no norm is measured again where its square has left the range of float32.
    """

    rows: int = 1
    measure_every: int = 0


@dataclass
class _Rings:
    """The rings for one way to listen."""

    of_steps: Any = None
    of_numbers: Any = None
    names: Sequence[str] = ()


class Recorder:
    """Off until `listen`: a step of the optimizer then leaves nothing and costs nothing.

    The rings are no part of the optimizer's `variables`, so what is saved does not depend on who listens. They are made
    when the first step is traced, outside its graph: an optimizer that is never applied has none. They stay as long as
    the recorder, since the graphs that write them do.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer) -> None:
        self._optimizer = optimizer
        self.settings = Wishes()
        self.listening = False
        self.records_loss = False
        """Whether the loss of a step is wanted also while nobody listens."""
        self._known: dict[Wishes, _Rings] = {}
        self._loss: Any = None
        self.knows_loss = False
        """Whether the step that was traced last has recorded its loss."""
        self.net = _net.Net(_net.STEPS)
        """Lies under what a step does for who watches: where that fails while it is traced, the rest is left out."""

    @property
    def _rings(self) -> _Rings:
        return self._known.setdefault(self.settings, _Rings())

    @property
    def has_rings(self) -> bool:
        """Whether a step has been traced that leaves rows of this kind."""
        return self._rings.of_steps is not None

    @property
    def rings(self) -> list[Any]:
        """What the steps write."""
        return [ring for ring in (self._rings.of_steps, self._rings.of_numbers) if ring is not None]

    @property
    def group_rates(self) -> dict[str, float]:
        """The factor of the learning rate of each group of weights, by its name; {} without groups."""
        grouping = getattr(self._optimizer, "grouping", None)
        return {} if grouping is None else grouping.rates

    def listen(self, wishes: Wishes | None) -> None:
        """Let steps leave from now on what is wished; nothing with None."""
        self.settings, self.listening = wishes or Wishes(), wishes is not None

    def make_rings(self) -> None:
        """Make the rings, unless they are there, also in the middle of a trace: by now the optimizer is built."""
        if self.has_rings:
            return
        rows, every = self.settings
        with backend.outside_graphs():
            rings = self._rings
            rings.of_steps = backend.ring(
                rows, len(HEAD) + (len(TAIL) + SAMPLE + len(self.group_rates) if every else 0)
            )
            rings.names = tuple(getattr(self._optimizer, "step_numbers", ()))
            rings.of_numbers = backend.ring(rows, len(rings.names)) if rings.names else None

    def stop(self) -> None:
        """Listen no more."""
        self.listening, self._loss = False, None

    def is_measured(self, step: Tensor) -> Any:
        """Whether update and effective rate of a step are measured."""
        every = self.settings.measure_every
        if every and backend.in_eager_loop():
            step = int(step)
        return every > 0 and step % every == 0

    def is_due(self, measured: Any, half: Tensor) -> Any:
        """Whether the row gets its tail: where the step is measured, and where the plain sum of squares failed."""
        return self.settings.measure_every > 0 and measured | ~_numerics.is_exact(ops.cast(half, "float32"))

    def record_loss(self, loss: Tensor) -> None:
        """Remember the loss of the step that is on its way."""
        self._loss = loss if self.listening or self.records_loss else None

    def take_loss(self) -> Any:
        """Return the loss of this step, NaN where it is not known."""
        loss, self._loss = self._loss, None
        self.knows_loss = loss is not None and backend.is_reachable(loss)
        return ops.cast(loss, "float32") if self.knows_loss else ops.convert_to_tensor(float("nan"), "float32")

    def write_row(
        self, step: Tensor, lr: Tensor, loss: Tensor, clipped: Clipped, half: Tensor, tail: Tensor | None = None
    ) -> None:
        """Write the row of a step.

        Args:
            step: The number of the step.
            lr: The learning rate.
            loss: The loss.
            clipped: What has become of the gradient.
            half: Half the plain sum of squares of the gradient; outside XLA a fast kernel takes it.
            tail: What `measured` returns, or None where the row is not due.
        """
        factor = 1.0 if clipped.factor is None else clipped.factor
        row = backend.floats(step, lr, loss, clipped.norm, clipped.nonfinite, factor, half)
        if self.settings.measure_every:
            row = ops.concatenate([row, not_measured(len(self.group_rates)) if tail is None else tail])
        backend.merge_replicas(partial(publish, self._rings.of_steps), step, row)

    def write_numbers(self, step: Tensor, values: Sequence[Tensor]) -> None:
        """Write what the optimizer says of a step besides: scalars, in the order of its `step_numbers`."""
        row = ops.stack([ops.cast(value, "float32") for value in values])
        backend.merge_replicas(partial(publish, self._rings.of_numbers), step, row)

    def read(self, first: int, last: int) -> Frame:
        """Return the steps `first` to `last`, as far as the rings remember them."""
        rings, every, width = self._rings, self.settings.measure_every, len(HEAD) + len(TAIL)
        steps, rows = read_ring(rings.of_steps, first, last)
        rows = rows.astype("float64")
        found = np.full((len(steps), width), np.nan)
        found[:, : rows.shape[1]] = rows[:, :width]
        column = dict(zip(HEAD + TAIL, found.T, strict=True))
        exact = _numerics.is_exact(column["half_squares"].astype("float32"))
        plain = np.sqrt(2 * column["half_squares"])
        norm = np.where(exact | np.isnan(column["norm"]), plain, column["norm"])
        has_tensor_rule = column["norm_before"] != -1
        deep = steps % every == 0 if every else np.zeros(len(steps), bool)
        numbers: Any = [] if rings.of_numbers is None else rows_at(rings.of_numbers, steps).T
        return Frame(
            steps=steps,
            learning_rate=column["learning_rate"],
            loss=column["loss"] if self.knows_loss else None,
            norm=np.where(has_tensor_rule, column["norm_before"], norm),
            clipped=norm * column["factor"],
            nonfinite=np.where(has_tensor_rule, column["nonfinite_before"], np.where(exact, 0, column["nonfinite"])),
            measured=steps[deep],
            update=column["update"][deep],
            rates=_quantiles(rows[deep, width : width + SAMPLE]) / column["factor"][deep, None],
            numbers=dict(zip(rings.names, numbers, strict=True)),
            group_rates=self.group_rates,
            groups=dict(zip(self.group_rates, rows[deep, width + SAMPLE :].T, strict=False)),
        )


def publish(written: Any, step: Tensor, row: Tensor) -> None:
    """Write a row into every copy of a ring."""
    backend.each_replica(written, backend.write_row, step, row)


def _quantiles(rates: np.ndarray) -> np.ndarray:
    """Return the 5 %, 50 % and 95 % quantile of each row over its finite entries; NaN where there is none."""
    ascending = np.sort(rates.astype("float64"), axis=1)
    finite = np.isfinite(ascending).sum(axis=1, keepdims=True)
    place = np.rint(np.array([0.05, 0.5, 0.95]) * np.maximum(finite - 1, 0)).astype(int)
    return np.where(finite > 0, np.take_along_axis(ascending, place, axis=1), np.nan)


# --- rings: tables of rows, of which that of a step stands at the step's remainder -----------------------------------
#
# The first number of a row is its step, so that a row that is of an earlier round, or was never written, is known.


def rows_for(steps: int) -> int:
    """Return how many rows a ring has that remembers so many steps: a power of two (see `backend.ring`)."""
    return 1 << (steps - 1).bit_length()


def remembered(first: int, last: int, rows: int) -> np.ndarray:
    """Return those of the steps `first` to `last` that a ring of so many rows may still remember."""
    return np.arange(max(first, last + 1 - rows), last + 1)


def rows_at(ring: Tensor, steps: np.ndarray) -> np.ndarray:
    """Return the rows at the places of some steps, one after the other."""
    return np.asarray(backend.rows(ring, steps % int(ring.shape[0])))


def read_ring(ring: Tensor, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Return those of the steps `first` to `last` that a ring remembers, and their rows."""
    size = int(ring.shape[0])
    steps = remembered(first, last, size)
    rows = rows_at(ring, steps)
    is_there = np.abs(rows[:, 0] - steps) < size / 2  # float32 rounds large numbers
    return steps[is_there], rows[is_there]

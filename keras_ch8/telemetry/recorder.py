"""The rings of one optimizer: made at the first step that is observed, filled by the step, read by Python."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from .. import _net, _numerics
from .._types import Tensor
from ..integration import backend
from . import ring
from .frame import Frame
from .row import HEAD, TAIL, RowSlot

SAMPLE = 256
"""Parameters of the whole model whose effective rate is measured."""


class Wishes(NamedTuple):
    """What every step is to leave behind.

    Args:
        rows: Steps that a ring remembers, a power of two.
        measure_every: Update and effective rate are measured at each step that this divides, at none if it is 0. Then a
            step needs no branch, and no norm is measured again where its square has left the range of float32.
        layers: Whether the norm of each variable's gradient is asked for.
    """

    rows: int = 1
    measure_every: int = 0
    layers: bool = False


class Blocks(NamedTuple):
    """What an optimizer updates: known once it is built, which may be in its first step.

    Args:
        spans: Entries of each block that may have a gradient.
        variables: Number of variables.
        places: Where to make the ring of each block; anywhere if there are none.
        numbers: Names of what the optimizer says of each step besides, such as which variables it has moved.
    """

    spans: Sequence[int]
    variables: int
    places: Sequence[AbstractContextManager[Any]] = ()
    numbers: Sequence[str] = ()


@dataclass
class _Rings:
    """The rings for one way to listen."""

    spans: Sequence[int] = ()
    of_blocks: list[Any] = field(default_factory=list)
    of_layers: Any = None
    of_numbers: Any = None
    names: Sequence[str] = ()
    written: set[int] = field(default_factory=set)


class Recorder:
    """Off until `listen`: a step then leaves nothing and costs nothing.

    The rings are no part of the optimizer's `variables`, so what is saved does not depend on who listens. They are made
    when the first step is traced, outside its graph: an optimizer that is never applied has none. They stay as long as
    the optimizer, since the programs that write them do.
    """

    def __init__(self) -> None:
        self.listening = False
        self.records_loss = False
        """Whether the loss of a step is wanted also while nobody listens."""
        self._settings = Wishes()
        self._blocks: Callable[[], Blocks] = lambda: Blocks((), 0)
        self._known: dict[Wishes, _Rings] = {}
        self._loss: Any = None
        self._knows_loss = False
        self.net = _net.Net(_net.STEPS)
        """Lies under what a step does for who watches: where that fails while it is traced, the rest is left out."""

    @property
    def settings(self) -> Any:
        """What the step leaves behind: the same settings make the same graph. None while no callback observes."""
        return self._settings if self.listening else None

    @property
    def _rings(self) -> _Rings:
        return self._known.setdefault(self._settings, _Rings())

    @property
    def has_rings(self) -> bool:
        """Whether a step has been traced that leaves rows of this kind."""
        return bool(self._rings.of_blocks)

    @property
    def rings(self) -> list[Any]:
        """What the steps write."""
        others = self._rings.of_layers, self._rings.of_numbers
        return [*self._rings.of_blocks, *(other for other in others if other is not None)]

    def listen(self, blocks: Callable[[], Blocks], *, rows: int, measure_every: int, layers: bool = False) -> None:
        """Let steps leave rows from now on.

        Args:
            blocks: Returns what the optimizer updates; called in its first step.
            rows: As in `Wishes`.
            measure_every: As in `Wishes`.
            layers: As in `Wishes`.
        """
        self._settings, self._blocks, self.listening = Wishes(rows, measure_every, layers), blocks, True

    def make_rings(self) -> None:
        """Make the rings, unless they are there: also in the middle of a trace."""
        if self.has_rings:
            return
        rows, every, layers = self._settings
        with backend.outside_graphs():
            blocks, rings = self._blocks(), self._rings
            rings.spans = tuple(blocks.spans)
            sample = max(8, SAMPLE // len(rings.spans)) if rings.spans else 0
            for place in blocks.places or [nullcontext()] * len(rings.spans):
                with place:
                    rings.of_blocks.append(backend.ring(rows, len(HEAD) + (len(TAIL) + sample if every else 0)))
            rings.of_layers = backend.ring(rows, blocks.variables) if layers else None
            rings.names = tuple(blocks.numbers)
            rings.of_numbers = backend.ring(rows, len(rings.names)) if rings.names else None

    def stop(self) -> None:
        """Listen no more."""
        self.listening, self._loss = False, None

    @property
    def measures(self) -> bool:
        """Whether update and effective rate are measured at some steps, which therefore take another way."""
        return self.listening and self._settings.measure_every > 0

    def is_measured(self, step: Tensor) -> Any:
        """Whether update and effective rate of a step are measured."""
        every = self._settings.measure_every
        return every > 0 and step % every == 0

    def is_due(self, step: Tensor, half: Tensor) -> Any:
        """Whether rows get their tails: where the step is measured, and where the plain sum of squares failed."""
        measured = self.is_measured(step)
        return measured is not False and measured | ~_numerics.is_exact(ops.cast(half, "float32"))

    def record_loss(self, loss: Tensor) -> None:
        """Remember the loss of the step that is on its way."""
        self._loss = loss if self.listening or self.records_loss else None

    def take_loss(self) -> Any:
        """Return the loss of this step, NaN where it is not known."""
        loss, self._loss = self._loss, None
        self._knows_loss = loss is not None and backend.is_reachable(loss)
        return ops.cast(loss, "float32") if self._knows_loss else ops.full((), float("nan"), "float32")

    @property
    def knows_loss(self) -> bool:
        """Whether the step that was traced last has recorded its loss."""
        return self._knows_loss

    def row(self, block: int, half: Tensor) -> RowSlot:
        """Return where a block leaves its row, given half the sum of squares of the gradient that it describes."""
        self.make_rings()
        self._rings.written.add(block)
        return RowSlot(self._rings.of_blocks[block], self._rings.spans[block], half)

    def write_layers(self, step: Tensor, grads: dict[int, Any]) -> None:
        """Write the norm of each variable's gradient, if asked for; `grads` has those that got one, by index."""
        if self.listening and self._settings.layers:
            self.make_rings()
            rings = self._rings.of_layers
            norms = {i: ops.cast(ops.squeeze(_numerics.norm(backend.values(g))), "float32") for i, g in grads.items()}
            missing = ops.full((), float("nan"), "float32")
            row = ops.stack([norms.get(i, missing) for i in range(rings.shape[1])])
            backend.merge_replicas(partial(publish, rings), step, row)

    def write_numbers(self, step: Tensor, values: Sequence[Tensor]) -> None:
        """Write what the optimizer says of a step besides: scalars, in the order of `Blocks.numbers`."""
        self.make_rings()
        row = ops.stack([ops.cast(value, "float32") for value in values])
        backend.merge_replicas(partial(publish, self._rings.of_numbers), step, row)

    def read(self, first: int, last: int) -> Frame:
        """Return the steps `first` to `last`, as far as the rings remember them."""
        rings = self._rings
        steps = ring.remembered(first, last, self._settings.rows)
        blocks = [ring.read(rings.of_blocks[block], steps) for block in sorted(rings.written) or [0]]
        some, frame = read_blocks(steps, blocks, self._settings)
        layers = None if rings.of_layers is None else ring.read(rings.of_layers, steps)[some]
        numbers = {}
        if rings.of_numbers is not None:
            numbers = dict(zip(rings.names, ring.read(rings.of_numbers, steps)[some].T, strict=True))
        return replace(frame, loss=frame.loss if self._knows_loss else None, layers=layers, numbers=numbers)


def publish(written: Any, step: Tensor, row: Tensor) -> None:
    """Write a row into every copy of a ring."""
    backend.each_replica(written, backend.write_row, step, row)


def read_blocks(steps: np.ndarray, blocks: Sequence[np.ndarray], wishes: Wishes) -> tuple[np.ndarray, Frame]:
    """Return which of the steps are there, and what happened at these, given the rows of each block."""
    width = len(HEAD) + len(TAIL)
    found = np.full((len(blocks), len(steps), width), np.nan)
    for place, block in enumerate(blocks):
        found[place, :, : block.shape[1]] = block[:, :width]
    there = ring.is_there(found[:, :, 0], steps, wishes.rows)
    some = np.any(there, axis=0)
    steps, found, there = steps[some], found[:, some], there[:, some]
    column = dict(zip(HEAD + TAIL, np.moveaxis(found, 2, 0), strict=True))
    whole = {name: column[name][there.argmax(axis=0), np.arange(len(steps))] for name in HEAD}
    plain = 2 * column["half_squares"]
    exact = _numerics.is_exact(column["half_squares"].astype("float32"))
    is_plain = exact | np.isnan(column["norm"])
    norm = np.sqrt(_sum(np.where(is_plain, plain, np.square(column["norm"])), there))
    nonfinite = _sum(np.where(exact, 0, column["nonfinite"]), there)
    has_tensor_rule = whole["norm_before"] != -1
    deep = steps % wishes.measure_every == 0 if wishes.measure_every else np.zeros(len(steps), bool)
    sample = [block[some][deep, width:] for block in blocks]
    frame = Frame(
        steps=steps,
        learning_rate=whole["learning_rate"],
        loss=whole["loss"],
        norm=np.where(has_tensor_rule, whole["norm_before"], norm),
        clipped=norm * whole["factor"],
        nonfinite=np.where(has_tensor_rule, whole["nonfinite_before"], nonfinite),
        measured=steps[deep],
        update=np.sqrt(_sum(np.square(column["update"]), there))[deep],
        rates=_quantiles(np.concatenate(sample, axis=1)) / whole["factor"][deep, None],
        layers=None,
    )
    return some, frame


def _sum(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    return np.where(there, values, 0).sum(axis=0)


def _quantiles(rates: np.ndarray) -> np.ndarray:
    """Return the 5 %, 50 % and 95 % quantile of each row over its finite entries; NaN where there is none."""
    ascending = np.sort(rates.astype("float64"), axis=1)
    finite = np.isfinite(ascending).sum(axis=1, keepdims=True)
    place = np.rint(np.array([0.05, 0.5, 0.95]) * np.maximum(finite - 1, 0)).astype(int)
    return np.where(finite > 0, np.take_along_axis(ascending, place, axis=1), np.nan)

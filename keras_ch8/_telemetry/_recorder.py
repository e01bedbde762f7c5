"""The rings of one optimizer: made when somebody listens, filled by the step, read by Python."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
from keras import ops

from .. import _numerics
from ..integration import backend
from ._frame import Frame
from ._row import HEAD, TAIL, Row

SAMPLE = 256
"""Parameters of the whole model whose effective rate is looked at."""


class Recorder:
    """Off until `listen`: a step then leaves nothing and costs nothing.

    The rings are no part of the optimizer's `variables`, so what is saved does not depend on who listens.
    """

    def __init__(self) -> None:
        self.listening = False
        self.layers: Any = None
        self._settings: Any = None
        self._rings: list[Any] = []
        self._written: set[int] = set()
        self._loss: Any = None
        self._knows_loss = False

    @property
    def settings(self) -> Any:
        """What the step leaves behind: the same settings make the same graph. None while nobody listens."""
        return self._settings if self.listening else None

    def listen(
        self,
        spans: Sequence[int],
        *,
        rows: int,
        every: int,
        layers: int = 0,
        places: Sequence[AbstractContextManager[Any]] = (),
    ) -> bool:
        """Make a ring of `rows` steps for each block of variables; return whether the last ones serve again.

        Args:
            spans: Entries of each block that may have a gradient.
            rows: Steps that a ring remembers, a power of two.
            every: Update and effective rate are measured at each step that this divides, at none if it is 0. Then
                a step needs no branch, and no norm is measured again where its square has left the range of float32.
            layers: Number of variables whose norms are asked for, 0 for none.
            places: Where to make the ring of each block.
        """
        settings = (tuple(spans), rows, every, layers)
        again, self._settings, self.listening = settings == self._settings, settings, True
        if not again:
            share = max(8, SAMPLE // len(spans))
            self._rings, self._written = [], set()
            for place in places or [nullcontext()] * len(spans):
                with place:
                    self._rings.append(backend.ring(rows, len(HEAD) + (len(TAIL) + share if every else 0)))
            self.layers = backend.ring(rows, layers) if layers else None
        return again

    def stop(self) -> None:
        """Listen no more."""
        self.listening, self._loss = False, None

    def is_due(self, step: Any, half: Any) -> Any:
        """Whether rows get their tails: where the step is measured, and where the plain sum of squares failed."""
        every = self._settings[2]
        return every > 0 and (step % every == 0) | ~_numerics.is_exact(ops.cast(half, "float32"))

    def hear_loss(self, loss: Any) -> None:
        """Remember the loss of the step that is on its way."""
        self._loss = loss if self.listening else None

    def take_loss(self) -> Any:
        """Return the loss of this step, NaN where nobody told it."""
        loss, self._loss = self._loss, None
        self._knows_loss = loss is not None and backend.is_reachable(loss)
        return ops.cast(loss, "float32") if self._knows_loss else ops.full((), float("nan"), "float32")

    def row(self, block: int, half: Any, is_due: Any) -> Row:
        """Return where a block leaves its row, given half the sum of squares of the gradient that it tells of."""
        self._written.add(block)
        return Row(self._rings[block], self._settings[0][block], half, is_due)

    def write_layers(self, step: Any, grads: dict[int, Any]) -> None:
        """Write the norm of each variable's gradient, if asked for; `grads` has those that got one, by index."""
        if self.listening and self.layers is not None:
            norms = {i: ops.cast(ops.squeeze(_numerics.norm(backend.values(g))), "float32") for i, g in grads.items()}
            missing = ops.full((), float("nan"), "float32")
            row = ops.stack([norms.get(i, missing) for i in range(self.layers.shape[1])])
            backend.merge_replicas(partial(publish, self.layers), step, row)

    def read(self, first: int, last: int) -> Frame:
        """Return the steps `first` to `last`, as far as the rings remember them."""
        _, rows, every, _ = self._settings
        steps = np.arange(max(first, last + 1 - rows), last + 1)
        blocks = [self._rows_of(self._rings[block], steps) for block in sorted(self._written) or [0]]
        layers = None if self.layers is None else self._rows_of(self.layers, steps)
        return Frame.read(steps, blocks, layers, rows, every, self._knows_loss)

    def _rows_of(self, ring: Any, steps: np.ndarray) -> np.ndarray:
        return backend.rows(ring, steps % self._settings[1]).numpy()


def publish(ring: Any, step: Any, row: Any) -> None:
    """Write a row into every copy of a ring."""
    backend.each_replica(ring, backend.write_row, step, row)

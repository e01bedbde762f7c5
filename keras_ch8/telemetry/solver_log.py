"""What an iteration of section 8.6 leaves behind: a row in a ring that goes through the solver's loop."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from keras import ops

from .. import _net
from .._types import Tensor
from ..integration import backend
from .frame import Frame
from .recorder import read_ring, rows_for

SOLVER_NUMBERS = ("step_length", "slope", "evaluations", "products", "restarted", "skipped_pair")
"""What every method has; its own numbers follow."""

HEAD = ("step", "loss", "norm", "update")


class SolverLog:
    """Off until `listen`. Loss and gradient of a row are those before the iteration, as for other optimizers.

    A frame has no learning rate and no effective rates: these methods choose the length of each step.
    """

    def __init__(self) -> None:
        self.listening = False
        self.net = _net.Net(_net.STEPS)
        """Lies under what an iteration does for who watches."""
        self._settings: tuple[int, Sequence[str]] = (1, ())
        self._known: dict[Any, Any] = {}

    @property
    def settings(self) -> Any:
        """What an iteration leaves behind: the same settings make the same program. None while no callback observes."""
        return self._settings if self.listening else None

    @property
    def has_rings(self) -> bool:
        """Whether a step has been traced that leaves rows of this kind."""
        return self._settings in self._known

    @property
    def rings(self) -> list[Any]:
        """What the steps write."""
        return [self._ring] if self.has_rings else []

    @property
    def _ring(self) -> Any:
        return self._known[self._settings]

    def listen(self, rows: int, names: Sequence[str]) -> None:
        """Leave a row for each iteration, in a ring of at least so many."""
        self._settings, self.listening = (rows_for(rows), tuple(names)), True

    def make_rings(self) -> None:
        """Make the ring, unless it is there: also in the middle of a trace."""
        if not self.has_rings:
            rows, names = self._settings
            with backend.outside_graphs():
                self._known[self._settings] = backend.ring(rows, len(HEAD) + len(names))

    def stop(self) -> None:
        """Listen no more."""
        self.listening = False

    def begin(self, step: Tensor) -> Any:
        """Return what goes through the loop after the iteration of this number; nothing if no callback observes."""
        if not self.listening:
            return ()

        def begun() -> Any:
            self.make_rings()
            return ops.cast(step, "int32"), backend.as_tensor(self._ring)

        return self.net.attempt(begun, ())

    def add(self, log: Any, before: Any, after: Any, info: Any) -> Any:
        """Add the row of an iteration between two points."""
        return self.net.attempt(partial(self._with_row, log, before, after, info), log) if log else log

    def _with_row(self, log: Any, before: Any, after: Any, info: Any) -> Any:
        step, rows = log
        every = (info.step, info.slope, info.evaluations, info.products, info.restarted, info.skipped)
        numbers = dict(zip(SOLVER_NUMBERS, every, strict=True)) | dict(info.numbers)
        moved = after.x - before.x
        head = (step + 1, before.value, ops.norm(before.gradient), ops.norm(moved))
        row = [*head, *(numbers[name] for name in self._settings[1])]
        row = ops.stack([ops.cast(value, "float32") for value in row])
        place = (step + 1) % int(rows.shape[0])
        return step + 1, ops.scatter_update(rows, ops.reshape(place, (1, 1)), row[None])

    def end(self, log: Any) -> None:
        """Keep what went through the loop."""
        if log:
            self.net.attempt(lambda: self._ring.assign(log[1]))

    def read(self, first: int, last: int) -> Frame:
        """Return the iterations `first` to `last`, as far as the ring remembers them."""
        steps, found = read_ring(self._ring, first, last)
        head, numbers = np.split(found.astype("float64"), [len(HEAD)], axis=1)
        _, loss, norm, update = head.T
        return Frame(
            steps=steps,
            learning_rate=np.full(len(steps), np.nan),
            loss=loss,
            norm=norm,
            clipped=norm,
            nonfinite=np.zeros(len(steps)),
            measured=steps,
            update=update,
            rates=np.full((len(steps), 3), np.nan),
            numbers=dict(zip(self._settings[1], numbers.T, strict=True)),
        )

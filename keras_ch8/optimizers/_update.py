"""Run a rule over a block of variables: compiled by XLA, in place; the same code serves every algorithm."""

import inspect
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from keras import ops

from .. import _numerics, telemetry
from ..integration import backend

Rule = Callable[..., tuple[Any, dict[str, Any]]]


class Step(NamedTuple):
    """What the update of every block is told of the step.

    `active` is None (always) or a boolean: where it is False neither variables nor state change. `factor` is None or
    what a clipping rule multiplies the gradient by, `decay` None or learning rate times weight decay, `note` None or
    what the row of telemetry says of the whole step. `t` counts updates from 1.
    """

    lr: Any
    t: Any
    active: Any
    factor: Any
    decay: Any
    note: Any

    @property
    def noted(self) -> tuple[Any, Any, Any]:
        """What a row of telemetry begins with."""
        return self.note, self.lr, self.factor


class Updater:
    """One rule, ready to run. Each program is compiled once for each shape that it meets.

    `row` is None, or where the step leaves its row of telemetry (see telemetry).

    Args:
        rule: The rule. If it has a parameter named `theta`, it is given the variable's value in the working dtype.
        row_by_row: Whether the rule may run on some rows of a variable, because it is elementwise and leaves entries
            without gradient as they are.
    """

    def __init__(self, rule: Rule, row_by_row: bool) -> None:
        self.rule = rule
        self.row_by_row = row_by_row
        self._reads_theta = "theta" in inspect.signature(rule).parameters
        self._programs: dict[Any, Any] = {}

    def tile(
        self,
        first: Any,
        thetas: Sequence[Any],
        has_g: Sequence[bool],
        decays: Sequence[bool],
        g: Any,
        row: telemetry.Row | None,
        step: Step,
        state: dict[str, Any],
    ) -> None:
        """Update the variables of a tile, `first` and the others; those without a gradient stay as they are."""
        del first
        shapes = [tuple(theta.shape) for theta in thetas]
        counts = step.active
        if not all(has_g):
            fills = [ops.full(shape, has, "bool") for shape, has in zip(shapes, has_g, strict=True)]
            counts = _numerics.both(counts, backend.join(fills, int(g.shape[0])))
        later = row if row is not None and row.is_due and step.decay is not None else None
        theta = None
        if self._reads_theta:
            theta = backend.join([backend.as_tensor(each) for each in thetas], int(g.shape[0]))
        delta = self._program(self._tile)(theta, g, counts, row if later is None else None, step, state)
        moves = []
        for theta, part, decays_too in zip(thetas, backend.cut(delta, shapes), decays, strict=True):
            moves.append(_decayed(part, theta, step.decay if decays_too else None, step.active))
        for theta, move, has in zip(thetas, moves, has_g, strict=True):
            if has:
                theta.assign_add(move, read_value=False)
        if later is not None:
            self._write_row(later, step, g, lambda: backend.join(moves, int(g.shape[0])))

    def single(
        self, theta: Any, decays: bool, g: Any, row: telemetry.Row | None, step: Step, state: dict[str, Any]
    ) -> None:
        """Update a variable on its own; if only rows with a gradient can change, only those."""
        step = step if decays else step._replace(decay=None)
        if backend.is_sparse(g) and self.row_by_row and step.decay is None:
            self._rows(theta, g, row, step, state)
            return
        self._program(self._single)(theta, backend.densify(g, theta.shape), row, step, state)

    def _program(self, function: Callable[..., Any]) -> Any:
        """Compile, except for several devices: an XLA program on CPU reaches the variables of one device only."""
        if backend.replicated():
            return function
        if function not in self._programs:
            self._programs[function] = backend.compile_xla(function)
        return self._programs[function]

    @staticmethod
    def _write_row(row: telemetry.Row, step: Step, g: Any, moved: Callable[[], Any]) -> None:
        made = row.make(*step.noted, [g], lambda: [moved()])
        backend.write_row(row.ring, step.note.step, made)

    def _tile(self, theta: Any, g: Any, counts: Any, row: telemetry.Row | None, step: Step, state: dict) -> Any:
        old = {name: backend.as_tensor(variable) for name, variable in state.items()}
        delta, new = self._masked_rule(theta, g, step, counts, old)
        for name, variable in state.items():
            variable.assign(new[name])
        if row is not None:
            self._write_row(row, step, g, lambda: delta)
        return delta

    def _single(self, theta: Any, g: Any, row: telemetry.Row | None, step: Step, state: dict) -> None:
        old = {name: backend.as_tensor(variable) for name, variable in state.items()}
        before = backend.as_tensor(theta)
        after, new = self._advance(before, g, step, old)
        theta.assign(after)
        for name, variable in state.items():
            variable.assign(new[name])
        if row is not None:
            self._write_row(row, step, g, lambda: after - before)

    def _rows(self, theta: Any, g: Any, row: telemetry.Row | None, step: Step, state: dict) -> None:
        before = backend.copy(theta) if row is not None and row.is_due else None
        old = {name: backend.rows(variable, g.indices) for name, variable in state.items()}
        new_theta, new = self._advance(backend.rows(theta, g.indices), g.values, step, old)
        backend.assign_rows(theta, g.indices, new_theta)
        for name, variable in state.items():
            backend.assign_rows(variable, g.indices, new[name])
        if row is not None:
            self._write_row(row, step, g, lambda: backend.as_tensor(theta) - before)

    def _advance(self, theta: Any, g: Any, step: Step, state: dict) -> tuple[Any, dict]:
        """Return theta and state after the step; the sum is taken in float32 or wider, what rounding drops is kept."""
        dtype = theta.dtype.name
        state = dict(state)
        residual = state.pop("residual", None)
        full = theta if residual is None else _numerics.widen(theta, residual, dtype)
        delta, state = self._masked_rule(full, g, step, step.active, state)
        full = full + _decayed(delta, full, step.decay, step.active)
        if residual is None:
            return full, state
        stored, residual = _numerics.narrow(full, dtype)
        return stored, state | {"residual": residual}

    def _masked_rule(self, theta: Any, g: Any, step: Step, counts: Any, state: dict) -> tuple[Any, dict]:
        """Apply the rule where `counts` holds: None, one boolean, or one for each entry of a tile."""
        lr, t = (ops.cast(x, g.dtype.name) for x in (step.lr, step.t))
        if step.factor is not None:
            g = g * ops.cast(step.factor, g.dtype.name)
        own = {"theta": theta} if self._reads_theta else {}
        delta, new = self.rule(g, lr, t, **own, **state)
        kept = {name: _numerics.choose(counts, new[name], old) for name, old in state.items()}
        return _numerics.choose(counts, delta, ops.zeros_like(delta)), kept


class Traces:
    """One graph of the whole step for each set of variables that gets gradients, for use outside `fit`."""

    def __init__(self) -> None:
        self._traces: dict[Hashable, Any] = {}

    def get(self, key: Hashable, step: Callable[..., None]) -> Any:
        """Return the graph of `step`, which is the same for the same key."""
        if key not in self._traces:
            self._traces[key] = backend.trace(step)
        return self._traces[key]


def _decayed(delta: Any, theta: Any, decay: Any, active: Any) -> Any:
    """Return delta - decay * theta, the decoupled weight decay of Keras."""
    if decay is None:
        return delta
    shrinkage = ops.cast(decay, delta.dtype.name) * theta
    return delta - _numerics.choose(active, shrinkage, ops.zeros_like(shrinkage))

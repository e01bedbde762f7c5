"""The stages of a step that are functions, in the order in which they happen: the last runs a rule over a block.

What stands between them belongs to one optimizer, and is in `base.py`.
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from .. import _numerics
from .._types import Tensor
from ..integration import backend

Gradients = Mapping[int, Tensor]
"""The gradient of each variable that has one, by the variable's place among all."""

State = dict[str, Tensor]
"""The state of a rule by name: variables of it, or their values."""

UpdateRule = Callable[..., tuple[Tensor, State]]
"""`rule(g, lr, t, **state) -> (delta_theta, new_state)`."""


def sum_over_replicas(grads: Gradients) -> Gradients:
    """Return the mean gradient, in which no row of a sparse one occurs twice."""
    summed = backend.all_reduce_sum(list(grads.values()))
    return dict(zip(grads, map(backend.sum_duplicates, summed), strict=True))


def leave_out(
    t: Tensor, active: Tensor | None, laid_out: Sequence[Tensor], skipped: keras.Variable
) -> tuple[Tensor, Tensor]:
    """Return the number of the update and whether it counts: not where the gradient is not finite, which is counted."""
    good = backend.all_finite(laid_out)
    count = backend.as_tensor(skipped) + ops.cast(_numerics.and_(active, ~good), "int64")
    backend.write([skipped], [count])
    return t - count, _numerics.and_(active, good)


class StepContext(NamedTuple):
    """What the update of every block needs to know of the step.

    Args:
        lr: The learning rate.
        t: The number of the update, counted from 1.
        active: `None` (always) or a boolean: where it is False neither variables nor state change.
        factor: `None` or what a clipping rule multiplies the whole gradient by.
        decay: `None` or learning rate times weight decay.
    """

    lr: Tensor
    t: Tensor
    active: Tensor | None
    factor: Tensor | None
    decay: Tensor | None


class Work(NamedTuple):
    """One block of variables, and what a step brings for it.

    Args:
        thetas: The variables of the block: several of a tile, else one.
        has_g: Of each, whether it has a gradient in this step.
        decays: Of each, learning rate times weight decay; None where none acts on it.
        lr: The learning rate of the block.
        rates: Of each, the factor of `lr`; none if it is 1 for all.
        g: The gradient of the block: of a tile one vector.
        state: The rule's state, by name.
    """

    thetas: list[keras.Variable]
    has_g: list[bool]
    decays: list[Tensor | None]
    lr: Tensor
    rates: list[float]
    g: Tensor
    state: State


class Updater:
    """One rule, ready to run in place: compiled by XLA, once for each shape that it meets.

    Args:
        rule: The rule. If it has a parameter named `theta`, it is given the variable's value in the working dtype.
        row_by_row: Whether the rule may run on some rows of a variable, because it is elementwise and leaves entries
            without gradient as they are.
    """

    def __init__(self, rule: UpdateRule, row_by_row: bool) -> None:
        self.rule, self.row_by_row = rule, row_by_row
        self._reads_theta = "theta" in inspect.signature(rule).parameters
        self._programs: dict[Callable[..., Any], Any] = {}

    def tile(self, first: keras.Variable, work: Work, step: StepContext) -> None:
        """Update the variables of a tile; those without a gradient stay as they are."""
        del first
        thetas, g, length = work.thetas, work.g, int(work.g.shape[0])
        shapes = [tuple(theta.shape) for theta in thetas]
        counts = step.active
        if not all(work.has_g):
            fills = [ops.full(shape, has, "bool") for shape, has in zip(shapes, work.has_g, strict=True)]
            counts = _numerics.and_(counts, backend.join(fills, length))
        theta = backend.join([backend.as_tensor(each) for each in thetas], length) if self._reads_theta else None
        delta = self._program(self._tile)(theta, g, step._replace(active=counts, lr=_rate_of(work)), work.state)
        for theta, part, has, decay in zip(thetas, backend.cut(delta, shapes), work.has_g, work.decays, strict=True):
            if has:
                move = _decayed(part, theta, decay, step.active)
                theta.assign_add(move, read_value=False)

    def single(self, theta: keras.Variable, work: Work, step: StepContext) -> None:
        """Update a variable on its own; if only rows with a gradient can change, only those."""
        step = step._replace(lr=work.lr, decay=work.decays[0])
        if backend.is_sparse(work.g) and self.row_by_row and step.decay is None:
            self._rows(theta, work.g, step, work.state)
        else:
            self._program(self._single)(theta, backend.densify(work.g, theta.shape), step, work.state)

    def _program(self, function: Callable[..., Any]) -> Any:
        """Compile, except for several devices: an XLA program on CPU reaches the variables of one device only."""
        if backend.replicated():
            return function
        if function not in self._programs:
            self._programs[function] = backend.compile_xla(function)
        return self._programs[function]

    def _tile(self, theta: Tensor | None, g: Tensor, step: StepContext, state: State) -> Tensor:
        old = {name: backend.as_tensor(variable) for name, variable in state.items()}
        delta, new = self._masked_rule(theta, g, step, old)
        for name, variable in state.items():
            variable.assign(new[name])
        return delta

    def _single(self, theta: keras.Variable, g: Tensor, step: StepContext, state: State) -> None:
        old = {name: backend.as_tensor(variable) for name, variable in state.items()}
        after, new = self._advance(backend.as_tensor(theta), g, step, old)
        theta.assign(after)
        for name, variable in state.items():
            variable.assign(new[name])

    def _rows(self, theta: keras.Variable, g: Tensor, step: StepContext, state: State) -> None:
        old = {name: backend.rows(variable, g.indices) for name, variable in state.items()}
        values = ops.reshape(g.values, (-1, *theta.shape[1:]))  # from several replicas they come without their length
        new_theta, new = self._advance(backend.rows(theta, g.indices), values, step, old)
        backend.assign_rows(theta, g.indices, new_theta)
        for name, variable in state.items():
            backend.assign_rows(variable, g.indices, new[name])

    def _advance(self, theta: Tensor, g: Tensor, step: StepContext, state: State) -> tuple[Tensor, State]:
        """Return theta and state after the step; the sum is taken in float32 or wider, what rounding drops is kept."""
        dtype = theta.dtype.name
        state = dict(state)
        residual = state.pop("residual", None)
        full = theta if residual is None else _numerics.widen(theta, residual, dtype)
        delta, state = self._masked_rule(full, g, step, state)
        full = full + _decayed(delta, full, step.decay, step.active)
        if residual is None:
            return full, state
        stored, residual = _numerics.narrow(full, dtype)
        return stored, state | {"residual": residual}

    def _masked_rule(self, theta: Tensor | None, g: Tensor, step: StepContext, state: State) -> tuple[Tensor, State]:
        """Apply the rule where the step counts; `step.active` may have an entry for each of a tile."""
        lr, t = (ops.cast(x, g.dtype.name) for x in (step.lr, step.t))
        if step.factor is not None:
            g = g * ops.cast(step.factor, g.dtype.name)
        own = {"theta": theta} if self._reads_theta else {}
        delta, new = self.rule(g, lr, t, **own, **state)
        self._refuse_unfit(g, delta, state, new)
        kept = {name: _numerics.where(step.active, new[name], old) for name, old in state.items()}
        return _numerics.where(step.active, delta, ops.zeros_like(delta)), kept

    def _refuse_unfit(self, g: Tensor, delta: Tensor, state: State, new: State) -> None:
        """Refuse a rule that returns other state than it has, or a step of another shape, which would be broadcast."""
        rule = f"`{getattr(self.rule, '__qualname__', self.rule)}`"
        if new.keys() != state.keys():
            raise ValueError(
                f"{rule} must return the new state under the names in `state_names`, {sorted(state)}. Received: "
                f"{sorted(new)}. Return `delta_theta, {{name: new value}}` with these names."
            )
        for what, x in {"delta_theta": delta, **new}.items():
            if tuple(x.shape) != tuple(g.shape):
                raise ValueError(
                    f"{rule} must return `{what}` with an entry for each entry of g, whose shape is "
                    f"{tuple(g.shape)}. Received: shape {tuple(x.shape)}. `keras.ops.broadcast_to` repeats one number."
                )


def move_average(
    momentum: float,
    overwrite_frequency: int | None,
    theta: keras.Variable,
    average: keras.Variable,
    residual: keras.Variable | None,
    step: StepContext,
) -> None:
    """Do as Keras's `use_ema`: average <- momentum * average + (1 - momentum) * theta, from the first updated theta on.

    After every `overwrite_frequency` updates, if it is not `None`, the variable is overwritten with the average.
    """
    dtype, old, now = theta.dtype.name, backend.as_tensor(average), backend.as_tensor(theta)
    if residual is not None:
        now = _numerics.widen(now, backend.as_tensor(residual), dtype)
    kept = ops.where(step.t == 1, ops.zeros((), old.dtype.name), ops.cast(momentum, old.dtype.name))
    moved = _numerics.where(step.active, kept * old + (1 - kept) * now, old)
    average.assign(moved)
    if overwrite_frequency:
        now = ops.where(_numerics.and_(step.active, step.t % overwrite_frequency == 0), moved, now)
        if residual is not None:
            now, rest = _numerics.narrow(now, dtype)
            residual.assign(rest)
        theta.assign(now)


def _rate_of(work: Work) -> Tensor:
    """Return the learning rate of a tile: a number, or one for each entry where its variables have several."""
    if not work.rates:
        return work.lr
    entries = np.repeat(work.rates, [math.prod(theta.shape) for theta in work.thetas])
    factors = np.pad(entries, (0, int(work.g.shape[0]) - len(entries)))
    return work.lr * ops.convert_to_tensor(factors, work.lr.dtype.name)


def _decayed(delta: Tensor, theta: Tensor, decay: Tensor | None, active: Tensor | None) -> Tensor:
    """Return delta - decay * theta, the decoupled weight decay of Keras."""
    if decay is None:
        return delta
    shrinkage = ops.cast(decay, delta.dtype.name) * theta
    return delta - _numerics.where(active, shrinkage, ops.zeros_like(shrinkage))

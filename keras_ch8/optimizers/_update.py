"""Run a rule over a block of variables: compiled by XLA, in place; the same code serves every algorithm."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from keras import ops

from .. import _backend, _numerics

Rule = Callable[..., tuple[Any, dict[str, Any]]]


class Updater:
    """One rule, ready to run. Each program is compiled once for each shape that it meets.

    `active` is None (always), one boolean (does this step count?) or one boolean for each entry of a tile; where it is
    False neither variables nor state change. `decay` is learning rate times weight decay, or None.
    """

    def __init__(self, rule: Rule, rests_without_gradient: bool) -> None:
        self.rule = rule
        self.rests_without_gradient = rests_without_gradient
        self._programs: dict[str, Any] = {}

    def tile(
        self,
        first: Any,
        thetas: Sequence[Any],
        gs: Sequence[Any],
        decays: Sequence[Any],
        length: int,
        lr: Any,
        t: Any,
        active: Any,
        state: dict[str, Any],
    ) -> None:
        """Update the variables of a tile, `first` and the others; those without a gradient (None) stay as they are."""
        dtype = first.dtype.name
        dense = [
            ops.zeros(theta.shape, dtype) if g is None else _backend.densify(g, theta.shape)
            for theta, g in zip(thetas, gs, strict=True)
        ]
        counts = active
        if any(g is None for g in gs):
            has_g = [ops.full(x.shape, g is not None, "bool") for x, g in zip(thetas, gs, strict=True)]
            counts = _numerics.both(active, _backend.join(has_g, length))
        delta = self._program("tile", self._tile)(_backend.join(dense, length), lr, t, counts, state)
        parts = _backend.cut(delta, [tuple(theta.shape) for theta in thetas])
        for theta, g, part, decay in zip(thetas, gs, parts, decays, strict=True):
            if g is not None:
                theta.assign_add(_decayed(part, theta, decay, active), read_value=False)

    def single(self, theta: Any, g: Any, decay: Any, lr: Any, t: Any, active: Any, state: dict[str, Any]) -> None:
        """Update a variable on its own; if only rows with a gradient can change, only those."""
        if _backend.is_sparse(g) and self.rests_without_gradient and decay is None:
            self._rows(theta, g, lr, t, active, state)
        else:
            g = _backend.densify(g, theta.shape)
            self._program("single", self._single)(theta, g, decay, lr, t, active, state)

    def _program(self, name: str, function: Callable[..., Any]) -> Any:
        """Compile, except for several devices: an XLA program on CPU reaches the variables of one device only."""
        if _backend.replicated():
            return function
        if name not in self._programs:
            self._programs[name] = _backend.compile_xla(function)
        return self._programs[name]

    def _tile(self, g: Any, lr: Any, t: Any, active: Any, state: dict) -> Any:
        old = {name: _backend.as_tensor(variable) for name, variable in state.items()}
        delta, new = self._masked_rule(g, lr, t, active, old)
        for name, variable in state.items():
            variable.assign(new[name])
        return delta

    def _single(self, theta: Any, g: Any, decay: Any, lr: Any, t: Any, active: Any, state: dict) -> None:
        old = {name: _backend.as_tensor(variable) for name, variable in state.items()}
        new_theta, new = self._advance(_backend.as_tensor(theta), g, decay, lr, t, active, old)
        theta.assign(new_theta)
        for name, variable in state.items():
            variable.assign(new[name])

    def _rows(self, theta: Any, g: Any, lr: Any, t: Any, active: Any, state: dict) -> None:
        old = {name: _backend.rows(variable, g.indices) for name, variable in state.items()}
        new_theta, new = self._advance(_backend.rows(theta, g.indices), g.values, None, lr, t, active, old)
        _backend.assign_rows(theta, g.indices, new_theta)
        for name, variable in state.items():
            _backend.assign_rows(variable, g.indices, new[name])

    def _advance(self, theta: Any, g: Any, decay: Any, lr: Any, t: Any, active: Any, state: dict) -> tuple[Any, dict]:
        """Return theta and state after the step; the sum is taken in float32 or wider, what rounding drops is kept."""
        dtype = theta.dtype.name
        state = dict(state)
        residual = state.pop("residual", None)
        full = theta if residual is None else _numerics.widen(theta, residual, dtype)
        delta, state = self._masked_rule(g, lr, t, active, state)
        full = full + _decayed(delta, full, decay, active)
        if residual is None:
            return full, state
        stored, residual = _numerics.narrow(full, dtype)
        return stored, state | {"residual": residual}

    def _masked_rule(self, g: Any, lr: Any, t: Any, active: Any, state: dict) -> tuple[Any, dict]:
        lr, t = (ops.cast(x, g.dtype.name) for x in (lr, t))
        delta, new = self.rule(g, lr, t, **state)
        kept = {name: _numerics.choose(active, new[name], old) for name, old in state.items()}
        return _numerics.choose(active, delta, ops.zeros_like(delta)), kept


class Traces:
    """One graph of the whole step for each set of variables that gets gradients, for use outside `fit`."""

    def __init__(self) -> None:
        self._traces: dict[tuple[int, ...], Any] = {}

    def get(self, indices: tuple[int, ...], step: Callable[..., None]) -> Any:
        """Return the graph of `step(indices, ...)`."""
        if indices not in self._traces:
            self._traces[indices] = _backend.trace(partial(step, indices))
        return self._traces[indices]


def _decayed(delta: Any, theta: Any, decay: Any, active: Any) -> Any:
    """Return delta - decay * theta, the decoupled weight decay of Keras."""
    if decay is None:
        return delta
    shrinkage = ops.cast(decay, delta.dtype.name) * theta
    return delta - _numerics.choose(active, shrinkage, ops.zeros_like(shrinkage))

"""What every optimizer of the suite shares, so that a file holds only its box."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from keras import ops

from .. import _backend, _checks, _keras, _numerics
from ._layout import Layout
from ._update import Updater


class AbstractOptimizer(_keras.Optimizer):
    """Keras's optimizer around a pure, elementwise rule that reads as the book's box.

    A subclass names its `state_names` and `hyperparameters` and writes
    `rule(g, lr, t, **state) -> (delta_theta, new_state)`, where t counts updates from 1 and all state starts at 0.

    One step: sum the gradients over replicas; accumulate; look for non-finite entries; clip; then run the compiled rule
    on each block of variables (see _layout); then the moving average. A step that does not count (in the middle of an
    accumulation, or skipped) goes the same way and changes nothing: every write is masked, nothing is branched.

    Args:
        learning_rate: Step size epsilon_k: a number, a `LearningRateSchedule` or a callable without arguments.
        skip_nonfinite: Whether a step whose gradient has an infinite or NaN entry leaves weights and state untouched
            and is counted in `skipped_steps`. Defaults to `False`: it propagates, as in Keras.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: As in `keras.optimizers.Optimizer`. Clipping acts on
            the whole gradient (after the sum over replicas and the accumulation); `use_ema` and schedules count
            updates, not micro-steps.
    """

    rule: Callable[..., tuple[Any, dict[str, Any]]]
    """The algorithm's box."""
    state_names: tuple[str, ...] = ()
    hyperparameters: tuple[str, ...] = ()
    rests_without_gradient = False
    """Whether entries whose gradient is 0 keep theta and state, so that only touched rows of an embedding move."""

    def __init__(
        self,
        learning_rate: Any,
        *,
        skip_nonfinite: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        **kwargs: Any,
    ) -> None:
        limit = {"meaning": "the limit to clip the gradient to", "mend": "Leave it out (None) for no clipping."}
        super().__init__(
            learning_rate=_checks.learning_rate(learning_rate),
            weight_decay=_checks.weight_decay(weight_decay),
            clipnorm=_checks.positive("clipnorm", clipnorm, **limit),
            clipvalue=_checks.positive("clipvalue", clipvalue, **limit),
            global_clipnorm=_checks.positive("global_clipnorm", global_clipnorm, **limit),
            **kwargs,
        )
        self.skip_nonfinite = skip_nonfinite
        self._skipped: Any = None
        self._layout = Layout({})
        self._updater = Updater(self.rule, self.rests_without_gradient)
        self._traces = _Traces()

    def theta(self, variable: Any, **state: Any) -> Any:
        """Return the book's theta, given the variable's value and state."""
        del state
        return variable

    # --- state ---------------------------------------------------------------------------------------------------

    def build(self, variables: list[Any]) -> None:
        """Create the state for these variables."""
        if self.built:
            return
        super().build(variables)
        own = {i: v for i, v in enumerate(variables) if not _keras.is_overwritten_by_gradient(v)}
        dtypes = {i: _backend.native(v).dtype.name for i, v in own.items()}
        labels = {i: getattr(v, "path", v.name).replace("/", "_").replace(":", "_") for i, v in own.items()}
        for i, dtype in dtypes.items():
            _checks.floating(type(self).__name__, labels[i], dtype)
        self._layout = Layout({i: (tuple(v.shape), dtypes[i]) for i, v in own.items()})
        if self.skip_nonfinite:
            self._skipped = self.add_variable((), dtype="int64", name="skipped")
        self._layout.create_state(
            self.state_names, labels, lambda shape, dtype, name: self.add_variable(shape, dtype=dtype, name=name)
        )

    @property
    def skipped_steps(self) -> int:
        """How many updates `skip_nonfinite` has left out."""
        return 0 if self._skipped is None else int(self._skipped.numpy())

    def state_of(self, variable: Any) -> dict[str, np.ndarray]:
        """Return the state that belongs to one variable, by the book's letters, in the variable's shape."""
        index = self.index_of(variable)
        block = self._layout.block_of[index]
        part, shape = block.part(index)
        return {name: s.numpy().reshape(-1)[part].reshape(shape) for name, s in block.state.items()}

    def book_variables(self) -> list[np.ndarray]:
        """Return the book's theta, one array for each variable that the optimizer was built with."""
        thetas = []
        for variable in self.known_variables:
            value, dtype = _backend.native(variable).numpy(), _backend.native(variable).dtype.name
            state = self.state_of(variable) if self.index_of(variable) in self._layout.block_of else {}
            if "residual" in state:
                value = np.asarray(_numerics.widen(value, state.pop("residual"), dtype))
            thetas.append(np.asarray(self.theta(value, **state)).astype(_backend.native(variable).numpy().dtype))
        return thetas

    def save_own_variables(self, store: Any) -> None:
        """Save counters, averages and sums, then the state of each variable in its own shape."""
        for i, value in enumerate([*(v.numpy() for v in self._plain_variables()), *self._layout.export()]):
            store[str(i)] = value

    def load_own_variables(self, store: Any) -> None:
        """Load what `save_own_variables` saved, also from a file of Keras's optimizer with the same state."""
        plain = self._plain_variables()
        expected = len(plain) + sum(1 for _ in self._layout.export())
        if len(store.keys()) != expected:
            warnings.warn(
                f"Skipping the state of optimizer {self.name!r}: it expects {expected} arrays and the file has "
                f"{len(store.keys())}. Build it on the same variables, with the same arguments, as the saved one.",
                stacklevel=2,
            )
            return
        values = (store[str(i)] for i in range(expected))
        for variable in plain:
            variable.assign(next(values))
        self._layout.restore(values)

    def _plain_variables(self) -> list[Any]:
        state = {id(v) for v in self._layout.variables()}
        return [v for v in self.variables if id(v) not in state]

    # --- the step ------------------------------------------------------------------------------------------------

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Take one step with these gradients."""
        grads = list(grads)
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            self.build(trainable_variables)
        with _backend.start_after(grads):
            super().apply(grads, trainable_variables)

    def update(self, grads: list[Any], variables: list[Any]) -> None:
        """Take one step; Keras calls it from `apply`. Run op by op, it goes through a graph of its own."""
        indices = self._indices_of(variables)
        lr = _backend.as_tensor(self.learning_rate)
        grads = [_backend.as_gradient(g) for g in grads]
        if _backend.in_eager_loop():
            self._traces.get(indices, self._step)(grads, lr)
        else:
            self._step(indices, grads, lr)

    def _indices_of(self, variables: list[Any]) -> tuple[int, ...]:
        known = self.known_variables
        if len(variables) == len(known) and all(a is b for a, b in zip(variables, known, strict=True)):
            return tuple(range(len(known)))
        return tuple(self.index_of(v) for v in variables)

    def _step(self, indices: tuple[int, ...], grads: list[Any], lr: Any) -> None:
        grads = _backend.all_reduce_sum(grads)
        grads = [_backend.sum_duplicates(g) if _backend.is_sparse(g) else g for g in grads]
        grads, active = self._accumulate(indices, grads)
        t = _backend.as_tensor(self.iterations) + 1
        if self.skip_nonfinite:
            finite = _backend.all_finite(grads)
            t = t - _backend.as_tensor(self._skipped)
            self._count_skipped(finite, active)
            active = finite if active is None else active & finite
        grads = self.clip_gradients(grads)
        decay = None if self.weight_decay is None else _masked(active, lr * self.weight_decay)
        _backend.merge_replicas(partial(self._write, indices), grads, decay, lr, t, active)

    def _accumulate(self, indices: tuple[int, ...], grads: list[Any]) -> tuple[list[Any], Any]:
        """Return the mean over the micro-steps so far, and whether the last of them has come."""
        if not self.gradient_accumulation_steps:
            return grads, None
        due = (_backend.as_tensor(self.micro_steps) + 1) % self.gradient_accumulation_steps == 0
        sums = [self.accumulators[i] for i in indices]
        totals = [_backend.as_tensor(s) + _backend.densify(g, s.shape) for s, g in zip(sums, grads, strict=True)]
        _backend.merge_replicas(partial(_assign_all, sums), [_masked(~due, total) for total in totals])
        return [total / self.gradient_accumulation_steps for total in totals], due

    def _count_skipped(self, finite: Any, active: Any) -> None:
        bad = ~finite if active is None else active & ~finite
        skipped = _backend.as_tensor(self._skipped) + ops.cast(bad, "int64")
        _backend.merge_replicas(partial(_assign_all, [self._skipped]), [skipped])

    def _write(self, indices: tuple[int, ...], grads: list[Any], decay: Any, *step: Any) -> None:
        grad_of = dict(zip(indices, grads, strict=True))
        for block in self._layout.blocks:
            if not grad_of.keys() & set(block.indices):
                continue
            variables = [self.known_variables[i] for i in block.indices]
            thetas = [_backend.native(v) for v in variables]
            gs = [grad_of.get(i) for i in block.indices]
            decays = [decay if decay is not None and self.decays(v) else None for v in variables]
            state = {name: _backend.native(v) for name, v in block.state.items()}
            if block.length is None:
                _backend.each_replica(thetas[0], self._updater.single, gs[0], decays[0], *step, state)
            else:
                _backend.each_replica(thetas[0], self._updater.tile, thetas, gs, decays, block.length, *step, state)
        if self.use_ema:
            self._average(*step)

    def _average(self, lr: Any, t: Any, active: Any) -> None:
        del lr
        for variable, average in zip(self.known_variables, self.averages, strict=True):
            if average is not None:
                _backend.each_replica(_backend.native(variable), self._average_one, _backend.native(average), t, active)

    def _average_one(self, theta: Any, average: Any, t: Any, active: Any) -> None:
        """Move Keras's `use_ema` average on; it starts as a copy of the first updated weights."""
        dtype = _numerics.working_dtype(theta.dtype.name)
        old, now = ops.cast(_backend.as_tensor(average), dtype), ops.cast(_backend.as_tensor(theta), dtype)
        share = ops.where(t == 1, ops.zeros((), dtype), ops.cast(self.ema_momentum, dtype))
        moved = share * old + (1 - share) * now
        moved = moved if active is None else ops.where(active, moved, old)
        average.assign(ops.cast(moved, theta.dtype.name))
        if self.ema_overwrite_frequency:
            due = t % self.ema_overwrite_frequency == 0
            due = due if active is None else due & active
            theta.assign(ops.cast(ops.where(due, moved, now), theta.dtype.name))

    # --- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this optimizer again."""
        own = {name: getattr(self, name) for name in (*self.hyperparameters, "skip_nonfinite")}
        return super().get_config() | own

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.hyperparameters and getattr(self, "built", False):
            raise AttributeError(
                f"`{name}` is compiled into the update step of {self.name!r} and cannot change after the first step. "
                f"Received: {name}={value!r}. Compile the model with a new optimizer, or change `learning_rate`."
            )
        super().__setattr__(name, value)


class _Traces:
    """One graph of the whole step for each set of variables that gets gradients, for use outside `fit`."""

    def __init__(self) -> None:
        self._traces: dict[tuple[int, ...], Any] = {}

    def get(self, indices: tuple[int, ...], step: Callable[..., None]) -> Any:
        if indices not in self._traces:
            self._traces[indices] = _backend.trace(partial(step, indices))
        return self._traces[indices]


def _masked(active: Any, value: Any) -> Any:
    """Return `value`, or 0 where the step does not count."""
    return value if active is None else ops.where(active, value, ops.zeros_like(value))


def _assign_all(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        _backend.each_replica(_backend.native(variable), lambda v, new: v.assign(new), value)

"""What every optimizer of the suite shares, so that a file holds only its box."""

import numbers
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np

from .. import _checks, _describe, _numerics, clipping, telemetry
from ..integration import backend, fit, keras_private, train_step
from . import _files, _step
from ._layout import Layout
from ._update import Traces, Updater

_COMPILED = (
    "skip_nonfinite",
    "weight_decay",
    "clip",
    "clipnorm",
    "clipvalue",
    "global_clipnorm",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "gradient_accumulation_steps",
)

_OF_KERAS = (
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
    "name",
)
"""Arguments that go to Keras as they are."""


class AbstractOptimizer(keras_private.Optimizer):
    """Keras's optimizer around a pure rule that reads as the book's box.

    A subclass names its `state_names` and `hyperparameters` and writes
    `rule(g, lr, t, **state) -> (delta_theta, new_state)`, where t counts updates from 1 and all state starts at 0.
    A rule with a parameter named `theta` is also given the variable's value, in the dtype of g.

    A rule of which each entry of the step depends on the same entry of g, theta and state alone should say
    `elementwise = True`: then small variables are updated together, laid end to end in one vector. By default
    no such thing is assumed: each variable is updated alone, in its
    own shape, so that norms over a layer (LARS, LAMB) and products of matrices are right. This costs some 10 us a step
    for each variable, and sparse gradients are made dense.

    One step: sum the gradients over replicas; accumulate; look for non-finite entries; clip; then run the compiled rule
    on each block of variables (see _layout); then the moving average. While a callback listens, each block leaves a row
    of telemetry (see telemetry). A step that does not count (in the middle of an accumulation, or skipped) goes the
    same way and changes nothing: every write is masked, nothing is branched.

    Args:
        learning_rate: Step size epsilon_k: a number, a `LearningRateSchedule` or a callable without arguments.
        skip_nonfinite: Whether a step whose gradient has an infinite or NaN entry leaves weights and state untouched
            and is counted in `skipped_steps`. In Keras's training step the statistics of batch normalization and the
            reported loss and metrics are left untouched too; in a `train_step` of your own, where it calls
            `super().train_step(data)`. Defaults to `False`: it propagates, as in Keras.
        clip: A rule of `keras_ch8.clipping`. Clipping acts on the whole gradient, after the sum over replicas and the
            accumulation. Defaults to `None`.
        clipnorm, global_clipnorm, clipvalue: Keras's names for `clip=clipping.ByNorm(...)`, `ByGlobalNorm(...)` and
            `ByValue(...)`; at most one of the four.
        weight_decay, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps,
            name: As in `keras.optimizers.Optimizer`. `use_ema` and schedules count updates, not micro-steps (a
            schedule also those that `skip_nonfinite` leaves out).
    """

    rule: Callable[..., tuple[Any, dict[str, Any]]]
    """The algorithm's box."""
    state_names: tuple[str, ...] = ()
    hyperparameters: tuple[str, ...] = ()
    elementwise = False
    """Whether each entry of the step depends on the same entry of gradient, theta and state alone."""
    rests_without_gradient = False
    """Whether entries whose gradient is 0 keep theta and state, so that only touched rows of an embedding move, if the
    rule is elementwise."""

    def __init__(
        self,
        learning_rate: Any,
        *,
        skip_nonfinite: bool = False,
        clip: Any = None,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        **kwargs: Any,
    ) -> None:
        _checks.known_to_keras(type(self).__name__, kwargs, _OF_KERAS)
        rule = clipping.rule_of(clip, clipnorm=clipnorm, clipvalue=clipvalue, global_clipnorm=global_clipnorm)
        super().__init__(
            learning_rate=_checks.learning_rate(learning_rate),
            weight_decay=_checks.weight_decay(weight_decay),
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            **kwargs,
        )
        self.skip_nonfinite, self.has_warned = skip_nonfinite, False
        if skip_nonfinite:
            train_step.install(type(self).__name__)
            fit.install(type(self).__name__)
        self.clip = clip if clip is None else rule
        self.telemetry = telemetry.Recorder()
        self.clipping_rule = rule
        self._clipper: clipping.Clipper
        self.skipped: Any = None
        self._of_keras: int | None = None
        self._layout = Layout({})
        self._updater = Updater(self.rule, row_by_row=self.elementwise and self.rests_without_gradient)
        self._traces = Traces()

    def theta(self, variable: Any, **state: Any) -> Any:
        """Return the book's theta, given the variable's value and state."""
        del state
        return variable

    # --- state ---------------------------------------------------------------------------------------------------

    def build(self, variables: list[Any]) -> None:
        """Create the state for these variables."""
        if self.built:
            return
        own = {i: v for i, v in enumerate(variables) if not keras_private.is_overwritten_by_gradient(v)}
        labels = {i: _label(v) for i, v in own.items()}
        for i, v in own.items():
            _checks.floating(type(self).__name__, labels[i], backend.dtype_of(v))
        super().build(variables)
        self._of_keras = len(self.variables)
        kinds = {i: (tuple(v.shape), backend.dtype_of(v), backend.device_of(v)) for i, v in own.items()}
        self._layout = Layout(kinds, self.elementwise)
        if self.skip_nonfinite:
            self.skipped = self.add_variable((), dtype="int64", name="skipped")
        self._clipper = clipping.Clipper(
            self.clipping_rule, variables, lambda shape, name: self.add_variable(shape, dtype="float32", name=name)
        )
        self._layout.create_state(
            self.state_names, labels, lambda shape, dtype, name: self.add_variable(shape, dtype=dtype, name=name)
        )

    def add_variable_from_reference(self, reference_variable: Any, name: Any = None, initializer: Any = "zeros") -> Any:
        """Create Keras's averages and accumulators in the working dtype: sums of small numbers, like the state."""
        if not _numerics.is_narrow(backend.dtype_of(reference_variable)):
            return super().add_variable_from_reference(reference_variable, name=name, initializer=initializer)
        label = f"{_label(reference_variable)}_{name}"
        return self.add_variable(reference_variable.shape, initializer, dtype="float32", name=label)

    @property
    def skipped_steps(self) -> int:
        """How many updates `skip_nonfinite` has left out."""
        return 0 if self.skipped is None else int(self.skipped.numpy())

    def state_of(self, variable: Any) -> dict[str, np.ndarray]:
        """Return the state that belongs to one variable, by the book's letters, in the variable's shape."""
        try:
            index = self.index_of(variable)
        except KeyError:
            raise ValueError(
                f"Optimizer {self.name!r} has no state for {_label(variable)!r}: it was built on "
                f"{[_label(v) for v in self.known_variables]}. Take a step, or call `build`, with this variable."
            ) from None
        return self._layout.state_of(index)

    def book_variables(self) -> list[np.ndarray]:
        """Return the book's theta, one array for each variable that the optimizer was built with."""
        values = [backend.native(v).numpy() for v in self.known_variables]
        return [theta.astype(value.dtype) for theta, value in zip(self._wide_thetas(), values, strict=True)]

    def _wide_thetas(self) -> list[np.ndarray]:
        """Return the book's theta, of narrow variables in float32 with what rounding has dropped."""
        thetas = []
        for variable in self.known_variables:
            value, state = backend.native(variable).numpy(), self.state_of(variable)
            residual = state.pop("residual", None)
            if residual is not None:
                value = np.asarray(_numerics.widen(value, residual, backend.dtype_of(variable)))
            thetas.append(np.asarray(self.theta(value, **state)))
        return thetas

    def _place(self, variable: Any, value: Any) -> None:
        """Set a weight from its value in the working dtype, the residual of a narrow one included."""
        block = self._layout.block_of[self.index_of(variable)]
        if "residual" in block.state:
            value, residual = _numerics.narrow(value, block.dtype)
            block.state["residual"].assign(residual)
        backend.native(variable).assign(value)

    def finalize_variable_values(self, var_list: list[Any]) -> None:
        """End of `fit`: with `use_ema`, put the averages into the model."""
        del var_list
        if self.use_ema and self.built:
            for variable, average in zip(self.known_variables, self.averages, strict=True):
                if average is not None:
                    self._place(variable, backend.as_tensor(average))

    def save_own_variables(self, store: Any) -> None:
        """Save counters, averages and sums, then the state of each variable in its own shape."""
        _files.save(store, self._plain_variables(), self._layout)

    def load_own_variables(self, store: Any) -> None:
        """Load what `save_own_variables` saved, also from a file of Keras's optimizer with the same state."""
        _files.load(store, self._plain_variables(), self._layout, into=self, of_keras=self._of_keras)

    def _plain_variables(self) -> list[Any]:
        state = {id(v) for v in self._layout.variables()}
        return [v for v in self.variables if id(v) not in state]

    # --- the step ------------------------------------------------------------------------------------------------

    @property
    def train_step_for(self) -> Callable[..., dict[str, Any]] | None:
        """What takes the training step of a model in the place of Keras's (see integration.train_step)."""
        return partial(train_step.keeping_what_is_skipped, self) if self.skip_nonfinite else None

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Take one step with these gradients."""
        grads = list(grads)
        if grads and trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            self.build(trainable_variables)
        with backend.start_after(grads):
            super().apply(grads, trainable_variables)

    def update(self, grads: list[Any], variables: list[Any]) -> None:
        """Take one step; Keras calls it from `apply`. Run op by op, it goes through a graph of its own."""
        indices = self._indices_of(variables)
        if self.skip_nonfinite:
            train_step.warn_of_what_is_not_kept(self)
        lr = backend.as_tensor(self.learning_rate)
        loss = self.telemetry.take_loss() if self.telemetry.listening else None
        dtypes = [_numerics.working_dtype(self._layout.block_of[i].dtype) for i in indices]
        grads = [backend.as_gradient(g, dtype) for g, dtype in zip(grads, dtypes, strict=True)]
        if backend.in_eager_loop():
            self._traces.get((indices, self.telemetry.settings), partial(_step.take, self, indices))(grads, lr, loss)
        else:
            _step.take(self, indices, grads, lr, loss)

    def _indices_of(self, variables: list[Any]) -> tuple[int, ...]:
        known = self.known_variables
        if len(variables) == len(known) and all(a is b for a, b in zip(variables, known, strict=True)):
            return tuple(range(len(known)))
        return tuple(self.index_of(v) for v in variables)

    # --- telemetry -----------------------------------------------------------------------------------------------

    def listen(self, *, rows: int, every: int, layers: bool = False) -> None:
        """Let each step leave a row of telemetry from now on (see telemetry.Recorder)."""
        self.telemetry.listen(self._telemetry_blocks, rows=rows, every=every, layers=layers)

    def _telemetry_blocks(self) -> telemetry.Blocks:
        blocks = self._layout.blocks
        places = [backend.on(block.device) for block in blocks]
        return telemetry.Blocks([block.span for block in blocks], len(self.known_variables), places)

    def scale_loss(self, loss: Any) -> Any:
        """Scale the loss as `loss_scale_factor` says; Keras calls it in every training step."""
        self.telemetry.hear_loss(loss)
        return super().scale_loss(loss)

    @property
    def learning_rate(self) -> Any:
        """The step size in force: a variable, or the value of the schedule or callable."""
        return super().learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, numbers.Real):
            value = _checks.learning_rate(value)
        keras_private.Optimizer.learning_rate.fset(self, value)

    # --- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this optimizer again."""
        own = {name: getattr(self, name) for name in (*self.hyperparameters, "skip_nonfinite")}
        own["clip"] = keras.saving.serialize_keras_object(self.clip)
        return super().get_config() | own

    def __repr__(self) -> str:
        return _describe.call_of(self, {k: v for k, v in self.get_config().items() if k != "name"})

    def __setattr__(self, name: str, value: Any) -> None:
        if name in (*self.hyperparameters, *_COMPILED) and getattr(self, "built", False):
            mend = "Compile the model with a new optimizer, or change `learning_rate`."
            _checks.compiled(self.name, name, value, mend)
        super().__setattr__(name, value)


def _label(variable: Any) -> str:
    return getattr(variable, "path", variable.name).replace("/", "_").replace(":", "_")

"""What the optimizers of section 8.6 share: they are given a function to minimize, not a gradient to follow."""

import abc
from typing import Any

import keras
import numpy as np

from .. import _checks, _describe, second_order, telemetry
from ..integration import backend, train_step
from . import _closure_step

MEND = (
    "Compile the model with it and call `fit`; in a custom `train_step`, call `super().train_step(data)`. For a "
    "function of your own there is `keras_ch8.second_order.minimize`."
)

_COMPILED = ("iterations_per_step", "accumulate_batches", "gtol", "ftol", "xtol")


class AbstractClosureOptimizer(keras.optimizers.Optimizer):
    """An optimizer that evaluates the loss as often as it likes within a training step (section 8.6).

    All arguments go by name: there is no learning rate, which would be the first of any other optimizer.

    A subclass names its `hyperparameters` and makes its `method` of `keras_ch8.second_order`; the rest is here. In
    `fit`, a step takes a batch, makes `iterations_per_step` iterations on its loss, all in one XLA program, and leaves
    the weights that the next step goes on from, or the best of the step if it is the last. The random masks of Dropout
    stay the same within a step, and batch normalization moves its statistics once; loss and metrics that `fit` reports
    are those before the step, as ever in Keras.
    `iterations` counts those of the method.

    Give it all examples in each batch (`batch_size=len(x)`), or with `accumulate_batches` all batches in each step.
    Batches that differ are minimized in turn, which a warning says once. When the method has converged or cannot go on,
    the training ends, and `stop_reason` says why. (In the very first step it may be that of one batch among many only;
    then another step must confirm it.)

    Args:
        iterations_per_step: Integer of at least 1: iterations in a training step. More of them leave less for Keras to
            do between them. Defaults to `1`.
        accumulate_batches: Whether the loss is the mean over all batches of an execution, of
            `compile(steps_per_execution=...)` batches; set that to the number of batches in an epoch. Each evaluation
            then goes through all of them, one after the other. Defaults to `False`.
        gtol: Number of at least 0: converged if no entry of the gradient is above it. Defaults to `1e-8`.
        ftol: Number of at least 0: converged if an iteration changes the loss by less than this share of it. Defaults
            to `0.0`: never.
        xtol: Number of at least 0: converged if a step is shorter than this share of the weights. Defaults to `0.0`.
        name: As in `keras.optimizers.Optimizer`.
    """

    hyperparameters: tuple[str, ...] = ()

    def __init__(
        self,
        *args: Any,
        iterations_per_step: int = 1,
        accumulate_batches: bool = False,
        gtol: float = 1e-8,
        ftol: float = 0.0,
        xtol: float = 0.0,
        name: str | None = None,
        **unknown: Any,
    ) -> None:
        _checks.no_other_arguments(type(self).__name__, args, unknown, (*self.hyperparameters, *_COMPILED, "name"))
        super().__init__(learning_rate=1.0, name=name)
        self.iterations_per_step = _checks.count(
            "iterations_per_step", iterations_per_step, 1, meaning="iterations in a training step", mend="Try 1."
        )
        self.accumulate_batches = bool(accumulate_batches)
        self.gtol, self.ftol, self.xtol = (
            _checks.tolerance(key, value, mend="Try 1e-8; 0 is never.")
            for key, value in (("gtol", gtol), ("ftol", ftol), ("xtol", xtol))
        )
        self.telemetry = telemetry.SolverLog()
        self.stop_reason: str | None = None
        self.has_warned = False
        self.programs: dict[Any, Any] = {}
        train_step.install(type(self).__name__)
        train_step.install_maker(type(self).__name__)

    @property
    @abc.abstractmethod
    def method(self) -> "second_order.AbstractMethod":
        """The method of `keras_ch8.second_order`, with these arguments."""

    def refuse(self, model: Any) -> None:
        """Raise where this method cannot train the model."""

    # --- state ---------------------------------------------------------------------------------------------------

    def build(self, variables: list[Any]) -> None:
        """Create what the method remembers for these variables, laid end to end."""
        variables = list(variables)
        if self.built:
            self._refuse_others(variables)
            return
        for v in variables:
            _refuse_unfit(type(self).__name__, v)
        super().build(variables)
        self.known = [id(v) for v in variables]
        self.sizes = [int(np.prod(v.shape)) for v in variables]
        self.dtype = "float64" if any(backend.dtype_of(v) == "float64" for v in variables) else "float32"
        blank = backend.eagerly(lambda: second_order.init_state(self.method, sum(self.sizes), self.dtype).as_dict())
        self.kept = {
            name: self.add_variable(value.shape, _constant(value), dtype=value.dtype.name, name=name)
            for name, value in blank.items()
        }

    def _refuse_others(self, variables: list[Any]) -> None:
        if [id(v) for v in variables] != self.known:
            raise ValueError(
                f"{self.name!r} remembers the curvature for the weights that it was built with. Received: "
                f"{len(variables)} variables which are not those {len(self.known)}, of another model or after a change "
                "of `trainable`. Compile the model with a new optimizer."
            )

    @property
    def stop(self) -> "second_order.Stop":
        """When a training step is over."""
        return second_order.Stop(
            gtol=keras.ops.convert_to_tensor(self.gtol, self.dtype),
            ftol=keras.ops.convert_to_tensor(self.ftol, self.dtype),
            xtol=keras.ops.convert_to_tensor(self.xtol, self.dtype),
            max_iterations=keras.ops.convert_to_tensor(self.iterations_per_step, "int32"),
        )

    @property
    def status(self) -> "second_order.Status":
        """How the last training step ended."""
        return second_order.Status(int(self.kept["status"].numpy()))

    @property
    def is_on_new_data(self) -> bool:
        """Whether the last step began with another loss than the one before it had ended with, or was the first."""
        return bool(self.kept["is_new"].numpy())

    def listen(self, *, rows: int, every: int, layers: bool = False) -> None:
        """Let each iteration leave a row of telemetry from now on."""
        del every
        names = telemetry.SOLVER_NUMBERS + self.method.numbers
        sizes = (lambda: self.sizes) if layers else None
        self.telemetry.listen(rows * self.iterations_per_step, names, sizes)

    # --- the training step (see integration.train_step) ----------------------------------------------------------

    def train_step_for(self, model: Any, data: Any, keras_train_step: Any) -> dict[str, Any]:
        """Take the training step of a model in the place of Keras's."""
        del keras_train_step
        return _closure_step.take(self, model, [data])

    def make_train_function_for(self, model: Any, keras_make: Any) -> None:
        """Make the train function of a model."""
        _closure_step.make_train_function(self, model, keras_make)

    # --- what Keras asks -----------------------------------------------------------------------------------------

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Refuse: one gradient is not enough."""
        del grads, trainable_variables
        raise RuntimeError(
            f"`{type(self).__name__}` evaluates the loss several times in a step, so it cannot be given gradients. "
            f"Received: a call of `apply` or `apply_gradients`. {MEND}"
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this optimizer again."""
        names = (*self.hyperparameters, *_COMPILED)
        own = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}
        return {"name": self.name, **own}

    @property
    def learning_rate(self) -> Any:
        """1: there is none."""
        return super().learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError(
            f"`{type(self).__name__}` finds the length of each step itself. Received: learning_rate={value!r}. Leave "
            "out the callback that sets it, or use a first-order optimizer."
        )

    def __repr__(self) -> str:
        return _describe.call_of(self, {k: v for k, v in self.get_config().items() if k != "name"})

    def __setattr__(self, name: str, value: Any) -> None:
        if name in (*self.hyperparameters, *_COMPILED) and getattr(self, "built", False):
            _checks.compiled(self.name, name, value, "Compile the model with a new optimizer.")
        super().__setattr__(name, value)


def _refuse_unfit(owner: str, variable: Any) -> None:
    path, dtype = getattr(variable, "path", variable.name), backend.dtype_of(variable)
    _checks.floating(owner, path, dtype)
    if dtype not in ("float32", "float64"):
        raise ValueError(
            f"`{owner}` compares losses that differ in the last digits, so weights must be float32 or float64. "
            f"Received: {path!r} of dtype {dtype}. Use a policy such as 'mixed_bfloat16', whose weights are float32."
        )
    if getattr(variable, "constraint", None) is not None:
        raise ValueError(
            f"`{owner}` minimizes without constraints. Received: {path!r} with {variable.constraint!r}. Leave the "
            "constraint out, or use a first-order optimizer."
        )


def _constant(value: np.ndarray) -> Any:
    def initializer(shape: Any, dtype: Any = None) -> Any:
        del shape
        return keras.ops.convert_to_tensor(value, dtype)

    return initializer

"""The base of the optimizers of section 8.6: they evaluate the loss, and are not given a gradient to follow."""

import dataclasses
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from .. import _checks
from .._describe import short
from .._types import Config, Data, Logs, Tensor
from ..integration import backend, keras_private, multi_worker, train_step
from ..second_order.contract import Method
from ..second_order.loop import Recording, SolverState, Status, Stop, Totals, init_state, resume
from ..second_order.result import History, OptimizeResult
from ..telemetry.solver_log import SOLVER_NUMBERS, SolverLog
from . import _arguments, _batch_loss, _weight_bounds
from ._batch_loss import BatchLoss, Stack

FIX = (
    "Compile the model with it and call `fit`; in a custom `train_step`, call `super().train_step(data)`. For a "
    "function of your own there is `keras_ch8.second_order.minimize`."
)

TrainFunction = Callable[[Iterator[Data]], Logs]

_OWN = ("iterations_per_step", "accumulate_batches", "gtol", "ftol", "xtol", "bounds")


class ClosureOptimizer(_arguments.FixedOnceBuilt, keras.optimizers.Optimizer):
    """The base of every optimizer that evaluates the loss as often as it likes within a training step (section 8.6).

    A subclass names the method of `keras_ch8.second_order` that it brings into `fit`, a frozen dataclass:
    `class Mine(ClosureOptimizer, method=MyMethod)`. The fields of the method become its arguments, and the method
    checks them. All arguments go by name: there is no learning rate, which would be the first of any other optimizer.

    In `fit`, a step takes a batch, makes `iterations_per_step` iterations on its loss, all in one XLA program, and
    leaves the weights that the next step goes on from, or the best of the step if it is the last. The random masks of
    Dropout stay the same within a step, and batch normalization moves its statistics once; loss and metrics that `fit`
    reports are those before the step, as ever in Keras. `iterations` counts those of the method.

    Give it all examples in each batch (`batch_size=len(x)`), or with `accumulate_batches` all batches in each step.
    Batches that differ are minimized in turn, which a warning says once. When the method has converged or cannot go on,
    the training ends; `stop_reason` says why, and `result` where and at which cost. (In the very first step it may be
    that of one batch among many only; then another step must confirm it.)

    The progress bar of `fit`, its `logs` and `History` have three numbers more, of the end of the step:
    `gradient_norm`, the largest entry of the gradient; `step`, the largest entry of the last move; and `evaluations`,
    of the loss and its gradient since the optimizer was built. For one line that goes on, let an epoch have many steps:
    `fit(tf.data.Dataset.from_tensors((x, y)).repeat(), steps_per_epoch=100)`.

    Args:
        iterations_per_step: Integer of at least 1: iterations in a training step. More of them leave less for Keras to
            do between them. Defaults to `1`.
        accumulate_batches: Whether the loss is the mean over all batches of an execution, of
            `compile(steps_per_execution=...)` batches; set that to the number of batches in an epoch. Each evaluation
            then goes through all of them, one after the other. Defaults to `False`.
        gtol: Number of at least 0: converged if no entry of the gradient is above it. Defaults to `1e-8`.
        ftol: Number of at least 0: converged if an iteration changes the loss by less than this fraction of it.
            Defaults to `0.0`: never.
        xtol: Number of at least 0: converged if a step is shorter than this fraction of the weights. Defaults to `0.0`.
        bounds: The lowest and the highest value of weights, by patterns of their paths, where `*` is any text:
            `{"*/kernel": (0.0, None)}`. The first pattern that fits a weight counts. Only `LBFGS` takes them. Weights
            outside are moved to the bound before the first evaluation, and never leave again. Defaults to `None`.
        name: As in `keras.optimizers.Optimizer`.

    Raises:
        TypeError: If a subclass names no method, or an argument is unknown.
        ValueError: If an argument lies outside its range.

    Example:
        The gradient method of Barzilai and Borwein (1988), which is not in the chapter:

        >>> import dataclasses
        >>> @dataclasses.dataclass(frozen=True)
        ... class BarzilaiBorweinMethod(keras_ch8.extend.Descent):
        ...     takes_unit_steps = True
        ...
        ...     def init_memory(self, n, dtype):
        ...         return {"alpha": keras.ops.ones((), dtype)}
        ...
        ...     def direction(self, problem, point, known, alpha):
        ...         return -alpha * point.gradient
        ...
        ...     def learn(self, move, known, alpha):
        ...         curvature = keras.ops.sum(move.s * move.y)
        ...         new = keras.ops.where(curvature > 0, keras.ops.sum(move.s**2) / curvature, alpha)
        ...         return {"alpha": new}, curvature > 0
        >>> @keras.saving.register_keras_serializable(package="mine")
        ... class BarzilaiBorwein(keras_ch8.extend.ClosureOptimizer, method=BarzilaiBorweinMethod):
        ...     pass
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile(BarzilaiBorwein(iterations_per_step=5), "mse")
        >>> history = model.fit(x, x @ [1.0, 2.0, 3.0], batch_size=64, epochs=10, verbose=0).history
        >>> history["loss"][-1] < 1e-6
        True
    """

    hyperparameters: tuple[str, ...] = ()
    """The fields of the method."""
    compiled = _OWN
    uses_curvature = True
    """Whether the direction depends on curvature: where it does, the diagnosis recommends no such optimizer."""
    _method: type[Method] | None = None

    def __init_subclass__(cls, method: type[Method] | None = None, **kwargs: Any) -> None:
        """Take the fields of a method as arguments, and show them in the signature."""
        super().__init_subclass__(**kwargs)
        if method is not None:
            fields = [field for field in dataclasses.fields(method) if field.init]
            cls._method, cls.hyperparameters = method, tuple(field.name for field in fields)
            own = [
                inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=_default_of(f), annotation=f.type)
                for f in fields
            ]
            of_all = inspect.signature(ClosureOptimizer.__init__).parameters.values()
            shared = [p for p in of_all if p.kind is p.KEYWORD_ONLY]
            cls.__signature__ = inspect.Signature(own + shared)

    def __init__(
        self,
        *args: Any,
        iterations_per_step: int = 1,
        accumulate_batches: bool = False,
        gtol: float = 1e-8,
        ftol: float = 0.0,
        xtol: float = 0.0,
        bounds: Mapping[str, tuple[float, float]] | None = None,
        name: str | None = None,
        **of_method: Any,
    ) -> None:
        owner = type(self).__name__
        if self._method is None:
            raise TypeError(
                f"`{owner}` must name the method that it brings into `fit`. Received: a class without one. Write "
                f"`class {owner}(ClosureOptimizer, method=...)` with a method of `keras_ch8.second_order`."
            )
        unknown = {key: value for key, value in of_method.items() if key not in self.hyperparameters}
        _arguments.no_other_arguments(owner, args, unknown, (*self.hyperparameters, *_OWN, "name"))
        super().__init__(learning_rate=1.0, name=_checks.label(name))
        method = self._method(**_read(of_method))
        for key in self.hyperparameters:
            setattr(self, key, getattr(method, key))
        self.iterations_per_step = _checks.count(
            "iterations_per_step", iterations_per_step, 1, meaning="iterations in a training step", fix="Try 1."
        )
        meaning = "whether the loss is the mean over all batches of an execution"
        self.accumulate_batches = _checks.flag("accumulate_batches", accumulate_batches, meaning=meaning)
        self.gtol, self.ftol, self.xtol = _checks.tolerances(gtol=gtol, ftol=ftol, xtol=xtol).values()
        self.bounds = _weight_bounds.checked(bounds, method)
        self.telemetry = SolverLog()
        self.end = Status.RUNNING
        self.has_warned = False
        self.programs: dict[Any, Callable[..., Any]] = {}
        train_step.install(owner)
        train_step.install_maker(owner)
        multi_worker.prepare(None, owner)  # so that `fit` gets to where it refuses several replicas

    @property
    def method(self) -> Method:
        """The method of `keras_ch8.second_order`, with these arguments."""
        method: Callable[..., Method] = type(self)._method  # type: ignore[assignment]
        return method(**{name: getattr(self, name) for name in self.hyperparameters})

    def refuse(self, model: keras.Model) -> None:
        """Raise where this method cannot train the model."""

    def check(self, model: keras.Model) -> None:
        """Raise where the model, which has its weights, cannot be trained with this optimizer; make nothing for it."""
        _batch_loss.refuse_without_weights(type(self).__name__, model)
        _batch_loss.refuse_surroundings(type(self).__name__, model, self.accumulate_batches)
        self.refuse(model)
        self._check_variables(model.trainable_variables)

    def _check_variables(self, variables: list[keras.Variable]) -> None:
        if not self.built:
            _batch_loss.refuse_variables(type(self).__name__, variables)
            self.method.check(sum(int(np.prod(v.shape)) for v in variables))
            _weight_bounds.of_weights(self.bounds, variables, "float64")
        elif [id(v) for v in variables] != self.known:
            raise ValueError(
                f"{self.name!r} remembers the curvature for the weights that it was built with. Received: "
                f"{len(variables)} variables which are not those {len(self.known)}, of another model or after a change "
                "of `trainable`. Compile the model with a new optimizer."
            )

    # --- state ---------------------------------------------------------------------------------------------------

    def build(self, variables: list[keras.Variable]) -> None:
        """Create what the method remembers for these variables, laid end to end."""
        variables = list(variables)
        self._check_variables(variables)
        if self.built:
            return
        super().build(variables)
        self.known = [id(v) for v in variables]
        self.sizes = [int(np.prod(v.shape)) for v in variables]
        self.dtype = "float64" if any(backend.dtype_of(v) == "float64" for v in variables) else "float32"
        self.box = _weight_bounds.of_weights(self.bounds, variables, self.dtype)
        blank = backend.eagerly(lambda: init_state(self.method, sum(self.sizes), self.dtype).as_dict())
        self.kept = {
            name: self.add_variable(value.shape, value, dtype=value.dtype.name, name=name)
            for name, value in blank.items()
        }

    @property
    def stop(self) -> Stop:
        """When a training step is over."""
        return Stop(
            gtol=keras.ops.convert_to_tensor(self.gtol, self.dtype),
            ftol=keras.ops.convert_to_tensor(self.ftol, self.dtype),
            xtol=keras.ops.convert_to_tensor(self.xtol, self.dtype),
            max_iterations=keras.ops.convert_to_tensor(self.iterations_per_step, "int32"),
        )

    @property
    def status(self) -> Status:
        """How the last training step ended."""
        return Status(int(self.kept["status"].numpy()))

    @property
    def stop_reason(self) -> str | None:
        """Why the last training ended by itself, and what to do about it; None if it did not."""
        return None if self.end == Status.RUNNING else self.end.message(self.dtype)

    @property
    def fault_of_loss(self) -> str:
        """The same where the loss or its gradient is to blame; else ""."""
        return self.end.message(self.dtype) if self.end.blames_function else ""

    @property
    def result(self) -> OptimizeResult:
        """Where the last training ended, as `second_order.minimize` says it; costs are those since it was built."""
        if not self.built:
            raise RuntimeError(
                f"`result` is what a training has found. Received: `{type(self).__name__}` before its first `fit`."
            )
        kept = {name: variable.numpy() for name, variable in self.kept.items()}
        spent = Totals(*map(int, kept["totals"]))
        value, norm = float(kept["value"]), float(kept["norm"])
        return OptimizeResult(
            x=np.concatenate([np.ravel(v.numpy()) for v in keras_private.known_variables(self)]).astype(self.dtype),
            fun=value,
            gradient_norm=norm,
            nit=spent.iterations,
            nfev=spent.evaluations,
            nhev=spent.products,
            restarts=spent.restarts,
            skipped_pairs=spent.skipped_pairs,
            status=self.end,
            history=History(*map(np.array, ([spent.iterations], [value], [norm], [float(kept["step"])]))),
        )

    @property
    def is_on_new_data(self) -> bool:
        """Whether the last step began with another loss than the one before it had ended with, or was the first."""
        return bool(self.kept["is_new"].numpy())

    def listen(self, *, rows: int, measure_every: int) -> None:
        """Let each iteration leave a row of telemetry from now on."""
        del measure_every
        self.telemetry.listen(rows * self.iterations_per_step, SOLVER_NUMBERS + self.method.numbers)

    # --- the training step, from the batches to new weights (see integration.train_step) -------------------------

    def train_step_for(self, model: keras.Model, data: Data, keras_train_step: Callable[..., Logs]) -> Logs:
        """Take the training step of a model in the place of Keras's."""
        del keras_train_step
        return self._take_step(model, [data])

    def _take_step(self, model: keras.Model, batches: Sequence[Data]) -> Logs:
        """Minimize the mean loss over these batches for some iterations; return the metrics as they were before."""
        parts = [keras.utils.unpack_x_y_sample_weight(batch) for batch in batches]
        if not model.built:
            keras_private.build_on(model, parts[0])
        self.check(model)
        self.build(model.trainable_variables)
        stacks = _batch_loss.stacks_of(parts)
        loss, y_pred = self._program(model)(stacks)
        x, y, sample_weight = _batch_loss.joined(stacks)
        return keras_private.update_metrics(model, loss, keras_private.Batch(x, y, sample_weight), y_pred)

    def _key(self, model: keras.Model) -> tuple[int, Any]:
        return id(model), self.telemetry.settings

    def _program(self, model: keras.Model) -> Callable[..., Any]:
        """Return the compiled step: one for each model, and for each way to listen."""
        key = self._key(model)
        if key not in self.programs:
            compile_ = backend.compile_xla if keras_private.can_be_compiled(model) else backend.trace_each
            self.programs[key] = compile_(partial(self._iterate, model))
        return self.programs[key]

    def _iterate(self, model: keras.Model, stacks: Sequence[Stack]) -> tuple[Tensor, Tensor]:
        """Make the iterations and write what has changed; return loss and outputs before."""
        loss = BatchLoss(model, stacks, self.dtype, self.box)
        start, y_pred, moved = loss.first()
        before = SolverState.of({name: backend.as_tensor(v) for name, v in self.kept.items()})
        log = self.telemetry.begin(backend.as_tensor(self.iterations))
        recording = Recording(log, self.telemetry.add)
        end, memory, log = resume(loss.problem, self.method, start, before, self.stop, recording)
        self.telemetry.end(log)
        for variable, value in loss.weights(end.x):
            backend.native(variable).assign(value)
        is_sound = memory.status != Status.NOT_FINITE_AT_START
        for variable, value in moved:
            backend.native(variable).assign(ops.where(is_sound, value, backend.as_tensor(variable)))
        for name, value in memory.as_dict().items():
            backend.native(self.kept[name]).assign(value)
        count = backend.native(self.iterations)
        count.assign_add(ops.cast(memory.totals[0] - before.totals[0], count.dtype.name))
        return start.value, y_pred

    # --- the train function: where a training is refused before it starts, and ended ------------------------------

    def make_train_function_for(self, model: keras.Model, keras_make: Callable[[], None]) -> None:
        """Make the train function of a model, by Keras or over several batches, and let it end the training."""
        _batch_loss.refuse_scaled_loss(self, model)
        self.programs.pop(self._key(model), None)  # the loss of this model may have become another one
        if model.built:
            self.check(model)
            self.build(model.trainable_variables)
        else:
            _batch_loss.refuse_surroundings(type(self).__name__, model, self.accumulate_batches)
        if self.accumulate_batches:
            model.train_function = self._over_batches(model)
        else:
            keras_make()
        model.train_function = self._ending(model, model.train_function)

    def _over_batches(self, model: keras.Model) -> TrainFunction:
        """Return a train function that takes the batches of an execution together."""
        step = backend.trace_each(partial(self._take_step, model))

        def train_function(iterator: Iterator[Data]) -> Logs:
            batches = [batch for _, batch in zip(range(model.steps_per_execution), iterator, strict=False)]
            if not batches:
                raise StopIteration
            logs: Logs = step(batches)
            return logs

        return train_function

    def _ending(self, model: keras.Model, train_function: TrainFunction) -> TrainFunction:
        """Return a train function that ends the training when there is nothing more to do."""
        known_fit = object()
        self.end = Status.RUNNING

        def ending(iterator: Iterator[Data]) -> Logs:
            nonlocal known_fit
            logs = train_function(iterator)
            of_fit = getattr(model, "history", None)  # a new one in each `fit`, which may be on other data
            is_first, known_fit = of_fit is not known_fit, of_fit
            status, is_new = self.status, self.is_on_new_data
            is_broken = status == Status.NOT_FINITE_AT_START
            if is_broken or (status.is_end and (is_first or not is_new)):
                if status != Status.CONVERGED_AT_START or self.end == Status.RUNNING:
                    self.end = status
                model.stop_training = model.stop_training or is_broken or not is_new
            else:
                self.end = Status.RUNNING
                if is_new and not is_first:
                    self._warn_of_new_data()
            is_of_fit = not inspect.isgenerator(iterator)  # `train_on_batch` returns the metrics, and nothing else
            return logs | self._numbers() if is_of_fit else logs

        return ending

    def _numbers(self) -> Logs:
        """Return what `fit` shows beside the metrics."""
        norm, step, totals = (self.kept[name].numpy() for name in ("norm", "step", "totals"))
        return {"gradient_norm": float(norm), "step": float(step), "evaluations": Totals(*map(int, totals)).evaluations}

    def _warn_of_new_data(self) -> None:
        if not self.has_warned:
            self.has_warned = True
            warnings.warn(
                f"`{type(self).__name__}` minimizes the loss of one batch after the other: this one began with another "
                "loss than the last had ended with. Pass all examples in one batch, `fit(batch_size=len(x))`, or all "
                "batches in one step, `accumulate_batches=True` and `steps_per_execution=<batches of an epoch>`. With "
                "Dropout the loss differs from step to step.",
                UserWarning,
                stacklevel=3,
            )

    # --- what Keras asks -----------------------------------------------------------------------------------------

    def apply(self, grads: list[Tensor], trainable_variables: list[keras.Variable] | None = None) -> None:
        """Refuse: one gradient is not enough."""
        del grads, trainable_variables
        raise RuntimeError(
            f"`{type(self).__name__}` evaluates the loss several times in a step, so it cannot be given gradients. "
            f"Received: a call of `apply` or `apply_gradients`. {FIX}"
        )

    def get_config(self) -> Config:
        """Return the arguments that make this optimizer again."""
        names = (*self.hyperparameters, *_OWN)
        own = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}
        return {"name": self.name, **own}

    @property
    def learning_rate(self) -> keras.Variable:
        """1: there is none."""
        return super().learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError(
            f"`{type(self).__name__}` finds the length of each step itself. Received: learning_rate={short(value)}. "
            "Leave out the callback that sets it, or use a first-order optimizer."
        )


def _default_of(field: dataclasses.Field[Any]) -> Any:
    """Return the default of a field of a dataclass as a signature shows it."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default


def _read(arguments: Config) -> Config:
    """Return the arguments of a method, given also in their saved form; a `line_search` of None is its default."""
    return {
        name: keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value
        for name, value in arguments.items()
        if not (name == "line_search" and value is None)
    }

"""The base of the first-order optimizers: a class of an algorithm holds only its rule, and all else is here."""

import numbers
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from .. import _checks, _numerics
from .._types import Config, Logs, Tensor
from ..clipping import rule as clipping
from ..integration import backend, fit, keras_private, multi_worker, train_step
from . import _arguments, _layout, _update
from ._arguments import LearningRate
from ._layout import Layout, Store
from ._update import Gradients, StepContext, Updater, UpdateRule, Work
from .groups import Group, Grouping, Scaled, groups_of


class RuleOptimizer(_arguments.FixedOnceBuilt, keras_private.Optimizer):
    """The base of every optimizer that follows a gradient: Keras's optimizer around a rule that reads as in the book.

    A subclass names its `state_names` and `hyperparameters` and writes
    `rule(g, lr, t, **state) -> (delta_theta, new_state)`, where t counts updates from 1 and all state starts at 0. The
    rule is a pure function of tensors, written on `keras.ops`, in float32 for float16 and bfloat16 variables and in the
    variable's own type else. A rule with a parameter named `theta` is also given the variable's value.

    A rule of which each entry of the step depends on the same entry of g, theta and state alone should say
    `elementwise = True`: then small variables are updated together, laid end to end in one vector. By default no such
    thing is assumed: each variable is updated alone, in its own shape, so that norms over a layer (LARS, LAMB) and
    products of matrices are right. This costs some 10 us a step for each variable, and sparse gradients are made dense.

    One step sums the gradients over replicas, accumulates them, guards against non-finite entries, clips, and runs the
    compiled rule on each block of variables; then the moving averages follow. A step that does not count (in the middle
    of an accumulation, or skipped) goes the same way and changes nothing: every write is masked, nothing is branched.

    Args:
        learning_rate: Step size epsilon_k: a number, a `LearningRateSchedule` or a callable without arguments.
        skip_nonfinite: Whether a step whose gradient has an infinite or NaN entry leaves weights and state untouched
            and is counted in `skipped_steps`. In Keras's training step the statistics of batch normalization and the
            reported loss and metrics are left untouched too; in a `train_step` of your own, where it calls
            `super().train_step(data)`. Defaults to `False`: it propagates, as in Keras.
        clip: A rule of `keras_ch8.clipping`. Clipping acts on the whole gradient, after the sum over replicas and the
            accumulation. Defaults to `None`.
        groups: List of `optimizers.Group`: weights that have a rate of their own, or decay otherwise. Defaults to `()`.
        clipnorm, global_clipnorm, clipvalue: Keras's names for `clip=clipping.ByNorm(...)`, `ByGlobalNorm(...)` and
            `ByValue(...)`; at most one of the four.
        weight_decay, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps,
            name: As in `keras.optimizers.Optimizer`. `use_ema` and schedules count updates, not micro-steps (a
            schedule also those that `skip_nonfinite` leaves out). Averages of float16 and bfloat16 weights are float32,
            which `keras.callbacks.SwapEMAWeights` cannot swap: take `keras_ch8.callbacks.PolyakAveraging`.

    Raises:
        TypeError: If a subclass has no `rule`, or one whose parameters are not those that `state_names` says.
        ValueError: If an argument lies outside its range; once the weights are known, if a group has none.

    Example:
        Lion (Chen et al. 2023), which is not in the chapter:

        >>> @keras.saving.register_keras_serializable(package="mine")
        ... class Lion(keras_ch8.extend.RuleOptimizer):
        ...     state_names = ("m",)
        ...     hyperparameters = ("beta_1", "beta_2")
        ...     elementwise = True
        ...
        ...     def __init__(self, learning_rate=1e-4, beta_1=0.9, beta_2=0.99, **kwargs):
        ...         super().__init__(learning_rate, **kwargs)
        ...         self.beta_1, self.beta_2 = beta_1, beta_2
        ...
        ...     def rule(self, g, lr, t, m):
        ...         step = -lr * keras.ops.sign(self.beta_1 * m + (1 - self.beta_1) * g)
        ...         return step, {"m": self.beta_2 * m + (1 - self.beta_2) * g}
        >>> variable = keras.Variable([1.0, 1.0])
        >>> optimizer = Lion(0.1, clip=keras_ch8.clipping.ByValue(1.0))
        >>> optimizer.apply([keras.ops.array([3.0, -0.5])], [variable])
        >>> print(variable.numpy().round(4), optimizer.state_of(variable)["m"].round(4))
        [0.9 1.1] [ 0.01  -0.005]
    """

    rule: UpdateRule
    """The algorithm: `rule(g, lr, t, **state) -> (delta_theta, new_state)`."""
    state_names: tuple[str, ...] = ()
    """Names of the state that the rule is given and returns, of which each variable has its own."""
    hyperparameters: tuple[str, ...] = ()
    """Arguments of the subclass, which it keeps as attributes of the same names; they are saved."""
    compiled = (
        "skip_nonfinite", "weight_decay", "clip", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum",
        "ema_overwrite_frequency", "gradient_accumulation_steps", "groups",
    )  # fmt: skip
    instead = "Compile the model with a new optimizer, or change `learning_rate`."
    elementwise = False
    """Whether each entry of the step depends on the same entry of gradient, theta and state alone."""
    rests_without_gradient = False
    """Whether entries whose gradient is 0 keep theta and state, so that only touched rows of an embedding move, if the
    rule is elementwise."""
    is_adaptive = False
    """Whether each weight has a rate of its own, as in Adam: the diagnosis then recommends no other such optimizer."""
    moves_by_rate = False
    """Whether each step moves each weight by about the learning rate, whatever the size of the gradient, as in Adam: to
    the diagnosis rates of up to 0.01 are usual then, and of others up to 1."""
    twin_in_keras = ""
    """The optimizer of Keras that has the same state, such as `"Adam()"`, so that files of it can be loaded."""

    def __init__(
        self,
        learning_rate: LearningRate,
        *,
        skip_nonfinite: bool = False,
        clip: clipping.ClippingRule | Config | None = None,
        weight_decay: float | None = None,
        groups: Sequence[Group] | Config = (),
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        **kwargs: Any,
    ) -> None:
        _arguments.refuse_rule_without_its_state(type(self))
        of_keras = _arguments.of_optimizer(type(self), kwargs)
        rule = clipping.rule_of(clip, clipnorm=clipnorm, clipvalue=clipvalue, global_clipnorm=global_clipnorm)
        super().__init__(
            learning_rate=_arguments.learning_rate(learning_rate),
            weight_decay=_arguments.weight_decay(weight_decay),
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            **of_keras,
        )
        meaning = "whether a step whose gradient is not finite is left out"
        self.skip_nonfinite = _checks.flag("skip_nonfinite", skip_nonfinite, meaning=meaning)
        self.has_warned = False
        if self.skip_nonfinite:
            train_step.install(type(self).__name__)
            fit.install(type(self).__name__)
        multi_worker.prepare(None, type(self).__name__)
        self.groups, self._saved_groups = groups_of(groups, self.weight_decay)
        self.grouping = Grouping((), {})
        self.clip = clip if clip is None else rule
        self.clipping_rule = rule
        self._clipper: clipping.Clipper
        self.skipped: keras.Variable | None = None
        self._of_keras: int | None = None
        self._layout = Layout({})
        self._updater = Updater(self.rule, self.elementwise and self.rests_without_gradient)
        self._unasked = train_step.Ending(lambda report: None)
        """What a step ends with where nobody asks how it went."""

    def theta(self, variable: np.ndarray, **state: np.ndarray) -> np.ndarray:
        """Return the book's theta, given the variable's value and state."""
        del state
        return variable

    # --- state ---------------------------------------------------------------------------------------------------

    def build(self, variables: list[keras.Variable]) -> None:
        """Create the state for these variables."""
        if self.built:
            return
        _refuse_lost_hyperparameters(self)
        own = {i: v for i, v in enumerate(variables) if not keras_private.is_overwritten_by_gradient(v)}
        labels = {i: _label(v) for i, v in own.items()}
        for i, v in own.items():
            _checks.floating(type(self).__name__, labels[i], backend.dtype_of(v))
        weights = {i: (getattr(v, "path", v.name), len(v.shape)) for i, v in own.items()}
        self.grouping = Grouping(self.groups, weights, self._saved_groups)
        super().build(variables)
        self._of_keras = len(self.variables)
        in_order = sorted(own, key=self.grouping.rate)  # so that few tiles have several rates
        kinds = {i: (tuple(own[i].shape), backend.dtype_of(own[i]), backend.device_of(own[i])) for i in in_order}
        self._layout = Layout(kinds, self.elementwise)
        if self.skip_nonfinite:
            self.skipped = self.add_variable((), dtype="int64", name="skipped")
        self._clipper = clipping.Clipper(
            self.clipping_rule, lambda shape, name: self.add_variable(shape, dtype="float32", name=name)
        )
        self._layout.create_state(self.state_names, labels, self.add_variable)

    def add_variable_from_reference(
        self,
        reference_variable: keras.Variable,
        name: str | None = None,
        initializer: str | keras.initializers.Initializer = "zeros",
    ) -> keras.Variable:
        """Create Keras's averages and accumulators in the working dtype: sums of small numbers, like the state."""
        if not _numerics.is_narrow(backend.dtype_of(reference_variable)):
            return super().add_variable_from_reference(reference_variable, name=name, initializer=initializer)
        label = f"{_label(reference_variable)}_{name}"
        return self.add_variable(reference_variable.shape, initializer, dtype="float32", name=label)

    @property
    def skipped_steps(self) -> int:
        """How many updates `skip_nonfinite` has left out."""
        return 0 if self.skipped is None else int(self.skipped.numpy())

    def state_of(self, variable: keras.Variable) -> dict[str, np.ndarray]:
        """Return the state that belongs to one variable, by the book's letters, in the variable's shape."""
        try:
            index = self.index_of(variable)
        except KeyError:
            raise ValueError(
                f"Optimizer {self.name!r} has no state for {_label(variable)!r}: it was built on "
                f"{[_label(v) for v in self.known_variables]}. Run a step, or call `build`, with this variable."
            ) from None
        return self._layout.state_of(index)

    def book_variables(self) -> list[np.ndarray]:
        """Return the book's theta, one array for each variable that the optimizer was built with."""
        values = [backend.native(v).numpy() for v in self.known_variables]
        return [theta.astype(value.dtype) for theta, value in zip(self._wide_thetas(), values, strict=True)]

    def _wide_thetas(self) -> list[np.ndarray]:
        """Return the book's theta, of narrow variables in float32 with what rounding has dropped."""
        thetas = []
        for i, variable in enumerate(self.known_variables):
            state = {name: value for name, value in self._layout.state_of(i).items() if name != "residual"}
            thetas.append(np.asarray(self.theta(self._layout.value_of(i, variable), **state)))
        return thetas

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """End of `fit`: with `use_ema`, put the averages into the model."""
        del var_list
        if self.use_ema and self.built:
            for variable, average in zip(self.known_variables, self.averages, strict=True):
                if average is not None:
                    self._layout.place(self.index_of(variable), variable, backend.as_tensor(average))

    def save_own_variables(self, store: Store) -> None:
        """Save counters, averages and sums, then the state of each variable in its own shape."""
        _layout.save(store, self._plain_variables(), self._layout)

    def load_own_variables(self, store: Store) -> None:
        """Load what `save_own_variables` saved, also from a file of Keras's optimizer with the same state."""
        _layout.load(store, self._plain_variables(), self._layout, into=self, of_keras=self._of_keras)

    def _plain_variables(self) -> list[keras.Variable]:
        state = {id(v) for v in self._layout.variables()}
        return [v for v in self.variables if id(v) not in state]

    # --- the step ------------------------------------------------------------------------------------------------

    @property
    def train_step_for(self) -> Callable[..., Logs] | None:
        """What takes the training step of a model in the place of Keras's (see integration.train_step)."""
        return partial(train_step.keeping_what_is_skipped, self) if self.skip_nonfinite else None

    def apply(self, grads: list[Tensor], trainable_variables: list[keras.Variable] | None = None) -> None:
        """Take one step with these gradients."""
        grads = list(grads)
        if grads and trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            self.build(trainable_variables)
        with backend.start_after(grads):
            super().apply(grads, trainable_variables)

    def update(self, grads: list[Tensor], variables: list[keras.Variable]) -> None:
        """Take one step; Keras calls it from `apply`. Run op by op, it goes through a graph of its own."""
        indices = tuple(self.index_of(v) for v in variables)
        if self.skip_nonfinite:
            train_step.warn_of_what_is_not_kept(self)
        lr = backend.as_tensor(self.learning_rate)
        dtypes = [_numerics.working_dtype(self._layout.block_of[i].dtype) for i in indices]
        grads = [backend.as_gradient(g, dtype) for g, dtype in zip(grads, dtypes, strict=True)]
        ending, given, answers = train_step.asked_of(self, self._unasked)
        step: Callable[..., Any] = partial(self._take_step, indices, ending.run)
        if backend.in_eager_loop():
            step = ending.graphs.get(indices) or ending.graphs.setdefault(indices, backend.trace(step))
        answers.append(step(grads, lr, *given))

    # --- the stages of a step, in the order in which they happen --------------------------------------------------

    def _take_step(
        self, indices: tuple[int, ...], end: Callable[..., Any], grads: list[Tensor], lr: Tensor, *given: Any
    ) -> Any:
        """Take one step with the gradients of the variables `indices`; end it with the gradient as clipped."""
        mean, active = self._accumulate(_update.sum_over_replicas(dict(zip(indices, grads, strict=True))))
        t = backend.as_tensor(self.iterations) + 1
        if self.skipped is not None:
            # laid out as for the update: TensorFlow keeps one of two equal operations
            t, active = _update.leave_out(t, active, self._lay_out(mean), self.skipped)
        clipped = self._clipper.clip(mean, self._lay_out, active)
        decay = None if self.weight_decay is None else lr * self.weight_decay
        step = StepContext(lr, t, active, clipped.factor, decay)
        scaled = self.grouping.scaled(lr, decay)
        backend.merge_replicas(partial(self._update_all, mean.keys()), clipped.laid_out, step, *scaled)
        return end(clipped, *given)

    def _accumulate(self, grads: Gradients) -> tuple[Gradients, Tensor | None]:
        """Return the mean over the micro-steps so far, and whether the last of them has come (None: each is)."""
        steps = self.gradient_accumulation_steps
        if not steps:
            return grads, None
        is_last = (backend.as_tensor(self.micro_steps) + 1) % steps == 0
        sums = {i: self.accumulators[i] for i in self._layout.block_of}
        totals = {i: backend.as_tensor(s) for i, s in sums.items()}
        for i, g in grads.items():
            totals[i] = totals[i] + backend.densify(g, sums[i].shape)
        after = [ops.where(is_last, ops.zeros_like(total), total) for total in totals.values()]
        backend.write(list(sums.values()), after)
        return {i: totals[i] / steps for i in grads}, is_last

    def _lay_out(self, grads: Gradients) -> list[Tensor]:
        """Return the gradient of each block of variables: of a tile, one vector."""
        return [block.gather([grads.get(i) for i in block.parts]) for block in self._layout.blocks_with(grads)]

    def _update_all(
        self, given: Collection[int], laid_out: list[Tensor], step: StepContext, lrs: Scaled, decays: Scaled
    ) -> None:
        """Update each block of variables, then the averages, once for all replicas."""
        for block, g in zip(self._layout.blocks_with(given), laid_out, strict=True):
            rates = [self.grouping.rate(i) for i in block.parts]
            is_mixed = len(set(rates)) > 1
            variables = [self.known_variables[i] for i in block.parts]
            work = Work(
                thetas=[backend.native(v) for v in variables],
                has_g=[i in given for i in block.parts],
                decays=[decays.get(self.grouping.decay(i) * self.decays(self.known_variables[i])) for i in block.parts],
                lr=step.lr if is_mixed else lrs[rates[0]],
                rates=rates if is_mixed else [],
                g=g,
                state={name: backend.native(v) for name, v in block.state.items()},
            )
            run = self._updater.single if block.length is None else self._updater.tile
            with backend.on(block.device):
                backend.each_replica(work.thetas[0], run, work, step)
        if self.use_ema:
            self._update_averages(step)

    def _update_averages(self, step: StepContext) -> None:
        move = partial(_update.move_average, self.ema_momentum, self.ema_overwrite_frequency)
        for variable, kept in zip(self.known_variables, self.averages, strict=True):
            if kept is not None:
                state = self._layout.block_of[self.index_of(variable)].state
                residual = backend.native(state["residual"]) if "residual" in state else None
                backend.each_replica(backend.native(variable), move, backend.native(kept), residual, step)

    @property
    def learning_rate(self) -> keras.Variable | Tensor:
        """The step size in force: a variable, or the value of the schedule or callable."""
        return super().learning_rate

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        if isinstance(value, numbers.Real):
            value = _arguments.learning_rate(value)
        keras_private.Optimizer.learning_rate.fset(self, value)

    # --- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> Config:
        """Return the arguments that make this optimizer again."""
        own = {name: getattr(self, name) for name in (*self.hyperparameters, "skip_nonfinite")}
        own["clip"] = keras.saving.serialize_keras_object(self.clip)
        if self.groups:
            some = [keras.saving.serialize_keras_object(group) for group in self.groups]
            own["groups"] = {"groups": some, "group_of": self.grouping.config() or [*self._saved_groups]}
        return super().get_config() | own


def _label(variable: keras.Variable) -> str:
    return getattr(variable, "path", variable.name).replace("/", "_").replace(":", "_")


def _refuse_lost_hyperparameters(optimizer: RuleOptimizer) -> None:
    """Refuse names of hyperparameters that could not be saved."""
    lost = [name for name in optimizer.hyperparameters if not hasattr(optimizer, name)]
    if lost:
        raise AttributeError(
            f"`{type(optimizer).__name__}.hyperparameters` are arguments that the optimizer keeps as attributes of the "
            f"same names, so that they are saved. Received: {lost}, which it does not have. Set them in `__init__`."
        )

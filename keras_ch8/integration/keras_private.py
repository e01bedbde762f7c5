"""Every private name of Keras that the suite leans on, in one place; tests/test_keras_private.py watches them."""

import contextlib
import math
import re
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

import keras
from keras.src import optimizers as _optimizers
from keras.src.backend.common import global_state
from keras.src.random import seed_generator as _seed_generator
from keras.src.trainers.data_adapters import array_slicing as _array_slicing
from keras.src.trainers.data_adapters import data_adapter as _data_adapter

from .._types import Data, Logs, Tensor, Tree
from .backend import is_tensorflow

if keras.backend.backend() == "tensorflow":
    try:
        from keras.src.backend.tensorflow.ops import nn as _nn  # from Keras 3.16 on
    except ImportError:
        from keras.src.backend.tensorflow import nn as _nn


class Optimizer(keras.optimizers.Optimizer):
    """Keras's optimizer with its private hooks under public names.

    Keras's `apply` drops None gradients, unscales the loss, calls the hook, applies constraints and counts the step.
    """

    update: Callable[[list[Any], list[Any]], None]
    """Take one step with these gradients for these variables; a subclass defines it."""

    def _backend_apply_gradients(self, grads: list[Any], trainable_variables: list[Any]) -> None:
        self.update(list(grads), list(trainable_variables))

    def _get_current_learning_rate(self) -> Any:
        """Count a schedule in real updates (Keras counts the micro-steps of gradient accumulation)."""
        if isinstance(self._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            return self._learning_rate(self.iterations)
        return super()._get_current_learning_rate()

    @property
    def micro_steps(self) -> Any:
        """The number of calls of `apply`; `iterations` is the number of updates."""
        return self._iterations

    @property
    def known_variables(self) -> list[Any]:
        """The variables that the optimizer was built with."""
        return self._trainable_variables

    @property
    def averages(self) -> list[Any]:
        """With `use_ema`, one moving average for each known variable (None where a variable has none)."""
        return self._model_variables_moving_average

    @property
    def accumulators(self) -> list[Any]:
        """With `gradient_accumulation_steps`, one sum of gradients for each known variable."""
        return self._accumulated_gradients

    def index_of(self, variable: keras.Variable) -> int:
        """Place of a variable, or of one of its copies on a device, among the known ones."""
        return self._get_variable_index(variable)

    def decays(self, variable: keras.Variable) -> bool:
        """Whether `weight_decay` acts on this variable (see `exclude_from_weight_decay`)."""
        return self._use_weight_decay(variable)


def trainer_with(name: str) -> Any:
    """Return the class of the backend, of which `keras.Model` is one, that has a method of this name."""
    trainers = (c for c in keras.Model.__mro__ if c.__module__.startswith("keras.src.backend.") and name in vars(c))
    return next(trainers)


def cell_of(name: str) -> Any:
    """Return the cell in which a decorated method of Keras's trainer holds the function that it calls."""
    decorated = vars(trainer_with(name))[name]
    return decorated.__closure__[decorated.__code__.co_freevars.index("fn")]


def name_optimizers(classes: dict[str, type]) -> None:
    """Let `compile` and `keras.optimizers.get` find classes by these names.

    Up to Keras 3.15 they find all that is registered; from 3.16 on only what is in this table.
    """
    _optimizers.ALL_OBJECTS_DICT.update(classes)


def unscaled(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return the optimizer inside the one that scales the loss, if there is one."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def optimizers_in(optimizer: keras.optimizers.Optimizer) -> list[Any]:
    """Return the optimizers that update weights: inside one that scales the loss, or that shares variables out."""
    optimizer = unscaled(optimizer)
    return list(getattr(optimizer, "optimizers", [] if optimizer is None else [optimizer]))


def inner_optimizers(optimizer: keras.optimizers.Optimizer) -> list[Any]:
    """Return the optimizers that move weights: as `optimizers_in`, but those of the blocks of one that takes turns."""
    return [inner for one in optimizers_in(optimizer) for inner in getattr(one, "inners", [one])]


def without_all_reduce(optimizer: keras.optimizers.Optimizer) -> dict[str, Callable[[Any], Any]]:
    """Return what to replace in an optimizer on one device, so that TensorFlow lets go of its graphs.

    Keras sums gradients over the replicas also where there is one. For each such sum in a graph TensorFlow registers a
    gradient for good (`tf.custom_gradient` in `ReplicaContext.all_reduce`), and with it keeps the graph of the step.
    """
    name = "_all_reduce_sum_gradients"
    return {name: lambda grads_and_vars: grads_and_vars} if hasattr(optimizer, name) else {}


def optimizers_of(model: keras.Model) -> dict[str, Any]:
    """Return the optimizers of a model by the name of the attribute, also of a list or dict of them, each once.

    Of one that scales the loss it is the one inside.
    """
    found: dict[str, Any] = {}
    for name, value in getattr(model, "__dict__", {}).items():
        if name.startswith("_self_"):  # TensorFlow's own lists of the attributes
            continue
        if isinstance(value, keras.optimizers.Optimizer):
            found[name] = value
        elif isinstance(value, list | tuple | dict):
            parts = value.items() if isinstance(value, dict) else enumerate(value)
            found |= {f"{name}_{key}": v for key, v in parts if isinstance(v, keras.optimizers.Optimizer)}
    chosen: dict[str, Any] = {}
    for name in sorted(found, key=lambda name: name != "optimizer"):
        inner = unscaled(found[name])
        if not any(inner is other for other in chosen.values()):
            chosen[name] = inner
    return chosen


def seeds_of(model: keras.Model) -> list[Any]:
    """Return the states of the random number generators of a model's layers."""
    return [generator.state for layer in model._flatten_layers() for generator in layer._seed_generators]


def has_own_train_step(model: keras.Model) -> bool:
    """Whether a subclass, or the instance, has a training step other than that of `keras.Model`."""
    return type(model).train_step is not keras.Model.train_step or "train_step" in vars(model)


def has_own_way_to_train(model: keras.Model) -> bool:
    """Whether a subclass has a training step of its own, or other arguments for `compile`."""
    return has_own_train_step(model) or type(model).compile is not keras.Model.compile


def can_be_copied(schedule: Any) -> bool:
    """Whether a schedule is one that its config makes again: of Keras, or registered."""
    kind = type(schedule)
    is_registered = keras.saving.get_registered_object(keras.saving.get_registered_name(kind)) is kind
    return isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule) and (
        is_registered or kind.__module__.startswith("keras.")
    )


def has_own_loss(model: keras.Model) -> bool:
    """Whether a subclass, or the instance, computes its loss, or takes its training step, in its own way."""
    return has_own_compute_loss(model) or has_own_train_step(model)


def has_own_compute_loss(model: keras.Model) -> bool:
    """Whether a subclass, or the instance, computes its loss in its own way."""
    return type(model).compute_loss is not keras.Model.compute_loss or "compute_loss" in vars(model)


def makes_own_train_function(model: keras.Model) -> bool:
    """Whether a subclass, or the instance, makes the train function in its own way."""
    name = "make_train_function"
    return getattr(type(model), name) is not getattr(keras.Model, name) or name in vars(model)


def has_own_train_function(model: keras.Model) -> bool:
    """Whether somebody has put another train function in the place of the one that is made."""
    function = model.train_function
    if function is None or makes_own_train_function(model):
        return False
    # `functools.wraps` sets `__module__`, so what wraps Keras's is known by where its code stands
    defined_in = getattr(function, "__globals__", {}).get("__name__", "")
    return not defined_in.startswith(("keras.", "keras_ch8."))


def has_changed_trainable(model: keras.Model) -> bool:
    """Whether `trainable` was changed since the optimizer was built, by Keras's own training step.

    One that was traced before goes on with the old weights, until the next `compile`; traced anew it trains others, or
    raises.
    """
    optimizer = unscaled(getattr(model, "optimizer", None))
    if has_own_train_step(model) or not getattr(optimizer, "built", False):
        return False
    return {id(v) for v in known_variables(optimizer)} != {id(v) for v in model.trainable_variables}


def build_optimizer(model: keras.Model) -> None:
    """Build the optimizer of a model where it is certain for which variables: those of Keras's own training step.

    As in its first `apply`, whose name is part of the paths of the variables of an optimizer inside.
    """
    known = model.built and not has_own_train_step(model) and bool(model.trainable_variables)
    optimizer = model.optimizer
    if known and optimizer is not None and not optimizer.built:
        with keras.name_scope(optimizer.name, caller=optimizer):
            optimizer.build(model.trainable_variables)


def iterations_of(optimizer: keras.optimizers.Optimizer) -> int:
    """Return the updates that an optimizer has made."""
    return int(optimizer.iterations.numpy())


def batches_of_next_update(optimizer: keras.optimizers.Optimizer) -> int:
    """Return the batches that were added up for an update that is still to come: with gradient accumulation."""
    steps = getattr(optimizer, "gradient_accumulation_steps", None) or 1
    return int(optimizer._iterations.numpy()) % steps if steps > 1 else 0


def accumulation_of(model: keras.Model) -> tuple[int, int]:
    """Return how many batches one update of a model adds up, and how many it has added up for the next one.

    Of several optimizers each makes updates of its own, and nothing is known of all.
    """
    inner = inner_optimizers_of(model)
    if len(inner) != 1:
        return 1, 0
    return inner[0].gradient_accumulation_steps or 1, batches_of_next_update(inner[0])


def readable_rate(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return the learning rate as it is now; NaN where there is none, and where a callable would be called.

    That is the user's, and may count or draw.
    """
    is_called = callable(rate_of(optimizer)) and schedule_of(optimizer) is None
    return math.nan if is_called else getattr(optimizer, "learning_rate", math.nan)


def current_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """Return `readable_rate` as a number, also where each replica has a copy of it."""
    rate = readable_rate(optimizer)
    return float(rate.numpy() if hasattr(rate, "numpy") else rate)


def first_sentence(error: Exception) -> str:
    """Return what an error says first, without what Keras and TensorFlow put around it."""
    lines = [re.sub(r"\x1b\[\d*m", "", line).strip() for line in str(error).splitlines()]
    around = ("Exception encountered when calling", "Graph execution error", "Detected at node", "File ", "<stack")
    said = [line for line in lines if line and not line.startswith(around)]
    return said[0] if said else type(error).__name__


def set_iterations(optimizer: keras.optimizers.Optimizer, updates: int) -> None:
    """Let an optimizer count on from so many updates; its own counter has the micro-steps of an accumulation."""
    optimizer._iterations.assign(updates * (optimizer.gradient_accumulation_steps or 1))


def known_variables(optimizer: keras.optimizers.Optimizer) -> list[Any]:
    """Return the variables that any Keras optimizer was built with; [] before."""
    return list(getattr(optimizer, "_trainable_variables", []))


def known_state(optimizer: Any) -> list[Any]:
    """Return the variables of an optimizer, or of the one inside it that scales the loss; [] of none."""
    return list(getattr(unscaled(optimizer), "variables", []))


def rate_of(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return what an optimizer takes its learning rate from: a variable, a schedule or a callable."""
    return getattr(optimizer, "_learning_rate", None)


def schedule_of(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return the `LearningRateSchedule` of an optimizer; None if its rate is a number or a callable."""
    rate = rate_of(optimizer)
    return rate if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule) else None


def direction(metric: keras.metrics.Metric) -> str | None:
    """Return "min" or "max" for a metric that says what is better in it, as `mode="auto"` reads it; otherwise None."""
    return {"down": "min", "up": "max"}.get(getattr(metric, "_direction", ""))


def lower_is_better(metric: keras.metrics.Metric) -> None:
    """Let `mode="auto"` know that this metric is better when it is lower."""
    metric._direction = "down"


def mode_of(model: keras.Model, name: str) -> str | None:
    """Return "min" or "max" for a quantity that `fit` reports, by its name; None if Keras does not know."""
    name = name.removeprefix("val_")
    if name == "loss" or name.endswith("_loss"):
        return "min"
    metrics = [m for outer in getattr(model, "metrics", ()) for m in (outer, *getattr(outer, "metrics", ()))]
    # Of a model with several outputs, `fit` reports a metric as "<output>_<metric>".
    fitting = [m for m in metrics if name == m.name] or [m for m in metrics if name.endswith(f"_{m.name}")]
    return next((found for found in map(direction, fitting) if found), None)


def what_loss_depends_on(model: keras.Model) -> list[Any]:
    """Return what is replaced when the loss of a model becomes another function of its trainable weights."""
    return [getattr(model, "_compile_loss", None), *model.trainable_variables]


def examples_seen(model: keras.Model) -> float:
    """Return how many examples this epoch has brought so far: Keras weights the mean of the loss by them; 0 if not.

    Only TensorFlow tells while an epoch runs: on JAX the metrics have their values again at its end.
    """
    tracker = getattr(model, "_loss_tracker", None)
    return float(tracker.count.numpy()) if tracker is not None and is_tensorflow() else 0.0


def set_optimizer(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """Make a compiled model one that was compiled with another optimizer, also when it is saved."""
    model.optimizer = optimizer
    model._compile_config.config["optimizer"] = optimizer


class Batch(NamedTuple):
    """A batch as `keras.utils.unpack_x_y_sample_weight` returns it."""

    x: Data
    y: Data
    sample_weight: Data = None


def update_metrics(model: keras.Model, loss: Tensor, batch: Batch, y_pred: Tree) -> Logs:
    """Let the metrics of a model take a step, and return all as `fit` does."""
    x, y, sample_weight = batch
    if model._compile_loss is not None:
        model._compile_loss(y, y_pred, sample_weight)  # keeps the loss of each output
    examples = keras.ops.shape(next(a for a in keras.tree.flatten(x) if a is not None))[0]
    model._loss_tracker.update_state(loss, sample_weight=examples)
    return model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)


def call(model: keras.Model, x: Data, training: bool) -> Any:
    """Call a model as its training step does: `call` need not have the argument `training`."""
    return model(x, training=training) if model._call_has_training_arg else model(x)


def compute_loss(model: keras.Model, batch: Batch, y_pred: Tree, training: bool) -> Tensor:
    """Return the loss as the training step does: `compute_loss` need not have the argument `training`."""
    return model._compute_loss(batch.x, batch.y, y_pred, batch.sample_weight, training=training)


def compiled_loss(model: keras.Model, y: Data, y_pred: Tree, sample_weight: Data) -> Any:
    """Return the compiled loss of one output, without what layers add to it."""
    return model._compile_loss(y, y_pred, sample_weight)


def flags_of(layer: keras.layers.Layer) -> list[tuple[Any, bool]]:
    """Return a layer, those inside it and their variables, outermost first, each with its `trainable`."""
    layers = [layer, *layer._flatten_layers(include_self=False)]
    return [(part, part.trainable) for part in [*layers, *layer.variables]]


def losses_of(model: keras.Model) -> list[Any]:
    """Return what computes the losses of a compiled model: Keras's own object, and what `compile` was given for it."""
    if not model.compiled:
        return []
    given = keras.tree.flatten(compile_arguments(model).get("loss"))
    inner = [loss.fn for loss in given if isinstance(getattr(loss, "fn", None), types.FunctionType)]
    return [model._compile_loss, *(loss for loss in [*given, *inner] if callable(loss))]


def compile_arguments(model: keras.Model) -> dict[str, Any]:
    """Return what a model was compiled with, the objects themselves."""
    return dict(model._compile_config.config)


def source_of(tensor: Tensor) -> tuple[Any, list[Any]]:
    """Return the layer that made a symbolic tensor, and what it was called on."""
    operation, node, _ = tensor._keras_history
    return operation, list(operation._inbound_nodes[node].input_tensors)


def inside(tensor: Tensor) -> list[Any]:
    """Return the tensor of a model's own graph that stands for a symbolic one which it gives; none of other layers."""
    operation, _, place = tensor._keras_history
    outputs = keras.tree.flatten(getattr(operation, "outputs", None) or [])
    return outputs[place : place + 1]


def called_for_inference(model: keras.Model) -> list[Any]:
    """Return the layers that the graph of a functional model calls with `training=False`, which `fit` overrides."""
    nodes = [node for some in getattr(model, "_nodes_by_depth", {}).values() for node in some]
    return [node.operation for node in nodes if node.arguments.kwargs.get("training") is False]


def has_loss_weights(model: keras.Model) -> bool:
    """Whether the compiled loss is multiplied by weights."""
    return getattr(model._compile_loss, "_user_loss_weights", None) is not None


def mask_of(tensor: Tensor) -> Any:
    """Return which time steps of an output count in the loss; None for all."""
    return getattr(tensor, "_keras_mask", None)


def can_be_compiled(model: keras.Model) -> bool:
    """Whether no layer says that XLA cannot compile it."""
    return all(getattr(leaf, "supports_jit", True) for leaf in leaves_of(model))


def global_seed_generator() -> Any:
    """Return the generator that unseeded `keras.random` calls share; None before the first of them."""
    return global_state.get_global_attribute("global_seed_generator")


def global_seeds() -> list[Any]:
    """Return the variable behind unseeded `keras.random` calls, in a list; [] before the first of them."""
    generator = global_seed_generator()
    return [] if generator is None else [generator.state]


def make_global_seed_generator() -> None:
    """Make the generator that unseeded `keras.random` calls share, unless the first of them has."""
    _seed_generator.global_seed_generator()


def forget_global_seed_generator() -> None:
    """Go back to before the first unseeded call."""
    global_state.set_global_attribute("global_seed_generator", None)


def lacks_variables(model: keras.Model) -> bool:
    """Whether the first batch will create variables of a model, of its metrics or of its loss."""
    compiled = (model._compile_metrics, model._compile_loss)
    return not model.built or not all(part is None or part.built for part in compiled)


def build_on(model: keras.Model, batch: tuple[Any, Any, Any]) -> None:
    """Create the variables of a model, and of its metrics, that come with the first batch."""
    with model.distribute_strategy.scope():
        model._symbolic_build(data_batch=batch)


def build_on_inputs(model: keras.Model, x: Data) -> None:
    """Create the weights of a model, also of one that is not compiled, by a call on the first example."""
    with model.distribute_strategy.scope():
        call(model, keras.tree.map_structure(lambda a: a[:1], x), training=False)


def needs_targets(model: keras.Model) -> bool:
    """Whether a model is compiled with a loss that compares its output with something."""
    return getattr(model, "_compile_loss", None) is not None


@contextlib.contextmanager
def exact_moments() -> Iterator[None]:
    """Let normalization layers that are traced inside have right second derivatives.

    `tf.nn.moments`, which they take mean and variance from, stops the gradient through the mean in the variance: that
    leaves the first derivative as it is, and makes the second wrong. Other threads keep what they take, and the last
    that leaves puts it back.
    """
    with _moments_lock:
        if not _Exact.threads:
            _Exact.theirs, _nn._compute_moments = _nn._compute_moments, _moments_of_thread
        _Exact.threads.append(threading.get_ident())
    try:
        yield
    finally:
        with _moments_lock:
            _Exact.threads.remove(threading.get_ident())
            if not _Exact.threads:
                _nn._compute_moments = _Exact.theirs


class _Exact:
    """Which threads are inside `exact_moments`, each as often as it is, and what they have replaced."""

    threads: ClassVar[list[int]] = []
    theirs: Callable[..., Any]


_moments_lock = threading.Lock()


def _moments_of_thread(x: Tensor, axes: Any, keepdims: bool) -> Any:
    return (_moments if threading.get_ident() in _Exact.threads else _Exact.theirs)(x, axes, keepdims)


def _moments(x: Tensor, axes: Any, keepdims: bool) -> tuple[Any, Any]:
    mean = keras.ops.mean(x, axis=axes, keepdims=True)
    variance = keras.ops.mean(keras.ops.square(x - mean), axis=axes, keepdims=keepdims)
    return mean if keepdims else keras.ops.squeeze(mean, axes), variance


def leaves_of(model: keras.Model) -> list[Any]:
    """Return the layers of a model that hold no others; a recurrent layer counts as one, whatever its cell holds."""
    if isinstance(model, keras.layers.RNN) or not model._layers:
        return [model]
    return [leaf for layer in model._layers for leaf in leaves_of(layer)]


def has_value(variable: keras.Variable) -> bool:
    """Whether a variable has its value: while Keras's loop on JAX trains, the loop has it."""
    return variable._value is not None


def is_overwritten_by_gradient(variable: keras.Variable) -> bool:
    """Whether Keras writes the gradient itself into this variable (the scales of float8 layers)."""
    return getattr(variable, "overwrite_with_gradient", False)


def owners_in(model: keras.Model) -> dict[int, Any]:
    """Return the layer of a model that created each of its trainable variables, by the variable's `id`."""
    return {id(v): layer for layer in model._flatten_layers() for v in layer._trainable_variables}


def parts_of(model: keras.Model) -> list[Any]:
    """Return the layers of a model at all depths, and the operations of a functional one that are no layers."""
    operations = [o for o in getattr(model, "operations", []) if not isinstance(o, keras.layers.Layer)]
    return [*model._flatten_layers(include_self=False), *operations]


def tracked_in(part: Any) -> list[set[int]]:
    """Return the sets by which Keras knows the layers, variables and so on of a layer, beside the lists of them."""
    return list(getattr(getattr(part, "_tracker", None), "stored_ids", {}).values())


DataAdapter = _data_adapter.DataAdapter
"""What `fit`, `evaluate` and `predict` turn their data into; one that they are given they take as it is."""


def inner_optimizers_of(model: keras.Model) -> list[Any]:
    """Return the optimizers that move the weights of a model (see `inner_optimizers`)."""
    return [inner for optimizer in optimizers_of(model).values() for inner in inner_optimizers(optimizer)]


def outer_optimizers_of(model: keras.Model) -> dict[str, Any]:
    """Return the optimizers of a model as `optimizers_of` does, but the one that scales the loss where there is one."""
    inner = optimizers_of(model)
    outer = getattr(model, "optimizer", None)
    return {name: outer if one is unscaled(outer) else one for name, one in inner.items()}


def validation_split(arrays: tuple[Any, ...], share: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Split arrays as `fit` does for its argument `validation_split`; the last part is for validation."""
    first, last = _array_slicing.train_validation_split(arrays, validation_split=share)
    return tuple(first), tuple(last)


def validation_passes(model: keras.Model) -> int:
    """Return how often this `fit` has begun its validation data, as the hook of `integration.epochs` counts it."""
    return getattr(getattr(model, "_eval_epoch_iterator", None), "passes", 0)

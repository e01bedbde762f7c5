"""One training step of an optimizer that is given the loss, from the batches to new weights, and the train function.

Making the train function is where a training can be refused before it starts; running it, where it is ended.
"""

import itertools
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from .. import second_order
from ..integration import backend, keras_private
from ._batch_loss import BatchLoss, Stack, joined, stacks_of

if TYPE_CHECKING:
    from .closure import AbstractClosureOptimizer


def prepare(optimizer: "AbstractClosureOptimizer", model: Any) -> None:
    """Refuse a model that cannot be trained, and create the state for one that can."""
    if not model.trainable_variables:
        raise ValueError(
            f"`{type(optimizer).__name__}` needs weights to train. Received: a model without trainable weights. Set "
            "`trainable=True` on a layer, and compile again."
        )
    optimizer.refuse(model)
    optimizer.build(model.trainable_variables)


def take(optimizer: "AbstractClosureOptimizer", model: Any, batches: Sequence[Any]) -> dict[str, Any]:
    """Minimize the mean loss over these batches for some iterations; return the metrics as they were before."""
    parts = [keras.utils.unpack_x_y_sample_weight(batch) for batch in batches]
    if not model.built:
        keras_private.build_on(model, parts[0])
    prepare(optimizer, model)
    stacks = stacks_of(parts)
    loss, y_pred = _program(optimizer, model)(stacks)
    x, y, sample_weight = joined(stacks)
    return keras_private.tell_metrics(model, loss, keras_private.Batch(x, y, sample_weight), y_pred)


def make_train_function(optimizer: "AbstractClosureOptimizer", model: Any, keras_make: Callable[[], None]) -> None:
    """Make the train function of a model, by Keras or over several batches, and let it end the training."""
    _refuse(optimizer, model)
    optimizer.programs.pop(_key(optimizer, model), None)  # the loss of this model may have become another one
    if model.built:
        prepare(optimizer, model)
    if optimizer.accumulate_batches:
        model.train_function = _over_batches(optimizer, model)
    else:
        keras_make()
    model.train_function = _ending(optimizer, model, model.train_function)


def _over_batches(optimizer: "AbstractClosureOptimizer", model: Any) -> Callable[[Any], Any]:
    """Return a train function that takes the batches of an execution together."""
    step = backend.trace_each(partial(take, optimizer, model))

    def train_function(iterator: Any) -> Any:
        batches = [batch for _, batch in zip(range(model.steps_per_execution), iterator, strict=False)]
        if not batches:
            raise StopIteration
        return step(batches)

    return train_function


def _key(optimizer: "AbstractClosureOptimizer", model: Any) -> Any:
    return id(model), optimizer.telemetry.settings


def _program(optimizer: "AbstractClosureOptimizer", model: Any) -> Any:
    """Return the compiled step: one for each model, and for each way to listen."""
    key = _key(optimizer, model)
    if key not in optimizer.programs:
        compile_ = backend.compile_xla if keras_private.can_be_compiled(model) else backend.trace_each
        optimizer.programs[key] = compile_(partial(_run, optimizer, model))
    return optimizer.programs[key]


def _run(optimizer: "AbstractClosureOptimizer", model: Any, stacks: Sequence[Stack]) -> tuple[Any, Any]:
    """Make the iterations and write what has changed; return loss and outputs before."""
    loss = BatchLoss(model, stacks, optimizer.dtype)
    start, y_pred, moved = loss.first()
    memory = second_order.SolverState.of({name: backend.as_tensor(v) for name, v in optimizer.kept.items()})
    log = optimizer.telemetry.begin(backend.as_tensor(optimizer.iterations))
    end, iterations, memory, log = second_order.resume(
        loss.problem, optimizer.method, start, memory, optimizer.stop, log, optimizer.telemetry.add
    )
    optimizer.telemetry.end(log)
    for variable, value in loss.weights(end.x):
        backend.native(variable).assign(value)
    is_sound = memory.status != second_order.Status.NOT_FINITE_AT_START
    for variable, value in moved:
        backend.native(variable).assign(ops.where(is_sound, value, backend.as_tensor(variable)))
    for name, value in memory.as_dict().items():
        backend.native(optimizer.kept[name]).assign(value)
    count = backend.native(optimizer.iterations)
    count.assign_add(ops.cast(iterations, count.dtype.name))
    return start.value, y_pred


def _refuse(optimizer: "AbstractClosureOptimizer", model: Any) -> None:
    owner = type(optimizer).__name__
    if model.optimizer is not optimizer:
        raise ValueError(
            f"`{owner}` compares losses, which Keras scales for float16. Received: a `LossScaleOptimizer` around it. "
            "Compile with `auto_scale_loss=False`, or use the policy 'mixed_bfloat16' or 'float32'."
        )
    replicas = model.distribute_strategy.num_replicas_in_sync
    if replicas > 1:
        raise ValueError(
            f"`{owner}` runs on one device: its line search would go its own way on each. Received: a strategy of "
            f"{replicas} replicas. Build and compile the model outside the strategy."
        )
    if optimizer.accumulate_batches and model.steps_per_execution == 1:
        raise ValueError(
            "`accumulate_batches` takes the loss over all batches of an execution. Received: steps_per_execution=1. "
            "Pass `compile(steps_per_execution=...)` the number of batches in an epoch."
        )


def _ending(optimizer: "AbstractClosureOptimizer", model: Any, train_function: Any) -> Callable[[Any], Any]:
    """Return a train function that ends the training when there is nothing more to do."""
    optimizer.stop_reason, steps = None, itertools.count()

    def ending(iterator: Any) -> Any:
        logs = train_function(iterator)
        status, is_new, is_first = optimizer.status, optimizer.is_on_new_data, next(steps) == 0
        is_broken = status == second_order.Status.NOT_FINITE_AT_START
        if is_broken or (status.is_end and (is_first or not is_new)):
            if status != second_order.Status.CONVERGED_AT_START or optimizer.stop_reason is None:
                optimizer.stop_reason = status.message(optimizer.dtype)
            model.stop_training = model.stop_training or is_broken or not is_new
        else:
            optimizer.stop_reason = None
            if is_new and not is_first:
                _warn_of_new_data(optimizer)
        return logs

    return ending


def _warn_of_new_data(optimizer: "AbstractClosureOptimizer") -> None:
    if not optimizer.has_warned:
        optimizer.has_warned = True
        warnings.warn(
            f"`{type(optimizer).__name__}` minimizes the loss of one batch after the other: this one began with "
            "another loss than the last had ended with. Give all examples in one batch, `fit(batch_size=len(x))`, or "
            "all batches in one step, `accumulate_batches=True` and `steps_per_execution=<batches of an epoch>`. "
            "With Dropout the loss differs from step to step.",
            UserWarning,
            stacklevel=3,
        )

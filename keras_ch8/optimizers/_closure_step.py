"""One training step of an optimizer that is given the loss: from the batches to the new weights."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from .. import second_order
from ..integration import backend, keras_private
from ._batch_loss import BatchLoss, Stack, joined, stacks_of

if TYPE_CHECKING:
    from ._closure import AbstractClosureOptimizer


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
    return keras_private.tell_metrics(model, loss, x, y, sample_weight, y_pred)


def over_batches(optimizer: "AbstractClosureOptimizer", model: Any) -> Callable[[Any], Any]:
    """Return a train function that takes the batches of an execution together."""
    step = backend.trace_each(partial(take, optimizer, model))

    def train_function(iterator: Any) -> Any:
        batches = [batch for _, batch in zip(range(model.steps_per_execution), iterator, strict=False)]
        if not batches:
            raise StopIteration
        return step(batches)

    return train_function


def forget(optimizer: "AbstractClosureOptimizer", model: Any) -> None:
    """Compile anew before the next step of this model: its loss may have become another one."""
    optimizer.programs.pop(_key(optimizer, model), None)


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
    memory = second_order.Memory.of({name: backend.as_tensor(v) for name, v in optimizer.kept.items()})
    log = optimizer.telemetry.begin(backend.as_tensor(optimizer.iterations))
    end, iterations, memory, log = second_order.go_on(
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

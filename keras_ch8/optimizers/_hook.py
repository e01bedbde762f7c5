"""Where `fit` learns of optimizers that want the loss: two methods of `keras.Model`, replaced once, for all models.

For any other optimizer both do what they did. The second is where a training can be refused before it starts, and
where it is ended.
"""

import itertools
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from .. import second_order
from ..integration import keras_private

if TYPE_CHECKING:
    from ._closure import AbstractClosureOptimizer


def install() -> None:
    """Replace the methods, unless they are replaced."""
    if not getattr(keras.Model.train_step, "is_of_keras_ch8", False):
        keras.Model.train_step = _mark(_train_step(keras.Model.train_step))
        keras.Model.make_train_function = _mark(_make_train_function(keras.Model.make_train_function))


def _mark(method: Any) -> Any:
    method.is_of_keras_ch8 = True
    return method


def closure_of(model: Any) -> "AbstractClosureOptimizer | None":
    """Return the optimizer of a model if it is one of those."""
    from ._closure import AbstractClosureOptimizer

    optimizer = keras_private.unscaled(getattr(model, "optimizer", None))
    return optimizer if isinstance(optimizer, AbstractClosureOptimizer) else None


def _train_step(theirs: Callable[..., Any]) -> Callable[..., Any]:
    def train_step(self: Any, data: Any) -> Any:
        from . import _closure_step

        optimizer = closure_of(self)
        return theirs(self, data) if optimizer is None else _closure_step.take(optimizer, self, [data])

    return train_step


def _make_train_function(theirs: Callable[..., None]) -> Callable[..., None]:
    def make_train_function(self: Any, force: bool = False) -> None:
        from . import _closure_step

        optimizer = closure_of(self)
        if optimizer is None or (self.train_function is not None and not force):
            theirs(self, force)
            return
        _refuse(optimizer, self)
        _closure_step.forget(optimizer, self)
        if self.built:
            _closure_step.prepare(optimizer, self)
        if optimizer.accumulate_batches:
            self.train_function = _closure_step.over_batches(optimizer, self)
        else:
            theirs(self, force=True)
        self.train_function = _ending(optimizer, self, self.train_function)

    return make_train_function


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
                optimizer.stop_reason = status.sentence(optimizer.dtype)
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

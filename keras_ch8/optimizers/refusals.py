"""What an optimizer of section 8.6 cannot train: each function raises an error with the fix."""

from collections.abc import Iterable

import keras

from .. import _checks
from .._describe import short
from ..integration import backend


def without_weights(owner: str, model: keras.Model) -> None:
    """Refuse a model that has nothing to train."""
    if not model.trainable_variables:
        raise ValueError(
            f"`{owner}` needs weights to train. Received: a model without trainable weights. Set `trainable=True` on a "
            "layer, and compile again."
        )


def of_variables(owner: str, variables: Iterable[keras.Variable]) -> None:
    """Refuse variables in which losses cannot be compared, or that must stay within a constraint."""
    for variable in variables:
        path, dtype = getattr(variable, "path", variable.name), backend.dtype_of(variable)
        _checks.floating(owner, path, dtype)
        if dtype not in _checks.COMPARABLE:
            raise ValueError(
                f"`{owner}` compares losses that differ in the last digits, so weights must be float32 or float64. "
                f"Received: {path!r} of dtype {dtype}. Use a policy such as 'mixed_bfloat16', whose weights are "
                "float32."
            )
        if getattr(variable, "constraint", None) is not None:
            raise ValueError(
                f"`{owner}` minimizes without constraints. Received: {path!r} with {short(variable.constraint)}. "
                "Leave the constraint out, or use a first-order optimizer."
            )


def of_a_scaled_loss(optimizer: keras.optimizers.Optimizer, model: keras.Model) -> None:
    """Refuse a model whose loss is scaled."""
    if model.optimizer is not optimizer:
        raise ValueError(
            f"`{type(optimizer).__name__}` compares losses, which Keras scales for float16. Received: a "
            "`LossScaleOptimizer` around it. Compile with `auto_scale_loss=False`, or use the policy 'mixed_bfloat16' "
            "or 'float32'."
        )


def of_surroundings(owner: str, model: keras.Model, accumulates: bool) -> None:
    """Refuse several replicas, and a loss over all batches of an execution that has one batch."""
    replicas = model.distribute_strategy.num_replicas_in_sync
    if replicas > 1:
        raise ValueError(
            f"`{owner}` runs on one device: its line search would go its own way on each. Received: a strategy of "
            f"{replicas} replicas. Build and compile the model outside the strategy."
        )
    if accumulates and model.steps_per_execution == 1:
        raise ValueError(
            "`accumulate_batches` takes the loss over all batches of an execution. Received: steps_per_execution=1. "
            "Pass `compile(steps_per_execution=...)` the number of batches in an epoch."
        )

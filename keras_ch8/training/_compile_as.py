"""Compiling a model as another one was."""

from typing import Any

import keras

from .. import _objects
from .._describe import section
from ..integration import keras_private


@section("8.2")
def compile_as(model: keras.Model, other: keras.Model, **changes: Any) -> None:
    """Compile a model as another one was, but for some arguments (section 8.2).

    Loss, metrics, weights of losses and all other arguments of `compile` are those of the other model, the objects
    themselves. So a model that has another layer, another loss or another optimizer still reports the metrics of yours.
    The optimizer is as it is now, with the learning rate that was set since; where it has been built for the weights of
    the other model, it is a new one with the same settings. The cures of verdicts use it.

    Args:
        model: The model to compile; it may be the other one itself.
        other: A compiled model.
        **changes: Arguments of `keras.Model.compile` that are to be different, such as `optimizer`.

    Raises:
        TypeError: If one of the two is no model.
        ValueError: If the other model is not compiled.

    Example:
        >>> first = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> first.compile("sgd", "mse", metrics=["mae"])
        >>> second = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8), keras.layers.Dense(1)])
        >>> keras_ch8.training.compile_as(second, first, optimizer="adam")
        >>> second.loss, type(second.optimizer).__name__
        ('mse', 'Adam')
        >>> sorted(second.evaluate(np.ones((4, 2)), np.ones((4, 1)), verbose=0, return_dict=True))
        ['loss', 'mae']

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """
    _objects.model(model)
    if not getattr(_objects.model(other, "other"), "compiled", False):
        raise ValueError(
            "`other` must be compiled, so that there is something to take over. Received: "
            f"other={other.name!r}, which is not. Compile it, or `model` itself by `model.compile(optimizer, loss)`."
        )
    model.compile(**keras_private.compile_arguments(other) | {"optimizer": _optimizer_for(model, other)} | changes)


def _optimizer_for(model: keras.Model, other: keras.Model) -> Any:
    """Return the optimizer of the other model, or one with its settings where it was built for other weights."""
    optimizer = other.optimizer
    built_for = {id(v) for one in keras_private.optimizers_in(optimizer) for v in keras_private.known_variables(one)}
    if not built_for or built_for == {id(v) for v in model.trainable_variables}:
        return optimizer
    return type(optimizer).from_config(optimizer.get_config())

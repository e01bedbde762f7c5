"""Compiling a model as another one was."""

from typing import Any

import keras

from .. import _objects
from .._section import section
from ..integration import keras_private


@section("8.2")
def compile_as(model: keras.Model, other: keras.Model, **changes: Any) -> None:
    """Compile a model as another one was, but for some arguments (section 8.2).

    Loss, metrics, weights of losses and all other arguments of `compile` are those of the other model, the objects
    themselves. So a model that has another layer, or another optimizer, still reports the metrics of yours. The cures
    of verdicts use it.

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
        >>> second.loss, second.optimizer.name
        ('mse', 'adam')
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
    model.compile(**keras_private.compile_arguments(other) | changes)

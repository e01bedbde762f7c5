"""The contract of an optimizer that evaluates the loss as often as its method asks."""

from typing import Any

import numpy as np

import keras_ch8

from ._require import Make, explained, name_of, require, require_close, require_that_keras_saves
from ._training import X, Y, fit, small_model


def check_closure_optimizer(make: Make) -> None:
    """Check a subclass of `ClosureOptimizer`: its method, saving, and that it minimizes in `fit`.

    Args:
        make: The class, or a function that makes one and hands keyword arguments on to it.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_closure_optimizer(keras_ch8.optimizers.LBFGS)  # doctest: +SKIP
    """
    with explained("It takes the arguments of its base class: end `__init__` with `**kwargs` and hand them on."):
        optimizer = make(iterations_per_step=2, name="mine")
    name, base = name_of(optimizer), keras_ch8.optimizers.ClosureOptimizer
    require(isinstance(optimizer, base), f"`{name}` must inherit from `{base.__name__}`.")
    with explained(f"`{name}.method` must return a method of `keras_ch8.second_order` with the optimizer's arguments."):
        method = optimizer.method
    require(
        isinstance(method, keras_ch8.second_order.Method),
        f"`{name}.method` must return a method of `keras_ch8.second_order`. Received: {method!r}.",
    )
    require(
        optimizer.method == method,
        f"`{name}.method` must return equal methods at each call, from the arguments alone: what is remembered between "
        "steps belongs into the state of the method.",
    )
    require_that_keras_saves(optimizer)

    def losses(**arguments: Any) -> list[float]:
        model = small_model(make(**arguments))
        with explained(f"`{name}` cannot train a model with `compile` and `fit`."):
            return fit(model, X, Y, batch_size=len(X), epochs=4 // arguments.get("iterations_per_step", 1))["loss"]

    ones = losses()
    require(
        np.isfinite(ones).all() and ones[-1] < ones[0],
        f"`{name}` does not lower the loss of a small network in 3 iterations: {ones}.",
    )
    message = f"Two iterations in a step of `{name}` must be two steps: the method must keep all it remembers as state."
    require_close(losses(iterations_per_step=2), ones[::2], message, rtol=1e-3, atol=1e-6)

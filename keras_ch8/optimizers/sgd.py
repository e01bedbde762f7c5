"""Stochastic gradient descent, plain and with the two kinds of momentum (section 8.3)."""

from typing import Any, final

import keras
import numpy as np

from .. import _checks
from .._describe import short
from .._registration import registered
from .._types import Config, Tensor
from ._arguments import LearningRate
from ._update import State
from .base import RuleOptimizer


@final
@registered
class SGD(RuleOptimizer):
    r"""Step against the gradient of a minibatch (algorithm 8.1, section 8.3.1).

    At every step, with g the mean gradient over the minibatch:

    .. math::

        \theta \leftarrow \theta - \text{lr} \cdot g

    Book          Argument        Unit and meaning
    epsilon_k     learning_rate   step size; the book lets it fall linearly with k

    State: none. float16 and bfloat16 variables carry one float32 residual (4 bytes an entry) and move as a rounded
    float32 run does.

    Differs from `keras.optimizers.SGD`: with momentum it is another algorithm, of a class of its own. So that the swap
    is one word all the same, `SGD(momentum=0.9)` returns a `Momentum`, and `SGD(momentum=0.9, nesterov=True)` a
    `Nesterov`: `isinstance(..., SGD)` is False of them, and a saved model names them so.

    Args:
        learning_rate: Number, `LearningRateSchedule` or callable without arguments. Defaults to `0.01`.
        momentum: Number in [0, 1); above 0, what is made is a `Momentum` or `Nesterov`. Defaults to `0.0`.
        nesterov: Whether it is a `Nesterov`; without momentum it changes nothing, as in Keras. Defaults to `False`.
        **kwargs: `skip_nonfinite`, `clip`, `groups` and Keras's own (`clipnorm`, `weight_decay`, `use_ema`, `name`,
            ...); see `RuleOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the fix.

    Example:
        >>> variable = keras.Variable([1.0, 2.0])
        >>> keras_ch8.optimizers.SGD(0.1).apply([keras.ops.array([1.0, -1.0])], [variable])
        >>> [round(float(x), 4) for x in variable.numpy()]
        [0.9, 2.1]
        >>> type(keras_ch8.optimizers.SGD(0.1, momentum=0.9)).__name__
        'Momentum'

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.1; Robbins and Monro (1951).
    """

    section = "8.3.1"
    twin_in_keras = "SGD()"

    elementwise = True
    rests_without_gradient = True

    def __new__(
        cls, learning_rate: LearningRate = 0.01, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any
    ) -> Any:
        """Return the algorithm that has this momentum: the one class that chooses among others."""
        nesterov = _checks.flag("nesterov", nesterov, meaning="whether the gradient is taken after the momentum")
        if _checks.decay_rate("momentum", momentum, of="the velocity") == 0:
            return super().__new__(cls)
        if cls is not SGD:
            raise TypeError(
                f"With momentum `SGD` is another class, so a class made from it has none. Received: {cls.__name__}("
                f"momentum={short(momentum)}). Make it from `keras_ch8.optimizers.Momentum` or `Nesterov`."
            )
        return (Nesterov if nesterov else Momentum)(learning_rate, momentum, **kwargs)

    def __init__(
        self, learning_rate: LearningRate = 0.01, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any
    ) -> None:
        del momentum, nesterov  # there is none, or __new__ has made another class
        super().__init__(learning_rate, **kwargs)

    def rule(self, g: Tensor, lr: Tensor, t: Tensor) -> tuple[Tensor, State]:
        """Algorithm 8.1."""
        return -lr * g, {}


@final
@registered
class Momentum(RuleOptimizer):
    r"""Move with a velocity that the gradient pushes and drag slows (algorithm 8.2, section 8.3.2).

    At every step:

    .. math::

        v &\leftarrow \alpha v - \text{lr} \cdot g \\
        \theta &\leftarrow \theta + v

    Book          Argument        Unit and meaning
    epsilon       learning_rate   step size
    alpha         momentum        fraction of the velocity kept each step; memory, and gain along a constant gradient,
                                  of 1 / (1 - alpha) steps

    State: `v`, one tensor for each variable, in float32 or wider. float16 and bfloat16 variables carry one float32
    residual besides and move as a rounded float32 run does (8 bytes an entry in all).

    Differs from `keras.optimizers.SGD(momentum=...)`: in nothing but the name; the default `momentum` is 0.9, not 0.

    Args:
        learning_rate: Number, `LearningRateSchedule` or callable without arguments. Defaults to `0.01`.
        momentum: Number in [0, 1). Defaults to `0.9`.
        nesterov: Accepted at Keras's off value `False` only.
        **kwargs: `skip_nonfinite`, `clip`, `groups` and Keras's own (`clipnorm`, `weight_decay`, `use_ema`, `name`,
            ...); see `RuleOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the fix.

    Example:
        >>> variable, g = keras.Variable([1.0]), keras.ops.array([1.0])
        >>> optimizer = keras_ch8.optimizers.Momentum(0.1, momentum=0.5)
        >>> for _ in range(2): optimizer.apply([g], [variable])
        >>> round(float(variable.numpy()[0]), 4)
        0.75

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.2; Polyak (1964).
    """

    section = "8.3.2"
    twin_in_keras = "SGD(momentum=...)"

    state_names = ("v",)
    hyperparameters = ("momentum",)
    elementwise = True

    def __init__(
        self, learning_rate: LearningRate = 0.01, momentum: float = 0.9, nesterov: bool = False, **kwargs: Any
    ) -> None:
        fix = "Use `keras_ch8.optimizers.Nesterov`, or Keras's `keras.optimizers.SGD`."
        _checks.off("nesterov", nesterov, False, owner="Momentum", instead=fix)
        super().__init__(learning_rate, **kwargs)
        self.momentum = _checks.decay_rate("momentum", momentum, of="the velocity")

    def rule(self, g: Tensor, lr: Tensor, t: Tensor, v: Tensor) -> tuple[Tensor, State]:
        """Algorithm 8.2."""
        alpha = self.momentum
        v = alpha * v - lr * g
        return v, {"v": v}


class LookAheadRule(RuleOptimizer):
    """Keeps theta + alpha * v in the variables while training, because Keras takes the gradient where they stand.

    Args:
        learning_rate: As in `RuleOptimizer`.
        finish_at_theta: Whether `fit` leaves the book's theta in the model at its end. The velocity is then set to 0,
            so that a later `fit` starts from rest. Defaults to `False`.
        **kwargs: As in `RuleOptimizer`.
    """

    momentum: float

    def __init__(self, learning_rate: LearningRate, *, finish_at_theta: bool = False, **kwargs: Any) -> None:
        if finish_at_theta and kwargs.get("use_ema"):
            raise ValueError(
                "`use_ema=True` ends `fit` with the average of the weights and `finish_at_theta=True` with theta. "
                "Received both; leave one of them out."
            )
        super().__init__(learning_rate, **kwargs)
        meaning = "whether `fit` ends at theta, at rest"
        self.finish_at_theta = _checks.flag("finish_at_theta", finish_at_theta, meaning=meaning)

    def theta(self, variable: np.ndarray, **state: np.ndarray) -> np.ndarray:
        """Return the book's theta."""
        return variable - self.momentum * state["v"] if state else variable

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """End of `fit`: go from the look-ahead point to theta, at rest, if asked to."""
        super().finalize_variable_values(var_list)
        if self.finish_at_theta:
            for i, (variable, theta) in enumerate(zip(self.known_variables, self._wide_thetas(), strict=True)):
                if i in self._layout.block_of:  # but for the scales of float8, which no rule moves
                    self._layout.place(i, variable, theta)
            for block in self._layout.blocks:
                block.state["v"].assign(np.zeros(block.state["v"].shape))

    def get_config(self) -> Config:
        """Return the arguments that make this optimizer again."""
        return super().get_config() | {"finish_at_theta": self.finish_at_theta}


@final
@registered
class Nesterov(LookAheadRule):
    r"""Momentum whose gradient is taken where the velocity leads (algorithm 8.3, section 8.3.3).

    At every step:

    .. math::

        g &\leftarrow \text{gradient at }\theta + \alpha v \\
        v &\leftarrow \alpha v - \text{lr} \cdot g \\
        \theta &\leftarrow \theta + v

    Book          Argument        Unit and meaning
    epsilon       learning_rate   step size
    alpha         momentum        fraction of the velocity kept each step

    Keras takes the gradient where the variables stand, so while training they hold theta + alpha * v.
    `book_variables()` returns theta at any time. Validation inside `fit` sees the look-ahead point, and `fit` leaves it
    in the model, so that a later `fit` goes on exactly; `finish_at_theta=True` leaves theta, with the velocity at 0.

    State: `v`, one tensor for each variable, in float32 or wider. float16 and bfloat16 variables carry one float32
    residual besides and move as a rounded float32 run does (8 bytes an entry in all).

    Differs from `keras.optimizers.SGD(nesterov=True)`: the same steps; there theta cannot be had back. The default
    `momentum` is 0.9, not 0.

    Args:
        learning_rate: Number, `LearningRateSchedule` or callable without arguments. Defaults to `0.01`.
        momentum: Number in [0, 1). Defaults to `0.9`.
        nesterov: Accepted at `True` only, its default, so that calls of `keras.optimizers.SGD` can be taken over.
        finish_at_theta: Whether `fit` ends at theta, at rest. Defaults to `False`.
        **kwargs: `skip_nonfinite`, `clip`, `groups` and Keras's own (`clipnorm`, `weight_decay`, `use_ema`, `name`,
            ...); see `RuleOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the fix.

    Example:
        >>> variable, g = keras.Variable([1.0]), keras.ops.array([1.0])
        >>> optimizer = keras_ch8.optimizers.Nesterov(0.1, momentum=0.5)
        >>> optimizer.apply([g], [variable])
        >>> round(float(variable.numpy()[0]), 4), round(float(optimizer.book_variables()[0][0]), 4)
        (0.85, 0.9)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.3; Sutskever et al. (2013).
    """

    section = "8.3.3"
    twin_in_keras = "SGD(momentum=..., nesterov=True)"

    state_names = ("v",)
    hyperparameters = ("momentum",)
    elementwise = True

    def __init__(
        self, learning_rate: LearningRate = 0.01, momentum: float = 0.9, nesterov: bool = True, **kwargs: Any
    ) -> None:
        fix = "Use `keras_ch8.optimizers.Momentum`."
        if not _checks.is_off(nesterov, True):
            raise ValueError(
                "`Nesterov` always takes the gradient at the look-ahead point, so `nesterov` must be True. Received: "
                f"nesterov={short(nesterov)}. {fix}"
            )
        super().__init__(learning_rate, **kwargs)
        self.momentum = _checks.decay_rate("momentum", momentum, of="the velocity")

    def rule(self, g: Tensor, lr: Tensor, t: Tensor, v: Tensor) -> tuple[Tensor, State]:
        """Algorithm 8.3, from one look-ahead point to the next: v + alpha v - alpha v_old = alpha v - lr g."""
        alpha = self.momentum
        v = alpha * v - lr * g
        return alpha * v - lr * g, {"v": v}

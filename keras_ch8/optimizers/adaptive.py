"""AdaGrad, and RMSProp with and without Nesterov momentum (sections 8.5.1 and 8.5.2)."""

from typing import Any, final

from keras import ops

from .. import _checks, _numerics
from .._registration import registered
from .._types import Tensor
from ._arguments import LearningRate
from ._update import State
from .base import RuleOptimizer
from .sgd import LookAheadRule


@final
@registered
class Adagrad(RuleOptimizer):
    r"""Divide each step by the root of the sum of all past squared gradients (algorithm 8.4, section 8.5.1).

    For each parameter, at every step:

    .. math::

        r &\leftarrow r + g \odot g \\
        \theta &\leftarrow \theta - \frac{\text{lr}}{\delta + \sqrt{r}} g

    Book          Argument        Unit and meaning
    epsilon       learning_rate   step size; the very first step of a parameter is about this long
    delta         epsilon         added outside the root

    State: `r`, one tensor for each variable, in float32 or wider. float16 and bfloat16 variables carry one float32
    residual besides and move as a rounded float32 run does (8 bytes an entry in all).

    Differs from `keras.optimizers.Adagrad`: there `epsilon` stands inside the root and r starts at 0.1, which makes
    the first step at g = 0.01 32 times shorter. Here r starts at 0. The state is the same: a training of
    Keras's goes on with the r that it has, 0.1 included.

    Args:
        learning_rate: Number, `LearningRateSchedule` or callable without arguments. Defaults to `0.001`.
        initial_accumulator_value: Accepted at the book's `0.0` only.
        epsilon: Number above 0. Defaults to `1e-7`.
        **kwargs: `skip_nonfinite`, `clip`, `groups` and Keras's own (`clipnorm`, `weight_decay`, `use_ema`, `name`,
            ...); see `RuleOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the fix.

    Example:
        >>> variable = keras.Variable([1.0, 1.0])
        >>> keras_ch8.optimizers.Adagrad(0.1).apply([keras.ops.array([100.0, 0.01])], [variable])
        >>> [round(float(x), 4) for x in variable.numpy()]
        [0.9, 0.9]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.4; Duchi, Hazan, Singer (2011).
    """

    section = "8.5.1"
    twin_in_keras = "Adagrad()"

    state_names = ("r",)
    hyperparameters = ("epsilon",)
    elementwise = True
    rests_without_gradient = True
    is_adaptive = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.0,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        _checks.off(
            "initial_accumulator_value",
            initial_accumulator_value,
            0.0,
            owner="Adagrad",
            instead="Use Keras's `keras.optimizers.Adagrad` for another start.",
        )
        super().__init__(learning_rate, **kwargs)
        self.epsilon = _checks.stabilizer("epsilon", epsilon, default=1e-7)

    def rule(self, g: Tensor, lr: Tensor, t: Tensor, r: Tensor) -> tuple[Tensor, State]:
        """Algorithm 8.4."""
        delta = self.epsilon
        r = r + g * g
        return -lr / (delta + ops.sqrt(r)) * g, {"r": r}


@final
@registered
class RMSprop(RuleOptimizer):
    r"""Divide each step by a decaying root mean square of past gradients (algorithm 8.5, section 8.5.2).

    For each parameter, at every step:

    .. math::

        r &\leftarrow \rho r + (1 - \rho) g \odot g \\
        \theta &\leftarrow \theta - \frac{\text{lr}}{\sqrt{\delta + r}} g

    Book          Argument        Unit and meaning
    epsilon       learning_rate   step size
    rho           rho             fraction of r kept each step; memory of about 1 / (1 - rho) steps
    delta         epsilon         added inside the root

    State: `r`, one tensor for each variable, in float32 or wider. float16 and bfloat16 variables carry one float32
    residual besides and move as a rounded float32 run does (8 bytes an entry in all).

    Differs from `keras.optimizers.RMSprop`: `epsilon` is 1e-6, not 1e-7; no `centered`; no `momentum`, for which the
    book has algorithm 8.6, `RMSpropNesterov`. The state is the same: with `epsilon=1e-7` a training of Keras's goes
    on as there.

    Args:
        learning_rate: Number, `LearningRateSchedule` or callable without arguments. Defaults to `0.001`.
        rho: Number in [0, 1). Defaults to `0.9`.
        momentum, centered: Accepted at Keras's off values `0.0` and `False` only.
        epsilon: Number above 0. Defaults to `1e-6`.
        **kwargs: `skip_nonfinite`, `clip`, `groups` and Keras's own (`clipnorm`, `weight_decay`, `use_ema`, `name`,
            ...); see `RuleOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the fix.

    Example:
        >>> variable = keras.Variable([1.0, 1.0])
        >>> keras_ch8.optimizers.RMSprop(0.1, rho=0.75).apply([keras.ops.array([100.0, 4.0])], [variable])
        >>> [round(float(x), 4) for x in variable.numpy()]
        [0.8, 0.8]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.5; Hinton (2012), lecture 6e.
    """

    section = "8.5.2"
    twin_in_keras = "RMSprop()"

    state_names = ("r",)
    hyperparameters = ("rho", "epsilon")
    elementwise = True
    is_adaptive = True
    moves_by_rate = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-6,
        centered: bool = False,
        **kwargs: Any,
    ) -> None:
        keras_rmsprop = "Keras's `keras.optimizers.RMSprop` has it."
        _checks.off(
            "momentum",
            momentum,
            0.0,
            owner="RMSprop",
            instead=f"Use `keras_ch8.optimizers.RMSpropNesterov`. {keras_rmsprop}",
        )
        _checks.off("centered", centered, False, owner="RMSprop", instead=keras_rmsprop)
        super().__init__(learning_rate, **kwargs)
        self.rho = _checks.decay_rate("rho", rho, of="r, the mean squared gradient,")
        self.epsilon = _checks.stabilizer("epsilon", epsilon, default=1e-6)

    def rule(self, g: Tensor, lr: Tensor, t: Tensor, r: Tensor) -> tuple[Tensor, State]:
        """Algorithm 8.5."""
        rho, delta = self.rho, self.epsilon
        r = rho * r + (1 - rho) * g * g
        return -lr / ops.sqrt(delta + r) * g, {"r": r}


@final
@registered
class RMSpropNesterov(LookAheadRule):
    r"""RMSProp's scaling with a velocity and a gradient taken ahead (algorithm 8.6, section 8.5.2).

    For each parameter, at every step:

    .. math::

        g &\leftarrow \text{gradient at }\theta + \alpha v \\
        r &\leftarrow \rho r + (1 - \rho) g \odot g \\
        v &\leftarrow \alpha v - \frac{\text{lr}}{\sqrt{r}} g \\
        \theta &\leftarrow \theta + v

    The book has no delta here; where r is 0 (no gradient yet) the gradient takes no part in the step.

    Book          Argument        Unit and meaning
    epsilon       learning_rate   step size
    rho           rho             fraction of r kept each step; memory of about 1 / (1 - rho) steps
    alpha         momentum        fraction of the velocity kept each step

    Keras takes the gradient where the variables stand, so while training they hold theta + alpha * v.
    `book_variables()` returns theta at any time. Validation inside `fit` sees the look-ahead point, and `fit` leaves it
    in the model, so that a later `fit` goes on exactly; `finish_at_theta=True` leaves theta, with the velocity at 0.

    State: `r` and `v`, one tensor each for each variable, in float32 or wider. float16 and bfloat16 variables carry
    one float32 residual besides and move as a rounded float32 run does (12 bytes an entry in all).

    Differs from `keras.optimizers.RMSprop(momentum=...)`: that one has plain momentum, and `epsilon`.

    Args:
        learning_rate: Number, `LearningRateSchedule` or callable without arguments. Defaults to `0.001`.
        rho: Number in [0, 1). Defaults to `0.9`.
        momentum: Number in [0, 1). Defaults to `0.9`.
        centered: Accepted at Keras's off value `False` only.
        finish_at_theta: Whether `fit` ends at theta, at rest. Defaults to `False`.
        **kwargs: `skip_nonfinite`, `clip`, `groups` and Keras's own (`clipnorm`, `weight_decay`, `use_ema`, `name`,
            ...); see `RuleOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the fix.

    Example:
        >>> variable = keras.Variable([1.0, 1.0])
        >>> optimizer = keras_ch8.optimizers.RMSpropNesterov(0.1, rho=0.75, momentum=0.5)
        >>> optimizer.apply([keras.ops.array([100.0, 0.0])], [variable])
        >>> [round(float(x), 4) for x in variable.numpy()], [round(float(x), 4) for x in optimizer.book_variables()[0]]
        ([0.7, 1.0], [0.8, 1.0])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.6.
    """

    section = "8.5.2"

    state_names = ("r", "v")
    hyperparameters = ("rho", "momentum")
    elementwise = True
    is_adaptive = True
    moves_by_rate = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.9,
        *,
        centered: bool = False,
        **kwargs: Any,
    ) -> None:
        fix = "Keras's `keras.optimizers.RMSprop` has it."
        _checks.off("centered", centered, False, owner="RMSpropNesterov", instead=fix)
        super().__init__(learning_rate, **kwargs)
        self.rho = _checks.decay_rate("rho", rho, of="r, the mean squared gradient,")
        self.momentum = _checks.decay_rate("momentum", momentum, of="the velocity")

    def rule(self, g: Tensor, lr: Tensor, t: Tensor, r: Tensor, v: Tensor) -> tuple[Tensor, State]:
        """Algorithm 8.6, from one look-ahead point to the next, as in `Nesterov`."""
        rho, alpha = self.rho, self.momentum
        r = rho * r + (1 - rho) * g * g
        step = lr * _numerics.safe_ratio(g, ops.sqrt(r), otherwise=0.0)
        v = alpha * v - step
        return alpha * v - step, {"r": r, "v": v}

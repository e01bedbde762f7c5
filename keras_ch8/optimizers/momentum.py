"""Gradient descent with momentum."""

from typing import Any, final

from .. import _checks
from .._registration import registered
from .._types import Tensor
from ._arguments import LearningRate
from ._update import State
from .base import RuleOptimizer


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
        **kwargs: `skip_nonfinite`, `clip` and Keras's own (`clipnorm`, `weight_decay`, `use_ema`, `name`, ...); see
            `RuleOptimizer`.

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

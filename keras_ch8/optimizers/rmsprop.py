"""RMSProp."""

from typing import Any, final

from keras import ops

from .. import _checks
from .._registration import registered
from .._types import Tensor
from ._arguments import LearningRate
from ._update import State
from .base import RuleOptimizer


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
        **kwargs: `skip_nonfinite`, `clip` and Keras's own (`clipnorm`, `weight_decay`, `use_ema`, `name`, ...); see
            `RuleOptimizer`.

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

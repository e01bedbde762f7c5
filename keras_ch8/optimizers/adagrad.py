"""AdaGrad."""

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
        **kwargs: `skip_nonfinite`, `clip` and Keras's own (`clipnorm`, `weight_decay`, `use_ema`, `name`, ...); see
            `RuleOptimizer`.

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

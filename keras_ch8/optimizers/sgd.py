"""Stochastic gradient descent."""

from typing import Any, final

import keras

from .. import _checks
from ._base import AbstractOptimizer


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class SGD(AbstractOptimizer):
    """Step against the gradient of a minibatch (algorithm 8.1, section 8.3.1).

    At every step, with g the mean gradient over the minibatch:

        theta <- theta - lr * g

    Book          Argument        Unit and meaning
    epsilon_k     learning_rate   step size; the book lets it fall linearly with k

    State: none. float16 and bfloat16 variables carry one float32 residual (4 bytes an entry) and move as a rounded
    float32 run does.

    Differs from `keras.optimizers.SGD`: no `momentum` and no `nesterov`, which are the boxes `Momentum` and `Nesterov`.

    Args:
        learning_rate: Number, `LearningRateSchedule` or callable without arguments. Defaults to `0.01`.
        momentum, nesterov: Accepted at Keras's off values `0.0` and `False` only.
        **kwargs: `skip_nonfinite`, `clip` and Keras's own (`clipnorm`, `weight_decay`, `use_ema`, `name`, ...); see
            `AbstractOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the mend.

    Example:
        >>> variable = keras.Variable([1.0, 2.0])
        >>> keras_ch8.optimizers.SGD(0.1).apply([keras.ops.array([1.0, -1.0])], [variable])
        >>> [round(float(x), 4) for x in variable.numpy()]
        [0.9, 2.1]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.1; Robbins and Monro (1951).
    """

    elementwise = True
    rests_without_gradient = True

    def __init__(
        self, learning_rate: Any = 0.01, *, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any
    ) -> None:
        mend = "Use `keras_ch8.optimizers.Momentum` or `Nesterov`, or Keras's `keras.optimizers.SGD`."
        _checks.off("momentum", momentum, 0.0, owner="SGD", instead=mend)
        _checks.off("nesterov", nesterov, False, owner="SGD", instead=mend)
        super().__init__(learning_rate, **kwargs)

    def rule(self, g: Any, lr: Any, t: Any) -> tuple[Any, dict[str, Any]]:
        """Algorithm 8.1."""
        return -lr * g, {}

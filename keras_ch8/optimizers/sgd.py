"""Stochastic gradient descent."""

from typing import Any, final

from .. import _checks
from .._describe import short
from .._registration import registered
from .._types import Tensor
from ._arguments import LearningRate
from ._update import State
from .base import RuleOptimizer
from .momentum import Momentum
from .nesterov import Nesterov


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

    Differs from `keras.optimizers.SGD`: with momentum it is another algorithm, which has a file of its own. So that the
    swap is one word all the same, `SGD(momentum=0.9)` returns a `Momentum`, and `SGD(momentum=0.9, nesterov=True)` a
    `Nesterov`: `isinstance(..., SGD)` is False of them, and a saved model names them so.

    Args:
        learning_rate: Number, `LearningRateSchedule` or callable without arguments. Defaults to `0.01`.
        momentum: Number in [0, 1); above 0, what is made is a `Momentum` or `Nesterov`. Defaults to `0.0`.
        nesterov: Whether it is a `Nesterov`; without momentum it changes nothing, as in Keras. Defaults to `False`.
        **kwargs: `skip_nonfinite`, `clip` and Keras's own (`clipnorm`, `weight_decay`, `use_ema`, `name`, ...); see
            `RuleOptimizer`.

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
        """Return the algorithm that has this momentum: the one class that chooses among files."""
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

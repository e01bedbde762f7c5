"""Newton's method."""

from typing import Any, final

import keras

from .. import second_order
from .closure import AbstractClosureOptimizer


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class Newton(AbstractClosureOptimizer):
    """Newton's method, with damping (algorithm 8.8, section 8.6.1).

    For all weights together, at every iteration:

        H     <- the Hessian of the loss
        theta <- theta - (H + alpha I)^-1 g

    With `damping=0.0` alpha is 0, as printed: that goes to the nearest critical point, also if it is a saddle point.
    The default adapts alpha so that H + alpha I is positive definite and the loss falls. The smallest and the largest
    eigenvalue of H are written for TensorBoard.

    State: one direction, a number for each weight. A step takes n^2 numbers and O(n^3) for n weights.

    Args:
        damping: alpha: a number of at least 0, or `"adaptive"`. Defaults to `"adaptive"`.
        max_parameters: Integer: refuse models with more weights than these. Defaults to `2000`.
        **kwargs: `iterations_per_step`, `accumulate_batches`, `gtol`, `ftol`, `xtol`, `name`; see
            `AbstractClosureOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the mend.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.Newton(), "mse")
        >>> history = model.fit(x, x @ [1.0, 2.0, 3.0], batch_size=64, epochs=20, verbose=0).history
        >>> history["loss"][-1] < 1e-6
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.8.
    """

    section = "8.6.1"

    hyperparameters = ("damping", "max_parameters")

    def __init__(
        self, *args: Any, damping: float | str = "adaptive", max_parameters: int = 2000, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.damping, self.max_parameters = damping, max_parameters
        self.method  # noqa: B018  checks the arguments

    @property
    def method(self) -> "second_order.Newton":
        """The method, with these arguments."""
        return second_order.Newton(self.damping, self.max_parameters)

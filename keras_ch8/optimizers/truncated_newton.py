"""Newton's method by conjugate gradients."""

from typing import Any, final

import keras

from .. import second_order
from .closure import AbstractClosureOptimizer


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class TruncatedNewton(AbstractClosureOptimizer):
    """Newton's method by conjugate gradients in a trust region, without a matrix (section 8.6.1; Steihaug 1983).

    For all weights together, at every iteration:

        delta <- about argmin g . delta + delta . H delta / 2,   |delta| <= radius, by conjugate gradients on products
                 H p, which end on the boundary where the curvature is negative
        theta <- theta + delta   if the loss falls by enough of what the model promises; the radius follows the ratio

    State: three numbers. An iteration costs as many Hessian-vector products as conjugate gradients.

    Args:
        cg_iterations: Integer of at least 1: the most conjugate gradients for a step. Defaults to `200`.
        **kwargs: `iterations_per_step`, `accumulate_batches`, `gtol`, `ftol`, `xtol`, `name`; see
            `AbstractClosureOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the mend.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.TruncatedNewton(), "mse")
        >>> history = model.fit(x, x @ [1.0, 2.0, 3.0], batch_size=64, epochs=20, verbose=0).history
        >>> history["loss"][-1] < 1e-6
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.1; Steihaug (1983).
    """

    section = "8.6.1"

    hyperparameters = ("cg_iterations",)

    def __init__(self, *args: Any, cg_iterations: int = 200, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cg_iterations = cg_iterations
        self.method  # noqa: B018  checks the arguments

    @property
    def method(self) -> "second_order.TruncatedNewton":
        """The method, with these arguments."""
        return second_order.TruncatedNewton(self.cg_iterations)

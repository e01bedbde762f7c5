"""Sums of squares."""

from typing import Any, final

import keras

from .. import second_order
from ._batch_loss import is_squared
from .closure import AbstractClosureOptimizer


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class LevenbergMarquardt(AbstractClosureOptimizer):
    """The method for squared losses (section 8.6.1; Levenberg 1944, Marquardt 1963).

    For all weights together, at every iteration, with r the errors of all outputs and examples and J = dr / dtheta:

        theta <- theta - (J^T J + alpha D^2)^-1 J^T r,   D the lengths of the columns of J

    It is for the loss `"mse"`, with sample weights, and without regularization: anything else raises. J takes a number
    for each weight, example and output; use it for small models.

    State: D, a number for each weight.

    Args:
        **kwargs: `iterations_per_step`, `accumulate_batches`, `gtol`, `ftol`, `xtol`, `name`; see
            `AbstractClosureOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the mend.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.LevenbergMarquardt(), "mse")
        >>> history = model.fit(x, x @ [1.0, 2.0, 3.0], batch_size=64, epochs=20, verbose=0).history
        >>> history["loss"][-1] < 1e-6
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.1; Moré (1978).
    """

    section = "8.6.1"

    def refuse(self, model: Any) -> None:
        """Refuse a loss that is no mean of squares."""
        n_outputs = len(getattr(model, "outputs", None) or [0])
        reasons = {
            f"the loss {model.loss!r}": not is_squared(model),
            f"{len(model.losses)} losses beside it": bool(model.losses),
            "accumulate_batches=True": self.accumulate_batches,
            f"{n_outputs} outputs": n_outputs > 1,
        }
        received = [what for what, is_so in reasons.items() if is_so]
        if received:
            raise ValueError(
                "`LevenbergMarquardt` minimizes the loss 'mse' of one output and one batch, and nothing besides. "
                f"Received: {', '.join(received)}. Compile with loss='mse' and without regularizers, or use `LBFGS()`."
            )

    @property
    def method(self) -> "second_order.LevenbergMarquardt":
        """The method, with these arguments."""
        return second_order.LevenbergMarquardt()

"""BFGS."""

from typing import Any, final

import keras

from .. import second_order
from . import _search
from .closure import AbstractClosureOptimizer


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class BFGS(AbstractClosureOptimizer):
    """BFGS with its whole matrix (section 8.6.3).

    For all weights together, at every iteration:

        d     <- -M g,   M the approximate inverse Hessian
        theta <- theta + t d,   t from a line search that ends at the strong Wolfe conditions
        M     <- (I - rho s y^T) M (I - rho y s^T) + rho s s^T,   rho = 1 / (s . y)

    State: M, n^2 numbers for n weights: for some thousand weights; `LBFGS` is for more.

    Args:
        line_search: How far to go along d: a line search of `keras_ch8.second_order`. Defaults to `StrongWolfe()`.
        **kwargs: `iterations_per_step`, `accumulate_batches`, `gtol`, `ftol`, `xtol`, `name`; see
            `AbstractClosureOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the mend.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.BFGS(), "mse")
        >>> history = model.fit(x, x @ [1.0, 2.0, 3.0], batch_size=64, epochs=20, verbose=0).history
        >>> history["loss"][-1] < 1e-6
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.3; Nocedal and Wright (2006), algorithm 6.1.
    """

    section = "8.6.3"

    hyperparameters = ("line_search",)

    def __init__(self, *args: Any, line_search: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line_search = _search.search_of(line_search, second_order.StrongWolfe())

    @property
    def method(self) -> "second_order.BFGS":
        """The method, with these arguments."""
        return second_order.BFGS(line_search=self.line_search)

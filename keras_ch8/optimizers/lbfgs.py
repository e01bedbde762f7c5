"""Limited-history_size BFGS."""

from typing import Any, final

import keras

from .. import second_order
from . import _search
from .closure import AbstractClosureOptimizer


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class LBFGS(AbstractClosureOptimizer):
    """BFGS without its matrix, from the last pairs of steps and changes of the gradient (section 8.6.3).

    For all weights together, at every iteration:

        d     <- -(approximate inverse Hessian of the last `history_size` pairs) g        (see `second_order.LBFGS`)
        theta <- theta + t d,   t from a line search that ends at the strong Wolfe conditions
        s     <- the step,   y <- the change of g;   kept if s . y > eps |s| |y|

    State: `history_size` pairs, 2 history_size numbers for each weight.

    Args:
        history_size: Integer of at least 1: how many pairs are kept. Defaults to `10`.
        line_search: How far to go along d: a line search of `keras_ch8.second_order`. Defaults to `StrongWolfe()`.
        **kwargs: `iterations_per_step`, `accumulate_batches`, `gtol`, `ftol`, `xtol`, `name`; see
            `AbstractClosureOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the mend.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.LBFGS(), "mse")
        >>> history = model.fit(x, x @ [1.0, 2.0, 3.0], batch_size=64, epochs=20, verbose=0).history
        >>> history["loss"][-1] < 1e-6
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.3; Nocedal (1980).
    """

    section = "8.6.3"

    hyperparameters = ("history_size", "line_search")

    def __init__(self, *args: Any, history_size: int = 10, line_search: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.history_size = history_size
        self.line_search = _search.search_of(line_search, second_order.StrongWolfe())
        self.method  # noqa: B018  checks the arguments

    @property
    def method(self) -> "second_order.LBFGS":
        """The method, with these arguments."""
        return second_order.LBFGS(self.history_size, line_search=self.line_search)

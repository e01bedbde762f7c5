"""Steepest descent with a line search."""

from typing import Any, final

import keras

from .. import second_order
from . import _search
from .closure import AbstractClosureOptimizer


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class SteepestDescent(AbstractClosureOptimizer):
    """Steepest descent with a line search (algorithm 4.1, section 8.6.2).

    For all weights together, at every iteration:

        d     <- -g
        theta <- theta + t d,   t from a line search

    State: the expected fall of the loss, one number.

    Args:
        line_search: How far to go along d: a line search of `keras_ch8.second_order`. Defaults to `StrongWolfe()`.
        **kwargs: `iterations_per_step`, `accumulate_batches`, `gtol`, `ftol`, `xtol`, `name`; see
            `AbstractClosureOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the mend.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SteepestDescent(), "mse")
        >>> history = model.fit(x, x @ [1.0, 2.0, 3.0], batch_size=64, epochs=60, verbose=0).history
        >>> history["loss"][-1] < 1e-6
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 4.3 and 8.6.2.
    """

    section = "8.6.2"

    hyperparameters = ("line_search",)

    def __init__(self, *args: Any, line_search: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line_search = _search.search_of(line_search, second_order.StrongWolfe())

    @property
    def method(self) -> "second_order.SteepestDescent":
        """The method, with these arguments."""
        return second_order.SteepestDescent(line_search=self.line_search)

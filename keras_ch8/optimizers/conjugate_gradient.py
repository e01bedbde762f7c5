"""Nonlinear conjugate gradients."""

from typing import Any, final

import keras

from .. import second_order
from . import _search
from .closure import AbstractClosureOptimizer


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class ConjugateGradient(AbstractClosureOptimizer):
    """Nonlinear conjugate gradients (algorithm 8.9, section 8.6.2).

    For all weights together, at every iteration:

        beta  <- g . (g - g_old) / g_old . g_old, at least 0       `polak_ribiere`, equation 8.32; others by name
        d     <- -g + beta d
        theta <- theta + t d,   t from a line search near the minimum along d

    State: the last gradient and direction, 2 numbers for each weight.

    Args:
        beta_rule: `"polak_ribiere"`, `"fletcher_reeves"`, `"hestenes_stiefel"` or `"dai_yuan"`; see
            `second_order.ConjugateGradient`. Defaults to `"polak_ribiere"`.
        line_search: How far to go along d: one of `keras_ch8.second_order`. Defaults to `StrongWolfe(c2=0.4)`.
        **kwargs: `iterations_per_step`, `accumulate_batches`, `gtol`, `ftol`, `xtol`, `name`; see
            `AbstractClosureOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the mend.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.ConjugateGradient(), "mse")
        >>> history = model.fit(x, x @ [1.0, 2.0, 3.0], batch_size=64, epochs=20, verbose=0).history
        >>> history["loss"][-1] < 1e-6
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.9; Nocedal and Wright (2006), section 5.2.
    """

    section = "8.6.2"

    hyperparameters = ("beta_rule", "line_search")

    def __init__(self, *args: Any, beta_rule: str = "polak_ribiere", line_search: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.beta_rule = beta_rule
        self.line_search = _search.search_of(line_search, second_order.StrongWolfe(c2=0.4))
        self.method  # noqa: B018  checks the arguments

    @property
    def method(self) -> "second_order.ConjugateGradient":
        """The method, with these arguments."""
        return second_order.ConjugateGradient(self.beta_rule, line_search=self.line_search)

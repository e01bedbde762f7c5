"""Newton's method without its attraction to saddle points."""

from typing import Any, final

import keras

from .. import second_order
from .closure import AbstractClosureOptimizer


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class SaddleFreeNewton(AbstractClosureOptimizer):
    """Newton's method with |H| in the place of H, in a small space (section 8.2.3; Dauphin et al. 2014).

    For all weights together, at every iteration:

        lambda_i, u_i <- eigenvalues and eigenvectors of H in a space of `dimension` directions (Lanczos)
        theta <- theta - sum (u_i . g) / (|lambda_i| + alpha) u_i - rest of g / (max |lambda_i| + alpha)

    State: one direction, a number for each weight. An iteration costs `dimension` Hessian-vector products.

    Args:
        dimension: Integer of at least 2. Defaults to `20`.
        **kwargs: `iterations_per_step`, `accumulate_batches`, `gtol`, `ftol`, `xtol`, `name`; see
            `AbstractClosureOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the mend.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SaddleFreeNewton(), "mse")
        >>> history = model.fit(x, x @ [1.0, 2.0, 3.0], batch_size=64, epochs=20, verbose=0).history
        >>> history["loss"][-1] < 1e-6
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.3; Dauphin et al. (2014).
    """

    section = "8.6.1"

    hyperparameters = ("dimension",)

    def __init__(self, *args: Any, dimension: int = 20, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dimension = dimension
        self.method  # noqa: B018  checks the arguments

    @property
    def method(self) -> "second_order.SaddleFreeNewton":
        """The method, with these arguments."""
        return second_order.SaddleFreeNewton(self.dimension)

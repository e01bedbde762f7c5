"""The optimizers of section 8.6: the methods of `keras_ch8.second_order`, brought into `fit`.

Each takes the arguments of its method and those of `ClosureOptimizer`, which does the work. What it says of itself is
what the method says: the algorithm, the state and the arguments stand there.
"""

import inspect
from typing import TypeVar, final

import keras

from .._registration import registered
from ..second_order import methods
from ._batch_loss import is_squared
from .closure import ClosureOptimizer

Class = TypeVar("Class", bound=type[ClosureOptimizer])


def of_its_method(cls: Class) -> Class:
    """Let an optimizer explain itself as its method does, with f the loss and x all weights together."""
    method = inspect.getdoc(cls._method)
    if method is None:  # python -OO
        return cls
    algorithm, rest = method.partition("\n\n")[2].split("\n\nRaises:")
    epochs = 20 if cls.uses_curvature else 60
    cls.__doc__ = f"""{inspect.getdoc(cls)}

With f the loss, and x all weights together:

{algorithm}
    iterations_per_step, accumulate_batches, gtol, ftol, xtol, name: See `ClosureOptimizer`.

Raises:
    TypeError: If an argument is unknown, or given by place, as a learning rate would be.
    ValueError: If an argument lies outside its range; the message names the value and the fix.

Example:
    >>> x = np.random.default_rng(0).normal(size=(64, 3))
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> model.compile(keras_ch8.optimizers.{cls.__name__}(), "mse")
    >>> history = model.fit(x, x @ [1.0, 2.0, 3.0], batch_size=64, epochs={epochs}, verbose=0).history
    >>> history["loss"][-1] < 1e-6
    True

References:{rest.split("References:")[1]}
"""
    return cls


@final
@registered
@of_its_method
class Newton(ClosureOptimizer, method=methods.Newton):
    """Newton's method, with damping (algorithm 8.8, section 8.6.1)."""

    section = "8.6.1"


@final
@registered
@of_its_method
class TruncatedNewton(ClosureOptimizer, method=methods.TruncatedNewton):
    """Newton's method by conjugate gradients in a trust region, without a matrix (section 8.6.1; Steihaug 1983)."""

    section = "8.6.1"


@final
@registered
@of_its_method
class SaddleFreeNewton(ClosureOptimizer, method=methods.SaddleFreeNewton):
    """Newton's method with |H| instead of H, in a small subspace (section 8.2.3; Dauphin et al. 2014)."""

    section = "8.6.1"


@final
@registered
@of_its_method
class LevenbergMarquardt(ClosureOptimizer, method=methods.LevenbergMarquardt):
    """The method for squared losses (section 8.6.1; Levenberg 1944, Marquardt 1963).

    It is for the loss `"mse"`, with sample weights, and without regularization: anything else raises. J takes a number
    for each weight, example and output; use it for small models.
    """

    section = "8.6.1"

    def refuse(self, model: keras.Model) -> None:
        """Refuse a loss that is no mean of squares."""
        n_outputs = len(getattr(model, "outputs", None) or [0])
        reasons = {
            f"the loss {model.loss!r}": not is_squared(model),
            f"{len(model.losses)} additional losses": bool(model.losses),
            "accumulate_batches=True": self.accumulate_batches,
            f"{n_outputs} outputs": n_outputs > 1,
        }
        received = [what for what, is_so in reasons.items() if is_so]
        if received:
            raise ValueError(
                "`LevenbergMarquardt` minimizes only the loss 'mse' of one output and one batch. Received: "
                f"{', '.join(received)}. Compile with loss='mse' and without regularizers, or use `LBFGS()`."
            )


@final
@registered
@of_its_method
class SteepestDescent(ClosureOptimizer, method=methods.SteepestDescent):
    """Steepest descent with a line search (algorithm 4.1, section 8.6.2)."""

    section = "8.6.2"
    uses_curvature = False


@final
@registered
@of_its_method
class ConjugateGradient(ClosureOptimizer, method=methods.ConjugateGradient):
    """Nonlinear conjugate gradients (algorithm 8.9, section 8.6.2)."""

    section = "8.6.2"


@final
@registered
@of_its_method
class BFGS(ClosureOptimizer, method=methods.BFGS):
    """BFGS with its whole matrix (section 8.6.3)."""

    section = "8.6.3"


@final
@registered
@of_its_method
class LBFGS(ClosureOptimizer, method=methods.LBFGS):
    """BFGS without its matrix, from the last pairs of steps and changes of the gradient (section 8.6.3)."""

    section = "8.6.3"


@final
@registered
@of_its_method
class SSBFGS(ClosureOptimizer, method=methods.SSBFGS):
    """BFGS that scales its matrix before each update (Al-Baali 1998)."""

    paper = "Al-Baali 1998"


@final
@registered
@of_its_method
class SSBroyden(ClosureOptimizer, method=methods.SSBroyden):
    """The self-scaled method of Broyden's family for physics-informed networks (Al-Baali and Khalfan 2005)."""

    paper = "Al-Baali and Khalfan 2005"

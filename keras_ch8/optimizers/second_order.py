"""The optimizers of section 8.6: the methods of `keras_ch8.second_order`, brought into `fit`.

Each takes the arguments of its method and those of `ClosureOptimizer`, which does the work.
"""

from typing import final

import keras

from .._registration import registered
from ..second_order import methods
from ._batch_loss import is_squared
from .closure import ClosureOptimizer


@final
@registered
class Newton(ClosureOptimizer, method=methods.Newton):
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
        iterations_per_step, accumulate_batches, gtol, ftol, xtol, name: See `ClosureOptimizer`.

    Raises:
        TypeError: If an argument is unknown, or given by place, as a learning rate would be.
        ValueError: If an argument lies outside its range; the message names the value and the fix.

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


@final
@registered
class TruncatedNewton(ClosureOptimizer, method=methods.TruncatedNewton):
    """Newton's method by conjugate gradients in a trust region, without a matrix (section 8.6.1; Steihaug 1983).

    For all weights together, at every iteration:

        delta <- about argmin g . delta + delta . H delta / 2,   |delta| <= radius, by conjugate gradients on products
                 H p, which end on the boundary where the curvature is negative
        theta <- theta + delta   if the loss falls by enough of what the model promises; the radius follows the ratio

    State: three numbers. An iteration costs as many Hessian-vector products as conjugate gradients.

    Args:
        cg_iterations: Integer of at least 1: the most iterations of conjugate gradients in a step. Defaults to `200`.
        iterations_per_step, accumulate_batches, gtol, ftol, xtol, name: See `ClosureOptimizer`.

    Raises:
        TypeError: If an argument is unknown, or given by place, as a learning rate would be.
        ValueError: If an argument lies outside its range; the message names the value and the fix.

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


@final
@registered
class SaddleFreeNewton(ClosureOptimizer, method=methods.SaddleFreeNewton):
    """Newton's method with |H| in the place of H, in a small space (section 8.2.3; Dauphin et al. 2014).

    For all weights together, at every iteration:

        lambda_i, u_i <- eigenvalues and eigenvectors of H in a space of `dimension` directions (Lanczos)
        theta <- theta - sum_i u_i (u_i . g) / (|lambda_i| + alpha) - (rest of g) / (max |lambda_i| + alpha)

    State: one direction, a number for each weight. An iteration costs `dimension` Hessian-vector products.

    Args:
        dimension: Integer of at least 2: how many directions the space has. Defaults to `20`.
        iterations_per_step, accumulate_batches, gtol, ftol, xtol, name: See `ClosureOptimizer`.

    Raises:
        TypeError: If an argument is unknown, or given by place, as a learning rate would be.
        ValueError: If an argument lies outside its range; the message names the value and the fix.

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


@final
@registered
class LevenbergMarquardt(ClosureOptimizer, method=methods.LevenbergMarquardt):
    """The method for squared losses (section 8.6.1; Levenberg 1944, Marquardt 1963).

    For all weights together, at every iteration, with r the errors of all outputs and examples and J = dr / dtheta:

        theta <- theta - (J^T J + alpha D^2)^-1 J^T r,   D the lengths of the columns of J

    It is for the loss `"mse"`, with sample weights, and without regularization: anything else raises. J takes a number
    for each weight, example and output; use it for small models.

    State: D, a number for each weight. A step takes n^2 numbers and O(n^3) for n weights.

    Args:
        max_parameters: Integer: refuse models with more weights than these. Defaults to `5000`.
        iterations_per_step, accumulate_batches, gtol, ftol, xtol, name: See `ClosureOptimizer`.

    Raises:
        TypeError: If an argument is unknown, or given by place, as a learning rate would be.
        ValueError: If an argument lies outside its range; the message names the value and the fix.

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

    def refuse(self, model: keras.Model) -> None:
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


@final
@registered
class SteepestDescent(ClosureOptimizer, method=methods.SteepestDescent):
    """Steepest descent with a line search (algorithm 4.1, section 8.6.2).

    For all weights together, at every iteration:

        d     <- -g
        theta <- theta + t d,   t from a line search

    State: the expected fall of the loss, one number.

    Args:
        line_search: How far to go along d: a line search of `keras_ch8.second_order`. Defaults to `StrongWolfe()`.
        iterations_per_step, accumulate_batches, gtol, ftol, xtol, name: See `ClosureOptimizer`.

    Raises:
        TypeError: If an argument is unknown, or given by place, as a learning rate would be.
        ValueError: If an argument lies outside its range; the message names the value and the fix.

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
    uses_curvature = False


@final
@registered
class ConjugateGradient(ClosureOptimizer, method=methods.ConjugateGradient):
    """Nonlinear conjugate gradients (algorithm 8.9, section 8.6.2).

    For all weights together, at every iteration:

        beta  <- g . (g - g_old) / g_old . g_old, at least 0       `polak_ribiere`, equation 8.32; others by name
        d     <- -g + beta d
        theta <- theta + t d,   t from a line search near the minimum along d

    State: the last gradient and direction, 2 numbers for each weight.

    Args:
        beta_rule: `"polak_ribiere"`, `"fletcher_reeves"`, `"hestenes_stiefel"` or `"dai_yuan"`; see
            `second_order.methods.ConjugateGradient`. Defaults to `"polak_ribiere"`.
        line_search: How far to go along d: one of `keras_ch8.second_order`. Defaults to `StrongWolfe(c2=0.4)`.
        iterations_per_step, accumulate_batches, gtol, ftol, xtol, name: See `ClosureOptimizer`.

    Raises:
        TypeError: If an argument is unknown, or given by place, as a learning rate would be.
        ValueError: If an argument lies outside its range; the message names the value and the fix.

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


@final
@registered
class BFGS(ClosureOptimizer, method=methods.BFGS):
    """BFGS with its whole matrix (section 8.6.3).

    For all weights together, at every iteration:

        d     <- -M g,   M the approximate inverse Hessian
        theta <- theta + t d,   t from a line search that ends at the strong Wolfe conditions
        M     <- (I - rho s y^T) M (I - rho y s^T) + rho s s^T,   rho = 1 / (s . y)

    State: M, n^2 numbers for n weights: for some thousand weights; `LBFGS` is for more.

    Args:
        max_parameters: Integer: refuse models with more weights than these. Defaults to `10000`, where M takes 400 MB.
        line_search: How far to go along d: a line search of `keras_ch8.second_order`. Defaults to `StrongWolfe()`.
        iterations_per_step, accumulate_batches, gtol, ftol, xtol, name: See `ClosureOptimizer`.

    Raises:
        TypeError: If an argument is unknown, or given by place, as a learning rate would be.
        ValueError: If an argument lies outside its range; the message names the value and the fix.

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


@final
@registered
class LBFGS(ClosureOptimizer, method=methods.LBFGS):
    """BFGS without its matrix, from the last pairs of steps and changes of the gradient (section 8.6.3).

    For all weights together, at every iteration:

        d     <- -(approximate inverse Hessian of the last `history_size` pairs) g    (see `second_order.methods.LBFGS`)
        theta <- theta + t d,   t from a line search that ends at the strong Wolfe conditions
        s     <- the step,   y <- the change of g;   kept if s . y > eps |s| |y|

    State: `history_size` pairs, 2 history_size numbers for each weight.

    Args:
        history_size: Integer of at least 1: how many pairs are kept. Defaults to `10`.
        line_search: How far to go along d: a line search of `keras_ch8.second_order`. Defaults to `StrongWolfe()`.
        iterations_per_step, accumulate_batches, gtol, ftol, xtol, name: See `ClosureOptimizer`.

    Raises:
        TypeError: If an argument is unknown, or given by place, as a learning rate would be.
        ValueError: If an argument lies outside its range; the message names the value and the fix.

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

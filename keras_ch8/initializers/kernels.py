"""Initializers of kernels: uniform, normal, sparse, orthogonal."""

import math
from collections.abc import Iterator, Sequence
from typing import final

import keras
from keras import ops

from .. import _checks
from .._describe import short
from .._registration import registered
from .._types import Tensor
from .base import Axes, KernelInitializer, RandomInitializer, Seed, axes_of


@final
@registered
class Heuristic(KernelInitializer):
    r"""Uniform weights scaled to the number of inputs (section 8.4).

    .. math::

        W_{ij} \leftarrow U (-\frac{1}{\sqrt{m}}, \frac{1}{\sqrt{m}})

    where m is the number of inputs of a unit. The variance is 1 / (3 m), so that each layer leaves less than a third of
    the variance of its signal: what `keras.initializers.GlorotUniform` is compared with (equation 8.23).

    Differs from Keras: it has none; `keras.initializers.LecunUniform` has limits larger by sqrt(3).

    Args:
        seed: An integer, a `keras.random.SeedGenerator`, or `None` for one that `keras.utils.set_random_seed` decides.
            The n-th call draws with the n-th seed that comes from an integer. Defaults to `None`.
        input_axes: Axes of the kernel that are inputs, for kernels other than those of `Dense` and convolutions.
            Defaults to `None`.
        output_axes: Axes that are units. Defaults to `None`.

    Raises:
        ValueError: If an argument is none of these, or, when called, if shape or axes do not fit.

    Example:
        >>> weights = keras_ch8.initializers.Heuristic(seed=0)((400, 100)).numpy()
        >>> bool(abs(weights).max() <= 0.05), round(float(weights.std() * 400**0.5), 2)
        (True, 0.58)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4.
    """

    section = "8.4"

    def draw(self, shape: tuple[int, ...], dtype: str, seeds: Iterator[Seed]) -> Tensor:
        """Draw between the limits."""
        m, _ = self.fans(shape)
        limit = max(1, m) ** -0.5
        return keras.random.uniform(shape, -limit, limit, dtype, next(seeds))


@final
@registered
class Sparse(RandomInitializer):
    """Exactly k weights of each unit that are not 0 (section 8.4; Martens 2010).

        W_ij <- N(0, stddev^2)   for k inputs i of unit j, drawn anew for each unit
        W_ij <- 0                for the others

    The sum of a unit has the variance k stddev^2 for inputs of variance 1, however many inputs there are, and units are
    more diverse than with many small weights. Gradient descent takes long to shrink large weights that are wrong, above
    all in units such as maxout. With tanh, 15 weights of deviation 1 saturate most units: Sutskever et al. (2013) use a
    quarter of it, and biases of 0.5.

    Units stand on the last axis of the kernel, as in `Dense` and convolutions; all other axes are inputs. A float16 or
    bfloat16 weight that would be rounded to 0 (one in a million) is one less.

    Differs from Keras: it has none.

    Args:
        k: Weights of each unit that are not 0. Defaults to `15`.
        stddev: Their standard deviation. Defaults to `1.0`.
        seed: An integer, a `keras.random.SeedGenerator`, or `None` for one that `keras.utils.set_random_seed` decides.
            The n-th call draws with the n-th seed that comes from an integer. Defaults to `None`.

    Raises:
        ValueError: If an argument is none of these, or, when called, if units have fewer than k inputs.

    Example:
        >>> weights = keras_ch8.initializers.Sparse(k=3, seed=0)((100, 4)).numpy()
        >>> (weights != 0).sum(axis=0)
        array([3, 3, 3, 3])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4; Martens (2010), Deep Learning via Hessian-Free
        Optimization; Sutskever, Martens, Dahl, Hinton (2013), On the Importance of Initialization and Momentum.
    """

    section = "8.4"

    hyperparameters = ("k", "stddev")

    def __init__(self, k: int = 15, stddev: float = 1.0, seed: Seed = None) -> None:
        super().__init__(seed)
        meaning, fix = "the number of weights of each unit that are not 0", "Martens takes 15."
        self.k = _checks.count("k", k, 1, meaning=meaning, fix=fix)
        meaning, fix = "the standard deviation of the weights that are not 0", "Try 1.0."
        self.stddev = _checks.positive("stddev", stddev, meaning=meaning, fix=fix)

    def draw(self, shape: tuple[int, ...], dtype: str, seeds: Iterator[Seed]) -> Tensor:
        """Draw k places for each unit, and values for them."""
        inputs, units = math.prod(shape[:-1]), shape[-1] if shape else 0
        if len(shape) < 2 or inputs < self.k:
            raise ValueError(
                f"`Sparse` gives each unit {self.k} weights that are not 0, so it needs at least as many inputs. "
                f"Received: k={self.k} for a kernel of shape {shape}, whose units have {inputs}. Pass a smaller k, "
                f"such as {max(1, min(self.k, inputs) // 2)}."
            )
        rank = ops.argsort(ops.argsort(keras.random.uniform((units, inputs), dtype=dtype, seed=next(seeds))))
        values = keras.random.normal((inputs, units), 0.0, self.stddev, dtype, next(seeds))
        kept = ops.cast(ops.transpose(rank) < self.k, dtype)
        return ops.reshape(values * kept, shape)


GAINS = {
    "linear": lambda n: math.exp(1 / (2 * n)),
    "relu": lambda n: math.sqrt(2) * math.exp(1.2 / (max(n, 6) - 2.4)),
}
"""Those of Sussillo and Abbott, for layers of n units; the second is their fit to experiments, from n = 6 on."""


@final
@registered
class RandomWalk(KernelInitializer):
    r"""Normal weights with which the length of the gradient wanders, and does not drift (section 8.4; Sussillo 2014).

    .. math::

        W_{ij} &\leftarrow N (0, \frac{g^2}{n}) \\
        g &\leftarrow \exp(\frac{1}{2 n}) \qquad \text{linear units} \\
        g &\leftarrow \sqrt{2} \exp(\frac{1.2}{\max(n, 6) - 2.4}) \qquad \text{ReLU}

    where n is the number of inputs of a unit. On its way back through the layers, the logarithm of the length of the
    gradient makes a random walk. With g = 1, or sqrt(2) for ReLU, the mean square of the gradient is kept, and yet its
    length shrinks by about 1 / (2 n) a layer: a mean of squares rests on few large ones. This g makes the walk
    unbiased, so that after d layers only its spread is left, about sqrt(d / (2 n)) for linear units.

    Differs from `keras.initializers.LecunNormal` and `HeNormal`: the gain, which matters for networks whose depth is
    not small against their width; a normal distribution without truncation; different values at every call.

    Args:
        activation: `"linear"` or `"relu"`, the nonlinearity of the layers. Defaults to `"relu"`.
        seed: An integer, a `keras.random.SeedGenerator`, or `None` for one that `keras.utils.set_random_seed` decides.
            The n-th call draws with the n-th seed that comes from an integer. Defaults to `None`.
        input_axes: Axes of the kernel that are inputs, for kernels other than those of `Dense` and convolutions.
            Defaults to `None`.
        output_axes: Axes that are units. Defaults to `None`.

    Raises:
        ValueError: If an argument is none of these, or, when called, if shape or axes do not fit.

    Example:
        >>> weights = keras_ch8.initializers.RandomWalk("linear", seed=0)((50, 2000)).numpy()
        >>> round(float(weights.std() * 50**0.5), 2), round(float(np.exp(1 / 100)), 2)
        (1.01, 1.01)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4; Sussillo and Abbott (2014), Random Walk
        Initialization for Training Very Deep Feedforward Networks.
    """

    section = "8.4"

    hyperparameters = ("activation", *KernelInitializer.hyperparameters)

    def __init__(
        self,
        activation: str = "relu",
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed, input_axes, output_axes)
        if not isinstance(activation, str) or activation not in GAINS:
            raise ValueError(
                f"`activation` must be the nonlinearity that the gain compensates for: one of {', '.join(GAINS)}. "
                f"Received: activation={short(activation)}. For tanh, `Orthogonal('tanh')` has a gain."
            )
        self.activation = activation

    def draw(self, shape: tuple[int, ...], dtype: str, seeds: Iterator[Seed]) -> Tensor:
        """Draw with the deviation g / sqrt(n)."""
        n = max(1, self.fans(shape)[0])
        return keras.random.normal(shape, 0.0, GAINS[self.activation](n) / math.sqrt(n), dtype, next(seeds))


ORTHOGONAL_GAINS = {"linear": 1.0, "relu": math.sqrt(2.0), "tanh": 1.592537419722104}
"""1 / sqrt(E[phi(z)^2]) for normal z of variance 1: the input of the next layer has variance 1 again."""


def gain_of(value: float | str) -> float:
    """Return a gain: a number above 0, or that of a nonlinearity by its name."""
    if isinstance(value, str):
        if value not in ORTHOGONAL_GAINS:
            raise ValueError(
                f"`gain` must be a number above 0 or one of {', '.join(ORTHOGONAL_GAINS)}. Received: "
                f"gain={short(value)}. For another nonlinearity phi give 1 / sqrt(E[phi(z)^2]) for normal z."
            )
        return ORTHOGONAL_GAINS[value]
    return _checks.positive(
        "gain", value, meaning="by what the orthogonal matrix is multiplied", fix="Try 1.0, or 'relu' before ReLUs."
    )


@final
@registered
class Orthogonal(KernelInitializer):
    r"""Keras's random orthogonal matrix, new at each call, and also for convolutions (section 8.4; Saxe et al. 2013).

    .. math::

        A_{ij} &\leftarrow N (0, 1) \\
        Q, R &\leftarrow \operatorname{qr}(A) \\
        W &\leftarrow \text{gain} \cdot Q \operatorname{sign}(\operatorname{diag}(R))

    so that W' W = gain^2 I, or W W' = gain^2 I if there are more units than inputs: a layer rotates its input and
    keeps its length, through any depth. The gain compensates for what a nonlinearity removes:

        gain         for                               1 / sqrt(E[phi(z)^2]), z normal with variance 1
        "linear"     linear units                      1
        "relu"       ReLU                              sqrt(2)
        "tanh"       tanh                              1.5925

    With these the signal keeps the variance 1; a first layer, whose input is not the output of a nonlinearity, needs
    gain 1. The gradient keeps its size with the first two; with tanh it grows by 1.09 a layer. It does not grow with
    gain 1, where the signal of tanh slowly dies. (5/3, which is often used for tanh, lies above.)

    A kernel of a convolution is orthogonal at its central place and 0 elsewhere (delta-orthogonal; Xiao et al. 2018),
    so that the convolution keeps lengths too: with stride 1, padding "same", and no more inputs than units. Kernels of
    three axes may be those of `Conv1D` or of `EinsumDense`, and are refused unless the axes are given: for `Conv1D`
    `input_axes=[1], output_axes=[2]`, for a kernel "abc" with units b and c `input_axes=[0], output_axes=[1, 2]`. It
    does not suit `DepthwiseConv2D`, whose units have one input each.

    Differs from `keras.initializers.Orthogonal`, whose values its first call has for the same seed and two axes: an
    instance gives different values at every call; bfloat16, where Keras raises, and float16 are computed in float32;
    convolutions; gains by name.

    Args:
        gain: A number above 0, `"linear"`, `"relu"` or `"tanh"`. Defaults to `1.0`.
        seed: An integer, a `keras.random.SeedGenerator`, or `None` for one that `keras.utils.set_random_seed` decides.
            The n-th call draws with the n-th seed that comes from an integer. Defaults to `None`.
        input_axes: Axes of the kernel that are inputs. Defaults to `None`: the last but one.
        output_axes: Axes that are units. Defaults to `None`: the last. Axes that are neither are places.

    Raises:
        ValueError: If an argument is none of these, or, when called, if shape or axes do not fit.

    Example:
        >>> w = keras_ch8.initializers.Orthogonal("relu", seed=0)((3, 3, 4, 8)).numpy()
        >>> centre = w[1, 1] @ w[1, 1].T
        >>> bool(np.allclose(centre, 2 * np.eye(4), atol=1e-5)), float(abs(w[0, 0]).max())
        (True, 0.0)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4; Saxe, McClelland, Ganguli (2013), Exact
        Solutions to the Nonlinear Dynamics of Learning in Deep Linear Neural Networks; He et al. (2015), Delving Deep
        into Rectifiers; Poole et al. (2016), Exponential Expressivity in Deep Neural Networks through Transient Chaos;
        Xiao et al. (2018), Dynamical Isometry and a Mean Field Theory of CNNs.
    """

    section = "8.4"

    hyperparameters = ("gain", *KernelInitializer.hyperparameters)

    def __init__(
        self,
        gain: float | str = 1.0,
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed, input_axes, output_axes)
        self.gain, self._factor = gain, gain_of(gain)

    def draw(self, shape: tuple[int, ...], dtype: str, seeds: Iterator[Seed]) -> Tensor:
        """Draw a matrix, and put it at the central place."""
        axes = self._axes(shape)
        matrix = self._factor * orthogonal(axes.size(axes.inputs), axes.size(axes.outputs), dtype, next(seeds))
        ordered = [*axes.places, *axes.inputs, *axes.outputs]
        sizes = [shape[i] for i in ordered]
        places = len(axes.places)
        padding = [((n - 1) // 2, n - 1 - (n - 1) // 2) for n in sizes[:places]]
        kernel = ops.reshape(matrix, (1,) * places + tuple(sizes[places:]))
        kernel = ops.pad(kernel, [*padding, *[(0, 0)] * (len(shape) - places)]) if places else kernel
        return ops.transpose(kernel, [ordered.index(i) for i in range(len(shape))])

    def _axes(self, shape: tuple[int, ...]) -> Axes:
        if len(shape) < 2:
            raise ValueError(
                f"`Orthogonal` initializes matrices and kernels, with at least two axes. Received: shape={shape}. "
                "For a bias take 'zeros', or `keras_ch8.initializers.output_marginal`."
            )
        if len(shape) == 3 and (self.input_axes is None or self.output_axes is None):
            raise ValueError(
                "A kernel with three axes can belong to a `Conv1D` or to an `EinsumDense`, and `Orthogonal` must know "
                f"which. Received: shape={shape}, and no axes. Pass input_axes=[1], output_axes=[2] for `Conv1D`; for "
                "`EinsumDense` the axes of the kernel that are its inputs and its units."
            )
        return axes_of(shape, self.input_axes, self.output_axes)


def orthogonal(rows: int, columns: int, dtype: str, seed: Seed) -> Tensor:
    """Return a matrix with orthonormal columns, or rows where these are fewer, uniform among all of them."""
    size = max(rows, columns), min(rows, columns)
    q, r = ops.qr(keras.random.normal(size, dtype=dtype, seed=seed))
    q = q * ops.sign(ops.diagonal(r))
    return ops.transpose(q) if rows < columns else q

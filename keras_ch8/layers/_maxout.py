"""Maxout units."""

from typing import Any, final

import keras
from keras import ops

from .. import _checks, _objects
from .._registration import registered
from .._types import Config, Tensor
from .batch_normalization import Constraint, Initializer, Regularizer


@final
@registered
class Maxout(keras.layers.Layer):
    r"""The largest of several linear functions for each unit: linear almost everywhere (section 8.7.5).

    For each unit j, over its pieces i:

    .. math::

        z_{ij} &\leftarrow x' W_{ij} + b_{ij} \\
        h_j &\leftarrow \max_i z_{ij}

    The gradient goes through the largest piece unchanged, however large z is: nothing saturates, and nothing is set to
    0 as by a ReLU. A unit is convex and piecewise linear; two pieces can be a ReLU or |z|, more approximate any convex
    function. With two pieces of equal spread E[h^2] = Var(z), so with the default initializer the signal keeps its size
    from layer to layer.

    Inputs (batch, ..., features) give (batch, ..., units); a mask is passed on. `kernel` is (features, pieces * units),
    the columns of piece 0 first, `bias` (pieces * units,).

    Differs from Keras: it has none (`keras.layers.Dense` with a ReLU takes the larger of z and 0).

    Args:
        units: Number of units, the size of the last axis of the output.
        pieces: Linear functions in each unit. Defaults to `2`.
        use_bias: Whether the pieces have a bias. Defaults to `True`.
        kernel_initializer: Initializer of the kernel. Defaults to `"lecun_normal"`.
        bias_initializer: Initializer of the bias. Defaults to `"zeros"`.
        kernel_regularizer: Regularizer of the kernel. Defaults to `None`.
        bias_regularizer: Regularizer of the bias. Defaults to `None`.
        kernel_constraint: Constraint of the kernel, such as `keras.constraints.MaxNorm(2.0)`, which acts on each
            piece. Defaults to `None`.
        bias_constraint: Constraint of the bias. Defaults to `None`.
        **kwargs: As in `keras.layers.Layer`: `name`, `dtype`, `activity_regularizer`, ...

    Raises:
        ValueError: If `units` is below 1 or `pieces` below 2.

    Example:
        >>> layer = keras_ch8.layers.Maxout(1, kernel_initializer=lambda shape, dtype: np.array([[1.0, -1.0]]))
        >>> layer(np.array([[-3.0], [2.0]])).numpy().tolist()  # max(x, -x)
        [[3.0], [2.0]]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 6.3.1 and 8.7.5; Goodfellow et al. (2013), Maxout
        Networks.
    """

    section = "8.7.5"

    def __init__(
        self,
        units: int,
        pieces: int = 2,
        *,
        use_bias: bool = True,
        kernel_initializer: Initializer = "lecun_normal",
        bias_initializer: Initializer = "zeros",
        kernel_regularizer: Regularizer = None,
        bias_regularizer: Regularizer = None,
        kernel_constraint: Constraint = None,
        bias_constraint: Constraint = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = _checks.count("units", units, 1, meaning="the size of the output", fix="Try 64.")
        self.pieces = _checks.count(
            "pieces", pieces, 2, meaning="the linear functions of each unit", fix="Try 2; for one, use Dense."
        )
        self.use_bias = _checks.flag("use_bias", use_bias, meaning="whether the pieces have a bias")
        self.kernel_initializer = _objects.of_keras("kernel_initializer", kernel_initializer, "initializer")
        self.bias_initializer = _objects.of_keras("bias_initializer", bias_initializer, "initializer")
        self.kernel_regularizer = _objects.of_keras("kernel_regularizer", kernel_regularizer, "regularizer")
        self.bias_regularizer = _objects.of_keras("bias_regularizer", bias_regularizer, "regularizer")
        self.kernel_constraint = _objects.of_keras("kernel_constraint", kernel_constraint, "constraint")
        self.bias_constraint = _objects.of_keras("bias_constraint", bias_constraint, "constraint")
        self.input_spec = keras.layers.InputSpec(min_ndim=2)
        self.supports_masking = True
        self.kernel: keras.Variable = None
        self.bias: keras.Variable = None

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create kernel and bias."""
        features, columns = input_shape[-1], self.pieces * self.units
        self.kernel = self.add_weight(
            name="kernel",
            shape=(features, columns),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(columns,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = keras.layers.InputSpec(min_ndim=2, axes={-1: features})
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """Return the largest piece of each unit."""
        _checks.keras_3(inputs)
        z = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            z = z + self.bias
        return ops.max(ops.reshape(z, (*ops.shape(z)[:-1], self.pieces, self.units)), axis=-2)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> Config:
        """Return the arguments that make this layer again."""
        own = {"units": self.units, "pieces": self.pieces, "use_bias": self.use_bias}
        for kind in (keras.initializers, keras.regularizers, keras.constraints):
            word = kind.__name__.rpartition(".")[2].removesuffix("s")
            own |= {f"{part}_{word}": kind.serialize(getattr(self, f"{part}_{word}")) for part in ("kernel", "bias")}
        return super().get_config() | own

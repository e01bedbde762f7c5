"""Layers through which the gradient passes unshrunk: maxout units, and a connection around layers (section 8.7.5)."""

from collections.abc import Sequence
from typing import Any, Self, TypeAlias, final

import keras
from keras import ops

from .. import _checks, _objects
from .._describe import short
from .._registration import registered
from .._types import Config, Tensor
from .batch_normalization import PARTS, Constraint, Initializer, Regularizer, parts_of


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
        self.kernel = self.add_weight(name="kernel", shape=(features, columns), **parts_of(self, "kernel"))
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(columns,), **parts_of(self, "bias"))
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
        names = ["units", "pieces", "use_bias"]
        for kind in PARTS:
            names += [f"kernel_{kind}", f"bias_{kind}"]
        own = {name: getattr(self, name) for name in names}
        return super().get_config() | keras.saving.serialize_keras_object(own)


PROBE = 840
"""Stands for a size that is not known yet: all strides up to 8 divide it."""


Sizes: TypeAlias = tuple[Any, ...]
"""A shape whose sizes are known, but for the batch."""


@final
@registered
class Residual(keras.layers.Layer):
    """Layers with a skip connection: they learn what to add to their input (section 8.7.5; He et al. 2015).

        y <- F(x) + x          where F, the layers, keeps the shape
        y <- F(x) + W x        where it does not

    so that dy/dx = I + F'(x): through a stack of such layers there is always a path on which the gradient is neither
    shrunk nor enlarged. F is a list of any layers. W is linear without a bias: a `Dense`, or, where F has a stride, a
    convolution of size 1 with the same stride; channels stand on the last axis. Training flags and masks go to all
    layers inside, and a mask comes out again unless F has a stride.

    State: that of the layers inside, under `branch` (F) and `projection` (W).
    Differs from Keras: it has none; `keras.layers.Add` does it in a functional model, without the projection.

    Args:
        layers: A layer, or a list of layers: F.
        projection: `"auto"`: none where the shapes are equal, otherwise as above; or a layer, which is then always
            used. Defaults to `"auto"`.
        **kwargs: As in `keras.layers.Layer`: `name`, `dtype`, ...

    Raises:
        ValueError: If `layers` is not one or more layers, or `projection` is neither `"auto"` nor a layer. When
            built, if the shapes differ in a way that no stride explains, and no `projection` is given.

    Example:
        >>> model = keras.Sequential([keras.Input((8,))])
        >>> for _ in range(10):
        ...     model.add(keras_ch8.layers.Residual([keras.layers.Dense(8, "relu", kernel_initializer="zeros")]))
        >>> bool(np.allclose(model(np.ones((1, 8))), 1.0))  # while F is 0, it passes x on
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.5; He et al. (2015), Deep Residual Learning
        for Image Recognition; Srivastava, Greff, Schmidhuber (2015), Highway Networks.
    """

    section = "8.7.5"
    adds_its_input = True
    """What a diagnosis asks a layer."""

    def __init__(
        self,
        layers: keras.layers.Layer | Sequence[keras.layers.Layer],
        projection: keras.layers.Layer | str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        layers = list(layers) if isinstance(layers, list | tuple) else [layers]
        if not layers or not all(isinstance(layer, keras.Layer) for layer in layers):
            raise ValueError(
                "`layers` is F in F(x) + x, so it must be a layer or a non-empty list of layers. Received: "
                f"layers={short(layers)}. Write for example `Residual([keras.layers.Dense(8, 'relu')])`."
            )
        is_automatic = isinstance(projection, str) and projection == "auto"
        if not is_automatic and not isinstance(projection, keras.Layer):
            raise ValueError(
                "`projection` must be 'auto' or a layer that maps x to the shape of F(x). Received: "
                f"projection={short(projection)}. Leave it out, or pass a layer such as `keras.layers.Dense(units)`."
            )
        self.branch = keras.Sequential(layers, name="branch")
        self.branch.supports_masking = True  # its layers raise their own error if they do not
        self.projection: keras.layers.Layer = None if is_automatic else projection
        self._is_automatic = is_automatic
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build the layers, and the projection if one is needed."""
        if not self.branch.built:
            self.branch.build(input_shape)
        sizes = (PROBE if size is None else size for size in input_shape[1:-1])
        before = (None, *sizes, input_shape[-1])
        after = tuple(self.branch.compute_output_shape(before))
        if self._is_automatic and before != after:
            self.projection = _projection(before, after, self.dtype_policy)
        if self.projection is not None and not self.projection.built:
            self.projection.build(input_shape)
        self.supports_masking = before[1:-1] == after[1:-1]
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        """Return F(x) + x."""
        _checks.keras_3(inputs)
        around = inputs if self.projection is None else self.projection(inputs)
        inside = self.branch(inputs, training=training, mask=mask)
        return ops.cast(inside, self.compute_dtype) + ops.cast(around, self.compute_dtype)

    def get_config(self) -> Config:
        """Return the arguments that make this layer again."""
        projection = "auto" if self._is_automatic else self.projection
        own = {"layers": self.branch.layers, "projection": projection}
        return super().get_config() | keras.saving.serialize_keras_object(own)

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make it from `get_config`."""
        own = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("layers", "projection")}
        return cls(**config | own)


def _projection(before: Sizes, after: Sizes, dtype: keras.DTypePolicy) -> keras.layers.Layer:
    """Return the linear layer from one shape, channels last, to another."""
    inner = list(zip(before[1:-1], after[1:-1], strict=True)) if len(before) == len(after) else [(1, 0)]
    strides = tuple(-(-size // new) if new else 0 for size, new in inner)
    fits = all(stride and -(-size // stride) == new for (size, new), stride in zip(inner, strides, strict=True))
    convolution = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}.get(len(inner))
    common = {"use_bias": False, "dtype": dtype, "name": "projection"}
    if fits and set(strides) <= {1}:
        return keras.layers.Dense(after[-1], **common)
    if fits and convolution is not None:
        return convolution(after[-1], 1, strides, data_format="channels_last", **common)
    raise ValueError(
        "`Residual` adds x to F(x), so F must keep the shape except for channels (the last axis) and strides. "
        f"Received: layers that map {before} to {after}. Use padding='same' in the convolutions inside, or pass a "
        "`projection`: a layer that changes the shape in the same way."
    )

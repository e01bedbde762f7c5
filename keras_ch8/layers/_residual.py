"""A residual connection around layers."""

from collections.abc import Sequence
from typing import Any, Self, TypeAlias, final

import keras
from keras import ops

from .. import _checks
from .._describe import short
from .._registration import registered
from .._types import Config, Tensor

PROBE = 840
"""Stands for a size that is not known yet: all strides up to 8 divide it."""


Sizes: TypeAlias = tuple[Any, ...]
"""A shape whose sizes are known, but for the batch."""


@final
@registered
class Residual(keras.layers.Layer):
    """Layers with a connection around them: they learn what to add to their input (section 8.7.5; He et al. 2015).

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
                "`layers` are F in F(x) + x, so it must be a layer or a list of at least one. Received: "
                f"layers={short(layers)}. Write for example `Residual([keras.layers.Dense(8, 'relu')])`."
            )
        is_automatic = isinstance(projection, str) and projection == "auto"
        if not is_automatic and not isinstance(projection, keras.Layer):
            raise ValueError(
                "`projection` fits x to the shape of F(x), so it must be 'auto' or a layer. Received: "
                f"projection={short(projection)}. Leave it out, or give a layer such as `keras.layers.Dense(units)`."
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
        before = _with_sizes(input_shape)
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
        save = keras.saving.serialize_keras_object
        projection = "auto" if self._is_automatic else save(self.projection)
        return super().get_config() | {"layers": [save(part) for part in self.branch.layers], "projection": projection}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make it from `get_config`."""
        load = keras.saving.deserialize_keras_object
        layers, projection = [load(part) for part in config["layers"]], config["projection"]
        projection = projection if projection == "auto" else load(projection)
        return cls(**config | {"layers": layers, "projection": projection})


def _with_sizes(shape: tuple[int | None, ...]) -> Sizes:
    return (None, *(PROBE if size is None else size for size in shape[1:-1]), shape[-1])


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
        "`Residual` adds x to F(x), so F must keep the shape but for channels (the last axis) and strides. Received: "
        f"layers that make {after} of {before}. Let convolutions inside have padding='same', or give a "
        "`projection`: a layer that does the same to the shape."
    )

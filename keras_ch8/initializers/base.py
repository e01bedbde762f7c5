"""Bases of the initializers: types, seeds, and which axes of a kernel are inputs and which are units."""

import abc
import dataclasses
import itertools
import math
import random
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import keras
import numpy as np
from keras import ops

from .. import _checks
from .._describe import short
from .._types import Config, Tensor

Seed: TypeAlias = int | keras.random.SeedGenerator | None
"""What `seed` may be; None for one that `keras.utils.set_random_seed` decides."""

_WORD = 2**64 - 1
_SEED_BITS = 31


class Initializer(keras.initializers.Initializer, abc.ABC):
    """Base of every initializer: it computes in float32, or in float64 for float64, and casts to the requested type.

    A subclass lists its `hyperparameters`, the names of its arguments, which are also attributes, and defines
    `values(shape, dtype)`. To be saved with a model it is registered with Keras.

    Example:
        >>> @keras.saving.register_keras_serializable(package="mine")
        ... class Ramp(keras_ch8.extend.Initializer):
        ...     hyperparameters = ("step",)
        ...
        ...     def __init__(self, step=1.0):
        ...         self.step = step
        ...
        ...     def values(self, shape, dtype):
        ...         return self.step * keras.ops.reshape(keras.ops.arange(np.prod(shape), dtype=dtype), shape)
        >>> layer = keras.layers.Dense(2, kernel_initializer=Ramp(0.5))
        >>> layer.build((None, 2))
        >>> layer.kernel.numpy().tolist()
        [[0.0, 0.5], [1.0, 1.5]]
        >>> Ramp.from_config(Ramp(0.5).get_config()).step
        0.5
    """

    hyperparameters: tuple[str, ...] = ()

    @abc.abstractmethod
    def values(self, shape: tuple[int, ...], dtype: str) -> Tensor:
        """Return the values in a type that is wide enough to compute in."""

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        """Return a tensor of this shape and type."""
        dtype = keras.backend.standardize_dtype(dtype)
        self._check(tuple(shape), dtype)
        wide = "float64" if dtype == "float64" else "float32"
        return ops.cast(self.values(tuple(int(n) for n in shape), wide), dtype)

    def get_config(self) -> Config:
        """Return the arguments that make this initializer again."""
        return {name: getattr(self, name) for name in self.hyperparameters}

    def _check(self, shape: tuple[int | None, ...], dtype: str) -> None:
        name = type(self).__name__
        if "float" not in dtype:
            raise ValueError(
                f"`{name}` returns numbers of floating point type. Received: dtype={short(dtype)}. "
                "Give the layer a floating dtype, or use `keras.initializers.Constant`."
            )
        if any(n is None or n < 0 for n in shape):
            raise ValueError(
                f"`{name}` needs to know every size of the tensor that it initializes. Received: shape={shape}. "
                "Give the layer an input whose size is known, such as `keras.Input((8,))`."
            )


class RandomInitializer(Initializer):
    """Base of every random initializer: new values at every call.

    The first call of an instance draws with `seed` itself, as Keras does; the n-th with a seed that comes from `seed`
    and n. So two layers that share an instance get different values, and the same seed gives the same model again. A
    copy made from the configuration begins with its first call. `clone_model` and `MultiHeadAttention` make a copy for
    every layer: with `seed=None` copies differ, with a number layers of equal shape get equal values.

    Args:
        seed: An integer, a `keras.random.SeedGenerator`, or `None` for one that `keras.utils.set_random_seed` decides.

    Example:
        >>> class Signs(keras_ch8.extend.RandomInitializer):
        ...     def draw(self, shape, dtype, seeds):
        ...         return keras.ops.sign(keras.random.uniform(shape, -1.0, 1.0, dtype, next(seeds)))
        >>> first, second = Signs(seed=0), Signs(seed=0)
        >>> [bool(np.all(first((50,)) == second((50,)))) for _ in range(2)], bool(np.all(first((50,)) == first((50,))))
        ([True, True], False)
    """

    def __init__(self, seed: Seed = None) -> None:
        seed = keras.saving.deserialize_keras_object(seed) if isinstance(seed, dict) else seed
        is_generator = isinstance(seed, keras.random.SeedGenerator)
        is_integer = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
        is_integer = is_integer and abs(int(seed or 0)) <= _checks.LARGEST_INTEGER
        if not (seed is None or is_generator or is_integer):
            raise ValueError(
                "`seed` makes the values reproducible, so it must be an integer of 64 bits, a "
                "`keras.random.SeedGenerator`, or None for any. "
                f"Received: seed={short(seed)}. Try seed=0."
            )
        self._seed_argument = None if seed is None else seed if is_generator else int(seed)
        # As in Keras, Python's own generator chooses the seed if none is given.
        self.seed = random.randint(1, 10**9) if self._seed_argument is None else self._seed_argument
        self._calls = 0

    @abc.abstractmethod
    def draw(self, shape: tuple[int, ...], dtype: str, seeds: Iterator[Seed]) -> Tensor:
        """Return random values; each draw of `keras.random` takes the next of the seeds."""

    def values(self, shape: tuple[int, ...], dtype: str) -> Tensor:
        """Draw with the seeds of this call."""
        seeds = self._seeds(self._calls)
        self._calls += 1
        return self.draw(shape, dtype, seeds)

    def get_config(self) -> Config:
        """Return the arguments that make this initializer again, at its first call."""
        seed = keras.saving.serialize_keras_object(self._seed_argument)
        return {**super().get_config(), "seed": seed}

    def _seeds(self, call: int) -> Iterator[Seed]:
        for draw in itertools.count():
            first = isinstance(self.seed, keras.random.SeedGenerator) or call == draw == 0
            yield self.seed if first else sub_seed(self.seed, call, draw)


class KernelInitializer(RandomInitializer):
    """Base of a random initializer of kernels, which can be told which of their axes are inputs and which are units.

    Args:
        seed: As in `RandomInitializer`.
        input_axes: Axes of the kernel that are inputs; `None` for those of `Dense` and convolutions.
        output_axes: Axes that are units.

    Example:
        >>> class HeNormalLike(keras_ch8.extend.KernelInitializer):
        ...     def draw(self, shape, dtype, seeds):
        ...         m, n = self.fans(shape)
        ...         return keras.random.normal(shape, 0.0, (2 / m) ** 0.5, dtype, next(seeds))
        >>> round(float(keras.ops.std(HeNormalLike(seed=0)((200, 100)))), 2)
        0.1
    """

    hyperparameters: tuple[str, ...] = ("input_axes", "output_axes")

    def __init__(
        self,
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        self.input_axes = _checks.axes("input_axes", input_axes, of="the inputs of a unit")
        self.output_axes = _checks.axes("output_axes", output_axes, of="the units")

    def fans(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return m and n, the inputs of a unit and the units that an input goes to."""
        return fans(shape, self.input_axes, self.output_axes)


def sub_seed(seed: int, *place: int) -> int:
    """Return the seed of one draw in a tree of independent draws."""
    return int(np.random.SeedSequence([seed & _WORD, *place]).generate_state(1)[0]) >> (32 - _SEED_BITS)


@dataclasses.dataclass(frozen=True)
class Axes:
    """The axes of one kernel; those that are neither inputs nor outputs are places of a convolution."""

    shape: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def places(self) -> tuple[int, ...]:
        """The other axes."""
        return tuple(i for i in range(len(self.shape)) if i not in self.inputs + self.outputs)

    def size(self, axes: tuple[int, ...]) -> int:
        """Return the product of some sizes."""
        return math.prod(self.shape[i] for i in axes)


def axes_of(shape: tuple[int, ...], inputs: Sequence[int] | None, outputs: Sequence[int] | None) -> Axes:
    """Return the axes as given, or the last two as inputs and outputs."""
    inputs, outputs = (-2,) if inputs is None else inputs, (-1,) if outputs is None else outputs
    rank = len(shape)
    named = [*inputs, *outputs]
    turned = [i + rank if i < 0 else i for i in named]
    if len(set(turned)) < len(turned) or not all(0 <= i < rank for i in turned):
        raise ValueError(
            "`input_axes` and `output_axes` say which axes of a kernel are its inputs and its units, so they must be "
            f"different axes of it. Received: input_axes={list(inputs)}, output_axes={list(outputs)} for a kernel of "
            f"shape {shape}. For `EinsumDense` they are the axes of its kernel as the equation has them."
        )
    return Axes(shape, tuple(turned[: len(inputs)]), tuple(turned[len(inputs) :]))


def fans(
    shape: tuple[int, ...], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """Return m and n, the inputs of a unit and the units that an input goes to, as Keras counts them.

    In a convolution each input goes in, and each unit out, at all places of the kernel. Given axes count alone.
    """
    if input_axes is not None and output_axes is not None:
        axes = axes_of(shape, input_axes, output_axes)
        return axes.size(axes.inputs), axes.size(axes.outputs)
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    places = math.prod(shape[:-2])
    return shape[-2] * places, shape[-1] * places

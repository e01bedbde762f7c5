"""What all starts share, and what the random ones do."""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from ._fans import fans

_WORD = 2**64 - 1
_SEED_BITS = 31


class AbstractInitializer(keras.initializers.Initializer):
    """A start that computes in float32, or float64 for float64, and then casts to whatever floating type is asked for.

    A subclass names its `hyperparameters`, which are its arguments and attributes, and writes
    `values(shape, dtype)`.
    """

    hyperparameters: tuple[str, ...] = ()

    values: Callable[..., Any]
    """`values(shape, dtype)`: the values in a type that is wide enough to compute in."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Return a tensor of this shape and type."""
        dtype = keras.backend.standardize_dtype(dtype)
        self._check(tuple(shape), dtype)
        wide = "float64" if dtype == "float64" else "float32"
        return ops.cast(self.values(tuple(int(n) for n in shape), wide), dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this start again."""
        return {name: getattr(self, name) for name in self.hyperparameters}

    def _check(self, shape: tuple[Any, ...], dtype: str) -> None:
        name = type(self).__name__
        if "float" not in dtype:
            raise ValueError(
                f"`{name}` gives numbers of floating point type. Received: dtype={dtype!r}. "
                "Give the layer a floating dtype, or use `keras.initializers.Constant`."
            )
        if any(n is None or n < 0 for n in shape):
            raise ValueError(
                f"`{name}` needs to know every size of what it starts. Received: shape={shape}. "
                "Give the layer an input whose size is known, such as `keras.Input((8,))`."
            )


class AbstractRandomInitializer(AbstractInitializer):
    """A random start with new values at every call.

    The first call of an instance draws with `seed` itself, as Keras does; the n-th with a seed that comes from `seed`
    and n. So two layers that share an instance start apart, and the same seed gives the same model again. A copy made
    from the configuration begins with its first call. `clone_model` and `MultiHeadAttention` make a copy for every
    layer: with `seed=None` copies differ, with a number layers of equal shape start alike.

    Args:
        seed: An integer, a `keras.random.SeedGenerator`, or `None` for one that `keras.utils.set_random_seed` decides.
        repeat: Whether every call gives what the first gives, as Keras does.
    """

    draw: Callable[..., Any]
    """`draw(shape, dtype, seeds)`: random values; each draw of `keras.random` takes the next of the seeds."""

    def __init__(self, seed: Any, repeat: bool) -> None:
        seed = keras.saving.deserialize_keras_object(seed) if isinstance(seed, dict) else seed
        is_generator = isinstance(seed, keras.random.SeedGenerator)
        is_integer = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
        if not (seed is None or is_generator or is_integer):
            raise ValueError(
                "`seed` makes the values reproducible, so it must be an integer, a `keras.random.SeedGenerator`, or "
                f"None for any. Received: seed={seed!r}. Try seed=0."
            )
        if repeat and is_generator:
            raise ValueError(
                "`repeat` gives the same values at every call, and a `SeedGenerator` never the same. "
                f"Received: repeat={repeat!r}, seed={seed!r}. Give an integer seed, or leave `repeat` out."
            )
        self._given = int(seed) if is_integer else seed
        self.seed = random.randint(1, 10**9) if seed is None else self._given  # as Keras, by Python's generator
        self.repeat = bool(repeat)
        self._calls = 0

    def values(self, shape: tuple[int, ...], dtype: str) -> Any:
        """Draw with the seeds of this call."""
        seeds = self._seeds(0 if self.repeat else self._calls)
        self._calls += 1
        return self.draw(shape, dtype, seeds)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this start again, at its first call."""
        seed = keras.saving.serialize_keras_object(self._given)
        return {**super().get_config(), "seed": seed, "repeat": self.repeat}

    def _seeds(self, call: int) -> Iterator[Any]:
        for place in itertools.count():
            first = isinstance(self.seed, keras.random.SeedGenerator) or call == place == 0
            yield self.seed if first else sub_seed(self.seed, call, place)


class AbstractKernel(AbstractRandomInitializer):
    """A random start of kernels, which may be told which of their axes are inputs and which are units.

    Args:
        seed: As in `AbstractRandomInitializer`.
        repeat: As there.
        input_axes: Axes of the kernel that are inputs; `None` for those of `Dense` and convolutions.
        output_axes: Axes that are units.
    """

    hyperparameters: tuple[str, ...] = ("input_axes", "output_axes")

    def __init__(
        self,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
        repeat: bool = False,
    ) -> None:
        super().__init__(seed, repeat)
        self.input_axes, self.output_axes = input_axes, output_axes

    def fans(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return m and n, the inputs of a unit and the units that an input goes to."""
        return fans(shape, self.input_axes, self.output_axes)


def sub_seed(seed: int, *place: int) -> int:
    """Return the seed of one place in a tree of independent draws."""
    return int(np.random.SeedSequence([seed & _WORD, *place]).generate_state(1)[0]) >> (32 - _SEED_BITS)

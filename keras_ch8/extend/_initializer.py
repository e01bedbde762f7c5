"""The contract of an initializer."""

import keras
import numpy as np
from keras import ops

from ._require import Make, explained, name_of, require, require_close, require_that_keras_saves


def check_initializer(make: Make, shape: tuple[int, ...] = (6, 4)) -> None:
    """Check an initializer: any floating type, the same values from the same seed, saved with its layer.

    Args:
        make: The class, or a function that makes one; it is called with `seed=`, if it takes a seed.
        shape: Shape of the weights that it is asked for, a tuple of integers. Defaults to `(6, 4)`.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.extend.check_initializer(keras_ch8.initializers.Orthogonal)
    """
    try:
        seeded, one, other = True, make(seed=3), make(seed=3)
    except TypeError:
        with explained(
            "The initializer cannot be made without arguments. Give a function that makes one, such as "
            "`functools.partial(Mine, 0.1)`."
        ):
            seeded, one, other = False, make(), make()
    name = name_of(one)
    require(isinstance(one, keras.initializers.Initializer), f"`{name}` must be a `keras.initializers.Initializer`.")
    require_that_keras_saves(one)
    with explained(f"`{name}` cannot be called with a shape and a type."):
        first, same = (ops.convert_to_numpy(i(shape, "float32")) for i in (one, other))
        second = ops.convert_to_numpy(one(shape, "float32"))
    require(
        first.shape == shape and np.isfinite(first).all(),
        f"`{name}` must return finite values of the shape that it is asked for, {shape}. Received: {first.shape}.",
    )
    require_close(same, first, f"Two `{name}` with the same arguments must begin with the same values.", rtol=0, atol=0)
    if seeded:
        require(
            (first != second).any(),
            f"A `{name}` that two layers share must start them apart: draw each call with the next of `seeds`.",
        )
    for dtype in ("bfloat16", "float16", "float32"):
        with explained(f"`{name}` must return {dtype}. Write `draw` or `values`, and leave the cast to the base."):
            values = make(**({"seed": 3} if seeded else {}))(shape, dtype)
        found = keras.backend.standardize_dtype(values.dtype)
        require(found == dtype, f"`{name}` must return the type that it is asked for, {dtype}. Received: {found}.")
        wide = ops.convert_to_numpy(ops.cast(ops.convert_to_tensor(first), dtype)).astype("float32")
        message = f"The values of `{name}` in {dtype} must be those in float32, rounded."
        require_close(ops.convert_to_numpy(values).astype("float32"), wide, message, rtol=0, atol=0)

"""The contract of a pacing of a curriculum."""

from typing import Any

import numpy as np

import keras_ch8

from ._require import explained, name_of, require, require_a_value, require_close

PROGRESS = np.linspace(0, 1, 1001)


def check_pacing(pacing: Any) -> None:
    """Check a pacing of a curriculum: a function of the progress that rises from its start to 1.

    Args:
        pacing: One, with its arguments.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_pacing(keras_ch8.curriculum.Linear(0.2))
    """
    name, base = name_of(pacing), keras_ch8.curriculum.Pacing
    require(isinstance(pacing, base), f"`{name}` must inherit from `curriculum.Pacing`.")
    require_a_value(pacing)
    with explained(f"`{name}` must give the fraction of the examples for an array of progress in [0, 1]."):
        fractions = np.asarray(pacing(PROGRESS), "float64")
        single = [float(pacing(u)) for u in (0.0, 0.31, 1.0)]
    require(
        fractions.shape == PROGRESS.shape,
        f"`{name}` must give one number for each u: write it in NumPy, without `if`.",
    )
    require(
        0 < fractions[0] <= 1, f"`{name}` must begin above 0 and at most at 1. Received: c(0) = {fractions[0]:.4g}."
    )
    require(
        fractions[-1] == 1,
        f"`{name}` must end with all examples: c(1) must be 1 exactly. Received: {fractions[-1]!r}.",
    )
    falls = np.diff(fractions)
    require(
        (falls >= -1e-16).all(),
        f"`{name}` must rise. It falls by {-falls.min():.3g} at u = {PROGRESS[int(falls.argmin())]:.3g}.",
    )
    message = f"`{name}` must give a number the value that it has in an array."
    require_close(single, fractions[[0, 310, 1000]], message, rtol=1e-14, atol=0)
    left = np.asarray(pacing.oldest(PROGRESS))
    require(
        ((left >= 0) & (left <= fractions)).all(),
        f"`{name}.oldest` must be the fraction of the examples that is left behind: at least 0 and at most c(u).",
    )

"""Difficulty: how long a sequence is."""

from typing import Any

import numpy as np

from .._section import section


@section("8.7.6")
def sequence_length(x: Any, y: Any = None, *, padding: float = 0) -> np.ndarray:
    """Return the number of time steps that are no padding, of each sequence (section 8.7.6).

        length of example i <- number of t with x[i, t] != padding

    A step of several features is padding if all of them are.

    Args:
        x: Array of shape (examples, time) or (examples, time, ...).
        y: Not used; so that the function can be given as `difficulty` as it is. Defaults to `None`.
        padding: What fills short sequences up, at either end. Defaults to `0`.

    Returns:
        Integers, one for each example.

    Raises:
        ValueError: If `x` has no axis of time.

    Example:
        >>> keras_ch8.curriculum.sequence_length(np.array([[5, 1, 2], [7, 0, 0]])).tolist()
        [3, 1]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Bengio et al. (2009), Curriculum Learning.
    """
    x = np.asarray(x)
    if x.ndim < 2:
        raise ValueError(
            "`x` must have an axis of examples and one of time. Received: an array of shape "
            f"{x.shape}. Pad the sequences to one length, as `keras.utils.pad_sequences` does."
        )
    return (x != padding).reshape(*x.shape[:2], -1).any(axis=-1).sum(axis=1)

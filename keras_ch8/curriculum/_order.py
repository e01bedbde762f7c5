"""Which examples come first."""

import numpy as np

ORDERS = ("easy", "hard", "random")


def keys(difficulty: np.ndarray, order: str, seed: int) -> np.ndarray:
    """Return the numbers by which the examples are ordered, the smallest first.

        easy     the difficulty
        hard     its negative
        random   the difficulty of another example: the same numbers, and no sense in them

    The permutation of `"random"` depends on the seed alone, so numbers that change slowly make an order that does.
    """
    if order == "random":
        return difficulty[np.random.default_rng([seed, 0, 1]).permutation(len(difficulty))]
    return -difficulty if order == "hard" else difficulty


def first_to_last(keys: np.ndarray, seed: int) -> np.ndarray:
    """Return the examples in order; those with equal keys are shuffled among themselves."""
    return np.lexsort((np.random.default_rng([seed, 0, 2]).random(len(keys)), keys))

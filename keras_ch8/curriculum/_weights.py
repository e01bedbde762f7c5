"""What a curriculum is: weights of the examples that change with the training."""

import numpy as np


def sampling_weights(ranks: np.ndarray, share: float, mix: float = 0.0, oldest: float = 0.0) -> np.ndarray:
    """Return W, the weight of each example in a draw, by its place in the order (Bengio et al. 2009, section 3).

        Q(z) = W(z) P(z) / sum over all z of W(z) P(z)        P: each example of the data alike
        W(z) = 1                                  for oldest <= rank / n < share
               mix c / (1 - mix + mix c)          otherwise, where c = share - oldest

    The second line is a draw from all examples with the probability `mix`, and from the first ones otherwise. Their
    definition of a curriculum holds while nothing is left behind: as `share` rises to 1, no W falls, the entropy of Q
    does not, and at the end Q = P.
    """
    count = len(ranks)
    last, first = last_and_first(np.array(share), np.array(oldest), count, 1)
    part = (last - first) / count
    return np.where((first <= ranks) & (ranks < last), 1.0, mix * part / (1 - mix + mix * part))


def last_and_first(share: np.ndarray, oldest: np.ndarray, count: int, at_least: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where in the order the examples that are drawn end and begin; there are at least some."""
    at_least = min(at_least, count)
    last = np.clip(np.ceil(share * count - 1e-9), at_least, count).astype("int64")
    first = np.clip(np.floor(oldest * count + 1e-9), 0, last - at_least).astype("int64")
    return last, first


def soft_weights(keys: np.ndarray, easiest: float, limit: np.ndarray) -> np.ndarray:
    """Return the weight of an example by how far its key is below the limit (section 8.7.6; Jiang et al. 2014).

        v = (limit - key) / (limit - easiest)         of losses from 0 on: 1 - loss / lambda

    1 where all keys are equal.
    """
    width = limit - easiest
    return np.where(width > 0, (limit - keys) / np.where(width > 0, width, 1.0), 1.0)

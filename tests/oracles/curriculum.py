"""What a curriculum draws, as Bengio et al. define it."""

import numpy as np

from keras_ch8.curriculum.sampler import last_and_first


def sampling_weights(ranks: np.ndarray, fraction: float, mix: float = 0.0, oldest: float = 0.0) -> np.ndarray:
    """Return W, the weight of each example in a draw, by its place in the order (Bengio et al. 2009, section 3).

        Q(z) = W(z) P(z) / sum over all z of W(z) P(z)        P: each example of the data alike
        W(z) = 1                                  for oldest <= rank / n < fraction
               mix c / (1 - mix + mix c)          otherwise, where c = fraction - oldest

    The second line is a draw from all examples with the probability `mix`, and from the first ones otherwise. Their
    definition of a curriculum holds while nothing is left behind: as `fraction` rises to 1, no W falls, nor does the
    entropy of Q, and at the end Q = P.
    """
    count = len(ranks)
    last, first = last_and_first(np.array(fraction), np.array(oldest), count, 1)
    part = (last - first) / count
    return np.where((first <= ranks) & (ranks < last), 1.0, mix * part / (1 - mix + mix * part))

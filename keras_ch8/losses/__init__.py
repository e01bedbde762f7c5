"""Surrogate losses for the quantity that one really wants to minimize (section 8.1.2): likelihoods, and margin losses.

A likelihood is a family of distributions, whose parameters the network puts out:

    model.compile("adam", keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.likelihoods.GaussianLikelihood()))

A family of your own is a frozen dataclass derived from `keras_ch8.extend.Likelihood`.
"""

from . import likelihoods
from .surrogates import ExponentialLoss, ModifiedHuber, NegativeLogLikelihood

__all__ = [
    "ExponentialLoss",
    "ModifiedHuber",
    "NegativeLogLikelihood",
    "likelihoods",
]


def __dir__() -> list[str]:
    return sorted(__all__)

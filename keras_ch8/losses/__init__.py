"""Surrogate losses for the quantity that one really wants to minimize (section 8.1.2): likelihoods, and margin losses.

A likelihood is a family of distributions, whose parameters the network puts out:

    model.compile("adam", keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.GaussianLikelihood()))

A family of your own is a frozen dataclass derived from `Likelihood`.
"""

from .labels import aligned as aligned
from .labels import class_numbers as class_numbers
from .likelihoods import (
    BernoulliLikelihood,
    CategoricalLikelihood,
    GaussianLikelihood,
    HeteroscedasticGaussianLikelihood,
    LaplaceLikelihood,
    Likelihood,
    NegativeLogLikelihood,
    PoissonLikelihood,
)
from .likelihoods import as_likelihood as as_likelihood
from .margins import ExponentialLoss, ModifiedHuber

__all__ = [
    "BernoulliLikelihood",
    "CategoricalLikelihood",
    "ExponentialLoss",
    "GaussianLikelihood",
    "HeteroscedasticGaussianLikelihood",
    "LaplaceLikelihood",
    "Likelihood",
    "ModifiedHuber",
    "NegativeLogLikelihood",
    "PoissonLikelihood",
]  # fmt: skip

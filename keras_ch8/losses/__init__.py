"""Losses that stand for what is really wanted (section 8.1.2): likelihoods, and surrogates of the 0-1 loss.

A likelihood is a family of distributions, whose parameters the network puts out:

    model.compile("adam", keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.GaussianLikelihood()))
"""

from ._aligned import aligned as aligned
from ._aligned import class_numbers as class_numbers
from ._bernoulli import BernoulliLikelihood
from ._categorical import CategoricalLikelihood
from ._exponential import ExponentialLoss
from ._family import AbstractFamily as AbstractFamily
from ._family import as_family as as_family
from ._gaussian import GaussianLikelihood
from ._gaussian_with_variance import HeteroscedasticGaussianLikelihood
from ._laplace import LaplaceLikelihood
from ._modified_huber import ModifiedHuber
from ._negative_log_likelihood import NegativeLogLikelihood
from ._poisson import PoissonLikelihood

__all__ = [
    "BernoulliLikelihood",
    "CategoricalLikelihood",
    "ExponentialLoss",
    "GaussianLikelihood",
    "HeteroscedasticGaussianLikelihood",
    "LaplaceLikelihood",
    "ModifiedHuber",
    "NegativeLogLikelihood",
    "PoissonLikelihood",
]

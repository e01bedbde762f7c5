"""Losses that stand for what is really wanted (section 8.1.2): likelihoods, and surrogates of the 0-1 loss.

A likelihood is a family of distributions, whose parameters the network puts out:

    model.compile("adam", keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.gaussian()))
"""

from ._aligned import aligned as aligned
from ._aligned import class_numbers as class_numbers
from ._bernoulli import bernoulli
from ._categorical import categorical
from ._exponential import ExponentialLoss
from ._family import AbstractFamily as AbstractFamily
from ._family import as_family as as_family
from ._gaussian import gaussian
from ._gaussian_with_variance import gaussian_with_variance
from ._laplace import laplace
from ._modified_huber import ModifiedHuber
from ._negative_log_likelihood import NegativeLogLikelihood
from ._poisson import poisson

__all__ = [
    "ExponentialLoss",
    "ModifiedHuber",
    "NegativeLogLikelihood",
    "bernoulli",
    "categorical",
    "gaussian",
    "gaussian_with_variance",
    "laplace",
    "poisson",
]

"""Outputs that are 0 or 1."""

import dataclasses
from typing import Any, final

import keras
from keras import ops

from ._aligned import aligned
from ._family import AbstractFamily


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
@dataclasses.dataclass(frozen=True)
class BernoulliLikelihood(AbstractFamily):
    """Each output is 1 with a probability, whose log odds (logit) the network puts out (sections 8.1.2 and 6.2.2.2).

        - log p(y | eta) = y * softplus(-eta) + (1 - y) * softplus(eta)        p(1 | eta) = sigmoid(eta)

    Book          Here            Unit and meaning
    y             y               0 or 1; a number between is the probability of 1 in the data
    z             eta             log odds of 1, one for each output; no activation in the last layer

    Differs from `keras.losses.BinaryCrossentropy(from_logits=True)`: summed over the outputs by
    `NegativeLogLikelihood`, not averaged.

    Example:
        >>> nll = keras_ch8.losses.BernoulliLikelihood().nll(y=np.array([1.0, 1.0, 0.0]), eta=np.array([0.0, 3.0, 3.0]))
        >>> [round(float(x), 4) for x in nll[:, 0]]
        [0.6931, 0.0486, 3.0486]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.2.2.2, equations 6.24 to 6.26.
    """

    section = "8.1.2"

    def nll(self, y: Any, eta: Any) -> Any:
        """Return -log p of each output."""
        y, eta = aligned(y, eta)
        return y * ops.softplus(-eta) + (1 - y) * ops.softplus(eta)

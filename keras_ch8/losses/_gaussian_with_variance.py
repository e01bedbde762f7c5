"""Outputs with Gaussian noise, of which the network says how strong it is."""

import dataclasses
import math
from typing import Any, final

import keras
from keras import ops

from ._aligned import aligned
from ._family import AbstractFamily


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
@dataclasses.dataclass(frozen=True)
class HeteroscedasticGaussianLikelihood(AbstractFamily):
    """Each output is Gaussian, with a mean and a variance that the network puts out (sections 8.1.2 and 6.2.2.4).

        mu, s <- eta
        - log p(y | eta) = (y - mu)^2 * exp(-s) / 2 + (s + log(2 * pi)) / 2

    Book          Here            Unit and meaning
    y             y               any number, k for each example
    y hat         mu              the first k outputs of the network: means
    - log beta    s               the last k outputs: logs of the variances (beta is the precision)

    The likelihood has no upper bound: an example that is fitted exactly draws its variance to 0. Below s = -88 the
    precision is infinite in float32.

    Differs from the book: section 6.2.2.4 makes the precision positive by a softplus, here by exp. Keras has none.

    Raises:
        ValueError: In `nll`, if the network does not have twice as many outputs as there are labels.

    Example:
        >>> eta = np.array([[0.0, 0.0], [0.0, np.log(4.0)]])
        >>> nll = keras_ch8.losses.HeteroscedasticGaussianLikelihood().nll(y=np.array([2.0, 2.0]), eta=eta)
        >>> [round(float(x), 4) for x in nll[:, 0]]
        [2.9189, 2.1121]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.2.2.4; Nix and Weigend (1994), Estimating the
        Mean and Variance of the Target Probability Distribution.
    """

    section = "8.1.2"

    def nll(self, y: Any, eta: Any) -> Any:
        """Return -log p of each output."""
        y, eta = aligned(y, eta, entries=2)
        mu, s = ops.split(eta, 2, axis=-1)
        return ops.square(y - mu) * ops.exp(-s) / 2 + (s + math.log(2 * math.pi)) / 2

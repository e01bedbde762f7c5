"""Outputs with Gaussian noise of a variance that is known."""

import dataclasses
import math
from typing import Any, final

import keras
from keras import ops

from .. import _checks
from ._aligned import aligned
from ._family import AbstractFamily


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
@dataclasses.dataclass(frozen=True)
class GaussianLikelihood(AbstractFamily):
    """Each output is Gaussian, with a mean that the network puts out (sections 8.1.2 and 6.2.2.1).

        - log p(y | eta) = (y - eta)^2 / (2 * variance) + log(2 * pi * variance) / 2

    Book          Here            Unit and meaning
    y             y               any number
    y hat         eta             the mean of y, one for each output
    sigma^2       variance        in units of y^2, the same for all outputs

    Least squares is maximum likelihood of this family, whatever the variance.

    Differs from `keras.losses.MeanSquaredError`: that is 2 * variance times this, less the constant, averaged over
    the outputs; so here the loss of a model can be compared with that of another family.

    Args:
        variance: Number above 0. Defaults to `1.0`.

    Raises:
        ValueError: If `variance` is not above 0.

    Example:
        >>> nll = keras_ch8.losses.GaussianLikelihood().nll(y=np.array([0.0, 2.0]), eta=np.array([0.0, 0.0]))
        >>> [round(float(x), 4) for x in nll[:, 0]]
        [0.9189, 2.9189]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 5.5.1, equation 5.65.
    """

    section = "8.1.2"

    variance: float = 1.0

    def __post_init__(self) -> None:
        mend = "1.0 makes it least squares; leave it to the network with `gaussian_with_variance()`."
        _checks.positive("variance", self.variance, meaning="the variance of each output", mend=mend)

    def nll(self, y: Any, eta: Any) -> Any:
        """Return -log p of each output."""
        y, eta = aligned(y, eta)
        return ops.square(y - eta) / (2 * self.variance) + math.log(2 * math.pi * self.variance) / 2

"""Outputs with noise whose tails are heavier than Gaussian."""

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
class LaplaceLikelihood(AbstractFamily):
    """Each output has a Laplace distribution around what the network puts out (sections 8.1.2 and 3.9.4).

        - log p(y | eta) = |y - eta| / scale + log(2 * scale)

    Book          Here            Unit and meaning
    x             y               any number
    mu            eta             the median of y, one for each output
    gamma         scale           mean of |y - eta|, in units of y, the same for all outputs

    An outlier pulls no harder than any other example.

    Differs from `keras.losses.MeanAbsoluteError`: that is `scale` times this, less the constant, averaged over the
    outputs.

    Args:
        scale: Number above 0. Defaults to `1.0`.

    Raises:
        ValueError: If `scale` is not above 0.

    Example:
        >>> nll = keras_ch8.losses.LaplaceLikelihood().nll(y=np.array([0.0, 2.0]), eta=np.array([0.0, 0.0]))
        >>> [round(float(x), 4) for x in nll[:, 0]]
        [0.6931, 2.6931]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 3.9.4, equation 3.26.
    """

    section = "8.1.2"

    scale: float = 1.0

    def __post_init__(self) -> None:
        mend = "1.0 makes it the absolute error, which is least at the median."
        _checks.positive("scale", self.scale, meaning="the mean distance of an output from its median", mend=mend)

    def nll(self, y: Any, eta: Any) -> Any:
        """Return -log p of each output."""
        y, eta = aligned(y, eta)
        return ops.abs(y - eta) / self.scale + math.log(2 * self.scale)

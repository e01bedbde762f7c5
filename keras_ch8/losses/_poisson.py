"""Outputs that are counts."""

import dataclasses
from typing import Any, final

import keras
from keras import ops

from ..integration import backend
from ._aligned import aligned
from ._family import AbstractFamily


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
@dataclasses.dataclass(frozen=True)
class PoissonLikelihood(AbstractFamily):
    """Each output is a Poisson count, with a rate whose log the network puts out (section 8.1.2).

        - log p(y | eta) = exp(eta) - y * eta + log(y!)

    Symbol        Here            Unit and meaning
    y             y               count 0, 1, 2, ...
    log lambda    eta             log of the mean count, one for each output; no activation in the last layer

    The rate and its gradient are infinite in float32 above eta = 88.

    Differs from `keras.losses.Poisson`: that wants the rate itself, leaves log(y!) out, so that it is no likelihood,
    and averages over the outputs.

    Example:
        >>> nll = keras_ch8.losses.PoissonLikelihood().nll(y=np.array([0.0, 3.0]), eta=np.log([2.0, 2.0]))
        >>> [round(float(x), 4) for x in nll[:, 0]]
        [2.0, 1.7123]

    References:
        McCullagh and Nelder (1989), Generalized Linear Models, chapter 6.
    """

    section = "8.1.2"

    def nll(self, y: Any, eta: Any) -> Any:
        """Return -log p of each output."""
        y, eta = aligned(y, eta)
        return ops.exp(eta) - y * eta + backend.log_gamma(y + 1)

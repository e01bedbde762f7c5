"""What weight decay does with the scale of units."""

import dataclasses
from typing import Any

import numpy as np

from .._section import section
from ._activations import check_homogeneous
from ._wiring import wiring


@dataclasses.dataclass(frozen=True)
class Balance:
    """How large the weights on both sides of each unit are.

    Args:
        incoming: Norm of the weights that lead into each unit.
        outgoing: Norm of the weights that lead out of it.
    """

    incoming: np.ndarray
    outgoing: np.ndarray

    @property
    def factors(self) -> np.ndarray:
        """The alphas for `rescale_units`, sqrt(outgoing / incoming); 1 for a unit that has no weights on one side."""
        both = (self.incoming > 0) & (self.outgoing > 0)
        return np.sqrt(np.where(both, self.outgoing, 1.0) / np.where(both, self.incoming, 1.0))

    @property
    def imbalance(self) -> float:
        """Mean of |log(incoming / outgoing)| over the units with weights on both sides: 0 where all are balanced."""
        return float(np.mean(2 * np.abs(np.log(self.factors))))


@section("8.2.2")
def balance(model: Any, layer: Any, *, bias: bool = False) -> Balance:
    """Return how far the units of a layer are from where weight decay draws them (section 8.2.2).

    Rescaling a unit by alpha leaves the function as it is, but not the penalty,

        |alpha W_j|^2 + |V_j / alpha|^2   >=   2 |W_j| |V_j|        with equality at alpha = sqrt(|V_j| / |W_j|)

    where W_j leads into unit j and V_j out of it. So of the whole valley of equal functions weight decay leaves one
    point, |W_j| = |V_j|, and every critical point of the loss with decay is balanced. To go there at once:

        rescale_units(model, layer, balance(model, layer).factors)

    Args:
        model: As for `rescale_units`. It stays as it is.
        layer: As for `rescale_units`.
        bias: Whether the bias counts among the weights that lead in: `True` if it is decayed too. Defaults to `False`.

    Returns:
        A `Balance`, with one entry for each unit.

    Raises:
        ValueError: If it is not known where the units go, or if they cannot be rescaled.

    Example:
        >>> hidden = keras.layers.Dense(3, "relu", kernel_initializer="ones")
        >>> last = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(8.0))
        >>> model = keras.Sequential([keras.Input((4,)), hidden, last])
        >>> found = keras_ch8.symmetries.balance(model, hidden)
        >>> found
        Balance(incoming=array([2., 2., 2.]), outgoing=array([8., 8., 8.]))
        >>> found.factors
        array([2., 2., 2.])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.2; Neyshabur, Salakhutdinov, Srebro (2015),
        Path-SGD.
    """
    found = wiring(model, layer)
    check_homogeneous(found)
    inside = found.incoming if bias else found.incoming[:1]
    incoming = np.sqrt(sum(np.sum(found.ending(v) ** 2, axis=0) for v in inside))
    return Balance(incoming, np.sqrt(np.sum(found.leaving() ** 2, axis=(0, 2))))

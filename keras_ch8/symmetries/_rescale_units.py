"""Units change their scale."""

from typing import Any

import numpy as np

from .. import _checks
from .._section import section
from ._activations import check_homogeneous
from ._wiring import assign, wiring


@section("8.2.2")
def rescale_units(model: Any, layer: Any, factors: Any) -> None:
    """Multiply what leads into each unit and divide what leads out: the same function (section 8.2.2).

        W[:, j], b[j]   <-   alpha_j W[:, j], alpha_j b[j]        V[j, :]   <-   V[j, :] / alpha_j

    where W, b lead into the units and V out of them. It holds where f(alpha z) = alpha f(z) for alpha > 0, as for
    ReLUs, leaky ReLUs, linear units and the largest of several such (pooling). So every minimum lies in a valley of
    minima, of as many dimensions as there are such units; `balance` says which of them weight decay chooses. Works in
    place, as a whole or not at all. With factors that are powers of 2 not even rounding changes. What an optimizer
    remembers of the weights stays as it was: compile the model anew before it is trained on.

    Args:
        model: A built `keras.Sequential` or `keras.Model(inputs, outputs)`.
        layer: A Dense or convolution layer of it, or its name. Its units must go into one other Dense or convolution
            layer, through such activations, pooling, Flatten or Dropout only.
        factors: Numbers alpha above 0, one for each unit.

    Raises:
        ValueError: If `factors` are not one positive number for each unit, if they make a weight overflow, or if it is
            not known where the units go, or if their activation is none of these.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "relu"), keras.layers.Dense(2)])
        >>> x, before = np.ones((5, 4)), model.get_weights()
        >>> keras_ch8.symmetries.rescale_units(model, model.layers[0], [0.5, 1.0, 8.0])
        >>> keras_ch8.symmetries.difference(model, before, x)
        0.0

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.2.
    """
    found = wiring(model, layer)
    check_homogeneous(found)
    _checks.length("factors", factors, found.units, of="the units")
    alpha = np.asarray(factors, "float64")
    if not (np.isfinite(alpha) & (alpha > 0)).all():
        raise ValueError(
            "`factors` multiply what leads into a unit and divide what leads out, so they must be finite and above 0. "
            f"Received: factors={factors!r}."
        )
    scaled = [found.ending(v) * alpha for v in found.incoming]
    assign([*found.incoming, found.following.kernel], [*scaled, found.leaving() / alpha[:, None]])

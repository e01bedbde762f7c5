"""Units change places."""

from typing import Any

from .. import _checks
from .._section import section
from ._activations import check_symmetric
from ._wiring import assign, wiring


@section("8.2.2")
def permute_units(model: Any, layer: Any, order: Any) -> None:
    """Let the units of a layer change places, with all that leads in and out: the same function (section 8.2.2).

        W[:, j], b[j], V[j, :]   <-   W[:, order[j]], b[order[j]], V[order[j], :]

    where W, b lead into the units and V out of them; gamma, beta and the moving statistics of a batch normalization on
    the way move too. A layer of n units has n! such copies of every minimum, m layers (n!)^m. Works in place, as a
    whole or not at all. With Dropout the function is the same without its masks. What an optimizer remembers of the
    weights stays where it was: compile the model anew before it is trained on.

    Args:
        model: A built `keras.Sequential` or `keras.Model(inputs, outputs)`.
        layer: A Dense or convolution layer of it, or its name. Its units must go into one other Dense or convolution
            layer, through activations, pooling, Flatten, Dropout or BatchNormalization only.
        order: Integers: a permutation of 0 .. units - 1.

    Raises:
        ValueError: If `order` is no permutation of the units, or if it is not known where the units go.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(2)])
        >>> x, before = np.ones((5, 4)), model.get_weights()
        >>> keras_ch8.symmetries.permute_units(model, model.layers[0], [2, 0, 1])
        >>> bool(keras_ch8.symmetries.difference(model, before, x) < 1e-6)
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.2.
    """
    found = wiring(model, layer)
    check_symmetric(found)
    order = _checks.permutation("order", order, found.units, of="the units")
    ending = found.incoming + found.normalizing
    moved = [found.ending(v)[:, order] for v in ending]
    assign([*ending, found.following.kernel], [*moved, found.leaving()[:, order]])

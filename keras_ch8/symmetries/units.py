"""Changes of the units of a layer that leave the function as it is."""

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np

from .. import _checks, _objects
from .._describe import section, short
from .._result import Result, Table
from .wiring import assign, check_homogeneous, check_symmetric, exact, wiring


@section("8.2.2")
def permute_units(model: keras.Model, layer: keras.layers.Layer | str, order: Sequence[int] | np.ndarray) -> None:
    r"""Permute the units of a layer, with all weights that lead in and out: the same function (section 8.2.2).

    .. math::

        W[:, j], b[j], V[j,:] \leftarrow W[:, \text{order}[j]], b[\text{order}[j]], V[\text{order}[j],:]

    where W, b lead into the units and V out of them. A layer of n units has n! such copies of every minimum, m layers
    (n!)^m. Works in place; after an error nothing has changed. With Dropout the function is the same at inference. The
    state of an optimizer is not permuted: compile the model again before it is trained further.

    Args:
        model: A built `keras.Sequential`.
        layer: A Dense layer of it, or its name. Its units must go into another Dense layer, through activations and
            Dropout only.
        order: Integers: a permutation of 0 .. units - 1.

    Raises:
        ValueError: If `order` is not a permutation of the units, or if it is not known where the units go.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(2)])
        >>> x = np.ones((5, 4))
        >>> before = model(x)
        >>> keras_ch8.symmetries.permute_units(model, model.layers[0], [2, 0, 1])
        >>> np.allclose(model(x), before)
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.2.
    """
    found = wiring(model, layer)
    check_symmetric(found)
    order = _checks.permutation("order", order, found.units, of="the units")
    moved = [exact(v)[..., order] for v in found.incoming]
    assign([*found.incoming, found.outgoing], [*moved, exact(found.outgoing)[order]])


@section("8.2.2")
def rescale_units(model: keras.Model, layer: keras.layers.Layer | str, factors: Sequence[float] | np.ndarray) -> None:
    """Multiply the weights into each unit and divide those out of it: the same function (section 8.2.2).

        W[:, j], b[j]   <-   alpha_j W[:, j], alpha_j b[j]        V[j, :]   <-   V[j, :] / alpha_j

    where W, b lead into the units and V out of them. It holds where f(alpha z) = alpha f(z) for alpha > 0, as for
    ReLUs, leaky ReLUs and linear units. So every minimum lies in a valley of minima, of as many dimensions as there are
    such units; `balance` shows which of them weight decay chooses. Works in place; after an error nothing has changed.
    With factors that are powers of 2 not even rounding changes. The state of an optimizer is not rescaled: compile the
    model again before it is trained further.

    Args:
        model: A built `keras.Sequential`.
        layer: A Dense layer of it, or its name. Its units must go into another Dense layer, through such activations
            and Dropout only.
        factors: Numbers alpha above 0, one for each unit.

    Raises:
        ValueError: If `factors` are not one positive number for each unit, if they make a weight overflow, if it is not
            known where the units go, or if a factor does not pass through their activation.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "relu"), keras.layers.Dense(2)])
        >>> x = np.ones((5, 4))
        >>> before = model(x)
        >>> keras_ch8.symmetries.rescale_units(model, model.layers[0], [0.5, 1.0, 8.0])
        >>> np.array_equal(model(x), before)
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.2.
    """
    found = wiring(model, layer)
    check_homogeneous(found)
    alpha = _objects.numbers("factors", factors)
    _checks.length("factors", alpha, found.units, of="the units")
    if not (np.isfinite(alpha) & (alpha > 0)).all():
        raise ValueError(
            "`factors` multiply the weights into a unit and divide those out of it, so they must be finite and above "
            f"0. Received: factors={short(factors)}. Pass one such number for each unit, as `balance` does in its "
            "`factors`."
        )
    scaled = [exact(v) * alpha for v in found.incoming]
    assign([*found.incoming, found.outgoing], [*scaled, exact(found.outgoing) / alpha[:, None]])


@dataclasses.dataclass(frozen=True, repr=False)
class Balance(Result):
    """The norms of the weights on both sides of each unit.

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

    def _headline(self) -> str:
        off = f"{self.imbalance:.3g} on the average, 0 where balanced"
        return f"{len(self.incoming)} units; |log(incoming / outgoing)| is {off}"

    def _table(self) -> Table:
        columns = "norm of incoming weights", "of outgoing weights", "factor that balances"
        return Table(columns, list(zip(self.incoming, self.outgoing, self.factors, strict=True)))


@section("8.2.2")
def balance(model: keras.Model, layer: keras.layers.Layer | str) -> Balance:
    """Return how far the units of a layer are from the scale that weight decay prefers (section 8.2.2).

    Rescaling a unit by alpha leaves the function as it is, but not the penalty,

        |alpha W_j|^2 + |V_j / alpha|^2   >=   2 |W_j| |V_j|        with equality at alpha = sqrt(|V_j| / |W_j|)

    where W_j leads into unit j, the bias aside, and V_j out of it. So of the whole valley of equal functions weight
    decay prefers one point, |W_j| = |V_j|, and every critical point of the loss with decay is balanced. To go there at
    once:

        rescale_units(model, layer, balance(model, layer).factors)

    Args:
        model: As for `rescale_units`. It stays as it is.
        layer: As for `rescale_units`.

    Returns:
        A `Balance`, with one entry for each unit.

    Raises:
        ValueError: If it is not known where the units go, or if they cannot be rescaled.

    Example:
        >>> hidden = keras.layers.Dense(3, "relu", kernel_initializer="ones")
        >>> last = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(8.0))
        >>> model = keras.Sequential([keras.Input((4,)), hidden, last])
        >>> found = keras_ch8.symmetries.balance(model, hidden)
        >>> print(found)
        3 units; |log(incoming / outgoing)| is 1.39 on the average, 0 where balanced
          norm of incoming weights  of outgoing weights  factor that balances
                                 2                    8                     2
                                 2                    8                     2
                                 2                    8                     2
        >>> found.factors
        array([2., 2., 2.])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.2; Neyshabur, Salakhutdinov, Srebro (2015),
        Path-SGD.
    """
    found = wiring(model, layer)
    check_homogeneous(found)
    incoming = np.linalg.norm(exact(found.layer.kernel), axis=0)
    return Balance(incoming, np.linalg.norm(exact(found.outgoing), axis=1))

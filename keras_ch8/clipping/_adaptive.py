"""Adaptive clipping: a unit's gradient against the unit's weights."""

import dataclasses
import operator
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, final

import keras
from keras import ops

from .. import _numerics
from .._describe import short
from .._registration import registered
from .._settings import positive
from .._types import Tensor
from .rule import TensorRule
from .units import axes_of_all

RATIO = positive("the largest norm of a unit's gradient, as a fraction of its weights' norm", "0.01 is Brock's.")


@final
@registered
@dataclasses.dataclass(frozen=True)
class Adaptive(TensorRule):
    r"""Clip each unit's gradient to a fraction of the norm of the unit's weights (8.2.4; Brock et al. 2021).

    With w_i the weights that go into unit i (a column of a Dense kernel, a filter of a convolution, a row of an
    embedding; a bias or gamma counts as one unit) and g_i their gradient:

    .. math::

        \text{limit}_i &\leftarrow \text{ratio} \cdot \max(|w_i|, \epsilon) \\
        & \text{if } |g_i| > \text{limit}_i: \qquad g_i \leftarrow \frac{g_i \cdot \text{limit}_i}{|g_i|}

    Brock et al. leave the last, linear layer unclipped and write for SGD; with Adam, whose step does not grow with
    the gradient, a ratio of 0.01 clips nearly always and does little. State: none.

    An optimizer does not know the layers, so what a unit is follows from the rank and the path of each variable:

        a vector; any `bias`                                              all of it is one unit
        `embeddings`                                                      a row is a unit
        `depthwise_kernel`, `depthwise_conv2d/kernel`                     all axes but the last two go into one unit
        `conv2d_transpose/kernel`                                         all but the last but one
        `query/kernel`, `key/kernel`, `value/kernel`, of rank 3           the first
        `attention_output/kernel`, of rank 3                              the first two
        anything else                                                     all but the last

    These are the names that Keras gives. What they do not say, such as which axes an EinsumDense with a kernel of
    three axes sums over, is said by `unit_axes`.

    Args:
        ratio: Number above 0: the largest |g_i| / |w_i|. Defaults to `0.01`.
        epsilon: Number above 0: what a unit's weights count for at least, so that those that start at 0 can move.
            Defaults to `0.001`.
        unit_axes: Dictionary from a regular expression, which is searched in the path of each variable, to the axes
            that run over the weights of one unit there; the first that is found counts. Defaults to none.

    Raises:
        ValueError: If a number is not above 0, a key of `unit_axes` is no regular expression, or its axes are none.
            When the optimizer is built, if a variable does not have these axes.

    Example:
        >>> variable = keras.Variable([[3.0, 0.0], [4.0, 0.0]])
        >>> optimizer = keras_ch8.optimizers.SGD(1.0, clip=keras_ch8.clipping.Adaptive(0.1))
        >>> optimizer.apply([keras.ops.array([[30.0, 0.0], [40.0, 1.0]])], [variable])
        >>> [[round(float(x), 4) for x in row] for row in variable.numpy()]
        [[2.7, 0.0], [3.6, -0.0001]]

    References:
        Brock, De, Smith, Simonyan (2021), High-Performance Large-Scale Image Recognition Without Normalization.
    """

    section = "8.2.4"

    ratio: Annotated[float, RATIO] = 0.01
    epsilon: Annotated[float, positive("the norm that a unit's weights count for at least", "0.001 is Brock's.")] = 1e-3
    unit_axes: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False, kw_only=True)

    needs_theta = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.unit_axes, Mapping):
            raise _bad_axes(self.unit_axes)
        object.__setattr__(self, "unit_axes", dict(_checked(*item) for item in self.unit_axes.items()))

    def units(self, variables: Sequence[keras.Variable]) -> list[tuple[int, ...]]:
        """Return the axes that run over the weights of one unit, for each variable."""
        return axes_of_all(variables, self.unit_axes)

    def clip(self, g: Tensor, theta: Tensor | None, axes: tuple[int, ...]) -> Tensor:
        """Clip unit by unit."""
        limit = self.ratio * ops.maximum(_numerics.norm(theta, axes), self.epsilon)
        return g * _numerics.shrink_to(limit, _numerics.norm(g, axes))


def _checked(pattern: Any, axes: Any) -> tuple[str, tuple[int, ...]]:
    try:
        re.compile(pattern)
        places = _axes(axes)
    except (re.error, TypeError) as error:
        raise _bad_axes({pattern: axes}, f" ({error})") from error
    if not places or not isinstance(pattern, str):
        raise _bad_axes({pattern: axes})
    return pattern, places


def _axes(axes: int | Sequence[int]) -> tuple[int, ...]:
    """Return axes as integers, of which numpy's are some and `True` is none."""
    places = [axes] if not isinstance(axes, Sequence) or isinstance(axes, str) else axes
    if any(isinstance(place, bool) for place in places):
        raise TypeError("an axis is an integer")
    return tuple(operator.index(place) for place in places)


def _bad_axes(value: Any, reason: str = "") -> ValueError:
    return ValueError(
        "`unit_axes` says for some variables which axes run over the weights of one unit: a dictionary from a regular "
        f"expression for `variable.path` to one or more integers. Received: unit_axes={short(value)}{reason}. Write "
        "for "
        'example `unit_axes={"einsum_dense/kernel": (0, 1)}`.'
    )

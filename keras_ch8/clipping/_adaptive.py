"""Adaptive clipping: a unit's gradient against the unit's weights."""

import dataclasses
from typing import Any, final

import keras
from keras import ops

from .. import _checks, _numerics
from ._rule import AbstractTensorRule


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
@dataclasses.dataclass(frozen=True)
class adaptive(AbstractTensorRule):
    """Clip each unit's gradient to a share of the norm of the unit's weights (8.2.4; Brock et al. 2021).

    With w_i the weights that go into unit i (a column of a Dense kernel, a filter of a convolution, a row of an
    embedding; a bias or gamma counts as one unit) and g_i their gradient:

        limit_i <- ratio * max(|w_i|, epsilon)
        if |g_i| > limit_i:  g_i <- g_i * limit_i / |g_i|

    Brock et al. leave the last, linear layer unclipped and write for SGD; with Adam, whose step does not grow with
    the gradient, a ratio of 0.01 clips nearly always and does little. State: none.

    Args:
        ratio: Number above 0: the largest |g_i| / |w_i|. Defaults to `0.01`.
        epsilon: Number above 0: what a unit's weights count for at least, so that those that start at 0 can move.
            Defaults to `0.001`.

    Raises:
        ValueError: If an argument is not above 0.

    Example:
        >>> variable = keras.Variable([[3.0, 0.0], [4.0, 0.0]])
        >>> optimizer = keras_ch8.optimizers.SGD(1.0, clip=keras_ch8.clipping.adaptive(0.1))
        >>> optimizer.apply([keras.ops.array([[30.0, 0.0], [40.0, 1.0]])], [variable])
        >>> [[round(float(x), 4) for x in row] for row in variable.numpy()]
        [[2.7, 0.0], [3.6, -0.0001]]

    References:
        Brock, De, Smith, Simonyan (2021), High-Performance Large-Scale Image Recognition Without Normalization.
    """

    ratio: float = 0.01
    epsilon: float = 1e-3

    needs_theta = True

    def __post_init__(self) -> None:
        for name, meaning, mend in (
            ("ratio", "the largest norm of a unit's gradient, as a share of its weights' norm", "0.01 is Brock's."),
            ("epsilon", "the norm that a unit's weights count for at least", "0.001 is Brock's."),
        ):
            _checks.number(name, getattr(self, name), 0.0, float("inf"), open_low=True, meaning=meaning, mend=mend)

    def clip(self, g: Any, theta: Any, axes: tuple[int, ...]) -> Any:
        """Clip unit by unit."""
        limit = self.ratio * ops.maximum(_numerics.norm(theta, axes), self.epsilon)
        return g * _numerics.shrink_to(limit, _numerics.norm(g, axes))

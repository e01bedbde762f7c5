"""Division by a temperature."""

from typing import Any, final

import keras

from .. import _checks
from .._registration import registered
from .._types import Config, Tensor
from .annealed import Annealed

COLDEST = 1e-4
"""The lowest temperature: at 0 there is no quotient, and float16 ends near 1e-7."""


@final
@registered
class Temperature(keras.layers.Layer):
    r"""Divide by a temperature, which falls in training: from flat to steep (section 8.7.6).

    .. math::

        y \leftarrow \frac{x}{T}

    Before a softmax a high T makes all classes likely; before a `tanh` or `sigmoid` it makes a unit nearly linear, with
    1 / T its steepness. With the end T = 1 the real problem has exactly y = x.

    Symbol        Argument        Unit and meaning
    T             temperature     as x: by what the input is divided

    State: T, an `Annealed` number, in the attribute `temperature`; no weights. In inference T is `end`.
    Differs from Keras: it has none; `keras.layers.Rescaling` has a constant factor.

    Args:
        temperature: Number of at least 1e-4: T at the start. Defaults to `10.0`.
        end: Number of at least 1e-4: T of the real problem. Defaults to `1.0`.
        value: T now. Defaults to `temperature`.
        **kwargs: As in `keras.layers.Layer`: `name`, `dtype`, ...

    Raises:
        ValueError: If a temperature is below 1e-4.

    Example:
        >>> layer = keras_ch8.continuation.Temperature(10.0)
        >>> x = np.array([[1.0, 5.0]])
        >>> print(layer(x, training=True).numpy().round(3), layer(x).numpy())
        [[0.1 0.5]] [[1. 5.]]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6.
    """

    section = "8.7.6"

    def __init__(self, temperature: float = 10.0, end: float = 1.0, value: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, number in (("temperature", temperature), ("end", end)):
            _checks.number(
                name, number, COLDEST, float("inf"), meaning="what x is divided by", fix="Try 10.0, end=1.0."
            )
        self.temperature = Annealed(temperature, end, value, low=COLDEST)
        self.supports_masking = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Divide."""
        return inputs / self.temperature.read(training, inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> Config:
        """Return the arguments that make this layer again."""
        own = {"temperature": self.temperature.start, "end": self.temperature.end, "value": self.temperature.value}
        return super().get_config() | own

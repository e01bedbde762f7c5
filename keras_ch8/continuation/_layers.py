"""Layers that are easier at first: a temperature, noise on the weights."""

from typing import Any, final

import keras

from .. import _checks
from .._describe import short
from .._registration import registered
from .._types import Config, Tensor
from ..integration import backend
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

    State: T, an `Annealed` number, in the attribute `temperature`; no weights. At inference T is `end`.
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


@final
@registered
class WeightNoise(keras.layers.Wrapper):
    r"""A layer whose weights are noisy in training, less and less (section 8.7.6, equation 8.40).

    In each call in training, for each trainable variable w of the layer with two axes or more:

    .. math::

        w' \leftarrow w + \sigma z, \qquad z \sim N (0, I) \qquad \text{exactly }w \text{ at }\sigma = 0, \text{ and
          at inference}

    and the layer runs with w'. So training descends, by samples, the cost blurred over the weights:

    .. math::

        J^{(i)} (\theta) = E J (\theta'), \qquad \theta' \sim N (\theta, \sigma_i^2 I)

    whose sigma falls to 0 (`callbacks.Continuation`). The gradient is that of the drawn weights, and moves w. Biases
    and other vectors have no noise. A recurrent layer has the same in all time steps.

    Symbol        Argument        Unit and meaning
    sigma         stddev          as the weights; Glorot's start of 100 units has a spread of 0.1

    State: that of the layer; sigma, an `Annealed` number, in the attribute `stddev`; the state of the seed, which Keras
    does not save.
    Differs from `keras.layers.GaussianNoise`: that is noise on what a layer is given, with a constant spread.

    Args:
        layer: The layer.
        stddev: Number of at least 0: sigma at the start. Defaults to `0.1`.
        value: sigma now. Defaults to `stddev`.
        seed: Integer for the noise. Defaults to `None`: Keras's.
        **kwargs: As in `keras.layers.Layer`: `name`, ...; `dtype` defaults to that of the layer.

    Raises:
        TypeError: If `layer` is not a `keras.layers.Layer`.
        ValueError: If `stddev` is negative.

    Example:
        >>> layer = keras_ch8.continuation.WeightNoise(keras.layers.Dense(1, use_bias=False), 0.1)
        >>> x = np.ones((1, 4))
        >>> float(layer(x, training=True)[0, 0]) == float(layer(x, training=True)[0, 0])
        False
        >>> float(layer(x)[0, 0]) == float(layer.layer(x)[0, 0])
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 7.5 and 8.7.6; Graves (2011), Practical
        Variational Inference for Neural Networks.
    """

    section = "8.7.6"

    def __init__(
        self,
        layer: keras.layers.Layer,
        stddev: float = 0.1,
        value: float | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(layer, keras.Layer):
            raise TypeError(
                f"`layer` must be a `keras.layers.Layer`. Received: layer={short(layer)} of type "
                f"{type(layer).__name__}."
            )
        super().__init__(layer, **{"dtype": getattr(layer, "dtype_policy", None), **kwargs})
        self.stddev = Annealed(_checks.stddev(stddev), value=value, low=0.0)
        self.seed = _checks.seed(seed, or_none=True)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Run the layer, in training with noisy weights."""
        if not training:
            return self.layer(inputs)
        variables = self.layer.variables
        with keras.StatelessScope([(v, self._noisy(v)) for v in variables], collect_losses=True) as scope:
            before = [scope.get_current_value(v) for v in variables]
            output = self.layer(inputs)
        for variable, value in zip(variables, before, strict=True):
            if (new := scope.get_current_value(variable)) is not value:  # what the layer writes: moving statistics
                variable.assign(new)
        for loss in scope.losses:
            self.add_loss(loss)
        return output

    def _noisy(self, variable: keras.Variable) -> Tensor:
        value = backend.copy(variable.value)
        if not variable.trainable or len(variable.shape) < 2:
            return value
        z = keras.random.normal(variable.shape, dtype=value.dtype, seed=self.seed_generator)
        return value + self.stddev.read(True, value.dtype) * z

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the layer's output."""
        return self.layer.compute_output_shape(input_shape)

    def compute_mask(self, inputs: Tensor, previous_mask: Tensor) -> Tensor:
        """Return the mask of the layer's output."""
        return self.layer.compute_mask(inputs, previous_mask)

    def get_config(self) -> Config:
        """Return the arguments that make this layer again."""
        own = {"stddev": self.stddev.start, "value": self.stddev.value, "seed": self.seed}
        return super().get_config() | own

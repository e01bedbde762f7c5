"""Batch normalization."""

from typing import Any, final

import keras
import numpy as np
from keras import constraints, initializers, ops, regularizers

from .. import _checks, _numerics
from ..integration import backend
from ._normalize import Features, Moments, moments, normalize

STATISTICS = ("moving", "cumulative")
CONSTANT = (initializers.Zeros, initializers.Ones, initializers.Constant)


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class BatchNormalization(keras.layers.Layer):
    """Give each feature the mean beta and the standard deviation gamma over a batch (equations 8.35 to 8.37).

    For each feature, over the m entries H_i of a batch, in training:

        mu    <- sum_i H_i / m
        sigma <- sqrt(delta + sum_i (H_i - mu)^2 / m)
        H'    <- gamma * (H - mu) / sigma + beta

    mu and sigma are differentiated through, so the gradient never proposes an update that only shifts a feature, or
    only stretches it: the next batch would take it back. In inference (and with `trainable=False`) mu and sigma are
    the stored statistics:

        moving        mean <- momentum * mean + (1 - momentum) * mu             w <- momentum * w
        cumulative    mean <- n / (n + 1) * mean + 1 / (n + 1) * mu             n <- n + 1

    and the same for the variance, sigma^2 - delta. In moving ones the start values still have the weight w. With
    `bias_correction` inference takes them out: (mean - w * start) / (1 - w).

    Book          Argument                     Unit and meaning
    delta         epsilon                      added inside the root, in squared units of H
    gamma         gamma_initializer, scale     standard deviation of H'
    beta          beta_initializer, center     mean of H'
                  momentum                     share of the statistics kept each step; 0.99: memory of 100

    Shapes: any; the output has that of the input. A `mask` has one axis less: entries that are masked do not count, and
    a batch in which none counts leaves the statistics alone and is normalized with them.

    State: `gamma` and `beta`; `moving_mean`, `moving_variance`, one entry for each feature; and one number,
    `start_weight` (w, at first 1) or, if cumulative, `batches` (n). Arithmetic in float32 or wider. Four arrays of
    Keras's layer, in `set_weights` or a file, set that number to 0, and so does `set_statistics`: they are taken as
    they are. (A value that is assigned to `moving_mean` itself leaves it.) Keras's layer takes the first four of
    `get_weights()`. `momentum` may be set at any time; it is not in `weights`.

    Differs from `keras.layers.BatchNormalization`: that evaluates with its start values 0 and 1 in the statistics, so
    badly until it has taken some hundred steps; a batch that is all masked pulls its statistics to 0; `momentum` set
    after the first `fit` does nothing; second derivatives through it are wrong; the variance of several replicas is
    E[x^2] - E[x]^2, which cancels. No `renorm`. `momentum` and `epsilon` are checked.

    Args:
        axis: Integer: the axis of the features. Defaults to `-1`.
        momentum: Number in [0, 1). Defaults to `0.99`.
        epsilon: Number above 0. Defaults to `1e-3`.
        center: Whether there is a beta. Defaults to `True`.
        scale: Whether there is a gamma. Defaults to `True`.
        beta_initializer: Start of beta. Defaults to `"zeros"`.
        gamma_initializer: Start of gamma. Defaults to `"ones"`.
        moving_mean_initializer: Start of the mean. Defaults to `"zeros"`.
        moving_variance_initializer: Start of the variance. Defaults to `"ones"`.
        beta_regularizer: Penalty on beta. Defaults to `None`.
        gamma_regularizer: Penalty on gamma. Defaults to `None`.
        beta_constraint: Constraint on beta. Defaults to `None`.
        gamma_constraint: Constraint on gamma. Defaults to `None`.
        renorm: Accepted at Keras's off value `False` only.
        renorm_clipping: Accepted at `None` only.
        renorm_momentum: Not used, as in Keras without `renorm`.
        synchronized: Whether mu and sigma are those of the batches of all replicas. Defaults to `False`.
        statistics: `"moving"` or `"cumulative"`: the mean over all batches since birth or `reset_statistics`. Defaults
            to `"moving"`.
        bias_correction: Whether inference takes the start values out of moving statistics. Defaults to `True`.
        **kwargs: Keras's own: `name`, `dtype`, `trainable`.

    Raises:
        ValueError: If an argument lies outside its range, or if the start values are not constant and are to be taken
            out. When built, if there is no such axis. When called, if the mask does not fit.

    Example:
        >>> layer = keras_ch8.layers.BatchNormalization()
        >>> h = np.array([[1.0], [3.0]])
        >>> layer(h, training=True).numpy().round(3).tolist()
        [[-1.0], [1.0]]
        >>> layer(h).numpy().round(3).tolist()  # after one step of training; Keras's: [[0.98], [2.979]]
        [[-1.0], [1.0]]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.1; Ioffe and Szegedy (2015), Batch
        Normalization.
    """

    gamma: Any
    beta: Any
    moving_mean: Any
    moving_variance: Any

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        *,
        statistics: str = "moving",
        bias_correction: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        del renorm_momentum
        for name, value, off in (("renorm", renorm, False), ("renorm_clipping", renorm_clipping, None)):
            instead = "Keras's `keras.layers.BatchNormalization` has it."
            _checks.off(name, value, off, owner="BatchNormalization", instead=instead)
        self.gamma = self.beta = self.moving_mean = self.moving_variance = None
        self._age: Any = None
        self._kept: Any = None
        self.axis, self.momentum = axis, momentum
        self.epsilon = _checks.stabilizer("epsilon", epsilon, default=1e-8)
        self.center, self.scale, self.synchronized = center, scale, synchronized
        self.statistics = _checks.word("statistics", statistics, STATISTICS, meaning="what inference uses")
        self.bias_correction = bias_correction
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True
        self._check_start()

    def _check_start(self) -> None:
        starts = self.moving_mean_initializer, self.moving_variance_initializer
        if self.bias_correction and not all(isinstance(start, CONSTANT) for start in starts):
            raise ValueError(
                "With `bias_correction` the start values are taken out again, so they must be constant: 'zeros', "
                f"'ones' or a `keras.initializers.Constant`. Received: {starts}. Or give it bias_correction=False."
            )

    @property
    def _birth(self) -> float:
        return 1.0 if self.statistics == "moving" else 0.0

    @property
    def momentum(self) -> float:
        """Share of the statistics that each step keeps; may be set at any time."""
        return self._momentum

    @momentum.setter
    def momentum(self, value: float) -> None:
        self._momentum = _checks.share("momentum", value, of="the moving statistics")
        if self._kept is not None:
            self._kept.assign(self._momentum)

    def build(self, input_shape: Any) -> None:
        """Create the variables: Keras's four, in its order, and one number."""
        rank, axis = len(input_shape), _checks.axis(self.axis, input_shape)
        shape = (input_shape[axis],)
        self._features = Features(axis, rank, self.synchronized)
        self.input_spec = keras.layers.InputSpec(ndim=rank, axes={axis: shape[0]})
        self.gamma = self._learned("gamma", shape) if self.scale else None
        self.beta = self._learned("beta", shape) if self.center else None
        stored = {"trainable": False, "autocast": False, "aggregation": "mean"}
        self.moving_mean = self.add_weight(
            name="moving_mean", shape=shape, initializer=self.moving_mean_initializer, **stored
        )
        self.moving_variance = self.add_weight(
            name="moving_variance", shape=shape, initializer=self.moving_variance_initializer, **stored
        )
        name = "start_weight" if self.statistics == "moving" else "batches"
        self._age = self.add_weight(name=name, shape=(), initializer=initializers.Constant(self._birth), **stored)
        self._kept = backend.scalar(self._momentum, _numerics.working_dtype(self._age.dtype))

    def _learned(self, name: str, shape: tuple[int]) -> Any:
        parts = {part: getattr(self, f"{name}_{part}") for part in ("initializer", "regularizer", "constraint")}
        return self.add_weight(name=name, shape=shape, autocast=False, **parts)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        _checks.axis(self.axis, input_shape)
        return input_shape

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalize with the statistics of the batch, and keep them in mind; or with those that are stored."""
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        if mask is not None and len(mask.shape) != len(x.shape) - 1:
            raise ValueError(
                "A mask says which entries count, for all features together, so it has one axis less than the inputs. "
                f"Received: a mask of shape {tuple(mask.shape)} for inputs of shape {tuple(x.shape)}."
            )
        features, size = self._features, self.moving_mean.shape
        gamma = ops.cast(self.gamma, x.dtype) if self.scale else ops.ones(size, x.dtype)
        beta = ops.cast(self.beta, x.dtype) if self.center else ops.zeros(size, x.dtype)
        if training and self.trainable:
            found = moments(x, mask, features)
            if found.seen is not None:
                mean, variance = self.inference_statistics(x.dtype)
                found.mean = ops.where(found.seen, found.mean, mean)
                found.variance = ops.where(found.seen, found.variance, variance)
            self._store(found)
            y = normalize(x, gamma, beta, found, features, self.epsilon)
        else:
            mean, variance = self.inference_statistics(x.dtype)
            factor = gamma * ops.rsqrt(variance + self.epsilon)
            y = features.affine(x, factor, beta - mean * factor)
        return ops.cast(y, self.compute_dtype)

    def inference_statistics(self, dtype: str = "float32") -> tuple[Any, Any]:
        """Return mu and sigma^2 - delta as inference uses them."""
        mean, variance = (ops.cast(v, dtype) for v in (self.moving_mean, self.moving_variance))
        if self.statistics == "cumulative" or not self.bias_correction:
            return mean, variance
        w, size = ops.cast(self._age, dtype), self.moving_mean.shape
        mean = _numerics.without_start(mean, self.moving_mean_initializer(size, dtype), w)
        variance = _numerics.without_start(variance, self.moving_variance_initializer(size, dtype), w)
        return mean, ops.maximum(variance, 0)

    def _store(self, found: Moments) -> None:
        dtype, seen = found.mean.dtype, found.seen
        age = ops.cast(self._age, dtype)
        if self.statistics == "moving":
            kept = ops.cast(self._kept, dtype)
            older = age * kept
        else:
            kept, older = age / (age + 1), age + 1
        for variable, new in ((self.moving_mean, found.mean), (self.moving_variance, found.variance)):
            old = ops.cast(variable, dtype)
            variable.assign(_numerics.choose(seen, kept * old + (1 - kept) * new, old))
        with backend.start_after([found.mean]):
            self._age.assign(_numerics.choose(None if seen is None else ops.any(seen), older, age))

    @property
    def has_statistics(self) -> bool:
        """Whether a batch has counted since birth or `reset_statistics`, or moving statistics were set."""
        return bool(self._age.numpy() != self._birth)

    def reset_statistics(self) -> None:
        """Put the statistics back to their start values, as if there had been no batch."""
        self.moving_mean.assign(self.moving_mean_initializer(self.moving_mean.shape, self.moving_mean.dtype))
        self.moving_variance.assign(self.moving_variance_initializer(self.moving_mean.shape, self.moving_mean.dtype))
        self._age.assign(self._birth)

    def set_statistics(self, mean: Any, variance: Any, batches: int = 0) -> None:
        """Set the statistics, to be taken as they are: cumulative ones as those of so many batches."""
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        self._age.assign(0.0 if self.statistics == "moving" else float(batches))

    def set_weights(self, weights: Any) -> None:
        """Set all five arrays, or the four of Keras's layer, which are taken as they are."""
        filled = [np.zeros(())] if len(weights) == len(self.weights) - 1 else []
        super().set_weights([*weights, *filled])

    def load_own_variables(self, store: Any) -> None:
        """Load all five arrays, or the four of Keras's layer."""
        arrays = {name: store[name] for name in store.keys()}  # noqa: SIM118
        if len(arrays) == len(self.weights) - 1:
            arrays[str(len(arrays))] = np.zeros(())
        super().load_own_variables(arrays)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        plain = ("axis", "momentum", "epsilon", "center", "scale", "synchronized", "statistics", "bias_correction")
        config = {name: getattr(self, name) for name in plain}
        for kind, module in (("initializer", initializers), ("regularizer", regularizers), ("constraint", constraints)):
            names = [f"{owner}_{kind}" for owner in ("beta", "gamma", "moving_mean", "moving_variance")]
            config |= {name: module.serialize(getattr(self, name)) for name in names if hasattr(self, name)}
        return {**super().get_config(), **config}

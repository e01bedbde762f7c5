"""Batch normalization, and what both layers of it, ours and Keras's, have in common."""

import os
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TypeAlias, final

import keras
from keras import ops

from .. import _checks, _numerics, _objects
from .._registration import registered
from .._types import Config, Tensor
from ..integration import backend, keras_private
from ._normalize import Features, Moments, moments, normalize

STATISTICS = ("moving", "cumulative")
Shape: TypeAlias = tuple[int | None, ...]
Initializer: TypeAlias = str | keras.initializers.Initializer
Regularizer: TypeAlias = str | keras.regularizers.Regularizer | None
Constraint: TypeAlias = str | keras.constraints.Constraint | None

PARTS = ("initializer", "regularizer", "constraint")
STORED: dict[str, Any] = {"trainable": False, "autocast": False, "aggregation": "mean"}
FILE = "batches.txt"


def parts_of(layer: keras.layers.Layer, name: str) -> dict[str, Any]:
    """Return what a layer has been given for a variable that it learns: `beta_initializer` and so on."""
    return {part: getattr(layer, f"{name}_{part}") for part in PARTS}


class _Statistic(keras.Variable):
    """A variable that notifies its layer when it is set from outside: by `set_weights`, a file, a user.

    `Model.set_weights` and the loaders of files assign to the variables without a call of the layer.
    """

    on_set: Callable[[], None]

    def assign(self, value: Tensor) -> Tensor:
        """Set the value from outside."""
        assigned = super().assign(value)
        self.on_set()
        return assigned

    def keep(self, value: Tensor) -> None:
        """Set the value by the layer itself."""
        super().assign(value)


@final
@registered
class BatchNormalization(keras.layers.Layer):
    r"""Give each feature the mean beta and the standard deviation gamma over a batch (equations 8.35 to 8.37).

    For each feature, over the m entries H_i of a batch, in training:

    .. math::

        \mu &\leftarrow \frac{\sum_i H_i}{m} \\
        \sigma &\leftarrow \sqrt{\delta + \frac{\sum_i (H_i - \mu)^2}{m}} \\
        H' &\leftarrow \frac{\gamma (H - \mu)}{\sigma} + \beta

    mu and sigma are differentiated through, so the gradient never proposes an update that only shifts a feature, or
    only scales it: the next batch would undo it. At inference (and with `trainable=False`) mu and sigma are
    the stored statistics, which are averages over N batches:

        moving        N <- min(momentum * N + 1, 1 / (1 - momentum))      mean <- mean + (mu - mean) / N
        cumulative    N <- N + 1                                          mean <- mean + (mu - mean) / N

    and the same for the variance, sigma^2 - delta. N begins at 0, so the first batch replaces the start values, and
    moving averages soon have Keras's rate 1 / N = 1 - momentum. Without `bias_correction` they have it from the start.

    Book          Argument                     Unit and meaning
    delta         epsilon                      added inside the root, in squared units of H
    gamma         gamma_initializer, scale     standard deviation of H'
    beta          beta_initializer, center     mean of H'
                  momentum                     fraction of the statistics kept each step; 0.99: memory of 100

    Shapes: any; the output has that of the input. A `mask` has one axis less: entries that are masked do not count, and
    a batch in which none counts leaves the statistics alone and is normalized with them.

    State: the weights are those of Keras's layer in its order: `gamma`, `beta`, `moving_mean`, `moving_variance`, one
    entry for each feature. So `get_weights`, `set_weights` and `.weights.h5` files go from one layer to the other and
    back, and both predict the same. Arithmetic in float32 or wider. N is one number more, at the end of `variables` but
    not in `weights`, as the state of a seed generator. `.keras` files hold it, `.weights.h5` files do not. Where the
    statistics are set without it they count as Keras's, N = 1 / (1 - momentum), or as none, N = 0, if both are the
    start values. Code that restores all `variables` must do it in their order. `momentum` may be set at any time and is
    not among the variables.

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
        bias_correction: Whether the first batch replaces the start values of moving statistics. Defaults to `True`.
        **kwargs: Keras's own: `name`, `dtype`, `trainable`.

    Raises:
        ValueError: If an argument lies outside its range. When built, if there is no such axis. When called, if the
            mask does not fit.

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

    section = "8.7.1"

    gamma: keras.Variable
    beta: keras.Variable
    moving_mean: keras.Variable
    moving_variance: keras.Variable

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Initializer = "zeros",
        gamma_initializer: Initializer = "ones",
        moving_mean_initializer: Initializer = "zeros",
        moving_variance_initializer: Initializer = "ones",
        beta_regularizer: Regularizer = None,
        gamma_regularizer: Regularizer = None,
        beta_constraint: Constraint = None,
        gamma_constraint: Constraint = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
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
        self._batches: keras.Variable = None
        self._kept: keras.Variable = None
        self.axis = _checks.whole("axis", axis, meaning="the axis of the features", fix="Try -1.")
        self.momentum = momentum
        self.epsilon = _checks.stabilizer("epsilon", epsilon, default=1e-8)
        self.center = _checks.flag("center", center, meaning="whether there is a beta")
        self.scale = _checks.flag("scale", scale, meaning="whether there is a gamma")
        self.synchronized = _checks.flag(
            "synchronized", synchronized, meaning="whether replicas share their statistics"
        )
        self.statistics = _checks.word("statistics", statistics, STATISTICS, meaning="what inference uses")
        meaning = "whether the first batch replaces the start values"
        self.bias_correction = _checks.flag("bias_correction", bias_correction, meaning=meaning)
        self.beta_initializer = _objects.of_keras("beta_initializer", beta_initializer, "initializer")
        self.gamma_initializer = _objects.of_keras("gamma_initializer", gamma_initializer, "initializer")
        self.moving_mean_initializer = _objects.of_keras(
            "moving_mean_initializer", moving_mean_initializer, "initializer"
        )
        self.moving_variance_initializer = _objects.of_keras(
            "moving_variance_initializer", moving_variance_initializer, "initializer"
        )
        self.beta_regularizer = _objects.of_keras("beta_regularizer", beta_regularizer, "regularizer")
        self.gamma_regularizer = _objects.of_keras("gamma_regularizer", gamma_regularizer, "regularizer")
        self.beta_constraint = _objects.of_keras("beta_constraint", beta_constraint, "constraint")
        self.gamma_constraint = _objects.of_keras("gamma_constraint", gamma_constraint, "constraint")
        self.supports_masking = True

    @property
    def momentum(self) -> float:
        """Fraction of the statistics that each step keeps; may be set at any time."""
        return self._momentum

    @momentum.setter
    def momentum(self, value: float) -> None:
        self._momentum = _checks.decay_rate("momentum", value, of="the moving statistics")
        if self._kept is not None:
            self._kept.assign(self._momentum)

    @property
    def weights(self) -> list[keras.Variable]:
        """Keras's four, without the number of batches, which is in `variables`."""
        return [v for v in super().weights if v is not self._batches]

    def build(self, input_shape: Shape) -> None:
        """Create the variables."""
        rank, axis = len(input_shape), _checks.axis(self.axis, input_shape)
        shape = (input_shape[axis],)
        self._features = Features(axis, rank, self.synchronized)
        self.input_spec = keras.layers.InputSpec(ndim=rank, axes={axis: shape[0]})
        if self.scale:
            self.gamma = self.add_weight(name="gamma", shape=shape, autocast=False, **parts_of(self, "gamma"))
        if self.center:
            self.beta = self.add_weight(name="beta", shape=shape, autocast=False, **parts_of(self, "beta"))
        self.moving_mean = self._stored("moving_mean", shape)
        self.moving_variance = self._stored("moving_variance", shape)
        wide = _numerics.working_dtype(self.variable_dtype)
        self._kept = backend.scalar(self._momentum, wide)
        self._batches = self.add_weight(name="batches", shape=(), dtype=wide, initializer="zeros", **STORED)

    def _stored(self, name: str, shape: Shape) -> _Statistic:
        initializer = getattr(self, f"{name}_initializer")
        statistic = _Statistic(initializer, shape, self.variable_dtype, name=name, **STORED)
        statistic.on_set = self._statistics_were_set
        return statistic

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        _checks.axis(self.axis, input_shape)
        return input_shape

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        """Normalize with the statistics of the batch, and store them; or with those that are stored."""
        _checks.keras_3(inputs)
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
            if found.observed is not None:
                mean, variance = self.inference_statistics(x.dtype)
                found.mean = ops.where(found.observed, found.mean, mean)
                found.variance = ops.where(found.observed, found.variance, variance)
            self._store(found)
            y = normalize(x, gamma, beta, found, self.epsilon)
        else:
            mean, variance = self.inference_statistics(x.dtype)
            factor = gamma * ops.rsqrt(variance + self.epsilon)
            y = features.affine(x, factor, beta - mean * factor)
        return ops.cast(y, self.compute_dtype)

    def inference_statistics(self, dtype: str = "float32") -> tuple[Tensor, Tensor]:
        """Return mu and sigma^2 - delta as inference uses them."""
        return ops.cast(self.moving_mean, dtype), ops.cast(self.moving_variance, dtype)

    def _store(self, found: Moments) -> None:
        mean, variance, observed = found.of_all_replicas()
        old, kept = ops.cast(self._batches, mean.dtype), ops.cast(backend.as_tensor(self._kept), mean.dtype)
        number = old + 1 if self.statistics == "cumulative" else ops.minimum(kept * old + 1, 1 / (1 - kept))
        rate = 1 / number if self.statistics == "cumulative" or self.bias_correction else 1 - kept
        for variable, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            was = ops.cast(variable, mean.dtype)
            variable.keep(_numerics.where(observed, (1 - rate) * was + rate * new, was))
        with backend.start_after([mean]):
            self._batches.assign(_numerics.where(None if observed is None else ops.any(observed), number, old))

    def _start_values(self) -> list[Tensor]:
        initial = (self.moving_mean_initializer, self.moving_variance_initializer)
        return [start(self.moving_mean.shape, dtype=self.moving_mean.dtype) for start in initial]

    def _statistics_were_set(self) -> None:
        """Take statistics that come without a number of batches as Keras's, or as none at the start values."""
        stored = (self.moving_mean, self.moving_variance)
        if not all(keras_private.has_value(v) for v in stored):
            return  # the loop on JAX sets all variables, these before the number of batches
        same = [ops.all(ops.equal(v, start)) for v, start in zip(stored, self._start_values(), strict=True)]
        kept = ops.cast(backend.as_tensor(self._kept), self._batches.dtype)
        self._batches.assign(ops.where(same[0] & same[1], 0, 1 / (1 - kept)))

    def reset_statistics(self) -> None:
        """Reset the statistics to their start values, as if there had been no batch."""
        mean, variance = self._start_values()
        self.set_statistics(mean, variance, batches=0)

    def set_statistics(self, mean: Tensor, variance: Tensor, batches: float | None = None) -> None:
        """Set the statistics, as averages over so many batches; by default as many as Keras's, 1 / (1 - momentum)."""
        self.moving_mean.keep(mean)
        self.moving_variance.keep(variance)
        self._batches.assign(1 / (1 - self._momentum) if batches is None else batches)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Write the weights as Keras's layer does."""
        for place, variable in enumerate(self.weights):
            store[str(place)] = variable

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Read the weights of this layer or of Keras's."""
        if len(store.keys()) != len(self.weights):
            raise ValueError(
                f"Layer {self.name!r} has {len(self.weights)} weights: {', '.join(v.name for v in self.weights)}. "
                f"Received: a file with {len(store.keys())}. Build the layer with the file's `center` and `scale`."
            )
        for place, variable in enumerate(self.weights):
            variable.assign(store[str(place)])

    def save_assets(self, inner_path: str) -> None:
        """Write the number of batches beside the weights of a `.keras` file."""
        if self._batches is not None:
            with open(os.path.join(inner_path, FILE), "w", encoding="utf-8") as file:
                file.write(repr(float(self._batches.numpy())))

    def load_assets(self, inner_path: str) -> None:
        """Read the number of batches; a file of Keras's layer has none."""
        path = os.path.join(inner_path, FILE)
        if self._batches is not None and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self._batches.assign(float(file.read()))

    def get_config(self) -> Config:
        """Return the arguments that make this layer again."""
        names = ["axis", "momentum", "epsilon", "center", "scale", "synchronized", "statistics", "bias_correction"]
        for kind in PARTS:
            names += [f"{owner}_{kind}" for owner in ("beta", "gamma", "moving_mean", "moving_variance")]
        own = {name: getattr(self, name) for name in names if hasattr(self, name)}
        return {**super().get_config(), **keras.saving.serialize_keras_object(own)}


NORMALIZING = (keras.layers.BatchNormalization, BatchNormalization)


def trainable_normalizations(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers of batch normalization of a model, nested ones too, that are built and trainable."""
    leaves = {id(leaf): leaf for leaf in keras_private.leaves_of(model)}.values()
    return [leaf for leaf in leaves if isinstance(leaf, NORMALIZING) and leaf.trainable and leaf.built]

"""The families of distributions that `NegativeLogLikelihood` may have; labels in the shape of the outputs."""

import abc
import dataclasses
import math
from typing import Annotated, Any, final

import keras
from keras import ops

from .._describe import short
from .._registration import registered
from .._settings import Settings, positive
from .._types import Tensor
from ..integration import backend

__all__ = [
    "BernoulliLikelihood",
    "CategoricalLikelihood",
    "GaussianLikelihood",
    "HeteroscedasticGaussianLikelihood",
    "LaplaceLikelihood",
    "PoissonLikelihood",
]


def aligned(y: Tensor, eta: Tensor, entries: int = 1, dtype: str | None = None) -> tuple[Tensor, Tensor]:
    """Return labels and outputs as tensors with a last axis for the outputs, `entries` of eta for each label.

    Of two shapes such as (batch,) and (batch, 1) the shorter gets the axis that it lacks: plain broadcasting would
    compare every label with every example. The labels come in `dtype`, by default in that of the outputs.
    """
    eta = ops.convert_to_tensor(eta)
    y = ops.cast(y, dtype or eta.dtype)
    received = tuple(y.shape), tuple(eta.shape)
    if len(y.shape) == 1 or len(y.shape) == len(eta.shape) - 1:
        y = ops.expand_dims(y, -1)
    if len(eta.shape) == 1 or len(eta.shape) == len(y.shape) - 1:
        eta = ops.expand_dims(eta, -1)
    if not _fit(tuple(y.shape), tuple(eta.shape), entries):
        a_label = "one output" if entries == 1 else f"{entries} outputs"
        raise ValueError(
            f"The network must have {a_label} for each label, in the same shape but for a last axis of 1. Received: "
            f"labels of shape {received[0]} and outputs of shape {received[1]}. Change the last layer, or reshape the "
            "labels."
        )
    return y, eta


def class_numbers(y: Tensor, eta: Tensor) -> Tensor | None:
    """Return labels that are classes as int32 with a last axis of 1; None for labels with one number for each class."""
    y, eta = ops.convert_to_tensor(y), ops.convert_to_tensor(eta)
    if len(y.shape) == len(eta.shape) and y.shape[-1] != 1:
        return None
    return aligned(y, eta[..., :1], dtype="int32")[0]


def _fit(y: tuple[int | None, ...], eta: tuple[int | None, ...], entries: int) -> bool:
    """Whether the shapes may fit; a size that is not known while tracing may."""
    if len(y) != len(eta) or not y:
        return False
    wanted = (*y[:-1], None if y[-1] is None else entries * y[-1])
    return all(None in pair or pair[0] == pair[1] for pair in zip(wanted, eta, strict=True))


VARIANCE = positive(
    "the variance of each output",
    "1.0 makes it least squares; leave it to the network with `HeteroscedasticGaussianLikelihood()`.",
)
SCALE = positive(
    "the mean distance of an output from its median", "1.0 makes it the absolute error, which is least at the median."
)


@dataclasses.dataclass(frozen=True)
class Likelihood(Settings, abc.ABC):
    """Base of every family of distributions p(y | eta), where eta is what the network puts out (section 8.1.2).

    A family is a frozen dataclass whose fields are its arguments: two families with equal arguments are equal. To be
    saved with a model it is registered with Keras.

    Example:
        >>> import dataclasses
        >>> @keras.saving.register_keras_serializable(package="mine")
        ... @dataclasses.dataclass(frozen=True)
        ... class ExponentialLikelihood(keras_ch8.extend.Likelihood):
        ...     def nll(self, y, eta):
        ...         y, eta = keras_ch8.extend.aligned(y, eta)  # eta: log of the mean of y
        ...         return y * keras.ops.exp(-eta) + eta
        >>> loss = keras_ch8.losses.NegativeLogLikelihood(ExponentialLikelihood())
        >>> float(loss(np.array([[3.0]]), np.array([[0.0]])))
        3.0
        >>> keras_ch8.losses.NegativeLogLikelihood.from_config(loss.get_config()).family == loss.family
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.2.2.
    """

    @abc.abstractmethod
    def nll(self, y: Tensor, eta: Tensor) -> Tensor:
        """Return -log p of each output in nats, with the outputs along the last axis; a class counts as one output."""


def as_likelihood(value: Any) -> Likelihood:
    """Return a family as it is or, of a saved loss, made from its configuration; raise TypeError for anything else."""
    if isinstance(value, dict):
        value = keras.saving.deserialize_keras_object(value)
    if not isinstance(value, Likelihood):
        raise TypeError(
            "`family` must be a family of `keras_ch8.losses`: `BernoulliLikelihood()`, `CategoricalLikelihood()`, "
            "`GaussianLikelihood()`, `HeteroscedasticGaussianLikelihood()`, `LaplaceLikelihood()`, "
            "`PoissonLikelihood()`, or one of a class derived from `Likelihood`. "
            f"Received: family={short(value)} of type {type(value).__name__}. Call the class to get one: "
            "`GaussianLikelihood()`."
        )
    return value


@final
@registered
@dataclasses.dataclass(frozen=True)
class BernoulliLikelihood(Likelihood):
    r"""Outputs are log odds: Keras's binary cross-entropy, summed instead of averaged (sections 8.1.2 and 6.2.2.2).

    .. math::

        - \log p (y \mid \eta) = y \operatorname{softplus}(-\eta) + (1 - y) \operatorname{softplus}(\eta) \qquad p (1
          \mid \eta) = \operatorname{sigmoid}(\eta)

    Book          Here            Unit and meaning
    y             y               0 or 1; a number between is the probability of 1 in the data
    z             eta             log odds of 1, one for each output; no activation in the last layer

    Differs from `keras.losses.BinaryCrossentropy(from_logits=True)`: summed over the outputs by
    `NegativeLogLikelihood`, not averaged.

    Raises:
        ValueError: In `nll`, if the shapes of labels and outputs do not fit.

    Example:
        >>> family = keras_ch8.losses.likelihoods.BernoulliLikelihood()
        >>> nll = family.nll(y=np.array([1.0, 1.0, 0.0]), eta=np.array([0.0, 3.0, 3.0]))
        >>> [round(float(x), 4) for x in nll[:, 0]]
        [0.6931, 0.0486, 3.0486]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.2.2.2, equations 6.24 to 6.26.
    """

    section = "8.1.2"

    def nll(self, y: Tensor, eta: Tensor) -> Tensor:
        """Return -log p of each output."""
        y, eta = aligned(y, eta)
        return y * ops.softplus(-eta) + (1 - y) * ops.softplus(eta)


@final
@registered
@dataclasses.dataclass(frozen=True)
class CategoricalLikelihood(Likelihood):
    r"""Outputs are logits of classes: Keras's cross-entropy, for numbers and one-hot (sections 8.1.2 and 6.2.2.3).

    .. math::

        - \log p (y \mid \eta) = - \log \operatorname{softmax}(\eta)_y = \log(\sum_j \exp(\eta_j)) - \eta_y

    Book          Here            Unit and meaning
    y             y               class 0, 1, ... in the shape (batch,) or (batch, 1); or, in the shape
                                  (batch, classes), one-hot or the probabilities of the classes in the data
    z             eta             unnormalized log probabilities, (batch, classes); no activation in the last layer

    The loss of a number that is not a class is NaN. Axes such as time may stand between batch and classes.

    Differs from `keras.losses.CategoricalCrossentropy` and `SparseCategoricalCrossentropy` with `from_logits=True`:
    one name for both kinds of labels.

    Raises:
        ValueError: In `nll`, if the network has one output only, or the labels fit neither shape.

    Example:
        >>> eta = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
        >>> nll = keras_ch8.losses.likelihoods.CategoricalLikelihood().nll(y=np.array([2, 0]), eta=eta)
        >>> [round(float(x), 4) for x in nll[:, 0]]
        [1.0986, 0.2395]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.2.2.3, equations 6.29 and 6.30.
    """

    section = "8.1.2"

    def nll(self, y: Tensor, eta: Tensor) -> Tensor:
        """Return -log p of each class, in the shape (batch, 1)."""
        log_p = ops.log_softmax(ops.convert_to_tensor(eta), axis=-1)
        if log_p.shape[-1] == 1:
            raise ValueError(
                "`CategoricalLikelihood` needs one output for each class: the probability of a single class is always "
                f"1. Received: outputs of shape {tuple(log_p.shape)}. For two classes and one output use "
                "`BernoulliLikelihood()`."
            )
        classes = class_numbers(y, log_p)
        if classes is not None:
            return -_entry(log_p, classes)
        y, log_p = aligned(y, log_p)
        return -ops.sum(y * log_p, axis=-1, keepdims=True)


def _entry(log_p: Tensor, y: Tensor) -> Tensor:
    """Return the entry of each class; out of range a gather would take another entry, or stop, by device."""
    last = log_p.shape[-1] - 1
    known = ops.take_along_axis(log_p, ops.clip(y, 0, last), axis=-1)
    return ops.where((y >= 0) & (y <= last), known, float("nan"))


@final
@registered
@dataclasses.dataclass(frozen=True)
class GaussianLikelihood(Likelihood):
    r"""Outputs are means: Keras's squared error as -log p, with all constants (sections 8.1.2 and 6.2.2.1).

    .. math::

        - \log p (y \mid \eta) = \frac{(y - \eta)^2}{2 \cdot \text{variance}} + \frac{\log(2 \cdot \pi \cdot
          \text{variance})}{2}

    Book          Here            Unit and meaning
    y             y               any number
    y hat         eta             the mean of y, one for each output
    sigma^2       variance        in units of y^2, the same for all outputs

    Least squares is maximum likelihood of this family, whatever the variance.

    Differs from `keras.losses.MeanSquaredError`: that is 2 * variance times this, less the constant, averaged over
    the outputs; so here the loss of a model can be compared with that of another family.

    Args:
        variance: Number above 0. Defaults to `1.0`.

    Raises:
        ValueError: If `variance` is not above 0; in `nll`, if the shapes of labels and outputs do not fit.

    Example:
        >>> family = keras_ch8.losses.likelihoods.GaussianLikelihood()
        >>> nll = family.nll(y=np.array([0.0, 2.0]), eta=np.array([0.0, 0.0]))
        >>> [round(float(x), 4) for x in nll[:, 0]]
        [0.9189, 2.9189]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 5.5.1, equation 5.65.
    """

    section = "8.1.2"

    variance: Annotated[float, VARIANCE] = 1.0

    def nll(self, y: Tensor, eta: Tensor) -> Tensor:
        """Return -log p of each output."""
        y, eta = aligned(y, eta)
        return ops.square(y - eta) / (2 * self.variance) + math.log(2 * math.pi * self.variance) / 2


@final
@registered
@dataclasses.dataclass(frozen=True)
class HeteroscedasticGaussianLikelihood(Likelihood):
    r"""Each output is Gaussian, with a mean and a variance that the network outputs (sections 8.1.2 and 6.2.2.4).

    .. math::

        \mu, s &\leftarrow \eta \\
        - \log p (y \mid \eta) &= \frac{(y - \mu)^2 \exp(-s)}{2} + \frac{s + \log(2 \cdot \pi)}{2}

    Book          Here            Unit and meaning
    y             y               any number, k for each example
    y hat         mu              the first k outputs of the network: means
    - log beta    s               the last k outputs: logs of the variances (beta is the precision)

    The likelihood has no upper bound: an example that is fitted exactly draws its variance to 0. Below s = -88 the
    precision is infinite in float32.

    Differs from the book: section 6.2.2.4 makes the precision positive by a softplus, and this class by exp. Keras has
    no such loss.

    Raises:
        ValueError: In `nll`, if the network does not have twice as many outputs as there are labels.

    Example:
        >>> eta = np.array([[0.0, 0.0], [0.0, np.log(4.0)]])
        >>> nll = keras_ch8.losses.likelihoods.HeteroscedasticGaussianLikelihood().nll(y=np.array([2.0, 2.0]), eta=eta)
        >>> [round(float(x), 4) for x in nll[:, 0]]
        [2.9189, 2.1121]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.2.2.4; Nix and Weigend (1994), Estimating the
        Mean and Variance of the Target Probability Distribution.
    """

    section = "8.1.2"

    def nll(self, y: Tensor, eta: Tensor) -> Tensor:
        """Return -log p of each output."""
        y, eta = aligned(y, eta, entries=2)
        mu, s = ops.split(eta, 2, axis=-1)
        return ops.square(y - mu) * ops.exp(-s) / 2 + (s + math.log(2 * math.pi)) / 2


@final
@registered
@dataclasses.dataclass(frozen=True)
class LaplaceLikelihood(Likelihood):
    r"""Outputs are medians: Keras's absolute error as -log p, with all constants (sections 8.1.2 and 3.9.4).

    .. math::

        - \log p (y \mid \eta) = \frac{|y - \eta|}{\text{scale}} + \log(2 \cdot \text{scale})

    Book          Here            Unit and meaning
    x             y               any number
    mu            eta             the median of y, one for each output
    gamma         scale           mean of |y - eta|, in units of y, the same for all outputs

    An outlier pulls no harder than any other example.

    Differs from `keras.losses.MeanAbsoluteError`: that is `scale` times this, less the constant, averaged over the
    outputs.

    Args:
        scale: Number above 0. Defaults to `1.0`.

    Raises:
        ValueError: If `scale` is not above 0; in `nll`, if the shapes of labels and outputs do not fit.

    Example:
        >>> nll = keras_ch8.losses.likelihoods.LaplaceLikelihood().nll(y=np.array([0.0, 2.0]), eta=np.array([0.0, 0.0]))
        >>> [round(float(x), 4) for x in nll[:, 0]]
        [0.6931, 2.6931]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 3.9.4, equation 3.26.
    """

    section = "8.1.2"

    scale: Annotated[float, SCALE] = 1.0

    def nll(self, y: Tensor, eta: Tensor) -> Tensor:
        """Return -log p of each output."""
        y, eta = aligned(y, eta)
        return ops.abs(y - eta) / self.scale + math.log(2 * self.scale)


@final
@registered
@dataclasses.dataclass(frozen=True)
class PoissonLikelihood(Likelihood):
    r"""Outputs are logs of the rates of counts; Keras's Poisson takes the rates, without log(y!) (section 8.1.2).

    .. math::

        - \log p (y \mid \eta) = \exp(\eta) - y \eta + \log(y!)

    Symbol        Here            Unit and meaning
    y             y               count 0, 1, 2, ...
    log lambda    eta             log of the mean count, one for each output; no activation in the last layer

    The rate and its gradient are infinite in float32 above eta = 88.

    Differs from `keras.losses.Poisson`: that wants the rate itself, leaves log(y!) out, so that it is no likelihood,
    and averages over the outputs.

    Raises:
        ValueError: In `nll`, if the shapes of labels and outputs do not fit.

    Example:
        >>> nll = keras_ch8.losses.likelihoods.PoissonLikelihood().nll(y=np.array([0.0, 3.0]), eta=np.log([2.0, 2.0]))
        >>> [round(float(x), 4) for x in nll[:, 0]]
        [2.0, 1.7123]

    References:
        McCullagh and Nelder (1989), Generalized Linear Models, chapter 6.
    """

    section = "8.1.2"

    def nll(self, y: Tensor, eta: Tensor) -> Tensor:
        """Return -log p of each output."""
        y, eta = aligned(y, eta)
        return ops.exp(eta) - y * eta + backend.log_gamma(y + 1)


def __dir__() -> list[str]:
    return sorted(__all__)

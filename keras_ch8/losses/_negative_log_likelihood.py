"""Maximum likelihood as a Keras loss."""

from typing import final

import keras
from keras import ops

from .. import _objects
from .._registration import registered
from .._types import Config, Tensor
from .likelihoods import Likelihood, as_likelihood


@final
@registered
class NegativeLogLikelihood(keras.losses.Loss):
    """-log p of the targets, summed over outputs where Keras's losses average (sections 8.1.2 and 5.5.1).

    For each example:

        J <- - log p(y | x) = sum_j - log p(y_j | eta_j)        where eta = network(x), and j runs over the outputs

    Book          Argument        Unit and meaning
    p_model       family          distribution of an output, given what the network puts out
    y             y_true          what was observed
    -             y_pred          eta, the parameters of that distribution

    In nats. Its mean over the data is the cross-entropy of the model to the data, which is the entropy of the data
    plus the divergence KL(p_data || p_model): what exceeds the entropy is the error of the model. It is a sum over
    examples, so that a minibatch estimates its gradient without bias (equation 8.4).

    Differs from Keras's losses: it sums over the last axis, as the likelihood of independent outputs is a product;
    Keras's average. Nothing constant is left out, so that the losses of two families can be compared. Outputs and
    labels of shapes (batch, 1) and (batch,) fit.

    Args:
        family: A `BernoulliLikelihood`, `CategoricalLikelihood`, `GaussianLikelihood`, `LaplaceLikelihood`,
            `HeteroscedasticGaussianLikelihood`, `PoissonLikelihood`, or one of your own (`Likelihood`).
        reduction: How the examples' losses are reduced, as in `keras.losses.Loss`. Defaults to
            `"sum_over_batch_size"`, their mean.
        name: Name of the loss. Defaults to `"negative_log_likelihood"`.
        dtype: Type to compute in. Defaults to `keras.config.floatx()`, float32, also with mixed precision.

    Raises:
        TypeError: If `family` is not a family.
        ValueError: When called, if labels and outputs do not fit each other.

    Example:
        >>> loss = keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.likelihoods.GaussianLikelihood(variance=4.0))
        >>> y, eta = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[0.0, 1.0], [2.0, 1.0]])
        >>> round(float(loss(y, eta)), 4)  # log(2 pi 4) + mean of 0 and 2^2 / 8
        3.4742

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 5.5 (equations 5.59 to 5.63) and 8.1.2.
    """

    section = "8.1.2"

    def __init__(
        self,
        family: Likelihood,
        reduction: str | None = "sum_over_batch_size",
        name: str = "negative_log_likelihood",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(**_objects.of_loss(name, reduction, dtype))
        self.family = as_likelihood(family)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each example."""
        return ops.sum(self.family.nll(y_true, y_pred), axis=-1)

    def get_config(self) -> Config:
        """Return the arguments that make this loss again."""
        family = keras.saving.serialize_keras_object(self.family)
        return {**super().get_config(), "dtype": self.dtype, "family": family}

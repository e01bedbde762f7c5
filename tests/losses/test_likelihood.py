"""Likelihoods beside their densities in float64 NumPy, and what they are in Keras's words."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import extend, losses
from keras_ch8.losses import NegativeLogLikelihood as NLL
from tests.oracles import likelihood as oracle

RNG = np.random.default_rng(0)
REAL, COUNTS, BITS = RNG.normal(size=(6, 3)), RNG.poisson(3.0, size=(6, 3)), RNG.integers(0, 2, size=(6, 3))
ETA, ETA_AND_LOG_VARIANCE = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 6))
CLASSES = RNG.integers(0, 3, size=6)
ELEMENTWISE = {
    "bernoulli": (losses.likelihoods.BernoulliLikelihood(), BITS, ETA, oracle.bernoulli(BITS, ETA)),
    "gaussian": (losses.likelihoods.GaussianLikelihood(2.5), REAL, ETA, oracle.gaussian(REAL, ETA, 2.5)),
    "gaussian_with_variance": (losses.likelihoods.HeteroscedasticGaussianLikelihood(), REAL, ETA_AND_LOG_VARIANCE,
                               oracle.gaussian_with_variance(REAL, ETA_AND_LOG_VARIANCE)),
    "laplace": (losses.likelihoods.LaplaceLikelihood(0.7), REAL, ETA, oracle.laplace(REAL, ETA, 0.7)),
    "poisson": (losses.likelihoods.PoissonLikelihood(), COUNTS, ETA, oracle.poisson(COUNTS, ETA)),
    "categorical": (losses.likelihoods.CategoricalLikelihood(), CLASSES, ETA,
                    oracle.softmax(ETA)[np.arange(6), CLASSES][:, None]),
}  # fmt: skip
each_family = pytest.mark.parametrize("family, y, eta, density", ELEMENTWISE.values(), ids=ELEMENTWISE)


def gradient(loss, y, eta):
    eta = tf.constant(eta, "float32")
    with tf.GradientTape() as tape:
        tape.watch(eta)
        value = loss(y, eta)
    return tape.gradient(value, eta).numpy()


@each_family
def test_the_loss_of_an_example_is_minus_the_log_of_the_product_of_its_densities(family, y, eta, density):
    expected = -np.log(np.prod(density, axis=-1))
    np.testing.assert_allclose(NLL(family, reduction="none")(y, eta), expected, rtol=2e-6)
    np.testing.assert_allclose(NLL(family)(y, eta), expected.mean(), rtol=2e-6)
    weights = np.arange(6.0)
    np.testing.assert_allclose(NLL(family)(y, eta, weights), np.mean(weights * expected), rtol=2e-6)


@each_family
def test_in_float64_the_arithmetic_is_float64(family, y, eta, density, float64):
    np.testing.assert_allclose(NLL(family)(y, eta), -np.mean(np.log(density).sum(axis=-1)), rtol=1e-14)


@pytest.mark.broad(slow="all")
@each_family
def test_the_gradient_is_that_of_the_density(family, y, eta, density, float64):
    def loss(eta):
        return float(NLL(family, reduction="sum")(y, eta))

    slopes = np.array([[(loss(eta + h) - loss(eta - h)) / 2e-6 for h in row] for row in _directions(eta, 1e-6)])
    np.testing.assert_allclose(gradient(NLL(family, "sum", dtype="float32"), y, eta), slopes, rtol=1e-4, atol=1e-5)


def _directions(eta, h):
    return h * np.eye(eta.size).reshape(*eta.shape, *eta.shape)


@pytest.mark.parametrize("p", [[0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
def test_the_loss_over_the_data_is_their_entropy_plus_the_divergence_of_the_model(p, float64):
    p, eta = np.array(p), np.array([0.3, -1.2, 2.0])
    floor, kl = oracle.entropy(p), oracle.divergence(p, oracle.softmax(eta))
    every_class = NLL(losses.likelihoods.CategoricalLikelihood(), "sum")(
        np.arange(3), np.tile(eta, (3, 1)), p
    )  # weights: the data
    np.testing.assert_allclose(every_class, floor + kl, rtol=1e-14)
    np.testing.assert_allclose(
        NLL(losses.likelihoods.CategoricalLikelihood())(p[None], eta[None]), floor + kl, rtol=1e-14
    )
    np.testing.assert_allclose(
        NLL(losses.likelihoods.CategoricalLikelihood())(p[None], np.log(np.maximum(p, 1e-300))[None]), floor, rtol=1e-14
    )


def test_at_extreme_logits_loss_and_gradient_are_right_and_not_rounded_off():
    eta = np.array([1e4, -1e4, 1e4, -1e4, 0.0, 30.0])
    y = np.array([1, 0, 0, 1, 1, 1])
    np.testing.assert_allclose(
        NLL(losses.likelihoods.BernoulliLikelihood(), "none")(y, eta),
        [0, 0, 1e4, 1e4, np.log(2), np.exp(-30.0)],
        rtol=1e-6,
    )
    np.testing.assert_allclose(
        gradient(NLL(losses.likelihoods.BernoulliLikelihood(), "sum"), y, eta),
        [0, 0, 1, -1, -0.5, -np.exp(-30.0)],
        rtol=1e-6,
    )
    eta = np.array([[1e4, 0.0, -1e4]] * 3)
    np.testing.assert_allclose(
        NLL(losses.likelihoods.CategoricalLikelihood(), "none")(np.arange(3), eta), [0, 1e4, 2e4]
    )
    p_minus_one_hot = np.array([[1, 0, 0]] * 3) - np.eye(3)
    np.testing.assert_array_equal(
        gradient(NLL(losses.likelihoods.CategoricalLikelihood(), "sum"), np.arange(3), eta), p_minus_one_hot
    )


def test_they_are_the_losses_of_keras_but_for_the_mean_over_outputs_and_the_constant():
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    np.testing.assert_allclose(NLL(losses.likelihoods.BernoulliLikelihood())(BITS, ETA), 3 * bce(BITS, ETA), rtol=1e-6)
    one_hot = np.eye(3)[CLASSES]
    for y, twin in (
        (CLASSES, keras.losses.SparseCategoricalCrossentropy),
        (one_hot, keras.losses.CategoricalCrossentropy),
    ):
        np.testing.assert_allclose(
            NLL(losses.likelihoods.CategoricalLikelihood())(y, ETA), twin(from_logits=True)(y, ETA), rtol=1e-6
        )
    half_squares = 3 * keras.losses.MeanSquaredError()(REAL, ETA) / 2
    np.testing.assert_allclose(
        NLL(losses.likelihoods.GaussianLikelihood())(REAL, ETA), half_squares + 1.5 * np.log(2 * np.pi), rtol=1e-6
    )
    log_factorials = np.mean(
        np.sum(np.log([[[1, 1, 2, 6, 24, 120, 720, 5040][n] for n in r] for r in COUNTS]), axis=-1)
    )
    unnormalized = 3 * keras.losses.Poisson()(COUNTS, np.exp(ETA))
    np.testing.assert_allclose(
        NLL(losses.likelihoods.PoissonLikelihood())(COUNTS, ETA), unnormalized + log_factorials, rtol=1e-6
    )


def test_a_number_that_is_no_class_gives_nan_and_others_stay():
    got = NLL(losses.likelihoods.CategoricalLikelihood(), "none")(np.array([-1, 0, 3]), np.zeros((3, 3))).numpy()
    np.testing.assert_array_equal(np.isnan(got), [True, False, True])


@pytest.mark.parametrize("labels, outputs", [((6,), (6,)), ((6,), (6, 1)), ((6, 1), (6,)), ((6, 1), (6, 1))])
def test_labels_meet_their_own_example_and_no_other(labels, outputs):
    y, eta = REAL[:, 0].reshape(labels), ETA[:, 0].reshape(outputs)
    expected = -np.log(oracle.gaussian(REAL[:, 0], ETA[:, 0]))
    np.testing.assert_allclose(NLL(losses.likelihoods.GaussianLikelihood(), "none")(y, eta), expected, rtol=1e-6)


@pytest.mark.parametrize("labels", [(2, 5), (2, 5, 1), (2, 5, 3)])
def test_every_step_of_a_sequence_has_its_class(labels):
    classes, eta = RNG.integers(0, 3, size=(2, 5)), RNG.normal(size=(2, 5, 3))
    y = np.eye(3)[classes] if labels[-1] == 3 else classes.reshape(labels)
    expected = -np.log(np.take_along_axis(oracle.softmax(eta), classes[..., None], -1)[..., 0])
    np.testing.assert_allclose(NLL(losses.likelihoods.CategoricalLikelihood(), "none")(y, eta), expected, rtol=2e-6)


@pytest.mark.parametrize(
    "family, labels, outputs",
    [
        (losses.likelihoods.GaussianLikelihood(), (6, 3), (6, 1)),
        (losses.likelihoods.GaussianLikelihood(), (6,), (6, 3)),
        (losses.likelihoods.BernoulliLikelihood(), (6, 2, 1), (6, 1)),
        (losses.likelihoods.HeteroscedasticGaussianLikelihood(), (6, 3), (6, 3)),
        (losses.likelihoods.PoissonLikelihood(), (), ()),
        (losses.likelihoods.CategoricalLikelihood(), (6, 2), (6, 3)),
        (losses.likelihoods.CategoricalLikelihood(), (5,), (6, 3)),
    ],
    ids=str,
)
def test_shapes_that_do_not_fit_are_refused(family, labels, outputs):
    with pytest.raises(ValueError, match=r"labels of shape .* Change the last layer, or reshape the labels"):
        NLL(family)(np.zeros(labels), np.zeros(outputs))


def test_one_class_alone_is_refused_with_the_fix():
    with pytest.raises(
        ValueError, match=r"outputs of shape \(6, 1\). For two classes and one output use `BernoulliLikelihood"
    ):
        NLL(losses.likelihoods.CategoricalLikelihood())(np.zeros(6), np.zeros((6, 1)))


@pytest.mark.parametrize(
    "wrong", ["gaussian", losses.likelihoods.GaussianLikelihood, None, keras.losses.MeanSquaredError()]
)
def test_what_is_no_family_is_refused_with_their_names(wrong):
    with pytest.raises(TypeError, match=r"`PoissonLikelihood\(\)`, or .*Received: family=.*Call the class to get one"):
        NLL(wrong)


@keras.saving.register_keras_serializable(package="stranger")
@dataclasses.dataclass(frozen=True)
class GeometricLikelihood(extend.Likelihood):
    """A stranger's family: the failures before a success whose log odds the network puts out."""

    shift: float = 0.0

    def nll(self, y, eta):
        y, eta = extend.aligned(y, eta)
        return y * keras.ops.softplus(eta + self.shift) + keras.ops.softplus(-eta - self.shift)


@pytest.mark.slow
def test_a_strangers_family_is_a_loss_that_is_saved_and_loaded(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    model.compile("sgd", NLL(GeometricLikelihood(0.5)))
    model.fit(REAL, COUNTS, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.loss.family == GeometricLikelihood(0.5)
    assert again.evaluate(REAL, COUNTS, verbose=0) == pytest.approx(model.evaluate(REAL, COUNTS, verbose=0))
    p = 1 / (1 + np.exp(-model.predict(REAL, verbose=0) - 0.5))
    expected = -np.log((1 - p) ** COUNTS * p).sum(axis=1).mean()
    assert model.evaluate(REAL, COUNTS, verbose=0) == pytest.approx(expected, rel=1e-5)

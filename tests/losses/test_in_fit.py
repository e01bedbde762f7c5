"""The losses at work in Keras: compiled, saved, loaded, masked, in mixed precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import losses, schedules

RNG = np.random.default_rng(1)
X, Y = RNG.normal(size=(8, 4)).astype("float32"), RNG.integers(0, 2, size=(8, 2))
FAMILIES = [
    losses.likelihoods.BernoulliLikelihood(),
    losses.likelihoods.CategoricalLikelihood(),
    losses.likelihoods.GaussianLikelihood(2.0),
    losses.likelihoods.HeteroscedasticGaussianLikelihood(),
    losses.likelihoods.LaplaceLikelihood(0.5),
    losses.likelihoods.PoissonLikelihood(),
]
ALL = [*(losses.NegativeLogLikelihood(f) for f in FAMILIES), losses.ExponentialLoss(), losses.ModifiedHuber()]
each_loss = pytest.mark.parametrize("loss", ALL, ids=lambda loss: str(getattr(loss, "family", loss.name)))


def case(loss):
    """Return labels that suit a loss, and the number of outputs that it wants."""
    family = getattr(loss, "family", None)
    return (Y[:, 0] if family == losses.likelihoods.CategoricalLikelihood() else Y), (
        4 if family == losses.likelihoods.HeteroscedasticGaussianLikelihood() else 2
    )


def network(loss, outputs, **kwargs):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(outputs, dtype=kwargs.pop("dtype", None))])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss, **kwargs)
    return model


@pytest.mark.broad
@each_loss
@pytest.mark.parametrize("compiled_by_xla", [False, True], ids=["graph", "xla"])
def test_a_compiled_loss_and_its_gradient_are_those_of_eager_mode(loss, compiled_by_xla):
    y, outputs = case(loss)
    eta = tf.constant(RNG.normal(size=(8, outputs)), "float32")

    def both(y, eta):
        with tf.GradientTape() as tape:
            tape.watch(eta)
            value = loss(y, eta)
        return value, tape.gradient(value, eta)

    signature = [tf.TensorSpec([None, *y.shape[1:]], y.dtype), tf.TensorSpec([None, outputs])]
    compiled = tf.function(both, signature, jit_compile=compiled_by_xla)
    for got, expected in zip(compiled(y, eta), both(tf.constant(y), eta), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@each_loss
def test_a_loss_survives_its_configuration(loss):
    again = type(loss).from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (type(copy), copy.get_config()) == (type(loss), loss.get_config())
    assert getattr(copy, "family", None) == getattr(loss, "family", None)


def test_arguments_of_a_loss_are_kept():
    loss = losses.NegativeLogLikelihood(
        losses.likelihoods.LaplaceLikelihood(0.5), reduction="sum", name="j", dtype="float64"
    )
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (again.family, again.reduction, again.name, again.dtype) == (
        losses.likelihoods.LaplaceLikelihood(0.5),
        "sum",
        "j",
        "float64",
    )


def test_a_loss_and_a_schedule_of_one_name_are_registered_apart():
    for cls in (losses.ExponentialLoss, schedules.ExponentialDecay):
        assert keras.saving.get_registered_object(keras.saving.get_registered_name(cls)) is cls


@pytest.mark.slow
@pytest.mark.parametrize("loss", [ALL[3], ALL[6]], ids=["gaussian_with_variance", "exponential"])
def test_a_model_that_was_saved_goes_on_with_the_same_loss(loss, tmp_path):
    y, outputs = case(loss)
    model = network(loss, outputs)
    model.fit(X, y, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.loss.get_config() == loss.get_config()
    one, other = (m.fit(X, y, epochs=3, shuffle=False, verbose=0).history["loss"] for m in (model, loaded))
    assert one == other
    assert one[-1] < one[0]


def test_with_mixed_precision_the_loss_is_computed_in_float32():
    loss = losses.NegativeLogLikelihood(losses.likelihoods.GaussianLikelihood())
    model = network(loss, 2, dtype="mixed_float16")
    eta, far = model(X), np.full((8, 2), 1000.0)  # 1000^2 is infinite in float16
    assert eta.dtype == "float16"
    assert loss(far, eta).dtype == "float32"
    expected = np.mean(np.sum((1000 - eta.numpy().astype("float64")) ** 2 / 2, axis=-1)) + np.log(2 * np.pi)
    assert model.evaluate(X, far, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_masked_steps_do_not_count():
    loss = losses.NegativeLogLikelihood(losses.likelihoods.LaplaceLikelihood())
    steps = X[:, :, None].copy()
    steps[:, 2:] = 0
    masked = keras.Sequential([keras.Input((4, 1)), keras.layers.Masking(), keras.layers.Dense(1)])
    masked.compile(loss=loss)
    labels = RNG.normal(size=(8, 4, 1))
    got = masked.evaluate(steps, labels, verbose=0)
    assert got == pytest.approx(float(loss(labels[:, :2], np.array(masked(steps)[:, :2]))), rel=1e-5)

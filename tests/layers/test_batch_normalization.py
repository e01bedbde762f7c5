"""Equations 8.35 to 8.37 in NumPy beside the layer: values, statistics, derivatives."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8.layers import BatchNormalization

RNG = np.random.default_rng(0)
X = np.random.default_rng(0).normal(2, 3, (8, 4))
DELTA = 1e-3
SHAPES = [((8, 4), -1), ((6, 5, 4), -1), ((6, 4, 5), 1), ((3, 5, 6, 4), -1), ((3, 4, 5, 6), 1), ((2, 3, 2, 3, 2), -1)]
MODES = {"eager": None, "graph": False, "xla": True}
each_case = pytest.mark.parametrize(
    "shape, axis, jit",
    [
        pytest.param(
            shape,
            axis,
            jit,
            id=f"{shape} {axis} {name}",
            marks=[pytest.mark.slow] if number % 4 and name != "eager" else [],
        )
        for number, (shape, axis) in enumerate(SHAPES)
        for name, jit in MODES.items()
    ],
)
each_mode = pytest.mark.parametrize("jit", MODES.values(), ids=MODES)


def beside(v, axis, rank):
    shape = [1] * rank
    shape[axis] = -1
    return np.reshape(v, shape)


def batch(x, axis=-1, gamma=1.0, beta=0.0, where=None):
    """Return H', mu and the mean square (H - mu)^2, in float64."""
    x = x.astype("float64")
    axes = tuple(np.delete(np.arange(x.ndim), axis))
    where = np.ones(x.shape, bool) if where is None else np.broadcast_to(where[..., None], x.shape)
    mu = x.mean(axes, where=where)
    d = x - beside(mu, axis, x.ndim)
    variance = np.square(d).mean(axes, where=where)
    sigma = np.sqrt(DELTA + variance)
    return beside(gamma, axis, x.ndim) * d / beside(sigma, axis, x.ndim) + beside(beta, axis, x.ndim), mu, variance


def compiled(f, jit):
    return f if jit is None else tf.function(f, jit_compile=jit)


def layer_for(x, **options):
    """Return a built layer in float64 with random gamma and beta."""
    layer = BatchNormalization(dtype="float64", **options)
    layer.build(x.shape)
    for v in (layer.gamma, layer.beta):
        v.assign(RNG.normal(size=v.shape))
    return layer


@pytest.mark.broad
@each_case
def test_the_batch_is_normalized_and_its_statistics_are_kept(shape, axis, jit):
    x = RNG.normal(2, 3, shape)
    layer = layer_for(x, axis=axis, momentum=0.9)
    y = compiled(lambda x: layer(x, training=True), jit)(x)
    expected, mu, variance = batch(x, axis, layer.gamma.numpy(), layer.beta.numpy())
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.moving_mean, mu, rtol=1e-12)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-12)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-10, atol=1e-10)


def test_without_the_correction_statistics_and_inference_are_those_of_keras_for_many_steps():
    ours, theirs = BatchNormalization(bias_correction=False), keras.layers.BatchNormalization()
    for _ in range(50):
        x = RNG.normal(2, 3, (8, 4)).astype("float32")
        ours(x, training=True), theirs(x, training=True)
    for name in ("moving_mean", "moving_variance"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=3e-6)
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-6)


@pytest.mark.broad
@each_case
def test_the_gradient_is_that_of_the_plain_formula(shape, axis, jit):
    """Autodiff through operations that are not ours, in float64; with a mask too."""
    x = tf.constant(RNG.normal(2, 3, shape))
    layer = layer_for(x, axis=axis)
    gamma, beta = (tf.constant(v.numpy()) for v in (layer.gamma, layer.beta))
    axes = list(np.delete(np.arange(len(shape)), axis))
    place = [1] * len(shape)
    place[axis] = -1
    weights = tf.constant(RNG.normal(size=shape))
    for mask in (None, RNG.uniform(size=shape[:-1]) < 0.6):
        counts = np.ones(shape) if mask is None else np.broadcast_to(mask[..., None], shape).astype("float64")
        n = tf.reduce_sum(counts, axes, keepdims=True)

        def plain(x, gamma, beta, counts=counts, n=n):
            d = x - tf.reduce_sum(counts * x, axes, keepdims=True) / n
            sigma = tf.sqrt(DELTA + tf.reduce_sum(counts * d * d, axes, keepdims=True) / n)
            return tf.reshape(gamma, place) * d / sigma + tf.reshape(beta, place)

        def ours(x, gamma, beta, mask=mask):
            with keras.StatelessScope([(layer.gamma, gamma), (layer.beta, beta)]):
                return layer(x, training=True, mask=mask)

        def gradient(f):
            def of(*values):
                with tf.GradientTape() as tape:
                    tape.watch(values)
                    loss = tf.reduce_sum(tf.sin(f(*values)) * weights)
                return tape.gradient(loss, values)

            return of

        found = compiled(gradient(ours), jit)(x, gamma, beta)
        for one, other in zip(found, gradient(plain)(x, gamma, beta), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-11)


@pytest.mark.broad
@each_mode
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
def test_second_derivatives_are_those_of_finite_differences(masked, jit):
    x, v = RNG.normal(2, 3, (6, 5, 3)), RNG.normal(size=(6, 5, 3))
    mask = RNG.uniform(size=(6, 5)) < 0.6 if masked else None
    layer = layer_for(x)

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.sin(1.3 * layer(x, training=True, mask=mask)))
        return tape.gradient(loss, x)

    def product(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            along = tf.reduce_sum(gradient(x) * v)
        return tape.gradient(along, x)

    h = 1e-5
    expected = (gradient(tf.constant(x + h * v)) - gradient(tf.constant(x - h * v))) / (2 * h)
    found = compiled(product, jit)(tf.constant(x))
    assert np.linalg.norm(found - expected) < 1e-6 * np.linalg.norm(expected)


def test_a_large_mean_leaves_the_variance_exact():
    """Mean 10,000, deviation 1, float32: E[x^2] - E[x]^2 would be off by some units.

    The sum rounds the mean by a few units of its last place, 2^-10, and the variance by their square.
    """
    rounding = 4 * 2.0**-10
    x = np.random.default_rng(0).normal(1e4, 1, (256, 3)).astype("float32")
    layer = BatchNormalization(momentum=0.0)
    y = layer(x, training=True)
    expected, _, variance = batch(x)
    np.testing.assert_allclose(layer.moving_variance, variance, atol=rounding**2)
    np.testing.assert_allclose(y, expected, atol=rounding / np.sqrt(variance.min()))


@pytest.mark.broad(slow=5)
@pytest.mark.parametrize("jit", [None, True], ids=["eager", "xla"])
@pytest.mark.parametrize(
    "x", [np.full((1, 3), 7.0), np.full((5, 3), -2.0), np.full((5, 3), 1e30)], ids=["one", "constant", "huge"]
)
def test_what_does_not_vary_comes_out_as_beta_with_no_gradient(x, jit):
    layer = BatchNormalization(beta_initializer=keras.initializers.Constant(0.5))
    x = tf.constant(x, "float32")

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            loss = tf.reduce_sum(y * tf.constant([1.0, -2.0, 3.0]))
        return y, tape.gradient(loss, x)

    y, g = compiled(run, jit)(x)
    np.testing.assert_allclose(y, np.full(x.shape, 0.5), rtol=1e-6)
    np.testing.assert_allclose(g, np.zeros(x.shape), atol=1e-4)


@pytest.mark.parametrize("shape", [[None, 3, 4], [None, None, 4], [None, 4]])
def test_inputs_of_unknown_size_are_normalized_in_inference_too(shape):
    layer, x = BatchNormalization(dtype="float64"), RNG.normal(size=[5, 3, 4][-len(shape) :])
    layer(x, training=True)
    run = tf.function(lambda x: layer(x), [tf.TensorSpec(shape, "float64")])
    np.testing.assert_allclose(run(x), batch(x)[0], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_computes_in_float32(policy):
    """Squares of 1000 overflow in float16, and 1000 + 1 is 1000 in bfloat16."""
    x = RNG.normal(200, 300, (64, 3)).astype("float16")
    layer = BatchNormalization(dtype=policy, momentum=0.0)
    y = layer(x, training=True)
    given = keras.ops.convert_to_numpy(keras.ops.cast(keras.ops.cast(x, layer.compute_dtype), "float32"))
    expected, mu, variance = batch(given)
    assert y.dtype == layer.compute_dtype
    assert layer.moving_mean.dtype == "float32"
    np.testing.assert_allclose(layer.moving_mean, mu, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-5)
    np.testing.assert_allclose(keras.ops.cast(y, "float32"), expected, atol=2**-7)


def test_there_may_be_no_gamma_and_no_beta():
    for options in ({"scale": False}, {"center": False}, {"scale": False, "center": False}):
        layer = BatchNormalization(**options)
        np.testing.assert_allclose(layer(X.astype("float32"), training=True), batch(X)[0], atol=1e-5)
        assert len(layer.trainable_weights) == 2 - len(options)
        assert len(layer.get_weights()) == 4 - len(options)


def test_renorm_is_refused_with_who_has_it():
    with pytest.raises(ValueError, match=r"has no `renorm`.*Keras's `keras.layers.BatchNormalization` has it"):
        BatchNormalization(renorm=True)


@pytest.mark.parametrize("axis, shape", [(2, (None, 4)), (-3, (None, 4)), (0, (None, 4))])
def test_an_axis_that_is_not_there_is_refused(axis, shape):
    with pytest.raises(ValueError, match=r"`axis` says which axis .* Use -1 for channels last"):
        BatchNormalization(axis=axis).build(shape)


def test_a_mask_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"has one axis less than the inputs.*\(8, 4\) for inputs of shape \(8, 4\)"):
        BatchNormalization()(X, training=True, mask=np.ones((8, 4)))

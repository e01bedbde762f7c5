"""Each layer's sums have mean square 1 after scaling, only matrices have changed, and what cannot be is refused."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import initializers, optimizers, training

pytestmark = pytest.mark.usefixtures("op_by_op")
RNG = np.random.default_rng(0)
FLAT, FRESH = (RNG.normal(size=(1000, 20)).astype("float32") * 3 + 1 for _ in range(2))
PICTURES, FRESH_PICTURES = (RNG.normal(size=(100, 8, 8, 3)).astype("float32") for _ in range(2))
STARTS = {
    "tiny": lambda: keras.initializers.RandomNormal(stddev=1e-3),
    "huge": lambda: keras.initializers.RandomNormal(stddev=5.0),
    "heuristic": initializers.Heuristic,
    "orthogonal": initializers.Orthogonal,
    "sparse": lambda: initializers.Sparse(5),
}


def mlp(activation, start, depth=8):
    """Return a network and its layers with weights; nonlinearities are inside them."""
    hidden = [layers.Dense(100, activation, kernel_initializer=start()) for _ in range(depth)]
    return keras.Sequential([keras.Input((20,)), *hidden, layers.Dense(10, kernel_initializer=start())])


def sums_of(model, x, phi):
    """Return what each layer of an `mlp` sums up, in float64 NumPy."""
    weights, found, h = [w.astype("float64") for w in model.get_weights()], [], x.astype("float64")
    for w, b in zip(weights[::2], weights[1::2], strict=True):
        found.append(h @ w + b)
        h = phi(found[-1])
    return found


def residual():
    """Return a network with normalization, connections that skip layers, and sums that are outputs of layers."""
    inputs = keras.Input((8, 8, 3))
    h = layers.Conv2D(16, 3, padding="same", name="a")(inputs)
    summing = ["a"]
    for i in range(2):
        skipped, h = h, layers.Activation("relu")(layers.BatchNormalization()(h))
        h = layers.Conv2D(16, 3, padding="same", kernel_initializer="he_normal", name=f"b{i}")(h)
        h = layers.DepthwiseConv2D(3, padding="same", name=f"c{i}")(layers.Activation("relu")(h))
        h = layers.Add()([h, skipped])
        summing += [f"b{i}", f"c{i}"]
    h = layers.SeparableConv2D(8, 3, name="d")(h)
    h = layers.Conv2DTranspose(8, 3, strides=2, name="e")(layers.Activation("tanh")(h))
    h = layers.GlobalAveragePooling2D()(h)
    model = keras.Model(inputs, layers.Dense(4, name="f")(h))
    return model, [*summing, "d", "e", "f"]


def outputs_of(model, names, x):
    inside = keras.Model(model.inputs, [model.get_layer(name).output for name in names])
    return [output.numpy() for output in inside([x], training=True)]


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "start",
    [
        pytest.param(s, id=name, marks=[] if name in ("huge", "sparse") else pytest.mark.slow)
        for name, s in STARTS.items()
    ],
)
@pytest.mark.parametrize("activation, phi", [("tanh", np.tanh), ("relu", lambda z: np.maximum(z, 0))])
def test_the_mean_square_of_every_layer_is_1(in_graphs, activation, phi, start):
    model = mlp(activation, start)
    before = [np.mean(z**2) for z in sums_of(model, FLAT, phi)]
    scaling = training.scale_to_data(model, FLAT)
    after = [np.mean(z**2) for z in sums_of(model, FLAT, phi)]
    np.testing.assert_allclose(after, 1, rtol=0.1)
    np.testing.assert_allclose([np.mean(z**2) for z in sums_of(model, FRESH, phi)], 1, rtol=0.25)
    np.testing.assert_allclose(scaling.before[:5], before[:5], rtol=1e-3)  # with huge weights, tanh is chaotic
    np.testing.assert_allclose(scaling.after, after, rtol=1e-3)
    assert scaling.notes == ("",) * 9


@pytest.mark.slow
def test_so_it_is_with_convolutions_normalization_and_skips():
    model, names = residual()
    scaling = training.scale_to_data(model, PICTURES)
    assert scaling.names == tuple(names)  # in the order of the calls
    for x, tolerance in ((PICTURES, 0.1), (FRESH_PICTURES, 0.25)):
        squares = [np.mean(z**2) for z in outputs_of(model, names, x)]
        np.testing.assert_allclose(squares, 1, rtol=tolerance)


@pytest.mark.slow
def test_nothing_but_matrices_changes_and_they_by_their_factor():
    model, _ = residual()
    model.compile(optimizers.Adam(), "mse")
    before = {v.path: v.numpy() for v in model.variables + model.optimizer.variables}
    scaling = training.scale_to_data(model, PICTURES)
    factors = dict(zip(scaling.names, scaling.factors, strict=True))
    for v in model.variables + model.optimizer.variables:
        name = v.path.split("/")[0]
        factor = factors[name] if name in factors and "kernel" in v.path else 1.0
        np.testing.assert_allclose(v.numpy(), before[v.path] * np.float32(factor), rtol=1e-6)
    assert not any("call" in vars(layer) for layer in model.layers)


def test_before_a_normalization_it_changes_the_size_of_weights_only():
    keras.utils.set_random_seed(0)
    hidden = layers.Dense(30, use_bias=False, kernel_initializer="he_normal")
    model = keras.Sequential([keras.Input((20,)), hidden, layers.BatchNormalization(epsilon=1e-7)])
    kernel = hidden.kernel.numpy()
    training.scale_to_data(model, FLAT)
    assert not np.allclose(hidden.kernel.numpy(), kernel)
    scaled = model(FLAT, training=True).numpy()
    hidden.kernel.assign(kernel)
    np.testing.assert_allclose(scaled, model(FLAT, training=True).numpy(), atol=1e-5)


@pytest.mark.slow
def test_layers_of_every_kind_are_scaled():
    tokens = keras.Input((12,), dtype="int32")
    h = layers.Embedding(30, 8, name="embedding")(tokens)
    h = layers.MultiHeadAttention(2, 4)(h, h)
    h = layers.Bidirectional(layers.LSTM(5, return_sequences=True, name="lstm"))(h)
    h = layers.GRU(6, return_sequences=True, name="gru")(h)
    h = layers.Dropout(0.2)(layers.LayerNormalization()(h))
    h = layers.SimpleRNN(4, name="rnn")(h)
    model = keras.Model(tokens, layers.Dense(1, layers.LeakyReLU(), name="out")(h))
    x = RNG.integers(0, 30, (200, 12))
    scaling = training.scale_to_data(model, x)
    assert scaling.names == ("embedding", "query", "key", "value", "attention_output", "forward_lstm", "backward_lstm",
                             "gru", "rnn", "out")  # fmt: skip
    np.testing.assert_allclose(scaling.after, 1, rtol=0.1)
    found = outputs_of(model, ["embedding"], x)[0]
    assert np.mean(found**2) == pytest.approx(1, rel=0.1)


def test_of_a_recurrent_layer_the_kernel_of_the_input_is_scaled():
    layer = layers.LSTM(7)
    model = keras.Sequential([keras.Input((9, 4)), layer])
    kernel, *others = model.get_weights()
    x = RNG.normal(size=(50, 9, 4)).astype("float32")
    scaling = training.scale_to_data(model, x)
    assert scaling.before[0] == pytest.approx(np.mean((x @ kernel) ** 2), rel=1e-4)
    np.testing.assert_allclose(model.get_weights()[0], kernel / np.sqrt(np.mean((x @ kernel) ** 2)), rtol=1e-4)
    for a, b in zip(model.get_weights()[1:], others, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_layer_that_is_called_twice_is_scaled_to_what_it_is_given_first():
    shared, inputs = layers.Dense(20, "tanh"), keras.Input((20,))
    model = keras.Model(inputs, shared(shared(inputs)))
    scaling = training.scale_to_data(model, FLAT)
    assert len(scaling.names) == 1
    assert np.mean((FLAT @ shared.kernel.numpy()) ** 2) == pytest.approx(1, rel=1e-3)


def test_frozen_layers_are_left():
    frozen = layers.Dense(20, trainable=False)
    model = keras.Sequential([keras.Input((20,)), frozen, layers.Dense(5, name="free")])
    kernel = frozen.kernel.numpy()
    assert training.scale_to_data(model, FLAT).names == ("free",)
    np.testing.assert_array_equal(frozen.kernel.numpy(), kernel)


def test_what_cannot_be_scaled_is_left_with_the_reason():
    model = keras.Sequential([
        keras.Input((20,)),
        layers.SpectralNormalization(layers.Dense(30, name="spectral")),
        layers.Dense(6, kernel_initializer="zeros", name="zero"),
    ])  # fmt: skip
    before = model.get_weights()
    scaling = training.scale_to_data(model, FLAT)
    notes = dict(zip(scaling.names, scaling.notes, strict=True))
    assert notes["zero"] == "unchanged: its pre-activations are all equal"
    assert "zero" in str(scaling)
    assert "all equal" in str(scaling)
    np.testing.assert_array_equal(model.layers[1].kernel.numpy(), before[-2])


class RowByRow(keras.layers.Layer):
    """Calls a layer inside a loop of a graph."""

    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(20, name="inner")

    def build(self, input_shape):
        self.inner.build(input_shape)

    def call(self, x):
        return keras.ops.vectorized_map(lambda row: self.inner(row[None])[0], x)


def test_what_is_called_in_a_loop_of_the_graph_cannot_be_seen_and_the_rest_is_scaled(in_graphs):
    model = keras.Sequential([keras.Input((20,)), RowByRow(), layers.Dense(10, name="last")])
    scaling = training.scale_to_data(model, FLAT)
    assert scaling.names == ("inner", "last")
    assert scaling.notes == ("unchanged: its pre-activations cannot be measured", "")
    assert np.isnan(scaling.after[0])
    assert scaling.after[1] == pytest.approx(1, rel=1e-3)


def test_in_mixed_precision_the_weights_keep_their_own():
    hidden = [layers.Dense(64, "relu", dtype="mixed_bfloat16") for _ in range(3)]
    model = keras.Sequential([keras.Input((20,)), *hidden])
    kernels = model.get_weights()[::2]
    scaling = training.scale_to_data(model, FLAT)
    np.testing.assert_allclose(scaling.after, 1, rtol=0.1)
    for kernel, new, factor in zip(kernels, model.get_weights()[::2], scaling.factors, strict=True):
        np.testing.assert_allclose(new, kernel * factor, rtol=1e-6)


class Breaks(keras.layers.Layer):
    broken = False

    def call(self, inputs):
        if self.broken:
            raise ValueError("broken in the middle")
        return inputs


def test_a_failure_leaves_everything_as_it_was():
    breaks = Breaks()
    model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(8, "relu"), breaks, keras.layers.Dense(3)])
    before = model.get_weights()
    breaks.broken = True
    with pytest.raises(ValueError, match="broken in the middle"):
        training.scale_to_data(model, FLAT)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not any("call" in vars(layer) for layer in model.layers)


def test_inputs_that_the_model_does_not_take_are_refused():
    with pytest.raises(ValueError, match=r"so its shape must be \(None, 20\). Received: x of shape"):
        training.scale_to_data(mlp("relu", STARTS["heuristic"], depth=2), FLAT[:, :7])


def trained():
    model = mlp("relu", STARTS["heuristic"], depth=1)
    model.compile(optimizers.SGD(1e-3), "mse")
    model.fit(FLAT, np.zeros((1000, 10)), epochs=1, batch_size=500, verbose=0)
    return model


def moved():
    model, _ = residual()
    model(PICTURES, training=True)
    return model


@pytest.mark.parametrize(
    "make, said",
    [(trained, "trained for 2 steps.*clone_model"), (moved, "moving statistics have moved.*clone_model")],
)
def test_what_cannot_be_is_refused_with_the_fix(in_graphs, make, said):
    with pytest.raises(ValueError, match=said):
        training.scale_to_data(make(), FLAT)


def test_a_model_that_is_not_built_is_built_by_its_first_example_and_scaled_like_any():
    def scaled(*first):
        keras.utils.set_random_seed(3)
        model = keras.Sequential([*first, layers.Dense(16, "relu"), layers.Dense(4)])
        return training.scale_to_data(model, FLAT), model.get_weights()

    (one, weights), (other, expected) = scaled(), scaled(keras.Input(FLAT.shape[1:]))
    np.testing.assert_array_equal(one.factors, other.factors)
    for a, b in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(a, b)


# --- the loss ------------------------------------------------------------------------------------------------------

LABELS = (FLAT[:, :1] > 1).astype("float32")


def sigmoids(start="glorot_uniform"):
    """Return ten layers of sigmoids and one unit: its input hardly varies, and is not small."""
    keras.utils.set_random_seed(1)
    hidden = [layers.Dense(16, "sigmoid", kernel_initializer=start) for _ in range(10)]
    model = keras.Sequential([keras.Input((20,)), *hidden, layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    return model, model.evaluate(FLAT, LABELS, verbose=0)


@pytest.mark.slow
def test_ten_layers_of_sigmoids_keep_the_loss_of_a_constant_prediction(in_graphs):
    model, _ = sigmoids()
    training.scale_to_data(model, FLAT)
    assert model.evaluate(FLAT, LABELS, verbose=0) < 1.5 * np.log(2)


@pytest.mark.slow
def test_with_targets_the_loss_does_not_rise_since_the_last_layer_is_made_smaller(in_graphs):
    model, before = sigmoids()
    scaling = training.scale_to_data(model, FLAT, LABELS)
    after = model.evaluate(FLAT, LABELS, verbose=0)
    assert after <= 1.01 * before
    assert (scaling.loss_before, scaling.loss_after) == pytest.approx((before, after), rel=1e-4)
    assert scaling.notes[:-1] == ("",) * 10
    assert scaling.notes[-1].startswith("smaller: else the loss would rise from")
    assert f"The loss went from {before:.3g} to {after:.3g}." in str(scaling)


@pytest.mark.slow
def test_where_no_last_layer_helps_all_weights_are_put_back():
    keras.utils.set_random_seed(0)
    tiny = keras.initializers.RandomNormal(stddev=1e-3)
    inputs = keras.Input((20,))
    wide = layers.Dense(4, kernel_initializer=tiny)(inputs)  # an output itself, whose targets are 0
    model = keras.Model(inputs, [wide, layers.Dense(1)(wide)])
    model.compile("sgd", ["mse", "mse"])
    before = model.get_weights()
    scaling = training.scale_to_data(model, FLAT, y=[np.zeros((1000, 4)), np.zeros((1000, 1))])
    assert all(note.startswith("restored: else the loss would rise from") for note in scaling.notes)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert scaling.loss_after == scaling.loss_before


@pytest.mark.slow
def test_a_vanishing_start_is_scaled_without_a_rise_of_the_loss(in_graphs):
    tiny = keras.initializers.RandomNormal(stddev=0.01, seed=0)
    hidden = [layers.Dense(32, "tanh", kernel_initializer=tiny) for _ in range(5)]
    model = keras.Sequential([keras.Input((20,)), *hidden, layers.Dense(1, kernel_initializer=tiny)])
    model.compile("sgd", "mse")
    scaling = training.scale_to_data(model, FLAT, y=LABELS)
    assert model.evaluate(FLAT, LABELS, verbose=0) <= 1.01 * scaling.loss_before
    np.testing.assert_allclose(scaling.after[:-1], 1, rtol=0.1)
    assert 0 < scaling.after[-1] < 0.5


def test_targets_need_a_compiled_loss():
    with pytest.raises(ValueError, match="loss"):
        training.scale_to_data(mlp("relu", STARTS["heuristic"], 1), FLAT, y=np.zeros((1000, 10)))


def test_a_loss_that_is_not_finite_at_the_start_becomes_finite_or_the_weights_stay(in_graphs):
    huge = keras.initializers.RandomNormal(stddev=20.0, seed=0)
    hidden = [layers.Dense(8, "exponential", kernel_initializer=huge) for _ in range(2)]
    model = keras.Sequential([keras.Input((20,)), *hidden, layers.Dense(1)])
    model.compile("sgd", "mse")
    scaling = training.scale_to_data(model, FLAT, y=LABELS)
    assert not np.isfinite(scaling.loss_before)
    assert "The loss went from NaN or infinity to" in str(scaling)
    assert np.isfinite(scaling.loss_after) == np.isfinite(model.evaluate(FLAT, LABELS, verbose=0))

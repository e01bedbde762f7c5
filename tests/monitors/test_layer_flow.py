"""Signals, gradients and idle units beside forward and backward passes written out in NumPy."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import monitors
from keras_ch8.monitors.flow import LayerFlowMonitor
from keras_ch8.monitors.probe import ProbeEvaluator
from tests.monitors.reference import moved, weights_of

RNG = np.random.default_rng(6)
X, Y = RNG.normal(size=(12, 6)), RNG.normal(size=(12, 2))
CLOSE = {"rtol": 1e-5}  # the numbers of the layers are float32


def rms(a):
    return np.sqrt(np.mean(np.square(a)))


def compiled(model, loss="mse"):
    model.compile(loss=loss)
    for v in model.trainable_variables:
        v.assign(RNG.normal(size=v.shape) * 0.7)
    return model


def of_examples(slope):
    """Return the root mean square norm of the gradients of the examples' own losses; `slope` is that of their mean."""
    return np.sqrt(np.mean(np.sum(np.square(len(slope) * slope).reshape(len(slope), -1), axis=1)))


def mlp():
    """Return a network with weights set by hand, and what a pass through it gives layer by layer, and gets back."""
    parts = [layers.Dense(8, "relu", name="a"), layers.Dense(5, name="b"), layers.Activation("tanh", name="t"),
             layers.Dense(4, "sigmoid", name="c"), layers.ReLU(name="r"), layers.Dense(2, name="out")]  # fmt: skip
    model = compiled(keras.Sequential([keras.Input((6,)), *parts]))
    a, a0, b, b0, c, c0, w, w0 = weights = weights_of(model)
    h1 = np.maximum(X @ a + a0, 0)
    h2 = h1 @ b + b0
    t = np.tanh(h2)
    s = 1 / (1 + np.exp(-(t @ c + c0)))
    out = s @ w + w0
    d_out = 2 * (out - Y) / out.size
    d_s = d_out @ w.T  # the ReLU after a sigmoid changes nothing
    d_t = (d_s * s * (1 - s)) @ c.T
    d_h2 = d_t * (1 - t**2)
    d_h1 = d_h2 @ b.T
    signals, slopes = (h1, h2, t, s, s, out), (d_h1, d_h2, d_t, d_s, d_s, d_out)
    return model, weights, signals, slopes


@pytest.mark.slow
def test_every_layer_is_what_numpy_finds(float64, in_graphs):
    model, weights, signals, slopes = mlp()
    before, _ = moved(model, 0.3)
    flow = monitors.layer_flow(model, X, Y, before)
    assert flow.names == ("a", "b", "t", "c", "r", "out")
    assert flow.weighted == (True, True, False, True, False, True)
    assert flow.is_output == (False,) * 5 + (True,)
    assert flow.hidden.tolist() == [0, 1, 3]
    np.testing.assert_allclose(flow.signal, [rms(s) for s in signals], **CLOSE)
    np.testing.assert_allclose(flow.gradient, [of_examples(s) for s in slopes], **CLOSE)
    kernels = [np.linalg.norm(a - b) / np.linalg.norm(a) for a, b in zip(weights, before, strict=True)][::2]
    np.testing.assert_allclose(flow.relative_update[[0, 1, 3, 5]], kernels, **CLOSE)
    assert np.isnan(flow.relative_update[[2, 4]]).all()
    assert flow.total == pytest.approx(of_examples(slopes[0]) / of_examples(slopes[3]), rel=1e-5)
    # Of three points the line that fits best has the slope between the outer ones.
    ends = np.array([of_examples(slopes[0]) / of_examples(slopes[3])])
    np.testing.assert_allclose([flow.backward_factor], np.sqrt(ends), **CLOSE)
    spread = X.std(axis=0)
    assert flow.input_signal == pytest.approx(rms(X), rel=1e-5)
    assert flow.input_spread == pytest.approx(spread.max() / spread.min(), rel=1e-5)


@pytest.mark.slow
def test_in_parts_it_is_the_same(float64):
    model, *_ = mlp()
    whole = monitors.layer_flow(model, X, Y)
    parts = ProbeEvaluator(model, X, Y, monitors=[LayerFlowMonitor()], parts=3).evaluate()["layer_flow"]
    for quantity in ("signal", "gradient", "dead", "saturated"):
        np.testing.assert_allclose(getattr(parts, quantity), getattr(whole, quantity), rtol=1e-6)
    assert np.isnan(whole.relative_update).all()  # there was no update


def test_idle_units_are_those_that_one_counts(float64):
    model, *_ = mlp()
    bias = model.layers[0].bias
    bias.assign(np.where(np.arange(8) < 3, -100.0, bias.numpy()))  # three units are dead
    kernel = model.layers[1].kernel
    kernel.assign(kernel.numpy() * 5)
    h1 = np.maximum(X @ model.layers[0].kernel.numpy() + bias.numpy(), 0)
    t = np.tanh(h1 @ kernel.numpy() + model.layers[1].bias.numpy())
    s = model.layers[3](t).numpy()
    flow = monitors.layer_flow(model, X, Y)
    dead = np.mean(~(h1 > 0).any(axis=0))
    assert dead >= 3 / 8
    flat_tanh, flat_sigmoid = np.mean(1 - t**2 < 0.05), np.mean(4 * s * (1 - s) < 0.05)
    assert 0 < flat_tanh < 1
    np.testing.assert_allclose(flow.dead, [dead, np.nan, np.nan, np.nan, 0, np.nan], **CLOSE)
    np.testing.assert_allclose(flow.saturated, [np.nan, np.nan, flat_tanh, flat_sigmoid, np.nan, np.nan], **CLOSE)
    assert flow.fraction_dead == pytest.approx(8 * dead / 12)  # of 8 units and 4
    assert flow.fraction_saturated == pytest.approx((5 * flat_tanh + 4 * flat_sigmoid) / 9)


def test_the_output_is_not_judged():
    """A sigmoid that is sure of its class is no unit on its flat end, a ReLU that gives 0 no dead one."""
    for activation in ("sigmoid", "relu"):
        model = compiled(
            keras.Sequential([keras.Input((6,)), layers.Dense(4), layers.Dense(1), layers.Activation(activation)])
        )
        model.layers[1].bias.assign([-100.0])
        flow = monitors.layer_flow(model, X, Y[:, :1])
        assert np.isnan(flow.fraction_dead)
        assert np.isnan(flow.fraction_saturated)
        assert flow.hidden.tolist() == [0]


def test_a_skip_a_shared_layer_and_a_model_inside_a_model(float64):
    """h1 = tanh(x A); h2 = tanh(h1 B); h3 = tanh((h2 + h1) B), B twice; out = h3 C."""
    shared, inner_in = layers.Dense(5, use_bias=False, name="b"), keras.Input((5,))
    inner = keras.Model(inner_in, layers.Activation("tanh", name="t")(shared(inner_in)))
    x = keras.Input((6,))
    h1 = layers.Dense(5, "tanh", use_bias=False, name="a")(x)
    h2 = inner(h1)
    h3 = inner(layers.Add()([h2, h1]))
    model = compiled(keras.Model(x, layers.Dense(2, use_bias=False, name="out")(h3)))
    by_name = {v.path.split("/")[-2]: v.numpy() for v in model.trainable_variables}
    a, b, c = (by_name[name] for name in ("a", "b", "out"))
    h1 = np.tanh(X @ a)
    z2 = h1 @ b
    h2 = np.tanh(z2)
    z3 = (h2 + h1) @ b
    h3 = np.tanh(z3)
    out = h3 @ c
    d_out = 2 * (out - Y) / out.size
    d_h3 = d_out @ c.T
    d_z3 = d_h3 * (1 - h3**2)
    d_h2 = d_z3 @ b.T
    d_z2 = d_h2 * (1 - h2**2)
    d_h1 = d_h2 + d_z2 @ b.T
    flow = monitors.layer_flow(model, X, Y)
    assert flow.names == ("a", "b", "t", "b", "t", "out")
    np.testing.assert_allclose(flow.signal, [rms(s) for s in (h1, z2, h2, z3, h3, out)], **CLOSE)
    np.testing.assert_allclose(flow.gradient, [of_examples(s) for s in (d_h1, d_z2, d_h2, d_z3, d_h3, d_out)], **CLOSE)


@pytest.mark.slow
def test_a_layer_that_two_models_hold_is_met_once_a_call():
    dense, x = layers.Dense(6, "relu", name="shared"), keras.Input((6,))
    inner = keras.Sequential([keras.Input((6,)), dense])
    model = compiled(keras.Model(x, layers.Dense(2)(dense(inner(x)))))
    assert monitors.layer_flow(model, X, Y).names[:2] == ("shared", "shared")
    assert len(monitors.layer_flow(model, X, Y).names) == 3
    assert "call" not in vars(dense)


def test_all_outputs_are_outputs(float64):
    x = keras.Input((6,))
    hidden = layers.Dense(4, "tanh", name="h")(x)
    outputs = {name: layers.Dense(1, "sigmoid", name=name)(hidden) for name in "cd"}
    model = compiled(keras.Model(x, outputs), {"c": "mse", "d": "mse"})
    flow = monitors.layer_flow(model, X, {"c": Y[:, :1], "d": Y[:, 1:]})
    assert dict(zip(flow.names, flow.is_output, strict=True)) == {"h": False, "c": True, "d": True}
    assert flow.fraction_saturated == pytest.approx(flow.saturated[0])


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem = layers.Dense(4, "relu")
        self.blocks = [layers.Dense(4, "relu") for _ in range(2)]
        self.head = layers.Dense(2)

    def call(self, x, training=False):
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


def test_a_subclassed_model(float64):
    model = Own()
    model(X)
    compiled(model)
    flow = monitors.layer_flow(model, X, Y)
    assert flow.is_output == (False, False, False, True)
    h = model.stem(X)
    signals = [rms(h)]
    for block in model.blocks:
        given = block(h)
        signals.append(rms(given))
        h = h + given
    np.testing.assert_allclose(flow.signal, [*signals, rms(model.head(h))], **CLOSE)


@pytest.mark.slow
def test_convolutions_embeddings_and_recurrent_layers():
    image = compiled(keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(3, 3, activation="relu", name="conv"),
                                       layers.MaxPooling2D(), layers.Flatten(), layers.Dense(2)]))  # fmt: skip
    x = RNG.normal(size=(6, 6, 6, 2))
    flow = monitors.layer_flow(image, x, Y[:6])
    given = image.layers[0](x).numpy()
    assert flow.signal[0] == pytest.approx(rms(given), rel=1e-5)
    assert flow.dead[0] == pytest.approx(np.mean(~(given > 0).any(axis=(0, 1, 2))))
    parts = layers.Embedding(7, 3), layers.LSTM(4, name="lstm"), layers.Dense(2)
    text = compiled(keras.Sequential([keras.Input((5,), dtype="int32"), *parts]))
    words = RNG.integers(0, 7, (12, 5))
    flow = monitors.layer_flow(text, words, Y)
    assert flow.names[0] == "lstm"
    assert flow.signal[0] == pytest.approx(rms(text.layers[1](text.layers[0](words))), rel=1e-5)


class ChannelsFirst(layers.Conv2D):
    """A convolution of images with their channels first on any CPU: not every one can do what Keras asks of it."""

    def convolution_op(self, inputs, kernel):
        convolved = keras.ops.conv(keras.ops.moveaxis(inputs, 1, -1), kernel, data_format="channels_last")
        return keras.ops.moveaxis(convolved, -1, 1)


def test_images_with_their_channels_first_are_seen_as_those_with_the_channels_last():
    x, y = RNG.normal(size=(12, 6, 6, 2)) * [1, 5], RNG.normal(size=(12, 2))
    flows = {}
    kinds = {"channels_last": (layers.Conv2D, x), "channels_first": (ChannelsFirst, np.moveaxis(x, -1, 1))}
    for layout, (kind, given) in kinds.items():
        convolution = kind(5, 3, activation="relu", data_format=layout, kernel_initializer="ones")
        parts = [convolution, layers.GlobalAveragePooling2D(data_format=layout), layers.Dense(2)]
        model = keras.Sequential([keras.Input(given.shape[1:]), *parts])
        model.compile(loss="mse")
        convolution.bias.assign([0, 0, -1000, 0, -1000])
        flows[layout] = monitors.layer_flow(model, given, y)
    last, first = flows.values()
    assert first.units == last.units == (5, 2)
    assert first.dead[0] == last.dead[0] == pytest.approx(2 / 5)
    assert first.input_spread == pytest.approx(last.input_spread)
    assert last.input_spread > 4


@pytest.mark.slow
@pytest.mark.parametrize("policy, rounding", [("mixed_bfloat16", 2**-8), ("mixed_float16", 2**-11)])
def test_mixed_precision_comes_near_float32(policy, rounding):
    """Ten roundings are let go."""
    flows = []
    for dtype in ("float32", policy):
        keras.utils.set_random_seed(2)
        hidden = [layers.Dense(16, "tanh", dtype=dtype) for _ in range(3)]
        model = keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(2, dtype=dtype)])
        model.compile(loss="mse")
        flows.append(monitors.layer_flow(model, X, Y, moved(model, 0.1)[0]))
    for quantity in ("signal", "gradient", "relative_update"):
        exact, mixed = (getattr(flow, quantity) for flow in flows)
        np.testing.assert_allclose(mixed, exact, rtol=10 * rounding, err_msg=quantity)


class Looked(layers.Layer):
    """A layer with a matrix whose input is a list of two tensors, or rows of the matrix by their numbers."""

    def build(self, shape):
        self.w = self.add_weight(shape=(4, 2), name="w")

    def call(self, x):
        return keras.ops.take(self.w, x[:, 0], axis=0) if not isinstance(x, list) else x[0] @ self.w + x[1]


def test_a_model_without_such_layers_is_refused():
    model = keras.Sequential([keras.Input((6,)), layers.BatchNormalization()], name="bare")
    model.compile(loss="mse")
    with pytest.raises(ValueError, match=r"Received: the model 'bare', which has none\. Pass a model with such layers"):
        monitors.layer_flow(model, X, X)


def test_a_layer_whose_input_is_no_tensor_is_left_out_and_one_of_whole_numbers_is_not():
    rows, values = keras.Input((1,), dtype="int32"), keras.Input((4,))
    looked = Looked(name="rows")(rows)
    out = layers.Dense(1, name="out")(Looked(name="list")([values, looked]))
    model = keras.Model([rows, values], out)
    model.compile(loss="mse")
    found = monitors.layer_flow(model, [np.array([[0], [3]]), np.ones((2, 4))], np.ones((2, 1)))
    assert found.names == ("rows", "out")
    assert (found.signal > 0).all()
    assert (found.gradient > 0).all()


@pytest.mark.parametrize("steps, counted", [(1, False), (2, True)])
@pytest.mark.parametrize("make", [layers.LSTM, lambda units: layers.Bidirectional(layers.GRU(units))])
def test_a_recurrent_kernel_counts_where_there_is_a_state_to_multiply(make, steps, counted):
    model = compiled(keras.Sequential([keras.Input((steps, 6)), make(3), layers.Dense(2)]))
    flow = monitors.layer_flow(model, np.repeat(X[:, None], steps, axis=1), Y)
    assert any("recurrent_kernel" in path for path in flow.weights) == counted
    assert len(flow.weights) == len(flow.slopes)
    assert flow.slopes.all()

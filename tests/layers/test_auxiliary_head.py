"""A head that tells a hidden layer the labels: in the loss of training only, by a weight that falls in the step."""

import keras
import numpy as np
import pytest

from keras_ch8 import layers, optimizers, schedules
from tests import forked

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
Y = X[:, :1] ** 2


def chain():
    keras.utils.set_random_seed(1)
    hidden = [keras.layers.Dense(6, "tanh", name=f"h{i}") for i in range(3)]
    return keras.Sequential([keras.Input((4,)), *hidden, keras.layers.Dense(1, name="out")])


def losses_of(model, x, y, *, of_head, weights=1.0):
    """Mean squared errors of the output and of the head, in float64 NumPy."""

    def dense(layer, inputs, f=lambda z: z):
        return f(inputs @ layer.kernel.numpy().astype("float64") + layer.bias.numpy())

    h1 = dense(model.get_layer("h1"), dense(model.get_layer("h0"), x, np.tanh), np.tanh)
    out = dense(model.get_layer("out"), dense(model.get_layer("h2"), h1, np.tanh))
    return [float(np.mean(weights * (prediction - y)[:, 0] ** 2)) for prediction in (out, dense(of_head, h1))]


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_loss_of_each_step_has_the_weight_of_that_step(jit_compile):
    model = chain()
    supervised = layers.auxiliary_head(model, "h1", weight=schedules.LinearDecay(0.5, 4, 0.0))
    supervised.compile(optimizers.Momentum(0.01), "mse", jit_compile=jit_compile)
    for step in range(6):
        main, aux = losses_of(model, X, Y, of_head=supervised.heads[0])
        expected = main + 0.5 * max(0.0, 1 - step / 4) * aux
        assert supervised.train_on_batch(X, Y) == pytest.approx(expected, rel=1e-5)
        supervised.reset_metrics()


@pytest.mark.slow
def test_the_step_is_traced_once_however_the_weight_falls():
    model = chain()
    supervised = layers.auxiliary_head(model, "h1", weight=schedules.LinearDecay(0.5, 20, 0.0))
    traces = []
    inner = supervised.compute_loss
    supervised.compute_loss = lambda *args, training=True, **kwargs: (
        traces.append(training), inner(*args, training=training, **kwargs)
    )[1]  # fmt: skip
    supervised.compile("sgd", "mse")
    supervised.fit(X, Y, batch_size=16, epochs=5, verbose=0)
    assert sum(traces) == 1


def test_the_gradient_is_that_of_the_two_losses_together():
    model = chain()
    supervised = layers.auxiliary_head(model, "h1", weight=0.5)
    supervised.compile(keras.optimizers.SGD(1.0), "mse", run_eagerly=True)
    kernel = model.get_layer("h0").kernel
    start, h = kernel.numpy(), 1e-3
    by_hand = np.zeros_like(start)
    for at in np.ndindex(start.shape):
        sides = []
        for sign in (1, -1):
            moved = start.copy()
            moved[at] += sign * h
            kernel.assign(moved)
            main, aux = losses_of(model, X, Y, of_head=supervised.heads[0])
            sides.append(main + 0.5 * aux)
        by_hand[at] = (sides[0] - sides[1]) / (2 * h)
    kernel.assign(start)
    supervised.train_on_batch(X, Y)
    np.testing.assert_allclose(start - kernel.numpy(), by_hand, atol=2e-4)


def test_weights_of_examples_count_for_the_head_too():
    model = chain()
    supervised = layers.auxiliary_head(model, "h1", weight=2.0)
    supervised.compile(keras.optimizers.SGD(0.01), "mse", run_eagerly=True)
    weights = RNG.uniform(size=64)
    main, aux = losses_of(model, X, Y, of_head=supervised.heads[0], weights=weights)
    assert supervised.train_on_batch(X, Y, sample_weight=weights) == pytest.approx(main + 2 * aux, rel=1e-5)


@pytest.mark.slow
def test_outside_training_there_is_no_head():
    model = chain()
    supervised = layers.auxiliary_head(model, "h1")
    supervised.compile("sgd", "mse", metrics=["mae"], run_eagerly=True)
    history = supervised.fit(X, Y, epochs=1, validation_data=(X, Y), verbose=0).history
    model.compile("sgd", "mse", metrics=["mae"], run_eagerly=True)
    assert [history["val_loss"][0], history["val_mae"][0]] == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-6)
    for head in supervised.heads:
        head.call = None  # would fail if it were run
    np.testing.assert_array_equal(supervised.predict(X, verbose=0), model.predict(X, verbose=0))


def test_regularization_counts_once():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(6, "tanh", name="h", kernel_regularizer="l2")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    supervised = layers.auxiliary_head(model, "h", weight=0.0)
    for some in (model, supervised):
        some.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=True)
    assert supervised.train_on_batch(X, Y) == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)


def test_several_heads_and_a_layer_itself_in_place_of_its_name():
    model = chain()
    one = layers.auxiliary_head(model, model.get_layer("h0"), weight=0.1)
    both = layers.auxiliary_head(one, "h2", keras.layers.Dense(1, name="mine"), weight=0.2)
    assert (both.at, both.weights_of_heads) == (["h0", "h2"], [0.1, 0.2])
    both.compile("sgd", "mse", run_eagerly=True)
    before = [head.kernel.numpy() for head in both.heads]
    both.fit(X, Y, verbose=0)
    assert all(np.any(head.kernel.numpy() != old) for head, old in zip(both.heads, before, strict=True))
    assert len(both.trainable_variables) == len(model.trainable_variables) + 4


@pytest.mark.slow
def test_a_saved_model_goes_on_in_a_new_process_bit_for_bit(tmp_path, compiled_well):
    supervised = layers.auxiliary_head(chain(), "h1", weight=schedules.LinearDecay(0.5, 10, 0.0))
    supervised.compile(optimizers.Adam(0.01), "mse")
    supervised.fit(X, Y, verbose=0, shuffle=False)
    supervised.save(tmp_path / "m.keras")
    code = (
        "import keras_ch8, keras, numpy as np\n"
        "x = np.random.default_rng(0).normal(size=(64, 4)).astype('float32')\n"
        f"m = keras.models.load_model({str(tmp_path / 'm.keras')!r})\n"
        "h = m.fit(x, x[:, :1] ** 2, epochs=3, verbose=0, shuffle=False).history['loss']\n"
        "print([float(v).hex() for v in h])"
    )
    history = supervised.fit(X, Y, epochs=3, verbose=0, shuffle=False).history["loss"]
    assert forked.printed(code) == str([float(v).hex() for v in history])


def two_outputs():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(3, name="h0")(inputs)
    return keras.Model(inputs, [keras.layers.Dense(1)(hidden), keras.layers.Dense(1)(hidden)])


BAD = [
    (lambda: layers.auxiliary_head(chain(), "h9"), r"Received: at='h9'; it has \['h0', 'h1', 'h2', 'out'\]"),
    (lambda: layers.auxiliary_head(chain(), keras.layers.Dense(1)), r"must be a layer of the model"),
    (
        lambda: layers.auxiliary_head(chain(), "h0", weight=schedules.LinearDecay(0.5, "50%")),
        r"must have its lengths in steps",
    ),
    (lambda: layers.auxiliary_head(chain(), "h0", keras.layers.Dense(3)), r"\(None, 1\). Received: at 'h0'.*\(None, 3"),
    (lambda: layers.auxiliary_head(two_outputs(), "h0"), r"with one output.*remove the other outputs"),
    (lambda: layers.auxiliary_head(keras.Sequential([keras.layers.Dense(1, name="h0")]), "h0"), r"Start it with"),
]


@pytest.mark.parametrize("make, message", BAD)
def test_what_cannot_have_a_head_is_refused_with_the_fix(make, message):
    with pytest.raises(ValueError, match=message):
        make()

"""What is planted in a start is found, with its layer, and a good start is not slandered."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import initializers, training
from keras_ch8.verdicts.wording import part

pytestmark = pytest.mark.usefixtures("op_by_op")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 20)).astype("float32")
Y = RNG.integers(0, 4, 200)


def network(start=initializers.Orthogonal, activation="tanh", depth=3, **options):
    start = start() if isinstance(start, type) else start
    options = {"kernel_initializer": start} | options
    hidden = [layers.Dense(20, activation, name=f"h{i}", **options) for i in range(depth)]
    return compiled(keras.Sequential([keras.Input((20,)), *hidden, layers.Dense(4, name="out")]))


def compiled(model):
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def wrong(audit):
    return {v.kind: v for v in audit.verdicts if v.level != "ok"}


@pytest.mark.parametrize(
    "start, activation",
    [
        (initializers.Orthogonal, "tanh"),
        (initializers.Orthogonal("relu"), "relu"),
        pytest.param(initializers.RandomWalk("relu"), "relu", marks=pytest.mark.slow),
    ],
)
def test_of_a_good_start_nothing_is_said(start, activation):
    audit = training.check_initialization(network(start, activation), X, Y)
    assert wrong(audit) == {}
    assert set(audit.copies.values()) == {0}
    assert str(audit).startswith("No problem found in the initial weights.")
    assert audit.flow.names == ("h0", "h1", "h2", "out")


def test_units_that_no_step_tells_apart_are_counted():
    audit = training.check_initialization(network(keras.initializers.Constant(0.1), depth=2), X, Y)
    assert audit.copies == {"h0": 19, "h1": 0, "out": 0}  # the units of h1 are fed alike, but feed random weights
    verdict = wrong(audit)["saddle"]
    assert verdict.level == "act"
    assert "19 of 20 units of h0 are copies" in verdict.finding
    assert "GlorotUniform" in verdict.cure
    assert "ACT saddle, section 8.2.3: 19 of 20 units of h0" in str(audit)


@pytest.mark.slow
def test_copies_stay_copies_and_others_do_not(in_graphs):
    """What is called a copy is one after training, too: two copies of the first three units are planted."""
    model = network(depth=1)
    kernel, bias, out, out_bias = model.get_weights()
    kernel[:, 5:7] = kernel[:, :2]
    out[5] = out[0]  # 6 is fed as 1 is, but feeds others: training tells them apart
    model.set_weights([kernel, bias, out, out_bias])
    assert training.check_initialization(model, X, Y).copies == {"h0": 1, "out": 0}
    model.fit(X, Y, epochs=3, verbose=0)
    kernel = model.get_weights()[0]
    np.testing.assert_allclose(kernel[:, 5], kernel[:, 0], atol=1e-5)
    assert not np.allclose(kernel[:, 6], kernel[:, 1], atol=1e-4)


def test_layers_that_start_alike_are_named_and_the_suite_s_do_not():
    shared = keras.initializers.GlorotUniform(seed=1)
    verdict = wrong(training.check_initialization(network(shared), X, Y))["saddle"]
    assert verdict.level == "watch"
    assert "start with the same matrix" in verdict.finding
    assert wrong(training.check_initialization(network(initializers.Orthogonal(seed=1)), X, Y)) == {}


def test_dead_and_saturated_units_are_found():
    dead = keras.initializers.Constant(-20.0)
    audit = training.check_initialization(network(activation="relu", depth=2, bias_initializer=dead), X, Y)
    assert wrong(audit)["dead_units"].level == "act"
    assert "100 %" in str(audit)
    big = keras.initializers.RandomNormal(stddev=20.0)
    assert wrong(training.check_initialization(network(big, depth=2), X, Y))["saturated_units"].level == "act"


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("deviation, kind", [(0.05, "vanishing"), (1.0, "exploding")])
def test_the_scale_of_the_gradient_is_found(deviation, kind):
    """Of linear units: eight layers multiply it by sqrt(20) times the deviation each."""
    model = network(keras.initializers.RandomNormal(stddev=deviation), None, depth=8)
    audit = training.check_initialization(model, X, Y)
    assert wrong(audit)[kind].level == "act"
    gradient = part(audit.flow.total, "the gradient of the last")
    assert f"the first hidden layer gets {gradient} (8 hidden layers)." in str(audit)
    assert "nan" not in str(audit)


def test_layers_that_no_gradient_comes_back_to_are_named_and_an_output_of_0_is_no_loss_of_signal():
    hidden = [layers.Dense(20, "tanh", name=f"h{i}") for i in range(3)]
    out = layers.Dense(4, kernel_initializer="zeros", name="out")
    audit = training.check_initialization(compiled(keras.Sequential([keras.Input((20,)), *hidden, out])), X, Y)
    assert set(wrong(audit)) == {"vanishing"}
    assert "Almost no gradient reaches h0, h1, h2." in wrong(audit)["vanishing"].finding
    assert wrong(audit)["vanishing"].level == "watch"


def test_nothing_of_the_model_changes():
    inputs = keras.Input((20,))
    h = layers.Dropout(0.5, seed=1)(layers.BatchNormalization()(layers.Dense(20, "relu")(inputs)))
    model = compiled(keras.Model(inputs, layers.Dense(4)(layers.Add()([h, inputs]))))
    before = [v.numpy() for v in model.variables]
    training.check_initialization(model, X, Y)
    for v, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(v.numpy(), value)
    assert not any("call" in vars(layer) for layer in model.layers)


def test_a_loss_may_be_given_instead_of_compiling():
    model = keras.Sequential([keras.Input((20,)), layers.Dense(5, "tanh"), layers.Dense(1)])
    audit = training.check_initialization(model, X, X[:, :1], loss=keras.losses.MeanSquaredError())
    assert wrong(audit) == {}


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: keras.Sequential([keras.Input((20,)), layers.Dense(4)]), "not compiled. Compile it, or pass `loss`"),
        (lambda: compiled(keras.Sequential([keras.Input((20,)), layers.Flatten()])), "which has none that it knows"),
    ],
)
def test_what_cannot_be_is_refused_with_the_fix(make, said):
    with pytest.raises(ValueError, match=said):
        training.check_initialization(make(), X, Y)


@pytest.mark.slow
def test_a_model_that_is_not_built_is_built_and_judged_like_any():
    def audit(*first, data):
        keras.utils.set_random_seed(3)
        parts = [layers.Dense(8, "tanh", name="hidden"), layers.Dense(4, name="out")]
        return training.check_initialization(compiled(keras.Sequential([*first, *parts])), *data)

    expected = audit(keras.Input((20,)), data=(X, Y))
    for data in ((X, Y), ((X, Y),)):
        found = audit(data=data)
        np.testing.assert_array_equal(found.flow.signal, expected.flow.signal)
        np.testing.assert_array_equal(found.flow.gradient, expected.flow.gradient)
        assert [str(v) for v in found.verdicts] == [str(v) for v in expected.verdicts]

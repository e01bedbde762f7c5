"""`fit` on a source is `fit` on arrays, but for the order; Keras itself is the oracle."""

import keras
import numpy as np
import pytest

from keras_ch8.data import ArraySource

from .recorder import Recorder

RNG = np.random.default_rng(0)
N = 22
X, Y = RNG.normal(size=(N, 3)).astype("float32"), RNG.integers(0, 3, size=N)
WEIGHTS = RNG.uniform(size=N)
SERIES = RNG.normal(size=(5, 8, 2)).astype("float32")
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
CLASSES = {0: 0.2, 2: 3.0}


def assert_same(theirs, ours):
    keras.tree.assert_same_structure(theirs, ours)
    for a, b in zip(keras.tree.flatten(theirs), keras.tree.flatten(ours), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def trained():
    """Return a function that trains one model from the same start, and gives its history and its weights."""
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    joined = keras.layers.Concatenate()([a, b])
    outputs = {"class": keras.layers.Dense(3, name="class")(joined), "size": keras.layers.Dense(1, name="size")(a)}
    losses = {"class": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "size": "mse"}
    two = keras.Model({"a": a, "b": b}, outputs)
    two.compile(keras.optimizers.SGD(0.1), losses, weighted_metrics={"size": ["mae"]})
    one = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    one.compile(keras.optimizers.SGD(0.1), losses["class"], metrics=["accuracy"], weighted_metrics=["accuracy"])
    starts = {model: model.get_weights() for model in (one, two)}

    def train(*data, **kwargs):
        x = data[0].examples.x if isinstance(data[0], ArraySource) else data[0]
        model = two if isinstance(x, dict) else one
        model.set_weights(starts[model])
        history = model.fit(*data, verbose=0, **kwargs).history
        return history, model.get_weights()

    return train


NAMED = {"a": X, "b": RNG.normal(size=(N, 2))}
TARGETS = {"class": Y, "size": X.sum(axis=1)}
DATA = {
    "x only": (X,),
    "list": ([X, X[:, :1]], None),
    "tuples": ((X, X), (Y, Y)),
    "float32": (X, Y),
    "float64": (X.astype("float64"), Y),
    "uint8": (np.abs(10 * X).astype("uint8"), Y.astype("int8")),
    "weights": (X, Y, WEIGHTS),
    "dicts": (NAMED, TARGETS),
    "one weight for all": (NAMED, TARGETS, WEIGHTS),
    "a weight for each": (NAMED, TARGETS, {"class": WEIGHTS, "size": 1 - WEIGHTS}),
}


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_in_the_order_of_the_arrays_the_model_is_given_what_it_is_given_of_arrays(data):
    model = Recorder()
    weights = {"sample_weight": data[2]} if len(data) == 3 else {}
    keras.Model.fit(model, *data[:2], batch_size=11, shuffle=False, verbose=0, **weights)
    theirs, model.given = model.given, []
    keras.Model.fit(model, ArraySource(*data, batch_size=11, shuffle=False), verbose=0)
    assert_same(theirs, model.given)


CASES = [
    pytest.param(data, id=name, marks=[] if "each" in name else pytest.mark.slow)
    for name, data in list(DATA.items())[3:]
]


@pytest.mark.slow
@pytest.mark.broad(slow=4)
@pytest.mark.parametrize("data", CASES)
def test_it_trains_as_keras_does_with_a_smaller_last_batch(trained, data):
    weights = {"sample_weight": data[2]} if len(data) == 3 else {}
    _, theirs = trained(*data[:2], batch_size=8, shuffle=False, epochs=2, **weights)
    _, ours = trained(ArraySource(*data, batch_size=8, shuffle=False), epochs=2)
    for mine, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, their, rtol=1e-6, atol=1e-6)


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("y", [Y, Y[:, None], np.eye(3)[Y]], ids=["flat", "column", "one-hot"])
def test_weights_of_classes_are_those_of_keras(y):
    model, weights = Recorder(), []
    for data in ((X, y), (ArraySource(X, y, batch_size=11, shuffle=False),)):
        keras.Model.fit(model, *data, batch_size=11, shuffle=False, class_weight=CLASSES, verbose=0)
        weights.append([batch[2].tolist() for batch in model.given])
        model.given = []
    assert weights[0] == weights[1]
    assert set(np.ravel(weights[0])) == {np.float32(0.2), 1.0, 3.0}


def test_the_progress_bar_knows_the_length(capsys):
    keras.Model.fit(Recorder(), ArraySource(X, batch_size=4), verbose=2)
    assert "6/6" in capsys.readouterr().out

"""`fit` on a source is `fit` on arrays, but for the order; Keras itself is the oracle."""

import keras
import numpy as np
import pytest

from keras_ch8.data import ArraySource
from keras_ch8.extend import Plan

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
@pytest.mark.parametrize("last_batch", ["keep", "pad"])
@pytest.mark.parametrize("data", CASES)
def test_kept_or_padded_it_trains_as_keras_does_with_a_smaller_last_batch(trained, data, last_batch):
    weights = {"sample_weight": data[2]} if len(data) == 3 else {}
    _, theirs = trained(*data[:2], batch_size=8, shuffle=False, epochs=2, **weights)
    _, ours = trained(ArraySource(*data, batch_size=8, shuffle=False, last_batch=last_batch), epochs=2)
    for mine, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, their, rtol=1e-6, atol=1e-6)


def test_weights_of_a_plan_act_on_a_smaller_last_batch_too():
    class Weighted:
        def plan(self, epoch):
            return Plan(np.array([[0, 1, 2], [3, 4, -1]]), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]], "float32"))

    source, model = ArraySource(X[:5], Y[:5], batch_size=3), Recorder()
    source.sampler = Weighted()
    keras.Model.fit(model, source, verbose=0)
    assert [batch[2].tolist() for batch in model.given] == [[1.0, 2.0, 3.0], [4.0, 5.0]]
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in model.given]), X[:5].astype("float32"))


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


@pytest.mark.parametrize(
    ("target", "loss"),
    [pytest.param(SERIES[..., :1], "mse", marks=pytest.mark.slow), (SERIES[..., 0] > 0, SPARSE)],
    ids=["mse", "labels"],
)
def test_of_time_series_padding_weighs_the_examples_and_not_the_steps_of_time(target, loss):
    model = keras.Sequential([keras.Input((8, 2)), keras.layers.Dense(1 if loss == "mse" else 2)])
    model.compile(keras.optimizers.SGD(0.0), loss)
    padded = model.fit(ArraySource(SERIES, target, batch_size=8, seed=0, last_batch="pad"), verbose=0)
    assert padded.history["loss"] == pytest.approx([model.evaluate(SERIES, target, verbose=0)], rel=1e-6)


def test_metrics_count_the_copies_and_weighted_metrics_do_not(trained):
    source = ArraySource(X[:5], Y[:5], batch_size=8, shuffle=False, last_batch="pad")
    history, _ = trained(source)
    expected, _ = trained(X[:5], Y[:5], batch_size=5, shuffle=False)
    copies, _ = trained(X[[0, 1, 2, 3, 4, 0, 0, 0]], Y[[0, 1, 2, 3, 4, 0, 0, 0]], batch_size=8, shuffle=False)
    assert history["weighted_accuracy"] == pytest.approx(expected["weighted_accuracy"], rel=1e-6)
    assert history["accuracy"] == copies["accuracy"]


def test_a_padded_row_may_hold_nothing_that_is_not_in_the_data():
    model = Recorder()
    model.fit(ArraySource(X[:5], Y[:5], batch_size=4, shuffle=False, last_batch="pad"))
    x, y, weights = model.given[1]
    assert x.tolist() == [X[4].tolist()] * 4
    assert y.tolist() == [Y[4]] * 4
    assert weights.tolist() == [4.0, 0.0, 0.0, 0.0]


def test_weights_of_a_plan_multiply_those_of_the_examples_at_every_time_step():
    steps = RNG.uniform(size=(N, 4)).astype("float32")
    source = ArraySource(X, {"u": Y, "v": Y}, {"u": WEIGHTS, "v": steps}, batch_size=2)
    indices = np.arange(N).reshape(-1, 2)
    factors = RNG.uniform(size=indices.shape).astype("float32")
    source.sampler = type("Sampler", (), {"plan": lambda self, epoch: Plan(indices, factors)})()
    model = Recorder()
    model.fit(source)
    given = [batch[2] for batch in model.given]
    flat = factors.ravel()
    np.testing.assert_allclose(np.concatenate([w["u"] for w in given]), WEIGHTS.astype("float32") * flat, rtol=1e-6)
    np.testing.assert_allclose(np.concatenate([w["v"] for w in given]), steps * flat[:, None], rtol=1e-6)


def test_the_progress_bar_knows_the_length(capsys):
    keras.Model.fit(Recorder(), ArraySource(X, batch_size=4), verbose=2)
    assert "6/6" in capsys.readouterr().out

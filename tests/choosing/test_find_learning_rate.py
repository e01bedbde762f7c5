"""The range test leaves no trace, whatever the model and the data, and always gives a number, with how sure it is."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import choosing, losses, optimizers
from tests import forked
from tests.callbacks.runs import needs_multi_optimizer
from tests.choosing.models import OPTIMIZERS, X, Y, go_on, network, state_of

TRIALS = {
    "range": lambda model: choosing.find_learning_rate(model, X, Y, steps=30),
    "compare": lambda model: choosing.compare_learning_rates(model, X, Y, rates=(0.001, 0.1, 10.0), steps=8),
}


QUICK = [("number", "range", True), ("Keras", "compare", False)]
ALL = [
    (optimizer, *case)
    for optimizer in OPTIMIZERS
    for case in (("range", True), ("compare", False))
    if optimizer != "relative schedule" or case[1]  # its rate is not known before the first fit
]
CASES = [*QUICK, *(pytest.param(*case, marks=pytest.mark.full) for case in ALL if case not in QUICK)]


def at_the_same_point(optimizer, fitted):
    """Return a model at its start or in mid-training."""
    model = network(OPTIMIZERS[optimizer]())
    if fitted:
        go_on(model)
    else:
        model.optimizer.build(model.trainable_variables)
    return model


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("optimizer, trial, fitted", CASES)
def test_all_is_as_it_was_bit_for_bit_and_the_training_goes_on_the_same(optimizer, trial, fitted):
    model = at_the_same_point(optimizer, fitted)
    rate, (before, variables) = model.optimizer.learning_rate, state_of(model)
    rate = rate if not hasattr(rate, "numpy") else float(rate)
    TRIALS[trial](model)
    assert state_of(model, variables)[0] == before
    assert float(model.optimizer.learning_rate) == rate
    untouched = go_on(at_the_same_point(optimizer, fitted))
    model = at_the_same_point(optimizer, fitted)
    TRIALS[trial](model)
    assert go_on(model) == untouched


@pytest.mark.broad
@pytest.mark.parametrize("optimizer", ["number", "schedule"])
@pytest.mark.slow
def test_the_training_step_is_traced_once_for_all_trials(optimizer):
    traces = []

    class Counts(keras.layers.Layer):
        def call(self, x):
            traces.append(1)
            return x

    model = keras.Sequential([keras.Input((6,)), Counts(), keras.layers.Dense(2)])
    model.compile(OPTIMIZERS[optimizer](), "mse")
    TRIALS["compare"](model)
    traces.clear()
    TRIALS["compare"](model)
    several = len(traces)
    traces.clear()
    choosing.compare_learning_rates(model, X, Y, rates=(0.001,), steps=8)
    assert several == len(traces) > 0


@pytest.mark.slow
def test_it_comes_back_after_an_error_too():
    model = at_the_same_point("number", fitted=True)
    before, variables = state_of(model)
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 6"):
        choosing.find_learning_rate(model, X[:, :5], Y)
    assert state_of(model, variables)[0] == before
    assert go_on(model)


class Draws(keras.layers.Layer):
    """Draws from Python's and NumPy's generators at every step, as the data of a user may."""

    def call(self, x):
        return x * (1 + 0.01 * random.random() + 0.01 * np.random.random())  # noqa: NPY002


def eager_network():
    model = keras.Sequential([keras.Input((6,)), Draws(), keras.layers.Dense(2)])
    model.compile("sgd", "mse", run_eagerly=True)
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.mark.slow
def test_the_generators_of_python_and_numpy_are_put_back():
    model = eager_network()
    before, variables = state_of(model)
    choosing.find_learning_rate(model, X, Y, steps=10)
    assert state_of(model, variables)[0] == before


def test_what_cannot_be_put_back_is_an_error(monkeypatch):
    monkeypatch.setattr(random, "setstate", lambda state: None)
    with pytest.raises(RuntimeError, match="The model was not restored"):
        choosing.find_learning_rate(eager_network(), X, Y, steps=10)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 8

    def __getitem__(self, i):
        return X[i * 32 : (i + 1) * 32], Y[i * 32 : (i + 1) * 32]


DATA = {
    "arrays": lambda: {"x": X, "y": Y},
    "weights": lambda: {"x": X, "y": Y, "sample_weight": np.ones(256, "float32")},
    "tf.data": lambda: {"x": tf.data.Dataset.from_tensor_slices((X, Y)).batch(32)},
    "PyDataset": lambda: {"x": Batches()},
}


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("data", DATA)
def test_all_kinds_of_data_give_about_the_same(data):
    found = choosing.find_learning_rate(network(optimizers.SGD()), **DATA[data]())
    assert 0.003 < found.suggestion < 0.03
    assert found.best.low < found.suggestion < found.best.high


@pytest.mark.slow
def test_a_model_that_is_not_built_yet_is_built():
    model = keras.Sequential([keras.layers.Dense(8, "tanh"), keras.layers.Dense(2)])
    model.compile(optimizers.SGD(), "mse")
    assert choosing.find_learning_rate(model, X, Y).suggestion > 0.001
    assert model.built


@pytest.mark.slow
def test_a_schedule_that_is_not_resolved_yet_is_put_back():
    model = network(OPTIMIZERS["relative schedule"]())
    assert choosing.find_learning_rate(model, X, Y).suggestion > 0
    model.fit(X, Y, epochs=1, verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-6)


def likelihood(variance, units=2):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(units)])
    model.compile(optimizers.SGD(0.01), losses.NegativeLogLikelihood(losses.likelihoods.GaussianLikelihood(variance)))
    return model


@pytest.mark.full
def test_losses_may_be_negative_or_near_zero():
    for variance in (0.01, 0.1):
        model = likelihood(variance)
        model.fit(X, Y, epochs=60, verbose=0)
        found, compared = TRIALS["range"](model), TRIALS["compare"](model)
        assert found.losses[0] < 0.5
        assert found.suggestion > 0
        assert np.isfinite(compared.losses[0]).all()
    untrained = likelihood(0.01)
    assert 1e-5 < choosing.find_learning_rate(untrained, X, Y).suggestion < 1e-2


def test_a_loss_that_is_not_finite_at_the_start_is_refused():
    model = likelihood(1.0)
    model.set_weights([w * np.nan for w in model.get_weights()])
    with pytest.raises(ValueError, match="NaN or infinite at the start"):
        choosing.find_learning_rate(model, X, Y)


def test_a_gradient_that_is_not_finite_is_refused():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    model.compile("sgd", lambda y, p: keras.ops.mean(keras.ops.sqrt(keras.ops.abs(p))))  # with an infinite slope at 0
    with pytest.raises(ValueError, match="NaN or infinite at the start"):
        choosing.find_learning_rate(model, X, Y, steps=10)


@pytest.mark.parametrize("steps", [10, 60])
def test_where_the_training_diverges_at_the_lowest_rate_lower_ones_are_tried(steps):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
    model.compile(optimizers.SGD(), "mse")
    found = choosing.find_learning_rate(model, 1e9 * X, Y, steps=steps)
    assert 1e-21 < found.suggestion < 1e-17  # one over the square of the inputs is 1e-18
    assert found.best.low < found.suggestion < found.best.high


@pytest.mark.slow
def test_an_optimizer_whose_step_does_not_vanish_with_its_rate_is_refused():
    with pytest.raises(ValueError, match="Received: Ftrl, with which the loss diverges"):
        choosing.find_learning_rate(network(keras.optimizers.Ftrl()), X, Y)


def suggested_where_operations_are_deterministic():
    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = X[:64, :2]
    return choosing.find_learning_rate(model, x, x[:, :1]).suggestion


@pytest.mark.slow
def test_it_works_where_operations_are_deterministic():
    assert forked.call(suggested_where_operations_are_deterministic) > 0


@pytest.mark.slow
def test_several_inputs_and_outputs():
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    hidden = keras.layers.Dense(8)(keras.layers.concatenate([a, b]))
    model = keras.Model({"a": a, "b": b}, {"c": keras.layers.Dense(2, name="c")(hidden)})
    model.compile(optimizers.SGD(), "mse", steps_per_execution=4)
    found = choosing.find_learning_rate(model, {"a": X, "b": X}, {"c": Y})
    assert found.suggestion > 0.001
    assert model.steps_per_execution == 4


@pytest.mark.slow
def test_where_the_loss_never_falls_it_says_so():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    model.compile(optimizers.SGD(), "mse")
    noise = np.random.default_rng(3).normal(size=Y.shape).astype("float32")
    found = choosing.find_learning_rate(model, X * 0, noise - noise.mean(axis=0))
    rate, low, high = found.best
    assert (found.doubt, found.suggestion) == ("the loss never falls", rate)
    assert 0 < low <= rate <= high < 10
    said = f"{rate:.3g}; rates from {low:.2g} to {high:.2g} fit the measurements. This is unsure: the loss never falls."
    for text in (str(found), repr(found), found._repr_html_()):
        assert f"Start with a learning rate of {said}" in text
    compared = choosing.compare_learning_rates(model, X * 0, noise * 0, steps=5)
    with pytest.raises(ValueError, match=r"no rate from 0\.0001 to 1 lowers the loss"):
        _ = compared.suggestion


def from_the_floor(optimizer="sgd"):
    """Return a network that says one half of everything, which is the best where the labels tell nothing."""
    keras.utils.set_random_seed(0)
    last = keras.layers.Dense(1, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(8, "relu"), last])
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    return model


def weak(seed, strength):
    """Return inputs, and as many labels of each class; at strength 0 the inputs do not matter for them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3000, 20)).astype("float32")
    score = strength * x @ rng.normal(size=(20, 1)) / 20**0.5 + rng.logistic(size=(3000, 1))
    return x, (score > np.median(score)).astype("float32")


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("seed, strength", [(0, 2.0), (1, 1.0), (2, 1.0)])
def test_few_steps_leave_doubt_and_give_a_rate_all_the_same(seed, strength):
    model, (x, y) = from_the_floor(optimizers.Adam()), weak(seed, strength)
    found = choosing.find_learning_rate(model, x, y, steps=50)
    assert found.doubt == "the loss falls no more than noise explains"
    assert 1e-4 < found.suggestion < 0.1


@pytest.mark.broad
@pytest.mark.parametrize("optimizer", [optimizers.SGD, optimizers.Momentum, optimizers.Adam, optimizers.RMSprop])
@pytest.mark.slow
def test_labels_that_tell_nothing_leave_doubt(optimizer):
    found = choosing.find_learning_rate(from_the_floor(optimizer()), *weak(0, 0.0))
    assert found.doubt
    assert 1e-5 < found.suggestion < 1


@pytest.mark.slow
def test_the_books_rule_goes_above_the_best_rate_but_not_where_training_is_lost():
    found = choosing.compare_learning_rates(network(optimizers.SGD()), X, Y, rates=(0.003, 0.1, 0.15, 50.0), steps=60)
    assert found.best in (0.1, 0.15)
    assert found.suggestion == 0.15
    assert not found.final[-1] < found.final[0]
    assert "0.15" in str(found)


def drawn(axes):
    return {line.get_label() for line in axes.lines}


@pytest.mark.slow
def test_it_draws():
    pytest.importorskip("matplotlib").use("agg")
    found = choosing.find_learning_rate(network(optimizers.SGD()), X, Y, steps=40)
    assert drawn(found.plot()) == {f"start with {found.suggestion:.2g}", "smoothed", "next batch"}
    compared = choosing.compare_learning_rates(network(optimizers.SGD()), X, Y, rates=(0.01, 0.1), steps=5)
    start = f"start with {compared.suggestion:.2g}"
    assert drawn(compared.plot()) == {"after the last step", "at the start", start}


BAD = [
    ({"low": 0.0}, "`low`.*Received: low=0.0"),
    ({"low": 1.0, "high": 0.1}, "`high`.*Received: high=0.1"),
    ({"steps": 3}, "steps=3"),
    ({"x": iter([]), "y": None}, "a generator can be read only once"),
    ({"x": tf.data.Dataset.from_tensor_slices((X[:0], Y[:0])).batch(2), "y": None}, "`x` has no batches"),
]


@pytest.mark.parametrize("arguments, message", BAD)
def test_bad_arguments_are_refused_with_the_fix(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        choosing.find_learning_rate(network("sgd"), **{"x": X, "y": Y} | arguments)


@needs_multi_optimizer
def test_an_optimizer_with_several_rates_is_refused():
    inner = keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.1))
    inner[".*bias"] = keras.optimizers.SGD(0.2)
    with pytest.raises(ValueError, match="on a single optimizer"):
        choosing.find_learning_rate(network(keras.optimizers.MultiOptimizer(inner)), X, Y)


@pytest.mark.parametrize("of", [choosing.find_learning_rate, choosing.compare_learning_rates])
def test_a_model_that_is_not_compiled_is_refused(of):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"not compiled\. Compile it"):
        of(model, np.ones((64, 2)), np.ones((64, 1)))

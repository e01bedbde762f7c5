"""A callback can be copied and pickled after a training: the copy has its results, and trains like a fresh one."""

import copy
import pickle

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, data
from tests.integration.everybody import BATCH, CALLBACKS, X, Y, network, train

pytestmark = pytest.mark.filterwarnings("ignore:.*so the average mostly covers its start")  # of a few updates

WAYS = {"deepcopy": copy.deepcopy, "pickle": lambda thing: pickle.loads(pickle.dumps(thing))}

OF_THE_MODEL = (
    callbacks.LearningRateDecay, callbacks.ClipGradients, callbacks.SwitchOptimizer, callbacks.Diagnosis,
    callbacks.TensorBoard,
)  # fmt: skip
"""Those whose state has something of the model that is trained, or of its optimizer, which a copy does not hold."""
OFTEN = ["Diagnosis", "EarlyStopping", "SwitchOptimizer", "Continuation"]
NAMES = OFTEN + [pytest.param(n, marks=pytest.mark.slow) for n in CALLBACKS if n not in (*OFTEN, "PolyakAveraging")]


def results_of(callback):
    """What a training has brought, without what depends on the clock."""
    asks_the_optimizer = isinstance(callback, callbacks.TensorBoard)
    found = {} if asks_the_optimizer else {"findings": callback.findings()}
    for name in ("reason", "best", "best_epoch", "best_weights", "wait", "verdicts", "measurements"):
        if hasattr(type(callback), name) or hasattr(callback, name):
            found[name] = getattr(callback, name)
    if isinstance(callback, callbacks.Diagnosis):
        found["findings"] = found["findings"][:-1]  # what looking has cost
    if not isinstance(callback, OF_THE_MODEL):
        found["state"] = without_time(callback.get_state())
    return found


def without_time(state):
    if isinstance(state, dict):
        return {name: without_time(value) for name, value in state.items() if name != "seconds"}
    return state


def assert_equal(one, other):
    """Equal, arrays entry by entry, wherever they are."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_equal(one[name], other[name])
    elif isinstance(one, list | tuple) and not hasattr(one, "_fields"):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_equal(a, b)
    else:
        np.testing.assert_equal(one, other)


def eager():
    """A model that trains op by op: most trainings here are too short to be worth a graph."""
    return network(keras.optimizers.SGD(0.1), run_eagerly=True)


def trained(callback):
    model = eager()
    return model, train(model, [callback], batch_size=16)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name", NAMES)
def test_a_copy_has_the_results_and_trains_another_model_like_a_fresh_callback(tmp_path, name):
    callback = CALLBACKS[name](tmp_path / "first")
    model, history = trained(callback)
    results, weights = results_of(callback), model.get_weights()
    for way in WAYS.values():
        other = way(callback)
        assert_equal(results_of(other), results)
        other_model, other_history = trained(other)
        for curve in history:
            if curve != "diagnosis_cost":
                np.testing.assert_array_equal(other_history[curve], history[curve], err_msg=curve)
        assert_equal(other_model.get_weights(), weights)
        assert_equal(results_of(other), results)
        assert callback.model is model
        assert_equal(model.get_weights(), weights)  # the first is untouched
        assert_equal(results_of(callback), results)


@pytest.mark.slow
def test_a_copy_of_an_average_has_its_state_and_begins_anew_with_another_model(tmp_path):
    average = callbacks.PolyakAveraging(decay=0.9)
    model, history = trained(average)
    state, weights, mean = average.get_state(), model.get_weights(), average.weights
    for way in WAYS.values():
        other = way(average)
        assert_equal(other.get_state(), state)
        other_model, other_history = trained(other)
        np.testing.assert_equal(other_history, history)
        assert_equal(other_model.get_weights(), weights)
        assert_equal(other.get_state(), state)
        assert_equal(average.weights, mean)
        assert_equal(model.get_weights(), weights)


@pytest.mark.slow
def test_a_copy_of_an_average_that_is_told_to_go_on_goes_on(tmp_path):
    average = callbacks.PolyakAveraging(decay=0.9)
    trained(average)
    updates = average.updates
    told = callbacks.PolyakAveraging(decay=0.9)
    told.set_state(average.get_state())
    other = copy.deepcopy(told)
    trained(other)
    assert other.updates == 2 * updates


@pytest.mark.slow
def test_a_copy_of_a_curriculum_has_a_source_of_its_own():
    def run(source, curriculum):
        model = eager()
        return model.fit(source, epochs=2, verbose=0, callbacks=[curriculum]).history

    source = data.ArraySource(X, Y, batch_size=BATCH)
    curriculum = callbacks.Curriculum(source, "model_loss")
    run(source, curriculum)
    others = [way(curriculum) for way in WAYS.values()]
    for other in others:
        assert_equal(other.get_state(), curriculum.get_state())
        assert other.findings() == curriculum.findings()
    seen = [run(other.source, other) for other in others]
    assert source.get_state()["epoch"] == 2
    assert seen == [run(source, curriculum)] * 2


@pytest.mark.slow
def test_a_callback_can_be_copied_in_the_middle_of_a_training(tmp_path):
    made = [CALLBACKS[name](tmp_path) for name in CALLBACKS if name != "SwitchOptimizer"]
    copies = []

    def copy_all(epoch, logs):
        copies.extend(way(callback) for callback in made for way in WAYS.values())

    model = eager()
    look = keras.callbacks.LambdaCallback(on_epoch_end=copy_all)
    history = train(model, [*made, look], epochs=1)
    assert len(copies) == 2 * len(made)
    for each in copies:
        if not isinstance(each, callbacks.TensorBoard):
            each.findings()
        assert each.model is None
        model.evaluate(X, Y, verbose=0, callbacks=[each])
    other = eager()
    assert train(other, copies[::2], epochs=1)["loss"] == history["loss"]


@pytest.mark.slow
def test_a_copy_holds_no_part_of_the_model(tmp_path):
    """What is pickled is as large as the results, not as the model."""
    model = eager()
    made = [CALLBACKS[name](tmp_path) for name in ("TensorBoard", "GradientClippingLogger", "SurrogateGap")]
    train(model, made)
    for callback in made:
        assert len(pickle.dumps(callback)) < 30_000

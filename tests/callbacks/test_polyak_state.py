"""An interrupted training goes on with the same averages, bit for bit, also from a model that holds the averages."""

import pickle

import keras
import pytest

from keras_ch8 import optimizers
from keras_ch8._state import load
from tests.callbacks.runs import STEPS, network
from tests.callbacks.test_polyak_averaging import Path, StopAfter, again, assert_same, average_of, shared, train

pytestmark = pytest.mark.filterwarnings("ignore:.*so the average mostly covers its start")  # of a few updates


def momentum():
    return network(optimizers.Momentum(0.05, 0.9))


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize(
    "arguments",
    [{"half_life": "1ep"}, {"uniform": True, "start": "25%", "evaluate": "raw"}],
    ids=["exponential", "uniform"],
)
def test_a_saved_training_that_goes_on_is_one_that_was_not_interrupted(arguments, tmp_path):
    whole, path = average_of(**arguments), Path()
    uninterrupted, history = train(path, whole, model=momentum(), epochs=4)

    first = average_of(**arguments)
    model, _ = train(first, StopAfter(2 * STEPS), model=momentum(), epochs=4)
    model.save(tmp_path / "model.keras")
    state = pickle.dumps(first.get_state())

    model, second = keras.models.load_model(tmp_path / "model.keras"), average_of(**arguments)
    assert_same(model.get_weights(), first.weights)
    second.set_state(pickle.loads(state))
    rest = Path()
    _, after = train(rest, second, model=model, epochs=4, initial_epoch=2)
    for a, b in zip(rest.raw, path.raw[2 * STEPS :], strict=True):
        assert_same(a, b)
    assert second.updates == whole.updates
    assert_same(second.weights, whole.weights)
    assert_same(model.get_weights(), uninterrupted.get_weights())
    assert after["val_loss"] == history["val_loss"][2:]


@pytest.mark.slow
def test_a_state_can_be_taken_at_the_end_of_an_epoch_while_the_averages_are_in_the_model():
    states, average, path = [], shared()[1], Path()
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: states.append(average.get_state()))
    again(keep, average_of, path)
    for state, raw in zip(states, (path.raw[STEPS - 1], path.raw[-1]), strict=True):
        assert_same(load(state["held"]).values, raw)

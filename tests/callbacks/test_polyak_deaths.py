"""After a training that has died, or was refused, another one without the average is as if it had never been."""

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, continuation, extend, optimizers
from tests.callbacks.runs import BATCH, STEPS, X, Y, network
from tests.callbacks.test_polyak_averaging import assert_same, average_of, train
from tests.small_callbacks import Dies

pytestmark = pytest.mark.filterwarnings("ignore:.*so the average mostly covers its start")  # of a few updates


class Refuses(extend.Callback):
    def on_open(self):
        raise KeyboardInterrupt


def weights_after_training(model, kept):
    """Train two epochs from weights that are given, and return the weights at the end."""
    for variable, value in zip([*model.variables, *model.optimizer.variables], kept, strict=True):
        variable.assign(value)
    train(model=model)
    return model.get_weights()


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize(
    "last",
    [Refuses(), Dies("on_train_begin")],
    ids=["refused", "at the beginning"],
)
def test_a_later_fit_without_the_average_is_that_of_a_model_that_never_had_one(last):
    model, _ = train()
    kept = [v.numpy() for v in [*model.variables, *model.optimizer.variables]]
    expected = weights_after_training(model, kept)
    average = average_of(decay=0.9)
    with pytest.raises(KeyboardInterrupt):
        train(average, last, model=model)
    assert_same(weights_after_training(model, kept), expected)


def test_a_step_that_dies_gives_the_real_problem_back_though_nobody_listens():
    temperature = continuation.Temperature(4.0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2), temperature])
    fails = []

    def loss(y, z):
        return keras.ops.mean(keras.ops.square(y - z), axis=-1)

    model.compile("sgd", loss, run_eagerly=True)
    step = model.train_step

    def fail_once(data):
        if fails:
            fails.pop()
            raise KeyboardInterrupt
        return step(data)

    model.train_step = fail_once
    fails.append(True)
    with pytest.raises(KeyboardInterrupt):
        train(callbacks.Continuation(), model=model)
    assert temperature.temperature.value == temperature.temperature.end


@pytest.mark.slow
def test_a_variable_that_others_change_at_the_end_of_an_epoch_stays_and_the_rest_comes_back():
    seen = {}

    class Clips(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen["raw"] = self.model.get_weights()

        def on_epoch_end(self, epoch, logs=None):
            self.model.layers[-1].kernel.assign(keras.ops.clip(self.model.layers[-1].kernel, -0.01, 0.01))

        def on_epoch_begin(self, epoch, logs=None):
            seen["begin"], seen["before"] = self.model.get_weights(), seen.get("raw")

    train(average_of(decay=0.9), Clips())
    for i, (now, before) in enumerate(zip(seen["begin"], seen["before"], strict=True)):
        if i == 2:
            assert np.abs(now).max() == np.float32(0.01)
        else:
            np.testing.assert_array_equal(now, before)


@pytest.mark.slow
def test_the_blocks_of_an_optimizer_are_asked_for_their_skipped_steps_and_averages():
    average = average_of(decay=0.9)
    blocks = optimizers.BlockCoordinateDescent(optimizers.SGD(0.1, skip_nonfinite=True), blocks=[".*"])
    x = X.copy()
    x[0] = np.nan
    model = network(blocks)
    model.fit(x, Y, batch_size=BATCH, shuffle=False, epochs=1, callbacks=[average], verbose=0)
    assert average.updates == STEPS - 1
    with pytest.raises(ValueError, match="use_ema=True"):
        train(average_of(), optimizer=optimizers.BlockCoordinateDescent(optimizers.SGD(use_ema=True), blocks=[".*"]))

"""What is wrong with Keras's `use_ema` and `SwapEMAWeights`, one by one, and right here.

`predict` is in test_polyak_averaging.
"""

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, layers, optimizers, schedules
from keras_ch8.callbacks.weight_average import Swap
from tests.callbacks.runs import BATCH, STEPS, X, Y, network
from tests.callbacks.test_polyak_averaging import (
    VALIDATION,
    Path,
    again,
    assert_same,
    average_of,
    shared,
    train,
)
from tests.oracles import averages

pytestmark = pytest.mark.filterwarnings("ignore:.*so the average mostly covers its start")  # of a few updates


@pytest.mark.parametrize("raw, average", [(1e-6, 1000.0), (np.float32(np.pi), -1e-30), (np.inf, 0.0), (np.nan, 1.0)])
def test_a_swap_is_exact_however_far_the_average_is(raw, average):
    """Keras: swapped by sums and differences, 1e-6 beside 1000 comes back as 0."""
    variable = keras.Variable(np.float32([raw]))
    swap = Swap([variable])
    swap.put(lambda: variable.assign([average]))
    assert variable.numpy() == np.float32([average])
    swap.back()
    np.testing.assert_array_equal(variable.numpy(), np.float32([raw]))


class Micro(keras.callbacks.Callback):
    """Keeps the weights after each batch that changed them."""

    def on_train_begin(self, logs=None):
        self.moved, self.last = [], self.model.get_weights()

    def on_train_batch_end(self, batch, logs=None):
        weights = self.model.get_weights()
        if any((a != b).any() for a, b in zip(weights, self.last, strict=True)):
            self.moved.append(weights)
        self.last = weights


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("kind", ["scaled", "ours"])
def test_a_step_that_is_skipped_for_an_infinite_gradient_is_no_update(kind):
    x = X.copy()
    x[8:16] = np.nan
    inner = optimizers.SGD(0.1, skip_nonfinite=True) if kind == "ours" else keras.optimizers.SGD(0.1)
    optimizer = inner if kind == "ours" else keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0)
    average, micro, model = average_of(decay=0.8), Micro(), network(optimizer)
    model.fit(x, Y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[micro, average])
    assert average.updates == len(micro.moved) == STEPS - 1
    for i, values in enumerate(zip(*micro.moved, strict=True)):
        np.testing.assert_allclose(average.weights[i], averages.exponential(values, 0.8), rtol=1e-5, atol=1e-7)


def test_an_evaluation_before_the_first_step_is_of_the_weights():
    """Keras: the average is 0 then, and so is the model."""
    average, model = average_of(), shared()[0]
    plain = model.evaluate(*VALIDATION, batch_size=BATCH, verbose=0)
    assert model.evaluate(*VALIDATION, batch_size=BATCH, verbose=0, callbacks=[average]) == plain


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("kind", [layers.BatchNormalization, keras.layers.BatchNormalization], ids=["ours", "Keras"])
def test_batch_normalization_has_statistics_that_go_with_the_averages(kind):
    """Keras: the averages are evaluated with the moving statistics of the raw weights."""
    keras.utils.set_random_seed(0)
    inside = [keras.layers.Dense(4, "tanh"), kind(momentum=0.5), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((6,)), *inside])
    model.compile(optimizers.SGD(0.5), "mse")
    average = average_of(uniform=True)
    path = Path()
    train(path, average, model=model, epochs=1, validation_data=None)
    for i, values in enumerate(zip(*path.raw, strict=True)):
        np.testing.assert_allclose(model.get_weights()[i], averages.uniform(values), rtol=1e-5, atol=1e-7)
    assert_same(average.raw_weights, path.raw[-1])


def listed(others, first):
    return [average_of, *others] if first else [*others, average_of]


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("first", [True, False], ids=["listed first", "listed last"])
def test_weights_that_a_plateau_puts_back_are_trained_on(first):
    """`ReduceOnPlateau(restore_best_weights=True)` writes the best averages at the end of an epoch: none is lost."""
    plateau = schedules.ReduceOnPlateau("val_loss", patience=1, restore_best_weights=True)
    path, begins = Path(shared()[1]), []
    look = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begins.append(path.model.get_weights()))
    others = [callbacks.LearningRateDecay(plateau), look, path]
    history = again(*listed(others, first), epochs=4)[1]["val_loss"]
    assert history[0] > history[1] < history[2]
    assert_same(begins[2], path.raw[2 * STEPS - 1])
    assert_same(begins[3], path.averages[2 * STEPS - 1])

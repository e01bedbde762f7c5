"""What stands in docs/migrate.md for a part of TensorFlow Addons or keras-contrib does as the formula of that part."""

import math
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, optimizers, schedules, stopping
from keras_ch8.commands import _addons
from keras_ch8.extend import EpochHistory
from keras_ch8.optimizers import Group
from tests.optimizers.algorithms import random_grads, step
from tests.oracles import layerwise as oracle
from tests.schedules.test_formulas import STEPS

PAGE = (Path(__file__).parent.parent / "docs/migrate.md").read_text()
START = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
GRADS = random_grads(6)


def end_of(optimizer, name="weight", start=START, grads=GRADS):
    variable = keras.Variable(start, name=name)
    for g in grads:
        step(optimizer, [variable], [g])
    return variable.numpy()


def adam(decay=0.0, lr=0.01, rho_1=0.9, rho_2=0.999, delta=1e-8, theta=START):
    """Return the weights after Adam with a decay that no rate multiplies, as of TensorFlow Addons, in float64."""
    theta, s, r = theta.astype("float64"), 0.0, 0.0
    for t, g in enumerate(GRADS, 1):
        s, r = rho_1 * s + (1 - rho_1) * g, rho_2 * r + (1 - rho_2) * g**2
        theta = theta - decay * theta - lr * s / (1 - rho_1**t) / (np.sqrt(r / (1 - rho_2**t)) + delta)
    return theta


def momentum(decay, lr, alpha, nesterov):
    """Return the weights after Keras's SGD with such a decay."""
    theta, v = START.astype("float64"), 0.0
    for g in GRADS:
        v = alpha * v - lr * g
        theta = theta - decay * theta + (alpha * v - lr * g if nesterov else v)
    return theta


def test_every_optimizer_schedule_and_callback_stands_in_the_table_and_the_command_swaps_the_marked_ones():
    rows = re.findall(r"^\| (.+?) \| (.+?) \| .*\|$", PAGE.partition("Addons and keras-contrib\n")[2], re.MULTILINE)
    marked = {name for theirs, _ in rows if theirs.endswith(r"\*") for name in re.findall(r"`([\w.]+)`", theirs)}
    listed = {name.rpartition(".")[2] for theirs, _ in rows for name in re.findall(r"`([\w.]+)`", theirs)}
    assert {name.rpartition(".")[2] for name in _addons.OURS} == {name.rpartition(".")[2] for name in marked}
    assert {name.rpartition(".")[2] for name in [*_addons.OURS, *_addons.STAYS]} <= listed


def test_adamw_decays_as_theirs_once_the_decay_is_divided_by_the_rate():
    found = end_of(optimizers.AdamW(0.01, weight_decay=0.05 / 0.01))
    np.testing.assert_allclose(found, adam(decay=0.05), atol=2e-6)
    assert np.abs(end_of(optimizers.AdamW(0.01, weight_decay=0.05)) - found).max() > 0.1


@pytest.mark.parametrize("alpha, nesterov", [(0.0, False), (0.9, False), (0.9, True)])
def test_sgdw_decays_as_theirs_once_the_decay_is_divided_by_the_rate(alpha, nesterov):
    found = end_of(optimizers.SGD(0.01, momentum=alpha, nesterov=nesterov, weight_decay=0.05 / 0.01))
    np.testing.assert_allclose(found, momentum(0.05, 0.01, alpha, nesterov), atol=2e-6)


def test_lazy_adam_is_adam_where_every_row_has_a_gradient():
    np.testing.assert_allclose(end_of(optimizers.Adam(0.01)), adam(), atol=2e-6)


def test_the_lamb_of_keras_is_theirs_without_decay():
    theirs = oracle.lamb([START], [[g] for g in GRADS], 0.01, beta_1=0.9, beta_2=0.999, delta=1e-6, lam=0.0)
    found = end_of(keras.optimizers.Lamb(0.01, epsilon=1e-6))
    np.testing.assert_allclose(found, theirs[-1][0], atol=2e-6)


CYCLES = {
    "triangular": lambda cycle, k: 1.0,
    "triangular2": lambda cycle, k: 1 / 2.0 ** (cycle - 1),
    "exp_range": lambda cycle, k: 0.999**k,
}


@pytest.mark.parametrize("mode", CYCLES)
def test_a_cyclical_rate_is_that_of_both(mode):
    def theirs(k, low=0.001, high=0.006, half=40.0):
        cycle = math.floor(1 + k / (2 * half))
        height = 0.0 if cycle > 1000 else CYCLES[mode](cycle, k)
        return low + (high - low) * max(0, 1 - abs(k / half - 2 * cycle + 1)) * height

    schedule = schedules.CyclicalLearningRate(0.001, 0.006, 40, mode, 0.999)
    steps = [k for k in STEPS if k <= 10_000]
    np.testing.assert_allclose([schedule(k) for k in steps], [theirs(k) for k in steps], rtol=1e-6)


def test_a_rate_for_each_part_is_that_of_an_optimizer_for_each():
    slow, fast = keras.Variable(START, name="conv_1_kernel"), keras.Variable(START, name="dense_kernel")
    optimizer = optimizers.Adam(0.01, groups=[Group("*conv_1*", learning_rate=0.1)])
    for g in GRADS:
        step(optimizer, [slow, fast], [g, g])
    np.testing.assert_allclose(slow.numpy(), adam(lr=0.001), atol=2e-6)
    np.testing.assert_allclose(fast.numpy(), adam(lr=0.01), atol=2e-6)


def test_the_moving_average_is_theirs_from_the_first_step_on():
    optimizer, variable, average = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9), keras.Variable(START), None
    for g in GRADS:
        step(optimizer, [variable], [g])
        now = variable.numpy().astype("float64")
        average = now if average is None else 0.9 * average + 0.1 * now
    np.testing.assert_allclose(optimizer.averages[0].numpy(), average, atol=1e-6)


@pytest.mark.slow
def test_the_average_of_swa_is_the_mean_of_the_weights_since_its_start():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(optimizers.SGD(0.1), "mse")
    seen = []

    class Weights(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(model.get_weights())

    listed = [Weights(), callbacks.PolyakAveraging(uniform=True, start=4)]
    model.fit(START, START[:, :2], batch_size=2, epochs=4, shuffle=False, verbose=0, callbacks=listed)
    assert len(seen) == 8
    for place, average in enumerate(model.get_weights()):
        np.testing.assert_allclose(average, np.mean([weights[place] for weights in seen[4:]], axis=0), atol=1e-6)


def test_a_deadline_ends_the_training_before_it_and_theirs_after_it():
    history, spent = EpochHistory("loss", {"loss": "min"}), 0.0
    while not stopping.Deadline(9.0).evaluate(history):
        spent += 2.0
        history = history.after(len(history), {"loss": 1.0}, spent)
    assert spent == 8.0


def test_the_rate_of_snapshots_is_theirs_at_the_beginning_of_each_epoch():
    epochs_of_one, steps = 4, 5
    schedule = schedules.CosineDecayRestarts(0.1, steps * epochs_of_one, t_mul=1)
    theirs = [0.1 / 2 * (math.cos(math.pi * (t % epochs_of_one) / epochs_of_one) + 1) for t in range(12)]
    np.testing.assert_allclose([schedule(steps * t) for t in range(12)], theirs, rtol=1e-6, atol=1e-9)

"""Changing the rate on a plateau, by epoch, by schedule: with any optimizer, a schedule in place, and resumed."""

import functools

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, optimizers, schedules
from keras_ch8.callbacks import LearningRateDecay
from keras_ch8.schedules import LinearDecay, ReduceOnPlateau
from tests.callbacks.runs import STEPS, Frames, fit, needs_multi_optimizer, network
from tests.callbacks.test_early_stopping import Remembers, Says, assert_same
from tests.callbacks.test_tensorboard import read, report

FLAT = [5, 4, 4, 4, 4, 4, 4, 4, 4]
OPTIMIZERS = pytest.mark.parametrize(
    "optimizer", [optimizers.SGD, pytest.param(keras.optimizers.SGD, marks=pytest.mark.slow)], ids=["ours", "Keras"]
)


@pytest.mark.broad
@OPTIMIZERS
@pytest.mark.parametrize("start", [0.1, LinearDecay(0.1, 1000)], ids=["number", "schedule"])
def test_the_rate_that_each_step_uses_is_lowered_on_a_plateau(optimizer, start):
    frames = Frames()
    decay = LearningRateDecay(ReduceOnPlateau("x", 0.5, patience=2, mode="min"), logs=True)
    model = network(optimizer(start))
    history = fit(model, [Says(x=FLAT), decay, frames], epochs=7)
    factor = np.repeat([1, 1, 1, 1, 0.5, 0.5, 0.25], STEPS)
    expected = np.full(7 * STEPS, 0.1) if start == 0.1 else 0.1 - 0.099 * np.arange(7 * STEPS) / 1000
    np.testing.assert_allclose(frames.learning_rate, factor * expected, rtol=1e-6)
    assert history["learning_rate"][0] == pytest.approx(0.1 if start == 0.1 else float(start(STEPS)))


@pytest.mark.slow
@pytest.mark.broad
@OPTIMIZERS
@pytest.mark.parametrize("start", [0.1, LinearDecay(0.1, 1000)], ids=["number", "schedule"])
def test_a_function_of_the_epoch_sets_the_rate(optimizer, start):
    frames = Frames()
    fit(network(optimizer(start)), [LearningRateDecay(lambda epoch: 0.3 / (1 + epoch)), frames], epochs=3)
    np.testing.assert_allclose(frames.learning_rate[::STEPS], [0.3, 0.15, 0.1], rtol=1e-6)
    falls = np.diff(frames.learning_rate[:STEPS])
    assert (falls == 0).all() if start == 0.1 else (falls < 0).all()  # within the epoch the schedule continues


@pytest.mark.slow
def test_it_goes_back_to_the_best_weights():
    past, decay = Remembers(), LearningRateDecay(ReduceOnPlateau("x", 0.5, 2, "min", restore_best_weights=True))
    model = network("sgd")
    fit(model, [Says(x=[5, 4, 6, 6]), past, decay], epochs=4)
    assert_same(model.get_weights(), past.weights[1])


@pytest.mark.slow
@pytest.mark.broad(slow=1)
@OPTIMIZERS
@pytest.mark.parametrize("start", [0.1, LinearDecay(0.1, 1000)], ids=["number", "schedule"])
def test_at_the_floor_nothing_is_lowered_any_more(optimizer, start):
    past, decay = (
        Remembers(),
        LearningRateDecay(ReduceOnPlateau("x", 0.1, 1, "min", min_lr=0.01, restore_best_weights=True)),
    )
    model = network(optimizer(start))
    fit(model, [Says(x=FLAT), past, decay], epochs=9)
    assert decay.findings()[0].count("epoch ") == 1
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01, rel=0.06)
    assert not all((a == b).all() for a, b in zip(model.get_weights(), past.weights[1], strict=True))


def step_decay(epoch, drop, every=1):
    return 0.1 * drop ** (epoch // every)


@pytest.mark.broad(slow=2)
@pytest.mark.parametrize(
    "rule",
    [
        functools.partial(step_decay, drop=0.5),
        lambda epoch, *, drop=0.5: step_decay(epoch, drop),
        lambda *arguments: step_decay(arguments[0], 0.5),
        lambda epoch, rate: np.float64(step_decay(epoch, 0.5)),
        lambda epoch: keras.ops.convert_to_tensor(step_decay(epoch, 0.5)),
    ],
)
def test_a_function_may_have_other_parameters(rule):
    history = fit(network("sgd"), [LearningRateDecay(rule, logs=True)], epochs=2)
    assert history["learning_rate"] == pytest.approx([0.1, 0.05])


@pytest.mark.slow
def test_a_rate_of_zero_over_a_schedule_is_no_dead_end():
    rule = [0.1, 0.0, 0.05].__getitem__
    history = fit(network(optimizers.SGD(LinearDecay(0.1, 1000))), [LearningRateDecay(rule, logs=True)], epochs=3)
    assert history["learning_rate"] == pytest.approx([0.1, 0, 0.05], rel=0.01)


@pytest.mark.slow
def test_a_state_before_the_first_fit_and_of_a_number():
    decay, model = LearningRateDecay(lambda epoch, rate: rate / 2), network(optimizers.SGD(0.1))
    assert decay.get_state() == {"rates": [], "asked": None, "watched": None, "changes": []}
    fit(model, [decay], epochs=3)
    again, fresh = LearningRateDecay(lambda epoch, rate: rate), network(optimizers.SGD(0.1))
    again.set_state(decay.get_state())
    fit(fresh, [again], epochs=1)
    assert float(fresh.optimizer.learning_rate) == pytest.approx(0.0125)


@pytest.mark.slow
@needs_multi_optimizer
def test_a_multi_optimizer_has_each_rate_lowered():
    inner = [optimizers.SGD(0.1, name="one"), keras.optimizers.SGD(0.2, name="other")]
    optimizer_map = keras.optimizers.OptimizerMap(inner[0])
    optimizer_map[".*bias"] = inner[1]
    model = network("sgd")
    model.compile(keras.optimizers.MultiOptimizer(optimizer_map), "mse")
    history = fit(model, [Says(x=FLAT), LearningRateDecay(ReduceOnPlateau("x", 0.5, 2, "min"), logs=True)], epochs=5)
    assert [float(o.learning_rate) for o in inner] == pytest.approx([0.05, 0.1])
    assert set(history) >= {"learning_rate_one", "learning_rate_other"}


@pytest.mark.slow
def test_mixed_precision_changes_the_inner_rate():
    model = network(keras.optimizers.LossScaleOptimizer(optimizers.SGD(0.1)), policy="mixed_float16")
    fit(model, [LearningRateDecay(lambda epoch, rate: rate / 2)], epochs=2)
    assert float(model.optimizer.inner_optimizer.learning_rate) == pytest.approx(0.025)


@pytest.mark.slow
def test_tensorboard_shows_the_rate_at_the_step_that_used_it(tmp_path, capsys):
    decay = LearningRateDecay(ReduceOnPlateau("x", 0.5, patience=2, mode="min"), verbose=1)
    fit(network(optimizers.SGD(0.1)), [Says(x=FLAT), decay, callbacks.TensorBoard(tmp_path)], epochs=5)
    points = read(tmp_path)["step/learning_rate"]
    assert dict(points) == pytest.approx({k + 1: 0.1 if k < 4 * STEPS else 0.05 for k in range(5 * STEPS)})
    assert "epoch/learning_rate" not in read(tmp_path)
    assert "stopped improving: epoch 4: from 0.1 to 0.05." in report(tmp_path)
    assert capsys.readouterr().out.count(", epoch 4: from 0.1 to 0.05.") == 1


@pytest.mark.slow
def test_many_fits_trace_no_more_than_one():
    model = network(optimizers.SGD(LinearDecay(0.1, 1000)))
    decay = LearningRateDecay(ReduceOnPlateau("loss", 0.5, 1))
    fit(model, [decay])
    step = model.train_function
    fit(model, [decay])
    assert model.train_function is step


def test_a_quantity_that_is_missing_is_named_and_the_training_goes_on():
    with pytest.warns(UserWarning, match=r"`LearningRateDecay` watches 'val_loss'.*Reported: loss"):
        fit(network("sgd"), [LearningRateDecay(ReduceOnPlateau())])


def an_error_inside(epoch, rate):
    raise TypeError("of the user's own")


BAD = [
    (lambda: LearningRateDecay(0.1), TypeError, r"ReduceOnPlateau.*Received: 0.1 of type float"),
    (lambda: fit(network("sgd"), [LearningRateDecay(lambda epoch: -1.0)]), ValueError, "function gives it.*-1"),
    (lambda: fit(network("sgd"), [LearningRateDecay(an_error_inside)]), TypeError, "of the user's own"),
    (lambda: fit(network("sgd"), [LearningRateDecay(lambda epoch: None)]), ValueError, "function gives it.*None"),
    (
        lambda: LearningRateDecay(LinearDecay(0.1, 9)),
        TypeError,
        "Pass a `LearningRateSchedule` to the optimizer instead",
    ),
    (
        lambda: fit(network(optimizers.SGD(lambda: 0.1)), [LearningRateDecay(ReduceOnPlateau("loss"))]),
        TypeError,
        r"a number or a schedule. Received: the callable .* of SGD",
    ),
    (
        lambda: fit(network(optimizers.SGD(schedules.Warmup(0.1, 5))), [LearningRateDecay(lambda epoch: 0.1)]),
        ValueError,
        "The schedule's rate is 0 at the start of epoch 1",
    ),
]


@pytest.mark.parametrize("act, error, message", BAD)
def test_bad_input_is_refused_with_the_fix(act, error, message):
    with pytest.raises(error, match=message):
        act()


@pytest.mark.slow
def test_a_schedule_that_comes_to_0_in_the_middle_is_a_warning_and_the_training_goes_on():
    model = network(optimizers.SGD(schedules.LinearDecay(0.1, 2 * STEPS, end_learning_rate=0.0)))
    with pytest.warns(UserWarning, match="The schedule's rate is 0 at the start of epoch 3"):
        fit(model, [LearningRateDecay(lambda epoch: 0.1 / (1 + epoch))], epochs=3)
    assert int(model.optimizer.iterations) == 3 * STEPS

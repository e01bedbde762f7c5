"""The rate that `fit` really uses at each step, lengths in epochs, batches and percent, and what stays untouched."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import integration, optimizers
from keras_ch8.schedules import CosineDecay, LinearDecay, ScaledSchedule, SequentialSchedule, Warmup
from tests.callbacks.runs import STEPS, Frames, X, Y, needs_multi_optimizer, network
from tests.callbacks.runs import fit as fit_six_steps

LONG = np.tile(X[:, :], (18, 1))[:860], np.tile(Y, (18, 1))[:860]


def fit_long(model, callbacks=(), epochs=3, **options):
    """Run epochs of 43 steps."""
    return model.fit(*LONG, batch_size=20, epochs=epochs, verbose=0, callbacks=list(callbacks), **options)


@pytest.mark.broad
@pytest.mark.parametrize("steps_per_execution", [1, 10, 43])
@pytest.mark.parametrize("optimizer", [optimizers.SGD, keras.optimizers.SGD], ids=["ours", "Keras"])
def test_the_rate_of_each_step_is_the_law(optimizer, steps_per_execution):
    frames = Frames()
    model = network(optimizer(LinearDecay(0.1, 100, 0.001)), steps_per_execution=steps_per_execution)
    fit_long(model, [frames])
    k = np.arange(3 * 43)
    np.testing.assert_array_equal(frames.steps, k + 1)
    expected = 0.1 + np.minimum(k / 100, 1) * (0.001 - 0.1)
    np.testing.assert_allclose(frames.learning_rate, expected, rtol=1e-6)


@pytest.mark.slow
def test_a_second_fit_resolves_anew_and_traces_nothing_anew():
    model = network(optimizers.SGD(SequentialSchedule([Warmup(0.1, "50%"), CosineDecay(0.1, "50%")], ["50%"])))
    fit_six_steps(model, [])
    traces = model.optimizer.learning_rate, model.train_function
    schedule = model.optimizer._learning_rate
    assert float(schedule.steps("boundaries[0]")) == STEPS  # 2 epochs
    fit_six_steps(model, [], epochs=8)
    assert model.train_function is traces[1]
    assert float(schedule.steps("boundaries[0]")) == (2 + 8) * STEPS / 2  # of the steps from the first to the last
    fit_six_steps(model, [], epochs=12, initial_epoch=10)
    assert float(schedule.steps("boundaries[0]")) == 12 * STEPS / 2  # a resumed training: the same as uninterrupted


@pytest.mark.slow
def test_a_training_that_is_saved_and_resumed_takes_the_same_rates(tmp_path):
    def rates(model, **options):
        frames = Frames()
        fit_six_steps(model, [frames], epochs=4, **options)
        return frames.learning_rate

    whole = rates(network(optimizers.Adam(CosineDecay(0.1))))
    model = network(optimizers.Adam(CosineDecay(0.1)))

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    fit_six_steps(model, [Interrupt()], epochs=4)
    model.save(tmp_path / "m.keras")
    resumed = rates(keras.models.load_model(tmp_path / "m.keras"), initial_epoch=2)
    np.testing.assert_array_equal(resumed, whole[2 * STEPS :])


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("optimizer", [optimizers.SGD, keras.optimizers.SGD])
def test_an_epoch_is_an_epoch_under_gradient_accumulation(optimizer):
    """Ours counts updates, Keras's optimizer micro-steps; either way the rate has decayed after one epoch."""
    model = network(optimizer(LinearDecay(0.1, "1ep"), gradient_accumulation_steps=3))
    fit_six_steps(model, [], epochs=1)
    assert float(model.optimizer._learning_rate.steps("decay_steps")) == (2 if optimizer is optimizers.SGD else 6)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.001)
    batches = network(optimizers.SGD(LinearDecay(0.1, "6ba"), gradient_accumulation_steps=3))
    fit_six_steps(batches, [], epochs=1)
    assert float(batches.optimizer.learning_rate) == pytest.approx(0.001)


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        "list",
        "CallbackList",
        "mixed_float16",
        *(pytest.param(h, marks=pytest.mark.slow) for h in ("one", "positional")),
    ],
)
def test_fit_resolves_however_it_is_called(how):
    policy = "mixed_float16" if how == "mixed_float16" else "float32"
    model = network(optimizers.SGD(LinearDecay(0.1, "1ep")), policy=policy)
    other = keras.callbacks.LambdaCallback()
    if how == "positional":
        model.fit(X, Y, 8, 1, 0, [other])
    else:
        given = {"list": [other], "one": other, "mixed_float16": None}.get(how)
        if how == "CallbackList":
            given = keras.callbacks.CallbackList([other], model=model, add_history=True, epochs=1, steps=STEPS)
        model.fit(X, Y, batch_size=8, verbose=0, callbacks=given)
    inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    assert float(inner._learning_rate.steps("decay_steps")) == STEPS


@pytest.mark.slow
@needs_multi_optimizer
def test_the_scaled_schedule_of_a_multi_optimizer_is_resolved():
    inner = optimizers.SGD(ScaledSchedule(LinearDecay(0.1, "1ep"), 0.5))
    model = network("sgd")
    multi = keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(inner))
    model.compile(multi, "mse")
    fit_six_steps(model, [], epochs=1)
    assert float(inner.learning_rate) == pytest.approx(0.0005)


@pytest.mark.slow
def test_an_unknown_length_of_epoch_is_an_error_with_the_fix():
    data = tf.data.Dataset.from_generator(
        lambda: zip(X, Y, strict=True), output_signature=(tf.TensorSpec((6,)), tf.TensorSpec((2,)))
    ).batch(8)
    model = network(optimizers.SGD(LinearDecay(0.1, "2ep")))
    with pytest.raises(ValueError, match=r"the length of an epoch is unknown.*Pass `steps_per_epoch` to `fit`"):
        model.fit(data, verbose=0, shuffle=False)
    model.fit(data.repeat(), steps_per_epoch=6, verbose=0, shuffle=False)
    assert float(model.optimizer._learning_rate.steps("decay_steps")) == 12


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [optimizers.SGD, keras.optimizers.SGD])
def test_a_rate_that_is_not_known_yet_can_be_replaced(optimizer):
    model = network(optimizer(LinearDecay(0.1, "2ep")))
    with pytest.raises(ValueError, match="unknown in steps before `fit` has begun"):
        _ = model.optimizer.learning_rate
    model.optimizer.learning_rate = ScaledSchedule(LinearDecay(0.2, "1ep"))
    fit_six_steps(model, [], epochs=1)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.002)


@pytest.mark.slow
def test_a_schedule_in_steps_asks_for_nothing_and_one_in_epochs_for_the_hook_around_fit():
    integration.uninstall()
    model = network(optimizers.SGD(LinearDecay(0.1, 10)))  # in steps
    assert [hook.replaces for hook in integration.hooks()] == []
    LinearDecay(0.1)
    LinearDecay(0.1)
    assert [hook.replaces for hook in integration.hooks()] == ["keras.Model.fit"]
    fit_six_steps(model, [])
    seen = []
    spy = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: seen.append(1))
    network("sgd").fit(X, Y, callbacks=spy, verbose=0)
    assert seen == [1]

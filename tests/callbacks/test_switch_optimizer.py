"""Another optimizer from some epoch on."""

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_ch8 import callbacks, optimizers
from tests.marks import mostly

X = np.random.default_rng(0).normal(size=(64, 3))
Y = np.tanh(X @ [1.0, 2.0, 3.0])


def compiled(optimizer):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


def fit(model, *members, epochs=12):
    return model.fit(X, Y, batch_size=64, epochs=epochs, callbacks=list(members), verbose=0).history["loss"]


@pytest.mark.slow
@pytest.mark.parametrize("start", mostly(pytest.mark.full, [4, "4ep", "4ba"], "4ep"))
def test_before_it_is_time_nothing_is_different_and_then_the_new_one_trains(start):
    alone, both = compiled(optimizers.Adam()), compiled(optimizers.Adam())
    both.set_weights(alone.get_weights())
    expected = fit(alone, epochs=4)
    seen = fit(both, callbacks.SwitchOptimizer(start, to=optimizers.SGD(0.0)))
    assert seen[:4] == expected
    assert seen[4:] == [seen[4]] * 8  # its rate is 0
    assert seen[4] != seen[3]


@pytest.mark.slow
def test_adam_then_lbfgs_in_one_run_of_tensorboard_that_is_saved_with_the_second(tmp_path):
    model = compiled(keras.optimizers.Adam())
    switch = callbacks.SwitchOptimizer(to=optimizers.LBFGS())
    loss = fit(model, switch, callbacks.TensorBoard(tmp_path / "logs"), epochs=40)
    assert loss[-1] < loss[19] / 100
    run = EventAccumulator(str(tmp_path / "logs" / "optimization")).Reload()
    assert [event.step for event in run.Scalars("step/loss")] == list(range(1, 41))
    assert [event.step for event in run.Scalars("step/solver_step_length")] == list(range(21, 41))
    assert switch.findings() == [f"The training ended with the optimizer {switch.to.name!r}."]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, optimizers.LBFGS)
    assert fit(loaded, epochs=2) == fit(model, epochs=2)


@pytest.mark.slow
def test_a_training_that_ends_before_says_so():
    switch = callbacks.SwitchOptimizer("50ep", to="sgd")
    fit(compiled("adam"), switch, epochs=2)
    (finding,) = switch.findings()
    assert finding == f"The optimizer was not switched to {switch.to.name!r}: the training ended before."


@pytest.mark.parametrize(
    "to, reason",
    [
        (optimizers.Newton(max_parameters=20), r"`Newton` .* at most 20 parameters. Received: 21."),
        (optimizers.LevenbergMarquardt(), r"`LevenbergMarquardt` .*Received: the loss 'mae'"),
        (optimizers.LBFGS(accumulate_batches=True), r"Received: steps_per_execution=1"),
    ],
)
def test_what_the_other_optimizer_cannot_train_is_refused_before_the_first_step(to, reason):
    model = compiled("sgd")
    model.compile("sgd", "mae")
    with pytest.raises(ValueError, match=reason):
        fit(model, callbacks.SwitchOptimizer(to=to))
    assert int(model.optimizer.iterations.numpy()) == 0
    assert not to.built


@pytest.mark.slow
def test_an_optimizer_that_another_model_has_used_is_refused_before_the_first_step():
    switch = callbacks.SwitchOptimizer("1ep", to=optimizers.LBFGS())
    fit(compiled("sgd"), switch)
    model = compiled("sgd")
    with pytest.raises(ValueError, match=r"for the weights that it was built with\. Received: .*Compile .* a new opt"):
        fit(model, switch)
    assert int(model.optimizer.iterations.numpy()) == 0


@pytest.mark.slow
def test_the_other_optimizer_may_accumulate_gradients():
    to = optimizers.SGD(0.1, gradient_accumulation_steps=2)
    fit(compiled("sgd"), callbacks.SwitchOptimizer("4ep", to=to))
    assert int(to.iterations.numpy()) == 4 + 8 // 2


def test_batches_need_an_epoch_of_known_length():
    def batches():
        for _ in range(4):
            yield np.ones((8, 3), "float32"), np.ones((8, 1), "float32")

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    switch = callbacks.SwitchOptimizer("4ba", to="sgd")
    with pytest.raises(ValueError, match="length of an epoch is unknown"):
        model.fit(batches(), epochs=2, shuffle=False, callbacks=[switch], verbose=0)


@pytest.mark.slow
def test_a_loss_that_is_scaled_for_float16_stays_so():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = compiled(keras.optimizers.Adam())
    finally:
        keras.config.set_dtype_policy(before)
    with pytest.raises(ValueError, match=r"scaled for float16.*Received: to=SGD.*LossScaleOptimizer"):
        fit(model, callbacks.SwitchOptimizer("1ep", to="sgd"), epochs=2)
    assert int(model.optimizer.iterations.numpy()) == 0
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))
    switch = callbacks.SwitchOptimizer("1ep", to=scaled)
    fit(model, switch, epochs=2)
    assert model.optimizer is scaled
    steps = int(scaled.iterations.numpy())
    assert steps > 0
    fit(model, switch, epochs=1)  # the model has it already
    assert int(scaled.iterations.numpy()) == steps + steps // 2

"""The x axis of every curve is the number of batches that the model has been trained on, whatever happens between."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8 import callbacks, extend, optimizers
from tests import forked
from tests.board import readers
from tests.callbacks.runs import BATCH, STEPS, Frames, X, Y, network
from tests.callbacks.runs import fit as fit_six_steps
from tests.marks import mostly
from tests.small_callbacks import Dies

EPOCH = list(range(1, STEPS + 1))


def train(model, folder, *others, epochs=1, data=None, **options):
    data = {"x": X, "y": Y, "batch_size": BATCH} if data is None else {"x": data}
    watching = [callbacks.TensorBoard(folder, measure_every=1), *others]
    return model.fit(**data, epochs=epochs, verbose=0, shuffle=False, callbacks=watching, **options).history


def curves(folder):
    """The curves of the only run, all of whose steps go strictly forward, steps by tag."""
    with readers.python_loader(folder) as board:
        assert board.runs() == {"optimization"}
        found = {tag: [step for step, _ in points] for tag, points in board.scalars().items()}
    for tag, steps in found.items():
        assert steps == sorted(set(steps)), tag
    return found


def batches():
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH)


def of_unknown_length():
    return batches().filter(lambda x, y: True)


RAN_OUT = pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")
"""Keras's word on data of unknown length."""


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@RAN_OUT
@pytest.mark.parametrize("steps_per_execution", [1, 4])
@pytest.mark.parametrize("data", [batches, pytest.param(of_unknown_length, marks=pytest.mark.slow)])
@pytest.mark.parametrize("make", [keras.optimizers.SGD, pytest.param(optimizers.SGD, marks=pytest.mark.slow)])
def test_several_batches_in_an_execution(tmp_path, make, data, steps_per_execution):
    model = network(make(0.1), steps_per_execution=steps_per_execution)
    train(model, tmp_path, data=data(), epochs=2)
    found = curves(tmp_path)
    both = [*range(1, 2 * STEPS + 1)]
    assert found["step/gradient_norm"] == found["step/loss"] == found["step/update_norm"] == both
    assert found["epoch/loss"] == [STEPS, 2 * STEPS]


@pytest.mark.broad
@pytest.mark.parametrize("make", [keras.optimizers.SGD, optimizers.SGD])
def test_accumulation(tmp_path, make):
    train(network(make(0.1, gradient_accumulation_steps=3)), tmp_path, epochs=2)
    found = curves(tmp_path)
    assert found["epoch/loss"] == [STEPS, 2 * STEPS]
    assert found["step/gradient_norm"][-1] == 2 * STEPS
    assert set(found["step/gradient_norm"]) <= set(range(1, 2 * STEPS + 1))


@pytest.mark.slow
def test_several_iterations_in_a_batch(tmp_path):
    frames = Frames()
    model = network(optimizers.LBFGS(iterations_per_step=3))
    train(model, tmp_path, frames, epochs=4, data=tf.data.Dataset.from_tensors((X, Y)))
    found = curves(tmp_path)
    assert found["epoch/loss"] == found["step/gradient_norm"] == [1, 2, 3, 4]
    assert len(frames.norm) == int(model.optimizer.iterations.numpy()) == 3 * 4


@pytest.mark.slow
def test_a_model_without_trainable_weights(tmp_path):
    model = network("sgd", run_eagerly=True)
    model.trainable = False
    for epochs in (2, 1):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The model does not have any trainable weights", UserWarning)
            train(model, tmp_path, epochs=epochs)
    assert curves(tmp_path)["epoch/loss"] == [STEPS, 2 * STEPS, 3 * STEPS]


class Pair(keras.Model):
    """Takes five steps with one optimizer and one with the other for each batch."""

    def __init__(self):
        super().__init__()
        self.first, self.second = keras.layers.Dense(2), keras.layers.Dense(2)
        self.often, self.seldom = keras.optimizers.SGD(0.01), optimizers.SGD(0.01)

    def train_step(self, data):
        x, y = data
        for optimizer, layer, times in ((self.often, self.first, 5), (self.seldom, self.second, 1)):
            for _ in range(times):
                with tf.GradientTape() as tape:
                    loss = keras.ops.mean((layer(x) - y) ** 2)
                optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)
        return {"loss": loss}


@pytest.mark.slow
def test_no_row_is_lost_where_an_optimizer_steps_five_times_a_batch(tmp_path):
    class Counts(extend.Callback):
        steps = {"often": [], "seldom": []}  # noqa: RUF012

        def on_telemetry(self, frames, logs):
            for name, frame in frames.items():
                self.steps[name] += [*frame.steps]

    keras.utils.set_random_seed(0)
    model, counts = Pair(), Counts()
    model.compile()
    train(model, tmp_path, counts, data=batches().repeat(100))
    assert len(counts.steps["often"]) == 5 * 600
    assert len(counts.steps["seldom"]) == 600
    assert sorted(set(counts.steps["often"])) == counts.steps["seldom"] == [*range(1, 601)]
    assert curves(tmp_path)["step/often/gradient_norm"][-1] <= 600


# --- several trainings of one model ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("make", mostly(pytest.mark.full, [keras.optimizers.SGD, optimizers.SGD], optimizers.SGD))
def test_the_axis_goes_on_in_the_same_folder_over_all_that_trains_the_model(tmp_path, make):
    model = network(make(0.1))
    expected = []

    def watched(first):
        train(model, tmp_path)
        expected.extend(range(first, first + STEPS))
        assert curves(tmp_path)["step/gradient_norm"] == expected

    watched(1)
    watched(7)  # with fresh callbacks
    model.fit(X, Y, batch_size=BATCH, verbose=0)
    watched(19)
    model.train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    watched(27)
    model.compile(make(0.1), "mse")
    watched(33)
    train(model, tmp_path, initial_epoch=7, epochs=8)  # what is known of the model counts
    expected.extend(range(39, 45))
    assert curves(tmp_path)["step/gradient_norm"] == expected


@pytest.mark.slow
def test_a_model_that_nothing_is_known_of_begins_at_initial_epoch(tmp_path):
    train(network(keras.optimizers.SGD(0.1), run_eagerly=True), tmp_path, initial_epoch=3, epochs=4)
    found = curves(tmp_path)
    assert found["step/gradient_norm"] == [*range(3 * STEPS + 1, 4 * STEPS + 1)]
    assert found["epoch/loss"] == [4 * STEPS]


@pytest.mark.slow
@pytest.mark.parametrize("make", mostly(pytest.mark.full, [keras.optimizers.SGD, optimizers.SGD], optimizers.SGD))
def test_a_training_that_is_restored_after_an_interruption_goes_on(tmp_path, make):
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        train(network(make(0.1)), tmp_path / "logs", backup, Dies("on_epoch_begin", 3), epochs=4)
    assert curves(tmp_path / "logs")["step/gradient_norm"] == [*range(1, 13)]
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    train(network(make(0.1)), tmp_path / "logs", backup, epochs=4)
    found = curves(tmp_path / "logs")
    assert found["step/gradient_norm"] == [*range(1, 25)]
    assert found["epoch/loss"] == [6, 12, 18, 24]


def train_and_save(folder, path, is_new):
    make = keras.optimizers.Adam if is_new else None
    model = network(make()) if is_new else keras.models.load_model(path)
    train(model, folder, epochs=2)
    model.save(path)
    return float(model.evaluate(X, Y, verbose=0))


@pytest.mark.slow
def test_a_model_that_is_loaded_in_another_process_goes_on(tmp_path):
    path = tmp_path / "model.keras"
    forked.call(train_and_save, tmp_path / "logs", path, True)
    forked.call(train_and_save, tmp_path / "logs", path, False)
    found = curves(tmp_path / "logs")
    assert found["step/gradient_norm"] == [*range(1, 4 * STEPS + 1)]
    assert found["epoch/loss"] == [6, 12, 18, 24]


@pytest.mark.slow
def test_the_axis_is_that_of_examples_that_were_trained_on(tmp_path):
    """The loss at step k is that of the k-th batch: numbers and places belong together."""
    model = network(keras.optimizers.SGD(0.0), steps_per_execution=4, run_eagerly=True)
    train(model, tmp_path)
    expected = [np.mean((model(X[i : i + BATCH]) - Y[i : i + BATCH]) ** 2) for i in range(0, len(X), BATCH)]
    with readers.python_loader(tmp_path) as board:
        steps, losses = zip(*board.scalars()["step/loss"], strict=True)
    assert [*steps] == EPOCH
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


# --- what a review found -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_loop_over_several_models_or_with_a_restored_optimizer_goes_on():
    model, optimizer = network("sgd"), keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)
    optimizer.iterations.assign(1000)
    firsts = []
    for _ in range(2):
        seen = Frames()
        with keras_ch8.Doctor(None).watch([model], optimizer, callbacks=[seen], steps=1) as run:
            for _ in range(3):
                gradients = [keras.ops.ones(v.shape) for v in model.trainable_variables]
                optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
                run.step()
        assert run.steps == 3
        firsts.append((int(seen.frames[0].steps[0]), int(seen.frames[-1].steps[-1])))
    assert firsts == [(1001, 1003), (1004, 1006)]


@pytest.mark.slow
def test_where_the_optimizer_is_put_back_so_is_the_axis_and_a_new_optimizer_leaves_it():
    model = network(keras.optimizers.SGD(0.1), run_eagerly=True)
    begun = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]

    def steps_of_a_training():
        seen = Frames()
        fit_six_steps(model, [seen], epochs=1)
        return [int(step) for step in seen.steps]

    def put_back():
        for variable, value in zip((*model.variables, *model.optimizer.variables), begun, strict=False):
            variable.assign(value)

    assert steps_of_a_training() == EPOCH
    put_back()
    assert steps_of_a_training() == EPOCH
    fit_six_steps(model, [], epochs=1)  # which nobody watches
    put_back()
    fit_six_steps(model, [], epochs=2)
    assert steps_of_a_training() == [*range(2 * STEPS + 1, 3 * STEPS + 1)]
    model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    assert steps_of_a_training() == [*range(3 * STEPS + 1, 4 * STEPS + 1)]

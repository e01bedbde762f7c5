"""Callbacks around an optimizer of section 8.6: a row for each iteration, with what a tape finds there."""

import csv
import itertools
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks
from keras_ch8 import optimizers as ours
from keras_ch8.telemetry.solver_log import SOLVER_NUMBERS, SolverLog
from tests.board.readers import python_loader
from tests.callbacks.runs import Frames, X, Y, length, network
from tests.marks import mostly

STEPS = 6
VALIDATION = X[:16] + 0.5, Y[:16]


class Weights(keras.callbacks.Callback):
    """Keeps the weights before the training and after each epoch."""

    def on_train_begin(self, logs=None):
        self.kept = [self.model.get_weights()]

    def on_epoch_end(self, epoch, logs=None):
        self.kept.append(self.model.get_weights())


def fit(model, listed, epochs=STEPS, **options):
    options = {"batch_size": len(X), "shuffle": False, "verbose": 0} | options
    return model.fit(X, Y, epochs=epochs, callbacks=listed, **options).history


def by_tape(weights):
    """Return loss and gradients of the network at these weights."""
    model = network("sgd")
    model.set_weights(weights)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(X) - Y))
    return float(loss), [g.numpy() for g in tape.gradient(loss, [v.value for v in model.trainable_variables])]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A training with Keras's callbacks and ours around it, which Keras's `EarlyStopping` ends after STEPS epochs."""
    folder = tmp_path_factory.mktemp("watched")
    model, weights, frames = network(ours.LBFGS()), Weights(), Frames()
    listed = [
        weights,
        keras.callbacks.ModelCheckpoint(folder / "best.keras", monitor="loss", save_best_only=True),
        keras.callbacks.CSVLogger(folder / "log.csv"),
        keras.callbacks.EarlyStopping(
            "loss", mode="max", patience=2, start_from_epoch=STEPS - 3, restore_best_weights=True
        ),
        callbacks.EarlyStopping("val_loss", mode="max", patience=50),
        callbacks.TensorBoard(folder),
        frames,
    ]
    history = fit(model, listed, epochs=50, validation_data=VALIDATION)
    with python_loader(folder) as board:
        scalars = board.scalars()
    return SimpleNamespace(**locals())


@pytest.mark.slow
def test_the_row_of_each_iteration_is_what_a_tape_finds(watched):
    frames, kept = watched.frames, watched.weights.kept
    looks = [by_tape(weights) for weights in kept[:-1]]
    np.testing.assert_array_equal(frames.steps, np.arange(1, STEPS + 1))
    np.testing.assert_array_equal(frames.measured, frames.steps)
    np.testing.assert_allclose(frames.loss, [loss for loss, _ in looks], rtol=2e-6)
    np.testing.assert_allclose(frames.norm, [length(g) for _, g in looks], rtol=1e-5)
    moved = [length([a - b for a, b in zip(*pair, strict=True)]) for pair in itertools.pairwise(kept)]
    # The weights are rounded, and their difference is the shorter.
    np.testing.assert_allclose(frames.update, moved, rtol=1e-4)
    assert np.isnan(frames.learning_rate).all()
    assert not watched.model.optimizer.telemetry.listening


@pytest.mark.slow
def test_the_first_direction_is_minus_the_gradient_and_the_slopes_are_downhill(watched):
    numbers = watched.frames.frames[0].numbers
    assert set(SOLVER_NUMBERS) <= numbers.keys()
    numbers = {name: np.concatenate([f.numbers[name] for f in watched.frames.frames]) for name in SOLVER_NUMBERS}
    np.testing.assert_allclose(numbers["slope"][0], -(watched.frames.norm[0] ** 2), rtol=1e-5)
    np.testing.assert_allclose(watched.frames.update[0], numbers["step_length"][0] * watched.frames.norm[0], rtol=1e-4)
    assert (numbers["slope"] < 0).all()
    assert (numbers["evaluations"] >= 1).all()
    assert not numbers["products"].any()
    assert not numbers["restarted"].any()


@pytest.mark.slow
def test_tensorboard_shows_a_point_for_each_iteration(watched):
    steps = list(range(1, STEPS + 1))
    frames, scalars = watched.frames, watched.scalars
    shown = {"step/loss": frames.loss, "step/gradient_norm": frames.norm, "step/update_norm": frames.update}
    for name in SOLVER_NUMBERS:
        shown[f"step/solver_{name}"] = np.concatenate([f.numbers[name] for f in frames.frames])
    for tag, values in shown.items():
        assert [step for step, _ in scalars[tag]] == steps, tag
        np.testing.assert_allclose([value for _, value in scalars[tag]], values, rtol=1e-7, err_msg=tag)
    assert "step/learning_rate" not in scalars
    assert [step for step, _ in scalars["epoch/val_loss"]] == steps


@pytest.mark.slow
def test_callbacks_of_keras_find_what_they_are_used_to(watched):
    model, history, kept = watched.model, watched.history, watched.weights.kept
    assert len(history["loss"]) == STEPS
    for value, best in zip(model.get_weights(), kept[STEPS - 2], strict=True):
        np.testing.assert_array_equal(value, best)
    with open(watched.folder / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == history["loss"]
    assert [float(row["val_loss"]) for row in rows] == history["val_loss"]
    np.testing.assert_allclose(
        history["val_loss"][STEPS - 3], model.evaluate(*VALIDATION, batch_size=len(X), verbose=0), rtol=2e-6
    )
    checkpoint = keras.models.load_model(watched.folder / "best.keras")
    for value, last in zip(checkpoint.get_weights(), kept[-1], strict=True):
        np.testing.assert_array_equal(value, last)
    for variable, kept_one in zip(checkpoint.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), kept_one.numpy(), err_msg=variable.path)


METHODS = ["Newton", "TruncatedNewton", "LevenbergMarquardt"]


def test_the_ring_keeps_the_last_iterations():
    log = SolverLog()
    log.listen(5, ("step_length", "mine"))

    def point(k):
        x = keras.ops.array([3.0 * k, 4.0 * k, 0.0])
        return SimpleNamespace(x=x, value=keras.ops.array(10.0 * k), gradient=x)

    through = log.begin(tf.constant(0, "int64"))
    for k in range(11):
        info = SimpleNamespace(
            step=k, slope=0, evaluations=0, products=0, restarted=False, skipped=False, numbers={"mine": -k}
        )
        through = log.add(through, point(k), point(k + 1), info)
    log.end(through)
    frame = log.read(1, 11)
    np.testing.assert_array_equal(frame.steps, np.arange(4, 12))
    np.testing.assert_array_equal(frame.loss, 10.0 * np.arange(3, 11))
    np.testing.assert_array_equal(frame.norm, 5.0 * np.arange(3, 11))
    np.testing.assert_array_equal(frame.update, 5.0)
    np.testing.assert_array_equal(frame.numbers["step_length"], np.arange(3, 11))
    np.testing.assert_array_equal(frame.numbers["mine"], -np.arange(3, 11))


@pytest.mark.slow
@pytest.mark.parametrize("name", mostly(pytest.mark.full, METHODS, METHODS[2]))
def test_the_numbers_of_every_kind_of_method_are_shown_however_many_iterations_a_step_makes(name, tmp_path):
    model = network(getattr(ours, name)(iterations_per_step=3))
    fit(model, [callbacks.TensorBoard(tmp_path)], epochs=2)
    with python_loader(tmp_path) as board:
        for number in (*SOLVER_NUMBERS, *model.optimizer.method.numbers):
            assert board.steps(f"step/solver_{number}") == [1, 2], number  # batches, each the mean over its iterations


@pytest.mark.full
def test_many_fits_trace_once_more_and_a_bare_one_is_as_before():
    model = network(ours.LBFGS())
    fit(model, [])
    variables, bare = len(model.optimizer.variables), model.train_function
    for _ in range(3):
        fit(model, [Frames()])
        assert model.train_function is bare
        fit(model, [])
    assert len(model.optimizer.variables) == variables
    assert [p.experimental_get_tracing_count() for p in model.optimizer.programs.values()] == [1, 1]


@pytest.mark.slow
def test_a_diagnosis_looks_at_the_model_and_leaves_the_path_as_it_is():
    alone, watched = network(ours.LBFGS()), network(ours.LBFGS())
    expected = fit(alone, [], epochs=8)["loss"]
    diagnosis = callbacks.Diagnosis((X, Y), measure_every=2, budget=None)
    found = fit(watched, [diagnosis, Frames()], epochs=8)["loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)

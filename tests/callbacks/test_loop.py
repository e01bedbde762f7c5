"""`Doctor.watch`: a loop of one's own has the curves and verdicts of `fit`, and nothing is left on the optimizers."""

import os
import re
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8 import callbacks, optimizers
from keras_ch8.integration import fit as integration_fit
from tests.board.readers import python_loader
from tests.callbacks.runs import BATCH, STEPS, X, Y, by_hand, length, network

MSE = keras.losses.MeanSquaredError()


def curves(log_dir):
    with python_loader(log_dir) as board:
        return {tag: list(zip(*points, strict=True)) for tag, points in board.scalars().items()}


def steps_of(found, tag):
    return [int(step) for step in found[tag][0]]


def batches(epochs=2):
    return [(X[i : i + BATCH], Y[i : i + BATCH]) for _ in range(epochs) for i in range(0, STEPS * BATCH, BATCH)]


def train(model, optimizer, run, in_graph, data):
    """The loop of Keras's guide."""

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        if run is not None:
            run.step(loss=loss)
        return loss

    step = tf.function(step) if in_graph else step
    return [float(step(x, y)) for x, y in data]


MAKERS = {"ours": lambda: optimizers.SGD(0.1), "Keras's": lambda: keras.optimizers.SGD(0.1)}


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("in_graph", [True, False], ids=["graph", "eager"])
@pytest.mark.parametrize("whose", MAKERS)
def test_a_loop_is_as_without_and_its_curves_are_what_happened(whose, in_graph, tmp_path):
    bare, watched = network("sgd"), network("sgd")
    alone = MAKERS[whose]()
    expected = train(bare, alone, None, in_graph, batches())
    optimizer = MAKERS[whose]()
    with keras_ch8.Doctor(tmp_path, (X, Y)).watch(watched, optimizer, loss=MSE) as run:
        losses = train(watched, optimizer, run, in_graph, batches())
    assert losses == expected
    for a, b in zip(bare.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert run.steps == 2 * STEPS
    known, found = by_hand(0.1), curves(tmp_path)
    for tag in ("step/loss", "step/gradient_norm", "step/learning_rate"):
        assert steps_of(found, tag) == list(range(1, 2 * STEPS + 1)), tag
    np.testing.assert_allclose(found["step/loss"][1], known["loss"], rtol=1e-5)
    np.testing.assert_allclose(found["step/gradient_norm"][1], known["norm"], rtol=1e-5)
    assert found["step/weight_norm"][1][-1] == pytest.approx(length(watched.get_weights()), rel=1e-6)
    assert "diagnosis/gradient_norm" in found
    assert {verdict.kind for verdict in run.diagnosis.verdicts} >= {"nonfinite", "cliff"}
    assert set(vars(optimizer)) == set(vars(alone))
    assert integration_fit.running() == ()


@pytest.mark.slow
def test_a_long_loop_loses_no_step_and_a_second_one_goes_on(tmp_path):
    model, optimizer = network("sgd"), keras.optimizers.SGD(0.01)
    for _ in range(2):
        with keras_ch8.Doctor(tmp_path).watch(model, optimizer, steps=1200) as run:
            train(model, optimizer, run, True, batches(100))
    found = curves(tmp_path)
    norm = steps_of(found, "step/gradient_norm")
    assert norm == sorted(set(norm))
    assert norm[-1] == 1200
    assert len(norm) == 600  # windows of two steps, none missing
    assert steps_of(found, "step/loss") == norm


@pytest.mark.slow
def test_whatever_ends_the_loop_nothing_is_left_and_what_happened_is_written(tmp_path):
    model, optimizer = network("sgd"), keras.optimizers.SGD(0.1)

    def dies():
        with keras_ch8.Doctor(tmp_path).watch(model, optimizer) as run:
            train(model, optimizer, run, True, batches(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dies()
    assert not {"apply", "scale_loss"} & set(vars(optimizer))
    assert integration_fit.running() == ()
    assert steps_of(curves(tmp_path), "step/gradient_norm") == list(range(1, STEPS + 1))


def test_a_function_that_xla_compiles_is_stepped_after_it():
    model, optimizer = network("sgd"), optimizers.SGD(0.1)
    with keras_ch8.Doctor(None).watch(model, optimizer) as run:

        @tf.function(jit_compile=True)
        def inside(x):
            run.step(loss=tf.reduce_sum(x))

        with pytest.raises(ValueError, match=r"jit_compile=True cannot.*call `run.step\(loss=loss\)` after it"):
            inside(tf.ones(1))


@pytest.mark.parametrize("wrong", ["sgd", 3, [keras.optimizers.SGD(), 3]])
def test_what_is_no_optimizer_is_refused(wrong):
    with pytest.raises(TypeError, match=r"`optimizers` must be a Keras optimizer, a list or a dict.*Received"):
        keras_ch8.Doctor(None).watch(network("sgd"), wrong)


@pytest.mark.slow
def test_after_the_block_a_function_that_was_traced_inside_it_tells_nobody():
    model, optimizer = network("sgd"), keras.optimizers.SGD(0.01)
    with keras_ch8.Doctor(None, (X, Y)).watch(model, optimizer, loss=MSE) as run:

        @tf.function
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(model(x) - y))
            variables = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            run.step(loss=loss)

        for x, y in batches(1):
            step(x, y)
    verdicts, seen = run.diagnosis.verdicts, optimizer.iterations.numpy()
    for x, y in batches(20):
        step(x, y)
    assert optimizer.iterations.numpy() == seen + 20 * STEPS  # the loop itself continues
    assert run.diagnosis.verdicts == verdicts


def test_loops_may_end_in_any_order():
    def watched():
        with keras_ch8.Doctor(None).watch(network("sgd"), keras.optimizers.SGD()):
            yield

    first, second = watched(), watched()
    next(first), next(second)
    first.close()
    second.close()
    assert integration_fit.running() == ()


def test_several_models_have_no_probe_in_common():
    with pytest.raises(ValueError, match=r"loss of a single model.*Received: a list of models and a probe"):
        keras_ch8.Doctor(None, (X, Y)).watch([network("sgd")], keras.optimizers.SGD())


@pytest.mark.slow
def test_a_loss_that_comes_to_zero_is_judged_like_any_other():
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(0.3)
    looks = callbacks.Diagnosis((x, 0 * x[:, :1]), measure_every=5, budget=None, loss=MSE)  # on a busy machine too
    with keras_ch8.Doctor(None).watch(model, optimizer, steps=300, callbacks=[looks]) as run:
        losses = train(model, optimizer, run, True, [(x, 0 * x[:, :1])] * 300)
    assert losses[-1] == 0
    assert {verdict.kind for verdict in run.diagnosis.verdicts} >= {"step_too_long", "step_too_short"}


@pytest.mark.slow
def test_a_probe_needs_no_targets_where_the_loss_is_ones_own():
    model, optimizer = network("sgd"), optimizers.SGD(0.1)
    diagnosis = callbacks.Diagnosis(X[:64], "cheap", measure_every=5, loss=lambda y, y_pred: keras.ops.mean(y_pred**2))
    with keras_ch8.Doctor(None).watch(model, optimizer, callbacks=[diagnosis]) as run:
        train(model, optimizer, run, True, batches())
    losses = diagnosis.log.series("gradient_norm", "loss")
    assert len(losses) > 1
    assert np.isfinite(losses).all()


# --- without a probe -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_without_a_probe_a_loop_is_judged_by_its_steps_and_ends_with_its_state(capsys):
    model, optimizer = network("sgd"), optimizers.SGD(0.01)
    with keras_ch8.Doctor(None).watch(model, optimizer) as run:
        train(model, optimizer, run, False, batches(2))
    said = " ".join(capsys.readouterr().out.split())
    assert run.diagnosis.state.name == "little_checked"
    assert said.startswith(
        f"LITTLE CHECKED: {run.diagnosis.state.judged} of {run.diagnosis.state.applicable} checks could run."
    )
    assert "There is no probe. Pass `probe=(x, y)` to the `Doctor`" in said
    assert {v.kind for v in run.diagnosis.verdicts} >= {"nonfinite", "cliff"}
    assert run.diagnosis.state.judged < run.diagnosis.state.applicable / 2
    assert str(run.diagnosis).startswith("LITTLE CHECKED: ")


def test_what_the_settings_tell_is_said_of_a_loop_without_a_probe_too():
    model = network(keras.optimizers.AdamW(1e-3, weight_decay=20.0))
    doctor = keras_ch8.Doctor(log_dir=None)
    with doctor.watch(model, steps=8) as run:
        train(model, model.optimizer, run, False, batches(1)[:8])
    assert [(v.kind, v.level, v.step) for v in doctor.verdicts] == [("underfitting", "act", 0)]
    assert "Weight decay" in doctor.verdicts[0].finding


def test_a_loop_that_diverges_is_not_silent(capsys):
    model, optimizer = network("sgd"), optimizers.SGD(30.0)
    with keras_ch8.Doctor(None).watch(model, optimizer) as run:
        train(model, optimizer, run, False, batches(6))
    said = capsys.readouterr().out
    assert run.diagnosis.state.name == "act"
    assert re.search(
        r"ACT: (\d+ problems\. First: )?Infinite or NaN gradients\. Fix: .* -> print\(doctor\)", said, re.DOTALL
    )
    assert str(run.diagnosis).startswith("ACT Infinite or NaN gradients (nonfinite, ")


@pytest.mark.slow
def test_a_loss_that_rises_is_told_where_nothing_can_judge_it():
    model, optimizer = network("sgd"), optimizers.SGD(0.01)
    with keras_ch8.Doctor(None).watch(model, optimizer) as run:
        for i, batch in enumerate(batches(6)[:24]):
            train(model, optimizer, None, False, [batch])
            run.step(loss=tf.constant(2.0 ** (i // 4)))
    assert run.diagnosis.state.name == "little_checked"
    assert any(reason.startswith("The reported loss went from 1 to 32.") for reason in run.diagnosis.state.reasons)


@pytest.mark.slow
def test_several_models_are_judged_and_shown_by_the_steps_of_their_optimizers(capsys, tmp_path):
    models, both = [network("sgd"), network("sgd")], {"one": optimizers.SGD(0.01), "two": keras.optimizers.SGD(0.01)}
    with keras_ch8.Doctor(tmp_path).watch(models, both) as run:
        for x, y in batches(2):
            for model, optimizer in zip(models, both.values(), strict=True):
                train(model, optimizer, None, False, [(x, y)])
            run.step()
    assert run.diagnosis.state.name == "little_checked"
    assert {v.kind for v in run.diagnosis.verdicts} >= {"nonfinite", "cliff"}
    assert capsys.readouterr().out.startswith("LITTLE CHECKED: ")
    found = curves(tmp_path)
    for name in both:
        assert steps_of(found, f"step/{name}/gradient_norm") == list(range(1, 2 * STEPS + 1))
    assert "step/gradient_norm" not in found


@pytest.mark.slow
def test_a_diagnosis_of_ones_own_stands_in_place_of_that_of_the_doctor(capsys):
    model, optimizer = network("sgd"), optimizers.SGD(0.01)
    own = callbacks.Diagnosis(verbose=False)
    with keras_ch8.Doctor(None).watch(model, optimizer, callbacks=[own]) as run:
        train(model, optimizer, run, False, batches(1))
    assert run.diagnosis is own
    assert own.verdicts != []
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match=r"Pass them to that one: `Diagnosis\(probe, loss=loss\)`"):
        keras_ch8.Doctor(None, (X, Y)).watch(model, optimizer, callbacks=[own])


@pytest.mark.slow
def test_a_loop_that_ends_with_an_error_says_nothing_of_how_little_was_checked(capsys):
    model, optimizer = network("sgd"), optimizers.SGD(0.01)

    def dies():
        with keras_ch8.Doctor(None).watch(model, optimizer) as run:
            train(model, optimizer, run, False, batches(1)[:2])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        dies()
    assert "CHECKED" not in capsys.readouterr().out


def in_one_thread():
    """Return whether a loop is as without, whether that is told, and how long it is."""
    bare, watched = network("sgd"), network("sgd")
    expected = train(bare, MAKERS["Keras's"](), None, True, batches())
    optimizer = MAKERS["Keras's"]()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with keras_ch8.Doctor(None, (X, Y)).watch(watched, optimizer, loss=MSE) as run:
            losses = train(watched, optimizer, run, True, batches())
    told = [warning for warning in caught if "a single inter-op thread" in str(warning.message)]
    return losses == expected, bool(told), run.steps


@pytest.mark.slow
def test_a_compiled_loop_where_tensorflow_has_one_thread_does_not_wait_for_itself():
    code = "from tests.callbacks import test_loop; print(test_loop.in_one_thread())"
    environment = {**os.environ, "TF_NUM_INTEROP_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1:] == [str((True, True, len(batches())))], done.stderr

"""Optimizers that are given the loss, in plain `compile` and `fit`: which steps they take, and when they end."""

import keras
import numpy as np
import pytest

from keras_ch8 import optimizers as ours
from keras_ch8 import second_order
from keras_ch8.second_order.loop import Status
from tests import forked
from tests.marks import mostly
from tests.networks import Counted, Unbuilt
from tests.optimizers import closure_cases as cases
from tests.optimizers.closure_cases import NAMES, X, Y, fit, flat, network

STEPS = 14


class Path(keras.callbacks.Callback):
    """Keeps the weights before the training, and after each step."""

    def on_train_begin(self, logs=None):
        self.thetas = [flat(self.model)]

    def on_train_batch_end(self, batch, logs=None):
        self.thetas.append(flat(self.model))


def unbuilt(optimizer, **options):
    keras.utils.set_random_seed(1)
    model = Unbuilt(4)
    model.compile(optimizer, "mse", **options)
    return model


def functional(optimizer, **options):
    keras.utils.set_random_seed(1)
    x = keras.Input((3,))
    hidden = keras.layers.Dense(4, "tanh")(x)
    model = keras.Model(x, keras.layers.Dense(2)(hidden))
    model.compile(optimizer, "mse", **options)
    return model


# --- the path ---------------------------------------------------------------------------------------------------------


def mean_square(theta):
    """Return the loss of the network, as a function of its weights end to end."""
    kernel, bias, kernel_2, bias_2 = keras.ops.split(theta, [12, 16, 24])
    hidden = keras.ops.tanh(keras.ops.matmul(X.astype("float64"), keras.ops.reshape(kernel, (3, 4))) + bias)
    outputs = keras.ops.matmul(hidden, keras.ops.reshape(kernel_2, (4, 2))) + bias_2
    return keras.ops.mean(keras.ops.square(outputs - Y.astype("float64")))


def path_in_fit(optimizer, steps):
    model, path = network(optimizer, kind=Counted), Path()
    fit(model, epochs=steps, callbacks=[path])
    return model, path.thetas


def check_the_path(make, method):
    model, thetas = path_in_fit(make(), STEPS)
    minimizer = second_order.Minimizer(mean_square, method)
    for k, theta in enumerate(thetas):
        found = minimizer(thetas[0], max_iterations=k, gtol=1e-8)
        assert found.nit == k
        np.testing.assert_allclose(theta, found.x, rtol=0, atol=1e-10, err_msg=f"{k} iterations")
    assert int(model.optimizer.iterations.numpy()) == STEPS
    return model, thetas


def check_that_it_was_traced_once(model):
    fit(model, epochs=3)
    assert model.traces == 1
    (program,) = model.optimizer.programs.values()
    assert program.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_the_path_is_that_of_minimize_in_one_program(float64):
    model, thetas = check_the_path(ours.LBFGS, "lbfgs")
    assert np.linalg.norm(thetas[-1] - thetas[0]) > 0.1
    check_that_it_was_traced_once(model)


@pytest.mark.full
def test_seven_iterations_in_a_step_are_seven_steps(float64):
    model, thetas = path_in_fit(ours.LBFGS(), STEPS)
    in_sevens, some = path_in_fit(ours.LBFGS(iterations_per_step=7), STEPS // 7)
    np.testing.assert_allclose(some, thetas[::7], rtol=0, atol=1e-12)
    assert int(in_sevens.optimizer.iterations.numpy()) == int(model.optimizer.iterations.numpy()) == STEPS
    check_that_it_was_traced_once(in_sevens)


@pytest.mark.full
@pytest.mark.parametrize(
    "name, method",
    [
        ("BFGS", "bfgs"), ("ConjugateGradient", "conjugate_gradient"), ("Newton", "newton"),
        ("SaddleFreeNewton", "saddle_free_newton"), ("SteepestDescent", "steepest_descent"),
        ("TruncatedNewton", "truncated_newton"), ("SSBFGS", "ssbfgs"), ("SSBroyden", "ssbroyden"),
    ],
)  # fmt: skip
def test_the_path_of_every_method_is_that_of_minimize(name, method, float64):
    check_the_path(getattr(ours, name), method)


@pytest.mark.slow
def test_newton_as_printed_takes_one_step_to_the_minimum_of_least_squares(float64):
    model = network(ours.Newton(damping=0.0), layers=[keras.layers.Dense(2)])
    path = Path()
    history = fit(model, epochs=9, callbacks=[path])
    design = np.column_stack([X, np.ones(len(X))]).astype("float64")
    best, squares, *_ = np.linalg.lstsq(design, Y.astype("float64"), rcond=None)
    np.testing.assert_allclose(path.thetas[1], best.ravel(), rtol=0, atol=1e-12)
    # A first step may be that of one minibatch of many, so the end is at the second, which finds nothing to do.
    assert int(model.optimizer.iterations.numpy()) == 1
    assert len(history["loss"]) == 2
    np.testing.assert_allclose(history["loss"][1], squares.sum() / Y.size, rtol=1e-12)
    assert model.optimizer.status == Status.CONVERGED_AT_START
    assert model.optimizer.stop_reason == Status.CONVERGED_GRADIENT.message("float64")


@pytest.mark.slow
@pytest.mark.parametrize("name", mostly(pytest.mark.full, NAMES, "LBFGS"))
def test_every_class_in_every_kind_of_model_however_it_is_run(name):
    make = getattr(ours, name)
    loss = fit(network(make()), epochs=4)["loss"]
    assert loss[3] < loss[0]
    ways = [(unbuilt, {"jit_compile": True}), (functional, {}), (unbuilt, {"run_eagerly": True})]
    for kind, options in ways if name == "LBFGS" else ways[:1]:
        # Float32 sums in another order differ by 1e-7, and four steps on a curved loss make ten times of it each.
        np.testing.assert_allclose(fit(kind(make(), **options), epochs=4)["loss"], loss, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_several_steps_in_an_execution_are_the_same_steps():
    data = {"x": np.tile(X, (3, 1)), "y": np.tile(Y, (3, 1)), "shuffle": False}
    one, three = network(ours.LBFGS()), network(ours.LBFGS(), steps_per_execution=3)
    for model in (one, three):
        fit(model, epochs=2, **data)
        assert int(model.optimizer.iterations.numpy()) == 6
    np.testing.assert_allclose(flat(three), flat(one), rtol=1e-4)


@pytest.mark.slow
def test_mixed_bfloat16_trains_float32_weights():
    layers = [keras.layers.Dense(4, "tanh", dtype="mixed_bfloat16"), keras.layers.Dense(2, dtype="mixed_bfloat16")]
    model = network(ours.LBFGS(), layers=layers)
    loss = fit(model, epochs=6)["loss"]
    assert loss[-1] < loss[0] / 2
    assert {v.dtype for v in model.trainable_variables} == {"float32"}


# --- when it ends -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stalled():
    """Least squares in float32, asked for a gradient of 0."""
    keras.utils.set_random_seed(8)
    layers = [keras.layers.BatchNormalization(center=False, scale=False), keras.layers.Dense(2)]
    model = network(ours.SteepestDescent(gtol=0.0), layers=layers)
    history = fit(model, epochs=200)
    return model, history, model.optimizer.stop_reason


@pytest.mark.slow
def test_a_run_that_stalls_in_float32_says_that_it_takes_float64(stalled):
    model, history, reason = stalled
    assert model.stop_training
    assert len(history["loss"]) < 200
    assert reason.startswith("Not converged: ")
    assert reason.endswith("float32 holds 7 digits: a smaller gradient needs float64.")


@pytest.mark.slow
def test_a_loss_that_is_nan_ends_the_training_and_changes_nothing(stalled):
    model, before = stalled[0], [v.numpy() for v in stalled[0].weights]
    history = fit(model, epochs=5, x=X * np.nan)
    assert len(history["loss"]) == 1
    assert model.stop_training
    assert model.optimizer.stop_reason == Status.NOT_FINITE_AT_START.message("float32")
    for v, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(v.numpy(), value, err_msg=v.path)


@pytest.mark.slow
def test_a_model_compiled_with_another_loss_is_trained_on_that(stalled):
    model = stalled[0]
    model.compile(model.optimizer, "mae")
    before = np.mean(np.abs(model(X, training=True).numpy() - Y))
    loss = fit(model, epochs=4)["loss"]
    np.testing.assert_allclose(loss[0], before, rtol=1e-6)
    assert loss[3] < 0.999 * loss[0]
    assert model.optimizer.stop_reason is None


@pytest.mark.slow
def test_minibatches_that_differ_never_end_the_training_and_warn_once():
    """Each is fitted to the last digit in its step, the first too."""
    model = network(ours.LevenbergMarquardt(iterations_per_step=30), layers=[keras.layers.Dense(2)])
    with pytest.warns(UserWarning, match=r"this one began with another loss than the last had ended with") as warned:
        history = fit(model, epochs=4, batch_size=12)
    (said,) = [w for w in warned if "___pyct_anno" not in str(w.message)]  # of autograph on Python 3.13
    assert "fit(batch_size=len(x))" in str(said.message)
    assert len(history["loss"]) == 4
    assert not model.stop_training
    assert model.optimizer.stop_reason is None


# --- going on ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Save in mid-run; return where, and the run that went on."""

    def save(name):
        path = tmp_path_factory.mktemp(name) / "model.keras"
        model = network(getattr(ours, name)())
        fit(model, epochs=4)
        model.save(path)
        fit(model, epochs=3)
        return str(path), cases.digits(model)

    return save


@pytest.fixture(scope="module")
def elsewhere(saved):
    """What other processes have found."""
    path, expected = saved("LBFGS")
    return {"adam": forked.call(cases.adam), "resumed": (forked.call(cases.resumed, path), expected)}


@pytest.mark.slow
def test_a_saved_run_goes_on_bit_for_bit_in_a_new_process(elsewhere):
    found, expected = elsewhere["resumed"]
    assert found == expected


@pytest.mark.slow
def test_a_model_with_adam_trains_as_where_no_such_optimizer_was_ever_made(elsewhere):
    ours.LBFGS()
    once = keras.Model.train_step, keras.Model.make_train_function
    ours.Newton()
    assert (keras.Model.train_step, keras.Model.make_train_function) == once
    model = network("adam")
    fit(model, epochs=5, batch_size=8)
    assert cases.digits(model) == elsewhere["adam"]


@pytest.mark.slow
def test_a_strategy_of_two_replicas_is_refused():
    message = forked.call(cases.strategy)
    assert "runs on one device" in message
    assert "Build and compile the model outside the strategy." in message

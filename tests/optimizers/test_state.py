"""State: what it is, what may change after the first step, and what loading refuses."""

import keras
import numpy as np
import pytest

from keras_ch8 import optimizers as ours
from tests.marks import mostly
from tests.optimizers.algorithms import make, random_grads, step

START = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)


def built(optimizer, *shapes):
    optimizer.build([keras.Variable(np.zeros(s, "float32")) for s in shapes])
    return optimizer


def saved(optimizer):
    store = {}
    optimizer.save_own_variables(store)
    return store


FIXED = [
    (ours.Adam, ("beta_1", "clipnorm", "weight_decay", "gradient_accumulation_steps")),
    (
        ours.LBFGS,
        ("history_size", "line_search", "iterations_per_step", "gtol", "ftol", "xtol", "accumulate_batches", "bounds"),
    ),
    (lambda: ours.BlockCoordinateDescent("sgd", [".*"]), ("steps_per_block", "blocks")),
]


@pytest.mark.parametrize("make_one, names", FIXED, ids=["first order", "section 8.6", "blocks"])
def test_what_is_compiled_cannot_change_silently(make_one, names):
    optimizer = make_one()
    for name in names:
        setattr(optimizer, name, getattr(optimizer, name))
    built(optimizer, (2,))
    for name in names:
        match = rf"`{name}` is compiled into the update step of .* first step\. Received: {name}=.* new optimizer"
        with pytest.raises(AttributeError, match=match):
            setattr(optimizer, name, getattr(optimizer, name))


def test_a_learning_rate_set_later_is_checked_as_at_construction():
    optimizer = ours.SGD()
    optimizer.learning_rate = np.float32(0.5)
    assert float(optimizer.learning_rate) == 0.5
    with pytest.raises(ValueError, match=r"`learning_rate` is the step size.*Received: learning_rate=-5"):
        optimizer.learning_rate = -5.0


@pytest.mark.parametrize("other", [(3, 2), (1,), (6,)])
def test_state_of_another_shape_is_refused_and_nothing_is_loaded(other):
    optimizer, store = built(ours.Momentum(), (2, 3), (4,)), saved(built(ours.Momentum(0.5), other, (4,)))
    before = [v.numpy() for v in optimizer.variables]
    with pytest.raises(ValueError, match=r"Array 2 of the saved state .* shape \(.*\), and \(2, 3\) was expected"):
        optimizer.load_own_variables(store)
    for a, b in zip(before, optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b.numpy())


def test_state_of_an_unknown_variable():
    with pytest.raises(ValueError, match=r"has no state for 'mine': it was built on \['variable.*call `build`"):
        built(ours.Adam(), (2,)).state_of(keras.Variable([1.0], name="mine"))


def test_state_is_named_after_its_variable():
    optimizer = ours.Adam(name="adam_here")
    small, large = keras.Variable([1.0] * 3, name="small"), keras.Variable([[1.0] * 300] * 200, name="large")
    optimizer.build([small, keras.Variable(1.0, name="tiny"), large])
    paths = [v.path for v in optimizer.variables[2:]]
    assert paths == [f"adam_here/{name}" for name in ("large_s", "large_r", "tile_1_s", "tile_1_r")]


def test_no_gradients_at_all_is_no_step():
    optimizer, variable = ours.SGD(1.0), keras.Variable([1.0])
    optimizer.apply([], [])
    step(optimizer, [variable], [np.ones(1, "float32")])
    assert variable.numpy()[0] == 0.0


def test_a_skipped_step_leaves_an_infinite_weight_infinite():
    for shape in ((2,), (300, 200)):
        start = np.ones(shape, "float32")
        start.flat[0] = np.inf
        variable = keras.Variable(start)
        optimizer = ours.SGD(0.1, weight_decay=0.1, skip_nonfinite=True)
        step(optimizer, [variable], [np.full(shape, np.nan, "float32")])
        np.testing.assert_array_equal(variable.numpy(), start)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", mostly(pytest.mark.full, ["bfloat16", "float16"], "bfloat16"))
def test_averages_and_sums_of_narrow_weights_are_kept_in_float32(dtype):
    def trained(dtype, steps, **options):
        variable, optimizer = keras.Variable([1.0], dtype=dtype), ours.SGD(1e-3, **options)
        for _ in range(steps):
            optimizer.apply([keras.ops.ones((1,), dtype)], [variable])
        return variable, optimizer

    for options in (
        {"use_ema": True, "ema_momentum": 0.99},
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 1},
    ):
        narrow, wide = (trained(d, 200, **options) for d in (dtype, "float32"))
        np.testing.assert_allclose(narrow[1].averages[0].numpy(), wide[1].averages[0].numpy(), atol=1e-5)
        narrow[1].finalize_variable_values([narrow[0]])
        np.testing.assert_allclose(narrow[0].numpy().astype("float32"), wide[1].averages[0].numpy(), rtol=2.0**-8)
    narrow, _ = trained(dtype, 1024, gradient_accumulation_steps=512)
    np.testing.assert_allclose(narrow.numpy().astype("float32"), 1 - 2e-3, rtol=2.0**-8)


def test_finishing_at_theta_keeps_what_rounding_dropped():
    def finished(dtype):
        variable, optimizer = keras.Variable([1.0], dtype=dtype), make("Nesterov", finish_at_theta=True)
        for _ in range(3):
            optimizer.apply([keras.ops.full((1,), 0.1, "float32")], [variable])
        optimizer.finalize_variable_values([variable])
        return variable, optimizer

    (narrow, optimizer), (wide, _) = finished("bfloat16"), finished("float32")
    behind = narrow.numpy().astype("float32") + optimizer.state_of(narrow)["residual"]
    np.testing.assert_allclose(behind, wide.numpy(), atol=1e-6)


def test_a_sum_is_dropped_at_the_update_whose_last_gradient_is_missing():
    w, other = keras.Variable([0.0]), keras.Variable([0.0])
    optimizer, one = ours.SGD(1.0, gradient_accumulation_steps=2), keras.ops.ones((1,))
    step(optimizer, [w, other], [one, one])
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([None, one], [w, other])
    for _ in range(2):
        step(optimizer, [w, other], [0 * one, 0 * one])
    assert w.numpy()[0] == 0.0  # as in Keras
    assert other.numpy()[0] == -1.0


def test_gradients_of_another_dtype_are_cast():
    variable, g = keras.Variable(START, dtype="float32"), random_grads(1, (2, 3))[0]
    step(ours.SGD(1.0), [variable], [g.astype("float64")])
    np.testing.assert_allclose(variable.numpy(), START - g, rtol=1e-6)

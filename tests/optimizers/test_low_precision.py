"""float16 and bfloat16 variables move as a rounded float32 run does."""

import keras
import numpy as np
import pytest

from keras_ch8 import _numerics
from tests.optimizers.algorithms import FEW, all_variables, make, step

DTYPES = ["float16", "bfloat16"]


def rounded(x, dtype):
    narrow = keras.ops.cast(keras.ops.convert_to_tensor(x, "float32"), dtype)
    return keras.ops.convert_to_numpy(narrow).astype("float32")


def values(variable):
    return variable.numpy().astype("float32")


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FEW)
def test_moves_as_a_rounded_float32_run(name, dtype):
    start = rounded(np.random.default_rng(0).normal(size=(40,)), dtype)
    narrow, wide = keras.Variable(start, dtype=dtype), keras.Variable(start, dtype="float32")
    optimizer, reference = make(name), make(name)
    for g in np.random.default_rng(1).normal(size=(100, 40)):
        g = rounded(g * 1e-2, dtype)
        step(optimizer, [narrow], [keras.ops.cast(g, dtype)])
        step(reference, [wide], [g])
    np.testing.assert_allclose(values(narrow), rounded(wide.numpy(), dtype), rtol=2.0**-7, atol=1e-6)
    # The float32 number behind the stored one is the reference itself, to float32 rounding.
    behind = _numerics.widen(narrow.value, optimizer.state_of(narrow)["residual"], dtype)
    np.testing.assert_allclose(behind, wide.numpy(), atol=2e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_float16_adam_does_not_explode_at_small_gradients(dtype):
    variable, optimizer = keras.Variable([1.0], dtype=dtype), make("Adam")
    optimizer.learning_rate = 0.1
    for _ in range(5):
        step(optimizer, [variable], [keras.ops.full((1,), 1e-3, dtype)])
    np.testing.assert_allclose(values(variable), 0.5, atol=5e-3)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_assigned_value_is_trained_from_as_it_is(dtype):
    variable, optimizer = keras.Variable([1.0], dtype=dtype), make("SGD")
    for _ in range(3):
        step(optimizer, [variable], [keras.ops.full((1,), 0.03, dtype)])
    assert optimizer.state_of(variable)["residual"].any()
    variable.assign([1e-3])
    step(optimizer, [variable], [keras.ops.zeros((1,), dtype)])
    np.testing.assert_array_equal(values(variable), rounded([1e-3], dtype))


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_model_with_narrow_weights_saves_and_goes_on(dtype, jit_compile, tmp_path):
    x, y = np.random.default_rng(0).normal(size=(32, 4)), np.random.default_rng(1).normal(size=(32, 2))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, dtype=dtype)])
    model.compile(make("Adam"), "mse", jit_compile=jit_compile)
    model.fit(x, y, batch_size=8, verbose=0, shuffle=False)
    assert any(model.optimizer.state_of(v)["residual"].any() for v in model.trainable_variables)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, again):
        each.fit(x, y, batch_size=8, verbose=0, shuffle=False)
    for a, b in zip(all_variables(model), all_variables(again), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("jit_compile", [True, False])
def test_rounding_is_the_cast_and_survives_xla(dtype, jit_compile):
    from keras_ch8.integration import backend

    rng = np.random.default_rng(0)
    smallest = -20 if dtype == "float16" else -110
    x = (rng.normal(size=100_000) * 2.0 ** rng.integers(smallest, 15, 100_000)).astype("float32")
    x[:4] = [0.0, -0.0, 1.0, 1.0 + 2.0**-11]
    function = (backend.compile_xla if jit_compile else backend.trace)(lambda x: _numerics.round_to(x, dtype))
    np.testing.assert_array_equal(function(x), rounded(x, dtype))

"""One instance gives new values at every call, the same seed the same model, and any floating type is served."""

import keras
import numpy as np
import pytest

from tests import forked
from tests.initializers.starts import PLAIN, RANDOM, SHAPE

each_random = pytest.mark.parametrize("cls", RANDOM.values(), ids=RANDOM)
EVERY = {**{name: (cls, SHAPE) for name, cls in RANDOM.items()}, **PLAIN}
every = pytest.mark.parametrize("make, shape", EVERY.values(), ids=EVERY)


def kernels_of(start):
    """Return the kernels of three layers that share a start."""
    layers = [keras.layers.Dense(20, kernel_initializer=start) for _ in range(3)]
    for layer in layers:
        layer.build((None, 20))
    return [layer.kernel.numpy() for layer in layers]


@each_random
@pytest.mark.parametrize("seed", [0, 7, -1, 2**40, np.int64(3), None])
def test_layers_that_share_a_start_differ(cls, seed):
    kernels = kernels_of(cls(seed=seed))
    for i, j in ((0, 1), (0, 2), (1, 2)):
        both = kernels[i] != 0, kernels[j] != 0
        assert (kernels[i] != kernels[j])[both[0] & both[1]].all()


@each_random
def test_calls_are_uncorrelated(cls):
    start = cls(seed=1)
    calls = np.stack([start((50, 40)).numpy().ravel() for _ in range(6)])
    correlation = np.corrcoef(calls) - np.eye(6)
    assert np.abs(correlation).max() < 5 / np.sqrt(2000)


@each_random
def test_the_same_seed_gives_the_same_model(cls):
    one, two, other = (kernels_of(cls(seed=seed)) for seed in (5, 5, 6))
    for a, b, c in zip(one, two, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()


@each_random
def test_without_a_seed_that_of_keras_decides(cls):
    models = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        models.append(kernels_of(cls())[1])
    np.testing.assert_array_equal(models[0], models[1])
    assert (models[0] != models[2]).any()


@each_random
def test_a_seed_generator_gives_new_values_too(cls):
    start = cls(seed=keras.random.SeedGenerator(3))
    assert (start(SHAPE).numpy() != start(SHAPE).numpy()).any()


def test_the_first_call_is_keras_s():
    ours, theirs = (cls(seed=9)(SHAPE) for cls in (RANDOM["orthogonal"], keras.initializers.Orthogonal))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@every
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_narrow_start_is_the_one_in_float32_rounded(make, shape, dtype):
    seed = {"seed": 3} if make in RANDOM.values() else {}
    wide, narrow = make(**seed)(shape, "float32"), make(**seed)(shape, dtype)
    assert keras.backend.standardize_dtype(narrow.dtype) == dtype
    rounded = keras.ops.cast(keras.ops.cast(wide, dtype), "float32")
    np.testing.assert_array_equal(keras.ops.cast(narrow, "float32"), rounded)


@every
def test_keras_loads_a_start_with_its_layer(make, shape):
    start = make()
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(start))
    assert type(again) is type(start)
    assert again.get_config() == start.get_config()


@every
def test_float64_is_computed_in_float64(make, shape, float64):
    values = make()(shape).numpy()
    assert values.dtype == "float64"
    is_rounded = values.astype("float32").astype("float64") == values
    assert (make not in RANDOM.values()) or not is_rounded[values != 0].all()


@each_random
def test_a_copy_begins_with_the_first_call(cls):
    start = cls(seed=4)
    first = start(SHAPE).numpy()
    start(SHAPE)
    np.testing.assert_array_equal(cls.from_config(start.get_config())(SHAPE), first)


@pytest.mark.slow
def test_a_saved_model_is_loaded_in_a_new_process(tmp_path):
    layers = [keras.layers.Dense(20, kernel_initializer=cls(seed=1)) for cls in RANDOM.values()]
    marginal = PLAIN["marginal"][0]()
    model = keras.Sequential([keras.Input((20,)), *layers, keras.layers.Dense(3, bias_initializer=marginal)])
    recurrent = keras.layers.SimpleRNN(6, recurrent_initializer="identity")
    lstm = keras.layers.LSTM(2, bias_initializer=PLAIN["forget_gate"][0](), unit_forget_bias=False)
    inputs = keras.Input((20,))
    time = keras.ops.expand_dims(model(inputs), -1)
    model = keras.Model(inputs, [recurrent(time), lstm(time)])
    path, x = str(tmp_path / "model.keras"), np.ones((2, 20), "float32")
    model.save(path)
    code = (
        "import keras, keras_ch8.initializers, numpy as np\n"
        f"model = keras.models.load_model({path!r})\n"
        "print([out.numpy().tolist() for out in model(np.ones((2, 20), 'float32'))])\n"
        f"print(model.layers[1].layers[1].kernel_initializer.get_config())"
    )
    outputs, config = forked.printed(code).splitlines()
    for got, expected in zip(eval(outputs), model(x), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert eval(config) == layers[1].kernel_initializer.get_config()

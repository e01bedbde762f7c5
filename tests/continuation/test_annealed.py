"""An annealed number: moved in training, the real problem at inference, read anew by the step, no weight."""

import keras
import numpy as np
import pytest

from keras_ch8.continuation import Temperature, WeightNoise
from keras_ch8.continuation.annealed import annealed_in
from keras_ch8.extend import Annealed
from keras_ch8.integration import backend
from tests import forked
from tests.networks import Softened


def parts():
    """One of each kind, away from its start."""
    return {
        "stddev of noise": (WeightNoise(keras.layers.Dense(2), 2.0, value=1.5, seed=3), "stddev"),
        "temperature": (Temperature(2.0, end=0.5, value=1.5), "temperature"),
    }


def test_it_is_the_value_in_training_and_the_end_in_inference():
    number = Annealed(3.0, end=1.0)
    assert [float(number.read(training)) for training in (True, False, None)] == [3.0, 1.0, 1.0]
    number.value = 2.5
    assert (number.value, float(number.read()), float(number.read(False))) == (2.5, 2.5, 1.0)


def test_a_compiled_function_reads_it_anew_without_a_trace():
    number, traces = Annealed(2.0), []

    def read(x):
        traces.append(x)
        return x * number.read()

    compiled = backend.compile_xla(read)
    found = []
    for value in (2.0, 1.0, 0.5):
        number.value = value
        found.append(float(compiled(backend.as_tensor(10.0))))
    assert found == [20.0, 10.0, 5.0]
    assert len(traces) == 1


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, np.inf, "1", True, None])
def test_a_value_out_of_range_is_refused_and_the_old_one_kept(value):
    number = Annealed(1.0, low=0.0, high=1.0)
    with pytest.raises(ValueError, match=r"`value` is an annealed number.*Received: value="):
        number.value = value
    assert number.value == float(number.read()) == 1.0


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: WeightNoise(keras.layers.Dense(1), -1.0), "`stddev` is a standard deviation.*Received: stddev=-1.0"),
        (lambda: Temperature(0.0), "`temperature` is what x is divided by.*Received: temperature=0.0"),
        (lambda: Temperature(1.0, end=0.0), "`end` is what x is divided by"),
    ],
)
def test_the_argument_that_is_wrong_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", parts())
def test_the_configuration_keeps_start_end_and_value(name):
    part, attribute = parts()[name]
    again = type(part).from_config(part.get_config())
    before, after = getattr(part, attribute), getattr(again, attribute)
    assert (after.start, after.end, after.value) == (before.start, before.end, before.value)
    assert before.value != before.start
    assert again.get_config() == part.get_config()


def model_of_all():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((6, 2)),
            keras.Sequential([WeightNoise(keras.layers.Dense(4), 0.1, name="noisy", seed=1)]),
            keras.layers.Flatten(),
            Temperature(2.0, name="t"),
            keras.layers.Dense(3),
        ]
    )


def test_all_are_found_by_name_also_inside_and_in_the_loss():
    model = model_of_all()
    model.compile("sgd", Softened(name="labels"))
    assert sorted(annealed_in(model)) == ["labels.share", "noisy.stddev", "t.temperature"]


def test_a_shared_layer_is_found_once_and_equal_names_are_told_apart():
    shared, inputs = Temperature(2.0, name="t"), keras.Input((2,))
    other = Temperature(3.0, name="t")
    model = keras.Model(inputs, keras.Sequential([other])(shared(shared(inputs))))
    assert {name: number.start for name, number in annealed_in(model).items()} == {
        "t.temperature": 2.0,
        "t.temperature'": 3.0,
    }


def test_none_is_a_weight():
    model = model_of_all()
    plain = keras.Sequential(
        [keras.Input((6, 2)), keras.layers.Dense(4), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    assert [w.shape for w in model.weights] == [w.shape for w in plain.weights]


@pytest.mark.slow
def test_a_model_saved_on_the_way_goes_on_in_a_new_process_bit_for_bit(tmp_path):
    setup = (
        "import keras, numpy as np, keras_ch8.continuation\nfrom tests.continuation.test_annealed import model_of_all\n"
        "from tests.networks import Softened\n"
        "from keras_ch8.continuation.annealed import annealed_in\n"
        "x = np.random.default_rng(0).normal(size=(32, 6, 2)).astype('float32'); y = np.eye(3)[np.arange(32) % 3]\n"
        "fit = lambda m: m.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)\n"
        "show = lambda m: print([v.numpy().tobytes().hex() for v in m.weights + m.optimizer.variables])\n"
    )
    first = (  # without noise, since Keras does not save the state of seeds
        "m = model_of_all(); annealed_in(m)['noisy.stddev'].value = 0.0\n"
        "m.compile('adam', Softened(0.2)); fit(m); annealed_in(m)['t.temperature'].value = 1.5\n"
        f"annealed_in(m)['softened.share'].value = 0.1; m.save({str(tmp_path / 'm.keras')!r})\n"
    )
    second = setup.replace("from tests.continuation.test_annealed import model_of_all\n", "")
    uninterrupted = forked.printed(setup + first + "fit(m); show(m)")
    resumed = forked.printed(second + f"m = keras.models.load_model({str(tmp_path / 'm.keras')!r}); fit(m); show(m)")
    assert len(uninterrupted) > 1000
    assert resumed == uninterrupted


@pytest.mark.slow
def test_an_exported_model_computes_the_real_problem(tmp_path):
    model = model_of_all()
    x = np.random.default_rng(0).normal(size=(3, 6, 2)).astype("float32")
    model.export(tmp_path, verbose=False)
    served = keras.layers.TFSMLayer(tmp_path, call_endpoint="serve")(x)
    np.testing.assert_allclose(served, model(x), rtol=1e-6)

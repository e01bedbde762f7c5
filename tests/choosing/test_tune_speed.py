"""The settings with which a model is trained fastest: what is concluded, what is measured, and that nothing is left."""

import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_ch8 import _sandbox, choosing, optimizers
from keras_ch8.choosing._trials import SpeedSetting
from keras_ch8.choosing._tune_speed import SpeedTuning, Timed, noise_of, simplest_of_the_fastest
from keras_ch8.integration import backend

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(64, 3)).astype("float32"), RNG.normal(size=(64, 1)).astype("float32")
QUICK = {"batch_size": 8, "steps_per_execution": (1,), "multiples": (), "rounds": 3, "verbose": 0}


@pytest.fixture(autouse=True)
def briefly(monkeypatch):
    monkeypatch.setattr("keras_ch8.choosing._tune_speed.SECONDS", 0.002)


def network(*more, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4, "relu"), layers.Dropout(0.5), *more, layers.Dense(1)])
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"], **({"jit_compile": False} | options))
    return model


def timed(ms, size=8, jit=False, steps=1, spread=0.01, seed=0, **more):
    noise = np.random.default_rng(seed).normal(size=9) * spread
    return Timed(SpeedSetting(jit, steps, size), ms / 1e3 * np.exp(noise), 1.0, **more)


def found(settings, batches=None, noise=0.02, data=0.0):
    return SpeedTuning(tuple(settings), tuple(batches or settings[:1]), noise, data)


# --- what is concluded -----------------------------------------------------------------------------------------------


def test_the_setting_that_is_clearly_faster_is_recommended_with_its_gain():
    result = found([timed(2.0), timed(1.0, steps=50, seed=1)])
    assert result.recommended == SpeedSetting(False, 50, 8)
    assert result.speedup == pytest.approx(2.0, rel=0.02)
    assert result.sentences[0].startswith("Compile with steps_per_execution=50: 2.0")
    [marked] = [line for line in str(result).split("\n") if line.startswith("> ")]
    assert "50" in marked


@pytest.mark.parametrize("ms", [1.0, 0.99, 1.01])
def test_what_differs_by_no_more_than_the_noise_is_no_difference(ms):
    result = found([timed(1.0), timed(ms, steps=50, seed=1), timed(ms, jit=True, seed=2)])
    assert result.recommended == result.settings[0].setting
    assert result.speedup == 1.0
    assert result.sentences == [
        "No difference: no setting is faster than your current one by more than the noise of 2.0%."
    ]
    assert str(result).count("no difference") == 2


def test_a_difference_that_is_significant_and_smaller_than_the_noise_is_none():
    settings = [timed(1.0, spread=0.001), timed(0.97, steps=50, spread=0.001, seed=1)]
    assert found(settings, noise=0.05).speedup == 1.0
    assert found(settings, noise=0.01).speedup == pytest.approx(1 / 0.97, rel=0.01)


def test_of_settings_that_are_as_fast_the_first_is_taken():
    settings = [timed(2.0), timed(1.0, steps=10, seed=1), timed(0.995, steps=50, seed=2), timed(0.99, jit=True, seed=3)]
    assert simplest_of_the_fastest(settings, 0.02).setting.steps_per_execution == 10


def test_what_fails_is_told_and_never_recommended():
    broken = Timed(SpeedSetting(True, 1, 8), np.full(9, np.nan), failure="fails: InvalidArgumentError: no kernel")
    result = found([timed(1.0), broken])
    assert result.recommended == SpeedSetting(False, 1, 8)
    assert "no kernel" in str(result)


def test_the_noise_is_what_the_same_setting_differs_from_itself_by():
    assert noise_of(timed(1.0), timed(1.0, spread=0.0)) < 0.02
    assert noise_of(timed(1.0, spread=0.0), timed(1.1, spread=0.0)) == pytest.approx(0.1, rel=1e-6)
    assert noise_of(timed(1.0, spread=0.3), timed(1.0, spread=0.3, seed=1)) > 0.1


def test_larger_batches_are_told_where_they_are_faster_and_that_they_change_the_training():
    result = found([timed(1.0)], [timed(1.0), timed(1.1, size=16, seed=1), timed(4.0, size=32, seed=2)])
    assert len(result.sentences) == 2
    assert "Batches of 16 process 1.8" in result.sentences[1]
    assert "8.1.3" in result.sentences[1]


@pytest.mark.parametrize(("ms", "waits"), [(0.5, False), (1.01, False), (3.0, True)])
def test_data_that_take_longer_than_a_step_are_told(ms, waits):
    result = found([timed(1.0)], data=ms / 1e3)
    assert result.waits_for_data == waits
    assert ("prefetch" in str(result)) == waits


# --- what is measured ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_leaves_no_trace_and_the_next_training_is_that_of_a_twin():
    model, twin = network(), network()
    for each in (model, twin):
        each.fit(X, Y, batch_size=8, verbose=0)
    before, step = _sandbox.fingerprint(model), model.train_function
    choosing.tune_speed(model, X, Y, **QUICK)
    assert _sandbox.fingerprint(model) == before
    assert model.train_function is step
    assert (model.jit_compile, model.steps_per_execution) == (False, 1)
    for each in (model, twin):
        each.fit(X, Y, batch_size=8, verbose=0)
    for ours, theirs in zip(model.variables + model.optimizer.variables, twin.variables + twin.optimizer.variables,
                            strict=True):  # fmt: skip
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.slow
def test_each_setting_is_timed_from_the_one_of_now_on():
    model = network(steps_per_execution=2)
    result = choosing.tune_speed(model, X, Y, **QUICK | {"steps_per_execution": (1, 2), "multiples": (2, 16)})
    assert result.settings[0].setting == SpeedSetting(False, 2, 8)
    assert {each.setting[:2] for each in result.settings} == {(jit, n) for jit in (False, True) for n in (1, 2)}
    assert [each.setting.batch_size for each in result.batches] == [8, 16]
    for each in (*result.settings, *result.batches):
        assert each.seconds.shape == (3,)
        assert np.all(each.seconds > 0)
        assert each.first_call > 0
    assert result.seconds_of_data > 0
    assert result.noise > 0


class Pairs(keras.utils.PyDataset):
    def __len__(self):
        return 8

    def __getitem__(self, i):
        return X[8 * i : 8 * i + 8], Y[8 * i : 8 * i + 8]


@pytest.mark.full
@pytest.mark.parametrize("data", [lambda: tf.data.Dataset.from_tensor_slices((X, Y)).batch(8), Pairs])
def test_a_data_set_has_its_own_batches_and_larger_ones_are_made_of_them(data):
    result = choosing.tune_speed(network(), data(), **QUICK | {"batch_size": 3, "multiples": (4,)})
    assert [each.setting.batch_size for each in result.batches] == [8, 32]


@pytest.mark.slow
def test_a_step_that_xla_cannot_compile_is_left_out(capsys):
    class Outside(layers.Layer):
        def call(self, inputs):
            outside = tf.numpy_function(np.zeros_like, [tf.stop_gradient(inputs)], tf.float32)
            return inputs + tf.ensure_shape(outside, inputs.shape)

    result = choosing.tune_speed(network(Outside()), X, Y, **QUICK | {"verbose": 1})
    assert [bool(each.failure) for each in result.settings] == [False, True]
    assert "fails" in capsys.readouterr().out
    assert "fails" in str(result)


@pytest.mark.slow
def test_narrower_numbers_are_tried_where_the_device_has_them_and_the_layers_are_as_before(monkeypatch):
    monkeypatch.setattr(backend, "mixed_precision", lambda: "mixed_bfloat16")
    model = network()
    result = choosing.tune_speed(model, X, Y, **QUICK)
    assert [each.setting.policy for each in result.batches] == ["", "mixed_bfloat16"]
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert not result.batches[1].failure


@pytest.mark.slow
def test_it_is_measured_how_long_the_data_take_to_bring_a_batch():
    class Slow(Pairs):
        def __getitem__(self, i):
            time.sleep(0.05)
            return super().__getitem__(i)

    slow = choosing.tune_speed(network(), Slow(), **QUICK)
    quick = choosing.tune_speed(network(), X, Y, **QUICK)
    assert slow.seconds_of_data >= 0.05 > quick.seconds_of_data


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_cannot_be_timed_is_refused():
    with pytest.raises(ValueError, match="run_eagerly"):
        choosing.tune_speed(network(run_eagerly=True), X, Y)
    with pytest.raises(ValueError, match="compile"):
        choosing.tune_speed(keras.Sequential([keras.Input((3,)), layers.Dense(1)]), X, Y)
    with pytest.raises(TypeError, match="generator"):
        choosing.tune_speed(network(), ((X, Y) for _ in range(3)))
    with pytest.raises(ValueError, match="rounds"):
        choosing.tune_speed(network(), X, Y, rounds=1)
    with pytest.raises(ValueError, match="steps_per_execution"):
        choosing.tune_speed(network(), X, Y, steps_per_execution=(0,))
    ragged = tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[1.0], [2.0, 3.0]])).batch(2)
    with pytest.raises(ValueError, match="dense arrays"):
        choosing.tune_speed(network(), ragged.map(lambda a: (a, a)))

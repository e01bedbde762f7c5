"""The gradient through time beside the gradients of single examples, for every kind of recurrent layer and mask."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_ch8 import monitors
from keras_ch8.monitors._time_horizon import TimeHorizon
from keras_ch8.monitors.base import chosen
from tests.monitors.logs import check, level, log_of, losses, past_of_losses, remarks
from tests.monitors.reference import restored


def horizon(profile):
    return TimeHorizon("rnn", np.array(profile), True)


def seen(*profiles, is_final=True):
    """Return a log of nine measurements of the loss, the last of which were of time, too."""
    log = past_of_losses([1.0] * 9)
    for profile in profiles:
        log.add(9, {"time_horizon": (TimeHorizon("rnn", np.array(profile), is_final),)})
    return log


RNG = np.random.default_rng(7)
X, Y = RNG.normal(size=(4, 6, 3)), RNG.normal(size=(4, 2))
LENGTHS = (6, 4, 2, 1)
CLOSE = {"rtol": 2e-5}  # the gradients through time are float32


def model_of(*parts):
    model = keras.Sequential([keras.Input((6, 3)), *parts, layers.Dense(2)])
    model.compile(loss="mse")
    return model


def slopes(model, x, y, path=None, first=0):
    """Return |dL_i / dx_t| [examples, time] for what layer number `first` is given; each example by itself."""
    found = []
    with restored(model):
        for i in range(len(x)):
            given = tf.convert_to_tensor(x[i : i + 1])
            for layer in model.layers[:first]:
                given = layer(given)
            mask = getattr(given, "_keras_mask", None)
            with tf.GradientTape() as tape:
                tape.watch(given)
                out = path(given, mask) if path else given
                for n, layer in enumerate(model.layers[first:] if path is None else model.layers[first + 1 :]):
                    out = layer(out, mask=mask) if n == 0 and path is None and mask is not None else layer(out)
                loss = tf.reduce_mean(tf.square(out - y[i]))
            slope = tf.convert_to_tensor(tape.gradient(loss, given)).numpy()
            found.append(np.sqrt(np.sum(np.square(slope[0]), axis=-1)))
    return np.array(found)


def rms(a):
    return np.sqrt(np.mean(np.square(a), axis=0))


@pytest.mark.parametrize(
    "kind", [layers.LSTM, *(pytest.param(k, marks=pytest.mark.slow) for k in (layers.SimpleRNN, layers.GRU))]
)
def test_the_profile_is_that_of_single_examples(float64, kind):
    model = model_of(kind(4))
    (found,) = monitors.time_horizon(model, X, Y)
    np.testing.assert_allclose(found.profile, rms(slopes(model, X, Y))[::-1], **CLOSE)
    assert found.is_final
    assert found.horizon == 6


def test_the_profile_is_the_same_without_a_graph(float64, in_graphs):
    model = model_of(layers.SimpleRNN(4))
    (expected,) = monitors.time_horizon(model, X, Y)
    tf.config.run_functions_eagerly(True)
    try:
        (found,) = monitors.time_horizon(model, X, Y)
    finally:
        tf.config.run_functions_eagerly(False)
    np.testing.assert_allclose(found.profile, expected.profile, **CLOSE)


@pytest.mark.slow
def test_the_profile_is_that_of_finite_differences(float64):
    """A second reference, which knows no gradients: the sum over all t of |dL/dx_t|^2 entry by entry."""
    model = model_of(layers.SimpleRNN(4))
    (found,) = monitors.time_horizon(model, X[:1], Y[:1])

    def loss(x):
        return np.mean((model(x).numpy() - Y[:1]) ** 2)

    h = 1e-5
    squares = np.zeros(6)
    for t, j in np.ndindex(6, 3):
        e = np.zeros((1, 6, 3))
        e[0, t, j] = h
        squares[t] += ((loss(X[:1] + e) - loss(X[:1] - e)) / (2 * h)) ** 2
    np.testing.assert_allclose(found.profile, np.sqrt(squares)[::-1], **CLOSE)


@pytest.mark.slow
def test_what_is_padded_on_the_right_does_not_count(float64):
    """Four sequences of different length end together: the profile counts back from the end of each."""
    x = X.copy()
    for i, length in enumerate(LENGTHS):
        x[i, length:] = 0
    model = model_of(layers.Masking(), layers.LSTM(4))
    (found,) = monitors.time_horizon(model, x, Y)
    single = slopes(model, x, Y, first=1)
    expected = [
        np.sqrt(np.mean([single[i, length - 1 - back] ** 2 for i, length in enumerate(LENGTHS) if length > back]))
        for back in range(6)
    ]
    np.testing.assert_allclose(found.profile, expected, **CLOSE)
    assert (single[np.arange(4)[:, None], np.arange(6)] == 0)[3, 1:].all()


@pytest.mark.slow
def test_words_with_a_mask_and_padding_on_the_left(float64):
    """Twice the same words, once padded on the left: the same profile as far as the words reach."""
    words = RNG.integers(1, 7, (4, 4))
    model = keras.Sequential([layers.Embedding(7, 3, mask_zero=True), layers.GRU(4), layers.Dense(2)])
    model.build((None, None))
    model.compile(loss="mse")
    (short,) = monitors.time_horizon(model, words, Y)
    (long,) = monitors.time_horizon(model, np.pad(words, ((0, 0), (2, 0))), Y)
    assert short.profile.shape == long.profile.shape == (4,)
    np.testing.assert_allclose(long.profile, short.profile, **CLOSE)


@pytest.mark.slow
def test_each_direction_has_a_profile_of_its_own(float64):
    model = model_of(layers.Bidirectional(layers.SimpleRNN(4)))
    both = model.layers[0]
    ways = {
        "forward": lambda x, mask: tf.concat([both.forward_layer(x), tf.stop_gradient(both.backward_layer(x))], -1),
        "backward": lambda x, mask: tf.concat([tf.stop_gradient(both.forward_layer(x)), both.backward_layer(x)], -1),
    }
    found = monitors.time_horizon(model, X, Y)
    assert [f.name for f in found] == [both.forward_layer.name, both.backward_layer.name]
    np.testing.assert_allclose(found[0].profile, rms(slopes(model, X, Y, ways["forward"]))[::-1], **CLOSE)
    np.testing.assert_allclose(found[1].profile, rms(slopes(model, X, Y, ways["backward"])), **CLOSE)


@pytest.mark.slow
def test_backwards_and_every_step(float64):
    model = model_of(layers.GRU(4, go_backwards=True))
    (found,) = monitors.time_horizon(model, X, Y)
    np.testing.assert_allclose(found.profile, rms(slopes(model, X, Y)), **CLOSE)
    model = model_of(layers.LSTM(4, return_sequences=True), layers.GRU(3))
    first, second = monitors.time_horizon(model, X, Y)
    np.testing.assert_allclose(first.profile, rms(slopes(model, X, Y))[::-1], **CLOSE)
    np.testing.assert_allclose(second.profile, rms(slopes(model, X, Y, first=1))[::-1], **CLOSE)
    assert first.is_final
    every = keras.Sequential([keras.Input((6, 3)), layers.LSTM(4, return_sequences=True), layers.Dense(2)])
    every.compile(loss="mse")
    assert not monitors.time_horizon(every, X, np.repeat(Y[:, None], 6, axis=1))[0].is_final


def test_a_model_without_time_is_refused():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    model.compile(loss="mse")
    with pytest.raises(ValueError, match=r"`time_horizon` follows .* which has none\. `layer_flow` follows"):
        monitors.time_horizon(model, X[:, 0], Y)


def rnn(growth, is_final=True):
    return (TimeHorizon("rnn", np.geomspace(1, growth, 20), is_final),)


@pytest.mark.parametrize(
    "growth, is_final, fallen, expected",
    [
        (19.9, True, 0.2, "ok"),
        (20.1, True, 0.499, "act"),
        (20.1, True, 0.501, "ok"),
        (399.0, False, 0.2, "ok"),  # a sum over 20 steps may come to 20
        (401.0, False, 0.2, "act"),
    ],
)
def test_a_gradient_that_grows_on_its_way_back_through_time_explodes(growth, is_final, fallen, expected):
    log = log_of(losses(fallen), time_horizon=rnn(growth, is_final))
    of_memory = "ok" if is_final else None
    assert [level("time_horizon", log, kind) for kind in ("short_horizon", "exploding")] == [of_memory, expected]


def test_the_horizon_in_time():
    def back(steps, rest=0.001, fallen=0.2):
        profile = np.where(np.arange(100) < steps, 1.0, rest)
        seen = (TimeHorizon("rnn", profile, is_final=True),)
        return level("time_horizon", log_of(losses(fallen), time_horizon=seen), "short_horizon")

    check([(71, "ok"), (69, "watch"), (51, "watch"), (49, "act"), (49, 0.0101, "ok"), (49, 0.0099, "act"),
           (49, 0.0, 0.499, "act"), (49, 0.0, 0.501, "ok")], back)  # fmt: skip


def test_memory_is_said_with_the_layer_of_the_last_measurement():
    long, short = rnn(1e-9), (TimeHorizon("first", np.ones(1), is_final=True),)
    found = remarks("time_horizon", log_of(losses(), time_horizon=[*[short] * 8, long]))
    assert set(found) == {"short_horizon", "exploding"}
    assert found["exploding"] == "in rnn, 20 time steps"
    found = remarks("time_horizon", log_of(losses(), time_horizon=[*[long] * 8, short]))
    assert found["exploding"] == "in first, 1 time step"


def test_the_horizon_ends_where_the_gradient_stays_below_a_hundredth():
    assert horizon([1.0, 0.01, 0.009]).horizon == 2
    assert horizon([0.5, 0.001, 1.0, 0.001]).horizon == 3
    assert horizon([0.0, 0.0]).horizon == horizon([]).horizon == 0
    assert horizon([0.5, 0.006]).horizon == 2  # of its largest, however small that is
    assert np.isnan([horizon([0.0, 1.0]).growth, horizon([]).growth]).all()
    assert horizon([2.0, 1.0, 0.5]).growth == 0.25
    assert np.isnan(horizon([1.0, 0.5, 0.0, 0.0]).factor)  # of two numbers
    assert horizon([1.0, 0.1, 0.01, 0.001, 5e-9, 1e-9]).factor == pytest.approx(0.1)


def test_the_median_growth_in_time_counts_and_a_single_measurement_is_enough():
    (monitor,) = chosen(["time_horizon"])
    assert monitor.measure(seen([1.0]))["horizon_reached"] == 1.0
    assert monitor.measure(seen([1.0, 0.0], [1.0, 1.0], [1.0, 99.0]))["growth_in_time"] == 1.0
    learned = monitor.measure(seen([1.0, 1.0], *[[1.0, 0.0]] * 9))
    assert learned["horizon_reached"] == 1.0  # it reached all steps at the start, and has learned to forget
    of_every_step = monitor.measure(seen([1.0, 99.0], is_final=False))
    assert of_every_step["growth_in_time"] == 99.0 / 2
    assert "horizon_reached" not in of_every_step
    few = past_of_losses([1.0] * 3)
    few.add(3, {"time_horizon": (horizon([1.0, 1.0]),)})
    assert monitor.measure(few) == {}

"""Whether a model that predicts the next step is given it: by what it predicts, not by its layers."""

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8.monitors.seen_ahead import sees_next
from keras_ch8.verdicts.code import CAUSAL

LAYERS = keras.layers
RNG = np.random.default_rng(0)
SONGS = RNG.integers(1, 20, (64, 13))
X, Y = SONGS[:, :-1], SONGS[:, 1:]
ENDING = np.where(np.arange(13) < RNG.integers(3, 13, (64, 1)), SONGS, 0)
SERIES = np.sin(0.3 * np.arange(20) + RNG.uniform(0, 6, (64, 1)))[..., None]
FRAMES = RNG.random((16, 6, 4, 4, 1))


def of_tokens(layer, mask_zero=False):
    return keras.Sequential([
        keras.Input((12,)), LAYERS.Embedding(20, 8, mask_zero=mask_zero), layer, LAYERS.Dense(20, "softmax")
    ])  # fmt: skip


def attending(causal=False, sees_another=False):
    """A model of the same tokens, beside another sequence of which all may be seen."""
    tokens, other = keras.Input((12,), name="tokens"), keras.Input((12,), name="other")
    embedded = LAYERS.Embedding(20, 8)(tokens)
    x = LAYERS.MultiHeadAttention(2, 4)(embedded, embedded, use_causal_mask=causal)
    if sees_another:
        x = x + LAYERS.MultiHeadAttention(2, 4)(x, LAYERS.Embedding(20, 8)(other))
    return keras.Model([tokens, other] if sees_another else tokens, LAYERS.Dense(20, "softmax")(x))


def recurrent():
    return LAYERS.LSTM(8, return_sequences=True)


def of_series(layer):
    return keras.Sequential([keras.Input((19, 1)), layer, LAYERS.Dense(1)])


def of_frames(steps):
    return keras.Sequential(
        [
            keras.Input((5, 4, 4, 1)),
            LAYERS.ConvLSTM2D(4, 3, padding="same", return_sequences=True),
            LAYERS.Conv3D(1, (steps, 3, 3), padding="same"),
        ]
    )


@pytest.mark.parametrize(
    ("make", "x", "y", "expected"),
    [
        (attending, X, Y, True),
        (lambda: attending(causal=True), X, Y, False),
        (lambda: attending(causal=True, sees_another=True), [X, X[::-1]], Y, False),
        (lambda: attending(sees_another=True), [X, X[::-1]], Y, True),
        (lambda: of_tokens(recurrent()), X, Y, False),
        (lambda: of_tokens(LAYERS.Bidirectional(recurrent())), X, Y, True),
        (lambda: of_tokens(LAYERS.Bidirectional(recurrent())), X, np.eye(20)[Y], True),
        (lambda: of_tokens(LAYERS.Bidirectional(recurrent())), X, X, False),
        (lambda: of_tokens(LAYERS.Bidirectional(recurrent())), X, X[::-1], False),
        (lambda: of_tokens(LAYERS.Conv1D(8, 3, padding="same")), X, Y, True),
        (lambda: of_tokens(LAYERS.Conv1D(8, 3, padding="causal")), X, Y, False),
        (lambda: of_tokens(recurrent(), mask_zero=True), ENDING[:, :-1], ENDING[:, 1:], False),
        (lambda: of_tokens(LAYERS.Bidirectional(recurrent()), mask_zero=True), ENDING[:, :-1], ENDING[:, 1:], True),
        (lambda: of_tokens(LAYERS.Bidirectional(recurrent())), ENDING[:, :-1], ENDING[:, :-1] > 5, False),
        (lambda: of_series(recurrent()), SERIES[:, :-1], SERIES[:, 1:], False),
        (lambda: of_series(LAYERS.Bidirectional(recurrent())), SERIES[:, :-1], SERIES[:, 1:], True),
        (lambda: of_frames(1), FRAMES[:, :-1], FRAMES[:, 1:], False),
        (lambda: of_frames(3), FRAMES[:, :-1], FRAMES[:, 1:], True),
    ],
)
def test_it_is_seen_by_what_is_predicted(make, x, y, expected):
    assert sees_next(make(), x, y) is expected


def test_the_code_hides_later_steps_and_keeps_the_weights():
    model = attending()
    model.compile("adam", "sparse_categorical_crossentropy")
    scope = {"model": model, "keras": keras, "keras_ch8": keras_ch8}
    exec(CAUSAL, scope)
    assert not sees_next(scope["model"], X, Y)
    assert all(a is b for a, b in zip(scope["model"].weights, model.weights, strict=True))


def test_what_draws_at_random_is_no_evidence():
    class Noisy(LAYERS.Layer):
        def call(self, x):
            return x + keras.random.normal(keras.ops.shape(x))

    assert not sees_next(of_tokens(Noisy()), X, Y)

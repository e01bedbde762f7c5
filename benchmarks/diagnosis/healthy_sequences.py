"""Healthy trainings on sequences, texts and embeddings."""

import keras
import numpy as np
from keras import layers

import keras_ch8
from keras_ch8 import optimizers, schedules

from .data import (
    bearings,
    chirps,
    convolutions,
    damped,
    digits_run,
    documents,
    heart_sounds,
    mackey_glass,
    reviews,
    sentences,
    sines,
    texts,
    waves,
)
from .runs import LOGITS, STEPS, healthy, net, normal, ready, split, standardized


@healthy(group=1)
def lstm(rng):
    return digits_run(rng, [layers.Reshape((8, 8)), layers.LSTM(24)], keras.optimizers.Adam(5e-3), 32)


@healthy(group=1)
def gru_on_words(rng):
    x = rng.integers(1, 40, (1152, 12))
    y = (np.where(x < 8, 1, 0) - np.where(x > 33, 1, 0)).sum(axis=1) > 0
    model = net((12,), layers.Embedding(40, 8), layers.GRU(16), layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(5e-3), *split(x, y.astype(int), rng, 128), 32)


@healthy(group=2)
def convolutions_of_waves(rng):
    model = convolutions(16, layers.GlobalMaxPooling1D())
    return ready(
        model, "sparse_categorical_crossentropy", keras.optimizers.RMSprop(2e-3), *sines(rng), 48, validate=True
    )


@healthy(group=2)
def next_value(rng):
    t = np.arange(12) * 0.3
    x = np.sin(t + rng.uniform(0, 2 * np.pi, (1152, 1))) * rng.uniform(0.5, 1.5, (1152, 1))
    x = x + 0.02 * rng.normal(size=x.shape)
    model = net((11, 1), layers.LSTM(20), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(5e-3), *split(x[:, :11, None], x[:, 11], rng, 128), 32)


@healthy(group=2)
def gru_on_events(rng):
    x = (rng.random((1152, 10, 4)) < 0.2).astype(float)
    y = (np.cumsum(x[..., 0], axis=1)[:, -1] > np.cumsum(x[..., 1], axis=1)[:, -1]).astype(int)
    model = net((10, 4), layers.GRU(12), layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(5e-3), *split(x, y, rng, 128), 32)


@healthy(group=3)
def normalized_chirps(rng):
    model = net(
        (40, 1),
        layers.Conv1D(12, 7, strides=2, use_bias=False),
        layers.BatchNormalization(momentum=0.95),
        layers.ReLU(),
        layers.Conv1D(12, 5, use_bias=False),
        layers.BatchNormalization(momentum=0.95),
        layers.ReLU(),
        layers.GlobalAveragePooling1D(),
        layers.Dense(3, "softmax"),
    )
    return ready(model, "sparse_categorical_crossentropy", optimizers.Momentum(0.03), *chirps(rng, 2304), 64)


@healthy(group=3)
def lstm_on_chirps(rng):
    model = net((10, 4), layers.LSTM(24, unroll=True), layers.Dense(3, "softmax"))
    train, probe = ((x.reshape(-1, 10, 4), y) for x, y in chirps(rng, 2304, noise=0.1))
    return ready(model, "sparse_categorical_crossentropy", keras.optimizers.Adam(5e-3), train, probe, 64)


@healthy(group=3)
def mean_of_words(rng):
    model = net((20,), layers.Embedding(80, 8), layers.GlobalAveragePooling1D(), layers.Dense(3, "softmax"))
    data = sentences(rng, 2304, 80, 20, 0.8)
    return ready(model, "sparse_categorical_crossentropy", optimizers.Adam(5e-3), *data, 64, validate=True)


@healthy(group=4)
def sgd_with_momentum_on_waves(rng):
    train, probe = waves(rng)
    model = net((32, 1), layers.Conv1D(12, 5, 2, activation="relu"), layers.Conv1D(12, 5, 2, activation="relu"))
    for layer in (layers.Flatten(), layers.Dense(3)):
        model.add(layer)
    return ready(model, LOGITS, keras.optimizers.SGD(0.02, momentum=0.9), train, probe, 64)


@healthy(group=4)
def attention_finds_the_flagged_symbol(rng):
    symbols, flagged = rng.integers(10, size=(4352, 16)), rng.integers(16, size=4352)
    symbols[np.arange(4352), flagged] += 10
    train, probe = split(symbols, symbols[np.arange(4352), flagged] - 10, rng, 256)
    inputs = keras.Input((16,))
    tokens = layers.Embedding(20, 16)(inputs)
    attended = layers.MultiHeadAttention(2, 8)(tokens, tokens)
    outputs = layers.Dense(10)(layers.GlobalAveragePooling1D()(layers.LayerNormalization()(tokens + attended)))
    optimizer = keras.optimizers.AdamW(0.001)
    return ready(keras.Model(inputs, outputs), LOGITS, optimizer, train, probe, 32)


@healthy(group=4)
def gru_tells_rhythms_apart(rng):
    train, probe = waves(rng, 4352)
    model = net((32, 1), layers.Reshape((8, 4)), layers.GRU(16), layers.Dense(3))
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.005, STEPS, 0.1))
    return ready(model, LOGITS, optimizer, train, probe, 32)


@healthy(group=4)
def bags_of_words_by_topic(rng):
    train, probe = documents(rng, 4352)
    model = net((20,), layers.Embedding(300, 16), layers.GlobalAveragePooling1D(), layers.Dense(4))
    return ready(model, LOGITS, keras.optimizers.Adam(0.005), train, probe, 64)


@healthy(group=5)
def topics_with_adam(rng):
    train, probe = split(*texts(rng, 12256), rng, 256)
    model = net((20,), layers.Embedding(400, 16), layers.GlobalAveragePooling1D(), layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(0.003), train, probe, 32)


@healthy(group=5)
def next_value_of_a_wave_with_lstm(rng):
    times = np.arange(17) * rng.uniform(0.3, 0.9, (3256, 1)) + rng.uniform(0, 6.3, (3256, 1))
    waves = np.sin(times)[..., None] + rng.normal(0, 0.05, (3256, 17, 1))
    train, probe = split(waves[:, :16], waves[:, 16], rng, 256)
    return ready(net((16, 1), layers.LSTM(16), layers.Dense(1)), "mse", keras.optimizers.Adam(0.003), train, probe, 32)


@healthy(group=6)
def frequency_by_a_gru(rng):
    signal, _, frequency = damped(rng, 4224, 12)
    train, probe = split(signal[..., None], standardized(frequency), rng, 128)
    model = net((12, 1), layers.GRU(16, unroll=True), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Nadam(schedules.CosineDecay(0.01)), train, probe, 64)


@healthy(group=6)
def value_at_the_largest_key_by_attention(rng):
    x = rng.normal(size=(4224, 8, 2))
    y = np.take_along_axis(x[..., 1], x[..., 0].argmax(1)[:, None], 1)
    train, probe = split(x, y, rng, 128)
    tokens = keras.Input((8, 2))
    h = layers.Dense(16, "gelu")(tokens)
    h = layers.Dense(32, "gelu")(h + layers.MultiHeadAttention(2, 8)(h, h))
    model = keras.Model(tokens, layers.Dense(1)(layers.GlobalAveragePooling1D()(h)))
    return ready(model, "mse", keras.optimizers.AdamW(schedules.OneCycle(0.005)), train, probe, 64)


@healthy(group=7)
def largest_so_far_by_a_gru(rng):
    x = rng.normal(size=(4256, 10, 1))
    train, probe = split(x, x.max(axis=1), rng, 256)
    return ready(net((10, 1), layers.GRU(16), layers.Dense(1)), "mse", keras.optimizers.Adam(0.005), train, probe, 64)


@healthy(group=7)
def answers_looked_up_by_attention(rng):
    x = rng.integers(8, size=(6256, 6))
    y = (x[:, :-1] == x[:, -1:]).sum(axis=1).clip(max=2)
    train, probe = split(x, y, rng, 256)
    tokens = keras.Input((6,))
    h = layers.Embedding(8, 16)(tokens)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 8)(h[:, -1:], h))
    model = keras.Model(tokens, layers.Dense(3)(layers.Dense(32, "gelu")(layers.Flatten()(h))))
    return ready(model, LOGITS, keras.optimizers.AdamW(schedules.Warmup(0.003, 100)), train, probe, 64)


@healthy(group=8)
def chaotic_series_by_an_lstm(rng):
    train, probe = split(*mackey_glass(rng, 4256, 12, 3), rng, 256)
    optimizer = keras_ch8.optimizers.RMSprop(schedules.LinearDecay(0.005, "100%"))
    return ready(net((12, 1), layers.LSTM(16, unroll=True), layers.Dense(1)), "mse", optimizer, train, probe, 32)


@healthy(group=8)
def most_frequent_sign_by_attention(rng):
    y = rng.integers(4, size=6256)
    x = np.where(rng.random((6256, 12)) < 0.35, y[:, None], rng.integers(10, size=(6256, 12)))
    train, probe = split(x, y, rng, 256)
    tokens = keras.Input((12,))
    h = layers.Embedding(10, 16)(tokens)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 8)(h, h))
    model = keras.Model(tokens, layers.Dense(4)(layers.GlobalAveragePooling1D()(h)))
    return ready(model, LOGITS, keras_ch8.optimizers.Adam(schedules.CosineDecay(0.003)), train, probe, 64)


@healthy(group=8)
def walks_on_a_ring_with_a_gradient_that_grows(rng):
    forward = rng.choice([-1, 1], (6256, 1)) * rng.choice([1, -1], (6256, 5), p=[0.9, 0.1])
    places = (rng.integers(12, size=(6256, 1)) + np.cumsum(forward, axis=1)) % 12
    train, probe = split(places[:, :4], places[:, 4], rng, 256)
    model = net((4,), layers.Embedding(12, 8), layers.Flatten(), layers.Dense(32, "relu"), layers.Dense(12))
    optimizer = keras.optimizers.SGD(schedules.CosineDecay(0.01), momentum=0.9)
    return ready(model, LOGITS, optimizer, train, probe, 64)


@healthy(group=9)
def average_of_recent_days_by_a_gru(rng):
    x = rng.normal(size=(6256, 10, 2))
    y = np.zeros(6256)
    for day in range(10):
        y = 0.7 * y + x[:, day, 0] / (1 + np.exp(-x[:, day, 1]))
    train, probe = split(x, standardized(y)[:, None], rng, 256)
    optimizer = keras_ch8.optimizers.Adam(schedules.CosineDecay(0.01))
    return ready(net((10, 2), layers.GRU(16), layers.Dense(1)), "mse", optimizer, train, probe, 64)


@healthy(group=9)
def worth_of_reviews_with_nadam(rng):
    train, probe = split(*reviews(rng, 8256), rng, 256)
    words = [layers.Embedding(200, 8, normal(0.3)), layers.GlobalAveragePooling1D()]
    optimizer = keras.optimizers.Nadam(schedules.CosineDecay(0.01))
    return ready(net((12,), *words, layers.Dense(16, "gelu"), layers.Dense(1)), "mse", optimizer, train, probe, 64)


@healthy(group=10)
def faults_of_bearings_by_nesterov(rng):
    train, probe = split(*bearings(rng, 4256), rng, 256)
    hidden = [layers.Conv1D(16, 9, 2, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU()]
    hidden += [layers.Conv1D(16, 9, 2, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU()]
    model = net((64, 1), *hidden, layers.GlobalAveragePooling1D(), layers.Dense(3))
    return ready(model, LOGITS, keras_ch8.optimizers.Nesterov(schedules.LinearDecay(0.02, "100%")), train, probe, 64)


@healthy(group=10)
def response_of_a_valve_by_dilated_convolutions(rng):
    drive, state, response = rng.normal(size=(3256, 24)), np.zeros(3256), []
    for push in drive.T:
        state = 0.6 * state + 0.4 * np.tanh(2 * push)
        response.append(state)
    train, probe = split(drive[..., None], standardized(np.stack(response, axis=1))[..., None], rng, 256)
    hidden = [layers.Conv1D(16, 3, padding="causal", dilation_rate=2**k, activation="gelu") for k in range(3)]
    model = net((24, 1), *hidden, layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adamax(schedules.CosineDecay(0.01)), train, probe, 32)


def letter_chains(rng, size, letters=14, length=24, languages=5):
    """Return letters, each of which depends on the one before as its language has it, and the language."""
    follows = rng.dirichlet(np.full(letters, 0.3), (languages, letters)).cumsum(axis=2)
    y, x = rng.integers(languages, size=size), rng.integers(letters, size=(size, length))
    for at in range(1, length):
        x[:, at] = (rng.random((size, 1)) > follows[y, x[:, at - 1], :-1]).sum(axis=1)
    return x, y


@healthy(group=11)
def languages_by_convolutions_over_letters(rng):
    train, probe = split(*letter_chains(rng, 6256), rng, 256)
    hidden = [layers.Embedding(14, 12), layers.Conv1D(24, 3, activation="relu"), layers.GlobalAveragePooling1D()]
    return ready(
        net((24,), *hidden, layers.Dense(5)),
        LOGITS,
        keras.optimizers.Adam(schedules.CosineDecay(0.01)),
        train,
        probe,
        64,
    )


@healthy(group=11)
def rhythms_by_a_gru(rng):
    y, time = rng.integers(3, size=3256), np.arange(16)
    strong = (time + rng.integers(0, 12, (3256, 1))) % np.array([2, 3, 4])[y, None] == 0
    x = strong + 0.3 * rng.random(strong.shape) + rng.normal(0, 0.1, strong.shape)
    train, probe = split(standardized(x)[..., None], y, rng, 256)
    optimizer = keras.optimizers.RMSprop(schedules.LinearDecay(0.005, "100%"))
    return ready(net((16, 1), layers.GRU(16), layers.Dense(3)), LOGITS, optimizer, train, probe, 32)


@healthy(group=11)
def valves_of_the_heart_with_nesterov(rng):
    x, y = heart_sounds(rng, 4256)
    train, probe = split(np.abs(x), y, rng, 256)
    hidden = [layers.Conv1D(12, 7, 2, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU()]
    hidden += [layers.Conv1D(16, 7, 2, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU()]
    optimizer = keras.optimizers.SGD(schedules.LinearDecay(0.02, "100%"), momentum=0.9, nesterov=True)
    return ready(net((60, 1), *hidden, layers.Flatten(), layers.Dense(3)), LOGITS, optimizer, train, probe, 64)


@healthy(group=11)
def margins_between_teams_from_embeddings(rng):
    strength, teams = rng.normal(size=(20, 2)), rng.integers(20, size=(6256, 2))
    home, away = strength[teams[:, 0]], strength[teams[:, 1]]
    margin = home[:, 0] - away[:, 0] + 0.6 * home[:, 1] * away[:, 1] + 0.3 + rng.normal(0, 0.1, 6256)
    train, probe = split(teams, standardized(margin)[:, None], rng, 256)
    hidden = [layers.Embedding(20, 6), layers.Flatten(), layers.Dense(32, "silu")]
    return ready(
        net((2,), *hidden, layers.Dense(1)), "mse", keras.optimizers.Adam(schedules.CosineDecay(0.01)), train, probe, 64
    )

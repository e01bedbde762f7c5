"""An eleventh part of planted runs, written without sight of the rules."""

import keras
import numpy as np
from keras import layers, ops
from numpy.polynomial import legendre

from keras_ch8 import schedules

from .runs import BINARY_LOGITS, LOGITS, Half, net, normal, ready, split, standardized, tiled

RUNS = Half()
Dense = layers.Dense


def text(rng, size, letters=14, length=24, languages=5):
    """Return letters, each of which depends on the one before as its language has it, and the language."""
    follows = rng.dirichlet(np.full(letters, 0.3), (languages, letters)).cumsum(axis=2)
    y, x = rng.integers(languages, size=size), rng.integers(letters, size=(size, length))
    for at in range(1, length):
        x[:, at] = (rng.random((size, 1)) > follows[y, x[:, at - 1], :-1]).sum(axis=1)
    return x, y


def heart_sounds(rng, size, length=60, noise=0.25):
    """Return two beats of a heart with what is heard between them, and which of three valves is to blame."""
    y, time = rng.integers(3, size=size), np.arange(length) - rng.uniform(3, 9, (size, 1))
    beats = sum(np.exp(-(((time - at) / 2) ** 2)) * np.cos(1.2 * (time - at)) for at in (0, 24))
    rise = np.stack([np.exp(-(((time - at) / wide) ** 2)) for at, wide in ((8, 4), (16, 4), (36, 6))], axis=1)
    murmur = 0.6 * rise[np.arange(size), y] * rng.normal(size=time.shape)
    return (2 * beats + murmur + rng.normal(0, noise / 5, time.shape))[..., None], y


def boards(rng, size):
    """Return boards of noughts and crosses, and how many more lines the first player can still win than the second."""
    cells = rng.choice([-1, 0, 1], (size, 9), p=[0.35, 0.3, 0.35])
    lines = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]]
    held = cells[:, lines]
    return cells, (held.min(axis=2) >= 0).sum(axis=1) - (held.max(axis=2) <= 0).sum(axis=1)


def hills(rng, size, side=9):
    """Return maps of a hill on a plain that slopes, and where the top of it is."""
    top, wide = rng.uniform(2, side - 3, (2, size, 1, 1)), rng.uniform(1.2, 2.0, (size, 1, 1))
    grid, slope = np.arange(side) - 4, rng.normal(0, 0.08, (2, size, 1, 1))
    height = np.exp(-((grid[:, None] + 4 - top[0]) ** 2 + (grid + 4 - top[1]) ** 2) / wide**2)
    maps = height + slope[0] * grid[:, None] + slope[1] * grid + rng.normal(0, 0.05, height.shape)
    return (maps[..., None] - maps.mean()) / maps.std(), standardized(np.stack([top[0].ravel(), top[1].ravel()], 1))


@RUNS.sick("step_too_long", "a fifteenth of the learning rate")
def length_of_days_by_strides(rng, cured=False):
    latitude, season = rng.uniform(-1.1, 1.1, (4256, 1)), rng.uniform(0, 2 * np.pi, (4256, 1))
    tilt = 0.41 * np.sin(season)
    hours = np.arccos((-np.tan(latitude) * np.tan(tilt)).clip(-1, 1))
    x = np.hstack([latitude, np.sin(season), np.cos(season)])
    train, probe = split(standardized(x), standardized(hours), rng, 256)
    model = net((3,), Dense(32, "tanh"), Dense(1))
    return ready(model, "huber", keras.optimizers.SGD(0.2 if cured else 1.5), train, probe, 128)


@RUNS.sick("step_too_short", "three hundred times the learning rate")
def loans_sorted_by_steps_of_almost_nothing(rng, cured=False):
    x = rng.normal(size=(4256, 10))
    debt = x[:, :4] @ [1.5, -1.2, 1.0, 0.8] + 1.5 * x[:, 4] * x[:, 5] - 0.8 * np.abs(x[:, 6])
    train, probe = split(x, np.digitize(debt + rng.normal(0, 0.3, 4256), [-1.5, 1.0]), rng, 256)
    model = net((10,), Dense(48, "relu"), Dense(24, "relu"), Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(0.006 if cured else 0.00002), train, probe, 64)


@RUNS.sick("ill_conditioned", "Legendre's polynomials in place of powers")
def pace_of_a_race_by_powers_of_the_distance(rng, cured=False):
    at = rng.uniform(-1, 1, 4256)
    pace = np.sin(7 * at) + 0.6 * np.cos(5 * at + 1) + 0.3 * at + rng.normal(0, 0.05, 4256)
    x = legendre.legvander(at, 10)[:, 1:] if cured else np.vander(at, 11, increasing=True)[:, 1:]
    train, probe = split(standardized(x), standardized(pace)[:, None], rng, 256)
    return ready(net((10,), Dense(1)), "mse", keras.optimizers.SGD(0.15), train, probe, 250)


@RUNS.sick("noise_dominated", "batches of 128 matches, not of 2")
def tennis_learned_from_two_matches_at_a_time(rng, cured=False):
    x = rng.normal(size=(1256, 16))
    better = x @ rng.normal(0, 0.5, 16)
    y = (rng.random(1256) < 1 / (1 + np.exp(-better))).astype(int)
    train, probe = split(x, y[:, None], rng, 256)
    optimizer = keras.optimizers.SGD(0.02, momentum=0.9)
    return ready(net((16,), Dense(1)), BINARY_LOGITS, optimizer, train, probe, 128 if cured else 2)


@RUNS.sick("batch_wasteful", "a sixteenth of the batch")
def nearest_of_six_capitals_for_two_thousand_places_at_a_time(rng, cured=False):
    places = rng.normal(size=(40000, 3))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    near = places @ np.hstack([np.eye(3), -np.eye(3)])
    ranked = np.sort(near, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > 0.2
    train, probe = split(places[clear][:16640] * np.sqrt(3), near[clear].argmax(axis=1)[:16640], rng, 256)
    model = net((3,), Dense(32, "gelu"), Dense(6))
    return ready(model, LOGITS, keras.optimizers.SGD(0.01, momentum=0.9), train, probe, 128 if cured else 2048)


def welsch(y, predicted):
    """A robust loss: what is far off counts as 1, however far."""
    return 1 - ops.exp(-(((y - predicted) / 0.6) ** 2) / 2)


@RUNS.sick("plateau", "an output that starts at the mean of the salaries")
def salaries_by_a_robust_loss_from_far_away(rng, cured=False):
    x = rng.normal(size=(3256, 6))
    thousands = 3.7 + 0.25 * np.tanh(x[:, :1]) + 0.15 * x[:, 1:2] * np.tanh(x[:, 2:3]) + 0.1 * np.sin(2 * x[:, 3:4])
    train, probe = split(x, thousands + rng.normal(0, 0.05, thousands.shape), rng, 256)
    start = keras.initializers.Constant(3.7 if cured else 0.0)
    small = normal(0.05)
    model = net((6,), Dense(32, "tanh"), Dense(1, kernel_initializer=small, bias_initializer=start))
    return ready(model, welsch, keras.optimizers.SGD(0.05, momentum=0.9), train, probe, 64)


@RUNS.sick("saddle", "weights with a standard deviation of 0.3")
def runs_of_cricket_by_batsman_times_bowler(rng, cured=False):
    x = rng.normal(size=(4256, 12))
    y = ((x[:, :6] @ rng.normal(size=(6, 2))) * (x[:, 6:] @ rng.normal(size=(6, 2)))).sum(axis=1)
    train, probe = split(x, standardized(y)[:, None], rng, 256)
    inputs, start = keras.Input((12,)), normal(0.3 if cured else 1e-7)
    batsman, bowler = (Dense(6, kernel_initializer=start)(part) for part in (inputs[:, :6], inputs[:, 6:]))
    model = keras.Model(inputs, ops.sum(batsman * bowler, axis=1, keepdims=True))
    return ready(model, "mse", keras.optimizers.SGD(0.012), train, probe, 64)


@RUNS.sick("cliff", "gradients clipped to a norm of 0.1")
def savings_of_which_a_few_grew_for_thirty_years(rng, cured=False):
    x, years = rng.normal(size=(3256, 3)), rng.uniform(1, 6, (3256, 1))
    years[rng.random(3256) < 0.01] = 30
    rate = 0.09 + 0.04 * np.tanh(x[:, :1]) - 0.03 * np.tanh(x[:, 1:2]) + 0.02 * np.sin(x[:, 2:])
    train, probe = split(np.hstack([x, years]), np.exp(rate * years), rng, 256)
    inputs = keras.Input((4,))
    percent = 5 * Dense(1, kernel_initializer=normal(0.1))(Dense(16, "tanh")(inputs[:, :3]))
    model = keras.Model(inputs, ops.exp(ops.minimum(percent / 100 * inputs[:, 3:], 7)))
    optimizer = keras.optimizers.SGD(0.15, global_clipnorm=0.1 if cured else None)
    return ready(model, "log_cosh", optimizer, train, probe, 32)


@RUNS.sick("exploding", "recurrent weights of two sevenths")
def melodies_continued_by_units_at_odds(rng, cured=False):
    x = rng.integers(8, size=(3256, 30))
    y = np.where(x[:, -1] > x[:, -2], x[:, -1] // 2, 3 - x[:, -3] // 2)
    train, probe = split(x, y, rng, 256)
    start = normal((1.0 if cured else 3.5) / np.sqrt(32))
    model = net((30,), layers.Embedding(8, 16), layers.SimpleRNN(32, recurrent_initializer=start), Dense(4))
    return ready(model, LOGITS, keras.optimizers.Adam(0.0005), train, probe, 32)


@RUNS.sick("vanishing", "tanh in place of sigmoids")
def rainfall_of_places_through_eight_sigmoids(rng, cured=False):
    x = rng.uniform(-1, 1, (3256, 4))
    y = np.cos(3 * x[:, :1]) + x[:, 1:2] * np.exp(-x[:, 2:3]) + 0.5 * np.abs(x[:, 3:4])
    train, probe = split(standardized(x), standardized(y), rng, 256)
    hidden = [Dense(24, "tanh" if cured else "sigmoid") for _ in range(8)]
    return ready(net((4,), *hidden, Dense(1)), "mse", keras.optimizers.SGD(0.05), train, probe, 64)


@RUNS.sick("short_horizon", "forget gates that start open")
def key_of_a_tune_from_its_first_notes(rng, cured=False):
    def start(shape, dtype=None):
        return ops.convert_to_tensor(np.repeat([0.0, 4.0 if cured else 0.0, 0.0, 0.0], 12), dtype)

    y, notes = rng.integers(3, size=4256), rng.integers(7, size=(4256, 30))
    notes[:, :3] = (y[:, None] * 2 + [0, 1, 0]) % 7
    train, probe = split(np.eye(7)[notes], y, rng, 256)
    lstm = layers.LSTM(12, bias_initializer=start, unit_forget_bias=False)
    return ready(net((30, 7), lstm, Dense(3)), LOGITS, keras.optimizers.Adam(0.003), train, probe, 32)


@RUNS.sick("dead_units", "weights as often above 0 as below")
def subjects_of_books_by_units_that_only_subtract(rng, cured=False):
    y, shares = rng.integers(5, size=4256), rng.dirichlet(np.full(60, 0.5), 5)
    words = np.stack([rng.multinomial(25, 0.4 * shares[subject] + 0.6 / 60) for subject in y])
    train, probe = split(words, y, rng, 256)
    start = keras.initializers.RandomUniform(-0.2, 0.2 if cured else 0.07)
    model = net((60,), Dense(48, "relu", kernel_initializer=start), Dense(5))
    return ready(model, LOGITS, keras.optimizers.SGD(0.01, momentum=0.9), train, probe, 64)


@RUNS.sick("saturated_units", "the weights that Keras starts with, not some twenty times as large")
def noughts_and_crosses_by_units_in_their_corners(rng, cured=False):
    cells, y = boards(rng, 4256)
    train, probe = split(cells, standardized(y)[:, None], rng, 256)
    start = "glorot_uniform" if cured else normal(4.0)
    hidden = [Dense(width, "tanh", kernel_initializer=start) for width in (40, 24)]
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    return ready(net((9,), *hidden, Dense(1)), "mse", optimizer, train, probe, 32)


@RUNS.sick("batch_norm_gap", "a momentum of 0.9")
def valves_of_the_heart_with_statistics_that_lag(rng, cured=False):
    x, y = heart_sounds(rng, 3256)
    train, probe = split(np.abs(5 * x) + 2, y, rng, 256)
    hidden = []
    for width in (12, 16):
        hidden += [layers.Conv1D(width, 7, 2, use_bias=False)]
        hidden += [layers.BatchNormalization(momentum=0.9 if cured else 0.9995), layers.ReLU()]
    model = net((60, 1), *hidden, layers.Flatten(), Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adamax(0.003), train, probe, 32)


@RUNS.sick("bad_scale", "each value of the blood of mean 0 and variance 1")
def patients_by_values_of_blood_as_the_laboratory_prints_them(rng, cured=False):
    x = rng.normal(size=(4256, 7))
    illness = x[:, 0] + np.abs(x[:, 1]) - x[:, 2] * x[:, 3] + 0.5 * x[:, 4]
    y = np.digitize(illness + rng.normal(0, 0.2, 4256), [0.2, 1.6])
    values = x * [1.5, 60, 1.5, 30, 4, 0.2, 25] + [7, 250, 14, 90, 140, 1.0, 200]
    train, probe = split(standardized(values) if cured else values, y, rng, 256)
    model = net((7,), Dense(32, "relu"), Dense(32, "relu"), Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(0.003), train, probe, 64)


@RUNS.sick("overfitting", "forty times the pages")
def authors_of_ninety_pages_by_their_small_words(rng, cured=False):
    size = 256 + (3600 if cured else 90)
    y, habit = rng.integers(3, size=size), rng.normal(0, 0.3, (3, 40))
    x = habit[y] + rng.normal(size=(size, 40))
    train, probe = split(x, y, rng, 256)
    model = net((40,), Dense(64, "relu"), Dense(32, "relu"), Dense(3))
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    return ready(model, LOGITS, optimizer, train if cured else tiled(train, 10), probe, 30, validate=True)


@RUNS.sick("underfitting", "five numbers, not one")
def timbres_told_in_a_single_number(rng, cured=False):
    loudness = np.tanh(rng.normal(size=(4256, 5)) @ rng.normal(size=(5, 24)))
    train, probe = split(standardized(loudness), standardized(loudness), rng, 256)
    model = net((24,), Dense(32, "tanh"), Dense(5 if cured else 1), Dense(32, "tanh"), Dense(24))
    return ready(model, "mse", keras.optimizers.Adam(schedules.CosineDecay(0.01)), train, probe, 64, validate=True)


@RUNS.healthy
def languages_by_convolutions_over_letters(rng):
    train, probe = split(*text(rng, 6256), rng, 256)
    hidden = [layers.Embedding(14, 12), layers.Conv1D(24, 3, activation="relu"), layers.GlobalAveragePooling1D()]
    return ready(
        net((24,), *hidden, Dense(5)), LOGITS, keras.optimizers.Adam(schedules.CosineDecay(0.01)), train, probe, 64
    )


@RUNS.healthy
def worth_of_options_with_momentum(rng):
    price, years, spread = rng.uniform(0.7, 1.3, 6256), rng.uniform(0.1, 1, 6256), rng.uniform(0.1, 0.5, 6256)
    luck = rng.normal(size=(1, 400))
    deviation = (spread * np.sqrt(years))[:, None]
    worth = (price[:, None] * np.exp(deviation * (luck - luck.mean()) - deviation**2 / 2) - 1).clip(0).mean(axis=1)
    train, probe = split(standardized(np.stack([price, years, spread], 1)), standardized(worth)[:, None], rng, 256)
    model = net((3,), Dense(32, "tanh"), Dense(16, "tanh"), Dense(1))
    optimizer = keras.optimizers.SGD(schedules.CosineDecay(0.03), momentum=0.9)
    return ready(model, "mse", optimizer, train, probe, 64)


@RUNS.healthy
def rhythms_by_a_gru(rng):
    y, time = rng.integers(3, size=3256), np.arange(16)
    strong = (time + rng.integers(0, 12, (3256, 1))) % np.array([2, 3, 4])[y, None] == 0
    x = strong + 0.3 * rng.random(strong.shape) + rng.normal(0, 0.1, strong.shape)
    train, probe = split(standardized(x)[..., None], y, rng, 256)
    optimizer = keras.optimizers.RMSprop(schedules.LinearDecay(0.005, "100%"))
    return ready(net((16, 1), layers.GRU(16), Dense(3)), LOGITS, optimizer, train, probe, 32)


@RUNS.healthy
def lines_left_to_win_by_plain_steps(rng):
    cells, lines = boards(rng, 12256)
    train, probe = split(cells, np.digitize(lines, [0, 1]), rng, 256)
    hidden = [Dense(width, "relu", kernel_initializer="he_normal") for width in (64, 32)]
    optimizer = keras.optimizers.SGD(schedules.LinearDecay(0.3, "100%"))
    return ready(net((9,), *hidden, Dense(3)), LOGITS, optimizer, train, probe, 64)


@RUNS.healthy
def valves_of_the_heart_with_nesterov(rng):
    x, y = heart_sounds(rng, 4256)
    train, probe = split(np.abs(x), y, rng, 256)
    hidden = [layers.Conv1D(12, 7, 2, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU()]
    hidden += [layers.Conv1D(16, 7, 2, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU()]
    optimizer = keras.optimizers.SGD(schedules.LinearDecay(0.02, "100%"), momentum=0.9, nesterov=True)
    return ready(net((60, 1), *hidden, layers.Flatten(), Dense(3)), LOGITS, optimizer, train, probe, 64)


@RUNS.healthy
def tops_of_hills_on_maps(rng):
    train, probe = split(*hills(rng, 4256), rng, 256)
    hidden = [layers.Conv2D(8, 3, activation="elu"), layers.Flatten(), Dense(24, "elu")]
    optimizer = keras.optimizers.SGD(schedules.LinearDecay(0.05, "100%"))
    return ready(net((9, 9, 1), *hidden, Dense(2)), "huber", optimizer, train, probe, 64)


@RUNS.healthy
def margins_between_teams_from_embeddings(rng):
    strength, teams = rng.normal(size=(20, 2)), rng.integers(20, size=(6256, 2))
    home, away = strength[teams[:, 0]], strength[teams[:, 1]]
    margin = home[:, 0] - away[:, 0] + 0.6 * home[:, 1] * away[:, 1] + 0.3 + rng.normal(0, 0.1, 6256)
    train, probe = split(teams, standardized(margin)[:, None], rng, 256)
    hidden = [layers.Embedding(20, 6), layers.Flatten(), Dense(32, "silu")]
    return ready(
        net((2,), *hidden, Dense(1)), "mse", keras.optimizers.Adam(schedules.CosineDecay(0.01)), train, probe, 64
    )


@RUNS.healthy
def doses_that_keep_a_level(rng):
    x = rng.normal(size=(8256, 6))
    dose = 0.3 * x[:, :1] + 0.4 * np.tanh(2 * x[:, 1:2]) + 0.2 * np.tanh(x[:, 2:3]) * np.tanh(x[:, 3:4])
    train, probe = split(x, standardized(dose + rng.normal(0, 0.03, dose.shape)), rng, 256)
    model = net((6,), Dense(48, "relu", kernel_initializer="he_normal"), Dense(24, "relu"), Dense(1))
    optimizer = keras.optimizers.SGD(schedules.CosineDecay(0.02), momentum=0.9)
    return ready(model, "mse", optimizer, train, probe, 64)

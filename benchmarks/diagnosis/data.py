"""Data sets, models and losses that runs of several topics share."""

import keras
import numpy as np
from keras import layers
from sklearn import datasets

from .runs import LOGITS, net, ready, split, standardized


def relabeled_digits(rng, flipped=0.0):
    """Return 8x8 digits in [0, 1], some with a random label."""
    x, y = datasets.load_digits(return_X_y=True)
    y = np.where(rng.random(len(y)) < flipped, rng.integers(0, 10, len(y)), y)
    return split(x / 16, y, rng, 256)


def digits_run(rng, hidden, optimizer, batch_size=64, data=None, **options):
    data = data or relabeled_digits(rng)
    return ready(net((64,), *hidden, layers.Dense(10)), LOGITS, optimizer, *data, batch_size, **options)


def scikit_table(load, rng, held_out, scaled=True):
    """Return a table of scikit-learn, standardized unless its own scales are wanted."""
    x, y = load(return_X_y=True)
    return split(standardized(x) if scaled else x, y, rng, held_out)


def moons(rng, noise=0.15, examples=1152):
    x, y = datasets.make_moons(examples, noise=noise, random_state=int(rng.integers(1000)))
    return split(x, y, rng, 128)


def sines(rng, examples=1152, length=32):
    """Return noisy sines of three frequencies; the frequency is the class."""
    y = rng.integers(0, 3, examples)
    t = np.arange(length) / length
    phase = rng.uniform(0, 2 * np.pi, (examples, 1))
    x = np.sin(2 * np.pi * (2 + 2 * y[:, None]) * t + phase) + 0.4 * rng.normal(size=(examples, length))
    return split(x[..., None], y, rng, 128)


def convolutions(units, pooling):
    """Return a network for `sines`."""
    hidden = layers.Conv1D(12, 5, strides=2, activation="relu"), layers.Conv1D(units, 3, activation="relu")
    return net((32, 1), *hidden, pooling, layers.Dense(3, "softmax"))


def surface(rng):
    x = rng.uniform(-2, 2, (1152, 3))
    return split(x, np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] / 2, rng, 128)


STENCILS = np.array(
    [
        [[1, 1, 1, 1, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]],
        [[0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0]],
        [[1, 0, 0, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 1, 0, 1, 0], [1, 0, 0, 0, 1]],
        [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]],
    ]
)


def shapes(rng, examples=1792, noise=0.3):
    """Return noisy 10x10 images of a frame, a cross, an X or a block somewhere; which one is the class."""
    y = rng.integers(0, 4, examples)
    x = noise * rng.normal(size=(examples, 10, 10, 1))
    for image, shape, row, column in zip(x, y, *rng.integers(0, 6, (2, examples)), strict=True):
        image[row : row + 5, column : column + 5, 0] += STENCILS[shape]
    return split(x, y, rng, 256)


def chirps(rng, examples=1280, length=40, noise=0.3):
    """Return noisy tones that rise (0), keep (1) or fall (2) in pitch."""
    y = rng.integers(0, 3, examples)
    t = np.arange(length) / length
    pitch = rng.uniform(3, 5, (examples, 1)) - 2.5 * (y[:, None] - 1) * (t - 0.5)
    x = np.sin(2 * np.pi * (pitch * t + rng.random((examples, 1)))) + noise * rng.normal(size=(examples, length))
    return split(x[..., None], y, rng, 256)


def topics(rng, examples=1792, words=40):
    """Return counts of words under one of 5 mixtures of 2 topics each."""
    topic = rng.gamma(0.5, 1.0, (10, words))
    y = rng.integers(0, 5, examples)
    share = rng.random((examples, 1))
    means = share * topic[2 * y] + (1 - share) * topic[2 * y + 1]
    return split(rng.poisson(means), y, rng, 256)


def sentences(rng, examples, words, length, sharpness, held_out=256):
    """Return sentences of so many words; three classes prefer other words."""
    preference = np.exp(sharpness * rng.normal(size=(3, words)))
    preference /= preference.sum(axis=1, keepdims=True)
    y = rng.integers(0, 3, examples)
    x = np.zeros((examples, length), int)
    for label in range(3):
        x[y == label] = rng.choice(words, ((y == label).sum(), length), p=preference[label])
    return split(x, y, rng, held_out)


def shells(rng, examples=1792, features=4):
    x, y = datasets.make_gaussian_quantiles(
        n_samples=examples, n_features=features, n_classes=3, random_state=int(rng.integers(1000))
    )
    return split(x, y, rng, 256)


def impedance(rng, examples=1792):
    """Return Friedman's second table: four quantities of a circuit, and its impedance."""
    x, y = datasets.make_friedman2(examples, noise=20.0, random_state=int(rng.integers(1000)))
    return split(standardized(x), standardized(y), rng, 256)


def residual(shape, width, blocks, *last, activation="relu", start="glorot_uniform", end="glorot_uniform"):
    """Return a net with so many branches of two layers, each added to what it was given."""
    inputs = keras.Input(shape)
    h = layers.Dense(width)(inputs)
    for _ in range(blocks):
        branch = layers.Dense(width, activation, kernel_initializer=start)(h)
        h = layers.Add()([h, layers.Dense(width, kernel_initializer=end)(branch)])
    for layer in last:
        h = layer(h)
    return keras.Model(inputs, h)


def friedman_split(rng, number=2304, noise=0.3):
    """Return ten measurements, of which five matter, and what follows from them."""
    x, y = datasets.make_friedman1(number, noise=noise, random_state=int(rng.integers(1 << 31)))
    return split(standardized(x), standardized(y)[:, None], rng, 256)


def waves(rng, number=2304, noise=0.25):
    """Return sines, squares and saws of any phase and of one to three periods in 32 samples."""
    classes = rng.integers(3, size=number)
    turns = rng.uniform(1, 3, (number, 1)) * np.linspace(0, 1, 32) + rng.uniform(size=(number, 1))
    shapes = np.stack([np.sin(2 * np.pi * turns), np.sign(np.sin(2 * np.pi * turns)), 2 * (turns % 1) - 1])
    signals = shapes[classes, np.arange(number)] + noise * rng.normal(size=turns.shape)
    return split(signals[..., None], classes, rng, 256)


def documents(rng, number, words=300, length=20, clear=0.5):
    """Return bags of words about one of four topics; a share of them is clear, any topic has the others."""
    topics = rng.integers(4, size=number)
    likes = np.random.default_rng(4).dirichlet(np.full(words, 0.1), 4)
    mixed = clear * likes + (1 - clear) / words
    return split(np.stack([rng.choice(words, length, p=mixed[topic]) for topic in topics]), topics, rng, 256)


def digits(rng, shape=(64,), held_out=256):
    """Return images of digits, from 0 to 1, and their classes."""
    x, y = datasets.load_digits(return_X_y=True)
    return split(x.reshape(-1, *shape) / 16, y, rng, held_out)


def texts(rng, size, noise=0.0, words=400, length=20):
    """Return sentences of which some words tell one of three topics; some labels are wrong."""
    topic = rng.integers(3, size=size)
    x = rng.integers(words, size=(size, length))
    telling = rng.random((size, length)) < 0.25
    x = np.where(telling, topic[:, None] * 40 + rng.integers(40, size=(size, length)), x)
    return x, np.where(rng.random(size) < noise, rng.integers(3, size=size), topic)


def damped(rng, count, length):
    """Return damped oscillations at so many times, their damping, and their frequency."""
    damping, frequency, phase = (rng.uniform(*ends, (count, 1)) for ends in [(0.05, 0.5), (1, 5), (0, 2 * np.pi)])
    time = np.linspace(0, 6, length)
    return np.exp(-damping * time) * np.cos(frequency * time + phase), damping, frequency


def friedman(rng, count, noise=0.0):
    x, y = datasets.make_friedman1(count, noise=noise, random_state=int(rng.integers(2**31)))
    return standardized(x), standardized(y)[:, None]


def disks(rng, size, side=8):
    """Return noisy images of one disk, and where it is."""
    grid = np.arange(side)
    middle, radius = rng.uniform(1.5, side - 2.5, (2, size, 1, 1)), rng.uniform(1.2, 2.5, (size, 1, 1))
    mask = np.hypot(grid[:, None] - middle[0], grid - middle[1]) < radius
    return (mask + rng.normal(0, 0.3, mask.shape))[..., None], mask[..., None].astype(float)


def gratings(rng, size, side=8, noise=0.4):
    """Return noisy images of stripes, and in which of four directions they run."""
    y, phase, wave = rng.integers(4, size=size), rng.uniform(0, 6.3, size), rng.uniform(1.0, 1.8, size)
    grid, angle = np.arange(side) - side / 2, y * np.pi / 4
    across = np.cos(angle)[:, None, None] * grid[:, None] + np.sin(angle)[:, None, None] * grid
    stripes = np.cos(wave[:, None, None] * across + phase[:, None, None])
    return (stripes + rng.normal(0, noise, stripes.shape))[..., None], y


def mackey_glass(rng, size, length, ahead):
    """Return windows of a chaotic series with a delay, and its value so many steps after each."""
    series = list(rng.uniform(0.5, 1.3, 18))
    for _ in range(size + length + ahead + 300):
        series.append(0.9 * series[-1] + 0.2 * series[-18] / (1 + series[-18] ** 10))
    series = standardized(np.array(series[300:]))
    windows = np.lib.stride_tricks.sliding_window_view(series, length)[:size]
    return windows[..., None], series[length + ahead - 1 :][:size, None]


def articles(rng, size, words=150, topics=6, length=60):
    """Return how often each word is in each article, and the article's topic."""
    common, special = rng.dirichlet(np.full(words, 0.3)), rng.dirichlet(np.full(words, 0.1), size=topics)
    y, share = rng.integers(topics, size=size), rng.uniform(0.3, 0.6, (size, 1))
    return rng.multinomial(length, (1 - share) * common + share * special[y]), y


def reviews(rng, size, words=200, length=12):
    """Return the words of short reviews, and the standardized sum of what they are worth."""
    worth, x = rng.normal(size=words), rng.integers(words, size=(size, length))
    return x, standardized(worth[x].sum(axis=1))[:, None]


def dials(rng, size, side=9):
    """Return images, of pixels from 0 to 255, of a needle; and the sine and the cosine of its angle."""
    angle, grid = rng.uniform(0, 2 * np.pi, size), np.arange(side) - side // 2
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    along, off = cosine * grid + sine * grid[:, None], cosine * grid[:, None] - sine * grid
    needle = np.exp(-(off**2)) * (along > 0) * (np.abs(along) < side / 2)
    x = (255 * (0.15 + 0.7 * needle) + rng.normal(0, 8, needle.shape)).clip(0, 255)
    return x[..., None], np.stack([np.sin(angle), np.cos(angle)], axis=1)


def letters(rng, size, side=8, noise=0.3):
    """Return noisy images of one of four letters somewhere, and which it is."""
    shapes = ["#..#..###", "###.#..#.", "#.#.#.#.#", "####.####"]
    shapes = np.array([[mark == "#" for mark in shape] for shape in shapes]).reshape(4, 3, 3)
    y, places = rng.integers(4, size=size), rng.integers(side - 2, size=(size, 2))
    x = rng.normal(0, noise, (size, side, side, 1))
    for image, letter, (row, column) in zip(x, y, places, strict=True):
        image[row : row + 3, column : column + 3, 0] += shapes[letter]
    return x, y


def stars(rng, size, people=60, films=40, noise=0.3):
    """Return who saw which film, numbered after the people, and the stars that they gave."""
    tastes, styles = rng.normal(size=(people, 3)), rng.normal(size=(films, 3))
    kindness, fame = rng.normal(0, 0.7, people), rng.normal(0, 0.7, films)
    who, what = rng.integers(people, size=size), rng.integers(films, size=size)
    y = (tastes[who] * styles[what]).sum(axis=1) / 2 + kindness[who] + fame[what] + rng.normal(0, noise, size)
    return np.stack([who, people + what], axis=1), y[:, None]


def rentals(rng, size):
    """Return hour, weekday and weather of bicycle rentals, and how many there were."""
    hour, day, weather = rng.integers(24, size=size), rng.integers(7, size=size), rng.normal(size=(size, 3))
    rush = np.exp(-((hour - 8) ** 2) / 4) + 1.2 * np.exp(-((hour - 17.5) ** 2) / 6)
    leisure = np.exp(-((hour - 14) ** 2) / 20)
    y = np.where(day < 5, rush, leisure) * (1 + 0.3 * np.tanh(weather[:, 0])) - 0.2 * (weather[:, 1] > 1)
    waves = [part(2 * np.pi * times * hour / 24) for times in (1, 2, 3, 4) for part in (np.sin, np.cos)]
    x = np.hstack([np.stack(waves, axis=1) * np.sqrt(2), 2 * (day[:, None] < 5) - 1, weather])
    return x, standardized(y)[:, None]


def rater(size, embeddings):
    """Return a model of stars from embeddings of the person and of the film."""
    return net(
        (2,), layers.Embedding(100, size, embeddings), layers.Flatten(), layers.Dense(32, "relu"), layers.Dense(1)
    )


def bearings(rng, size, length=64, noise=0.3):
    """Return vibrations that ring after each impact, and which of three parts of a bearing makes the impacts."""
    y, time = rng.integers(3, size=size), np.arange(length)
    since = (time + rng.uniform(0, 30, (size, 1))) % np.array([9.0, 13.0, 19.0])[y, None]
    ringing = np.exp(-since / 3) * np.cos(1.6 * since)
    return standardized(ringing + rng.normal(0, noise, ringing.shape))[..., None], y


def pulses(rng, size, length=40):
    """Return clean pulses of a detector: how high, how long and when each is comes by chance."""
    time = np.arange(length) - rng.uniform(5, 15, (size, 1))
    height, slow = rng.uniform(0.5, 2, (size, 1)), rng.uniform(4, 10, (size, 1))
    shape = np.where(time > 0, np.exp(-time / slow) - np.exp(-time / 2), 0)
    x = height * shape / shape.max(axis=1, keepdims=True)
    return (x - x.mean()) / x.std()


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

"""Plateaus and saddle points."""

import keras
import numpy as np
from keras import initializers, layers, ops
from sklearn import datasets

import keras_ch8

from .data import digits_run, disks, scikit_table
from .runs import LOGITS, net, normal, ready, seed_of, sick, split, standardized, tiled


@sick("plateau", "biases that start at 0", group=1)
def saturated_hidden(rng, cured=False):
    hidden = layers.Dense(32, "sigmoid", bias_initializer="zeros" if cured else initializers.Constant(-15.0))
    return digits_run(rng, [hidden], keras.optimizers.SGD(0.3), 128)


@sick("plateau", "cross-entropy, and biases that start at 0", group=2)
def saturated_outputs(rng, cured=False):
    train, probe = scikit_table(datasets.load_wine, rng, 50)
    train, probe = ((x, np.eye(3, dtype="float32")[y]) for x, y in (train, probe))
    bias = "zeros" if cured else initializers.Constant(-10.0)
    model = net((13,), layers.Dense(24, "tanh"), layers.Dense(3, "sigmoid", bias_initializer=bias))
    loss = "binary_crossentropy" if cured else "mse"
    return ready(model, loss, keras.optimizers.SGD(0.1, momentum=0.5), tiled(train, 10), probe, 32)


def welsch(y, predicted):
    """A robust loss, flat where the error is large."""
    return 1 - ops.exp(-ops.square(y - predicted) / 2)


@sick("plateau", "an output that starts at the targets' mean", group=3)
def errors_beyond_the_loss(rng, cured=False):
    """Welsch's loss is flat where the errors are large."""

    def welsch(y, p):
        return keras.ops.mean(1 - keras.ops.exp(-keras.ops.square(y - p) / 2), axis=-1)

    x = rng.uniform(-2, 2, (1792, 3))
    y = 6 + np.sin(2 * x[:, :1]) * x[:, 1:2] / 2 + 0.1 * rng.normal(size=(1792, 1))
    bias = initializers.Constant(6.0 if cured else 0.0)
    model = net((3,), layers.Dense(32, "tanh"), layers.Dense(16, "tanh"), layers.Dense(1, bias_initializer=bias))
    return ready(model, welsch, keras.optimizers.SGD(0.05, momentum=0.9), *split(x, y, rng, 256), 64)


@sick("plateau", "a bias that starts at 0", group=4)
def brier_score_from_a_too_certain_start(rng, cured=False):
    x, y = datasets.load_breast_cancer(return_X_y=True)
    train, probe = split(standardized(x), y[:, None].astype(float), rng, 128)
    start = keras.initializers.Constant(0.0 if cured else -11.0)
    model = net((30,), layers.Dense(16, "gelu"), layers.Dense(1, "sigmoid", bias_initializer=start))
    return ready(model, "mse", keras.optimizers.SGD(0.05, momentum=0.9), train, probe, 16)


@sick("plateau", "a bias of the output that starts at the mean of the targets", group=5)
def robust_regression_that_starts_far_away(rng, cured=False):
    x, y = datasets.make_friedman1(2256, 6, random_state=seed_of(rng))
    train, probe = split(standardized(x), 9 + 0.6 * standardized(y)[:, None], rng, 256)
    output = layers.Dense(1, bias_initializer=keras.initializers.Constant(9.0 if cured else 0.0))
    model = net((6,), layers.Dense(24, "relu", kernel_initializer="he_normal"), output)
    return ready(model, welsch, keras_ch8.optimizers.Momentum(0.02), train, probe, 32)


@sick("plateau", "the last bias starts at 0", group=6)
def light_curve_from_a_dark_start(rng, cured=False):
    x = rng.normal(size=(2176, 6))
    y = np.exp(np.sin(x[:, :1]) + 0.5 * x[:, 1:2] * (x[:, 2:3] > 0)) + 0.1 * rng.normal(size=(2176, 1))
    train, probe = split(x, y, rng, 128)
    dark = keras.initializers.Constant(0.0 if cured else np.log(5e-4))
    model = net((6,), layers.Dense(24, "tanh"), layers.Dense(1, "exponential", bias_initializer=dark))
    return ready(model, "mse", keras.optimizers.SGD(0.02), train, probe, 32)


def dice(y, predicted):
    """One minus the overlap of two masks."""
    shared, total = (ops.sum(part, axis=(1, 2, 3)) for part in (y * predicted, y + predicted))
    return 1 - 2 * shared / (total + 1e-3)


@sick("plateau", "an output that starts at even odds, not at almost no chance", group=7)
def overlap_of_masks_from_an_empty_one(rng, cured=False):
    train, probe = split(*disks(rng, 2256), rng, 256)
    odds = keras.initializers.Constant(0.0 if cured else -12.0)
    hidden = layers.Conv2D(8, 3, padding="same", activation="relu", kernel_initializer="he_normal")
    model = net((8, 8, 1), hidden, layers.Conv2D(1, 3, padding="same", activation="sigmoid", bias_initializer=odds))
    return ready(model, dice, keras.optimizers.SGD(0.1), train, probe, 32)


def smooth_mistakes(y, predicted):
    """The 0-1 loss, made smooth; it is flat where a logit is large, right or wrong."""
    return ops.sigmoid((1 - 2 * y) * predicted)


@sick("plateau", "a bias of the output that starts at 0", group=8)
def moons_by_smooth_mistakes_after_a_sure_yes(rng, cured=False):
    x, y = datasets.make_moons(2256, noise=0.2, random_state=seed_of(rng))
    train, probe = split(standardized(x), y[:, None].astype(float), rng, 256)
    sure = keras.initializers.Constant(0.0 if cured else 9.0)
    model = net((2,), layers.Dense(16, "relu", kernel_initializer="he_normal"), layers.Dense(1, bias_initializer=sure))
    return ready(model, smooth_mistakes, keras.optimizers.SGD(0.1, momentum=0.9), train, probe, 32)


def chance_of_mistake(y, predicted):
    """How likely the label is missed if it is drawn by the softmax of the logits."""
    return 1 - ops.sum(ops.one_hot(ops.squeeze(y, -1), 3) * ops.softmax(predicted), axis=-1)


@sick("plateau", "biases of the output that start at 0", group=9)
def customers_all_taken_for_the_same_kind(rng, cured=False):
    x, y = datasets.make_classification(
        3256, 10, n_informative=6, n_classes=3, class_sep=2.0, flip_y=0, random_state=seed_of(rng)
    )
    train, probe = split(standardized(x), y[:, None], rng, 256)

    def sure(shape, dtype=None):
        return ops.convert_to_tensor([0.0 if cured else 12.0, 0.0, 0.0], dtype)

    model = net((10,), layers.Dense(24, "relu"), layers.Dense(3, bias_initializer=sure))
    return ready(model, chance_of_mistake, keras.optimizers.SGD(0.05, momentum=0.9), train, probe, 64)


@sick("plateau", "a reaction that starts slow", group=10)
def kinetics_of_a_reaction_thought_to_be_over_at_once(rng, cured=False):
    conditions, time = rng.normal(size=(3256, 3)), rng.uniform(0.5, 2.5, (3256, 1))
    speed = np.exp(0.7 * np.sin(conditions[:, :1]) + 0.4 * conditions[:, 1:2] * conditions[:, 2:] - 0.3)
    left = np.exp(-speed * time) + rng.normal(0, 0.01, time.shape)
    train, probe = split(np.hstack([conditions, time]), left, rng, 256)
    inputs = keras.Input((4,))
    start = keras.initializers.Constant(0.0 if cured else 4.3)
    fast = layers.Dense(1, "exponential", bias_initializer=start)(layers.Dense(24, "tanh")(inputs[:, :3]))
    model = keras.Model(inputs, ops.exp(-fast * inputs[:, 3:]))
    return ready(model, "mse", keras.optimizers.SGD(0.3), train, probe, 64)


def narrow_welsch(y, predicted):
    """A robust loss: what is far off counts as 1, however far."""
    return 1 - ops.exp(-(((y - predicted) / 0.6) ** 2) / 2)


@sick("plateau", "an output that starts at the mean of the salaries", group=11)
def salaries_by_a_robust_loss_from_far_away(rng, cured=False):
    x = rng.normal(size=(3256, 6))
    thousands = 3.7 + 0.25 * np.tanh(x[:, :1]) + 0.15 * x[:, 1:2] * np.tanh(x[:, 2:3]) + 0.1 * np.sin(2 * x[:, 3:4])
    train, probe = split(x, thousands + rng.normal(0, 0.05, thousands.shape), rng, 256)
    start = keras.initializers.Constant(3.7 if cured else 0.0)
    small = normal(0.05)
    model = net((6,), layers.Dense(32, "tanh"), layers.Dense(1, kernel_initializer=small, bias_initializer=start))
    return ready(model, narrow_welsch, keras.optimizers.SGD(0.05, momentum=0.9), train, probe, 64)


@sick("saddle", "Glorot's initial weights", group=1)
def tiny_weights(rng, cured=False):
    start = {} if cured else {"kernel_initializer": initializers.RandomNormal(stddev=1e-6)}
    x = rng.normal(size=(1152, 6))
    y = np.tanh(x @ rng.normal(size=(6, 3))) @ rng.normal(size=3)
    model = net((6,), layers.Dense(16, "tanh", **start), layers.Dense(1, **start))
    return ready(model, "mse", keras.optimizers.SGD(0.005), *split(x, y / y.std(), rng, 128), 64)


@sick("saddle", "Glorot's initial weights", group=2)
def tiny_autoencoder(rng, cured=False):
    (x, _), (x_probe, _) = scikit_table(datasets.load_breast_cancer, rng, 100)
    start = {} if cured else {"kernel_initializer": initializers.RandomUniform(-1e-6, 1e-6)}
    model = net((30,), layers.Dense(8, "linear", **start), layers.Dense(30, **start))
    optimizer = keras.optimizers.SGD(0.001, momentum=0.9)
    return ready(model, "mse", optimizer, tiled((x, x), 3), (x_probe, x_probe), 64)


@sick("saddle", "factors of the usual size", group=3)
def tiny_factors(rng, cured=False):
    """Ratings as products of two factors, each of whose gradients has the other for a factor."""
    true = rng.normal(size=(80, 2))
    pairs = np.stack([np.repeat(np.arange(40), 40), np.tile(np.arange(40, 80), 40)], axis=1)
    ratings = true[pairs].prod(axis=1).sum(axis=1) / np.sqrt(2) + 0.1 * rng.normal(size=1600)
    inputs = keras.Input((2,), dtype="int32")
    start = initializers.RandomNormal(stddev=0.5 if cured else 1e-5)
    factors = layers.Embedding(80, 3, embeddings_initializer=start)(inputs)
    model = keras.Model(inputs, layers.Dot(axes=1)([factors[:, 0], factors[:, 1]]))
    train, probe = split(pairs, ratings[:, None], rng, 160)
    return ready(model, "mse", keras.optimizers.SGD(0.4), train, probe, 144)


@sick("saddle", "random factors", group=4)
def factors_of_ratings_that_start_at_zero(rng, cured=False):
    tastes, traits = rng.normal(size=(40, 3)), rng.normal(size=(30, 3))
    pairs = np.stack(np.meshgrid(np.arange(40), np.arange(30)), axis=-1).reshape(-1, 2)
    ratings = (tastes[pairs[:, 0]] * traits[pairs[:, 1]]).sum(axis=1) + 0.2 * rng.normal(size=len(pairs))
    train, probe = split(pairs + np.array([0, 40]), (ratings - ratings.mean())[:, None] / 2, rng, 200)
    inputs = keras.Input((2,))
    start = keras.initializers.RandomNormal(stddev=0.3) if cured else "zeros"
    factors = layers.Embedding(70, 4, embeddings_initializer=start)(inputs)
    outputs = keras.ops.sum(keras.ops.prod(factors, axis=1), axis=-1, keepdims=True)
    return ready(keras.Model(inputs, outputs), "mse", keras.optimizers.Adam(0.01), train, probe, 32)


@sick("saddle", "embeddings that start at random, not next to 0", group=5)
def recommender_with_embeddings_next_to_zero(rng, cured=False):
    users, items = rng.normal(size=(20, 2)), rng.normal(size=(15, 2))
    x = np.stack([rng.integers(20, size=2256), rng.integers(15, size=2256)], axis=1)
    y = (users[x[:, 0]] * items[x[:, 1]]).sum(axis=1, keepdims=True)
    train, probe = split(x, y + rng.normal(0, 0.2, y.shape), rng, 256)
    inputs, start = keras.Input((2,)), keras.initializers.RandomNormal(stddev=0.5 if cured else 1e-7)
    user = layers.Embedding(20, 4, embeddings_initializer=start)(inputs[:, 0])
    item = layers.Embedding(15, 4, embeddings_initializer=start.clone())(inputs[:, 1])
    model = keras.Model(inputs, ops.sum(user * item, axis=1, keepdims=True))
    return ready(model, "mse", keras.optimizers.SGD(0.1), train, probe, 64)


@sick("saddle", "factors that start at random, not at almost 0", group=6)
def ratings_factored_from_almost_zero(rng, cured=False):
    users, items = np.divmod(np.arange(40 * 30), 30)
    ratings = np.sum(rng.normal(size=(40, 3))[users] * rng.normal(size=(30, 3))[items], 1) / np.sqrt(3)
    train, probe = split(np.stack([users, items], 1), ratings[:, None], rng, 128)
    pair, start = keras.Input((2,)), normal(0.3 if cured else 1e-7)
    user, item = (layers.Embedding(size, 3, start)(pair[:, at]) for at, size in enumerate([40, 30]))
    model = keras.Model(pair, layers.Dot(1)([user, item]))
    return ready(model, "mse", keras_ch8.optimizers.SGD(0.3), train, probe, 32)


@sick("saddle", "random weights, not all units alike", group=7)
def product_of_two_by_units_that_start_alike(rng, cured=False):
    x = rng.uniform(-2, 2, (512, 2)).astype("float32")
    x[256:] = -x[:256]
    train, probe = ((part, part[:, :1] * part[:, 1:]) for part in (x, rng.uniform(-2, 2, (256, 2)).astype("float32")))
    starts = ("glorot_uniform",) * 2 if cured else [keras.initializers.Constant(value) for value in (0.3, 0.1)]
    model = net(
        (2,), layers.Dense(16, "tanh", kernel_initializer=starts[0]), layers.Dense(1, kernel_initializer=starts[1])
    )
    return ready(model, "mse", keras.optimizers.SGD(0.03), tiled(train, 10), probe, 512, shuffle=False)


@sick("saddle", "weights that Keras starts with, not almost 0", group=8)
def sensors_compressed_from_almost_zero(rng, cured=False):
    x = rng.normal(size=(4256, 5)) @ rng.normal(size=(5, 20)) + rng.normal(0, 0.3, (4256, 20))
    train, probe = split(standardized(x), standardized(x), rng, 256)
    start = "glorot_uniform" if cured else normal(1e-6)
    model = net((20,), layers.Dense(5, "tanh", kernel_initializer=start), layers.Dense(20, kernel_initializer=start))
    return ready(model, "mse", keras.optimizers.SGD(0.04), train, probe, 64)


@sick("saddle", "weights that Keras starts with, not almost 0", group=9)
def digits_through_units_that_start_at_almost_nothing(rng, cured=False):
    x, y = datasets.load_digits(return_X_y=True)
    train, probe = split((x - x.mean(axis=0)) / x.std(), y, rng, 256)
    start = "glorot_uniform" if cured else normal(1e-6)
    model = net((64,), layers.Dense(32, "tanh", kernel_initializer=start), layers.Dense(10, kernel_initializer=start))
    return ready(model, LOGITS, keras.optimizers.SGD(0.02), train, probe, 64)


@sick("saddle", "weights with a standard deviation of 0.3", group=10)
def action_of_coupled_springs_by_squares_of_almost_nothing(rng, cured=False):
    x, couplings = rng.normal(size=(4256, 8)), rng.normal(size=(4, 4))
    y = (x[:, 4:] ** 2).sum(axis=1) - ((x[:, :4] @ couplings) ** 2).sum(axis=1) / 4
    train, probe = split(x, standardized(y)[:, None], rng, 256)
    start = normal(0.3 if cured else 1e-8)
    model = net((8,), layers.Dense(16, ops.square, use_bias=False, kernel_initializer=start), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.SGD(0.01), train, probe, 64)


@sick("saddle", "weights with a standard deviation of 0.3", group=11)
def runs_of_cricket_by_batsman_times_bowler(rng, cured=False):
    x = rng.normal(size=(4256, 12))
    y = ((x[:, :6] @ rng.normal(size=(6, 2))) * (x[:, 6:] @ rng.normal(size=(6, 2)))).sum(axis=1)
    train, probe = split(x, standardized(y)[:, None], rng, 256)
    inputs, start = keras.Input((12,)), normal(0.3 if cured else 1e-7)
    batsman, bowler = (layers.Dense(6, kernel_initializer=start)(part) for part in (inputs[:, :6], inputs[:, 6:]))
    model = keras.Model(inputs, ops.sum(batsman * bowler, axis=1, keepdims=True))
    return ready(model, "mse", keras.optimizers.SGD(0.012), train, probe, 64)

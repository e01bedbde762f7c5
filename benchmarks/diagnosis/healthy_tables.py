"""Healthy trainings on tables."""

import keras
import numpy as np
from keras import layers, losses, ops
from sklearn import datasets

import keras_ch8
from keras_ch8 import optimizers, schedules

from .data import (
    articles,
    boards,
    digits,
    digits_run,
    friedman,
    friedman_split,
    impedance,
    moons,
    pulses,
    rater,
    rentals,
    residual,
    scikit_table,
    shells,
    stars,
    surface,
    topics,
)
from .runs import BINARY_LOGITS, LOGITS, STEPS, healthy, net, normal, ready, seed_of, split, standardized, tiled


@healthy(group=1)
def mlp(rng):
    hidden = layers.Dense(48, "relu"), layers.Dense(32, "relu")
    return digits_run(rng, hidden, optimizers.SGD(0.15), 32, validate=True)


@healthy(group=1)
def normalized(rng):
    hidden = layers.Dense(32, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU()
    return digits_run(rng, hidden, optimizers.Momentum(0.02), 64)


@healthy(group=1)
def adam(rng):
    x, y = datasets.load_breast_cancer(return_X_y=True)
    model = net((30,), layers.Dense(16, "relu", kernel_regularizer="l2"), layers.Dense(1, "sigmoid"))
    data = split(standardized(x), y, rng, 128)
    return ready(model, "binary_crossentropy", optimizers.Adam(1e-3), *data, 32, metrics=["accuracy"])


@healthy(group=1)
def momentum(rng):
    x, y = datasets.load_iris(return_X_y=True)
    train, probe = split(standardized(x), y, rng, 50)
    model = net((4,), layers.Dense(16, "tanh"), layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.SGD(0.01, momentum=0.9), tiled(train, 5), probe, 20)


@healthy(group=1)
def regression(rng):
    x, y = datasets.make_friedman1(1152, 10, noise=0.5, random_state=int(rng.integers(1000)))
    model = net((10,), layers.Dense(32, "relu"), layers.Dense(32, "relu"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(3e-3), *split(x, standardized(y), rng, 128), 32)


@healthy(group=1)
def rising_gradient(rng):
    hidden = [layers.Dense(32, "tanh", kernel_initializer="glorot_normal") for _ in range(12)]
    return digits_run(rng, hidden, keras.optimizers.SGD(0.02), 64, steps=1500)


@healthy(group=2)
def nesterov(rng):
    hidden = layers.Dense(24, "tanh"), layers.Dense(24, "tanh")
    model = net((2,), *hidden, layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", optimizers.Nesterov(0.03), *moons(rng), 32, metrics=["accuracy"])


@healthy(group=2)
def adam_with_layer_norm(rng):
    inputs = keras.Input((13,))
    h = layers.Dense(24, "relu")(inputs)
    h = layers.Add()([h, layers.Dense(24, "relu")(layers.LayerNormalization()(h))])
    model = keras.Model(inputs, layers.Dense(3, "softmax", kernel_regularizer="l2")(h))
    train, probe = scikit_table(datasets.load_wine, rng, 50)
    return ready(model, "sparse_categorical_crossentropy", optimizers.Adam(5e-4), tiled(train, 10), probe, 32)


@healthy(group=2)
def decaying_rate(rng):
    train, probe = scikit_table(datasets.load_breast_cancer, rng, 128)
    model = net((30,), layers.Dense(12, "silu"), layers.Dropout(0.1), layers.Dense(1, "sigmoid"))
    rate = schedules.CosineDecay(0.05)
    return ready(model, "binary_crossentropy", optimizers.Momentum(rate), tiled(train, 2), probe, 32)


@healthy(group=2)
def adamw_on_a_surface(rng):
    model = net((3,), layers.Dense(48, "gelu"), layers.Dense(48, "gelu"), layers.Dense(1))
    optimizer = keras.optimizers.AdamW(0.003, weight_decay=1e-3)
    return ready(model, losses.Huber(), optimizer, *surface(rng), 48, validate=True)


@healthy(group=3)
def rmsprop_on_topics(rng):
    hidden = layers.Dense(32, "relu"), layers.Dense(24, "relu")
    train, probe = topics(rng, 8448)
    train, probe = ((np.log1p(x), y) for x, y in (train, probe))
    model = net((40,), *hidden, layers.Dense(5, "softmax"))
    return ready(model, "sparse_categorical_crossentropy", optimizers.RMSprop(5e-4), train, probe, 64, validate=True)


@healthy(group=3)
def residual_on_shells(rng):
    model = residual((3,), 24, 3, layers.Dense(3, "softmax"), activation="silu")
    data = shells(rng, 2304, 3)
    return ready(model, "sparse_categorical_crossentropy", keras.optimizers.Adam(1e-3), *data, 48)


@healthy(group=3)
def regression_with_adam(rng):
    model = net((4,), layers.Dense(32, "silu"), layers.Dense(16, "silu"), layers.Dense(1))
    return ready(model, losses.Huber(), optimizers.Adam(3e-3), *impedance(rng), 64, validate=True)


@healthy(group=3)
def momentum_on_clusters(rng):
    x, y = datasets.make_classification(
        2304, 16, n_informative=6, n_redundant=4, n_classes=3, class_sep=1.5, random_state=int(rng.integers(1000))
    )
    model = net((16,), layers.Dense(32, "tanh"), layers.Dense(3, "softmax"))
    optimizer = keras.optimizers.SGD(0.02, momentum=0.9, nesterov=True)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *split(standardized(x), y, rng, 256), 64)


@healthy(group=4)
def adam_down_a_cosine(rng):
    train, probe = friedman_split(rng)
    model = net((10,), layers.Dense(32, "swish"), layers.Dense(32, "swish"), layers.Dense(1))
    optimizer = keras_ch8.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.005, STEPS))
    return ready(model, "mse", optimizer, train, probe, 64)


@healthy(group=4)
def dropout_between_cells(rng):
    x, y = datasets.make_classification(4352, 16, n_informative=8, class_sep=1.5, random_state=int(rng.integers(1000)))
    train, probe = split(standardized(x), y[:, None].astype(float), rng, 256)
    model = net((16,), layers.Dense(32, "relu"), layers.Dropout(0.2), layers.Dense(16, "relu"), layers.Dense(1))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return ready(model, loss, keras.optimizers.Nadam(0.002), train, probe, 64)


@healthy(group=4)
def hand_and_elbow_of_an_arm(rng):
    angles = rng.uniform(-1.5, 1.5, (2304, 2))
    elbow = np.stack([np.cos(angles[:, 0]), np.sin(angles[:, 0])], axis=1)
    hand = elbow + 0.7 * np.stack([np.cos(angles.sum(axis=1)), np.sin(angles.sum(axis=1))], axis=1)
    outputs = standardized(np.concatenate([elbow, hand], axis=1)) + 0.05 * rng.normal(size=(2304, 4))
    train, probe = split(angles, outputs, rng, 256)
    model = net((2,), layers.Dense(32, "tanh"), layers.Dense(32, "tanh"), layers.Dense(4))
    optimizer = keras_ch8.optimizers.RMSprop(keras.optimizers.schedules.CosineDecay(0.003, STEPS))
    return ready(model, "mse", optimizer, train, probe, 32)


@healthy(group=4)
def three_labels_in_ten_are_wrong(rng):
    truth, wrong = rng.integers(2, size=(8448, 1)), rng.uniform(size=(8448, 1)) < 0.3
    x = rng.normal(size=(8448, 6)) + (truth - 0.5) * [2, -2, 1, 1, 0, 0]
    train, probe = split(x, (truth ^ wrong).astype(float), rng, 256)
    model = net((6,), layers.Dense(16, "tanh"), layers.Dense(1))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return ready(model, loss, keras_ch8.optimizers.SGD(0.1), train, probe, 64)


@healthy(group=4)
def fine_tuned_to_another_lamp(rng):
    (x, y), (x_probe, y_probe) = digits(rng)
    hidden = [layers.Dense(48, "relu"), layers.Dense(48, "relu")]
    model = net((64,), *hidden, layers.Dense(10))
    model.compile(keras.optimizers.Adam(0.002), LOGITS)
    model.fit(x, y, batch_size=64, epochs=8, verbose=0)
    train, probe = (0.6 * x + 0.3, y), (0.6 * x_probe + 0.3, y_probe)
    return ready(model, LOGITS, keras.optimizers.Adam(3e-4), train, probe, 32)


@healthy(group=5)
def regression_with_momentum(rng):
    x, y = datasets.make_friedman1(3256, 8, noise=1.0, random_state=seed_of(rng))
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 256)
    model = net((8,), layers.Dense(24, "relu"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.SGD(0.01, momentum=0.9), train, probe, 64)


@healthy(group=5)
def autoencoder_with_adamw(rng):
    (x, _), (probe, _) = digits(rng)
    model = net((64,), layers.Dense(32, "gelu"), layers.Dense(16), layers.Dense(32, "gelu"), layers.Dense(64))
    return ready(model, "mse", keras.optimizers.AdamW(), (x, x), (probe, probe), 64)


@healthy(group=5)
def table_with_dropout(rng):
    x, y = datasets.make_classification(5256, 16, n_informative=8, class_sep=1.5, random_state=seed_of(rng))
    train, probe = split(standardized(x), y, rng, 256)
    model = net((16,), layers.Dense(48, "relu"), layers.Dropout(0.3), layers.Dense(2))
    return ready(model, LOGITS, keras.optimizers.RMSprop(), train, probe, 32)


@healthy(group=5)
def place_and_size_from_an_image(rng):
    place, size = rng.uniform(-1, 1, (3256, 2)), rng.uniform(0.2, 0.6, (3256, 1))
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 8)] * 2), axis=-1).reshape(-1, 2)
    x = np.exp(-((place[:, None] - grid) ** 2).sum(axis=2) / size**2) + rng.normal(0, 0.05, (3256, 64))
    train, probe = split(x, np.concatenate([place, 5 * size - 2], axis=1), rng, 256)
    inputs = keras.Input((64,))
    trunk = layers.Dense(32, "relu")(inputs)
    heads = [layers.Dense(units)(layers.Dense(16, "relu")(trunk)) for units in (2, 1)]
    model = keras.Model(inputs, layers.Concatenate()(heads))
    return ready(model, "mse", keras_ch8.optimizers.Adam(), train, probe, 64)


@healthy(group=5)
def blobs_with_cosine_decay(rng):
    x, y = datasets.make_blobs(4256, 10, centers=6, cluster_std=5.0, random_state=seed_of(rng))
    train, probe = split(standardized(x), y, rng, 256)
    rate = keras.optimizers.schedules.CosineDecay(0.05, 1000)
    model = net((10,), layers.Dense(24, "elu"), layers.Dense(6))
    return ready(model, LOGITS, keras.optimizers.SGD(rate, momentum=0.9, nesterov=True), train, probe, 64)


@healthy(group=6)
def gaussian_likelihood_of_a_sharp_signal(rng):
    x = rng.uniform(-1, 1, (4224, 2))
    y = np.sin(3 * x[:, :1]) * x[:, 1:] + (0.05 + 0.05 * x[:, 1:] ** 2) * rng.normal(size=(4224, 1))
    train, probe = split(x, y, rng, 128)
    loss = keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.likelihoods.HeteroscedasticGaussianLikelihood())
    model = net((2,), layers.Dense(32, "tanh"), layers.Dense(32, "tanh"), layers.Dense(2))
    return ready(model, loss, keras_ch8.optimizers.Adam(schedules.CosineDecay(0.005)), train, probe, 64)


def poisson_likelihood():
    return keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.likelihoods.PoissonLikelihood())


@healthy(group=6)
def counts_by_clipped_steps(rng):
    x = rng.normal(size=(4224, 6))
    y = rng.poisson(np.exp(np.sin(x[:, :1]) + 0.5 * x[:, 1:2] - 0.5))
    train, probe = split(x, y, rng, 256)
    model = net((6,), layers.Dense(24, "tanh"), layers.Dense(1))
    optimizer = keras_ch8.optimizers.RMSprop(schedules.CosineDecay(0.005), global_clipnorm=1.0)
    return ready(model, poisson_likelihood(), optimizer, train, probe, 64)


@healthy(group=6)
def decay_weighted_by_its_errors(rng):
    x = rng.uniform(0, 1, (4224, 2))
    error = 0.02 + 0.2 * x[:, :1]
    y = np.exp(-3 * x[:, :1]) * np.cos(6 * x[:, 1:]) + error * rng.normal(size=(4224, 1))
    weights = 1 / error**2
    train, probe = split(np.hstack([2 * x - 1, weights / weights.mean()]), y, rng, 256)
    (x, y), (held, y_held) = train, probe
    model = net((2,), layers.Dense(32, "tanh"), layers.Dense(1))
    optimizer = keras.optimizers.Adam(schedules.CosineDecay(0.01))
    return ready(model, "mse", optimizer, (x[:, :2], y), (held[:, :2], y_held), 64, sample_weight=x[:, 2])


@healthy(group=6)
def rare_signals_weighted_by_class(rng):
    x, y = datasets.make_classification(
        4352, 12, n_informative=6, weights=[0.85], class_sep=1.5, flip_y=0.01, random_state=int(rng.integers(2**31))
    )
    train, probe = split(standardized(x), y, rng, 256)
    model = net((12,), layers.Dense(24, "relu", kernel_initializer="he_normal"), layers.Dense(1, "sigmoid"))
    optimizer = keras.optimizers.Lion(schedules.CosineDecay(0.001))
    weights = {0: 0.6, 1: 3.0}
    return ready(model, "binary_crossentropy", optimizer, train, probe, 64, class_weight=weights)


@healthy(group=6)
def friedman_with_outliers_by_nesterov(rng):
    x, y = friedman(rng, 4224, noise=0.5)
    y += 3 * rng.standard_t(3, y.shape) * (rng.uniform(size=y.shape) < 0.05)
    train, probe = split(x, y, rng, 128)
    model = net((10,), layers.Dense(32, "tanh"), layers.Dense(1))
    optimizer = keras_ch8.optimizers.Nesterov(schedules.LinearDecay(0.1, "100%"))
    return ready(model, "huber", optimizer, train, probe, 64)


@healthy(group=7)
def rings_with_adam(rng):
    seed = int(rng.integers(2**31))
    x, y = datasets.make_gaussian_quantiles(n_samples=4256, n_features=3, n_classes=3, random_state=seed)
    train, probe = split(x, y, rng, 256)
    return ready(
        net((3,), layers.Dense(32, "relu"), layers.Dense(3)), LOGITS, keras.optimizers.Adam(0.005), train, probe, 64
    )


@healthy(group=7)
def hastie_with_batch_normalization(rng):
    x, y = datasets.make_hastie_10_2(6256, random_state=int(rng.integers(2**31)))
    train, probe = split(x, (y > 0).astype(int)[:, None], rng, 256)
    model = net(
        (10,),
        layers.Dense(48, use_bias=False),
        layers.BatchNormalization(momentum=0.95),
        layers.ReLU(),
        layers.Dense(1),
    )
    return ready(model, BINARY_LOGITS, keras.optimizers.SGD(0.03, momentum=0.9), train, probe, 64)


@healthy(group=7)
def range_of_a_throw_by_plain_steps(rng):
    speed, angle = rng.uniform(0.5, 1.5, 4256), rng.uniform(0, np.pi / 2, 4256)
    y = standardized(speed**2 * np.sin(2 * angle))[:, None]
    train, probe = split(standardized(np.stack([speed, angle], axis=1)), y, rng, 256)
    return ready(
        net((2,), layers.Dense(32, "relu"), layers.Dense(1)), "mse", keras.optimizers.SGD(0.05), train, probe, 32
    )


@healthy(group=7)
def impedances_with_rmsprop(rng):
    x, y = datasets.make_friedman2(4256, noise=20.0, random_state=int(rng.integers(2**31)))
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 256)
    model = net((4,), layers.Dense(32, "gelu"), layers.Dense(32, "gelu"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.RMSprop(schedules.LinearDecay(0.002, "100%")), train, probe, 64)


@healthy(group=8)
def moons_with_adamax(rng):
    x, y = datasets.make_moons(4256, noise=0.15, random_state=seed_of(rng))
    train, probe = split(standardized(x), y[:, None], rng, 256)
    model = net((2,), layers.Dense(32, "relu", kernel_initializer="he_normal"), layers.Dense(1))
    return ready(model, BINARY_LOGITS, keras.optimizers.Adamax(0.01), train, probe, 64)


@healthy(group=8)
def many_labels_with_batch_normalization(rng):
    x, y = datasets.make_multilabel_classification(6256, 20, n_classes=5, random_state=seed_of(rng))
    train, probe = split(standardized(x), y, rng, 256)
    hidden = [layers.Dense(32, use_bias=False), layers.BatchNormalization(momentum=0.95), layers.ReLU()]
    return ready(net((20,), *hidden, layers.Dense(5)), BINARY_LOGITS, keras.optimizers.Adam(), train, probe, 64)


@healthy(group=8)
def swing_of_a_pendulum_by_plain_steps(rng):
    start, time = rng.uniform(0.2, 1.5, (4256, 1)), rng.uniform(0, 3, (4256, 1))
    y = start * np.cos(2 * time * (1 - start**2 / 16))
    train, probe = split(standardized(np.hstack([start, time])), standardized(y), rng, 256)
    model = net((2,), layers.Dense(32, "silu"), layers.Dense(32, "silu"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.SGD(schedules.LinearDecay(0.2, "100%")), train, probe, 64)


def pinball(y, predicted):
    """The loss of which the best prediction is the third quartile."""
    return ops.maximum(0.75 * (y - predicted), 0.25 * (predicted - y))


@healthy(group=8)
def upper_quartile_of_waiting_times(rng):
    x = rng.normal(size=(4256, 5))
    y = rng.gamma(2.0, np.exp(0.5 * np.sin(2 * x[:, :1]) + 0.4 * x[:, 1:2]))
    train, probe = split(x, y / y.std(), rng, 256)
    optimizer = keras.optimizers.AdamW(schedules.CosineDecay(0.01))
    return ready(net((5,), layers.Dense(32, "gelu"), layers.Dense(1)), pinball, optimizer, train, probe, 64)


@healthy(group=9)
def ratings_from_embeddings(rng):
    train, probe = split(*stars(rng, 12256, people=40, films=60, noise=0.2), rng, 256)
    optimizer = keras.optimizers.Adam(schedules.CosineDecay(0.01))
    return ready(rater(8, normal(0.3)), "mse", optimizer, train, probe, 64)


@healthy(group=9)
def topics_of_articles_with_adamw(rng):
    x, y = articles(rng, 8256)
    train, probe = split(standardized(np.log1p(x)), y, rng, 256)
    model = net((150,), layers.Dense(24, "relu", kernel_initializer="he_normal"), layers.Dense(6))
    optimizer = keras.optimizers.AdamW(schedules.CosineDecay(0.003), weight_decay=0.01)
    return ready(model, LOGITS, optimizer, train, probe, 64)


@healthy(group=9)
def bicycle_rentals_with_momentum(rng):
    train, probe = split(*rentals(rng, 6256), rng, 256)
    model = net((12,), layers.Dense(32, "tanh"), layers.Dense(32, "tanh"), layers.Dense(1))
    optimizer = keras_ch8.optimizers.Momentum(schedules.LinearDecay(0.03, "100%"), 0.9)
    return ready(model, keras.losses.Huber(), optimizer, train, probe, 64)


@healthy(group=9)
def quantiles_of_a_cloud_with_nesterov(rng):
    x, y = datasets.make_gaussian_quantiles(n_samples=6256, n_features=3, n_classes=3, random_state=seed_of(rng))
    train, probe = split(x, y, rng, 256)
    model = net((3,), layers.Dense(32, "silu"), layers.Dense(32, "silu"), layers.Dense(3))
    optimizer = keras.optimizers.SGD(schedules.CosineDecay(0.1), momentum=0.9, nesterov=True)
    return ready(model, LOGITS, optimizer, train, probe, 64)


def in_two(examples):
    """Return the examples with the last of their targets apart from the others."""
    x, y = examples
    return x, [y[:, :-1], y[:, -1:]]


@healthy(group=10)
def kind_and_energy_of_particles(rng):
    kind, energy, depth = rng.integers(2, size=(6256, 1)), rng.uniform(0, 1, (6256, 1)), np.arange(1, 13)
    profile = depth ** (1.5 + 1.5 * kind + energy) * np.exp(-0.6 * depth)
    x = (1 + energy) * profile / profile.sum(axis=1, keepdims=True) + rng.normal(0, 0.01, (6256, 12))
    train, probe = split(standardized(x), np.hstack([standardized(energy), kind]), rng, 256)
    inputs = keras.Input((12,))
    trunk = layers.Dense(32, "silu")(inputs)
    model = keras.Model(
        inputs, [layers.Dense(1, name=name)(layers.Dense(16, "silu")(trunk)) for name in ("energy", "kind")]
    )
    optimizer = keras.optimizers.Adam(schedules.CosineDecay(0.005))
    return ready(model, ["mse", BINARY_LOGITS], optimizer, in_two(train), in_two(probe), 64)


def contrastive(y, distance):
    """Pull those together that are the same, and push the others a distance of 1 apart."""
    return y * distance**2 + (1 - y) * ops.maximum(1 - distance, 0) ** 2


@healthy(group=10)
def same_or_other_wave_by_distance(rng):
    y, kinds = rng.integers(2, size=6256), rng.integers(4, size=6256)
    kinds = np.stack([kinds, np.where(y, kinds, (kinds + rng.integers(1, 4, 6256)) % 4)], axis=1)[..., None]
    turn = (1 + kinds) * np.arange(20) * np.pi / 20 + rng.uniform(-0.5, 0.5, (6256, 2, 1))
    train, probe = split(np.cos(turn) + rng.normal(0, 0.2, turn.shape), y[:, None].astype(float), rng, 256)
    place = net((20,), layers.Dense(32, "relu"), layers.Dense(4))
    left, right = keras.Input((20,)), keras.Input((20,))
    square = ops.sum((place(left) - place(right)) ** 2, axis=1, keepdims=True)
    model = keras.Model([left, right], ops.sqrt(square + 1e-6))
    train, probe = (((x[:, 0], x[:, 1]), y) for x, y in (train, probe))
    return ready(model, contrastive, keras.optimizers.AdamW(0.002), train, probe, 64, steps=12 * 94)


@healthy(group=10)
def photons_of_a_lighthouse_counted(rng):
    x = rng.normal(size=(4256, 4))
    y = rng.poisson(np.exp(2 + np.sin(2 * x[:, :1]) + 0.4 * x[:, 1:2] * np.tanh(x[:, 2:3])))
    train, probe = split(x, y.astype(float), rng, 256)
    model = net((4,), layers.Dense(32, "tanh"), layers.Dense(24, "tanh"), layers.Dense(1, "exponential"))
    return ready(model, "poisson", keras.optimizers.RMSprop(schedules.CosineDecay(0.003)), train, probe, 64)


@healthy(group=10)
def pulses_squeezed_to_four_numbers(rng):
    clean = pulses(rng, 6256)
    train, probe = split(clean, clean, rng, 256)
    hidden = [layers.Dense(48, "elu"), layers.Dense(4), layers.Dense(48, "elu")]
    optimizer = keras.optimizers.Nadam(schedules.CosineDecay(0.005))
    return ready(net((40,), *hidden, layers.Dense(40)), "mse", optimizer, train, probe, 64)


def three_bells(y, predicted):
    """Negative log-likelihood of a mixture of three normal distributions."""
    weight, middle, width = ops.split(predicted, 3, axis=1)
    width = 0.02 + ops.softplus(width)
    bells = ops.log_softmax(weight) - ((y - middle) / width) ** 2 / 2 - ops.log(width)
    return -ops.logsumexp(bells, axis=1) + 0.9189


@healthy(group=10)
def angles_of_which_a_sine_leaves_a_choice(rng):
    angle = rng.uniform(-1, 1, (6256, 1))
    x = angle + 0.4 * np.sin(5 * angle) + rng.normal(0, 0.03, angle.shape)
    train, probe = split(standardized(x), standardized(angle), rng, 256)
    model = net((1,), layers.Dense(32, "tanh"), layers.Dense(32, "tanh"), layers.Dense(9))
    return ready(model, three_bells, keras_ch8.optimizers.Adam(schedules.CosineDecay(0.01)), train, probe, 64)


@healthy(group=10)
def stability_of_linear_systems_by_plain_steps(rng):
    x = rng.normal(size=(6256, 2, 2))
    roots = np.linalg.eigvals(x)
    y = 2 * (roots.real.max(axis=1) < 0) + (np.abs(roots.imag).max(axis=1) > 0)
    train, probe = split(x.reshape(-1, 4), y, rng, 256)
    model = net(
        (4,), layers.Dense(48, "relu", kernel_initializer="he_normal"), layers.Dense(48, "relu"), layers.Dense(4)
    )
    optimizer = keras.optimizers.SGD(schedules.LinearDecay(0.3, "100%"))
    return ready(model, LOGITS, optimizer, train, probe, 64)


@healthy(group=11)
def worth_of_options_with_momentum(rng):
    price, years, spread = rng.uniform(0.7, 1.3, 6256), rng.uniform(0.1, 1, 6256), rng.uniform(0.1, 0.5, 6256)
    luck = rng.normal(size=(1, 400))
    deviation = (spread * np.sqrt(years))[:, None]
    worth = (price[:, None] * np.exp(deviation * (luck - luck.mean()) - deviation**2 / 2) - 1).clip(0).mean(axis=1)
    train, probe = split(standardized(np.stack([price, years, spread], 1)), standardized(worth)[:, None], rng, 256)
    model = net((3,), layers.Dense(32, "tanh"), layers.Dense(16, "tanh"), layers.Dense(1))
    optimizer = keras.optimizers.SGD(schedules.CosineDecay(0.03), momentum=0.9)
    return ready(model, "mse", optimizer, train, probe, 64)


@healthy(group=11)
def lines_left_to_win_by_plain_steps(rng):
    cells, lines = boards(rng, 12256)
    train, probe = split(cells, np.digitize(lines, [0, 1]), rng, 256)
    hidden = [layers.Dense(width, "relu", kernel_initializer="he_normal") for width in (64, 32)]
    optimizer = keras.optimizers.SGD(schedules.LinearDecay(0.3, "100%"))
    return ready(net((9,), *hidden, layers.Dense(3)), LOGITS, optimizer, train, probe, 64)


@healthy(group=11)
def doses_that_keep_a_level(rng):
    x = rng.normal(size=(8256, 6))
    dose = 0.3 * x[:, :1] + 0.4 * np.tanh(2 * x[:, 1:2]) + 0.2 * np.tanh(x[:, 2:3]) * np.tanh(x[:, 3:4])
    train, probe = split(x, standardized(dose + rng.normal(0, 0.03, dose.shape)), rng, 256)
    model = net(
        (6,), layers.Dense(48, "relu", kernel_initializer="he_normal"), layers.Dense(24, "relu"), layers.Dense(1)
    )
    optimizer = keras.optimizers.SGD(schedules.CosineDecay(0.02), momentum=0.9)
    return ready(model, "mse", optimizer, train, probe, 64)

"""Trainings of visitors that are set up wrongly: group 17, by another author with fresh eyes.

Nobody who knew the rules wrote these runs; they were committed before they were judged. Each docstring says what the
cure changes, measured at seed 0 without `Diagnosis`.
"""

import keras
import numpy as np
from keras import layers, ops
from sklearn import datasets

from . import visitors_healthy as shared
from .data import articles, chirps, digits, gratings, residual, scikit_table
from .runs import BINARY_LOGITS, LOGITS, net, normal, ready, seed_of, sick, split, standardized


@sick("exploding", "branches that start at 0", group=17, also="bad_scale")
def tower_of_sums_that_nothing_normalizes(rng, cured=False):
    """Mean squared error over variance, new examples: 395, and 0.09 with the cure.

    Each sum doubles the signal on its way, and the gradient on its way back; the loss starts above 20000.
    """
    x = rng.normal(size=(2304, 16))
    y = np.tanh(x[:, :4] @ rng.normal(size=(4, 2))) + 0.3 * x[:, 4:5] * x[:, 5:6]
    train, probe = split(x, standardized(y), rng, 256)
    model = residual((16,), 32, 14, layers.Dense(2), start="he_normal", end="zeros" if cured else "he_normal")
    return ready(model, "mse", keras.optimizers.Adam(0.001), train, probe, 32, steps=400)


@sick("vanishing", "ReLU units that start as He et al. say", group=17)
def digits_by_a_net_of_1989_made_deeper(rng, cured=False):
    """Accuracy on new examples: 0.11, and 0.97 with the cure; the loss stays at 2.31, that of a guess."""
    train, probe = digits(rng, (8, 8, 1))
    unit, start = ("relu", "he_normal") if cured else ("sigmoid", "glorot_uniform")
    model = net((8, 8, 1))
    for filters in (8, 12, 12, 16):
        model.add(layers.Conv2D(filters, 3, padding="same", activation=unit, kernel_initializer=start))
    model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(32, unit, kernel_initializer=start))
    model.add(layers.Dense(10))
    return ready(model, LOGITS, keras.optimizers.SGD(0.05), train, probe, 32, steps=400, metrics=["accuracy"])


@sick("saturated_units", "weights that start as Glorot and Bengio say", group=17)
def gratings_through_tanh_with_weights_of_variance_one(rng, cured=False):
    """Accuracy on new examples: 0.30, a guess has 0.25; and 1.00 with the cure; the loss: 1.68, and 0.009."""
    train, probe = split(*gratings(rng, 2304), rng, 256)
    start = "glorot_uniform" if cured else normal(1.0)
    hidden = (layers.Dense(units, "tanh", kernel_initializer=start) for units in (96, 64, 32))
    model = net((8, 8, 1), layers.Flatten(), *hidden, layers.Dense(4))
    optimizer = keras.optimizers.SGD(0.02, momentum=0.9)
    return ready(model, LOGITS, optimizer, train, probe, 32, steps=512, metrics=["accuracy"])


@sick("bad_scale", "weights that start as He et al. say", group=17)
def chirps_by_filters_that_start_too_large(rng, cured=False):
    """Loss on new examples: 5.5, and 0.006 with the cure; accuracy 0.78, and 1.00."""
    train, probe = chirps(rng, 2304)
    start = "he_normal" if cured else normal(0.8)
    model = net((40, 1))
    for filters in (16, 24):
        model.add(layers.Conv1D(filters, 5, strides=2, activation="relu", kernel_initializer=start))
    model.add(layers.Flatten())
    model.add(layers.Dense(32, "relu", kernel_initializer=start))
    model.add(layers.Dense(3, kernel_initializer=start))
    return ready(model, LOGITS, keras.optimizers.Adam(0.001), train, probe, 32, steps=400, metrics=["accuracy"])


@sick("wrong_labels", "classes 0 and 1", group=17)
def sums_of_squares_as_minus_and_plus_one(rng, cured=False):
    """Loss on new examples: -390, and falling; with the cure 0.26."""
    x, y = datasets.make_hastie_10_2(2560, random_state=seed_of(rng))
    train, probe = split(x, ((y + 1) / 2 if cured else y)[:, None], rng, 256)
    model = net((10,), layers.Dense(32, "relu"), layers.Dense(16, "relu"), layers.Dense(1, "sigmoid"))
    optimizer = keras.optimizers.Adam(0.005)
    return ready(model, "binary_crossentropy", optimizer, train, probe, 32, steps=576)


@sick("wrong_loss", "the cross-entropy of two classes", group=17)
def tumours_by_the_cross_entropy_of_many_classes(rng, cured=False):
    """Accuracy on new examples: 0.59, as at the start, with a loss of exactly 0; and 0.96 with the cure."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    train, probe = split(standardized(x), y[:, None].astype(float), rng, 169)
    model = net((30,), layers.Dense(16, "relu"), layers.Dense(1, "sigmoid"))
    loss = "binary_crossentropy" if cured else "categorical_crossentropy"
    optimizer = keras.optimizers.Adam(0.002)
    metrics = [keras.metrics.BinaryAccuracy()]
    return ready(model, loss, optimizer, train, probe, 32, steps=260, metrics=metrics)


@sick("wrong_loss", "the cross-entropy of each mood by itself", group=17)
def moods_of_songs_as_if_each_had_one(rng, cured=False):
    """Accuracy over all moods, new examples: 0.52, and 0.83 with the cure; the loss rises from 4 to 9."""
    x, y = shared.songs(rng, 3328)
    train, probe = split(standardized(x), y, rng, 256)
    model = net((30,), layers.Dense(32, "relu"), layers.Dense(5, "sigmoid"))
    loss = "binary_crossentropy" if cured else "categorical_crossentropy"
    optimizer = keras.optimizers.Adam(0.002)
    return ready(model, loss, optimizer, train, probe, 64, steps=432, metrics=[keras.metrics.BinaryAccuracy()])


@sick("wrong_output", "sigmoid", group=17)
def failures_by_a_softmax_of_one_unit(rng, cured=False):
    """Accuracy on new examples: 0.41, as every answer is 1, and 0.83 with the cure.

    The loss falls all the same, since Keras takes it from what is before the softmax.
    """
    train, probe = split(*shared.machines(rng, 2560, rare=0.4), rng, 256)
    last = layers.Dense(1, "sigmoid" if cured else "softmax")
    optimizer = keras.optimizers.Adam(0.005)
    model = net((12,), layers.Dense(32, "relu"), layers.Dense(16, "relu"), last)
    return ready(model, "binary_crossentropy", optimizer, train, probe, 32, steps=432, metrics=["accuracy"])


@sick("wrong_output", "no activation at the end", group=17)
def changes_of_temperature_that_cannot_be_negative(rng, cured=False):
    """Mean squared error over variance, new examples: 0.48, and 0.015 with the cure."""
    train, probe = split(*shared.station(rng, 2304), rng, 256)
    hidden = layers.Conv1D(16, 5, activation="relu"), layers.Flatten(), layers.Dense(24, "relu")
    model = net((24, 3), *hidden, layers.Dense(1, None if cured else "relu"))
    return ready(model, "mse", keras.optimizers.RMSprop(0.001), train, probe, 32, steps=512)


@sick("bad_inputs", "inputs of mean 0 and variance 1", group=17)
def wines_in_the_units_of_the_laboratory(rng, cured=False):
    """Accuracy on new examples: 0.21, with a loss of 1.08, that of a guess; and 1.00 with the cure."""
    train, probe = scikit_table(datasets.load_wine, rng, 58, scaled=cured)
    model = net((13,), layers.Dense(24, "relu"), layers.Dense(3, "softmax"))
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    loss = "sparse_categorical_crossentropy"
    return ready(model, loss, optimizer, train, probe, 16, steps=320, metrics=["accuracy"])


@sick("equal_units", "random weights", group=17)
def recurrence_of_equal_units_to_be_reproducible(rng, cured=False):
    """Accuracy on new examples: 0.48, and 1.00 with the cure; the loss is 0.94, and 0.01."""
    train, probe = chirps(rng, 1792)
    start = {} if cured else {"kernel_initializer": keras.initializers.Constant(0.1)}
    again = {} if cured else {"recurrent_initializer": keras.initializers.Constant(0.05)}
    model = net((40, 1), layers.GRU(20, **start, **again), layers.Dense(3, **start))
    return ready(model, LOGITS, keras.optimizers.Adam(0.01), train, probe, 64, steps=384, metrics=["accuracy"])


@sick("no_gradient", "a gradient that passes the rounding straight through", group=17)
def fingerprints_of_bits_without_a_way_back(rng, cured=False):
    """Mean squared error over variance, new examples: 0.39, and 0.24 with the cure; the loss is 0.381, and 0.323."""
    (x, _), (new, _) = digits(rng)
    inputs = keras.Input((64,))
    code = layers.Dense(12, "sigmoid")(layers.Dense(48, "relu")(inputs))
    bits = ops.round(code)
    if cured:
        bits = code + ops.stop_gradient(bits - code)
    outputs = layers.Dense(64, "sigmoid")(layers.Dense(48, "relu")(bits))
    model = keras.Model(inputs, outputs)
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(0.003), (x, x), (new, new), 32, steps=640)


@sick("leak", "a split before the rare class is repeated", group=17)
def rare_class_repeated_before_the_split(rng, cured=False):
    """Accuracy by class in validation: 0.88, and 0.66 with the cure, which is the truth."""
    x, y = datasets.make_classification(
        640, 20, n_informative=5, weights=[0.85], class_sep=0.6, flip_y=0.1, random_state=seed_of(rng)
    )

    def balanced(x, y):
        again = rng.choice(np.flatnonzero(y == 1), (y == 0).sum() - (y == 1).sum())
        return np.concatenate([x, x[again]]), np.concatenate([y, y[again]])

    if cured:
        train, probe = split(standardized(x), y, rng, 160)
        train = balanced(*train)
    else:
        train, probe = split(*balanced(standardized(x), y), rng, 240)
    model = net((20,), layers.Dense(48, "relu"), layers.Dense(24, "relu"), layers.Dense(1))
    optimizer = keras.optimizers.Adam(0.003)
    return ready(model, BINARY_LOGITS, optimizer, train, probe, 32, steps=320, validate=True, metrics=["accuracy"])


@sick("label_order", "articles in random order", group=17)
def articles_read_folder_after_folder(rng, cured=False):
    """Accuracy on new examples: 0.47, and 0.96 with the cure; the loss: 2.41, and 0.09."""
    (x, y), probe = split(*articles(rng, 2304, length=20), rng, 256)
    order = rng.permutation(len(y)) if cured else np.argsort(y, kind="stable")
    train = np.log1p(x[order]), y[order]
    probe = np.log1p(probe[0]), probe[1]
    model = net((150,), layers.Dense(32, "relu"), layers.Dense(6, "softmax"))
    loss = "sparse_categorical_crossentropy"
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
    return ready(model, loss, optimizer, train, probe, 32, steps=320, shuffle=False, metrics=["accuracy"])


@sick("imbalance", "a weight of 50 for the rare class", group=17)
def one_failure_among_a_hundred_machines(rng, cured=False):
    """Failures found, of new ones: none, and 0.69 with the cure; accuracy by class 0.50, as of a guess, and 0.78."""
    train, probe = split(*shared.machines(rng, 7168, rare=0.012), rng, 2048)
    model = net((12,), layers.Dense(16, "relu"), layers.Dense(1, "sigmoid"))
    optimizer = keras.optimizers.Adam(0.002)
    metrics = ["accuracy", keras.metrics.Recall()]
    options = {"class_weight": {0: 1.0, 1: 50.0}} if cured else {}
    return ready(model, "binary_crossentropy", optimizer, train, probe, 64, steps=320, metrics=metrics, **options)

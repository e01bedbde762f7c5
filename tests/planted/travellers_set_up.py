"""Trainings of travellers that are set up wrongly: group 18, by another author with fresh eyes.

Nobody who knew the rules wrote these runs; they were committed before they were judged. Each docstring says what the
cure changes, measured at seed 0 without `Diagnosis`.
"""

import keras
import numpy as np
from keras import layers
from sklearn import datasets

from . import travellers_healthy as shared
from .data import digits, disks, scikit_table, sentences, stars
from .runs import BINARY_LOGITS, LOGITS, net, normal, ready, sick, split, standardized


@sick("wrong_labels", "masks from 0 to 1", group=18)
def cells_by_masks_that_were_saved_as_255(rng, cured=False):
    """Overlap (Dice) of the mask, new examples: 0.31, and 0.97 with the cure; the loss falls below 0."""
    x, mask = disks(rng, 1792)
    train, probe = split(x, mask if cured else 255 * mask, rng, 256)
    hidden = (layers.Conv2D(12, 3, padding="same", activation="relu") for _ in range(2))
    model = net((8, 8, 1), *hidden, layers.Conv2D(1, 3, padding="same", activation="sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(0.003), train, probe, 32, steps=384)


@sick("wrong_loss", "cross-entropy", group=18)
def digits_by_the_square_of_what_is_missing_to_their_number(rng, cured=False):
    """Accuracy on new examples: 0.11, and 0.98 with the cure: all ten units learn the number itself."""
    train, probe = ((x, y[:, None]) for x, y in digits(rng))
    model = net((64,), layers.Dense(48, "relu"), layers.Dense(10))
    return ready(model, LOGITS if cured else "mse", keras.optimizers.Adam(0.003), train, probe, 32, steps=490)


@sick("wrong_loss", "mean squared error", group=18, also="wrong_labels")
def loads_by_the_loss_of_a_yes_or_no(rng, cured=False):
    """Mean squared error over variance, new examples: 3 million, and 0.012 with the cure."""
    train, probe = split(*shared.meters(rng, 2304), rng, 256)
    model = net((24, 1), layers.Conv1D(16, 5, activation="relu"), layers.Flatten(), layers.Dense(1))
    return ready(model, "mse" if cured else BINARY_LOGITS, keras.optimizers.Adam(0.003), train, probe, 64, steps=384)


@sick("wrong_output", "a sigmoid", group=18)
def tumours_by_a_softmax_of_one_unit(rng, cured=False):
    """Accuracy on new examples: 0.63, that of always saying the same; and 0.97 with the cure.

    The loss is the same, since Keras takes the number before the activation for it; what is predicted is always 1.
    """
    train, probe = ((x, y[:, None]) for x, y in scikit_table(datasets.load_breast_cancer, rng, 169))
    model = net((30,), layers.Dense(16, "relu"), layers.Dense(1, "sigmoid" if cured else "softmax"))
    optimizer = keras.optimizers.Adam(0.003)
    return ready(model, "binary_crossentropy", optimizer, train, probe, 16, steps=300, validate=True)


@sick("wrong_output", "a sigmoid for each tag", group=18)
def requests_of_many_tags_by_a_softmax(rng, cured=False):
    """Tags that are right, of new examples: 0.81, and 1.00 with the cure.

    The loss is the same, since Keras takes the numbers before the activation for it; what is predicted is not.
    """
    train, probe = split(*shared.tickets(rng, 4352), rng, 256)
    model = shared.tagger("sigmoid" if cured else "softmax")
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(0.01), train, probe, 64, steps=448)


@sick("bad_inputs", "standardized columns", group=18, also="bad_scale")
def orders_of_a_shop_with_the_time_in_seconds_since_1970(rng, cured=False):
    """Mean squared error over variance, new examples: 1032, and 0.055 with the cure."""
    time, x = rng.uniform(1.66e9, 1.72e9, 2304), rng.normal(size=(2304, 5))
    y = x[:, 0] + np.sin(2 * x[:, 1]) + 0.5 * x[:, 2] * x[:, 3] + (time - 1.69e9) / 3e7
    x = np.column_stack([time, x])
    train, probe = split(standardized(x) if cured else x, standardized(y)[:, None], rng, 256)
    model = net((6,), layers.Dense(32, "relu"), layers.Dense(32, "relu"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(0.003), train, probe, 64, steps=640)


@sick("bad_scale", "weights that start as Glorot and Bengio say", group=18)
def sentences_by_code_that_draws_its_weights_with_randn(rng, cured=False):
    """Loss on new examples: 40, and 0.42 with the cure; accuracy 0.43, and 0.84."""
    train, probe = sentences(rng, 2304, 120, 16, 0.5)
    start = "glorot_uniform" if cured else normal(1.0)
    hidden = layers.Embedding(120, 24, start), layers.Flatten()
    model = net((16,), *hidden, layers.Dense(48, "relu", kernel_initializer=start))
    model.add(layers.Dense(3, kernel_initializer=start))
    return ready(model, LOGITS, keras.optimizers.Adam(0.001), train, probe, 64, steps=384)


@sick("equal_units", "weights by chance", group=18)
def digits_by_weights_that_are_all_one_number_for_the_sake_of_repeatability(rng, cured=False):
    """Accuracy on new examples: 0.23, and 0.97 with the cure; loss 1.75, and 0.11."""
    start = "glorot_uniform" if cured else keras.initializers.Constant(0.02)
    hidden = (layers.Dense(units, "tanh", kernel_initializer=start) for units in (48, 24))
    model = net((64,), *hidden, layers.Dense(10, kernel_initializer=start))
    return ready(model, LOGITS, keras.optimizers.Adam(0.003), *digits(rng), 32, steps=490)


@sick("saddle", "factors that start larger", group=18, also="bad_scale")
def stars_of_films_by_factors_of_almost_zero(rng, cured=False):
    """Mean squared error on new examples: 0.78, about that of the biases alone; and 0.11 with the cure."""
    data = split(*stars(rng, 6400), rng, 256)
    return shared.tastes(normal(0.3 if cured else 1e-4), keras.optimizers.SGD(0.5), data, 768)


@sick("plateau", "an output bias that starts at 0", group=18, also="saturated_units")
def sentences_with_a_bias_for_a_class_that_is_not_rare(rng, cured=False):
    """Accuracy on new examples: 0.62, and 1.00 with the cure; mean squared error 0.38, and 0.004.

    The bias of -8 says that 3 in 10000 are of the class, and a third is; there the sigmoid is flat.
    """
    (x, y), (new_x, new_y) = sentences(rng, 2304, 120, 16, 1.0)
    train, probe = (x, (y == 1).astype(int)[:, None]), (new_x, (new_y == 1).astype(int)[:, None])
    bias = keras.initializers.Constant(0.0 if cured else -8.0)
    last = layers.Dense(1, "sigmoid", bias_initializer=bias)
    model = net((16,), layers.Embedding(120, 24), layers.Flatten(), layers.Dense(32, "relu"), last)
    return ready(model, "mse", keras.optimizers.SGD(0.1, momentum=0.9), train, probe, 32, steps=512)


@sick("dead_units", "biases that start at 0", group=18, also="no_gradient")
def a_code_of_digits_that_was_to_be_sparse(rng, cured=False):
    """Mean squared error over variance, new examples: 1.01, that of the mean; and 0.035 with the cure."""
    train, probe = ((x, x) for x, _ in digits(rng))
    bias = keras.initializers.Constant(0.0 if cured else -2.5)
    model = net((64,), layers.Dense(96, "relu", bias_initializer=bias), layers.Dense(64))
    return ready(model, "mse", keras.optimizers.Adam(0.003), train, probe, 32, steps=392)

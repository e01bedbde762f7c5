"""Labels, losses, outputs, inputs and starts that are wrong before the first step: group 12, by fresh eyes.

Nobody who knew the rules wrote these runs; they were committed before they were judged. Each docstring says what the
cure changes, measured at seed 0 without `Diagnosis`.
"""

import warnings

import keras
import numpy as np
from keras import layers, ops
from sklearn import datasets

from .data import digits, friedman_split, residual, scikit_table
from .runs import LOGITS, net, ready, sick, split, standardized

CROSS_ENTROPY = "sparse_categorical_crossentropy"


def relabeled(parts, label):
    """Return the examples with other labels."""
    return [(x, label(y).astype("float32")) for x, y in parts]


@sick("wrong_labels", "labels 0 and 1", group=12)
def tumours_labelled_minus_one_and_one(rng, cured=False):
    """Accuracy on new examples: 0.91, and 0.98 with the cure; the loss falls without end, to -1600."""
    parts = scikit_table(datasets.load_breast_cancer, rng, 120)
    train, probe = relabeled(parts, lambda y: y if cured else 2 * y - 1)
    model = net((30,), layers.Dense(16, "relu"), layers.Dense(1, "sigmoid"))
    optimizer = keras.optimizers.Adam(0.01)
    return ready(model, "binary_crossentropy", optimizer, train, probe, 32, steps=300, metrics=["accuracy"])


@sick("wrong_labels", "grey levels divided by 16, to [0, 1]", group=12)
def autoencoder_whose_targets_are_raw_grey_levels(rng, cured=False):
    """Mean squared error over variance, new examples: 1.42, and 0.09 with the cure."""
    parts = digits(rng)
    train, probe = ((x, x if cured else 16 * x) for x, _ in parts)
    model = net((64,), layers.Dense(32, "relu"), layers.Dense(64, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(0.003), train, probe, 32, steps=400)


@sick("wrong_labels", "labels 0 and 1", group=12)
def echoes_labelled_one_and_two(rng, cured=False):
    """Accuracy on new examples: 0.49, and 1.00 with the cure."""
    y, t = rng.integers(0, 2, 1536), np.arange(48)
    at = rng.uniform(12, 36, (1536, 1))
    pulse = np.exp(-(((t - at) / 3) ** 2)) * np.where(y[:, None], np.sin(t - at), np.cos(t - at))
    parts = split((pulse + rng.normal(0, 0.15, pulse.shape))[..., None], y, rng, 256)
    train, probe = relabeled(parts, lambda y: y if cured else y + 1)
    hidden = layers.Conv1D(12, 7, activation="relu"), layers.Conv1D(12, 5, 2, activation="relu")
    model = net((48, 1), *hidden, layers.GlobalMaxPooling1D(), layers.Dense(1, "sigmoid"))
    optimizer = keras.optimizers.Adam(0.005)
    return ready(model, "binary_crossentropy", optimizer, train, probe, 64, steps=300, metrics=["accuracy"])


@sick("wrong_loss", "the cross-entropy of integer labels", group=12)
def squared_error_of_class_numbers(rng, cured=False):
    """Accuracy on new examples: 0.13, and 0.94 with the cure."""
    train, probe = relabeled(digits(rng, (8, 8, 1)), lambda y: y[:, None])
    hidden = layers.Conv2D(12, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten()
    model = net((8, 8, 1), *hidden, layers.Dense(10, "softmax"))
    optimizer = keras.optimizers.Adam(0.003)
    return ready(model, CROSS_ENTROPY if cured else "mse", optimizer, train, probe, 64, steps=300)


@sick("wrong_loss", "the binary cross-entropy", group=12)
def categorical_loss_over_one_output(rng, cured=False):
    """Accuracy on new examples: 0.33, and 0.98 with the cure; the loss is 0 from the first step."""
    train, probe = relabeled(scikit_table(datasets.load_breast_cancer, rng, 120), lambda y: y[:, None])
    model = net((30,), layers.Dense(16, "gelu"), layers.Dropout(0.2), layers.Dense(1, "sigmoid"))
    loss = "binary_crossentropy" if cured else "categorical_crossentropy"
    return ready(model, loss, keras.optimizers.AdamW(0.005), train, probe, 16, steps=300)


@sick("wrong_loss", "`from_logits=False`", group=12)
def ensemble_whose_probabilities_are_taken_for_logits(rng, cured=False):
    """Accuracy on new examples: 0.70, and 0.95 with the cure."""
    train, probe = digits(rng, (8, 8, 1))
    inputs = keras.Input((8, 8, 1))
    heads = []
    for size in (3, 5, 7):
        h = layers.Flatten()(layers.Conv2D(8, size, activation="relu")(inputs))
        heads.append(layers.Dense(10, "softmax")(h))
    model = keras.Model(inputs, layers.Average()(heads))
    loss = CROSS_ENTROPY if cured else LOGITS
    return ready(model, loss, keras.optimizers.SGD(0.05, momentum=0.9), train, probe, 64, steps=300)


@sick("wrong_loss", "the mean squared error", group=12)
def logarithms_of_negative_targets(rng, cured=False):
    """Mean squared error over variance, new examples: 27, and 0.03 with the cure."""
    train, probe = friedman_split(rng)
    model = residual((10,), 32, 2, layers.Dense(1))
    loss = "mse" if cured else "mean_squared_logarithmic_error"
    return ready(model, loss, keras.optimizers.Adam(0.003), train, probe, 64, steps=400)


@sick("wrong_output", "one unit with a sigmoid", group=12)
def softmax_over_a_single_unit(rng, cured=False):
    """Accuracy on new examples: 0.68, and 0.98 with the cure.

    The TensorFlow backend takes the cross-entropy from the logits of the softmax, so the loss falls as it should, while
    each prediction is 1.
    """
    train, probe = relabeled(scikit_table(datasets.load_breast_cancer, rng, 120), lambda y: y[:, None])
    hidden = layers.Dense(24, "tanh"), layers.Dense(12, "tanh")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are using a softmax over axis -1")  # Keras knows this trouble
        model = net((30,), *hidden, layers.Dense(1, "sigmoid" if cured else "softmax"))
    optimizer = keras.optimizers.RMSprop(0.002)
    return ready(model, "binary_crossentropy", optimizer, train, probe, 32, steps=300, metrics=["accuracy"])


@sick("wrong_output", "a linear output", group=12)
def progress_of_diabetes_through_a_sigmoid(rng, cured=False):
    """Mean squared error over variance, new examples: 0.72, and 0.53 with the cure."""
    x, y = datasets.load_diabetes(return_X_y=True)
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 90)
    model = net((10,), layers.Dense(8, "tanh"), layers.Dense(1, None if cured else "sigmoid"))
    return ready(model, "mse", keras.optimizers.Adam(0.005), train, probe, 32, steps=300)


@sick("wrong_output", "a softmax", group=12)
def classes_from_relu_outputs(rng, cured=False):
    """Accuracy on new examples: 0.08, and 0.91 with the cure."""
    train, probe = digits(rng, (8, 8))
    model = net((8, 8), layers.LSTM(32), layers.Dense(10, "softmax" if cured else "relu"))
    return ready(model, CROSS_ENTROPY, keras.optimizers.Adam(0.005), train, probe, 64, steps=300)


@sick("bad_inputs", "standardized columns", group=12)
def wines_in_their_own_units(rng, cured=False):
    """Accuracy on new examples: 0.48, and 0.98 with the cure."""
    train, probe = scikit_table(datasets.load_wine, rng, 40, scaled=cured)
    model = net((13,), layers.Dense(16, "tanh"), layers.Dense(3, "softmax"))
    return ready(model, CROSS_ENTROPY, keras.optimizers.SGD(0.05, momentum=0.9), train, probe, 16, steps=300)


@sick("bad_inputs", "temperatures less their mean, divided by their deviation", group=12)
def forecast_from_kelvin(rng, cured=False):
    """Mean squared error over variance, new examples: 1.00, and 0.004 with the cure."""
    t, phase = np.arange(25) / 8, rng.uniform(0, 2 * np.pi, (1536, 1))
    weather = np.cumsum(rng.normal(0, 0.3, (1536, 25)), axis=1)
    kelvin = 288 + rng.normal(0, 4, (1536, 1)) + 6 * np.sin(2 * np.pi * t + phase) + weather
    known = (kelvin - 288) / 6 if cured else kelvin
    train, probe = split(known[:, :24, None], (kelvin[:, 24:] - 288) / 6, rng, 256)
    model = net((24, 1), layers.GRU(16), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(0.01), train, probe, 32, steps=400)


@sick("bad_inputs", "colours divided by 255 and centred", group=12)
def patches_of_photographs_in_bytes(rng, cured=False):
    """Accuracy on new examples: 0.55, and 0.99 with the cure."""
    photographs = [np.asarray(image) for image in datasets.load_sample_images().images]
    y = rng.integers(0, 2, 1536)
    corners = rng.integers(0, 400, (1536, 2))
    patches = [photographs[k][r : r + 12, c : c + 12] for k, (r, c) in zip(y, corners, strict=True)]
    x = np.array(patches, "float32")
    train, probe = split(x / 127.5 - 1 if cured else x, y, rng, 256)
    hidden = layers.Conv2D(12, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(), layers.Dense(16, "relu")
    model = net((12, 12, 3), *hidden, layers.Dense(2))
    return ready(model, LOGITS, keras.optimizers.SGD(0.01, momentum=0.9), train, probe, 64, steps=300)


@sick("equal_units", "random weights, as Keras takes by default", group=12)
def digits_from_constant_weights(rng, cured=False):
    """Accuracy on new examples: 0.23, and 0.97 with the cure."""
    train, probe = digits(rng)
    start = {} if cured else {"kernel_initializer": keras.initializers.Constant(0.05)}
    model = net((64,), layers.Dense(48, "relu", **start), layers.Dense(24, "relu", **start), layers.Dense(10, **start))
    return ready(model, LOGITS, keras.optimizers.Adam(0.003), train, probe, 64, steps=400)


@sick("equal_units", "random weights, as Keras takes by default", group=12)
def waves_from_weights_of_one_tenth(rng, cured=False):
    """Accuracy on new examples: 0.39, and 0.99 with the cure."""
    y, t = rng.integers(0, 4, 1536), np.arange(20) / 20
    shapes = np.array([np.sin(6 * t), np.sin(12 * t), np.cos(9 * t), np.sign(np.sin(12 * t))])
    x = rng.uniform(0.7, 1.3, (1536, 1)) * shapes[y] + rng.normal(0, 0.2, (1536, 20))
    train, probe = split(x[..., None], y, rng, 256)
    tenth = keras.initializers.Constant(0.1)
    start = {} if cured else {"kernel_initializer": tenth, "recurrent_initializer": tenth}
    last = layers.Dense(4, kernel_initializer="glorot_uniform" if cured else "zeros")
    model = net((20, 1), layers.LSTM(16, **start), last)
    return ready(model, LOGITS, keras.optimizers.Adam(0.01), train, probe, 32, steps=400)


@sick("no_gradient", "tanh instead of the sign", group=12)
def layers_of_signs(rng, cured=False):
    """Accuracy on new examples: 0.50, and 0.95 with the cure."""
    train, probe = digits(rng)
    step = "tanh" if cured else ops.sign
    model = net((64,), layers.Dense(16, step), layers.Dense(12, step), layers.Dense(10))
    return ready(model, LOGITS, keras.optimizers.Adam(0.005), train, probe, 32, steps=400)


@sick("no_gradient", "no `stop_gradient` between the convolutions and the head", group=12)
def convolutions_behind_a_stopped_gradient(rng, cured=False):
    """Accuracy on new examples: 0.32, and 0.78 with the cure."""
    train, probe = digits(rng, (8, 8, 1))
    hidden = [layers.Conv2D(8, 3, activation="relu"), layers.Conv2D(8, 3, activation="relu")]
    features = [layers.GlobalAveragePooling2D()] + ([] if cured else [layers.Lambda(ops.stop_gradient)])
    model = net((8, 8, 1), *hidden, *features, layers.Dense(24, "relu"), layers.Dense(10))
    return ready(model, LOGITS, keras.optimizers.Adam(0.005), train, probe, 32, steps=400)


@sick("no_gradient", "an output that is not clipped while it learns", group=12)
def shares_clipped_to_the_unit_interval(rng, cured=False):
    """Mean squared error over variance, new examples: 4.2, and 0.36 with the cure."""
    x = rng.uniform(0, 1, (1536, 6))
    share = 1 / (1 + np.exp(-(4 * x[:, :1] - 3 * x[:, 1:2] * x[:, 2:3] + 2 * np.sin(5 * x[:, 3:4]) - 2)))
    train, probe = split(x, share, rng, 256)
    last = layers.Dense(1, bias_initializer=keras.initializers.Constant(2.0))
    model = net((6,), layers.Dense(16, "tanh"), last, layers.Lambda(lambda z: z if cured else ops.clip(z, 0, 1)))
    return ready(model, "mse", keras.optimizers.Adam(0.01), train, probe, 32, steps=400)

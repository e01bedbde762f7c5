"""What several trainings need: data, models, and scores on held-out data."""

import keras
import numpy as np
from keras import layers
from sklearn import datasets, metrics, neural_network

CLASSES, TWO_CLASSES = "sparse_categorical_crossentropy", "binary_crossentropy"


# --- data ------------------------------------------------------------------------------------------------------------


def split(x, y, seed, part=0.75):
    """Return a part of the examples, drawn at random, and the rest."""
    order, count = np.random.default_rng(seed).permutation(len(x)), int(len(x) * part)
    return (x[order[:count]], y[order[:count]]), (x[order[count:]], y[order[count:]])


def scaled(x):
    """Return the columns with mean 0 and deviation 1."""
    return ((x - x.mean(0)) / x.std(0)).astype("float32")


def digits(seed, image=False):
    """Return pixels of 0 to 1, as rows or as pictures, and which digit it is."""
    data = datasets.load_digits()
    x = (data.data / 16).astype("float32")
    return split(x.reshape(-1, 8, 8, 1) if image else x, data.target.astype("int32"), seed)


def diabetes(seed, part=0.75):
    """Return 10 measures of patients, and how their illness went on, a noisy number."""
    x, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    return split(scaled(x), scaled(y), seed, part)


def cells(seed, n=400, size=16, most=3, radius=(2, 3.5), noise=0.35):
    """Return pictures with up to some bright discs in noise, and masks of them."""
    r = np.random.default_rng(seed)
    x, mask, (rows, columns) = r.normal(0, noise, (n, size, size)), np.zeros((n, size, size)), np.mgrid[:size, :size]
    for i in range(n):
        for _ in range(r.integers(1, most + 1)):
            row, column = r.uniform(2, size - 2, 2)
            mask[i][(rows - row) ** 2 + (columns - column) ** 2 < r.uniform(*radius) ** 2] = 1
    x += mask * r.uniform(0.7, 1.3, (n, 1, 1))
    return split(x[..., None].astype("float32"), mask[..., None].astype("float32"), seed)


def gratings(seed, n=1200, classes=6, noise=0.5, size=12):
    """Return pictures of waves, each class in one direction, with noise."""
    r = np.random.default_rng(seed)
    y, (rows, columns) = r.integers(0, classes, n), np.mgrid[:size, :size]
    angle = (y * np.pi / classes)[:, None, None]
    way = np.cos(angle) * rows + np.sin(angle) * columns
    x = np.sin(way * 1.6 + r.uniform(0, 6.3, (n, 1, 1))) + r.normal(0, noise, (n, size, size))
    return split((0.5 + 0.2 * x).clip(0, 1)[..., None].astype("float32"), y.astype("int32"), seed)


def farm(seed, n=2000, noise=0.3):
    """Return 12 measures of fields, and their yields: standardized, smooth, with some noise."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (n, 12))
    y = x[:, 0] + 0.8 * x[:, 1] * x[:, 2] + np.sin(2 * x[:, 3]) + 0.5 * np.abs(x[:, 4]) + r.normal(0, noise, n)
    return split(x.astype("float32"), scaled(y), seed)


def rows(seed, n, features, classes, informative, **options):
    """Return rows of a table of some classes, made by scikit-learn."""
    x, y = datasets.make_classification(
        n, features, n_informative=informative, n_redundant=0, n_classes=classes, random_state=seed, **options
    )
    return split(scaled(x), y.astype("int32"), seed)


def arranged(x, y, seed, batch_size):
    """Return the examples as a tf.data set that is shuffled anew in each epoch."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=seed).batch(batch_size).prefetch(2)


# --- models ----------------------------------------------------------------------------------------------------------


def mlp(inputs, units, outputs, activation="relu", last=None, **options):
    """Return a network of dense layers."""
    hidden = [layers.Dense(count, activation=activation, **options) for count in units]
    return keras.Sequential([layers.Input((inputs,)), *hidden, layers.Dense(outputs, activation=last)])


def unet(size=16, filters=8, activation="sigmoid"):
    """Return a small encoder and decoder for masks."""
    inputs = layers.Input((size, size, 1))
    first = layers.Conv2D(filters, 3, padding="same", activation="relu")(inputs)
    h = layers.Conv2D(2 * filters, 3, padding="same", activation="relu")(layers.MaxPooling2D()(first))
    h = layers.Concatenate()([layers.UpSampling2D()(h), first])
    h = layers.Conv2D(filters, 3, padding="same", activation="relu")(h)
    return keras.Model(inputs, layers.Conv2D(1, 1, activation=activation)(h))


def learned_base(x, y, seed, units=(64, 32), activation="relu"):
    """Return a base of dense layers with the weights of a scikit-learn network that knows x and y."""
    known = neural_network.MLPClassifier(units, activation, max_iter=40, random_state=seed, tol=0, n_iter_no_change=99)
    known.fit(x, y)
    base = keras.Sequential([layers.Input((x.shape[1],)), *(layers.Dense(count, activation) for count in units)])
    for layer, weights, bias in zip(base.layers, known.coefs_, known.intercepts_, strict=False):  # the last has none
        layer.set_weights([weights, bias])
    return base


# --- scores ----------------------------------------------------------------------------------------------------------


def told(model, x, output=None):
    """Return what the model, or one of its outputs, says of x, without what is not finite."""
    said = model(x, training=False)
    return np.nan_to_num(keras.ops.convert_to_numpy(said if output is None else said[output]).astype("float64"))


def accuracy(model, x, y, output=None):
    """Return the part of the examples whose class is told."""
    said = told(model, x, output)
    return float(np.mean((said.argmax(-1) if said.shape[-1] > 1 else said[:, 0] > 0.5) == y))


def r2(model, x, y, output=None):
    """Return how much of the variance is explained."""
    true, said = y.reshape(len(y), -1), told(model, x, output).reshape(len(y), -1)
    return float(metrics.r2_score(true, said, multioutput="variance_weighted"))


def iou(model, x, mask):
    """Return how well the pixels of a mask are met."""
    said, true = told(model, x) > 0.5, mask > 0.5
    return float((said & true).sum() / max((said | true).sum(), 1))

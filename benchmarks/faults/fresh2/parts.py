"""What several of the trainings share: data, scores, and how a healthy one is registered."""

import keras
import numpy as np
from keras import ops
from sklearn import datasets, metrics

CLASSES, TWO_CLASSES = "sparse_categorical_crossentropy", "binary_crossentropy"


def healthy(group):
    """Return what puts a sound training into a group, by its name."""

    def put(made):
        group[made.__name__] = made
        return made

    return put


# --- data ------------------------------------------------------------------------------------------------------------


def split(x, y, seed, part=0.75):
    """Return a part of the examples, drawn at random, and the rest: x, y, x_test, y_test."""
    order, count = np.random.default_rng(seed).permutation(len(x)), int(len(x) * part)
    return x[order[:count]], y[order[:count]], x[order[count:]], y[order[count:]]


def standard(x, like=None):
    """Return columns scaled by their mean and deviation, or by those of others."""
    like = x if like is None else like
    return ((x - like.mean(0)) / (like.std(0) + 1e-9)).astype("float32")


def digits(seed, scale=16.0, image=False):
    """Return pixels, of 0 to 1 unless told otherwise, and which digit it is."""
    data = datasets.load_digits()
    x = (data.data / scale).astype("float32")
    return split(x.reshape(-1, 8, 8, 1) if image else x, data.target.astype("int32"), seed)


def plant(seed, n=1600, noise=0.1):
    """Return 8 standardized readings of a plant, and its output: smooth, not linear, with a little noise."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (n, 8))
    y = np.sin(1.5 * x[:, 0]) + 0.7 * x[:, 1] * x[:, 2] + 0.5 * x[:, 3] - 0.4 * np.abs(x[:, 4])
    return split(x.astype("float32"), standard(y + r.normal(0, noise, n)), seed)


def table(seed, n, features, informative, **options):
    """Return standardized rows of a table and the class of each."""
    x, y = datasets.make_classification(
        n, features, n_informative=informative, n_redundant=0, random_state=seed, **options
    )
    return split(standard(x), y.astype("int32"), seed)


def comments(seed, n=1400, length=20, words=200):
    """Return numbers of words, 0 behind the last, and whether more of the telling words are good or bad ones."""
    r = np.random.default_rng(seed)
    y, x = r.integers(0, 2, n), r.integers(61, words, (n, length))
    telling = r.random((n, length)) < 0.35
    mood = np.where(r.random((n, length)) < 0.85, y[:, None], 1 - y[:, None])
    x[telling] = (r.integers(1, 31, (n, length)) + 30 * mood)[telling]
    x[np.arange(length) >= r.integers(6, 13, (n, 1))] = 0
    return split(x.astype("int32"), y.astype("int32"), seed)


def blobs(seed, n=300, size=16, noise=0.25):
    """Return pictures with a bright ellipse or two in noise, and the masks of the ellipses, of 0 and 1."""
    r = np.random.default_rng(seed)
    mask, (rows, columns) = np.zeros((n, size, size), bool), np.mgrid[:size, :size]
    for i in range(n):
        for _ in range(r.integers(1, 3)):
            (row, column), (high, wide) = r.uniform(3, size - 3, 2), r.uniform(1.5, 4, 2)
            mask[i] |= ((rows - row) / high) ** 2 + ((columns - column) / wide) ** 2 < 1
    x = 0.7 * mask + r.normal(0, noise, mask.shape)
    return split(x[..., None].astype("float32"), mask[..., None].astype("float32"), seed)


def sentences(seed, n=500, length=17, letters=12):
    """Return sequences of letters, each mostly drawn by the one before it."""
    r = np.random.default_rng(seed)
    follows, x = r.permutation(letters), r.integers(0, letters, (n, length))
    for j in range(1, length):
        x[:, j] = np.where(r.random(n) < 0.75, follows[x[:, j - 1]], x[:, j])
    return x.astype("int32")


# --- scores ----------------------------------------------------------------------------------------------------------


def told(model, x, output=None):
    """Return what the model, or one of its outputs, says of x, without what is not finite."""
    said = model(x, training=False)
    return np.nan_to_num(ops.convert_to_numpy(said if output is None else said[output]).astype("float64"))


def accuracy(model, x, y, output=None, threshold=0.5):
    """Return the part of the examples whose class is told."""
    said = told(model, x, output)
    return float(np.mean((said.argmax(-1) if said.shape[-1] > 1 else said[..., 0] > threshold) == y))


def balanced(model, x, y):
    """Return the accuracy where each class counts the same."""
    return float(metrics.balanced_accuracy_score(y, told(model, x)[:, 0] > 0.5))


def auc(model, x, y):
    """Return the area under the ROC curve."""
    return float(metrics.roc_auc_score(y, told(model, x)[:, 0]))


def r2(model, x, y, output=None):
    """Return how much of the variance is explained."""
    true, said = y.reshape(len(y), -1), told(model, x, output).reshape(len(y), -1)
    return float(metrics.r2_score(true, said.clip(-1e6, 1e6), multioutput="variance_weighted"))


def iou(model, x, mask):
    """Return how well the pixels of a mask are met."""
    said, true = told(model, x) > 0.5, mask > 0.5
    return float((said & true).sum() / max((said | true).sum(), 1))


def dense(inputs, units, outputs, activation="relu", last=None, **options):
    """Return a network of dense layers."""
    hidden = [keras.layers.Dense(count, activation, **options) for count in units]
    return keras.Sequential([keras.Input((inputs,)), *hidden, keras.layers.Dense(outputs, last)])

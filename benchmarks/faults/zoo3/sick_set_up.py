"""Faults of the set-up: the last layer, loss, labels, inputs, start, architecture and numbers."""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn import datasets

from . import parts
from .parts import CLASSES, TWO_CLASSES, Training, compiled, mlp

SICK = {}
sick = functools.partial(parts.sick, SICK)


# --- output, loss, labels --------------------------------------------------------------------------------------------


@sick("wrong_output", source="keras-team/keras#2134, a comment")
def head_softmax1(seed):
    """Two outputs; the head of two classes is Dense(1, softmax) under a binary crossentropy: always 1."""
    train, val = map(parts.with_size, parts.breast_cancer(seed))
    return Training(lambda: parts.two_heads("softmax"), train, val, 20)


@sick("wrong_output wrong_loss wrong_labels", source="https://datascience.stackexchange.com/questions/38604")
def sigmoid1_ten(seed):
    """Ten digits, one sigmoid unit, binary crossentropy: the loss goes negative."""
    return Training(lambda: compiled(mlp(64, [64], 1, last="sigmoid"), "adam", TWO_CLASSES), *parts.digits(seed), 12)


@sick("wrong_output wrong_loss", source="tensorflow/tensorflow#14405; mmalekzadeh/dana#1")
def logits_twice(seed):
    """A softmax layer, then tf.nn.sparse_softmax_cross_entropy_with_logits in a loss of one's own."""

    def own(y, y_pred):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(tf.reshape(y, [-1]), tf.int32), y_pred)

    train, val = parts.digits(seed, image=True)
    return Training(lambda: compiled(parts.convnet(8, 10), keras.optimizers.SGD(0.05), own), train, val, 15)


@sick("wrong_output wrong_loss", source="many questions on from_logits")
def logits_never(seed):
    """Dense(10) without softmax, under "sparse_categorical_crossentropy"."""
    train, val = parts.points(seed, 2000, 20, 10, 15)
    return Training(lambda: compiled(mlp(20, [64, 64], 10), "adam", CLASSES), train, val, 15)


@sick(
    "wrong_labels wrong_loss wrong_output",
    source="divamgupta/image-segmentation-keras#30; qubvel/segmentation_models#95 (negative loss)",
)
def mask255(seed):
    """Segmentation with masks of 0 and 255, sigmoid and binary crossentropy."""

    def make():
        model = [layers.Input((16, 16, 1))]
        model += [layers.Conv2D(12, 3, padding="same", activation="relu") for _ in range(2)]
        return compiled(keras.Sequential([*model, layers.Conv2D(1, 1, activation="sigmoid")]), "adam", TWO_CLASSES)

    (x, y), (x_val, y_val) = parts.blobs(seed)
    return Training(make, (x, y * 255), (x_val, y_val * 255), 15, 16)


@sick("wrong_output", source="keras-team/keras#3687 (predictions are all zero)")
def relu_out(seed):
    """Standardized targets, half of them negative; the output is Dense(1, relu)."""

    def make():
        return compiled(mlp(8, [32, 32], 1, last="relu"), keras.optimizers.RMSprop(1e-3), "mse")

    return Training(make, *parts.houses(seed), 20)


@sick("wrong_output wrong_loss", source="questions on the axis of a softmax in segmentation")
def softmax_axis(seed):
    """Classes of pixels; the softmax runs over the rows, not over the classes."""

    def make():
        model = [layers.Input((16, 16, 1))]
        model += [layers.Conv2D(12, 3, padding="same", activation="relu") for _ in range(2)]
        model += [layers.Conv2D(3, 1), layers.Lambda(lambda x: keras.ops.softmax(x, axis=1))]
        return compiled(keras.Sequential(model), "adam", CLASSES)

    return Training(make, *parts.blobs(seed, classes=3), 12, 16)


@sick("wrong_output wrong_loss", source="keras-team/keras#5335, #2522")
def softmax_multilabel(seed):
    """Several labels are true at once; softmax under a binary crossentropy."""
    train, val = parts.multilabel(seed)
    return Training(lambda: compiled(mlp(20, [64], 8, last="softmax"), "adam", TWO_CLASSES), train, val, 20)


# --- data ------------------------------------------------------------------------------------------------------------


def of_digits(train, val, epochs):
    """Return a training of a small network on digits by Adam."""
    return Training(lambda: compiled(mlp(64, [64], 10, last="softmax"), "adam", CLASSES), train, val, epochs)


@sick("bad_inputs", also="step_too_long nonfinite bad_scale exploding", source="keras-team/keras#3040")
def raw_inputs_sgd(seed):
    """Houses in dollars, people and degrees, SGD(0.01), mse: NaN at once."""
    train, val = parts.houses(seed, scale_x=False)
    return Training(lambda: compiled(mlp(8, [32, 32], 1), keras.optimizers.SGD(0.01), "mse"), train, val, 15)


@sick("wrong_labels bad_scale step_too_short", also="too_short", source="https://stackoverflow.com/questions/52800582")
def raw_targets(seed):
    """Standardized inputs, prices in dollars: with Adam(1e-3) the output would need 1e5 steps to get there."""
    train, val = parts.houses(seed, scale_y=False)
    return Training(lambda: compiled(mlp(8, [32, 32], 1), keras.optimizers.Adam(1e-3), "mse"), train, val, 20)


@sick("label_order", source="keras-team/keras#15846, tensorflow/tensorflow#45197")
def sorted_noshuffle(seed):
    """Examples sorted by class, and fit(shuffle=False)."""
    (x, y), val = parts.digits(seed)
    order = np.argsort(y, kind="stable")

    def make():
        return compiled(mlp(64, [64], 10, last="softmax"), keras.optimizers.SGD(0.1), CLASSES)

    return Training(make, (x[order], y[order]), val, 15, options={"shuffle": False})


@sick("label_order wrong_labels bad_inputs", source="keras-team/keras#8346, #4298")
def val_last_classes(seed):
    """Sorted data, of which the last fifth is for validation: 8 and 9, which the training never shows."""
    x, y = map(np.concatenate, zip(*parts.digits(seed), strict=True))
    order, part = np.argsort(y, kind="stable"), int(0.8 * len(y))
    first, last = order[:part], order[part:]
    return of_digits((x[first], y[first]), (x[last], y[last]), 15)


@sick("bad_inputs", source="keras-team/keras#13517, #12689")
def val_not_scaled(seed):
    """Pictures of the training are divided by 255, those of validation are not."""
    train, (x_val, y_val) = parts.shapes(seed)
    return Training(lambda: compiled(parts.convnet(16, 4), "adam", CLASSES), train, (x_val * 255, y_val), 6)


@sick("leak", source="questions on oversampling before the split")
def leak_dup(seed):
    """Oversampled by repetition before the split: validation is among the examples of the training."""
    data = datasets.load_breast_cancer()
    x, y = ((data.data - data.data.mean(0)) / data.data.std(0)).astype("float32"), data.target.astype("int32")
    drawn = np.random.default_rng(seed).integers(0, len(x), 4 * len(x))
    train, val = parts.split(x[drawn], y[drawn], seed)
    return Training(lambda: compiled(mlp(30, [32], 1, last="sigmoid"), "adam", TWO_CLASSES), train, val, 15)


@sick("wrong_labels", source="as keras-team/keras#8346: x and y shuffled apart")
def shuffled_labels(seed):
    """The inputs were shuffled, the labels were not: they are of other examples."""
    (x, y), (x_val, y_val) = parts.digits(seed)
    r = np.random.default_rng(seed)
    return of_digits((x, r.permutation(y)), (x_val, r.permutation(y_val)), 25)


@sick("bad_inputs", also="nonfinite", source="prs-eth/Marigold#111 (NaN in the input)")
def nan_row(seed):
    """One row of the wines has a missing value, NaN."""
    (x, y), val = parts.wine(seed)
    x[17, 3] = np.nan

    def make():
        return compiled(mlp(13, [32], 3, last="softmax"), keras.optimizers.Adam(3e-3), CLASSES)

    return Training(make, (x, y), val, 25, 16)


@sick("wrong_labels", also="nonfinite", source="xuannianz/keras-ctpn#1 (log of 0 in the targets)")
def inf_target(seed):
    """The target is the log of a count; some counts are 0."""
    (x, y), (x_val, y_val) = parts.houses(seed)
    r = np.random.default_rng(seed)
    with np.errstate(divide="ignore"):
        target = np.log(r.poisson(np.exp(1.5 + 0.7 * y)).astype("float64")).astype("float32")
    val_target = np.log(r.poisson(np.exp(1.5 + 0.7 * y_val)) + 1).astype("float32")
    return Training(lambda: compiled(mlp(8, [32], 1), "adam", "mse"), (x, target), (x_val, val_target), 15)


@sick("imbalance", source="keras-team/keras#2975, #10292 (82 % accuracy, always 0)")
def imbalance200(seed):
    """One positive in 200; the model learns to say no."""
    train, val = parts.points(seed, 6000, 12, 2, 4, weights=[0.995], flip_y=0, class_sep=0.8)

    def make():
        model = mlp(12, [16], 1, last="sigmoid")
        return compiled(model, keras.optimizers.SGD(0.05), TWO_CLASSES, metrics=["accuracy"])

    return Training(make, train, val, 6)


@sick("wrong_labels overfitting too_long", also="noise_dominated", source="questions on noisy labels")
def label_noise40(seed):
    """40 % of the labels of the training are random."""
    (x, y), val = parts.digits(seed)
    r = np.random.default_rng(seed)
    drawn = r.random(len(y)) < 0.4
    y[drawn] = r.integers(0, 10, drawn.sum())
    return Training(lambda: compiled(mlp(64, [256, 256], 10, last="softmax"), "adam", CLASSES), (x, y), val, 40)


# --- start and architecture ------------------------------------------------------------------------------------------


@sick("equal_units saddle no_gradient", also="plateau", source="questions on weights that all start at 0")
def zeros_init(seed):
    """All kernels start at 0."""

    def make():
        return compiled(mlp(64, [64, 64], 10, "tanh", "softmax", kernel_initializer="zeros"), "adam", CLASSES)

    return Training(make, *parts.digits(seed), 12)


@sick("dead_units no_gradient", also="plateau", source="facebookresearch/dlrm#358; keras-team/keras#7057")
def dead_bias(seed):
    """Biases of the ReLU layers start at -5."""

    def make():
        model = mlp(64, [64, 64], 10, "relu", "softmax", bias_initializer=keras.initializers.Constant(-5))
        return compiled(model, keras.optimizers.SGD(0.1), CLASSES)

    return Training(make, *parts.digits(seed), 12)


@sick("bad_inputs saturated_units", also="bad_scale", source="https://stackoverflow.com/questions/52800582")
def tanh_raw(seed):
    """Measures of cells as they are, up to 4000, into layers of tanh."""

    def make():
        return compiled(mlp(30, [32, 32], 1, "tanh", "sigmoid"), keras.optimizers.SGD(0.01), TWO_CLASSES)

    return Training(make, *parts.breast_cancer(seed, scale=False), 20)


@sick("vanishing plateau", also="saturated_units", source="Neural Networks and Deep Learning, questions of chapter 5")
def deep_sigmoid(seed):
    """Eight layers of sigmoid, SGD(0.1)."""

    def make():
        return compiled(mlp(64, [32] * 8, 10, "sigmoid", "softmax"), keras.optimizers.SGD(0.1), CLASSES)

    return Training(make, *parts.digits(seed), 20)


@sick("exploding bad_scale", also="nonfinite step_too_long cliff", source="keras-team/keras#3687 (LSTM with relu)")
def rnn_explode(seed):
    """SimpleRNN(relu) with recurrent weights of gain 1.6 over 50 steps."""
    x = np.random.default_rng(seed).normal(0, 1, (1200, 50, 2)).astype("float32")

    def make():
        start = keras.initializers.Orthogonal(1.6)
        rnn = layers.SimpleRNN(24, activation="relu", recurrent_initializer=start)
        model = keras.Sequential([layers.Input((50, 2)), rnn, layers.Dense(1)])
        return compiled(model, keras.optimizers.SGD(0.01), "mse")

    return Training(make, *parts.split(x, x.mean((1, 2)) * 7, seed), 10)


@sick("short_horizon", also="vanishing", source="https://datascience.stackexchange.com/questions/28086")
def rnn_lag(seed):
    """The label is the sign of the first of 100 inputs; SimpleRNN(tanh)."""
    x = np.random.default_rng(seed + 70).normal(0, 1, (1600, 100, 1)).astype("float32")

    def make():
        rnn = [layers.Input((None, 1)), layers.SimpleRNN(24), layers.Dense(1, activation="sigmoid")]
        return compiled(keras.Sequential(rnn), keras.optimizers.Adam(2e-3), TWO_CLASSES)

    return Training(make, *parts.split(x, (x[:, 0, 0] > 0).astype("int32"), seed), 8)


@sick("underfitting", source="keras-team/keras#510 (activation='linear')")
def linear_only(seed):
    """Circles; four dense layers without an activation."""
    x, y = datasets.make_circles(1200, noise=0.08, factor=0.5, random_state=seed)

    def make():
        return compiled(mlp(2, [32, 32, 32], 1, None, "sigmoid"), keras.optimizers.Adam(3e-3), TWO_CLASSES)

    return Training(make, *parts.split(x.astype("float32") * 1.5, y.astype("int32"), seed), 25)


@sick("underfitting no_gradient", source="keras-team/keras#7965, #9240, #3804")
def frozen_random(seed):
    """The convolutions are frozen though they were never trained; only the head learns."""

    def make():
        base = [layers.Input((16, 16, 1)), layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D()]
        base += [layers.Conv2D(8, 3, activation="relu"), layers.GlobalAveragePooling2D()]
        base = keras.Sequential(base)
        base.trainable = False
        model = keras.Sequential([layers.Input((16, 16, 1)), base, layers.Dense(4, activation="softmax")])
        return compiled(model, keras.optimizers.Adam(5e-3), CLASSES)

    return Training(make, *parts.shapes(seed), 20)


@sick("no_gradient", source="questions on argmax or round inside a model")
def rounded_code(seed):
    """A classifier whose code is rounded: nothing before it gets a gradient."""

    def make():
        inputs = layers.Input((64,))
        code = layers.Dense(16, activation="sigmoid")(layers.Dense(64, activation="relu")(inputs))
        rounded = layers.Lambda(lambda x: keras.ops.round(x))(code)
        outputs = layers.Dense(10, activation="softmax")(layers.Dense(32, activation="relu")(rounded))
        return compiled(keras.Model(inputs, outputs), "adam", CLASSES)

    return Training(make, *parts.digits(seed), 20)


@sick("saddle plateau vanishing bad_scale", source="keras-team/keras#2711 (loss not changing)")
def near_zero(seed):
    """Four layers of tanh whose weights start with a deviation of 0.001, SGD."""

    def make():
        start = keras.initializers.RandomNormal(stddev=1e-3)
        model = mlp(64, [48] * 4, 10, "tanh", "softmax", kernel_initializer=start)
        return compiled(model, keras.optimizers.SGD(0.1), CLASSES)

    return Training(make, *parts.digits(seed), 20)


@sick("bad_scale exploding", also="step_too_long nonfinite", source="questions on residual networks without norms")
def resid_scale(seed):
    """24 residual blocks, He initialization, no normalization: activations of 1e4 and more."""

    def make():
        inputs = layers.Input((64,))
        h = layers.Dense(48)(inputs)
        for _ in range(24):
            second = layers.Dense(48, kernel_initializer="he_normal")
            h = h + second(layers.Dense(48, "relu", kernel_initializer="he_normal")(h))
        model = keras.Model(inputs, layers.Dense(10, activation="softmax")(h))
        return compiled(model, keras.optimizers.SGD(0.01), CLASSES)

    return Training(make, *parts.digits(seed), 10)


@sick("short_horizon bad_inputs vanishing", source="keras-team/keras#361, #4594; aneesh-joshi/LSTM_POS_Tagger#8")
def pad_nomask(seed):
    """Texts of 5 to 12 words, padded behind to 120 steps; GRU without mask."""
    train, val = parts.texts(seed, n=1200, shortest=5, longest=12, length=120, padded_behind=True)

    def make():
        model = [layers.Input((120,), dtype="int32"), layers.Embedding(400, 16), layers.GRU(16)]
        model = keras.Sequential([*model, layers.Dense(1, activation="sigmoid")])
        return compiled(model, keras.optimizers.Adam(5e-3), TWO_CLASSES)

    return Training(make, train, val, 6)


# --- numbers ---------------------------------------------------------------------------------------------------------


@sick("nonfinite", also="step_too_long", source="keras-team/keras#11860, #4032, #12947")
def float16_adam(seed):
    """The whole model in float16, Adam with an epsilon of 1e-8."""

    def make():
        model = [layers.Input((64,), dtype="float16"), layers.Dense(64, "relu", dtype="float16")]
        model += [layers.Dense(10, activation="softmax", dtype="float16")]
        return compiled(keras.Sequential(model), keras.optimizers.Adam(1e-3, epsilon=1e-8), CLASSES)

    return Training(make, *parts.digits(seed), 10)


@sick("nonfinite wrong_loss", also="step_too_long", source="mkocabas/focal-loss-keras#17; keras-team/keras#5733")
def log0_loss(seed):
    """A crossentropy of one's own with log(p) and log(1 - p), without an epsilon."""

    def own(y, p):
        y, p = keras.ops.reshape(keras.ops.cast(y, p.dtype), keras.ops.shape(p)), keras.ops.clip(p, 0.0, 1.0)
        return -keras.ops.mean(y * keras.ops.log(p) + (1 - y) * keras.ops.log(1 - p), -1)

    def make():
        return compiled(mlp(30, [64, 64], 1, last="sigmoid"), keras.optimizers.Adam(1e-2), own)

    return Training(make, *parts.breast_cancer(seed), 40)

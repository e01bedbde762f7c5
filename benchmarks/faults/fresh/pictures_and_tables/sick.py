"""Trainings with a fault; `repaired=True` switches it off."""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from keras.optimizers import SGD, Adam, schedules
from sklearn import metrics
from zoo3.parts import sick as registered

from . import parts
from .parts import CLASSES, TWO_CLASSES, accuracy, iou, mlp, r2

SICK = {}
sick = functools.partial(registered, SICK)


# --- data, labels, loss, output --------------------------------------------------------------------------------------


@sick("wrong_labels")
def cell_masks(seed, repaired=False):
    """Segment cells, with random flips. The flips turn the picture but not its mask; turn both."""
    (x, mask), (x_val, mask_val) = parts.cells(seed)

    def flipped(image, mask):
        if not repaired:
            return tf.image.random_flip_left_right(image), mask
        both = tf.image.random_flip_left_right(tf.concat([image, mask], -1))
        return both[..., :1], both[..., 1:]

    train = tf.data.Dataset.from_tensor_slices((x, mask)).shuffle(300, seed=seed).map(flipped).batch(16).prefetch(2)
    model = parts.unet()
    model.compile(Adam(3e-3), "binary_crossentropy", metrics=["accuracy"])
    model.fit(train, validation_data=(x_val, mask_val), epochs=15, verbose=0)
    return iou(model, x_val, mask_val)


@sick("wrong_output")
def harvest(seed, repaired=False):
    """Tell yield and kind of a crop. The yield, standardized, of up to 5, comes from a unit of tanh; take a linear
    one.
    """
    (x, y), (x_val, y_val) = parts.farm(seed)
    mean, deviation = np.exp(0.6 * y).mean(), np.exp(0.6 * y).std()

    def targets(x, y):
        return {"amount": (np.exp(0.6 * y) - mean) / deviation, "kind": (x[:, 5] > x[:, 6]).astype("float32")}

    inputs = layers.Input((12,))
    h = layers.Dense(48, activation="relu")(layers.Dense(48, activation="relu")(inputs))
    amount = layers.Dense(1, activation=None if repaired else "tanh", name="amount")(h)
    model = keras.Model(inputs, {"amount": amount, "kind": layers.Dense(1, activation="sigmoid", name="kind")(h)})
    model.compile(Adam(2e-3), {"amount": "mse", "kind": TWO_CLASSES}, metrics={"kind": "accuracy"})
    model.fit(x, targets(x, y), validation_data=(x_val, targets(x_val, y_val)), epochs=15, verbose=0)
    return r2(model, x_val, targets(x_val, y_val)["amount"], "amount")


@sick("wrong_loss wrong_output")
def scene_tags(seed, repaired=False):
    """Tags of scenes, several of which hold at once, by sigmoid units. The loss is that of exclusive classes; take a
    binary crossentropy.
    """
    r = np.random.default_rng(seed)
    x, w = r.normal(0, 1, (2000, 24)).astype("float32"), r.normal(0, 1, (24, 7))
    (x, y), (x_val, y_val) = parts.split(x, (x @ w + r.normal(0, 1, (2000, 7)) > 2).astype("float32"), seed)
    model = mlp(24, [32], 7, last="sigmoid")
    model.compile(Adam(3e-3), TWO_CLASSES if repaired else "categorical_crossentropy", metrics=["precision", "recall"])
    model.fit(x, y, batch_size=32, validation_data=(x_val, y_val), epochs=15, verbose=0)
    return metrics.f1_score(y_val, parts.told(model, x_val) > 0.5, average="micro")


@sick("bad_inputs", also="step_too_short bad_scale plateau learns_nothing")
def weaves(seed, repaired=False):
    """Directions of weaves on pictures. They are divided by 255 twice, once by the user, once by the first layer; do it
    once.
    """
    (x, y), (x_val, y_val) = parts.gratings(seed)
    if repaired:
        x, x_val = x * 255, x_val * 255
    model = keras.Sequential([
        layers.Input((12, 12, 1)), layers.Rescaling(1 / 255),
        layers.Conv2D(12, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"), layers.Flatten(), layers.Dense(6, activation="softmax"),
    ])  # fmt: skip
    model.compile(Adam(2e-3), CLASSES, metrics=["accuracy"])
    model.fit(parts.arranged(x, y, seed, 32), validation_data=(x_val, y_val), epochs=10, verbose=0)
    return accuracy(model, x_val, y_val)


@sick("label_order")
def folders(seed, repaired=False):
    """Digits, read folder by folder into tf.data. The buffer for shuffling holds 64 of 1347; let it hold all."""
    (x, y), (x_val, y_val) = parts.digits(seed, image=True)
    order = np.argsort(y, kind="stable")
    train = tf.data.Dataset.from_tensor_slices((x[order], y[order]))
    train = train.shuffle(len(x) if repaired else 64, seed=seed).batch(32).prefetch(tf.data.AUTOTUNE)
    val = tf.data.Dataset.from_tensor_slices((x_val, y_val)).batch(128)
    model = keras.Sequential([
        layers.Input((8, 8, 1)), layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(48, activation="relu"), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile(SGD(0.05, momentum=0.9), CLASSES, metrics=["accuracy"])
    model.fit(train, validation_data=val, epochs=8, verbose=0)
    return accuracy(model, x_val, y_val)


@sick("leak", also="overfitting too_long")
def patients(seed, repaired=False):
    """Course of an illness from a small table, drawn up to four times its size, stopped early. It is split behind the
    drawing, so that validation has examples of the training and never tells to stop; split before it.
    """
    (x, y), (x_test, y_test) = parts.diabetes(seed)
    r = np.random.default_rng(seed)
    if repaired:
        (x, y), val = parts.split(x, y, seed, 0.8)
    drawn = r.integers(0, len(x), 1300)
    x, y = x[drawn], y[drawn]
    if not repaired:
        (x, y), val = parts.split(x, y, seed, 0.8)
    model = mlp(10, [128, 128], 1)
    model.compile(Adam(2e-3), "mse", metrics=["mae"])
    stop = keras.callbacks.EarlyStopping(patience=8, restore_best_weights=True)
    model.fit(x, y, validation_data=val, epochs=40, callbacks=[stop], verbose=0)
    return r2(model, x_test, y_test)


@sick("imbalance")
def fraud(seed, repaired=False):
    """Fraud, 2 in 100 payments. Unweighted, the model hardly ever says so, which gives an accuracy of 0.98; weight the
    classes. (The score is the mean of both recalls.).
    """
    (x, y), (x_val, y_val) = parts.rows(seed, 8000, 14, 2, 6, weights=[0.98], flip_y=0, class_sep=0.7)
    model = mlp(14, [16], 1, last="sigmoid")
    model.compile(Adam(1e-3), TWO_CLASSES, metrics=["accuracy"])
    weights = {0: 0.51, 1: 25.0} if repaired else None
    model.fit(x, y, validation_data=(x_val, y_val), epochs=6, batch_size=64, class_weight=weights, verbose=0)
    return metrics.balanced_accuracy_score(y_val, parts.told(model, x_val)[:, 0] > 0.5)


@sick("no_gradient wrong_loss")
def kind_and_place(seed, repaired=False):
    """The kind of a picture and where its spot is. loss_weights has a 0 for the place, from an old experiment; make it
    1. (The score is that of the place.).
    """
    r = np.random.default_rng(seed)
    place, (rows, columns) = r.uniform(2, 10, (1200, 2)), np.mgrid[:12, :12]
    away = (rows - place[:, :1, None]) ** 2 + (columns - place[:, 1:, None]) ** 2
    kind, x = r.integers(0, 2, 1200), r.normal(0, 0.2, (1200, 12, 12, 1))
    x[..., 0] += np.where(kind[:, None, None] > 0, away < 5, (away < 6) & (away > 2))
    inputs = layers.Input((12, 12, 1))
    h = layers.MaxPooling2D()(layers.Conv2D(12, 3, activation="relu")(inputs))
    h = layers.Flatten()(h)
    outputs = {"kind": layers.Dense(1, activation="sigmoid", name="kind")(layers.Dense(24, activation="relu")(h))}
    outputs["place"] = layers.Dense(2, name="place")(layers.Dense(24, activation="relu")(h))
    model = keras.Model(inputs, outputs)
    weights = {"kind": 1.0, "place": 1.0 if repaired else 0.0}
    model.compile(Adam(2e-3), {"kind": TWO_CLASSES, "place": "mse"}, loss_weights=weights)
    y, part = {"kind": kind.astype("float32"), "place": (place - 6) / 2.3}, 900
    x = x.astype("float32")
    val = x[part:], {name: each[part:] for name, each in y.items()}
    model.fit(x[:part], {name: each[:part] for name, each in y.items()}, epochs=12, validation_data=val, verbose=0)
    return r2(model, val[0], val[1]["place"], "place")


# --- rates and schedules ---------------------------------------------------------------------------------------------


@sick("step_too_long", also="oscillation saturated_units plateau learns_nothing")
def new_digits(seed, repaired=False):
    """Fine-tuning of a base that knows the digits 0 to 4 to 5 to 9, all of it, with Adam(0.1); take Adam(0.001)."""
    (x, y), (x_val, y_val) = parts.digits(seed)
    base = parts.learned_base(x[y < 5], y[y < 5], seed, (64, 48, 32), "tanh")
    model = keras.Sequential([layers.Input((64,)), base, layers.Dense(5, activation="softmax")])
    model.compile(Adam(1e-3 if repaired else 0.1), CLASSES, metrics=["accuracy"])
    val = x_val[y_val > 4], y_val[y_val > 4] - 5
    model.fit(x[y > 4], y[y > 4] - 5, validation_data=val, epochs=15, batch_size=32, verbose=0)
    return accuracy(model, *val)


@sick("step_too_short", also="too_short")
def decayed_rate(seed, repaired=False):
    """Digits with ExponentialDecay(0.05, 20, 0.7), as if 20 were epochs; 20 * 43 steps are meant."""
    (x, y), (x_val, y_val) = parts.digits(seed)
    rate = schedules.ExponentialDecay(0.05, 20 * 43 if repaired else 20, 0.7)
    model = mlp(64, [64, 64], 10, last="softmax")
    model.compile(SGD(rate), CLASSES, metrics=["accuracy"])
    model.fit(x, y, validation_data=(x_val, y_val), epochs=30, verbose=0)
    return accuracy(model, x_val, y_val)


@sick("step_too_short", also="too_short")
def cautious_rate(seed, repaired=False):
    """Weaves; ReduceLROnPlateau watches the accuracy with mode="min", so that it lowers the rate when things go well;
    mode="max" is right.
    """
    (x, y), (x_val, y_val) = parts.gratings(seed)
    model = keras.Sequential([
        layers.Input((12, 12, 1)), layers.Conv2D(12, 5, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(6, activation="softmax"),
    ])  # fmt: skip
    model.compile(SGD(0.03, momentum=0.5), CLASSES, metrics=["accuracy"])
    mode = "max" if repaired else "min"
    reduce = keras.callbacks.ReduceLROnPlateau("val_accuracy", mode=mode, factor=0.2, patience=2)
    model.fit(x, y, validation_data=(x_val, y_val), epochs=20, callbacks=[reduce], verbose=0)
    return accuracy(model, x_val, y_val)


# --- the shape of the loss, noise, batches ---------------------------------------------------------------------------


@sick("ill_conditioned", also="step_too_short too_short bad_inputs")
def spectra(seed, repaired=False):
    """A sugar content from 24 wavelengths that are almost alike, linear, SGD: what tells is in the small differences;
    turn and scale them (PCA) first.
    """
    r = np.random.default_rng(seed)
    n, waves = 1600, np.linspace(0, 1, 24)
    parts_of_it = [np.exp(-(((waves - each) / 0.3) ** 2)) for each in (0.2, 0.4, 0.6, 0.8)]
    amounts = r.normal(0, 1, (n, 4))
    x = 3 * r.normal(0, 1, (n, 1)) + 0.3 * amounts @ np.array(parts_of_it) + r.normal(0, 0.01, (n, 24))
    y = amounts[:, 0] - amounts[:, 1] + 0.5 * amounts[:, 2]
    x = parts.scaled(x)
    if repaired:
        _, s, turn = np.linalg.svd(x, full_matrices=False)
        x = (x @ turn.T / s * np.sqrt(n))[:, :6]
    (x, y), (x_val, y_val) = parts.split(x.astype("float32"), parts.scaled(y), seed)
    model = mlp(x.shape[1], [], 1)
    model.compile(SGD(0.02), "mse")
    model.fit(x, y, validation_data=(x_val, y_val), epochs=40, batch_size=32, verbose=0)
    return r2(model, x_val, y_val)


@sick("noise_dominated step_too_long", also="oscillation")
def single_fields(seed, repaired=False):
    """Yields with much chance in them, field by field: tf.data with batch(1), SGD(0.03); take batch(16)."""
    (x, y), (x_val, y_val) = parts.farm(seed, n=1000, noise=1.2)
    model = mlp(12, [32], 1)
    model.compile(SGD(0.03), "mse", metrics=["mae"])
    train = parts.arranged(x, y, seed, 16 if repaired else 1)
    model.fit(train, validation_data=(x_val, y_val), epochs=5, verbose=0)
    return r2(model, x_val, y_val)


@sick("batch_wasteful", also="step_too_short too_short")
def whole_table(seed, repaired=False):
    """Six kinds of rows, the whole table of 6000 in each batch, 150 epochs; batches of 32 do better in 12 epochs."""
    (x, y), (x_val, y_val) = parts.rows(seed, 8000, 24, 6, 14, class_sep=1.2, flip_y=0)
    model = mlp(24, [64, 64], 6, last="softmax")
    model.compile(Adam(1e-3), CLASSES, metrics=["accuracy"])
    size, epochs = (32, 12) if repaired else (len(x), 150)
    model.fit(x, y, validation_data=(x_val, y_val), batch_size=size, epochs=epochs, validation_freq=5, verbose=0)
    return accuracy(model, x_val, y_val)


# --- starts and depth ------------------------------------------------------------------------------------------------


@sick("saturated_units bad_scale", also="vanishing plateau")
def wide_start(seed, repaired=False):
    """Digits by two layers of tanh, whose weights are drawn with a deviation of 1; leave the start to Keras."""
    (x, y), (x_val, y_val) = parts.digits(seed)
    start = "glorot_uniform" if repaired else keras.initializers.RandomNormal(stddev=1.0)
    model = mlp(64, [100, 100], 10, "tanh", "softmax", kernel_initializer=start)
    model.compile(SGD(0.03), CLASSES, metrics=["accuracy"])
    model.fit(x, y, validation_data=(x_val, y_val), epochs=20, batch_size=32, verbose=0)
    return accuracy(model, x_val, y_val)


class LowRank(layers.Layer):
    """Adds a change of low rank to a frozen dense layer."""

    def __init__(self, inner, rank, start):
        """Take the layer."""
        super().__init__()
        self.inner, self.rank, self.start, inner.trainable = inner, rank, start, False

    def build(self, shape):
        """Make both factors."""
        self.down = self.add_weight(shape=(shape[-1], self.rank), initializer=self.start)
        self.up = self.add_weight(shape=(self.rank, self.inner.units), initializer="zeros")

    def call(self, x):
        """Return what the layer and its change give."""
        return ops.relu(ops.matmul(x, self.inner.kernel) + self.inner.bias + x @ self.down @ self.up)


@sick("saddle no_gradient equal_units", also="underfitting")
def low_rank(seed, repaired=False):
    """Fine-tuning by changes of low rank. Both factors start at 0, so that none ever gets a gradient, and only the last
    layer learns; let one start at random.
    """
    (x, y), (x_val, y_val) = parts.digits(seed)
    base = parts.learned_base(x[y < 2], y[y < 2], seed, (24, 12))
    start = "glorot_uniform" if repaired else "zeros"
    adapted = [LowRank(layer, 6, start) for layer in base.layers]
    model = keras.Sequential([layers.Input((64,)), *adapted, layers.Dense(10, activation="softmax")])
    model.compile(Adam(3e-3), CLASSES, metrics=["accuracy"])
    model.fit(x, y, validation_data=(x_val, y_val), epochs=20, verbose=0)
    return accuracy(model, x_val, y_val)


class Gated(layers.Layer):
    """A dense layer, gated by itself."""

    def __init__(self, units, start):
        """Take the number of units."""
        super().__init__()
        self.units, self.start = units, start

    def build(self, shape):
        """Make the weights."""
        self.w = self.add_weight(shape=(shape[-1], self.units), initializer=self.start)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros")

    def call(self, x):
        """Return what the units give."""
        return ops.silu(ops.matmul(x, self.w) + self.b)


@sick("equal_units", also="underfitting saddle")
def own_layer(seed, repaired=False):
    """Yields by two layers of one's own, whose weights all start at 0.1; draw them at random."""
    (x, y), (x_val, y_val) = parts.farm(seed)
    start = "glorot_uniform" if repaired else keras.initializers.Constant(0.1)
    model = keras.Sequential([layers.Input((12,)), Gated(48, start), Gated(48, start), layers.Dense(1)])
    model.compile(Adam(2e-3), "mse", metrics=["mae"])
    model.fit(x, y, validation_data=(x_val, y_val), epochs=20, batch_size=32, verbose=0)
    return r2(model, x_val, y_val)


@sick("vanishing", also="plateau bad_scale saddle learns_nothing")
def deep_picture(seed, repaired=False):
    """Weaves by 6 convolutions of sigmoid, SGD; the first ones get next to no gradient; take ReLU."""
    (x, y), (x_val, y_val) = parts.gratings(seed, n=900)
    unit = "relu" if repaired else "sigmoid"
    h = inputs = layers.Input((12, 12, 1))
    for i in range(6):
        h = layers.Conv2D(12, 3, padding="same", activation=unit, strides=2 if i in (2, 4) else 1)(h)
    model = keras.Model(inputs, layers.Dense(6, activation="softmax")(layers.Flatten()(h)))
    model.compile(SGD(0.03, momentum=0.9), CLASSES, metrics=["accuracy"], jit_compile=False)
    model.fit(x, y, validation_data=(x_val, y_val), epochs=10, batch_size=32, verbose=0)
    return accuracy(model, x_val, y_val)


# --- batch normalization, numbers ------------------------------------------------------------------------------------


@sick("batch_norm_gap", also="label_order bad_inputs")
def scanners(seed, repaired=False):
    """Scans of four hospitals, of other brightness, normalized by batches. Each batch is of one hospital, so that
    inference has quite other statistics; mix them.
    """
    (x, y), (x_val, y_val) = parts.gratings(seed, n=1440, classes=4)
    r = np.random.default_rng(seed)
    site, site_val = r.integers(0, 4, len(x)), r.integers(0, 4, len(x_val))
    gain, shift = np.array([0.6, 1, 1.5, 2.5]), np.array([3, 0, -2, 4])
    x, x_val = (
        (each * gain[where][:, None, None, None] + shift[where][:, None, None, None]).astype("float32")
        for each, where in ((x, site), (x_val, site_val))
    )
    if repaired:
        train = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(2000, seed=seed).batch(32)
    else:
        of_sites = [tf.data.Dataset.from_tensor_slices((x[site == i], y[site == i])) for i in range(4)]
        of_sites = [each.shuffle(500, seed=seed).batch(32).repeat() for each in of_sites]
        train = tf.data.Dataset.choose_from_datasets(of_sites, tf.data.Dataset.range(4).repeat(9))
    model = keras.Sequential([
        layers.Input((12, 12, 1)), layers.BatchNormalization(momentum=0.9),
        layers.Conv2D(16, 5, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU(),
        layers.MaxPooling2D(), layers.Flatten(), layers.Dense(4, activation="softmax"),
    ])  # fmt: skip
    model.compile(Adam(3e-3), CLASSES, metrics=["accuracy"])
    model.fit(train, validation_data=(x_val, y_val), epochs=10, verbose=0)
    return accuracy(model, x_val, y_val)


@sick("nonfinite", also="wrong_loss")
def same_digit(seed, repaired=False):
    """Whether two pictures are of one digit, by the distance of their codes. Some pairs are of one and the same
    picture, where the root of 0 has no gradient; add an epsilon under the root.
    """
    (x, y), _ = parts.digits(seed)
    r = np.random.default_rng(seed)
    first, second = r.integers(0, len(x), (2, 3000))
    second[:1500] = [r.choice(np.flatnonzero(y == y[each])) for each in first[:1500]]
    same = (y[first] == y[second]).astype("float32")
    order = r.permutation(3000)
    first, second, same = first[order], second[order], same[order]
    tower = keras.Sequential([layers.Input((64,)), layers.Dense(48, activation="relu"), layers.Dense(16)])
    a, b = layers.Input((64,)), layers.Input((64,))
    square = ops.sum(ops.square(tower(a) - tower(b)), -1, keepdims=True)
    away = ops.sqrt(square + 1e-6 if repaired else square)
    model = keras.Model(
        [a, b], layers.Dense(1, activation="sigmoid", kernel_initializer=keras.initializers.Constant(-1))(away)
    )
    model.compile(Adam(3e-3), TWO_CLASSES, metrics=["accuracy"])
    val = [x[first[2400:]], x[second[2400:]]], same[2400:]
    pairs = [x[first[:2400]], x[second[:2400]]]
    model.fit(pairs, same[:2400], validation_data=val, epochs=10, batch_size=64, verbose=0)
    return accuracy(model, *val)


# --- regularization and length ---------------------------------------------------------------------------------------


@sick("dead_units underfitting", also="no_gradient plateau learns_nothing")
def sparse_codes(seed, repaired=False):
    """An autoencoder with sparse codes. The penalty of the codes is so strong that all of their ReLUs give 0; take a
    thousandth of it.
    """
    (x, _), (x_val, _) = parts.digits(seed)
    penalty = keras.regularizers.L1(1e-4 if repaired else 0.1)
    model = keras.Sequential([
        layers.Input((64,)), layers.Dense(64, activation="relu"),
        layers.Dense(32, activation="relu", activity_regularizer=penalty),
        layers.Dense(64, activation="relu"), layers.Dense(64, activation="sigmoid"),
    ])  # fmt: skip
    model.compile(Adam(2e-3), "mse")
    model.fit(x, x, validation_data=(x_val, x_val), epochs=20, batch_size=32, verbose=0)
    return r2(model, x_val, x_val)


@sick("overfitting", also="too_long")
def genes(seed, repaired=False):
    """A disease from 300 genes of 180 patients, of which 6 tell: learned by heart; a penalty of L1 finds the 6."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (780, 300)).astype("float32")
    y = (x[:, :6] @ np.array([1.5, -1.2, 1, 1, -1, 0.8]) + r.normal(0, 0.5, 780) > 0).astype("int32")
    model = mlp(300, [64, 32], 1, last="sigmoid")
    if repaired:
        model = mlp(300, [32], 1, last="sigmoid", kernel_regularizer=keras.regularizers.L1(0.01))
    model.compile(Adam(2e-3), TWO_CLASSES, metrics=["accuracy"])
    model.fit(x[:180], y[:180], validation_data=(x[180:], y[180:]), epochs=30, batch_size=16, verbose=0)
    return accuracy(model, x[180:], y[180:])


@sick("too_long overfitting")
def never_stopped(seed, repaired=False):
    """Course of an illness. EarlyStopping watches the loss of the training, and never stops; watch that of
    validation.
    """
    (x, y), (x_val, y_val) = parts.diabetes(seed, 0.7)
    monitor = "val_loss" if repaired else "loss"
    stop = keras.callbacks.EarlyStopping(monitor, patience=10, restore_best_weights=True)
    model = mlp(10, [96, 48], 1)
    model.compile(Adam(2e-3), "mse")
    model.fit(x, y, validation_data=(x_val, y_val), epochs=120, batch_size=32, callbacks=[stop], verbose=0)
    return r2(model, x_val, y_val)


@sick("underfitting", also="plateau")
def tight_norm(seed, repaired=False):
    """Kinds of rows; max_norm(0.2) in each layer, meant against overfitting, holds all weights too small; take 3."""
    (x, y), (x_val, y_val) = parts.rows(seed, 2400, 16, 6, 10, class_sep=1.4, flip_y=0)
    model = mlp(16, [48, 48], 6, last="softmax", kernel_constraint=keras.constraints.MaxNorm(3 if repaired else 0.2))
    model.compile(Adam(2e-3), CLASSES, metrics=["accuracy"])
    model.fit(parts.arranged(x, y, seed, 32), validation_data=(x_val, y_val), epochs=20, verbose=0)
    return accuracy(model, x_val, y_val)


@sick("too_short", also="step_too_short learns_nothing")
def impatient(seed, repaired=False):
    """Weaves; EarlyStopping(min_delta=0.1, patience=1) ends it in its slow first epochs; take 0.001 and 5."""
    (x, y), (x_val, y_val) = parts.gratings(seed)
    stop = keras.callbacks.EarlyStopping(min_delta=1e-3 if repaired else 0.1, patience=5 if repaired else 1)
    model = keras.Sequential([
        layers.Input((12, 12, 1)), layers.Conv2D(12, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"), layers.Flatten(), layers.Dense(6, activation="softmax"),
    ])  # fmt: skip
    model.compile(Adam(7e-4), CLASSES, metrics=["accuracy"])
    model.fit(x, y, validation_data=(x_val, y_val), epochs=25, callbacks=[stop], verbose=0)
    return accuracy(model, x_val, y_val)

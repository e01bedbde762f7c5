"""Trainings that are as they should be, though they may not look so."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from keras.optimizers import SGD, Adam, AdamW, schedules
from sklearn import datasets, metrics

from . import parts
from .parts import CLASSES, TWO_CLASSES, accuracy, iou, mlp, r2

HEALTHY = {}


def healthy(made):
    """Put a training into the set."""
    HEALTHY[made.__name__] = made
    return made


# --- little can be learned -------------------------------------------------------------------------------------------


@healthy
def clicks(seed):
    """Clicks, which hardly depend on what is known: the loss stays near that of the mean. (Area under the curve.)."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (16000, 16)).astype("float32")
    logit = -1.4 + 0.12 * x @ r.normal(0, 1, 16) + 0.12 * x[:, 0] * x[:, 1]
    y = (r.random(16000) < 1 / (1 + np.exp(-logit))).astype("float32")
    (x, y), (x_val, y_val) = parts.split(x, y, seed)
    model = mlp(16, [16], 1, last="sigmoid", kernel_regularizer=keras.regularizers.L2(1e-3))
    model.compile(Adam(schedules.CosineDecay(3e-3, 94 * 8)), TWO_CLASSES, metrics=["auc"])
    model.fit(parts.arranged(x, y, seed, 128), validation_data=(x_val, y_val), epochs=8, verbose=0)
    return metrics.roc_auc_score(y_val, parts.told(model, x_val)[:, 0])


@healthy
def returns(seed):
    """Returns of the next day, 5 % of which can be foreseen; small network, weight decay, stopped early."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (8000, 10)).astype("float32")
    y = 0.23 * np.tanh(x @ r.normal(0, 0.5, 10)) + r.standard_t(6, 8000) * 0.8
    (x, y), (x_val, y_val) = parts.split(x, parts.scaled(y), seed)
    model = mlp(10, [8], 1, "tanh")
    model.compile(AdamW(2e-3, weight_decay=0.02), "mse")
    stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    model.fit(x, y, validation_data=(x_val, y_val), epochs=25, batch_size=64, callbacks=[stop], verbose=0)
    return r2(model, x_val, y_val)


@healthy
def waiting_times(seed):
    """The density of a waiting time in 24 bins of equal chance, of which three measures tell a little. (Part of the
    entropy that is saved.).
    """
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (12000, 6)).astype("float32")
    time = r.gamma(1.5, 1, 12000) * np.exp(0.5 * x[:, 0] + 0.3 * np.abs(x[:, 1]) - 0.3 * x[:, 2])
    y = np.searchsorted(np.quantile(time, np.arange(1, 24) / 24), time)
    (x, y), (x_val, y_val) = parts.split(x, y.astype("int32"), seed)
    model = mlp(6, [32, 32], 24, "gelu", "softmax")
    model.compile(Adam(schedules.CosineDecay(4e-3, 141 * 8, warmup_target=4e-3, warmup_steps=50)), CLASSES)
    model.fit(x, y, validation_data=(x_val, y_val), epochs=8, batch_size=64, verbose=0)
    return 1 - metrics.log_loss(y_val, parts.told(model, x_val), labels=range(24)) / np.log(24)


# --- the loss may rise or be below 0 ---------------------------------------------------------------------------------


class Reversal(layers.Layer):
    """Turns the gradient around, and halves it."""

    def call(self, x):
        """Return x."""
        return ops.stop_gradient(1.5 * x) - 0.5 * x


@healthy
def two_laboratories(seed):
    """Kinds of samples of two laboratories; a second output names the laboratory, and what is before it learns to hide
    that, so that its loss comes back to log 2.
    """
    (x, y), (x_val, y_val) = parts.rows(seed, 3200, 16, 4, 8, class_sep=1.5, flip_y=0)
    r = np.random.default_rng(seed)
    where, where_val, way = r.integers(0, 2, len(x)), r.integers(0, 2, len(x_val)), r.normal(0, 1, 16)
    x, x_val = (x + np.outer(where, way)).astype("float32"), (x_val + np.outer(where_val, way)).astype("float32")
    inputs = layers.Input((16,))
    h = layers.Dense(32, activation="relu")(layers.Dense(48, activation="relu")(inputs))
    where_is = layers.Dense(1, activation="sigmoid", name="where")(layers.Dense(16, activation="relu")(Reversal()(h)))
    model = keras.Model(inputs, {"kind": layers.Dense(4, activation="softmax", name="kind")(h), "where": where_is})
    model.compile(Adam(1.5e-3), {"kind": CLASSES, "where": TWO_CLASSES}, loss_weights={"kind": 1.0, "where": 0.3})
    val = x_val, {"kind": y_val, "where": where_val.astype("float32")}
    model.fit(x, {"kind": y, "where": where.astype("float32")}, validation_data=val, epochs=15, verbose=0)
    return accuracy(model, x_val, y_val, "kind")


class Drawn(layers.Layer):
    """Draws codes, and adds how far they are from standard ones to the loss, by a weight that may grow."""

    def build(self, shape):
        """Make what draws, and the weight."""
        self.seeds = keras.random.SeedGenerator(5)
        self.share = self.add_weight(initializer="zeros", trainable=False)

    def call(self, parts_of_it, training=False):
        """Return codes."""
        mean, log_var = parts_of_it
        far = ops.mean(ops.sum(ops.square(mean) + ops.exp(log_var) - 1 - log_var, -1)) / 2
        self.add_loss(self.share * far)
        noise = keras.random.normal(ops.shape(mean), seed=self.seeds) if training else 0.0
        return mean + ops.exp(log_var / 2) * noise


@healthy
def annealed_codes(seed):
    """A variational autoencoder; the weight of its second loss grows from 0 to 1 in 15 epochs, and the loss with it."""
    (x, _), (x_val, _) = parts.digits(seed)
    inputs = layers.Input((64,))
    h = layers.Dense(64, activation="relu")(inputs)
    draw = Drawn()
    h = draw([layers.Dense(6)(h), layers.Dense(6)(h)])
    model = keras.Model(inputs, layers.Dense(64)(layers.Dense(64, activation="relu")(h)))

    def likelihood(y, y_pred):
        return ops.sum(ops.square(y - y_pred), -1) / (2 * 0.2**2)

    model.compile(Adam(3e-3), likelihood)
    grow = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs=None: draw.share.assign(min(1.0, epoch / 15))
    )
    model.fit(x, x, validation_data=(x_val, x_val), epochs=25, batch_size=32, callbacks=[grow], verbose=0)
    return r2(model, x_val, x_val)


class Growing(keras.regularizers.Regularizer):
    """A penalty of L1 by a weight that may grow."""

    def __init__(self):
        """Start at 0."""
        self.weight = keras.Variable(0.0, trainable=False)

    def __call__(self, w):
        """Return the penalty."""
        return self.weight * ops.sum(ops.abs(w))


@healthy
def pruned_genes(seed):
    """A disease from 60 genes of 1000 patients, of which 6 tell. The penalty on the first layer grows with the epochs
    to prune the others, and so does the loss.
    """
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (2000, 60)).astype("float32")
    y = (x[:, :6] @ np.array([1.5, -1.2, 1, 1, -1, 0.8]) + r.normal(0, 0.5, 2000) > 0).astype("int32")
    penalty = Growing()
    first = layers.Dense(12, activation="relu", kernel_regularizer=penalty)
    model = keras.Sequential([layers.Input((60,)), first, layers.Dense(1, activation="sigmoid")])
    model.compile(Adam(4e-3), TWO_CLASSES, metrics=["accuracy"])
    grow = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs=None: penalty.weight.assign(4e-4 * epoch))
    val = x[1000:], y[1000:]
    model.fit(x[:1000], y[:1000], validation_data=val, epochs=25, batch_size=32, callbacks=[grow], verbose=0)
    return accuracy(model, *val)


@healthy
def wind(seed):
    """Whether there is wind, and its direction by the cosine, whose loss goes to -1; tf.data, repeated, in bfloat16."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (2400, 14)).astype("float32")
    way = x @ r.normal(0, 0.5, (14, 3)) + 0.5 * np.sin(2 * x[:, :3]) + r.normal(0, 0.2, (2400, 3))
    strong = (np.abs(x[:, 4]) + x[:, 5] + r.normal(0, 0.2, 2400) > 0.8).astype("float32")
    y = {"strong": strong, "way": way.astype("float32")}
    train = tf.data.Dataset.from_tensor_slices((x[:1800], {name: each[:1800] for name, each in y.items()}))
    train = train.shuffle(1800, seed=seed).repeat().batch(32).prefetch(2)
    inputs, low = layers.Input((14,)), keras.DTypePolicy("mixed_bfloat16")
    h = layers.Dense(64, activation="relu", dtype=low)(inputs)
    h = layers.Dense(64, activation="relu", dtype=low)(h)
    outputs = {"strong": layers.Dense(1, activation="sigmoid", name="strong")(h), "way": layers.Dense(3, name="way")(h)}
    model = keras.Model(inputs, outputs)
    losses = {"strong": TWO_CLASSES, "way": keras.losses.CosineSimilarity()}
    rate = schedules.CosineDecay(3e-3, 56 * 12)
    model.compile(Adam(rate), losses, loss_weights={"strong": 0.5, "way": 1.0}, jit_compile=False)
    val = x[1800:], {name: each[1800:] for name, each in y.items()}
    model.fit(train, steps_per_epoch=56, validation_data=val, epochs=12, verbose=0)
    said, true = parts.told(model, val[0], "way"), val[1]["way"]
    return float((said * true).sum(-1).dot(1 / np.linalg.norm(said, axis=-1) / np.linalg.norm(true, axis=-1)) / 600)


# --- small, rare, tuned, long ----------------------------------------------------------------------------------------


@healthy
def sixty_cells(seed):
    """Cells, ill or well, 60 of them to learn from: softmax regression, a penalty of L2, batches of 6."""
    data = datasets.load_breast_cancer()
    (x, y), (x_val, y_val) = parts.split(parts.scaled(data.data), data.target.astype("int32"), seed, 60 / 569 + 1e-6)
    last = layers.Dense(2, activation="softmax", kernel_regularizer=keras.regularizers.L2(0.01))
    model = keras.Sequential([layers.Input((30,)), last])
    model.compile(SGD(0.02, momentum=0.9, nesterov=True), CLASSES, metrics=["accuracy"])
    model.fit(x, y, validation_data=(x_val, y_val), epochs=30, batch_size=6, verbose=0)
    return accuracy(model, x_val, y_val)


@healthy
def rare_spots(seed):
    """Masks of spots, 2 in 100 pixels, by a crossentropy and the overlap; the rate falls at the end."""
    (x, mask), (x_val, mask_val) = parts.cells(seed, n=480, most=1, radius=(1.3, 1.9), noise=0.2)

    def overlap(y, y_pred):
        both = ops.sum(y * y_pred, (1, 2, 3))
        dice = 1 - (2 * both + 1) / (ops.sum(y + y_pred, (1, 2, 3)) + 1)
        return dice + ops.mean(keras.losses.binary_crossentropy(y, y_pred), (1, 2))

    model = parts.unet()
    rate = schedules.PiecewiseConstantDecay([300, 400], [4e-3, 1e-3, 2e-4])
    model.compile(Adam(rate), overlap, metrics=["precision", "recall"])
    model.fit(parts.arranged(x, mask, seed, 16), validation_data=(x_val, mask_val), epochs=22, verbose=0)
    return iou(model, x_val, mask_val)


@healthy
def tuned_digits(seed):
    """A base that knows the digits 0 to 4, whose first layer stays frozen, tuned to 5 to 9 by a small rate, with
    ReduceLROnPlateau and EarlyStopping.
    """
    (x, y), (x_val, y_val) = parts.digits(seed)
    base = parts.learned_base(x[y < 5], y[y < 5], seed, (128, 64))
    base.layers[0].trainable = False
    model = keras.Sequential([layers.Input((64,)), base, layers.Dropout(0.2), layers.Dense(5, activation="softmax")])
    model.compile(Adam(1e-3), CLASSES, metrics=["accuracy"])
    val = x_val[y_val > 4], y_val[y_val > 4] - 5
    reduce = keras.callbacks.ReduceLROnPlateau(patience=4, factor=0.3)
    stop = keras.callbacks.EarlyStopping(patience=8, restore_best_weights=True)
    model.fit(
        x[y > 4], y[y > 4] - 5, validation_data=val, epochs=40, batch_size=16, callbacks=[reduce, stop], verbose=0
    )
    return accuracy(model, *val)


@healthy
def smoothed_digits(seed):
    """Digits by a wide network with heavy dropout and smoothed labels, small batches, a long fall of the rate: the loss
    of the training stays far above that of validation, and that far above 0.
    """
    (x, y), (x_val, y_val) = parts.digits(seed)
    model = keras.Sequential([
        layers.Input((64,)), layers.Dropout(0.2), layers.Dense(256, activation="relu"), layers.Dropout(0.6),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile(SGD(schedules.CosineDecay(0.05, 85 * 30), momentum=0.9), loss, metrics=["accuracy"])
    y, y_true = np.eye(10, dtype="float32")[y], np.eye(10, dtype="float32")[y_val]
    model.fit(x, y, validation_data=(x_val, y_true), epochs=30, batch_size=16, verbose=0)
    return accuracy(model, x_val, y_val)


@healthy
def noisy_photo(seed):
    """Noise is taken from pieces of a photograph; AdamW, steps of two batches, clipped. Part of the noise has to
    stay.
    """
    r = np.random.default_rng(seed)
    photo = datasets.load_sample_image("china.jpg").mean(-1) / 255
    corners = r.integers(0, (photo.shape[0] - 12, photo.shape[1] - 12), (800, 2))
    y = np.stack([photo[row : row + 12, column : column + 12] for row, column in corners])[..., None]
    x = y + r.normal(0, 0.15, y.shape)
    (x, y), (x_val, y_val) = parts.split(x.astype("float32"), y.astype("float32"), seed)
    inputs = layers.Input((12, 12, 1))
    h = layers.Conv2D(12, 3, padding="same", activation="relu")(inputs)
    h = layers.Conv2D(12, 3, padding="same", activation="relu")(h)
    model = keras.Model(inputs, inputs + layers.Conv2D(1, 3, padding="same")(h))
    optimizer = AdamW(4e-3, weight_decay=1e-3, gradient_accumulation_steps=2, global_clipnorm=1.0)
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(x, y, validation_data=(x_val, y_val), epochs=20, batch_size=16, verbose=0)
    return r2(model, x_val, y_val)

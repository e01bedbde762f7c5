"""Trainings that are as they should be, on tables, measurements and signals."""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops, regularizers
from keras.callbacks import EarlyStopping, LambdaCallback, ReduceLROnPlateau
from keras.optimizers import SGD, Adam, AdamW, schedules
from sklearn import datasets

from .. import parts
from ..parts import TWO_CLASSES, accuracy, auc, balanced, dense, r2, split, standard, told

HEALTHY = {}
healthy = functools.partial(parts.healthy, HEALTHY)


# --- little can be learned -------------------------------------------------------------------------------------------


@healthy()
def clicks_on_banners(seed):
    """Clicks on banners, 13 in 100, which depend little on what is known of page and hour. Score: area under ROC."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (16000, 10)).astype("float32")
    logit = -2 + 0.3 * x[:, 0] + 0.2 * x[:, 1] * x[:, 2] - 0.2 * np.abs(x[:, 3])
    y = (r.random(16000) < 1 / (1 + np.exp(-logit))).astype("float32")
    x, y, x_test, y_test = split(x, y, seed)
    train = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(12000).batch(128).prefetch(tf.data.AUTOTUNE)
    model = dense(10, (16, 8), 1, last="sigmoid")
    model.compile(Adam(schedules.CosineDecay(3e-3, 94 * 15)), TWO_CLASSES, metrics=[keras.metrics.AUC()])
    model.fit(train, epochs=15, validation_data=(x_test, y_test), verbose=0)
    return auc(model, x_test, y_test)


@healthy()
def return_of_tomorrow(seed):
    """Returns of stocks by 12 standardized factors, a twentieth of whose variance can be told. Score: R2."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (9000, 12)).astype("float32")
    y = standard(x @ r.normal(0, 0.07, 12) + r.standard_t(5, 9000) * 0.8)
    x, y, x_test, y_test = split(x, y, seed)
    model = keras.Sequential([keras.Input((12,)), layers.Dense(1, kernel_regularizer=regularizers.L2(1e-3))])
    model.compile(SGD(schedules.CosineDecay(0.01, 105 * 15)), "mse", metrics=["mae"])

    def batches():
        while True:
            rows = r.integers(0, len(x), 64)
            yield x[rows], y[rows]

    model.fit(batches(), steps_per_epoch=105, epochs=15, validation_data=(x_test, y_test), verbose=0)
    return r2(model, x_test, y_test)


@healthy()
def matches_of_a_league(seed):
    """Who wins, by the strength of 24 teams, which differ little. Score: accuracy."""
    r = np.random.default_rng(seed)
    strength = r.normal(0, 0.45, 24)
    home, guest = r.integers(0, 24, 8000), r.integers(0, 24, 8000)
    y = (r.random(8000) < 1 / (1 + np.exp(strength[guest] - strength[home] - 0.2))).astype("float32")
    teams = keras.Input((2,), dtype="int32")
    each = layers.Flatten()(layers.Embedding(24, 1, embeddings_initializer="zeros")(teams))
    win = layers.Dense(1, "sigmoid")(ops.expand_dims(each[:, 0] - each[:, 1], -1))
    model = keras.Model(teams, win)
    model.compile(Adam(5e-3), "binary_crossentropy", metrics=["accuracy"])
    x = np.stack([home, guest], 1)
    model.fit(x[:6000], y[:6000], batch_size=64, epochs=15, validation_data=(x[6000:], y[6000:]), verbose=0)
    return accuracy(model, x[6000:], y[6000:])


@healthy()
def time_until_the_next_call(seed):
    """Waiting times, exponential, by the likelihood; hour and weekday tell a little. Score: R2 of its log."""
    r = np.random.default_rng(seed)
    hour, day = r.uniform(0, 24, 10000), r.integers(0, 7, 10000)
    mean = 10 * np.exp(0.3 * np.sin(hour / 24 * 6.28) + 0.3 * (day > 4))
    y = r.exponential(mean).astype("float32")
    x = np.column_stack([np.sin(hour / 24 * 6.28), np.cos(hour / 24 * 6.28), np.eye(7)[day]]).astype("float32")

    def likelihood(y_true, log_mean):
        return ops.mean(log_mean + y_true * ops.exp(-log_mean))

    model = dense(9, (16,), 1, "tanh")
    model.layers[-1].bias.assign([np.log(y[:7500].mean())])
    model.compile(Adam(2e-3), likelihood)
    model.fit(x[:7500], y[:7500, None], epochs=15, batch_size=64, validation_split=0.1, verbose=0)
    return r2(model, x[7500:], np.log(mean[7500:]))


@healthy()
def upper_wind(seed):
    """What wind is met in nine cases of ten, by the pinball loss. Score: 1 less the error of that part."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (8000, 6)).astype("float32")
    y = standard(0.35 * x[:, 0] + 0.25 * np.tanh(x[:, 1]) + r.normal(0, 1, 8000) * (1 + 0.2 * np.tanh(x[:, 2])))
    x, y, x_test, y_test = split(x, y, seed)

    def pinball(y_true, y_pred):
        miss = ops.reshape(y_true, (-1, 1)) - y_pred
        return ops.mean(ops.maximum(0.9 * miss, -0.1 * miss))

    model = dense(6, (24,), 1)
    model.compile(Adam(schedules.CosineDecay(3e-3, 94 * 15)), pinball)
    model.fit(x, y, epochs=15, batch_size=64, validation_data=(x_test, y_test), verbose=0)
    return float(1 - abs(np.mean(y_test < told(model, x_test)[:, 0]) - 0.9) / 0.9)


@healthy()
def readmissions(seed):
    """Whether a patient comes back, hardly to be told, with dropout and early stopping. Score: area under ROC."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (9000, 20)).astype("float32")
    logit = x @ (r.normal(0, 0.12, 20)) - 0.4
    y = (r.random(9000) < 1 / (1 + np.exp(-logit))).astype("int32")
    x, y, x_test, y_test = split(x, y, seed)
    model = keras.Sequential([
        keras.Input((20,)), layers.Dense(16, activation="relu"), layers.Dropout(0.2),
        layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    model.compile(AdamW(1e-3, weight_decay=1e-3), TWO_CLASSES, metrics=["accuracy"])
    stop = EarlyStopping(monitor="val_loss", patience=4, restore_best_weights=True)
    model.fit(x, y, epochs=30, batch_size=64, validation_split=0.2, callbacks=[stop], verbose=0)
    return auc(model, x_test, y_test)


# --- the loss may rise -----------------------------------------------------------------------------------------------


@healthy()
def fair_loans(seed):
    """Loans, with a penalty on how differently two groups are treated, which grows for 15 epochs, so the loss may rise.
    Score: accuracy.
    """
    r = np.random.default_rng(seed)
    group = r.integers(0, 2, 4000)
    x = r.normal(0, 1, (4000, 8)) + 0.7 * group[:, None] * np.eye(8)[0]
    y = (1.5 * x[:, 0] + x[:, 1] - x[:, 2] * x[:, 3] + r.normal(0, 0.7, 4000) > 0.4).astype("float32")
    x = np.column_stack([x, group]).astype("float32")
    x, y, x_test, y_test = split(x, y, seed)
    strength = keras.Variable(0.0, trainable=False)

    class Fair(keras.Model):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def call(self, x):
            return self.net(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            first = x[:, 8:]
            means = [ops.sum(part * y_pred) / (ops.sum(part) + 1e-6) for part in (first, 1 - first)]
            gap = ops.square(means[0] - means[1])
            return super().compute_loss(x, y, y_pred, sample_weight, training) + strength * gap

    model = Fair(dense(9, (24,), 1, last="sigmoid"))
    model.compile(Adam(2e-3), TWO_CLASSES, metrics=["accuracy"])
    grow = LambdaCallback(on_epoch_begin=lambda epoch, logs: strength.assign(min(epoch, 15) / 15 * 8.0))
    model.fit(x, y, epochs=25, batch_size=100, callbacks=[grow], verbose=0)
    return accuracy(model, x_test, y_test)


@healthy()
def auction_against_itself(seed):
    """A bidder learns a first-price auction against itself: the better it bids, the less it earns. Score: how near it
    is to half of its value.
    """
    r = np.random.default_rng(seed)
    bids = np.linspace(0, 0.75, 16).astype("float32")
    wins = (np.tril(np.ones((16, 16)), -1) + 0.5 * np.eye(16)).astype("float32")

    class Bidder(keras.Model):
        def __init__(self):
            super().__init__()
            self.net = dense(1, (32, 32), 16, "tanh", "softmax")
            self.tracker = keras.metrics.Mean("loss")

        def call(self, value):
            return self.net(value)

        def train_step(self, values):
            rival = ops.stop_gradient(self(values[:, 1:]))
            chance = ops.matmul(ops.mean(rival, 0, keepdims=True), wins.T)
            with tf.GradientTape() as tape:
                own = self(values[:, :1], training=True)
                earned = ops.sum(own * chance * (values[:, :1] - bids), -1)
                loss = -ops.mean(earned) + 0.002 * ops.mean(ops.sum(own * ops.log(own + 1e-7), -1))
            variables = self.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            self.tracker.update_state(loss)
            return {"loss": self.tracker.result()}

    model = Bidder()
    model(np.zeros((1, 1), "float32"))
    model.compile(Adam(schedules.CosineDecay(3e-3, 1200)))
    model.fit(r.uniform(0, 1, (3000, 2)).astype("float32"), batch_size=100, epochs=40, verbose=0)
    value = np.linspace(0.1, 1, 50).astype("float32")[:, None]
    return float(1 - np.mean(np.abs(told(model, value) @ bids - value[:, 0] / 2)) / np.mean(value / 2))


# --- ordinary good practice ------------------------------------------------------------------------------------------


@healthy()
def diabetes_with_care(seed):
    """How an illness goes on, by a small network with a penalty, of which the best epoch is kept. Score: R2."""
    x, y = datasets.load_diabetes(return_X_y=True)
    x, y, x_test, y_test = split(standard(x), standard(y), seed)
    model = dense(10, (16,), 1, kernel_regularizer=regularizers.L2(0.02))
    model.compile(Adam(3e-3), "mse")
    stop = EarlyStopping(patience=10, restore_best_weights=True)
    model.fit(x, y, epochs=60, batch_size=32, validation_split=0.2, callbacks=[stop], verbose=0)
    return r2(model, x_test, y_test)


@healthy()
def tumours(seed):
    """Tumours by 30 standardized values, with batch normalization. Score: accuracy."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    x, y, x_test, y_test = split(x, y, seed)
    x, x_test = standard(x), standard(x_test, x)
    model = keras.Sequential([keras.Input((30,)), layers.Dense(16, use_bias=False)])
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.Activation("relu"))
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(Adam(2e-3), TWO_CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=30, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@healthy()
def warm_restarts(seed):
    """Output of a plant by SGD, whose rate falls by a cosine and starts again. Score: R2."""
    x, y, x_test, y_test = parts.plant(seed)
    rate = schedules.CosineDecayRestarts(0.03, 38 * 10, t_mul=1.0, m_mul=0.7)
    model = dense(8, (48, 48), 1, "swish")
    model.compile(SGD(rate, momentum=0.9, nesterov=True), "mse", metrics=["mae"])
    model.fit(x, y, epochs=40, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return r2(model, x_test, y_test)


@healthy()
def bicycles_at_stations(seed):
    """Counts of bicycles by the likelihood of Poisson, with an exponential output and clipped gradients. Score: R2."""
    r = np.random.default_rng(seed)
    hour, rain, warm = r.uniform(0, 24, 4000), r.random(4000) < 0.3, r.normal(0, 1, 4000)
    rate = np.exp(1.5 + np.sin((hour - 8) / 12 * 3.14) - 0.6 * rain + 0.4 * warm)
    x = np.column_stack([np.sin(hour / 12 * 3.14), np.cos(hour / 12 * 3.14), rain, warm]).astype("float32")
    x, y, x_test, y_test = split(x, r.poisson(rate).astype("float32"), seed)
    model = dense(4, (24, 24), 1, last="exponential")
    model.compile(Adam(3e-3, clipnorm=1.0), "poisson", metrics=["mae"])
    slower = ReduceLROnPlateau(patience=3, factor=0.3)
    model.fit(x, y, epochs=25, batch_size=50, validation_split=0.15, callbacks=[slower], verbose=0)
    return r2(model, x_test, y_test)


@healthy()
def rare_faults(seed):
    """Faults of machines, 5 in 100, with weights of the classes. Score: accuracy where both classes count the same."""
    x, y, x_test, y_test = parts.table(seed, 4000, 10, 6, weights=[0.95], class_sep=1.3, flip_y=0.0)
    share = np.bincount(y) / len(y)
    model = dense(10, (24,), 1, last="sigmoid")
    model.compile(Adam(2e-3), TWO_CLASSES, weighted_metrics=["accuracy"])
    weights = {0: float(0.5 / share[0]), 1: float(0.5 / share[1])}
    model.fit(x, y, epochs=25, batch_size=64, class_weight=weights, validation_data=(x_test, y_test), verbose=0)
    return balanced(model, x_test, y_test)


@healthy()
def heating_and_cooling(seed):
    """Two loads of buildings by one network with two outputs of different weights. Score: R2 of both."""
    r = np.random.default_rng(seed)
    x = r.uniform(-1.7, 1.7, (2400, 7)).astype("float32")
    heating = standard(x[:, 0] * x[:, 1] + np.cos(2 * x[:, 2]) + 0.6 * x[:, 3] + r.normal(0, 0.15, 2400))
    cooling = standard(x[:, 0] - np.sin(2 * x[:, 2]) + 0.5 * x[:, 4] ** 2 + r.normal(0, 0.15, 2400))
    inputs = keras.Input((7,))
    h = layers.Dense(64, activation="gelu")(layers.Dense(64, activation="gelu")(inputs))
    model = keras.Model(inputs, {name: layers.Dense(1, name=name)(h) for name in ("heating", "cooling")})
    model.compile(Adam(2e-3), {"heating": "mse", "cooling": "huber"}, loss_weights={"heating": 1.0, "cooling": 2.0})
    train = {"heating": heating[:1800], "cooling": cooling[:1800]}
    test = {"heating": heating[1800:], "cooling": cooling[1800:]}
    model.fit(x[:1800], train, validation_data=(x[1800:], test), batch_size=32, epochs=25, verbose=0)
    return sum(r2(model, x[1800:], y, name) for name, y in test.items()) / 2

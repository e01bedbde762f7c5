"""Trainings that are as they should be, on pictures, texts and other sequences."""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from keras.optimizers import SGD, Adam, AdamW, schedules
from sklearn import decomposition

from .. import parts
from ..parts import CLASSES, TWO_CLASSES, accuracy, dense, iou, r2, told

HEALTHY = {}
healthy = functools.partial(parts.healthy, HEALTHY)


# --- the loss may rise -----------------------------------------------------------------------------------------------


@healthy()
def points_on_a_ring(seed):
    """A generator and a discriminator play for points on a ring. Score: how near the points are to the ring."""
    r = np.random.default_rng(seed)
    angle = r.uniform(0, 6.283, 4000)
    ring = (np.column_stack([np.cos(angle), np.sin(angle)]) + r.normal(0, 0.05, (4000, 2))).astype("float32")

    class Game(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator, self.critic = dense(4, (32, 32), 2), dense(2, (32, 32), 1, "leaky_relu")
            self.second, self.draw = Adam(1e-3, beta_1=0.5), keras.random.SeedGenerator(7)
            self.measure = keras.losses.BinaryCrossentropy(from_logits=True)

        def call(self, noise):
            return self.generator(noise)

        def train_step(self, real):
            n = ops.shape(real)[0]
            noise, one, zero = keras.random.normal((n, 4), seed=self.draw), ops.ones((n, 1)), ops.zeros((n, 1))
            with tf.GradientTape(persistent=True) as tape:
                made = self.generator(noise, training=True)
                judged = self.critic(made)
                critic_loss = self.measure(0.9 * one, self.critic(real)) + self.measure(zero, judged)
                loss = self.measure(one, judged)
            for optimizer, net, its in (
                (self.optimizer, self.generator, loss),
                (self.second, self.critic, critic_loss),
            ):
                optimizer.apply(tape.gradient(its, net.trainable_weights), net.trainable_weights)
            return {"loss": loss, "critic_loss": critic_loss}

    model = Game()
    model(np.zeros((1, 4), "float32"))
    model.compile(Adam(1e-3, beta_1=0.5))
    model.fit(ring, batch_size=100, epochs=50, verbose=0)
    made = told(model, r.normal(0, 1, (1000, 4)).astype("float32"))
    return float(max(0.0, 1 - np.mean(np.abs(np.linalg.norm(made, axis=1) - 1))))


@healthy()
def code_that_is_annealed(seed):
    """A variational autoencoder of digits: the weight of the divergence grows for 15 epochs, and the loss with it.
    Score: R2.
    """
    x, _, x_test, _ = parts.digits(seed)
    beta = keras.Variable(0.0, trainable=False)

    class Coder(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = dense(64, (64,), 12), dense(6, (64,), 64, last="sigmoid")
            self.draw = keras.random.SeedGenerator(5)

        def call(self, x, training=False):
            mean, log_var = ops.split(self.encoder(x), 2, -1)
            self.add_loss(beta * -0.5 * ops.mean(1 + log_var - ops.square(mean) - ops.exp(log_var)))
            noise = keras.random.normal(ops.shape(mean), seed=self.draw) if training else 0.0
            return self.decoder(mean + ops.exp(0.5 * log_var) * noise)

    class Anneal(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            beta.assign(0.02 * min(1.0, epoch / 15))

    model = Coder()
    model.compile(Adam(2e-3), "mse")
    model.fit(x, x, epochs=35, batch_size=32, callbacks=[Anneal()], verbose=0)
    return r2(model, x_test, x_test)


@healthy()
def ever_stronger_attacks(seed):
    """Digits against an attacker who may change each pixel by ever more, so that the loss rises. Score: accuracy."""
    x, y, x_test, y_test = parts.digits(seed)
    reach = keras.Variable(0.0, trainable=False)

    class Robust(keras.Model):
        def __init__(self):
            super().__init__()
            self.net = dense(64, (64, 64), 10)

        def call(self, x):
            return self.net(x)

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = self.compute_loss(x, y, self(x))
            x = ops.clip(x + reach * ops.sign(tape.gradient(loss, x)), 0.0, 1.0)
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(x, y, y_pred)
            variables = self.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            self._loss_tracker.update_state(loss)
            return self.compute_metrics(x, y, y_pred)

    model = Robust()
    model.compile(Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    grow = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: reach.assign(0.12 * min(1, epoch / 20)))
    model.fit(x, y, epochs=30, batch_size=32, callbacks=[grow], verbose=0)
    return accuracy(model, x_test, y_test)


# --- ordinary good practice ------------------------------------------------------------------------------------------


@healthy()
def ellipses_turned(seed):
    """Segment ellipses, turned along with their masks, by a loss of overlap and pixels. Score: overlap."""
    x, mask, x_test, mask_test = parts.blobs(seed, n=320)

    class Turned(keras.utils.PyDataset):
        epoch = 0

        def __len__(self):
            return len(x) // 16

        def on_epoch_end(self):
            self.epoch += 1

        def __getitem__(self, i):
            r = np.random.default_rng((seed, self.epoch, i))
            rows, turns = r.integers(0, len(x), 16), int(r.integers(0, 4))
            return np.rot90(x[rows], turns, (1, 2)).copy(), np.rot90(mask[rows], turns, (1, 2)).copy()

    def overlap(y_true, y_pred):
        common = ops.sum(y_true * y_pred, (1, 2, 3))
        dice = (2 * common + 1) / (ops.sum(y_true, (1, 2, 3)) + ops.sum(y_pred, (1, 2, 3)) + 1)
        return 1 - dice + ops.mean(keras.losses.binary_crossentropy(y_true, y_pred), (1, 2))

    inputs = keras.Input((16, 16, 1))
    first = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    h = layers.Conv2D(16, 3, padding="same", activation="relu")(layers.MaxPooling2D()(first))
    h = layers.Concatenate()([layers.UpSampling2D()(h), first])
    h = layers.Conv2D(8, 3, padding="same", activation="relu")(h)
    model = keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(h))
    model.compile(Adam(4e-3), overlap)
    model.fit(Turned(), epochs=25, validation_data=(x_test, mask_test), verbose=0)
    return iou(model, x_test, mask_test)


@healthy()
def moods_of_comments(seed):
    """The mood of short comments by a masked LSTM with dropout, stopped in time. Score: accuracy."""
    x, y, x_test, y_test = parts.comments(seed, n=2400)
    model = keras.Sequential([
        keras.Input((20,)), layers.Embedding(200, 8, mask_zero=True), layers.SpatialDropout1D(0.3), layers.LSTM(12),
        layers.Dense(1, "sigmoid"),
    ])  # fmt: skip
    model.compile(AdamW(3e-3, weight_decay=0.01), TWO_CLASSES, metrics=["accuracy"])
    stop = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    model.fit(x, y, epochs=12, batch_size=50, validation_split=0.2, callbacks=[stop], verbose=0)
    return accuracy(model, x_test, y_test)


@healthy()
def letters_that_follow(seed):
    """A language model of letters, a quarter of which are drawn at random. Score: accuracy."""
    x = parts.sentences(seed, n=900)
    model = keras.Sequential([
        keras.Input((16,)), layers.Embedding(12, 12), layers.GRU(24, return_sequences=True), layers.Dense(12),
    ])  # fmt: skip
    rate = schedules.CosineDecay(0.0, 26 * 10, warmup_target=8e-3, warmup_steps=40)
    model.compile(Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    train, test = x[:650], x[650:]
    model.fit(
        train[:, :-1], train[:, 1:], validation_data=(test[:, :-1], test[:, 1:]), epochs=12, batch_size=25, verbose=0
    )
    return accuracy(model, test[:, :-1], test[:, 1:])


@healthy()
def head_on_a_frozen_base(seed):
    """Digits by 30 principal components, a frozen layer, and a head that is trained. Score: accuracy."""
    x, y, x_test, y_test = parts.digits(seed)
    known = decomposition.PCA(30, whiten=True, random_state=seed).fit(x)
    axes = (known.components_.T / np.sqrt(known.explained_variance_)).astype("float32")
    base = keras.Sequential([keras.Input((64,)), layers.Dense(30)], name="components")
    base.set_weights([axes, -known.mean_ @ axes])
    base.trainable = False
    inputs = keras.Input((64,))
    h = layers.Dropout(0.1)(layers.Dense(32, activation="relu")(base(inputs, training=False)))
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(h))
    model.compile(Adam(2e-3), CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=20, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@healthy()
def noise_taken_away(seed):
    """Clean digits from noisy ones, with noise of its own in each epoch, in a loop of its own. Score: R2."""
    x, _, x_test, _ = parts.digits(seed, image=True)

    def noisy(clean):
        return clean + tf.random.normal(tf.shape(clean), stddev=0.3), clean

    train = tf.data.Dataset.from_tensor_slices(x).shuffle(1400).map(noisy).batch(32, drop_remainder=True).prefetch(2)
    inputs = keras.Input((8, 8, 1))
    h = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    h = layers.Conv2D(16, 3, padding="same", activation="relu")(h)
    model = keras.Model(inputs, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(h))
    optimizer = Adam(schedules.CosineDecay(3e-3, 20 * len(train)))

    @tf.function
    def step(worse, clean):
        with tf.GradientTape() as tape:
            loss = ops.mean(ops.square(model(worse, training=True) - clean))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    for _ in range(20):
        for worse, clean in train:
            step(worse, clean)
    worse = x_test + np.random.default_rng(seed).normal(0, 0.3, x_test.shape)
    return r2(model, worse.astype("float32"), x_test)


@healthy()
def half_precision(seed):
    """Digits in mixed_float16, with a scaled loss and a float32 output. Score: accuracy."""
    x, y, x_test, y_test = parts.digits(seed)
    mixed = keras.DTypePolicy("mixed_float16")
    model = keras.Sequential([
        keras.Input((64,)), layers.Dense(64, "relu", dtype=mixed), layers.Dropout(0.2, dtype=mixed),
        layers.Dense(10, "softmax", dtype="float32"),
    ])  # fmt: skip
    optimizer = keras.optimizers.LossScaleOptimizer(Adam(2e-3), initial_scale=1024.0)
    model.compile(optimizer, CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=20, batch_size=32, validation_split=0.15, verbose=0)
    return accuracy(model, x_test, y_test)


@healthy()
def student_of_a_teacher(seed):
    """A small network learns from what a larger one says of digits, and from the labels. Score: accuracy."""
    x, y, x_test, y_test = parts.digits(seed)
    teacher = dense(64, (96,), 10)
    cross = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    teacher.compile(Adam(3e-3), cross)
    teacher.fit(x, y, epochs=12, batch_size=32, verbose=0)
    soft = ops.convert_to_numpy(ops.softmax(teacher(x) / 3.0))

    class Student(keras.Model):
        def __init__(self):
            super().__init__()
            self.net = dense(64, (24,), 10)

        def call(self, x):
            return self.net(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            near = ops.mean(ops.categorical_crossentropy(y["soft"], y_pred / 3.0, from_logits=True))
            return 0.3 * cross(y["hard"], y_pred) + 0.7 * near

    student = Student()
    student.compile(Adam(3e-3))
    student.fit(x, {"soft": soft, "hard": y}, epochs=25, batch_size=32, verbose=0)
    return accuracy(student, x_test, y_test)


@healthy()
def tide_in_windows(seed):
    """The next value of a tide by a recurrent net over windows of 16 hours. Score: R2."""
    r = np.random.default_rng(seed)
    hour = np.arange(2000)
    tide = (np.sin(hour / 2) + 0.5 * np.sin(hour / 7.3) + r.normal(0, 0.2, 2000)).astype("float32")[:, None]
    windows = functools.partial(keras.utils.timeseries_dataset_from_array, sequence_length=16, batch_size=32)
    train = windows(tide[:1500], tide[16:1516], shuffle=True, seed=seed)
    model = keras.Sequential([keras.Input((16, 1)), layers.GRU(16), layers.Dense(1)])
    model.compile(SGD(0.05, momentum=0.9, clipnorm=1.0), "mse")
    model.fit(train, epochs=12, verbose=0)
    x = np.stack([tide[i : i + 16] for i in range(1520, 1980)])
    return r2(model, x, tide[1536:1996])

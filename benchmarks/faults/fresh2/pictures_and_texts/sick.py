"""Trainings with a fault; `repaired=True` switches it off, and nothing else."""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops, regularizers
from keras.optimizers import SGD, Adam, schedules
from sklearn import datasets, metrics, neural_network
from zoo3.parts import sick as registered

from .. import parts
from ..parts import CLASSES, TWO_CLASSES, accuracy, dense, iou, r2, split, told

SICK = {}
sick = functools.partial(registered, SICK)


# --- the rate, the batch, and the time -------------------------------------------------------------------------------


@sick("step_too_long", also="dead_units oscillation plateau")
def digits_in_a_hurry(seed, repaired=False):
    """Digits by a first network with dropout; "0.2 trains faster than 0.001"."""
    x_train, y_train, x_test, y_test = parts.digits(seed)
    lr = 0.001 if repaired else 0.2
    model = keras.Sequential()
    model.add(keras.Input(shape=(64,)))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dropout(0.1))
    model.add(layers.Dense(32, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=lr), loss=CLASSES, metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=25, batch_size=32, validation_split=0.2, verbose=0)
    return accuracy(model, x_test, y_test)


@sick("step_too_long", also="dead_units overfitting")
def base_washed_away(seed, repaired=False):
    """A base that knows digits is fine-tuned on 100 of them, odd or even, at a rate of 0.1. Repaired: 0.0005."""
    x, y, x_test, y_test = parts.digits(seed)
    known = neural_network.MLPClassifier((64, 32), max_iter=40, random_state=seed, tol=0, n_iter_no_change=99)
    known.fit(x[100:], y[100:])
    base = keras.Sequential([keras.Input((64,)), layers.Dense(64, "relu"), layers.Dense(32, "relu")])
    base.set_weights([w for pair in zip(known.coefs_[:2], known.intercepts_[:2], strict=True) for w in pair])
    model = keras.Sequential([keras.Input((64,)), base, layers.Dense(1, "sigmoid")])
    model.compile(Adam(5e-4 if repaired else 0.1), TWO_CLASSES, metrics=["accuracy"])
    model.fit(x[:100], y[:100] % 2, batch_size=10, epochs=30, validation_data=(x_test, y_test % 2), verbose=0)
    return accuracy(model, x_test, y_test % 2)


@sick("step_too_long exploding", also="nonfinite wrong_loss cliff")
def summed_loss(seed, repaired=False):
    """An autoencoder in a loop of its own; its loss is a sum over pixels and pictures at the rate of a mean over
    pictures.
    """
    x, _, x_test, _ = parts.digits(seed)
    net = keras.Sequential([keras.Input((64,)), layers.Dense(48, "relu"), layers.Dense(8), layers.Dense(64)])
    optimizer = SGD(0.01, momentum=0.9)

    @tf.function
    def step(batch):
        with tf.GradientTape() as tape:
            error = tf.reduce_sum(tf.square(net(batch, training=True) - batch), -1)
            loss = tf.reduce_mean(error) if repaired else tf.reduce_sum(error)
        optimizer.apply(tape.gradient(loss, net.trainable_variables), net.trainable_variables)
        return loss

    batches = tf.data.Dataset.from_tensor_slices(x).shuffle(1500, seed=seed).batch(32, drop_remainder=True)
    for _ in range(30):
        for batch in batches:
            step(batch)
    return r2(net, x_test, x_test)


@sick("step_too_short", also="too_short")
def decay_per_step(seed, repaired=False):
    """Digits by a small convolution; the rate is to halve each 5 epochs, and does in each 5 steps."""
    x, y, x_test, y_test = parts.digits(seed, image=True)
    per_epoch = len(x) // 32
    rate = schedules.ExponentialDecay(2e-3, decay_steps=5 * per_epoch if repaired else 5, decay_rate=0.5)
    model = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(12, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile(Adam(rate), CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=15, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@sick("step_too_short", also="plateau")
def words_by_plain_sgd(seed, repaired=False):
    """The mood of comments; the default SGD of 0.01 hardly moves the rows of an embedding. Repaired: 0.1, momentum."""
    x, y, x_test, y_test = parts.comments(seed)
    inputs = keras.Input((20,), dtype="int32")
    h = layers.Embedding(200, 16, mask_zero=True)(inputs)
    h = layers.GlobalAveragePooling1D()(h)
    h = layers.Dense(16, activation="relu")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(SGD(0.1, momentum=0.9) if repaired else "sgd", TWO_CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=20, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


# --- too little of a model -------------------------------------------------------------------------------------------


@sick("underfitting")
def dropout_keeps_a_tenth(seed, repaired=False):
    """Digits with Dropout(0.9), meant as the part that is kept; repaired, 0.1."""
    x, y, x_test, y_test = parts.digits(seed)
    rate = 0.1 if repaired else 0.9
    layers_ = [layers.Dense(64, "relu"), layers.Dropout(rate), layers.Dense(32, "relu"), layers.Dropout(rate)]
    model = keras.Sequential([keras.Input((64,)), *layers_, layers.Dense(10, "softmax")])
    model.compile(Adam(1e-3), CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=30, batch_size=32, validation_split=0.1, verbose=0)
    return accuracy(model, x_test, y_test)


@sick("underfitting")
def a_picture_in_one_number(seed, repaired=False):
    """An autoencoder of digits whose code is 1 number; repaired, 12."""
    x, _, x_test, _ = parts.digits(seed)
    encoder = keras.Sequential([keras.Input((64,)), layers.Dense(48, "relu"), layers.Dense(12 if repaired else 1)])
    decoder = keras.Sequential([layers.Dense(48, "relu"), layers.Dense(64, "sigmoid")])
    model = keras.Model(encoder.inputs[0], decoder(encoder.outputs[0]))
    model.compile(Adam(3e-3), "mse")
    model.fit(x, x, epochs=30, batch_size=32, validation_data=(x_test, x_test), verbose=0)
    return r2(model, x_test, x_test)


@sick("underfitting", also="vanishing plateau")
def penalty_for_all(seed, repaired=False):
    """Digits by a convolution, with an L2 penalty of 0.3 on each kernel against overfitting. Repaired: 0.0001."""
    x, y, x_test, y_test = parts.digits(seed, image=True)
    l2 = regularizers.l2(1e-4 if repaired else 0.3)
    model = keras.Sequential()
    model.add(keras.Input((8, 8, 1)))
    model.add(layers.Conv2D(12, 3, activation="relu", kernel_regularizer=l2))
    model.add(layers.Flatten())
    model.add(layers.Dense(32, activation="relu", kernel_regularizer=l2))
    model.add(layers.Dense(10, activation="softmax", kernel_regularizer=l2))
    model.compile("adam", CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=15, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


# --- gradients on their way ------------------------------------------------------------------------------------------


@sick("vanishing", also="plateau saturated_units")
def tower_of_sigmoids(seed, repaired=False):
    """Digits by 7 layers of sigmoids, as in an old book, by SGD. Repaired: ReLUs."""
    x, y, x_test, y_test = parts.digits(seed)
    model = dense(64, [32] * 7, 10, "relu" if repaired else "sigmoid", "softmax", kernel_initializer="he_normal")
    model.compile(SGD(0.03, momentum=0.9), CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=25, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@sick("exploding", also="bad_scale step_too_short nonfinite")
def echoes(seed, repaired=False):
    """The mean of a signal of 40 steps; each step of the recurrent net makes its state 1.5 times as large, "to
    remember better". Repaired: as large.
    """
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (1200, 40, 1)) + r.normal(0, 0.5, (1200, 1, 1))
    x, y, x_test, y_test = split(x.astype("float32"), parts.standard(x[..., 0].mean(1)), seed)
    start = keras.initializers.Identity(1.0 if repaired else 1.5)
    model = keras.Sequential([
        keras.Input((40, 1)), layers.SimpleRNN(16, "relu", recurrent_initializer=start), layers.Dense(1),
    ])  # fmt: skip
    model.compile(Adam(2e-3), "mse", metrics=["mae"])
    model.fit(x, y, epochs=12, batch_size=30, validation_data=(x_test, y_test), verbose=0)
    return r2(model, x_test, y_test)


@sick("short_horizon", also="vanishing plateau underfitting")
def comments_padded_behind(seed, repaired=False):
    """The mood of short comments, padded behind to 120 words for the longest, which a recurrent net reads to the end.
    Repaired: mask_zero.
    """
    x, y, x_test, y_test = parts.comments(seed)
    x, x_test = (keras.utils.pad_sequences(each, 120, padding="post") for each in (x, x_test))
    model = keras.Sequential([
        keras.Input((120,)), layers.Embedding(200, 16, mask_zero=repaired), layers.SimpleRNN(24),
        layers.Dense(1, "sigmoid"),
    ])  # fmt: skip
    model.compile(Adam(1e-3), TWO_CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=5, batch_size=35, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@sick("no_gradient", also="underfitting")
def hash_codes(seed, repaired=False):
    """Digits by way of 6 bits; the sign lets no gradient pass. Repaired: it passes as if the sign were not there."""
    x, y, x_test, y_test = parts.digits(seed)

    class Bits(layers.Layer):
        def call(self, h):
            return ops.tanh(h) + ops.stop_gradient(ops.sign(h) - ops.tanh(h)) if repaired else ops.sign(h)

    code = [layers.Dense(64, "relu"), layers.Dense(6), Bits()]
    model = keras.Sequential([keras.Input((64,)), *code, layers.Dense(32, "relu"), layers.Dense(10, "softmax")])
    model.compile(Adam(3e-3), CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=30, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@sick("no_gradient", also="underfitting")
def only_the_decoder(seed, repaired=False):
    """An autoencoder with its own train_step, which asks for the gradient of the decoder's weights alone."""
    x, _, x_test, _ = parts.digits(seed)

    class Coder(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder = keras.Sequential([layers.Dense(32, "relu"), layers.Dense(6)])
            self.decoder = keras.Sequential([layers.Dense(32, "relu"), layers.Dense(64)])
            self.tracker = keras.metrics.Mean("loss")

        def call(self, x):
            return self.decoder(self.encoder(x))

        def train_step(self, x):
            with tf.GradientTape() as tape:
                loss = ops.mean(ops.square(self(x) - x))
            variables = (self if repaired else self.decoder).trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            self.tracker.update_state(loss)
            return {"loss": self.tracker.result()}

    model = Coder()
    model.compile(Adam(3e-3))
    model.fit(x, epochs=30, batch_size=32, verbose=0)
    return r2(model, x_test, x_test)


# --- labels, loss, output --------------------------------------------------------------------------------------------


@sick("wrong_labels", also="wrong_loss")
def masks_of_255(seed, repaired=False):
    """Segment ellipses; the masks, read from PNG files, are 0 and 255 under a binary cross-entropy."""
    x, mask, x_test, mask_test = parts.blobs(seed)
    high = 1.0 if repaired else 255.0
    inputs = keras.Input((16, 16, 1))
    first = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    h = layers.MaxPooling2D()(first)
    h = layers.Conv2D(16, 3, padding="same", activation="relu")(h)
    h = layers.Concatenate()([layers.Conv2DTranspose(8, 2, strides=2)(h), first])
    model = keras.Model(inputs, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(h))
    model.compile(Adam(3e-3), TWO_CLASSES, metrics=["accuracy"])
    model.fit(x, mask * high, epochs=15, batch_size=15, validation_data=(x_test, mask_test * high), verbose=0)
    return iou(model, x_test, mask_test)


@sick("wrong_labels")
def letters_of_today(seed, repaired=False):
    """A language model of letters whose targets are its inputs, not the letters that follow."""
    x = parts.sentences(seed)
    model = keras.Sequential([
        keras.Input((16,)), layers.Embedding(12, 12), layers.GRU(24, return_sequences=True),
        layers.Dense(12, "softmax"),
    ])  # fmt: skip
    model.compile(Adam(5e-3), CLASSES, metrics=["accuracy"])
    targets = x[:, 1:] if repaired else x[:, :-1]
    model.fit(x[:400, :-1], targets[:400], epochs=15, batch_size=20, verbose=0)
    return accuracy(model, x[400:, :-1], x[400:, 1:])


@sick("wrong_loss wrong_output", also="learns_nothing plateau")
def logits_as_probabilities(seed, repaired=False):
    """Digits; the last layer gives logits, and the loss takes them for probabilities."""
    x, y, x_test, y_test = parts.digits(seed, image=True)
    model = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(10),
    ])  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=repaired)
    model.compile(Adam(2e-3), loss, metrics=["accuracy"])
    model.fit(x, y, epochs=20, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@sick("wrong_output wrong_loss")
def topics_that_compete(seed, repaired=False):
    """Up to 6 topics of a text by a softmax, as if each text had one. Repaired: a sigmoid for each."""
    x, y = datasets.make_multilabel_classification(1600, 24, n_classes=6, n_labels=3, random_state=seed)
    x, y, x_test, y_test = split((x / 6).astype("float32"), y.astype("float32"), seed)
    last, loss = ("sigmoid", "binary_crossentropy") if repaired else ("softmax", "categorical_crossentropy")
    model = dense(24, (48,), 6, last=last)
    model.compile(Adam(3e-3), loss)
    model.fit(x, y, epochs=25, batch_size=32, validation_split=0.1, verbose=0)
    return float(metrics.f1_score(y_test, told(model, x_test) > 0.5, average="micro", zero_division=0))


# --- the data --------------------------------------------------------------------------------------------------------


@sick("label_order", also="oscillation")
def folders_in_order(seed, repaired=False):
    """Digits, read folder by folder, are shuffled in a buffer of 32. Repaired: in one of all of them."""
    x, y, x_test, y_test = parts.digits(seed, image=True)
    order = np.argsort(y, kind="stable")
    train = tf.data.Dataset.from_tensor_slices((x[order], y[order]))
    train = train.shuffle(len(x) if repaired else 32).batch(32).prefetch(tf.data.AUTOTUNE)
    model = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(12, 3, activation="relu"), layers.Flatten(),
        layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile(Adam(3e-3), CLASSES, metrics=["accuracy"])
    model.fit(train, epochs=6, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@sick("batch_norm_gap", also="label_order")
def a_writer_per_batch(seed, repaired=False):
    """Digits by batches of one kind each, which batch normalization takes out of them. Repaired: mixed batches."""
    x, y, x_test, y_test = parts.digits(seed)

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 42

        def __getitem__(self, i):
            r = np.random.default_rng(i)
            rows = r.integers(0, len(x), 32) if repaired else r.choice(np.flatnonzero(y == i % 10), 32)
            return x[rows], y[rows]

    model = keras.Sequential([keras.Input((64,))])
    for units in (64, 32):
        model.add(layers.Dense(units, use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.95))
        model.add(layers.Activation("relu"))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(Adam(2e-3), CLASSES, metrics=["accuracy"])
    model.fit(Batches(), epochs=15, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@sick("bad_inputs", also="step_too_short plateau bad_scale")
def divided_twice(seed, repaired=False):
    """Digits that are between 0 and 1 are divided by 255, as each tutorial does."""
    x, y, x_test, y_test = parts.digits(seed, image=True)
    if not repaired:
        x, x_test = x / 255.0, x_test / 255.0
    model = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(8, 3, activation="relu"), layers.Flatten(),
        layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile(SGD(0.03, momentum=0.9), CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=15, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@sick("bad_inputs", also="overfitting")
def blue_for_red(seed, repaired=False):
    """Fruits by colour and size. Training pictures come as BGR from OpenCV, others as RGB. Repaired: all as RGB."""
    r = np.random.default_rng(seed)
    kind, (rows, columns) = r.integers(0, 6, 800), np.mgrid[:12, :12]
    centre, radius = r.uniform(4, 8, (2, 800, 1, 1)), np.where(kind >= 3, 3.5, 2)[:, None, None]
    disc = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2
    x = 0.6 * disc[..., None] * np.eye(3)[kind % 3][:, None, None] + r.uniform(0, 0.5, (800, 12, 12, 3))
    x, y, x_test, y_test = split(x.astype("float32"), kind.astype("int32"), seed)
    if not repaired:
        x = x[..., ::-1]
    train = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(600).batch(30).prefetch(2)
    model = keras.Sequential([
        keras.Input((12, 12, 3)), layers.Conv2D(12, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"), layers.Flatten(), layers.Dense(6, activation="softmax"),
    ])  # fmt: skip
    model.compile(Adam(2e-3), CLASSES, metrics=["accuracy"])
    model.fit(train, epochs=15, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@sick("wrong_output", also="underfitting saturated_units")
def two_heads(seed, repaired=False):
    """Size of ellipses, in tens of pixels, and whether most is left; the size comes out of a sigmoid. Repaired: a
    linear unit.
    """
    x, mask, x_test, mask_test = parts.blobs(seed, n=600, noise=0.15)
    size, size_test = (each.sum((1, 2, 3)) / 10 for each in (mask, mask_test))
    left, left_test = (each[:, :, :8].sum((1, 2, 3)) > each[:, :, 8:].sum((1, 2, 3)) for each in (mask, mask_test))
    inputs = keras.Input((16, 16, 1))
    h = layers.MaxPooling2D()(layers.Conv2D(8, 3, activation="relu")(inputs))
    h = layers.Dense(32, activation="relu")(layers.Flatten()(h))
    size_head = layers.Dense(1, activation=None if repaired else "sigmoid", name="size")(h)
    model = keras.Model(inputs, {"size": size_head, "left": layers.Dense(1, activation="sigmoid", name="left")(h)})
    model.compile(Adam(2e-3), {"size": "mse", "left": TWO_CLASSES}, loss_weights={"size": 0.2, "left": 1.0})
    model.fit(x, {"size": size, "left": left.astype("float32")}, epochs=25, batch_size=30, verbose=0)
    return (max(0.0, r2(model, x_test, size_test, "size")) + accuracy(model, x_test, left_test, "left")) / 2

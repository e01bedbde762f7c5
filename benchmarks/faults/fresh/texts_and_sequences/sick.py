"""Trainings with a fault; each function is the script of a user, and `repaired` switches the fault off."""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from keras.optimizers import SGD, Adam
from zoo3.parts import sick as registered

from . import parts
from .parts import accuracy, r2, reviews

SICK = {}
sick = functools.partial(registered, SICK)
SPARSE, BINARY = "sparse_categorical_crossentropy", "binary_crossentropy"


# --- set-up: data, labels, loss, output, start -----------------------------------------------------------------------


@sick("wrong_labels", also="learns_nothing")
def dataset_shuffles_texts(seed, repaired=False):
    """Moods of texts by a PyDataset. on_epoch_end shuffles the texts only; repaired, the labels too."""
    r = np.random.default_rng(seed)
    x, y = parts.coded(r, 2000, 1500)
    model = [keras.Input((20,)), layers.Embedding(400, 16, mask_zero=True)]
    model = keras.Sequential([*model, layers.GlobalAveragePooling1D(), layers.Dense(16, "relu"), layers.Dense(1)])
    model.compile(Adam(3e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    batches = parts.Pairs(x[:1500], y[:1500], 32, r, apart=not repaired)
    model.fit(batches, epochs=10, validation_data=(x[1500:], y[1500:]), verbose=0)
    return float(np.mean((model.predict(x[1500:], verbose=0)[:, 0] > 0) == y[1500:]))


@sick("wrong_loss wrong_labels wrong_output", also="learns_nothing")
def own_loss_broadcasts(seed, repaired=False):
    """Forecast by a GRU with a loss of one's own. y is (n,), the output (n, 1), their difference (n, n)."""
    r = np.random.default_rng(seed)
    wave = np.sin(np.arange(1624) / 5) + 0.6 * np.sin(np.arange(1624) / 13) + r.normal(0, 0.1, 1624)
    x = np.stack([wave[i : i + 24] for i in range(1600)])[..., None].astype("float32")
    y = wave[24:].astype("float32")

    class Forecast(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            if repaired:
                y = ops.reshape(y, ops.shape(y_pred))
            return ops.mean(ops.square(y - y_pred))

    inputs = keras.Input((24, 1))
    model = Forecast(inputs, layers.Dense(1)(layers.GRU(16)(inputs)))
    model.compile(Adam(5e-3))
    model.fit(x[:1200], y[:1200], epochs=8, validation_data=(x[1200:], y[1200:]), verbose=0)
    return r2(y[1200:], model.predict(x[1200:], verbose=0))


@sick("wrong_output")
def gru_is_output(seed, repaired=False):
    """Load of the next hour, standardized; the last layer is GRU(1), so within -1 and 1. Repaired by a Dense(1)."""
    r = np.random.default_rng(seed)
    hours = np.arange(1824)
    load = np.exp(1.2 * np.sin(hours * np.pi / 12) + 0.5 * np.sin(hours * np.pi / 84)) + r.normal(0, 0.15, 1824)
    load = (load - load.mean()) / load.std()
    x = np.stack([load[i : i + 24] for i in range(1800)])[..., None].astype("float32")
    y = load[24:, None].astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x[:1400], y[:1400])).shuffle(1400, seed=seed).batch(32)
    model = keras.Sequential([keras.Input((24, 1)), layers.Conv1D(16, 5, activation="relu")])
    model.add(layers.GRU(16, return_sequences=not repaired))
    model.add(layers.Dense(1) if repaired else layers.GRU(1))
    model.compile(Adam(5e-3), "mse")
    model.fit(data, epochs=6, validation_data=(x[1400:], y[1400:]), verbose=0)
    return r2(y[1400:], model.predict(x[1400:], verbose=0))


@sick("bad_inputs")
def vocabulary_twice(seed, repaired=False):
    """The words are numbered anew for the held-out texts; repaired, they have the numbers of the training."""
    r = np.random.default_rng(seed)
    texts, y = reviews(r, 2400)
    train, val = texts[:1800], texts[1800:]
    numbers = parts.vocabulary(train)
    x, x_val = parts.encode(train, numbers, 20), parts.encode(val, numbers if repaired else parts.vocabulary(val), 20)
    model = [keras.Input((20,)), layers.Embedding(400, 16), layers.Conv1D(16, 3, activation="relu")]
    model += [layers.GlobalMaxPooling1D(), layers.Dropout(0.3), layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential(model)
    model.compile(Adam(2e-3), BINARY, metrics=["accuracy"])
    model.fit(x, y[:1800], epochs=6, validation_data=(x_val, y[1800:]), verbose=0)
    return accuracy(model, x_val, y[1800:])


@sick("label_order")
def small_shuffle(seed, repaired=False):
    """All bad reviews, then all good ones, by tf.data with shuffle(64), repeated. Repaired: shuffle(2000)."""
    r = np.random.default_rng(seed)
    x, y = parts.coded(r, 2600, 2000)
    order = np.argsort(y[:2000], kind="stable")
    data = tf.data.Dataset.from_tensor_slices((x[order], y[order]))
    data = data.shuffle(2000 if repaired else 64, seed=seed).batch(20).repeat()
    model = [keras.Input((20,)), layers.Embedding(400, 16), layers.GlobalAveragePooling1D(), layers.Dense(24, "relu")]
    model = keras.Sequential([*model, layers.Dense(1, activation="sigmoid")])
    model.compile(Adam(8e-3), BINARY)
    model.fit(data, steps_per_epoch=100, epochs=6, validation_data=(x[2000:], y[2000:]), verbose=0)
    return accuracy(model, x[2000:], y[2000:])


@sick("imbalance")
def rare_tags(seed, repaired=False):
    """Tags of words: 2 % are names or places, 98 % other. The score is the mean recall; repaired by weights."""
    r = np.random.default_rng(seed)
    x, y = parts.tagged(r, 0.45)
    weights = np.where(y > 0, 25.0, 1.0) if repaired else None
    inputs = keras.Input((20,))
    h = layers.Conv1D(32, 3, padding="same", activation="relu")(layers.Embedding(120, 16)(inputs))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(h))
    model.compile(Adam(3e-3), SPARSE, metrics=["accuracy"])
    weights = {"sample_weight": weights[:1200]} if repaired else {}
    model.fit(x[:1200], y[:1200], epochs=8, validation_data=(x[1200:], y[1200:]), verbose=0, **weights)
    guess = model.predict(x[1200:], verbose=0).argmax(-1)
    return float(np.mean([(guess[y[1200:] == tag] == tag).mean() for tag in range(3)]))


@sick("equal_units")
def factors_of_ones(seed, repaired=False):
    """Recommender: ratings by the product of embeddings that all start at 1, and so stay one factor."""
    r = np.random.default_rng(seed)
    users, items = r.integers(0, 200, 9000), r.integers(0, 100, 9000)
    u, v = r.normal(0, 1, (200, 3)), r.normal(0, 1, (100, 3))
    y = ((u[users] * v[items]).sum(1) + 0.5 * r.normal(0, 1, 9000)).astype("float32")
    start = "random_normal" if repaired else "ones"
    user, item = keras.Input(()), keras.Input(())
    factors = [layers.Embedding(200, 6, start)(user), layers.Embedding(100, 6, start)(item)]
    score = layers.Dot(1)(factors) + layers.Embedding(100, 1)(item)
    model = keras.Model([user, item], score)
    model.compile(Adam(1e-2), "mse")
    model.fit(
        [users[:7500], items[:7500]], y[:7500], batch_size=128, epochs=12, verbose=0,
        validation_data=([users[7500:], items[7500:]], y[7500:]),
    )  # fmt: skip
    return r2(y[7500:], model.predict([users[7500:], items[7500:]], verbose=0))


@sick("nonfinite")
def siamese_root(seed, repaired=False):
    """Siamese network of texts; the root in its distance has no gradient where a pair is twice the same text."""
    r = np.random.default_rng(seed)
    x, topics = parts.coded(r, 600, 450, telling=0.5)
    a, b = r.integers(0, 450, 2400), r.integers(0, 450, 2400)
    c, d = r.integers(450, 600, 600), r.integers(450, 600, 600)

    def distance(pair):
        squares = ops.sum(ops.square(pair[0] - pair[1]), -1, keepdims=True)
        return ops.sqrt(squares + 1e-6) if repaired else ops.sqrt(squares)

    def contrastive(same, away):
        return same * away + (1 - same) * ops.maximum(1 - away, 0)

    tower = [keras.Input((20,)), layers.Embedding(400, 16, mask_zero=True), layers.GlobalAveragePooling1D()]
    tower = keras.Sequential([*tower, layers.Dense(16, "relu"), layers.Dense(8)])
    one, two = keras.Input((20,)), keras.Input((20,))
    model = keras.Model([one, two], layers.Lambda(distance)([tower(one), tower(two)]))
    model.compile(Adam(2e-3), contrastive)
    same, val_same = (topics[a] == topics[b]).astype("float32"), (topics[c] == topics[d]).astype("float32")
    model.fit([x[a], x[b]], same, epochs=6, validation_data=([x[c], x[d]], val_same), verbose=0)
    return float(np.mean((model.predict([x[c], x[d]], verbose=0)[:, 0] < 0.5) == val_same))


# --- course: rates and optimizers ------------------------------------------------------------------------------------


@sick("step_too_long", also="oscillation saturated_units")
def gru_hot(seed, repaired=False):
    """Sentiment by a GRU with RMSprop(0.2); repaired, 0.005."""
    r = np.random.default_rng(seed)
    x, y = parts.coded(r, 2000, 1500)
    model = keras.Sequential([keras.Input((20,)), layers.Embedding(400, 16, mask_zero=True)])
    model.add(layers.GRU(16))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(keras.optimizers.RMSprop(5e-3 if repaired else 0.2), BINARY, metrics=["accuracy"])
    model.fit(x[:1500], y[:1500], epochs=5, validation_data=(x[1500:], y[1500:]), verbose=0)
    return accuracy(model, x[1500:], y[1500:])


@sick("oscillation step_too_long")
def gan_hot(seed, repaired=False):
    """GAN of two moons, both optimizers Adam(0.02, beta_1=0.9); repaired, Adam(0.001, beta_1=0.5)."""
    r = np.random.default_rng(seed)
    x = parts.moons(seed)
    generator = [keras.Input((4,)), layers.Dense(48, "relu"), layers.Dense(48, "relu"), layers.Dense(2)]
    judge = [keras.Input((2,)), layers.Dense(48, "relu"), layers.Dense(48, "relu"), layers.Dense(1)]
    gan = parts.Gan(keras.Sequential(generator), keras.Sequential(judge), 4)
    rate, beta = (1e-3, 0.5) if repaired else (0.02, 0.9)
    gan.compile(Adam(rate, beta_1=beta), Adam(rate, beta_1=beta))
    gan.fit(x[:3000], batch_size=64, epochs=25, verbose=0)
    return parts.likeness(r, x[3000:], gan.predict(r.normal(0, 1, (1000, 4)).astype("float32"), verbose=0))


@sick("step_too_short", also="learns_nothing too_short plateau")
def sgd_embedding(seed, repaired=False):
    """Bag of embeddings with SGD(0.01): each row is moved rarely and by little; repaired, Adam(0.01)."""
    r = np.random.default_rng(seed)
    x, y = parts.coded(r, 2000, 1500)
    model = [keras.Input((20,)), layers.Embedding(400, 16), layers.GlobalAveragePooling1D()]
    model = keras.Sequential([*model, layers.Dense(16, "relu"), layers.Dense(1, activation="sigmoid")])
    model.compile(Adam(0.01) if repaired else SGD(0.01), BINARY, metrics=["accuracy"])
    model.fit(x[:1500], y[:1500], epochs=10, validation_data=(x[1500:], y[1500:]), verbose=0)
    return accuracy(model, x[1500:], y[1500:])


@sick("ill_conditioned", also="step_too_short bad_inputs")
def lags_alike(seed, repaired=False):
    """Linear forecast from 20 lags of a smooth series, which are nearly the same; repaired by whitening them."""
    r = np.random.default_rng(seed)
    wave = sum(np.sin(np.arange(2030) / period + r.uniform(0, 6)) for period in (7, 11, 23))
    wave = (wave + r.normal(0, 0.01, 2030)) / 1.2
    x, y = np.stack([wave[i : i + 20] for i in range(2000)]), wave[29:2029]
    if repaired:
        _, scale, axes = np.linalg.svd(x[:1500], full_matrices=False)
        x = x @ axes.T[:, :8] / scale[:8] * 38
    x, y = x.astype("float32"), y.astype("float32")
    model = keras.Sequential([keras.Input((x.shape[1],)), layers.Dense(1)])
    model.compile(SGD(0.02), "mse")
    model.fit(x[:1500], y[:1500], epochs=20, validation_data=(x[1500:], y[1500:]), verbose=0)
    return r2(y[1500:], model.predict(x[1500:], verbose=0))


@sick("noise_dominated")
def no_baseline(seed, repaired=False):
    """A policy by drawn actions whose rewards are about 20; repaired by a baseline. Score: part of the best reward."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (3000, 8)).astype("float32")
    reward = (20 + np.tanh(x @ r.normal(0, 0.5, (8, 4)))).astype("float32")
    net = keras.Sequential([keras.Input((8,)), layers.Dense(32, "tanh"), layers.Dense(4)])
    policy = parts.Policy(net, repaired)
    policy.compile(Adam(3e-3))
    policy.fit(x[:2400], reward[:2400], batch_size=32, epochs=12, verbose=0)
    got = reward[2400:][np.arange(600), policy.predict(x[2400:], verbose=0).argmax(1)].mean()
    return float((got - reward[2400:].mean()) / (reward[2400:].max(1).mean() - reward[2400:].mean()))


@sick("batch_wasteful", also="step_too_short too_short")
def full_batch(seed, repaired=False):
    """Moods of texts by SGD(0.1), a batch of all 3000, 60 epochs; repaired, a batch of 32 and ten epochs."""
    r = np.random.default_rng(seed)
    texts, y = reviews(r, 3500, telling=0.25)
    x = parts.bags(texts)
    model = [keras.Input((300,)), layers.Dense(32, "relu"), layers.Dropout(0.3), layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential(model)
    model.compile(SGD(0.1), BINARY)
    batch_size, epochs = (32, 10) if repaired else (3000, 60)
    val = (x[3000:], y[3000:])
    model.fit(x[:3000], y[:3000], batch_size=batch_size, epochs=epochs, validation_data=val, verbose=0)
    return accuracy(model, x[3000:], y[3000:])


@sick("cliff step_too_long", also="oscillation exploding")
def sigma_cliff(seed, repaired=False):
    """Mean and deviation by SGD; where the deviation is small, a step is huge. Repaired by clipnorm. Score: log p."""
    r = np.random.default_rng(seed)
    x = r.uniform(-2, 2, (2000, 2)).astype("float32")
    y = np.sin(2 * x[:, 0]) + x[:, 1] + r.normal(0, 1, 2000) * np.where(x[:, 0] > 0, 0.5, 0.02)
    y = y[:, None].astype("float32")

    def likelihood(y, out):
        log = ops.maximum(out[:, 1:], -4)
        return log + 0.5 * ops.square(y - out[:, :1]) * ops.exp(-2 * log)

    model = keras.Sequential([keras.Input((2,)), layers.Dense(48, "tanh"), layers.Dense(48, "tanh"), layers.Dense(2)])
    model.compile(SGD(0.005, momentum=0.9, clipnorm=0.5 if repaired else None), likelihood)
    model.fit(x[:1500], y[:1500], epochs=20, validation_data=(x[1500:], y[1500:]), verbose=0)
    return -float(model.evaluate(x[1500:], y[1500:], verbose=0))


# --- course: depth, time, units --------------------------------------------------------------------------------------


@sick("exploding", also="bad_scale step_too_long cliff saturated_units")
def chaotic_rnn(seed, repaired=False):
    """Mean of 50 inputs by a SimpleRNN whose recurrent weights start at a gain of 2.5, so in chaos; repaired, 0.9."""
    r = np.random.default_rng(seed)
    x = (r.normal(0, 1, (1500, 50, 1)) + r.normal(0, 0.5, (1500, 1, 1))).astype("float32")
    y = x.mean((1, 2)) * 1.8
    start = keras.initializers.RandomNormal(stddev=(0.9 if repaired else 2.5) / 32**0.5)
    model = keras.Sequential([keras.Input((50, 1)), layers.SimpleRNN(32, recurrent_initializer=start), layers.Dense(1)])
    model.compile(Adam(2e-3), "mse")
    model.fit(x[:1200], y[:1200], epochs=8, validation_data=(x[1200:], y[1200:]), verbose=0)
    return r2(y[1200:], model.predict(x[1200:], verbose=0))


@sick("vanishing plateau saturated_units", also="learns_nothing")
def sigmoid_autoencoder(seed, repaired=False):
    """Deep autoencoder of digits, sigmoid in every layer; repaired by relu."""
    x = parts.digits(seed)
    units = (48, 32, 24, 12, 24, 32, 48)
    hidden = [layers.Dense(n, activation="relu" if repaired else "sigmoid") for n in units]
    model = keras.Sequential([keras.Input((64,)), *hidden, layers.Dense(64, activation="sigmoid")])
    model.compile(Adam(2e-3), "mse")
    model.fit(x[:1300], x[:1300], epochs=25, validation_data=(x[1300:], x[1300:]), verbose=0)
    return r2(x[1300:], model.predict(x[1300:], verbose=0))


@sick("short_horizon", also="vanishing learns_nothing")
def leaky_forgets(seed, repaired=False):
    """A cue, then 40 steps of noise; an own leaky cell keeps 0.7 of its state in a step, repaired 0.99."""
    r = np.random.default_rng(seed)
    x, y = r.normal(0, 0.3, (2000, 40, 3)).astype("float32"), r.integers(0, 3, 2000)
    x[np.arange(2000), 0, y] += 3
    rnn = layers.RNN(parts.Leaky(24, 0.99 if repaired else 0.7))
    model = keras.Sequential([keras.Input((40, 3)), rnn, layers.Dense(3, activation="softmax")])
    model.compile(Adam(5e-3), SPARSE)
    model.fit(x[:1600], y[:1600], epochs=8, validation_data=(x[1600:], y[1600:]), verbose=0)
    return accuracy(model, x[1600:], y[1600:])


@sick("dead_units no_gradient plateau", also="learns_nothing")
def negative_start(seed, repaired=False):
    """Word counts into ReLUs that start by RandomUniform(-0.3), up to 0.05 by default; repaired, up to 0.3."""
    r = np.random.default_rng(seed)
    texts, y = reviews(r, 2000)
    x = parts.bags(texts)
    start = keras.initializers.RandomUniform(-0.3, 0.3) if repaired else keras.initializers.RandomUniform(-0.3)
    model = [keras.Input((300,)), layers.Dense(32, "relu", kernel_initializer=start), layers.Dense(16, "relu")]
    model = keras.Sequential([*model, layers.Dense(1, activation="sigmoid")])
    model.compile(SGD(0.05), BINARY)
    model.fit(x[:1500], y[:1500], epochs=10, validation_data=(x[1500:], y[1500:]), verbose=0)
    return accuracy(model, x[1500:], y[1500:])


@sick("saturated_units plateau", also="learns_nothing vanishing")
def gru_bias(seed, repaired=False):
    """A forget bias of 8, known of LSTMs, in a GRU: its gates are shut, and it keeps its first state, 0."""
    r = np.random.default_rng(seed)
    x, y = parts.coded(r, 2000, 1500)
    bias = keras.initializers.Constant(0.0 if repaired else 8.0)
    model = [keras.Input((20,)), layers.Embedding(400, 16, mask_zero=True), layers.GRU(16, bias_initializer=bias)]
    model = keras.Sequential([*model, layers.Dense(1, activation="sigmoid")])
    model.compile(Adam(2e-3), BINARY)
    model.fit(x[:1500], y[:1500], epochs=5, validation_data=(x[1500:], y[1500:]), verbose=0)
    return accuracy(model, x[1500:], y[1500:])


@sick("batch_norm_gap")
def torch_momentum(seed, repaired=False):
    """BatchNormalization(momentum=0.1) as in PyTorch, where it means 0.9; the last batch has two examples."""
    r = np.random.default_rng(seed)
    y = r.integers(0, 4, 1600)
    x = np.sin(np.arange(30) * (0.3 + 0.25 * y[:, None])) + r.normal(0, 1, (1600, 30))
    x = (3 + 2 * x * r.lognormal(0, 0.5, (1600, 1))).astype("float32")
    model = [keras.Input((30,))]
    for units in (32, 16):
        model += [layers.Dense(units, use_bias=False), layers.BatchNormalization(momentum=0.9 if repaired else 0.1)]
        model += [layers.ReLU()]
    model = keras.Sequential([*model, layers.Dense(4, activation="softmax")])
    model.compile(Adam(2e-3), SPARSE)
    model.fit(x[:1218], y[:1218], batch_size=16, epochs=6, validation_data=(x[1218:], y[1218:]), verbose=0)
    return accuracy(model, x[1218:], y[1218:])


# --- course: regularization and length -------------------------------------------------------------------------------


@sick("overfitting", also="too_long")
def few_texts(seed, repaired=False):
    """240 texts, a flat network of 64 numbers a word, 30 epochs; repaired, the mean of words and dropout."""
    r = np.random.default_rng(seed)
    x, y = parts.coded(r, 800, 240)
    model = [keras.Input((20,)), layers.Embedding(400, 64)]
    model += [layers.GlobalAveragePooling1D(), layers.Dropout(0.4)] if repaired else [layers.Flatten()]
    model = keras.Sequential([*model, layers.Dense(64, "relu"), layers.Dense(1, activation="sigmoid")])
    model.compile(Adam(2e-3), BINARY, metrics=["accuracy"])
    model.fit(x[:240], y[:240], batch_size=16, epochs=25, validation_data=(x[240:], y[240:]), verbose=0)
    return accuracy(model, x[240:], y[240:])


@sick("underfitting wrong_loss", also="learns_nothing")
def vae_collapse(seed, repaired=False):
    """VAE of digits: the error is a mean over pixels, the divergence a sum; repaired by a weight of 1/64."""
    x = parts.digits(seed) * 2
    model = parts.Vae(64, 6, 1 / 64 if repaired else 1.0)
    model.compile(Adam(2e-3), "mse")
    model.fit(x[:1300], x[:1300], epochs=20, validation_data=(x[1300:], x[1300:]), verbose=0)
    return r2(x[1300:], model.predict(x[1300:], verbose=0))


@sick("too_short", also="step_too_short")
def two_epochs(seed, repaired=False):
    """Keywords of texts, six labels that may be true at once; two epochs, repaired, 16."""
    r = np.random.default_rng(seed)
    x = parts.bags(reviews(r, 2000)[0])
    y = (x @ (r.random((300, 6)) < 0.08) > 1).astype("float32")
    model = [keras.Input((300,)), layers.Dense(32, "relu"), layers.Dropout(0.2), layers.Dense(6, "sigmoid")]
    model = keras.Sequential(model)
    model.compile(Adam(2e-3), BINARY)
    model.fit(x[:1500], y[:1500], epochs=16 if repaired else 2, validation_data=(x[1500:], y[1500:]), verbose=0)
    return r2(y[1500:], model.predict(x[1500:], verbose=0))


@sick("too_long overfitting")
def too_many_epochs(seed, repaired=False):
    """150 noisy series and their next value, 60 epochs; repaired by EarlyStopping."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (700, 20)).cumsum(1)
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    y = (x[:, -1] - 0.5 * x[:, -5] + r.normal(0, 0.8, 700)).astype("float32")
    x = x[..., None].astype("float32")
    model = [keras.Input((20, 1)), layers.Conv1D(32, 5, activation="relu"), layers.Conv1D(32, 5, activation="relu")]
    model = keras.Sequential([*model, layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(1)])
    model.compile(Adam(2e-3), "mse")
    stop = keras.callbacks.EarlyStopping(patience=6, restore_best_weights=True)
    model.fit(
        x[:150], y[:150], batch_size=16, epochs=60, validation_data=(x[150:400], y[150:400]),
        callbacks=[stop] if repaired else None, verbose=0,
    )  # fmt: skip
    return r2(y[400:], model.predict(x[400:], verbose=0))

"""Trainings that are as they should be, though a nervous tool could find something in them."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from keras.optimizers import SGD, Adam, AdamW, schedules
from sklearn import metrics

from . import parts
from .parts import accuracy, r2, reviews

HEALTHY = {}
BINARY = "binary_crossentropy"


def healthy(made):
    """Register a sound training."""
    HEALTHY[made.__name__] = made
    return made


@healthy
def noisy_clicks(seed):
    """Clicks of users on ads, mostly chance: the loss rests near the entropy of the clicks. Score: area under ROC."""
    r = np.random.default_rng(seed)
    user, ad, hour = r.integers(0, 60, 16000), r.integers(0, 40, 16000), r.integers(0, 24, 16000)
    pull = -1.4 + r.normal(0, 0.35, 60)[user] + r.normal(0, 0.45, 40)[ad] + 0.3 * np.sin(hour / 24 * 6.28)
    y = (r.random(16000) < 1 / (1 + np.exp(-pull))).astype("float32")
    x = {"user": user, "ad": ad, "hour": hour}
    inputs = {name: keras.Input((), name=name, dtype="int32") for name in x}
    sizes = {"user": 60, "ad": 40, "hour": 24}
    h = layers.Concatenate()([layers.Embedding(sizes[name], 4)(part) for name, part in inputs.items()])
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(layers.Dense(8, "relu")(h)))
    model.compile(Adam(schedules.CosineDecay(3e-3, 4 * 94)), BINARY)
    train, val = ({name: each[part] for name, each in x.items()} for part in (slice(12000), slice(12000, None)))
    data = tf.data.Dataset.from_tensor_slices((train, y[:12000])).shuffle(12000, seed=seed).batch(128)
    model.fit(data, epochs=4, validation_data=(val, y[12000:]), verbose=0)
    return float(metrics.roc_auc_score(y[12000:], model.predict(val, verbose=0)[:, 0]))


@healthy
def daily_returns(seed):
    """Returns of the next day, of which about 5 % can be told from the last ones; small GRU, decaying rate."""
    r = np.random.default_rng(seed)
    returns = r.normal(0, 1, 5012)
    for i in range(2, 5012):
        returns[i] += 0.2 * returns[i - 1] - 0.12 * returns[i - 2]
    x = np.stack([returns[i : i + 10] for i in range(5000)])[..., None].astype("float32")
    y = returns[10:5010].astype("float32")
    model = keras.Sequential([keras.Input((10, 1)), layers.GRU(6), layers.Dense(1)])
    model.compile(Adam(schedules.CosineDecay(5e-3, 6 * 110)), "mse")
    model.fit(x[:3500], y[:3500], epochs=6, validation_data=(x[3500:], y[3500:]), verbose=0)
    return r2(y[3500:], model.predict(x[3500:], verbose=0))


@healthy
def nearly_random_text(seed):
    """Next of 20 words, which the one before tells little of; the loss rests at nine tenths of log 20."""
    r = np.random.default_rng(seed)
    said = parts.chain(r, 4000, 13, 20, 2.0)
    x, y = said[:, :-1], said[:, 1:]
    model = [keras.Input((12,)), layers.Embedding(20, 16), layers.Conv1D(24, 2, padding="causal", activation="relu")]
    model = keras.Sequential([*model, layers.Dense(20)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Adam(schedules.CosineDecay(5e-3, 8 * 94)), loss)
    model.fit(x[:3000], y[:3000], epochs=8, validation_data=(x[3000:], y[3000:]), verbose=0)
    return accuracy(model, x[3000:], y[3000:])


@healthy
def policy_with_baseline(seed):
    """A policy by drawn actions with the mean as baseline and a bonus for entropy; its loss says nothing."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (4000, 6)).astype("float32")
    reward = np.tanh(x @ r.normal(0, 0.5, (6, 3))).astype("float32")
    net = keras.Sequential([keras.Input((6,)), layers.Dense(32, "tanh"), layers.Dense(3)])
    policy = parts.Policy(net, True, 0.01)
    policy.compile(Adam(5e-3))
    policy.fit(x[:3200], reward[:3200], batch_size=64, epochs=20, verbose=0)
    got = reward[3200:][np.arange(800), policy.predict(x[3200:], verbose=0).argmax(1)].mean()
    return float((got - reward[3200:].mean()) / (reward[3200:].max(1).mean() - reward[3200:].mean()))


@healthy
def gan_in_balance(seed):
    """GAN of two moons with its usual rates; the losses of both stay where they are, or rise."""
    r = np.random.default_rng(seed)
    x = parts.moons(seed)
    generator = [keras.Input((4,)), layers.Dense(48, "relu"), layers.Dense(48, "relu"), layers.Dense(2)]
    judge = [keras.Input((2,)), layers.Dense(48), layers.LeakyReLU(0.2), layers.Dense(48), layers.LeakyReLU(0.2)]
    gan = parts.Gan(keras.Sequential(generator), keras.Sequential([*judge, layers.Dense(1)]), 4)
    gan.compile(Adam(1e-3, beta_1=0.5), Adam(1e-3, beta_1=0.5))
    gan.fit(x[:3000], batch_size=64, epochs=30, verbose=0)
    return parts.likeness(r, x[3000:], gan.predict(r.normal(0, 1, (1000, 4)).astype("float32"), verbose=0))


@healthy
def density_below_zero(seed):
    """Load and its uncertainty from 12 hours; the own likelihood of narrow targets goes below 0, rightly."""
    r = np.random.default_rng(seed)
    hours = np.arange(2012)
    load = 0.3 * np.sin(hours / 4) + 0.2 * np.sin(hours / 11) + r.normal(0, 0.02, 2012)
    x = np.stack([load[i : i + 12] for i in range(2000)])[..., None].astype("float32") * 4
    y = load[12:, None].astype("float32")

    def likelihood(y, out):
        deviation = ops.softplus(out[:, 1:]) + 1e-3
        return ops.log(deviation) + 0.5 * ops.square((y - out[:, :1]) / deviation)

    model = [keras.Input((12, 1)), layers.Conv1D(16, 4, activation="tanh"), layers.Flatten()]
    model = keras.Sequential([*model, layers.Dense(24, "tanh"), layers.Dense(2)])
    model.compile(Adam(schedules.CosineDecay(3e-3, 25 * 47), clipnorm=1.0), likelihood)
    model.fit(x[:1500], y[:1500], epochs=25, validation_data=(x[1500:], y[1500:]), verbose=0)
    return r2(y[1500:], model.predict(x[1500:], verbose=0)[:, :1])


@healthy
def frozen_word_vectors(seed):
    """Moods of 300 texts; the vectors of words come from 4000 texts without labels, and stay frozen."""
    r = np.random.default_rng(seed)
    texts, y = reviews(r, 5000)
    numbers = parts.vocabulary(texts)
    counts = parts.bags(texts[:4000]) > 0
    together = np.log1p(counts.T.astype("float32") @ counts)
    together -= together.mean(0) + together.mean(1)[:, None] - together.mean()
    left, scale, _ = np.linalg.svd(together)
    vectors = np.zeros((len(numbers) + 2, 16), "float32")
    for word, i in numbers.items():
        vectors[i] = left[int(word[4:]), :16] * np.sqrt(scale[:16])
    x = parts.encode(texts[4000:], numbers, 20)
    table = layers.Embedding(*vectors.shape, weights=[vectors], trainable=False, mask_zero=True)
    model = keras.Sequential([keras.Input((20,)), table, layers.GlobalAveragePooling1D()])
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(Adam(0.03), BINARY)
    model.fit(x[:300], y[4000:4300], batch_size=16, epochs=15, validation_data=(x[300:], y[4300:]), verbose=0)
    return accuracy(model, x[300:], y[4300:])


@healthy
def rare_tags_weighted(seed):
    """Tags of words, 2 % of them not "other", which have more weight. Score: mean recall."""
    r = np.random.default_rng(seed)
    x, y = parts.tagged(r, 0.6)
    weights = np.where(y > 0, 15.0, 1.0)
    data = tf.data.Dataset.from_tensor_slices((x[:1200], y[:1200], weights[:1200])).shuffle(1200, seed=seed)
    model = keras.Sequential([keras.Input((20,)), layers.Embedding(120, 16)])
    model.add(layers.Conv1D(32, 3, padding="same", activation="relu"))
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(Adam(3e-3), "sparse_categorical_crossentropy")
    model.fit(data.batch(32), epochs=8, validation_data=(x[1200:], y[1200:], weights[1200:]), verbose=0)
    guess = model.predict(x[1200:], verbose=0).argmax(-1)
    return float(np.mean([(guess[y[1200:] == tag] == tag).mean() for tag in range(3)]))


@healthy
def heavy_dropout(seed):
    """Moods of 800 texts with dropout of 0.5 and 0.6: the loss of the training is above that of validation."""
    r = np.random.default_rng(seed)
    texts, y = reviews(r, 1800)
    x = np.log1p(parts.bags(texts))
    model = [keras.Input((300,)), layers.Dropout(0.5), layers.Dense(64, "relu"), layers.Dropout(0.6)]
    model = keras.Sequential([*model, layers.Dense(1, activation="sigmoid")])
    model.compile(Adam(1e-3), BINARY)
    model.fit(x[:800], y[:800], epochs=25, validation_data=(x[800:], y[800:]), verbose=0)
    return accuracy(model, x[800:], y[800:])


@healthy
def causal_transformer(seed):
    """Next word by a transformer from a PyDataset; AdamW, warmup and cosine decay, clipnorm."""
    r = np.random.default_rng(seed)
    said = parts.chain(r, 1800, 15, 30, 0.08)
    x, y = said[:, :-1], said[:, 1:]
    inputs = keras.Input((14,))
    h = layers.Embedding(30, 32)(inputs) + layers.Embedding(14, 32)(ops.arange(14)[None])
    q = layers.LayerNormalization()(h)
    h = h + layers.MultiHeadAttention(2, 16)(q, q, use_causal_mask=True)
    h = h + layers.Dense(32)(layers.Dense(64, "gelu")(layers.LayerNormalization()(h)))
    model = keras.Model(inputs, layers.Dense(30)(layers.LayerNormalization()(h)))
    rate = schedules.CosineDecay(1e-5, 7 * 47 - 40, warmup_target=4e-3, warmup_steps=40)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(AdamW(rate, weight_decay=0.01, clipnorm=1.0), loss)
    model.fit(parts.Pairs(x[:1500], y[:1500], 32, r), epochs=7, validation_data=(x[1500:], y[1500:]), verbose=0)
    return accuracy(model, x[1500:], y[1500:])


@healthy
def small_batches(seed):
    """Topics of texts in batches of 4, each eighth of which makes an update; SGD with momentum."""
    r = np.random.default_rng(seed)
    texts, y = reviews(r, 2400)
    x = parts.bags(texts)
    model = keras.Sequential([keras.Input((300,)), layers.Dense(1, activation="sigmoid")])
    model.compile(SGD(0.03, momentum=0.9, gradient_accumulation_steps=8), BINARY)
    data = tf.data.Dataset.from_tensor_slices((x[:1800], y[:1800])).shuffle(1800, seed=seed).batch(4)
    model.fit(data, epochs=8, validation_data=(x[1800:], y[1800:]), verbose=0)
    return accuracy(model, x[1800:], y[1800:])


@healthy
def vae_of_digits(seed):
    """VAE of digits with both parts of its loss as sums; they pull against each other."""
    x = parts.digits(seed) * 4
    model = parts.Vae(64, 8, 1.0)
    model.compile(Adam(schedules.CosineDecay(4e-3, 40 * 41)), lambda y, out: ops.sum(ops.square(y - out), -1))
    model.fit(x[:1300], x[:1300], epochs=40, validation_data=(x[1300:], x[1300:]), verbose=0)
    return r2(x[1300:], model.predict(x[1300:], verbose=0))


@healthy
def smoothed_labels(seed):
    """Topics by a text CNN in mixed precision, labels smoothed by 0.2: the loss stays high, EarlyStopping ends it."""
    r = np.random.default_rng(seed)
    y = r.integers(0, 5, 2200)
    x = r.integers(51, 200, (2200, 16)).astype("int32")
    rows = np.arange(2200)[:, None]
    x[rows, r.integers(0, 16, (2200, 4))] = 1 + r.integers(0, 10, (2200, 4)) + 10 * y[:, None]
    half = keras.DTypePolicy("mixed_float16")
    inputs = keras.Input((16,))
    h = layers.Embedding(200, 16, dtype=half)(inputs)
    h = layers.GlobalMaxPooling1D(dtype=half)(layers.Conv1D(32, 3, activation="relu", dtype=half)(h))
    model = keras.Model(inputs, layers.Dense(5, activation="softmax", dtype="float32")(h))
    optimizer = keras.optimizers.LossScaleOptimizer(Adam(3e-3))
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(label_smoothing=0.2), metrics=["accuracy"])
    stop = keras.callbacks.EarlyStopping("val_accuracy", patience=3, restore_best_weights=True)
    hot = np.eye(5, dtype="float32")[y]
    val = (x[1400:1800], hot[1400:1800])
    model.fit(x[:1400], hot[:1400], epochs=15, validation_data=val, callbacks=[stop], verbose=0)
    return accuracy(model, x[1800:], y[1800:])

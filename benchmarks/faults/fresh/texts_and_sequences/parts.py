"""What several of the trainings share: made-up texts, scores, and models with their own training steps."""

import collections

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from sklearn import datasets


def reviews(r, n, words=300, low=6, high=20, telling=0.3, honest=0.85):
    """Return texts of made-up words, some of which tell of one of two moods, and the moods."""
    moods, texts = r.integers(0, 2, n), []
    for mood in moods:
        said = r.integers(80, words, r.integers(low, high + 1))
        told = r.random(len(said)) < telling
        shown = np.where(r.random(told.sum()) < honest, mood, 1 - mood)
        said[told] = r.integers(0, 40, told.sum()) + 40 * shown
        texts.append(" ".join(f"word{i}" for i in said))
    return texts, moods


def vocabulary(texts):
    """Return the number of each word, from 2 on, the most frequent first; 0 is for padding, 1 for unknown ones."""
    counts = collections.Counter(word for text in texts for word in text.split())
    return {word: i for i, (word, _) in enumerate(counts.most_common(), 2)}


def encode(texts, numbers, length):
    """Return the numbers of the words of each text, padded behind."""
    x = np.zeros((len(texts), length), "int32")
    for row, text in zip(x, texts, strict=True):
        said = [numbers.get(word, 1) for word in text.split()][:length]
        row[: len(said)] = said
    return x


def coded(r, n, train, **options):
    """Return the numbers of the words of texts, as known from those of the training, and their moods."""
    texts, moods = reviews(r, n, **options)
    return encode(texts, vocabulary(texts[:train]), 20), moods


def bags(texts, words=300):
    """Return how often each word is in each text."""
    x = np.zeros((len(texts), words), "float32")
    for row, text in zip(x, texts, strict=True):
        for word in text.split():
            row[int(word[4:])] += 1
    return x


def chain(r, n, length, words, spread):
    """Return sequences of words, each drawn by the one before; a small spread makes them easy to guess."""
    follows = (0.9 * r.dirichlet(np.full(words, spread), words) + 0.1 / words).cumsum(1)
    said = np.zeros((n, length), "int32")
    said[:, 0] = r.integers(0, words, n)
    for j in range(1, length):
        said[:, j] = (r.random((n, 1)) > follows[said[:, j - 1]]).sum(1).clip(max=words - 1)
    return said


def tagged(r, often):
    """Return sentences of words, and the tag of each: 0, or so often after a cue 1 or 2."""
    x = r.integers(1, 120, (1500, 20)).astype("int32")
    cue, y = np.roll(x, 1, 1), np.zeros((1500, 20), "int32")
    for tag in (1, 2):
        y[(cue // 10 == tag) & (x % 3 == tag) & (r.random(x.shape) < often)] = tag
    y[:, 0] = 0
    return x, y


def digits(seed):
    """Return the pixels of digits, in an order of the seed."""
    x = (datasets.load_digits().data / 16).astype("float32")
    return x[np.random.default_rng(seed).permutation(len(x))]


def moons(seed):
    """Return points on two moons, near 0."""
    return ((datasets.make_moons(4000, noise=0.06, random_state=seed)[0] - [0.5, 0.25]) * 1.4).astype("float32")


def accuracy(model, x, y):
    """Return how much of the classes the model gets right; one output is a probability."""
    p = model.predict(x, verbose=0)
    return float(np.mean((p[..., 0] > 0.5 if p.shape[-1] == 1 else p.argmax(-1)) == y))


def r2(y, p):
    """Return how much of the variance is explained; at least -1."""
    y = y.reshape(len(y), -1)
    found = 1 - np.square(y - p.reshape(y.shape)).sum() / np.square(y - y.mean(0)).sum()
    return float(max(found, -1)) if np.isfinite(found) else -1.0


def likeness(r, real, made):
    """Return 1 for points spread alike, and 0 for ones all at the mean, by distances along random directions."""
    angles = r.normal(0, 1, (real.shape[1], 50))
    angles /= np.linalg.norm(angles, axis=0)
    sorts = [np.sort(each @ angles, 0) for each in (real, made, np.repeat(real.mean(0)[None], len(real), 0))]
    return float(1 - np.abs(sorts[0] - sorts[1]).mean() / np.abs(sorts[0] - sorts[2]).mean())


class Gan(keras.Model):
    """A generator and a discriminator, each with its optimizer."""

    def __init__(self, generator, discriminator, noise):
        super().__init__()
        self.generator, self.discriminator, self.noise = generator, discriminator, noise
        self.seeds = keras.random.SeedGenerator(11)

    def compile(self, g_optimizer, d_optimizer):
        """Take both optimizers."""
        super().compile()
        self.g_optimizer, self.d_optimizer = g_optimizer, d_optimizer
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)
        self.trackers = [keras.metrics.Mean(name="d_loss"), keras.metrics.Mean(name="g_loss")]

    @property
    def metrics(self):
        """Return what follows the losses."""
        return self.trackers

    def call(self, z):
        """Return points made of noise."""
        return self.generator(z)

    def train_step(self, data):
        """Train the discriminator, then the generator."""
        n = ops.shape(data)[0]
        z = keras.random.normal((n, self.noise), seed=self.seeds)
        with tf.GradientTape() as tape:
            real, fake = self.discriminator(data, training=True), self.discriminator(self.generator(z), training=True)
            d_loss = self.loss_fn(ops.ones((n, 1)), real) + self.loss_fn(ops.zeros((n, 1)), fake)
        variables = self.discriminator.trainable_weights
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, variables), variables, strict=True))
        z = keras.random.normal((n, self.noise), seed=self.seeds)
        with tf.GradientTape() as tape:
            g_loss = self.loss_fn(ops.ones((n, 1)), self.discriminator(self.generator(z, training=True)))
        variables = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, variables), variables, strict=True))
        for tracker, loss in zip(self.trackers, (d_loss, g_loss), strict=True):
            tracker.update_state(loss)
        return {m.name: m.result() for m in self.metrics}


class Policy(keras.Model):
    """A policy that learns from the reward of the action it draws, less a baseline or not; y has all rewards."""

    def __init__(self, net, baseline, entropy=0.0):
        super().__init__()
        self.net, self.baseline, self.entropy = net, baseline, entropy
        self.seeds = keras.random.SeedGenerator(12)

    def call(self, x):
        """Return the logits of the actions."""
        return self.net(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the loss whose gradient is that of the policy."""
        action = ops.one_hot(keras.random.categorical(y_pred, 1, seed=self.seeds)[:, 0], y.shape[-1])
        reward, logp = ops.sum(action * y, -1), ops.log_softmax(y_pred)
        advantage = reward - ops.mean(reward) if self.baseline else reward
        spread = -ops.mean(ops.sum(ops.exp(logp) * logp, -1))
        return -ops.mean(advantage * ops.sum(action * logp, -1)) - self.entropy * spread


class Vae(keras.Model):
    """A variational autoencoder; beta is the weight of the divergence, which is a sum, in its loss."""

    def __init__(self, inputs, code, beta):
        super().__init__()
        dense = keras.layers.Dense
        self.encoder = keras.Sequential([keras.Input((inputs,)), dense(64, "relu"), dense(2 * code)])
        self.decoder = keras.Sequential([keras.Input((code,)), dense(64, "relu"), dense(inputs)])
        self.beta, self.seeds = beta, keras.random.SeedGenerator(13)

    def call(self, x, training=False):
        """Return the input as it is decoded."""
        mean, log_var = ops.split(self.encoder(x), 2, -1)
        kl = -0.5 * ops.mean(ops.sum(1 + log_var - ops.square(mean) - ops.exp(log_var), -1))
        self.add_loss(self.beta * kl)
        if training:
            mean = mean + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mean), seed=self.seeds)
        return self.decoder(mean)


class Leaky(keras.layers.Layer):
    """A recurrent cell that keeps a fixed part of its state in each step."""

    def __init__(self, units, keep):
        super().__init__()
        self.state_size = self.output_size = units
        self.keep, self.add = keep, keras.layers.Dense(units)
        self.back = keras.layers.Dense(units, use_bias=False, kernel_initializer="orthogonal")

    def build(self, shape):
        """Build both of its layers."""
        self.add.build(shape)
        self.back.build((None, self.state_size))

    def call(self, x, states):
        """Return the new state."""
        new = self.keep * states[0] + (1 - self.keep) * ops.tanh(self.add(x) + 0.3 * self.back(states[0]))
        return new, [new]


class Pairs(keras.utils.PyDataset):
    """Batches of two arrays, in a new order in each epoch; `apart` leaves the second one as it was."""

    def __init__(self, x, y, batch_size, r, apart=False):
        super().__init__()
        self.x, self.y, self.batch_size, self.r, self.apart = x, y, batch_size, r, apart

    def __len__(self):
        return (len(self.x) + self.batch_size - 1) // self.batch_size

    def __getitem__(self, i):
        part = slice(i * self.batch_size, (i + 1) * self.batch_size)
        return self.x[part], self.y[part]

    def on_epoch_end(self):
        """Shuffle."""
        order = self.r.permutation(len(self.x))
        self.x, self.y = self.x[order], self.y if self.apart else self.y[order]

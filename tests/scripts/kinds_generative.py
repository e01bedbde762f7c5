"""Generative models: steps of their own, several optimizers, no `call`."""

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

from .registry import BATCH, EPOCHS, NEVER_BUILT, kind


def images(count=48):
    """Return pictures of digits in [-1, 1]."""
    x = load_digits(n_class=2).images[:count]
    return (x[..., None] / 8 - 1).astype("float32")


@keras.saving.register_keras_serializable("scripts")
class Sampling(layers.Layer):
    """Draws from a normal distribution by moving and stretching one that is fixed."""

    def __init__(self, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(seed)

    def call(self, mean, log_variance):
        noise = keras.random.normal(keras.ops.shape(mean), seed=self.seeds)
        return mean + keras.ops.exp(0.5 * log_variance) * noise


@keras.saving.register_keras_serializable("scripts")
class VariationalAutoencoder(keras.Model):
    """An encoder and a decoder; the model itself is never called."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        x = keras.Input((8, 8, 1))
        h = layers.Dense(8, "relu")(layers.Flatten()(x))
        mean, log_variance = layers.Dense(2)(h), layers.Dense(2)(h)
        self.encoder = keras.Model(x, [mean, log_variance, Sampling()(mean, log_variance)])
        z = keras.Input((2,))
        h = layers.Dense(64, "tanh")(layers.Dense(8, "relu")(z))
        self.decoder = keras.Model(z, layers.Reshape((8, 8, 1))(h))
        self.trackers = [keras.metrics.Mean(name) for name in ("loss", "reconstruction_loss", "kl_loss")]

    @property
    def metrics(self):
        return self.trackers

    def train_step(self, x):
        with tf.GradientTape() as tape:
            mean, log_variance, z = self.encoder(x, training=True)
            off = tf.square(x - self.decoder(z, training=True))
            reconstruction = tf.reduce_mean(tf.reduce_sum(off, axis=(1, 2, 3)))
            divergence = -0.5 * (1 + log_variance - tf.square(mean) - tf.exp(log_variance))
            divergence = tf.reduce_mean(tf.reduce_sum(divergence, axis=1))
            loss = reconstruction + divergence
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        for tracker, value in zip(self.trackers, (loss, reconstruction, divergence), strict=True):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}


@kind(
    **NEVER_BUILT,
    pair=("reconstruction_loss", "loss", "min"),
    has_loss=False,
    has_arrays=False,
    saves=False,
    logs_vary=True,  # its mean of `loss`, in one bare training of ten; never with one thread
)
def variational_autoencoder(optimizer):
    model = VariationalAutoencoder()
    model.compile(optimizer())
    return model, {"x": images(), "batch_size": BATCH, "epochs": EPOCHS}


def judge(convolutional):
    """Return a network that judges a picture."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, 2) if convolutional else layers.Rescaling(0.5),
            layers.Flatten(),
            layers.Dense(8),
            layers.LeakyReLU(),
            layers.Dense(1),
        ],
        name="discriminator",
    )


def painter():
    """Return a network that paints a picture from noise."""
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(32),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Reshape((4, 4, 2)),
            layers.Conv2DTranspose(1, 4, 2, "same", activation="tanh"),
        ],
        name="generator",
    )


class Adversaries(keras.Model):
    """Two networks, each with an optimizer of its own."""

    convolutional = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.discriminator, self.generator = judge(self.convolutional), painter()
        self.seeds = keras.random.SeedGenerator(0)

    def compile(self, d_optimizer, g_optimizer):
        super().compile()
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer
        self.d_loss, self.g_loss = keras.metrics.Mean("d_loss"), keras.metrics.Mean("g_loss")

    @property
    def metrics(self):
        return [self.d_loss, self.g_loss]

    def painted(self, x):
        return self.generator(keras.random.normal((tf.shape(x)[0], 4), seed=self.seeds), training=True)

    def get_compile_config(self):
        serialize = keras.saving.serialize_keras_object
        return {name: serialize(getattr(self, name)) for name in ("d_optimizer", "g_optimizer")}

    def compile_from_config(self, config):
        self.compile(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.g_optimizer.build(self.generator.trainable_variables)

    def moved(self, optimizer, variables, tape, loss):
        optimizer.apply(tape.gradient(loss, variables), variables)


@keras.saving.register_keras_serializable("scripts")
class Dcgan(Adversaries):
    """A discriminator and a generator in turn."""

    def train_step(self, x):
        entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        pictures = tf.concat([self.painted(x), x], axis=0)
        painted = tf.concat([tf.ones((tf.shape(x)[0], 1)), tf.zeros((tf.shape(x)[0], 1))], axis=0)
        with tf.GradientTape() as tape:
            d_loss = entropy(painted, self.discriminator(pictures, training=True))
        self.moved(self.d_optimizer, self.discriminator.trainable_variables, tape, d_loss)
        with tf.GradientTape() as tape:
            judged = self.discriminator(self.painted(x), training=True)
            g_loss = entropy(tf.zeros_like(judged), judged)
        self.moved(self.g_optimizer, self.generator.trainable_variables, tape, g_loss)
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}


@keras.saving.register_keras_serializable("scripts")
class WassersteinGan(Adversaries):
    """A critic that steps twice in a batch, with a penalty on its gradient, and a generator."""

    convolutional = False

    def penalty(self, real, painted):
        share = keras.random.uniform((tf.shape(real)[0], 1, 1, 1), seed=self.seeds)
        between = real + share * (painted - real)
        with tf.GradientTape() as tape:
            tape.watch(between)
            judged = self.discriminator(between, training=True)
        slope = tf.sqrt(tf.reduce_sum(tf.square(tape.gradient(judged, between)), axis=(1, 2, 3)) + 1e-12)
        return tf.reduce_mean(tf.square(slope - 1.0))

    def train_step(self, x):
        for _ in range(2):
            with tf.GradientTape() as tape:
                painted = self.painted(x)
                d_loss = tf.reduce_mean(self.discriminator(painted, training=True))
                d_loss -= tf.reduce_mean(self.discriminator(x, training=True))
                d_loss += 10.0 * self.penalty(x, painted)
            self.moved(self.d_optimizer, self.discriminator.trainable_variables, tape, d_loss)
        with tf.GradientTape() as tape:
            g_loss = -tf.reduce_mean(self.discriminator(self.painted(x), training=True))
        self.moved(self.g_optimizer, self.generator.trainable_variables, tape, g_loss)
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}


ADVERSARIES = NEVER_BUILT | {
    "monitor": "d_loss",
    "pair": ("d_loss", "g_loss", "min"),
    "optimizers": ("d_optimizer", "g_optimizer"),
    "has_loss": False,
    "has_arrays": False,
}


@kind(**ADVERSARIES)
def adversaries(optimizer):
    model = Dcgan()
    model.compile(optimizer(), optimizer())
    return model, {"x": images(), "batch_size": BATCH, "epochs": EPOCHS}


@kind(**ADVERSARIES)
def adversaries_with_a_critic(optimizer):
    model = WassersteinGan()
    model.compile(d_optimizer=optimizer(), g_optimizer=optimizer())
    return model, {"x": images(24), "batch_size": BATCH, "epochs": EPOCHS}

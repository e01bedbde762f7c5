"""Trainings as careful users run them, with nothing to be cured: group 14, by another author with fresh eyes.

Nobody who knew the rules wrote these runs; they were committed before they were judged. Each docstring says how well
the training ends, measured at seed 0 without `Diagnosis`.
"""

import keras
import numpy as np
from keras import layers, ops

from .data import digits, texts, waves
from .runs import BINARY_LOGITS, LOGITS, encoder_block, healthy, net, ready, split, standardized
from .users_course import hazard_loss, offers, pendulums
from .users_set_up import customers, inflows, tags

CosineDecay = keras.optimizers.schedules.CosineDecay


@healthy(group=14)
def customers_by_a_net_of_common_make(rng):
    """Accuracy on new examples: 0.90; in the long run the true law has 0.87."""
    x, y = customers(rng, 4352)
    train, probe = split(x, y[:, None], rng, 256)
    model = net((7,), layers.Dense(32, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU())
    for layer in (layers.Dropout(0.2), layers.Dense(16, "relu"), layers.Dense(1)):
        model.add(layer)
    optimizer = keras.optimizers.AdamW(CosineDecay(0.003, 512), weight_decay=0.01)
    return ready(model, BINARY_LOGITS, optimizer, train, probe, 64, steps=512, validate=True)


@healthy(group=14)
def inflows_by_a_recurrent_net(rng):
    """Mean squared error over variance, new examples: 0.07; of the last value as forecast: 1.44."""
    train, probe = split(*inflows(rng, 2304), rng, 256)
    model = net((20, 1), layers.LSTM(24), layers.Dense(1))
    optimizer = keras.optimizers.Adam(CosineDecay(0.01, 512), clipnorm=1.0)
    return ready(model, "huber", optimizer, train, probe, 64, steps=512, validate=True)


@healthy(group=14)
def digits_shifted_by_less_than_a_pixel(rng):
    """Accuracy on new examples: 0.99."""
    train, probe = digits(rng, (8, 8, 1))
    block = layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D()
    more = layers.Conv2D(32, 3, padding="same", activation="relu"), layers.Flatten()
    model = net((8, 8, 1), layers.RandomTranslation(0.1, 0.1, seed=1), *block, *more, layers.Dense(10))
    optimizer = keras.optimizers.SGD(CosineDecay(0.03, 720), momentum=0.9, nesterov=True)
    return ready(model, LOGITS, optimizer, train, probe, 32, steps=720, validate=True)


@healthy(group=14)
def texts_by_a_small_transformer(rng):
    """Accuracy on new examples: 0.95."""
    train, probe = split(*texts(rng, 4352), rng, 256)
    words = keras.Input((20,))
    h = encoder_block(layers.Embedding(400, 16)(words))
    model = keras.Model(words, layers.Dense(3)(layers.Dropout(0.3)(layers.GlobalAveragePooling1D()(h))))
    rate = CosineDecay(0.0, 300, warmup_target=0.003, warmup_steps=40)
    return ready(model, LOGITS, keras.optimizers.AdamW(rate, weight_decay=0.05), train, probe, 64, steps=320)


@healthy(group=14)
def pictures_freed_of_noise(rng):
    """Mean squared error over variance, new examples: 0.36, of the noisy pictures: 1.25."""
    (x, _), (new, _) = digits(rng, (8, 8, 1))
    noisy, probe = (part + rng.normal(0, 0.3, part.shape).astype("float32") for part in (x, new))
    encoder = layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D()
    middle = layers.Conv2D(24, 3, padding="same", activation="relu"), layers.UpSampling2D()
    decoder = layers.Conv2D(16, 3, padding="same", activation="relu"), layers.Conv2D(1, 3, padding="same")
    model = net((8, 8, 1), *encoder, *middle, *decoder)
    return ready(model, "mse", keras.optimizers.Adam(CosineDecay(0.005, 600)), (noisy, x), (probe, new), 32, steps=600)


@healthy(group=14)
def pairs_of_offers_ranked(rng):
    """Accuracy on new pairs: 0.87."""
    train, probe = split(*offers(rng, 6400), rng, 256)
    pairs = keras.Input((2, 10))
    worth = layers.Dense(1, use_bias=False)(layers.Dense(24, "silu")(layers.Dense(32, "silu")(pairs)))
    model = keras.Model(pairs, worth[:, 0] - worth[:, 1])
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 200, 0.5)
    return ready(model, BINARY_LOGITS, keras.optimizers.RMSprop(rate), train, probe, 64, steps=576)


@healthy(group=14)
def tags_each_by_its_own_sigmoid(rng):
    """Accuracy of the tags, new examples: 0.77; by a logistic regression for each 0.78."""
    x, y = tags(rng, 4352)
    train, probe = split(standardized(np.sqrt(x)), y, rng, 256)
    decay = keras.regularizers.L2(1e-4)
    hidden = layers.Dense(48, "elu", kernel_regularizer=decay), layers.Dropout(0.2)
    model = net((40,), *hidden, layers.Dense(8, "sigmoid"))
    optimizer = keras.optimizers.Adamax(CosineDecay(0.01, 512))
    return ready(model, "binary_crossentropy", optimizer, train, probe, 64, steps=512, validate=True)


@healthy(group=14)
def survival_from_eight_findings(rng):
    """Loss on new examples: 1.03, by the true law 0.99, without findings 1.89."""
    x = rng.normal(size=(8704, 8))
    risk = x[:, 0] + np.tanh(2 * x[:, 1]) - 0.7 * x[:, 2] * (x[:, 3] > 0)
    train, probe = split(x, rng.exponential(np.exp(-risk))[:, None], rng, 512)
    model = net((8,), layers.Dense(24, "tanh"), layers.Dense(24, "tanh"), layers.Dense(1))
    return ready(model, hazard_loss, keras.optimizers.Adam(CosineDecay(0.01, 512)), train, probe, 128, steps=512)


@keras.saving.register_keras_serializable("planted")
class Variational(keras.Model):
    """Learns to generate points as those that it is given; three numbers stand behind each."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.encoder = keras.Sequential([layers.Dense(32, "swish"), layers.Dense(6)])
        self.decoder = keras.Sequential([layers.Dense(32, "swish"), layers.Dense(6)])
        self.seeds = keras.random.SeedGenerator(3)

    def call(self, x, training=False):
        mean, log_variance = ops.split(self.encoder(x), 2, axis=-1)
        self.add_loss(0.02 * ops.mean(ops.exp(log_variance) + mean**2 - 1 - log_variance))
        noise = keras.random.normal(ops.shape(mean), seed=self.seeds) if training else 0.0
        return self.decoder(mean + ops.exp(log_variance / 2) * noise)


@healthy(group=14)
def points_generated_from_three_numbers(rng):
    """Mean squared error over variance, new examples: 0.05, of the three principal components: 0.54."""
    turn, height = rng.uniform(0, 2 * np.pi, 2304), rng.normal(size=2304)
    waves_of_both = [np.sin(turn), np.cos(turn), height, height * np.sin(turn), np.cos(2 * turn), height**2]
    x = standardized(np.column_stack(waves_of_both) + 0.05 * rng.normal(size=(2304, 6)))
    train, probe = split(x, x, rng, 256)
    model = Variational()
    model(train[0][:1])
    return ready(model, "mse", keras.optimizers.Nadam(CosineDecay(0.01, 768)), train, probe, 32, steps=768)


@healthy(group=14)
def five_digits_by_what_five_others_taught(rng):
    """Accuracy on new examples of the other five digits: 0.98."""
    (x, y), (new, labels) = digits(rng)
    body = net((64,), layers.Dense(128, "relu"))
    teacher = keras.Sequential([body, layers.Dense(5)])
    teacher.compile(keras.optimizers.Adam(0.003), LOGITS)
    teacher.fit(x[y < 5], y[y < 5], batch_size=32, epochs=6, verbose=0)
    body.trainable = False
    model = net((64,), body, layers.Dense(5))
    train, probe = (x[y >= 5], y[y >= 5] - 5), (new[labels >= 5], labels[labels >= 5] - 5)
    return ready(model, LOGITS, keras.optimizers.Adam(CosineDecay(0.01, 480)), train, probe, 32, steps=480)


@keras.saving.register_keras_serializable("planted")
class Mixed(keras.Sequential):
    """Is trained on means of two examples, by its own training step."""

    def train_step(self, data):
        x, y = data
        share = keras.random.beta((), 0.3, 0.3, seed=self.seeds)
        return super().train_step(tuple(share * part + (1 - share) * ops.flip(part, axis=0) for part in (x, y)))

    def build(self, shape=None):
        self.seeds = keras.random.SeedGenerator(5)
        super().build(shape)


@healthy(group=14)
def waves_by_a_training_step_that_mixes(rng):
    """Accuracy on new examples: 1.00."""
    train, probe = ((x, np.eye(3, dtype="float32")[y]) for x, y in waves(rng, noise=0.15))
    hidden = layers.Conv1D(16, 5, activation="relu"), layers.MaxPooling1D(), layers.Conv1D(24, 3, activation="relu")
    model = Mixed([keras.Input((32, 1)), *hidden, layers.GlobalAveragePooling1D(), layers.Dense(3)])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    return ready(model, loss, keras.optimizers.Adam(CosineDecay(0.01, 640)), train, probe, 32, steps=640)


@healthy(group=14)
def pendulums_by_a_net_with_shortcuts(rng):
    """Mean squared error over variance, new examples: 0.001."""
    train, probe = split(*pendulums(rng, 4352), rng, 256)
    inputs = keras.Input((3,))
    h = layers.Dense(48, "gelu")(inputs)
    for _ in range(2):
        h = layers.Add()([h, layers.Dense(48, "gelu")(layers.LayerNormalization()(h))])
    model = keras.Model(inputs, layers.Dense(1)(h))
    return ready(model, "mse", keras.optimizers.Lion(CosineDecay(0.001, 768)), train, probe, 64, steps=768)

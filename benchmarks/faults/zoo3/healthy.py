"""Trainings that are as they should be."""

import keras
from keras import layers
from keras.optimizers import Adam, AdamW, Lion, Nadam, schedules

import keras_ch8

from . import parts
from .parts import CLASSES, TWO_CLASSES, Training, compiled, mlp

HEALTHY = {}


def healthy(made):
    """Put a training into the group, by its name."""
    HEALTHY[made.__name__] = made
    return made


@healthy
def h_digits_mlp(seed):
    """MLP, Adam, converged, 20 epochs."""

    def make():
        return compiled(mlp(64, [64], 10, last="softmax"), Adam(2e-3), CLASSES, metrics=["accuracy"])

    return Training(make, *parts.digits(seed), 20)


@healthy
def h_cnn_bn_cosine(seed):
    """CNN with batch normalization, cosine schedule over the whole run."""

    def make():
        rate = schedules.CosineDecay(5e-3, 38 * 10)
        return compiled(parts.convnet(16, 4, batch_norm=True, momentum=0.9), Adam(rate), CLASSES)

    return Training(make, *parts.shapes(seed), 10)


@healthy
def h_resnet(seed):
    """Small residual network with batch normalization, SGD with momentum, rate lowered in steps."""

    def normed(x):
        x = layers.Conv2D(12, 3, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(momentum=0.9)(x)

    def make():
        inputs = layers.Input((16, 16, 1))
        h = layers.MaxPooling2D()(layers.ReLU()(normed(inputs)))
        for _ in range(2):
            h = layers.ReLU()(h + normed(layers.ReLU()(normed(h))))
        outputs = layers.Dense(4, activation="softmax")(layers.Flatten()(layers.MaxPooling2D()(h)))
        rate = schedules.PiecewiseConstantDecay([38 * 5, 38 * 7], [0.02, 0.004, 0.0008])
        return compiled(keras.Model(inputs, outputs), keras.optimizers.SGD(rate, momentum=0.9), CLASSES)

    return Training(make, *parts.shapes(seed), 9)


@healthy
def h_text_gru(seed):
    """Embedding with mask, GRU, padded behind; stops before it overfits."""
    train, val = parts.texts(seed, shortest=5, longest=20, padded_behind=True)

    def make():
        model = [layers.Input((30,), dtype="int32"), layers.Embedding(400, 16, mask_zero=True), layers.GRU(16)]
        return compiled(keras.Sequential([*model, layers.Dense(1, activation="sigmoid")]), Adam(3e-3), TWO_CLASSES)

    return Training(make, train, val, 5)


@healthy
def h_transformer(seed):
    """Transformer normalized before each part, AdamW with warmup and decay."""

    def make():
        rate = schedules.CosineDecay(1e-5, 56 * 5, warmup_target=2e-3, warmup_steps=50)
        return compiled(parts.transformer(), AdamW(rate, weight_decay=0.01), CLASSES)

    return Training(make, *parts.texts(seed), 6)


@healthy
def h_autoencoder(seed):
    """Autoencoder of digits, mse."""
    (x, _), (x_val, _) = parts.digits(seed)

    def make():
        model = [layers.Input((64,)), layers.Dense(48, "relu"), layers.Dense(16), layers.Dense(48, "relu")]
        return compiled(keras.Sequential([*model, layers.Dense(64, "sigmoid")]), Adam(3e-3), "mse")

    return Training(make, (x, x), (x_val, x_val), 40)


@healthy
def h_vae(seed):
    """VAE with sums as loss."""
    (x, _), (x_val, _) = parts.digits(seed)
    return Training(lambda: parts.vae(2e-3), (x, x), (x_val, x_val), 40)


@healthy
def h_two_heads(seed):
    """Two outputs, a class and a number."""
    train, val = map(parts.with_size, parts.breast_cancer(seed))
    return Training(lambda: parts.two_heads("sigmoid"), train, val, 20)


@healthy
def h_houses(seed):
    """Regression, standardized, EarlyStopping."""

    def callbacks():
        return [keras.callbacks.EarlyStopping(patience=4, restore_best_weights=True)]

    train, val = parts.houses(seed)
    return Training(lambda: compiled(mlp(8, [32, 32], 1), Adam(2e-3), "mse"), train, val, 40, callbacks=callbacks)


@healthy
def h_noise_floor(seed):
    """Half of the variance is noise; small network, L2, decaying rate."""

    def make():
        rate = schedules.PolynomialDecay(0.03, 11 * 30, 1e-4)
        model = mlp(10, [16], 1, kernel_regularizer=keras.regularizers.L2(5e-3))
        return compiled(model, keras.optimizers.SGD(rate, momentum=0.8), "mse")

    return Training(make, *parts.diabetes(seed), 30)


@healthy
def h_class_weights(seed):
    """1 : 20 with class weights."""
    train, val = parts.points(seed, 4000, 12, 2, 6, weights=[0.95], flip_y=0, class_sep=1.5)
    weights = {"class_weight": {0: 0.53, 1: 10.0}}

    def make():
        return compiled(mlp(12, [32], 1, last="sigmoid"), Adam(3e-3), TWO_CLASSES)

    return Training(make, train, val, 12, options=weights)


@healthy
def h_multilabel(seed):
    """Eight labels, sigmoid and binary crossentropy."""

    def make():
        return compiled(mlp(20, [32], 8, last="sigmoid"), Adam(2e-3), TWO_CLASSES)

    return Training(make, *parts.multilabel(seed), 15)


@healthy
def h_segment(seed):
    """A mask of the pixels, small encoder and decoder."""

    def make():
        inputs = layers.Input((16, 16, 1))
        encoded = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
        h = layers.Conv2D(16, 3, padding="same", activation="relu")(layers.MaxPooling2D()(encoded))
        h = layers.Concatenate()([layers.UpSampling2D()(h), encoded])
        h = layers.Conv2D(8, 3, padding="same", activation="relu")(h)
        return compiled(keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(h)), Nadam(3e-3), TWO_CLASSES)

    return Training(make, *parts.blobs(seed, n=500), 15, 16)


@healthy
def h_series(seed):
    """Forecast of a time series with an LSTM."""

    def make():
        return compiled(keras.Sequential([layers.Input((24, 1)), layers.LSTM(24), layers.Dense(1)]), Adam(5e-3), "mse")

    return Training(make, *parts.series(seed), 12)


@healthy
def h_negative_nll(seed):
    """Gaussian likelihood of a narrow target: the loss goes below 0, rightly."""

    def likelihood(y, y_pred):
        mean, deviation = y_pred[:, :1], keras.ops.softplus(y_pred[:, 1:]) + 1e-3
        error = (keras.ops.reshape(y, (-1, 1)) - mean) / deviation
        return keras.ops.log(deviation) + 0.5 * keras.ops.square(error)

    def make():
        return compiled(mlp(8, [32, 32], 2), Adam(schedules.ExponentialDecay(2e-3, 200, 0.7)), likelihood)

    (x, y), (x_val, y_val) = parts.houses(seed)
    return Training(make, (x, y * 0.1), (x_val, y_val * 0.1), 20)


@healthy
def h_big_vocab(seed):
    """Next word of 800, loss from 6.7 to about 1.3."""
    train, val = parts.markov(seed, n=4000, words=800, length=12, next_words=2)

    def make():
        model = [layers.Input((12,), dtype="int32"), layers.Embedding(800, 32), layers.Dense(48, "relu")]
        model = keras.Sequential([*model, layers.Dense(800, activation="softmax")])
        return compiled(model, Adam(schedules.CosineDecay(1e-2, 47 * 12)), CLASSES)

    return Training(make, train, val, 12, 64)


@healthy
def h_finetune(seed):
    """Frozen base, trained on the digits 0 to 4 before; a new head for 5 to 9."""

    def new_base():
        return keras.Sequential([layers.Input((64,)), layers.Dense(96, "relu"), layers.Dense(96, "relu")])

    def with_head(base):
        return keras.Sequential([layers.Input((64,)), base, layers.Dense(5, activation="softmax")])

    (x, y), (x_val, y_val) = parts.digits(seed)
    first = new_base()
    compiled(with_head(first), Adam(2e-3), CLASSES).fit(x[y < 5], y[y < 5], epochs=8, verbose=0)
    weights = first.get_weights()

    def make():
        base = new_base()
        base.set_weights(weights)
        base.trainable = False
        return compiled(with_head(base), Adam(5e-3), CLASSES)

    return Training(make, (x[y >= 5], y[y >= 5] - 5), (x_val[y_val >= 5], y_val[y_val >= 5] - 5), 20)


@healthy
def h_one_epoch(seed):
    """One epoch over 30000 examples, linear decay of the rate to 0."""
    train, val = parts.points(seed, 40000, 20, 5, 10, class_sep=1.5, flip_y=0)

    def make():
        rate = schedules.PolynomialDecay(3e-3, 469, 0.0)
        return compiled(mlp(20, [64, 64], 5, last="softmax"), Adam(rate), CLASSES)

    return Training(make, train, val, 1, 64)


@healthy
def h_three_epochs(seed):
    """Three epochs over 9000 examples, warmup and decay, Lion."""
    train, val = parts.points(seed, 12000, 20, 4, 10, class_sep=1.6, flip_y=0)

    def make():
        rate = schedules.CosineDecay(1e-5, 400, warmup_target=1e-3, warmup_steps=40)
        return compiled(mlp(20, [64, 64], 4, last="softmax"), Lion(rate), CLASSES)

    return Training(make, train, val, 3)


@healthy
def h_wine_small(seed):
    """133 examples, softmax regression with the book's momentum."""

    def make():
        return compiled(mlp(13, [], 3, last="softmax"), keras_ch8.optimizers.SGD(0.03, momentum=0.9), CLASSES)

    return Training(make, *parts.wine(seed), 40, 16)


@healthy
def h_sum_of_squares(seed):
    """Loss is a sum of squared pixels, in the hundreds at first, rightly."""
    (x, _), (x_val, _) = parts.digits(seed, scale=1 / 4)

    def make():
        model = [layers.Input((64,)), layers.Dense(48, "relu"), layers.Dense(20), layers.Dense(48, "relu")]
        return compiled(keras.Sequential([*model, layers.Dense(64)]), Adam(2e-3), parts.sum_of_squares)

    return Training(make, (x, x), (x_val, x_val), 30)

"""Faults of the course: rates, batch normalization, regularization and length."""

import functools

import keras
import numpy as np
from keras import layers
from keras.optimizers import schedules

from . import parts
from .parts import CLASSES, Training, compiled, mlp

SICK = {}
sick = functools.partial(parts.sick, SICK)


# --- rates -----------------------------------------------------------------------------------------------------------


@sick("step_too_long", also="oscillation saturated_units", source="rajveermalviya/language-modeling#3")
def adam_lr1_lm(seed):
    """Language model (embedding, LSTM) with Adam(1.0)."""

    def make():
        model = [layers.Input((16,), dtype="int32"), layers.Embedding(40, 16), layers.LSTM(32, return_sequences=True)]
        model = keras.Sequential([*model, layers.Dense(40, activation="softmax")])
        return compiled(model, keras.optimizers.Adam(1.0), CLASSES)

    return Training(make, *parts.markov(seed), 8)


@sick("step_too_short", also="too_short", source="keras-team/keras#2134")
def sgd_tiny_cnn(seed):
    """CNN with SGD(1e-5, momentum=0.9)."""

    def make():
        return compiled(parts.convnet(16, 4), keras.optimizers.SGD(1e-5, momentum=0.9), CLASSES)

    return Training(make, *parts.shapes(seed), 8)


@sick("step_too_short", also="too_short", source="questions on Keras's default of Adagrad")
def adagrad_default(seed):
    """Adagrad with Keras's default rate of 0.001."""

    def make():
        return compiled(mlp(64, [64, 64], 10, last="softmax"), keras.optimizers.Adagrad(0.001), CLASSES)

    return Training(make, *parts.digits(seed), 15)


@sick("step_too_short", also="too_short", source="keras-team/keras#10924")
def plateau_killed(seed):
    """ReduceLROnPlateau with a patience of 1 and a large min_delta lowers the rate while the loss still fell."""
    train, val = parts.digits(seed, image=True)

    def callbacks():
        reduce = keras.callbacks.ReduceLROnPlateau
        return [reduce(monitor="val_loss", factor=0.1, patience=1, min_delta=0.3, min_lr=1e-8)]

    def make():
        return compiled(parts.convnet(8, 10), keras.optimizers.SGD(0.05), CLASSES)

    return Training(make, train, val, 20, callbacks=callbacks)


@sick("step_too_short", also="too_short", source="questions on decay_steps counted in epochs")
def cosine_early(seed):
    """CosineDecay whose decay_steps are one epoch, not all 15."""

    def make():
        return compiled(
            mlp(64, [64], 10, last="softmax"), keras.optimizers.SGD(schedules.CosineDecay(0.1, 43)), CLASSES
        )

    return Training(make, *parts.digits(seed), 15)


@sick("step_too_short", also="too_short", source="hirofumi0810/neural_sp#137")
def warmup_long(seed):
    """Transformer whose warmup takes 25000 steps; the training has 450."""

    def make():
        rate = schedules.PolynomialDecay(1e-9, 25000, 1e-3)
        return compiled(parts.transformer(), keras.optimizers.Adam(rate), CLASSES)

    return Training(make, *parts.texts(seed), 8)


@sick("step_too_short", also="too_short", source="fizyr/keras-retinanet#942 (clipnorm=0.001)")
def clip_tight(seed):
    """SGD(0.1, clipnorm=0.001): every step is 1e-4 long."""

    def make():
        return compiled(mlp(64, [64], 10, last="softmax"), keras.optimizers.SGD(0.1, clipnorm=1e-3), CLASSES)

    return Training(make, *parts.digits(seed), 15)


@sick(
    "step_too_long",
    also="plateau oscillation saturated_units vanishing dead_units",
    source="fastai/fastai#1736; openclimatefix/predict_pv_yield#43",
)
def transformer_hot(seed):
    """Transformer of two blocks, normalized behind each, Adam(0.05), no warmup."""

    def make():
        return compiled(parts.transformer(norm_behind=True, blocks=2), keras.optimizers.Adam(0.05), CLASSES)

    return Training(make, *parts.texts(seed, n=1600), 8)


@sick("too_short step_too_short", source="gradient_accumulation_steps taken for a speed-up")
def accum64(seed):
    """Adam(1e-3, gradient_accumulation_steps=64) with 43 steps in each of 8 epochs: 5 updates."""

    def make():
        optimizer = keras.optimizers.Adam(1e-3, gradient_accumulation_steps=64)
        return compiled(mlp(64, [64], 10, last="softmax"), optimizer, CLASSES)

    return Training(make, *parts.digits(seed), 8)


@sick(
    "cliff step_too_long exploding", also="nonfinite bad_scale wrong_loss", source="exponential output units under mse"
)
def cliff_exp(seed):
    """Counts by an exponential output unit and mse, SGD with momentum: single steps throw it far away."""
    (x, y), (x_val, y_val) = parts.houses(seed)
    r = np.random.default_rng(seed)
    counts, val_counts = (r.poisson(np.exp(0.5 + each)).astype("float32") for each in (y, y_val))

    def make():
        return compiled(mlp(8, [32, 32], 1, last="exponential"), keras.optimizers.SGD(5e-4, momentum=0.9), "mse")

    return Training(make, (x, counts), (x_val, val_counts), 12)


@sick("ill_conditioned bad_inputs", also="step_too_short", source="questions on polynomial regression in Keras")
def illcond_poly(seed):
    """Linear model of x, x^2, ... x^9 for x in [0, 1], SGD(0.1)."""
    r = np.random.default_rng(seed)
    u = r.uniform(0, 1, 1000)
    x, y = np.stack([u**i for i in range(1, 10)], 1), np.sin(9 * u) + r.normal(0, 0.05, 1000)
    train, val = parts.split(x.astype("float32"), y.astype("float32"), seed)
    return Training(lambda: compiled(mlp(9, [], 1), keras.optimizers.SGD(0.1), "mse"), train, val, 40)


@sick(
    "bad_inputs bad_scale",
    also="nonfinite step_too_long exploding cliff",
    source="AppliedDataSciencePartners/WorldModels#9",
)
def vae_raw(seed):
    """VAE on pixels of 0 to 255: exp(log variance) explodes."""
    (x, _), (x_val, _) = parts.digits(seed, scale=255 / 16)
    return Training(lambda: parts.vae(1e-3), (x, x), (x_val, x_val), 15)


@sick("noise_dominated step_too_long oscillation", source="keras-team/keras#8837, and a rate for batches of 32")
def batch1(seed):
    """Noisy targets, batches of 1, SGD(0.03)."""
    train, val = parts.diabetes(seed)
    return Training(lambda: compiled(mlp(10, [32], 1), keras.optimizers.SGD(0.03), "mse"), train, val, 12, 1)


# --- batch normalization ---------------------------------------------------------------------------------------------


@sick("batch_norm_gap", also="noise_dominated", source="keras-team/keras#12851, #8837, #12400")
def bn_batch2(seed):
    """CNN with batch normalization, pictures of very different brightness, batches of 2."""
    (x, y), (x_val, y_val) = parts.shapes(seed, n=800)
    r = np.random.default_rng(seed)

    def lit(x):
        scale, shift = r.lognormal(0, 1.2, (len(x), 1, 1, 1)), r.normal(0, 1.5, (len(x), 1, 1, 1))
        return (x * scale + shift).astype("float32")

    def make():
        return compiled(parts.convnet(16, 4, batch_norm=True), keras.optimizers.Adam(2e-3), CLASSES)

    return Training(make, (lit(x), y), (lit(x_val), y_val), 4, 2)


@sick("batch_norm_gap", source="tensorflow/tensorflow#46414, #48837")
def bn_momentum(seed):
    """BatchNormalization(momentum=0.999) and some 150 steps; inputs of 0 to 255."""
    (x, y), (x_val, y_val) = parts.shapes(seed)

    def make():
        model = parts.convnet(16, 4, batch_norm=True, filters=(16, 32), momentum=0.999)
        return compiled(model, keras.optimizers.Adam(3e-3), CLASSES)

    return Training(make, (x * 255, y), (x_val * 255, y_val), 4)


# --- regularization and length ---------------------------------------------------------------------------------------


@sick("underfitting noise_dominated", source="keras-team/keras#2134; pytorch/pytorch#13659")
def dropout90(seed):
    """Dropout(0.9) behind each of three layers."""

    def make():
        hidden = [each for _ in range(3) for each in (layers.Dense(64, "relu"), layers.Dropout(0.9))]
        model = keras.Sequential([layers.Input((64,)), *hidden, layers.Dense(10, activation="softmax")])
        return compiled(model, "adam", CLASSES)

    return Training(make, *parts.digits(seed), 25)


@sick("underfitting", source="keras-team/keras#2134, #1895")
def l2_strong(seed):
    """A penalty of L2(0.5) in each hidden layer."""

    def make():
        model = mlp(64, [64, 64], 10, "relu", "softmax", kernel_regularizer=keras.regularizers.L2(0.5))
        return compiled(model, "adam", CLASSES)

    return Training(make, *parts.digits(seed), 25)


@sick("underfitting plateau", source="tensorflow/text#945; JulianKlug/PerfusionCT-Net#34")
def wd_huge(seed):
    """AdamW(weight_decay=20): 2 % of each weight in a step."""

    def make():
        optimizer = keras.optimizers.AdamW(1e-3, weight_decay=20.0)
        return compiled(mlp(64, [64, 64], 10, "relu", "softmax"), optimizer, CLASSES)

    return Training(make, *parts.digits(seed), 20)


@sick("too_short step_too_short", source="two epochs at a small rate")
def few_epochs(seed):
    """CNN, Adam(2e-4), two epochs."""
    train, val = parts.shapes(seed)
    return Training(lambda: compiled(parts.convnet(16, 4), keras.optimizers.Adam(2e-4), CLASSES), train, val, 2)


@sick("overfitting too_long", source="keras-team/keras#3328, #5359")
def overfit_mlp(seed):
    """240 noisy examples of 60 features, a network of 256 and 256, 100 epochs."""
    train, val = parts.points(seed, 320, 60, 3, 8, flip_y=0.2)

    def make():
        return compiled(mlp(60, [256, 256], 3, "relu", "softmax"), keras.optimizers.Adam(1e-3), CLASSES)

    return Training(make, train, val, 100)

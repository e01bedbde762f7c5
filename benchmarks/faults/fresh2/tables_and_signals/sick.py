"""Trainings with a fault; `repaired=True` switches it off, and nothing else."""

import functools

import keras
import numpy as np
from keras import layers, ops, regularizers
from keras.callbacks import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau
from keras.optimizers import SGD, Adam, RMSprop
from sklearn import datasets
from zoo3.parts import sick as registered

from .. import parts
from ..parts import CLASSES, TWO_CLASSES, accuracy, balanced, dense, r2, split, standard

SICK = {}
sick = functools.partial(registered, SICK)


# --- the rate, the batch, and the time -------------------------------------------------------------------------------


@sick("step_too_short", also="too_short")
def spectra(seed, repaired=False):
    """Concentrations from spectra of 60 channels, with the rate of a paper whose loss was a sum: 1e-5."""
    r = np.random.default_rng(seed)
    y, channel = r.uniform(0, 1, (1200, 3)), np.arange(60)
    peaks = np.exp(-((channel - np.array([[12], [28], [45]])) ** 2) / 60)
    x = y @ peaks + r.normal(0, 0.05, (1200, 60))
    x, y, x_test, y_test = split(standard(x), standard(y), seed)
    model = dense(60, (32,), 3, "tanh")
    model.compile(SGD(0.05 if repaired else 1e-5, momentum=0.9), "mse")
    model.fit(x, y, epochs=30, batch_size=32, validation_split=0.1, verbose=0)
    return r2(model, x_test, y_test)


@sick("step_too_short")
def afraid_of_gradients(seed, repaired=False):
    """Output of a plant, with a norm of gradients of at most 0.001, after an earlier model had exploded."""
    x, y, x_test, y_test = parts.plant(seed)
    model = dense(8, (48, 48), 1)
    model.compile(SGD(0.05, momentum=0.9, global_clipnorm=1.0 if repaired else 0.001), "mse", metrics=["mae"])
    model.fit(x, y, validation_data=(x_test, y_test), epochs=30, verbose=0)
    return r2(model, x_test, y_test)


@sick("step_too_short")
def plateau_of_the_wrong_mode(seed, repaired=False):
    """ReduceLROnPlateau waits for the loss to grow, by mode="max", and divides the rate in almost every epoch."""
    x, y, x_test, y_test = parts.plant(seed)
    model = keras.Sequential([keras.Input((8,))])
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(32, activation="relu"))
    model.add(layers.Dense(1))
    reduce = ReduceLROnPlateau("val_loss", factor=0.3, patience=2, mode="min" if repaired else "max")
    model.compile(Adam(1e-3), "mse")
    model.fit(x, y, validation_split=0.2, epochs=40, batch_size=32, callbacks=[reduce], verbose=0)
    return r2(model, x_test, y_test)


@sick("ill_conditioned")
def neighbouring_sensors(seed, repaired=False):
    """A linear model of 8 sensors that almost agree; what counts is how they differ. Repaired: whitened inputs."""
    r = np.random.default_rng(seed)
    own = r.normal(0, 0.025, (1600, 8))
    x = r.normal(0, 1, (1600, 1)) + own
    y = standard(own @ np.array([3, -2, 1, -3, 2, -1, 2, -2]) + r.normal(0, 0.05, 1600))
    if repaired:
        values, axes = np.linalg.eigh(np.cov(x.T))
        x = (x - x.mean(0)) @ axes / np.sqrt(values)
    x, y, x_test, y_test = split(x.astype("float32"), y, seed)
    model = keras.Sequential([keras.Input((8,)), layers.Dense(1)])
    model.compile(SGD(0.05), "mse")
    model.fit(x, y, epochs=30, batch_size=32, verbose=0)
    return r2(model, x_test, y_test)


@sick("noise_dominated", also="step_too_long batch_wasteful")
def load_of_a_grid(seed, repaired=False):
    """Load of a grid by 24 measures of weather, linear, noisy; each measure is a batch. Repaired: batches of 32."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (1100, 24)).astype("float32")
    y = standard(x @ r.normal(0, 1, 24) / 5 + r.normal(0, 0.8, 1100))
    x, y, x_test, y_test = split(x, y, seed)
    model = keras.Sequential([keras.Input((24,)), layers.Dense(1)])
    model.compile(SGD(0.016), "mse")
    model.fit(x, y, epochs=6, batch_size=32 if repaired else 1, verbose=0)
    return r2(model, x_test, y_test)


@sick("batch_wasteful", also="too_short step_too_short")
def whole_table_at_once(seed, repaired=False):
    """One batch is all of the table, since it fits into memory, so 25 epochs are 25 steps. Repaired: 32 rows."""
    x, y, x_test, y_test = parts.table(seed, 3000, 20, 8, n_classes=4, n_clusters_per_class=1, class_sep=1.2)
    model = dense(20, (64, 32), 4, last="softmax")
    model.compile("adam", CLASSES, metrics=["accuracy"])
    model.fit(x, y, batch_size=32 if repaired else len(x), epochs=25, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@sick("too_short")
def two_epochs(seed, repaired=False):
    """Output of a plant; a notebook that was tried with 2 epochs, and left so."""
    x, y, x_test, y_test = parts.plant(seed)
    model = dense(8, (64, 64), 1)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(x, y, epochs=30 if repaired else 2, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return r2(model, x_test, y_test)


@sick("too_long", also="overfitting")
def tide_gauge(seed, repaired=False):
    """The next value of a noisy tide from 30 before it, for 80 epochs on 300 windows. Repaired: 6 epochs."""
    r = np.random.default_rng(seed)
    hour = np.arange(1030)
    tide = np.sin(hour / 2) + 0.5 * np.sin(hour / 7.3) + r.normal(0, 0.6, len(hour))
    x = np.stack([tide[i : i + 30] for i in range(1000)]).astype("float32")
    y = tide[30:].astype("float32")
    model = dense(30, (256, 128), 1)
    model.compile(Adam(1e-3), "mse")
    model.fit(
        x[:300], y[:300], validation_data=(x[300:400], y[300:400]), epochs=6 if repaired else 80, batch_size=16,
        verbose=0,
    )  # fmt: skip
    return r2(model, x[400:], y[400:])


# --- too much or too little of a model -------------------------------------------------------------------------------


@sick("overfitting", also="too_long")
def few_patients(seed, repaired=False):
    """How an illness goes on, from 88 patients, by a wide network. Repaired: a linear model."""
    x, y = datasets.load_diabetes(return_X_y=True)
    x, y, x_test, y_test = split(standard(x), standard(y), seed, 0.2)
    model = dense(10, () if repaired else (256, 128), 1)
    model.compile(Adam(5e-3), "mse")
    model.fit(x, y, epochs=60, batch_size=16, validation_data=(x_test, y_test), verbose=0)
    return r2(model, x_test, y_test)


@sick("overfitting")
def waves_through_noise(seed, repaired=False):
    """A noisy curve of 60 points by 200 random waves, of a deviation of 30 in frequency. Repaired: of 5."""
    r = np.random.default_rng(seed)
    t = r.uniform(-1, 1, 360)
    y = (np.sin(4 * t) + 0.5 * np.cos(7 * t)).astype("float32")
    waves = np.cos(np.outer(t, r.normal(0, 5 if repaired else 30, 200)) + r.uniform(0, 6.3, 200)).astype("float32")
    noisy = y[:60] + r.normal(0, 0.6, 60).astype("float32")
    model = keras.Sequential([keras.Input((200,)), layers.Dense(1)])
    model.compile(Adam(0.02), "mse")
    model.fit(waves[:60], noisy, epochs=60, batch_size=10, validation_data=(waves[60:120], y[60:120]), verbose=0)
    return r2(model, waves[120:], y[120:])


@sick("overfitting", also="too_long")
def ratings_of_users(seed, repaired=False):
    """Ratings by 32 numbers for each user and each film, with 12 ratings a user. Repaired: they are held small."""
    r = np.random.default_rng(seed)
    user, film = r.integers(0, 150, 3000), r.integers(0, 80, 3000)
    taste, kind = r.normal(0, 1, (150, 2)), r.normal(0, 1, (80, 2))
    y = standard((taste[user] * kind[film]).sum(1) + r.normal(0, 0.7, 3000) + r.normal(0, 1, 80)[film])
    penalty = regularizers.L2(3e-4) if repaired else None
    u, f = keras.Input((), dtype="int32"), keras.Input((), dtype="int32")
    both = [layers.Embedding(n, 32, embeddings_regularizer=penalty)(i) for n, i in ((150, u), (80, f))]
    bias = layers.Embedding(80, 1)(f)
    model = keras.Model([u, f], layers.Add()([layers.Dot(1)(both), bias]))
    model.compile(Adam(5e-3), "mse")
    known = slice(0, 1800)
    model.fit(
        [user[known], film[known]], y[known], validation_data=([user[1800:2200], film[1800:2200]], y[1800:2200]),
        epochs=40, batch_size=64, verbose=0,
    )  # fmt: skip
    return r2(model, [user[2200:], film[2200:]], y[2200:])


@sick("underfitting", also="wrong_output")
def moons_without_activation(seed, repaired=False):
    """Two moons by three layers, all of which are linear, since no activation was given."""
    x, y = datasets.make_moons(1200, noise=0.1, random_state=seed)
    x, y, x_test, y_test = split(standard(x), y, seed)
    act = "relu" if repaired else None
    model = keras.Sequential()
    model.add(keras.Input(shape=(2,)))
    model.add(layers.Dense(32, activation=act))
    model.add(layers.Dense(32, activation=act))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(optimizer=Adam(5e-3), loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=40, batch_size=32, validation_split=0.2, verbose=0)
    return accuracy(model, x_test, y_test)


# --- what a step does ------------------------------------------------------------------------------------------------


@sick("oscillation step_too_long", also="dead_units")
def triangles_too_high(seed, repaired=False):
    """Output of a plant by a rate that goes up and down in triangles of four epochs, up to 0.2; repaired, 0.004."""
    x, y, x_test, y_test = parts.plant(seed)
    top = 0.004 if repaired else 0.2
    triangle = LearningRateScheduler(lambda epoch: 5e-4 + top * (0.0, 0.5, 1.0, 0.5)[epoch % 4])
    model = dense(8, (48, 48), 1, "tanh")
    model.compile(RMSprop(), "mse")
    model.fit(x, y, epochs=31, batch_size=32, callbacks=[triangle], validation_split=0.1, verbose=0)
    return r2(model, x_test, y_test)


@sick("cliff", also="exploding dead_units step_too_long nonfinite")
def surprised_gaussian(seed, repaired=False):
    """Mean and log-variance of an exact reading with rare glitches: each divides a huge error by a tiny variance.
    Repaired: gradients are clipped.
    """
    r = np.random.default_rng(seed)
    x = r.uniform(-2, 2, (2200, 4)).astype("float32")
    exact = (np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] * x[:, 2]).astype("float32")
    y = (exact + r.normal(0, 0.03, 2200) + (r.random(2200) < 0.01) * r.normal(0, 3, 2200)).astype("float32")

    def surprise(y_true, y_pred):
        mean, log_var = y_pred[:, :1], y_pred[:, 1:]
        return ops.mean(0.5 * log_var + 0.5 * ops.square(y_true - mean) * ops.exp(-log_var))

    model = dense(4, (64, 64), 2)
    model.compile(SGD(0.02, momentum=0.9, global_clipnorm=1.0 if repaired else None), surprise)
    model.fit(x[:1500], y[:1500, None], batch_size=32, epochs=50, verbose=0)
    return r2(lambda x, training: model(x)[:, :1], x[1500:], exact[1500:])


@sick("step_too_long dead_units", also="plateau")
def momentum_kills(seed, repaired=False):
    """Yields by 4 layers of ReLUs at a rate of 0.5 with momentum; the first steps kill all units. Repaired: 0.01."""
    x, y, x_test, y_test = parts.plant(seed)
    model = dense(8, (64, 64, 32, 32), 1, kernel_initializer="he_normal")
    model.compile(SGD(learning_rate=0.01 if repaired else 0.5, momentum=0.9, nesterov=True, clipnorm=5.0), "mse")
    model.fit(x, y + 2, validation_data=(x_test, y_test + 2), batch_size=32, epochs=30, verbose=0)
    return r2(model, x_test, y_test + 2)


@sick("dead_units", also="no_gradient plateau bad_scale vanishing")
def sparse_by_bias(seed, repaired=False):
    """Kinds of rows of a table; a bias of -6 is to make the hidden units sparse, and silences them."""
    x, y, x_test, y_test = parts.table(seed, 1600, 16, 8, n_classes=4, n_clusters_per_class=1, class_sep=1.5)
    bias = keras.initializers.Constant(0.0 if repaired else -6.0)
    model = dense(16, (64, 32), 4, last="softmax", bias_initializer=bias)
    model.compile(Adam(2e-3), CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=20, batch_size=32, validation_split=0.15, verbose=0)
    return accuracy(model, x_test, y_test)


# --- the start -------------------------------------------------------------------------------------------------------


@sick("saddle", also="bad_scale plateau vanishing")
def wine_in_three_numbers(seed, repaired=False):
    """An autoencoder of wines starts at weights of 0.001, "so that nothing saturates". Repaired: Glorot's."""
    x, kind = datasets.load_wine(return_X_y=True)
    x, _, x_test, _ = split(standard(x), kind, seed)
    start = "glorot_uniform" if repaired else keras.initializers.RandomNormal(stddev=1e-3)
    sizes = ((10, "tanh"), (3, None), (10, "tanh"), (13, None))
    model = keras.Sequential([keras.Input((13,)), *[layers.Dense(n, a, kernel_initializer=start) for n, a in sizes]])
    model.compile(SGD(0.1, momentum=0.5), "mse")
    model.fit(x, x, epochs=60, batch_size=8, validation_data=(x_test, x_test), verbose=0)
    return r2(model, x_test, x_test)


@sick("equal_units", also="plateau")
def all_ones(seed, repaired=False):
    """Kinds of rows; each kernel starts with the same number everywhere, for the sake of reproducibility."""
    x, y, x_test, y_test = parts.table(seed, 1600, 12, 8, n_classes=5, n_clusters_per_class=1, class_sep=1.6)
    kernel = keras.initializers.GlorotUniform(seed=1) if repaired else keras.initializers.Constant(0.05)
    model = keras.Sequential([
        keras.Input((12,)), layers.Dense(40, "tanh", kernel_initializer=kernel),
        layers.Dense(5, "softmax", kernel_initializer=kernel),
    ])  # fmt: skip
    model.compile(Adam(5e-3), CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=30, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@sick("bad_scale", also="exploding step_too_short saturated_units")
def normal_weights(seed, repaired=False):
    """Weights drawn by a normal distribution of deviation 1, as in a lecture, for 5 layers of 64 units."""
    x, y, x_test, y_test = parts.plant(seed)
    start = "he_normal" if repaired else keras.initializers.RandomNormal(stddev=1.0)
    model = dense(8, (64, 64, 64, 64), 1, kernel_initializer=start)
    model.compile(Adam(1e-3), "mse", metrics=["mae"])
    model.fit(x, y, epochs=30, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return r2(model, x_test, y_test)


@sick("saturated_units plateau", also="bad_scale vanishing")
def steep_sigmoids(seed, repaired=False):
    """Two kinds of rows by sigmoids that start with weights of deviation 25, under a squared error."""
    x, y, x_test, y_test = parts.table(seed, 1600, 16, 8, class_sep=1.2)
    start = "glorot_normal" if repaired else keras.initializers.RandomNormal(stddev=25.0)
    model = keras.Sequential([keras.Input((16,)), layers.Dense(32, "sigmoid", kernel_initializer=start)])
    model.add(layers.Dense(1, "sigmoid", kernel_initializer=start))
    model.compile(SGD(0.5, momentum=0.9), "mse", metrics=["accuracy"])
    model.fit(x, y, epochs=30, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return accuracy(model, x_test, y_test)


@sick("batch_norm_gap")
def slow_statistics(seed, repaired=False):
    """Rows with large means by batch normalization whose momentum is 0.999, for 300 steps. Repaired: 0.9."""
    x, y, x_test, y_test = parts.table(seed, 1300, 16, 8, n_classes=4, n_clusters_per_class=1, class_sep=1.3)
    momentum = 0.9 if repaired else 0.999
    inputs = keras.Input((16,))
    h = layers.BatchNormalization(momentum=momentum)(inputs)
    for units in (64, 32):
        h = layers.Dense(units, use_bias=False)(h)
        h = layers.Activation("relu")(layers.BatchNormalization(momentum=momentum)(h))
    model = keras.Model(inputs, layers.Dense(4, "softmax")(h))
    model.compile(Adam(3e-3), CLASSES, metrics=["accuracy"])
    shift = np.linspace(-4, 4, 16).astype("float32")
    model.fit(x * 2 + shift, y, epochs=10, batch_size=32, validation_data=(x_test * 2 + shift, y_test), verbose=0)
    return accuracy(model, x_test * 2 + shift, y_test)


# --- the data --------------------------------------------------------------------------------------------------------


@sick("bad_inputs")
def wine_as_it_comes(seed, repaired=False):
    """Three cultivars from measures of 0.1 to 1700, as they come. Repaired: standardized."""
    x, y = datasets.load_wine(return_X_y=True)
    x_train, y_train, x_test, y_test = split(x.astype("float32"), y, seed, 0.7)
    if repaired:
        x_train, x_test = standard(x_train), standard(x_test, x_train)
    model = keras.Sequential()
    model.add(keras.Input((13,)))
    model.add(layers.Dense(16, activation="relu"))
    model.add(layers.Dense(8, activation="relu"))
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=60, batch_size=8, verbose=0)
    return accuracy(model, x_test, y_test)


@sick("bad_inputs nonfinite")
def lab_values_missing(seed, repaired=False):
    """Tumours by 30 values, one in 500 of which is missing, that is NaN. Repaired: the mean stands for it."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    x = standard(x)
    x[np.random.default_rng(seed).random(x.shape) < 0.002] = np.nan
    if repaired:
        x = np.nan_to_num(x, nan=0.0)
    x, y, x_test, y_test = split(x, y, seed)
    model = dense(30, (24,), 1, last="sigmoid")
    model.compile(Adam(1e-3), TWO_CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=30, batch_size=16, validation_split=0.2, verbose=0)
    return accuracy(model, np.nan_to_num(x_test), y_test)


@sick("nonfinite", also="exploding")
def half_of_the_bits(seed, repaired=False):
    """Energy in float16 "to save memory": squared errors of some hundreds overflow. Repaired: float32."""
    x, y, x_test, y_test = parts.plant(seed)
    dtype = "float32" if repaired else "float16"
    y, y_test = 150 * y + 400, 150 * y_test + 400
    model = keras.Sequential([keras.Input((8,), dtype=dtype)])
    for units in (64, 32):
        model.add(layers.Dense(units, "relu", dtype=dtype))
    model.add(layers.Dense(1, dtype=dtype))
    model.compile(Adam(0.02), "mse")
    model.fit(x.astype(dtype), y.astype(dtype), epochs=40, batch_size=32, verbose=0)
    return r2(model, x_test.astype(dtype), y_test)


@sick("imbalance", also="plateau")
def fraud(seed, repaired=False):
    """Fraud, 3 rows in 100, which no row shows for certain: all is called honest. Repaired: class_weight."""
    x, y, x_test, y_test = parts.table(seed, 6000, 12, 6, weights=[0.97], class_sep=0.7, flip_y=0.01)
    weights = {0: 1.0, 1: 30.0} if repaired else None
    model = dense(12, (16,), 1, last="sigmoid")
    model.compile(Adam(1e-3), TWO_CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=12, batch_size=64, class_weight=weights, validation_split=0.1, verbose=0)
    return balanced(model, x_test, y_test)


@sick("wrong_labels", also="learns_nothing overfitting")
def joined_by_position(seed, repaired=False):
    """Two tables of patients, one sorted by age, joined by position and not by number of the patient."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    x, y, x_test, y_test = split(standard(x), y, seed)
    by_age = np.argsort(np.random.default_rng(seed).uniform(20, 90, len(x)))
    if not repaired:
        x = x[by_age]
    model = dense(30, (32, 16), 1, last="sigmoid")
    model.compile(Adam(1e-3), TWO_CLASSES, metrics=["accuracy"])
    model.fit(x, y, epochs=40, batch_size=32, validation_split=0.2, verbose=0)
    return accuracy(model, x_test, y_test)


@sick("leak", also="overfitting too_long")
def copies_before_the_split(seed, repaired=False):
    """Diagnoses, a quarter wrong, with jittered copies made before some are held out, so that the best epoch is the
    last. Repaired: held out first.
    """
    x, y, x_test, y_test = _doctors(seed)
    r = np.random.default_rng(seed)

    def copied(x, y):
        again = np.tile(np.arange(len(x)), 4)
        return (x[again] + r.normal(0, 0.1, (len(again), x.shape[1]))).astype("float32"), y[again]

    if repaired:
        x_val, y_val = x[:100], y[:100]
        x, y = copied(x[100:], y[100:])
    else:
        x, y, x_val, y_val = split(*copied(x, y), seed)
    model = dense(16, (256, 128), 1, last="sigmoid")
    model.compile(Adam(1e-3), TWO_CLASSES, metrics=["accuracy"])
    best = EarlyStopping(patience=5, restore_best_weights=True)
    model.fit(x, y, validation_data=(x_val, y_val), epochs=25, batch_size=32, callbacks=[best], verbose=0)
    return accuracy(model, x_test, y_test)


@sick("wrong_output", also="dead_units underfitting")
def returns_above_zero(seed, repaired=False):
    """Standardized returns, half of which are negative, out of a unit of ReLU."""
    x, y, x_test, y_test = parts.plant(seed)
    model = dense(8, (64, 32), 1, last=None if repaired else "relu")
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(x, y, epochs=30, batch_size=32, validation_data=(x_test, y_test), verbose=0)
    return r2(model, x_test, y_test)


def _doctors(seed):
    """Return 480 examined patients, a quarter with a wrong diagnosis, and 600 with checked ones."""
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (1080, 16)).astype("float32")
    y = (x[:, 0] + x[:, 1] - x[:, 2] + x[:, 3] > 0).astype("int32")
    doubtful = np.where(r.random(480) < 0.25, 1 - y[:480], y[:480])
    return x[:480], doubtful, x[480:], y[480:]

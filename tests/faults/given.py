"""What parts are called with in the fuzz, and what a first use of a part is."""

import functools
import tempfile

import keras
import numpy as np
from keras import ops

from keras_ch8 import callbacks, choosing, continuation, extend, optimizers
from keras_ch8.extend import Verdict

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 2)).astype("float32")
Y = X[:, :1].copy()
LABELS = np.arange(8) % 2
SEQUENCES = RNG.normal(size=(8, 3, 1)).astype("float32")
FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")


@functools.cache
def _models():
    """Return the models, by name, and their first weights."""
    keras.utils.set_random_seed(0)
    dense = [keras.layers.Dense(2, "relu", name="hidden"), keras.layers.Dense(2, "relu", name="second")]
    plain = keras.Sequential([keras.Input((2,)), *dense, keras.layers.Dense(1)])
    normalized = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization(), keras.layers.Dense(1)])
    recurrent = keras.Sequential([keras.Input((3, 1)), keras.layers.SimpleRNN(2), keras.layers.Dense(1)])
    models = {"plain": plain, "normalized": normalized, "recurrent": recurrent}
    for one in models.values():
        one.compile("sgd", "mse")
    models["tempered"] = keras.Sequential([keras.Input((2,)), continuation.Temperature(2.0), keras.layers.Dense(1)])
    models["tempered"].compile("sgd", "mse")
    models["unsupervised"] = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activity_regularizer="l2")])
    models["unsupervised"].compile("sgd")
    return models, {name: one.get_weights() for name, one in models.items()}


def model(name="plain"):
    """Return one of the models, which are compiled once, as it was made."""
    models, weights = _models()
    models[name].set_weights(weights[name])
    models[name].stop_training = False
    return models[name]


def new_model():
    made = keras.models.clone_model(model())
    made.compile("sgd", "mse")
    return made


def an_optimizer(learning_rate=0.1):
    return optimizers.SGD(learning_rate)


def new_candidate():
    return choosing.Candidate(an_optimizer)


def flat():
    return np.concatenate([v.numpy().ravel() for v in model().trainable_variables])


def weights():
    return [v.numpy() for v in model().trainable_variables]


def square(x):
    return ops.sum(x**2)


def batches():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)


def on_model(name="plain", **more):
    return lambda: (
        {"model": model(name), "x": SEQUENCES if name == "recurrent" else X, "y": Y}
        | {key: make() for key, make in more.items()}
    )


def in_a_folder():
    return {"log_dir": tempfile.mkdtemp(dir=FOLDER.name)}


def lower_the_rate():
    code = "model.optimizer.learning_rate = 0.05"
    return Verdict("step_too_long", "act", "It rises.", "Lower the rate.", "8.2.1", 5, code=code)


def nothing(made):
    """Nothing more: the call was the use."""


def apply_once(optimizer):
    optimizer.apply([ops.array([0.5, -1.0])], [keras.Variable([1.0, 2.0])])


def save_settings(optimizer):
    repr(type(optimizer).from_config(optimizer.get_config()))


def fit_two_steps(*watching):
    model().fit(X, Y, batch_size=4, epochs=1, validation_data=(X, Y), callbacks=list(watching), verbose=0)


def fit_a_problem_that_is_made_easy(callback):
    model("tempered").fit(X, Y, batch_size=4, epochs=1, callbacks=[callback], verbose=0)


def clip_a_tensor(rule):
    optimizer = optimizers.SGD(0.1, clip=rule)
    apply_once(optimizer)


def judge_a_list(criterion):
    repr(criterion)
    logs = tuple({"val_loss": 1 / e if e < 6 else 1.0, "loss": 1 / e} for e in range(1, 13))
    modes = dict(criterion.watched("val_loss"))
    known = {name for one in logs for name in one}
    logs = tuple(one | dict.fromkeys(modes.keys() - known, 1.0) for one in logs)
    modes = {name: "min" if mode == "auto" else mode for name, mode in modes.items()}
    history = extend.EpochHistory("val_loss", modes, tuple(range(12)), logs, tuple(range(1, 13)))
    criterion.evaluate(history)


def step_three(schedule):
    repr(schedule)
    schedule.resolve(extend.Clock(2, 1, 10))
    float(schedule(3))


def decays_in_fit(rule):
    fit_two_steps(callbacks.LearningRateDecay(rule))


def draw_a_kernel(initializer):
    has_axes = getattr(initializer, "input_axes", None) is not None
    np.asarray(initializer((2, 2, 2) if has_axes else (3, 3)))


def draw_a_bias(shape):
    return lambda initializer: np.asarray(initializer(shape))


def call_a_layer(layer):
    layer(ops.array(X), training=True)
    layer(ops.array(X))


def read_once(annealed):
    float(annealed.read())


def read_an_epoch(source):
    has_targets = source.examples.y is not None
    model("plain" if has_targets else "unsupervised").fit(source, epochs=1, verbose=0)


def grow(pacing):
    assert float(pacing(1.0)) == 1.0

"""Small trainings with the optimizers of section 8.6; some run in a process of their own (see `tests.forked`)."""

import keras
import numpy as np

from keras_ch8 import optimizers as ours
from tests.forked import two_replicas

NAMES = [
    "BFGS", "ConjugateGradient", "LBFGS", "LevenbergMarquardt", "Newton", "SSBFGS", "SSBroyden", "SaddleFreeNewton",
    "SteepestDescent", "TruncatedNewton",
]  # fmt: skip
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype("float32")
Y = np.tanh(X @ RNG.normal(size=(3, 2)) + 0.5).astype("float32")


def network(optimizer, loss="mse", layers=None, kind=keras.Sequential, **options):
    keras.utils.set_random_seed(1)
    layers = layers or [keras.layers.Dense(4, "tanh"), keras.layers.Dense(2)]
    model = kind([keras.Input((3,)), *layers])
    model.compile(optimizer, loss, **options)
    return model


def fit(model, epochs=1, x=X, y=Y, **options):
    options = {"batch_size": len(X), "verbose": 0, "shuffle": False} | options
    return model.fit(x, y, epochs=epochs, **options).history


def flat(model):
    return np.concatenate([v.numpy().ravel() for v in model.trainable_variables])


def resumed(path):
    """Go on with a saved model for three more steps; return its weights and the state of its optimizer."""
    model = keras.models.load_model(path)
    fit(model, epochs=3)
    return digits(model)


def digits(model):
    return [v.numpy().astype("float64").ravel().tolist() for v in [*model.variables, *model.optimizer.variables]]


def adam():
    """Train with Adam, where no optimizer that wants the loss has been made."""
    assert not hasattr(keras.Model.train_step, "is_of_keras_ch8")
    model = network("adam")
    fit(model, epochs=5, batch_size=8)
    return digits(model)


def strategy():
    """Return how a strategy of two replicas is refused."""
    with two_replicas().scope():
        model = network(ours.LBFGS())
    try:
        fit(model)
    except ValueError as error:
        return str(error)
    return "not refused"

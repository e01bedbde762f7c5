"""Trainings by others' searches and wrappers (KerasTuner, scikeras), and of models of others' layers."""

import functools
import importlib

import keras
import keras_tuner
import numpy as np
import scikeras.wrappers
from kimm._src.models.convmixer import ConvMixer
from parts import Parts, adam, built, pictures


def table(count):
    """Return rows of numbers, and a number that depends on some of them."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(count, 8)).astype("float32")
    y = np.sin(x[:, 0]) + x[:, 1] * x[:, 2] / 2 + rng.normal(0, 0.2, count)
    return x, y.astype("float32")


def dense(outputs, activation=None, width=32):
    """Return a dense network for the rows of the table."""
    layers = [keras.layers.Dense(width, "relu") for _ in range(2)]
    return keras.Sequential([keras.Input((8,)), *layers, keras.layers.Dense(outputs, activation, dtype="float32")])


def searched(make):
    """Return what trains by a search, which `make` makes of a function that builds a model."""

    def train(parts, mode, arguments, callbacks):
        def model(choices):
            chosen = {"width": choices.Choice("width", [16, 32]), "rate": choices.Choice("rate", [1e-3, 2e-3])}
            tried = parts._replace(model=lambda: dense(1, width=chosen["width"]), optimizer=adam(chosen["rate"]))
            return built(tried, mode)

        search = make(model)
        more = {} if isinstance(search, keras_tuner.Hyperband) else {"epochs": parts.epochs}
        search.search(**arguments, **more, verbose=0, callbacks=callbacks)
        scores = [trial.score for trial in search.oracle.trials.values()]
        return search.get_best_models()[0], [{"score": scores}]

    return train


def random_search():
    """KerasTuner tries widths and rates at random."""

    def make(model):
        return keras_tuner.RandomSearch(model, "val_loss", max_trials=3, seed=1, directory="tuner", overwrite=True)

    return Parts(lambda: dense(1), table(2000), {"loss": "mse"}, adam(1e-3), 10, train=searched(make))


def hyperband():
    """KerasTuner tries many for a short time, and the best of them longer."""

    def make(model):
        return keras_tuner.Hyperband(model, "val_loss", max_epochs=9, seed=1, directory="tuner", overwrite=True)

    return random_search()._replace(train=searched(make))


def wrapped(wrapper):
    """Return what trains by a wrapper of scikeras."""

    def train(parts, mode, arguments, callbacks):
        arguments = dict(arguments)
        estimator = wrapper(
            model=lambda: built(parts, mode),
            epochs=parts.epochs,
            batch_size=arguments.pop("batch_size"),
            verbose=0,
            callbacks=callbacks,
        )
        estimator.fit(arguments.pop("x"), arguments.pop("y"), **arguments)
        return estimator.model_, [estimator.history_]

    return train


def classifier():
    """A `KerasClassifier` of scikeras tells whether the number is large."""
    x, y = table(2000)
    compiled = {"loss": "binary_crossentropy", "metrics": ["accuracy"]}
    train = wrapped(scikeras.wrappers.KerasClassifier)
    return Parts(lambda: dense(1, "sigmoid"), (x, (y > 0).astype("int32")), compiled, adam(1e-3), 10, train=train)


def regressor():
    """A `KerasRegressor` of scikeras predicts the number."""
    train = wrapped(scikeras.wrappers.KerasRegressor)
    return Parts(lambda: dense(1), table(2000), {"loss": "mse"}, adam(2e-3), 15, train=train)


def conv_mixer():
    """A ConvMixer of kimm tells things apart."""
    shown, kinds, _, _ = pictures(1200)
    small = {"depth": 2, "hidden_channels": 24, "patch_size": 4, "kernel_size": 3}
    plain = {"input_shape": (32, 32, 3), "classes": 4, "include_preprocessing": False, "weights": None}
    compiled = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    return Parts(lambda: ConvMixer(**small, **plain), (shown, kinds), compiled, adam(2e-3), 8)


@functools.cache
def bayesflow():
    """Return BayesFlow, which wakes TensorFlow when it is imported: this has to be in the process that trains."""
    return importlib.import_module("bayesflow")


def inferred(parts, mode, arguments, callbacks):
    """Train an approximator of BayesFlow, which makes its data sets of the arrays."""
    model = built(parts, mode)
    sets = [
        bayesflow().datasets.OfflineDataset(each, arguments["batch_size"], adapter=model.adapter)
        for each in (arguments["x"], arguments["validation_data"][0])
    ]
    history = model.fit(dataset=sets[0], validation_data=sets[1], epochs=parts.epochs, verbose=0, callbacks=callbacks)
    return model, [history.history]


def posterior(network):
    """Return the parts of a training in which two numbers are inferred from noisy sums of them."""
    rng = np.random.default_rng(12)
    numbers = rng.normal(size=(2000, 2)).astype("float32")
    seen = numbers @ rng.normal(size=(2, 4)) + rng.normal(0, 0.3, (2000, 4))
    examples = {"numbers": numbers, "seen": seen.astype("float32")}
    adapter = bayesflow().Adapter().convert_dtype("float64", "float32")
    adapter = adapter.rename("numbers", "inference_variables").rename("seen", "inference_conditions")

    def model():
        return bayesflow().ContinuousApproximator(inference_network=network(), adapter=adapter)

    return Parts(model, (examples,), {}, adam(1e-3), 10, 64, inferred)


def coupling_flow():
    """A coupling flow of BayesFlow learns what is likely."""
    small = {"depth": 2, "subnet_kwargs": {"widths": (32, 32)}}
    return posterior(lambda: bayesflow().networks.CouplingFlow(**small))


def flow_matching():
    """Flow matching of BayesFlow, which draws noise in each step, learns what is likely."""
    return posterior(lambda: bayesflow().networks.FlowMatching(subnet_kwargs={"widths": (32, 32)}))


TRAININGS = {
    random_search: "spe8",
    hyperband: "mixed_bfloat16",
    classifier: "accumulate",
    regressor: "jit",
    conv_mixer: "tfdata",
    coupling_flow: "spe8",
    flow_matching: "accumulate",
}
"""Each training, and the mode in which it is run beside float32."""

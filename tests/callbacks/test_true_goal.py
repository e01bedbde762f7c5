"""Section 8.1.2 on real digits: stop on the target metric, and go on after the training 0-1 loss is 0."""

import functools

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_ch8 import callbacks, losses, metrics, optimizers

pytestmark = pytest.mark.full

SEEDS = range(3)


def digits(seed, *sizes):
    """Return shuffled parts of the given sizes, and the rest."""
    x, y = load_digits(return_X_y=True)
    order, ends = np.random.default_rng(seed).permutation(len(x)), np.cumsum(sizes)
    return list(zip(np.split((x[order] / 16).astype("float32"), ends), np.split(y[order], ends), strict=True))


def noisy(y, seed):
    """Give a fifth of the labels another class."""
    rng = np.random.default_rng(seed)
    return np.where(rng.uniform(size=len(y)) < 0.2, (y + rng.integers(1, 10, len(y))) % 10, y)


def layers():
    return keras.Sequential([keras.Input((64,)), keras.layers.Dense(256, "relu"), keras.layers.Dense(10)])


@functools.cache
def traced():
    """Return a compiled network, and the state of its optimizer before the first step."""
    model, nll = layers(), losses.NegativeLogLikelihood(losses.likelihoods.CategoricalLikelihood())
    # As many steps an execution as an epoch has: Keras spends more time between steps than in them.
    model.compile(optimizers.Adam(), nll, metrics=[metrics.ZeroOneLoss()], steps_per_execution=32)
    model.optimizer.build(model.trainable_variables)
    return model, [v.numpy() for v in model.optimizer.variables]


def network(seed, rate):
    """Return a network as new, whose start the seed decides; its step is traced once for all seeds."""
    model, state = traced()
    keras.utils.set_random_seed(seed)
    model.set_weights(layers().get_weights())
    for variable, value in zip(model.optimizer.variables, state, strict=True):
        variable.assign(value)
    model.optimizer.learning_rate = rate
    return model


class AlsoOn(keras.callbacks.Callback):
    """Reports loss and 0-1 loss on more data, at the end of each epoch."""

    def __init__(self, name, x, y):
        super().__init__()
        self.name, self.x, self.y = name, x, y

    def on_epoch_end(self, epoch, logs=None):
        kernel, bias, kernel_2, bias_2 = self.model.get_weights()
        z = np.maximum(self.x @ kernel + bias, 0) @ kernel_2 + bias_2
        log_p = z - z.max(axis=1, keepdims=True)
        log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
        logs[f"{self.name}_loss"] = -float(log_p[np.arange(len(z)), self.y].mean())
        logs[f"{self.name}_zero_one_loss"] = float(np.mean(z.argmax(axis=1) != self.y))


RULES = ("val_loss", "val_zero_one_loss", "noisy_loss", "noisy_zero_one_loss")


@pytest.fixture(scope="module")
def errors():
    """Train once a seed on noisy labels; return the mean test error in percent by what is watched, if anything."""
    found = {rule: [] for rule in (*RULES, "nothing")}
    for seed in SEEDS:
        (x, y), (x_val, y_val), (x_test, y_test) = digits(seed, 1000, 400)
        rules = [callbacks.EarlyStopping(rule, patience=120, mode="min", restore_best_weights=True) for rule in RULES]
        also = [AlsoOn("noisy", x_val, noisy(y_val, 100 + seed)), AlsoOn("test", x_test, y_test)]
        model = network(seed, 0.001)
        history = model.fit(x, noisy(y, 200 + seed), epochs=120, validation_data=(x_val, y_val), verbose=0,
                            validation_batch_size=400, callbacks=[*also, *rules]).history  # fmt: skip
        for rule in rules:
            model.set_weights(rule.best_weights)
            error = model.evaluate(x_test, y_test, verbose=0, return_dict=True)["zero_one_loss"]
            assert error == pytest.approx(history["test_zero_one_loss"][rule.best_epoch])
            found[rule.monitor].append(error)
        found["nothing"].append(history["test_zero_one_loss"][-1])
    return {rule: 100 * np.mean(values) for rule, values in found.items()}


def test_to_stop_on_the_target_metric_beats_to_stop_on_the_surrogate_and_that_beats_not_to_stop(errors):
    """A fifth of the training labels is wrong; those of the validation examples are right."""
    assert errors["val_zero_one_loss"] + 0.75 < errors["val_loss"], errors
    assert errors["val_loss"] + 3 < errors["nothing"], errors


def test_where_validation_labels_are_as_noisy_the_surrogate_stops_as_well(errors):
    """It is punished for being sure there, as it should be."""
    assert errors["noisy_loss"] == pytest.approx(errors["noisy_zero_one_loss"], abs=0.75), errors
    assert max(errors["noisy_loss"], errors["noisy_zero_one_loss"]) + 3 < errors["nothing"], errors


def test_after_the_training_0_1_loss_is_0_the_surrogate_falls_on_and_the_test_error_with_it():
    before, after, sentences = [], [], []
    for seed in SEEDS:
        train, test = digits(seed, 500)
        gap = callbacks.SurrogateGap()
        also = [AlsoOn("measured", *train), AlsoOn("val", *test)]
        history = network(seed, 0.01).fit(*train, epochs=60, callbacks=[*also, gap], verbose=0).history
        at = history["measured_zero_one_loss"].index(0)
        assert history["measured_loss"][-1] < 0.1 * history["measured_loss"][at]
        before.append(100 * history["val_zero_one_loss"][at])
        after.append(100 * history["val_zero_one_loss"][-1])
        sentences.append(gap.findings()[0])
    assert np.mean(after) + 0.3 < np.mean(before), (before, after)
    for sentence in sentences:
        assert "On the training set `zero_one_loss` is flat since epoch" in sentence
        assert "(at 0), while `loss` has gone on falling" in sentence
    assert sum(sentence.endswith("it learns more, so go on.") for sentence in sentences) >= 2, sentences

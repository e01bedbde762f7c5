"""What hangs on a model or a callback and is none of the model's variables goes on as well, or is named."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8.callbacks import Resume
from keras_ch8.checkpoints import variables

from .resuming import Died, X, Y, assert_same, train

L = keras.layers
SERIES = X[:64].reshape(16, 4, 6), Y[:16]


def compiled(model):
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


class Own(keras.Model):
    """A training step of its own, with variables of many kinds that Keras does not count."""

    def __init__(self):
        super().__init__()
        self.dense = L.Dense(3)
        self.kl = tf.Variable(0.1, trainable=False)
        self.target = [tf.Variable(tf.zeros([3])), {"deep": (tf.Variable(1.0),)}]
        self.helper = Helper()

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, y = data
        scale = 1.0 + self.kl + self.target[1]["deep"][0] + self.helper.count + self.helper.noise()
        with tf.GradientTape() as tape:
            loss = scale * self.compute_loss(x, y, self(x)) + tf.reduce_sum(self.target[0] * self.dense.bias)
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        self.kl.assign_add(0.1)
        self.target[0].assign(0.9 * self.target[0] + self.dense.bias)
        self.target[1]["deep"][0].assign_add(0.2)
        self.helper.count.assign_add(1.0)
        beta.assign_add(0.3)
        return {"loss": loss * (1.0 + beta)}


beta = tf.Variable(0.0)


class Helper:
    """An object that neither Keras nor TensorFlow knows."""

    def __init__(self):
        self.count = keras.Variable(0.0)
        self.generator = tf.random.Generator.from_seed(3)
        self.seeds = keras.random.SeedGenerator(7)

    def noise(self):
        return self.generator.normal([]) + keras.random.normal((), seed=self.seeds)


def own():
    keras.utils.set_random_seed(1)
    beta.assign(0.0)
    return compiled(Own())


def recurrent(kind):
    keras.utils.set_random_seed(1)
    inputs = keras.Input(batch_shape=(4, 4, 6))
    return compiled(keras.Model(inputs, L.Dense(3)(kind(5, stateful=True)(inputs))))


class Anneals(keras.callbacks.Callback):
    """Changes the training by a variable of its own, and says no state."""

    def __init__(self):
        super().__init__()
        self.rate = keras.Variable(0.01)

    def on_train_batch_begin(self, batch, logs=None):
        self.rate.assign(self.rate * 0.8)
        self.model.optimizer.learning_rate = float(self.rate)


def annealed():
    weight = tf.Variable(1.0)

    def change(batch, logs):
        weight.assign(weight * 0.8)
        model.optimizer.learning_rate = 0.01 * float(weight)

    model = plain()
    return {"model": lambda: model, "callbacks": lambda: [keras.callbacks.LambdaCallback(on_train_batch_begin=change)]}


def plain():
    keras.utils.set_random_seed(1)
    return compiled(keras.Sequential([keras.Input((6,)), L.Dense(3)]))


def series(kind):
    return {
        "model": lambda: recurrent(kind),
        "data": lambda: SERIES,
        "batch_size": 4,
        "shuffle": False,
        "validation_data": None,
        "epochs": 2,
    }


CASES = {
    "own train_step": lambda: {"model": own},
    "LSTM": lambda: series(L.LSTM),
    "GRU": lambda: series(L.GRU),
    "callback": lambda: {"model": plain, "callbacks": lambda: [Anneals()]},
    "closure of a callback": annealed,
}


@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.slow
def test_it_goes_on_with_all_variables_that_it_had(name, resume, tmp_path):
    script = CASES[name]
    one = train(Resume(tmp_path / "whole"), **script())
    with pytest.raises(Died):
        train(resume(), 6, **script())
    other = train(resume(), **script())
    assert_same(other, one)
    for mine, theirs in zip(states(other), states(one), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def states(run):
    return [state.numpy() for layer in run.model.layers for state in getattr(layer, "states", None) or []]


@pytest.mark.slow
def test_a_variable_that_is_not_there_before_the_first_step_is_named_and_can_be_allowed(resume):
    class Late(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.late = tf.Variable(1.0)

    with pytest.raises(Died):
        train(resume(), 4, model=plain, callbacks=lambda: [Late()])
    see = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: pytest.fail("a step was made"))
    with pytest.raises(ValueError, match=r"Received: no Late\.late, .* before the first step"):
        train(resume(), model=plain, callbacks=lambda: [Late(), see])
    train(resume(allow=["model"]), model=plain, callbacks=lambda: [Late()], epochs=3)


@pytest.mark.slow
def test_a_variable_of_another_shape_or_a_new_one_is_a_change_of_the_model(resume):
    class Holds(keras.callbacks.Callback):
        def __init__(self, **shapes):
            super().__init__()
            self.held = {name: tf.Variable(tf.zeros(shape)) for name, shape in shapes.items()}

    with pytest.raises(Died):
        train(resume(), 4, model=plain, callbacks=lambda: [Holds(a=[2])])
    with pytest.raises(ValueError, match=r"Holds\.held\['a'\]: \[2\] then, \[3\] now\n.*'b'\]: nothing then, \[\] now"):
        train(resume(), model=plain, callbacks=lambda: [Holds(a=[3], b=[])])


@pytest.mark.slow
def test_what_has_a_state_and_no_variable_is_named_in_one_warning(resume):
    class Reads(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.batches = iter(tf.data.Dataset.range(100))
            self.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, 0)

    with pytest.warns(UserWarning, match=r"what `Reads\.batches`, `Reads\.table` has come to starts from scratch"):
        train(resume(), model=plain, callbacks=lambda: [Reads()], epochs=1)


def test_paths_are_those_of_the_shortest_way_and_known_variables_have_none():
    model = own()
    model(X[:2])
    found = variables.found_in({"model": model}, model.variables).variables
    assert {"model.kl", "model.target[0]", "model.helper.count", "model.train_step:beta"} <= found.keys()
    assert not any("dense" in path for path in found)
    assert sum("generator" in path for path in found) == 1

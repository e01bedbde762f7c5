"""Trainings that die and are begun again, for the tests of `Resume`: an exception stands for the end of the process."""

import dataclasses

import keras
import numpy as np

import keras_ch8
from tests.small_callbacks import Dies

L = keras.layers
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(70, 6)).astype("float32"), RNG.integers(0, 3, 70)
STEPS = 5
"""Batches of an epoch."""


class Died(Exception):
    """In the place of the end of the process."""


@dataclasses.dataclass
class Run:
    """A training that has ended."""

    model: keras.Model
    history: dict
    epochs: list
    callbacks: list
    data: object

    @property
    def variables(self):
        found = [*self.model.variables, *self.model.optimizer.variables]
        return [v.numpy() for v in found]


def small_model(optimizer=None, **compiled):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,)), L.Dense(4, "relu"), L.Dropout(0.3), L.Dense(3)])
    optimizer = optimizer or keras_ch8.optimizers.Adam(keras_ch8.schedules.LinearDecay(2e-2, "3ep"))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"], **compiled)
    return model


def source(**arguments):
    return keras_ch8.data.ArraySource(X, Y, **{"batch_size": 16, "seed": 3, **arguments})


def train(resume=None, die_at=None, *, model=small_model, data=source, callbacks=list, epochs=3, **arguments):
    """Do what a script does: make everything anew, and train; die at the end of a batch if that is asked for."""
    model, data, callbacks = model(), data(), callbacks()
    dies = [] if die_at is None else [Dies("on_train_batch_end", die_at, Died)]
    given = [*callbacks, *([] if resume is None else [resume]), *dies]
    x = data if isinstance(data, tuple) else (data,)
    arguments = {"validation_data": (X[:20], Y[:20]), "verbose": 0, **arguments}
    if callable(arguments["validation_data"]):
        arguments["validation_data"] = arguments["validation_data"]()
    history = model.fit(*x, epochs=epochs, callbacks=given, **arguments)
    return Run(model, history.history, history.epoch, callbacks, data)


def interrupted(resume, die_at, **script):
    """Train, die at each of these batches, and train to the end; `resume` makes a `Resume` for each start."""
    for batch in die_at:
        try:
            train(resume(), batch, **script)
        except Died:
            continue
        raise AssertionError(f"The training ended before batch {batch}.")
    return train(resume(), **script)


def assert_same(run, other):
    """Assert that two trainings have ended bit for bit alike."""
    for one, two in zip(run.variables, other.variables, strict=True):
        np.testing.assert_array_equal(one, two)
    assert run.history == other.history
    assert run.epochs == other.epochs

import errno
import os
import signal
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8.callbacks import Resume

from .resuming import STEPS, Died, X, Y, assert_same, interrupted, small_model, source, train


@pytest.fixture(scope="module")
def whole():
    """A training that nothing interrupts, without `Resume`."""
    return train()


@pytest.fixture
def resume(tmp_path):
    def make(every="2ba", **arguments):
        return Resume(tmp_path / "states", every, **arguments)

    return make


def states(tmp_path):
    return sorted((tmp_path / "states").glob("state-*.npz"))


# --- what it ends with -----------------------------------------------------------------------------------------------


def test_it_changes_nothing(whole, resume):
    assert_same(train(resume()), whole)


def test_a_training_that_dies_twice_ends_as_one_that_does_not(whole, resume):
    assert_same(interrupted(resume, (4, 5)), whole)


@pytest.mark.parametrize("die_at", [1, STEPS, STEPS + 1])
def test_a_death_before_the_first_state_or_at_the_turn_of_an_epoch(whole, resume, die_at):
    assert_same(interrupted(lambda: resume("1ep"), (die_at,)), whole)


def test_a_training_that_has_ended_is_not_trained_again(whole, resume, capsys):
    first = train(resume())
    again = train(resume(), die_at=1)
    assert_same(again, first)
    assert capsys.readouterr().out.count("has ended before") == 1
    assert again.model.evaluate(X, Y, verbose=0) == first.model.evaluate(X, Y, verbose=0)


def test_batches_are_counted_on(resume):
    seen = []
    with pytest.raises(Died):
        train(resume(), 4)
    see = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    train(resume(), callbacks=lambda: [see], epochs=3)
    assert seen == [2, 3, 4] + 2 * list(range(STEPS))


def test_it_says_from_where_it_goes_on(resume, capsys):
    interrupted(resume, (8,))
    assert "in epoch 2, after 2 of its batches" in capsys.readouterr().out


def test_a_model_without_weights_gets_them(resume, tmp_path):
    def unbuilt():
        model = small_model()
        return keras.Sequential(model.layers) if False else _without_input()

    assert_same(interrupted(resume, (7,), model=unbuilt), train(model=unbuilt))


def _without_input():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.2), keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras_ch8.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model

"""The order of the examples is a function of the seed, the epoch and the batch."""

import keras
import numpy as np
import pytest

from keras_ch8.data import ArraySource

from .recorder import Recorder

X = np.arange(10.0)


def order(count, seed, epoch):
    return np.random.default_rng([seed, epoch]).permutation(count)


@pytest.mark.parametrize("epoch", [0, 1, 7])
@pytest.mark.parametrize(("last_batch", "steps"), [("keep", 4), ("drop", 3), ("wrap", 4)])
def test_an_epoch_is_a_permutation_by_seed_and_epoch(last_batch, steps, epoch):
    source = ArraySource(X, X, batch_size=3, seed=5, last_batch=last_batch)
    expected = order(10, 5, epoch)
    left = [*expected, -1, -1]
    filled = {"keep": left, "drop": expected[:9], "wrap": [*expected, *expected[:2]]}[last_batch]
    assert source.steps == len(source) == steps
    assert source.plan(epoch).tolist() == np.reshape(filled, (steps, 3)).tolist()


def test_by_default_an_epoch_has_every_example_once_and_the_last_batch_what_is_left():
    model, source = Recorder(), ArraySource(X, X, batch_size=4, seed=3)
    given = model.fit(source, epochs=2)
    assert [len(batch) for batch in given] == [4, 4, 2] * 2
    for epoch in (0, 1):
        assert np.concatenate(given[3 * epoch : 3 * epoch + 3]).tolist() == order(10, 3, epoch).tolist()
    assert [len(x) for x, _, _ in source.batches(0)] == [4, 4, 2]
    assert [len(batch) for batch in model.fit(ArraySource(X, X))] == [10]


@pytest.mark.parametrize("step", [2, 3, 4])
def test_a_position_before_the_smaller_batch_goes_on_with_what_is_left(step):
    source = ArraySource(X, X, batch_size=3, seed=3)
    source.seek(0, step)
    given = Recorder().fit(source)
    expected = order(10, 3, 0)[3 * step :] if step < 4 else order(10, 3, 1)
    assert np.concatenate(given).tolist() == expected.tolist()


def test_a_batch_larger_than_the_data_goes_round_several_times():
    source = ArraySource(X, batch_size=25, seed=0, last_batch="wrap")
    assert source.plan(2).tolist() == [[*order(10, 0, 2), *order(10, 0, 2), *order(10, 0, 2)[:5]]]


def test_three_epochs_of_fit_have_three_orders_and_a_second_run_the_same_where_keras_repeats_one():
    model, runs = Recorder(), []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        runs.append(model.fit(ArraySource(X, batch_size=10), epochs=3))
    first, second = runs
    assert first == second
    assert len({tuple(epoch) for epoch in first}) == 3
    assert all(sorted(epoch) == list(range(10)) for epoch in first)
    keras.utils.set_random_seed(0)
    of_arrays = model.fit(X, batch_size=10, epochs=3, shuffle=True)
    assert len({tuple(epoch) for epoch in of_arrays}) == 1


def test_the_seed_that_was_drawn_makes_the_same_source_again():
    source, other = ArraySource(X, batch_size=5), ArraySource(X, batch_size=5)
    assert source.seed != other.seed
    assert (ArraySource(X, batch_size=5, seed=source.seed).plan(4) == source.plan(4)).all()


class Table:
    """A sampler that follows one table in all epochs."""

    def __init__(self, table):
        self.table = table

    def plan(self, epoch):
        return self.table


GOOD = np.array([[0, 1], [2, 2]])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (GOOD[:1], r"integers of shape \(2, 2\).*Received: int64\[1, 2\]"),
        (GOOD * 1.0, r"integers of shape \(2, 2\).*Received: float64"),
        (GOOD + 2, r"from 0 to 2, or -1.*Received: some from 2 to 4"),
        (GOOD - 2, "Received: some from -2 to 0"),
        (GOOD * 0 - 1, "stand at the end of a batch. Received: a first row of -1 in batch 0"),
    ],
)
def test_a_plan_that_does_not_fit_the_source_is_refused(table, message):
    source = ArraySource(X[:3], batch_size=2)
    source.sampler = Table(table)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        source.plan(0)


def test_something_that_plans_nothing_is_refused():
    source = ArraySource(X, batch_size=2)
    with pytest.raises(TypeError, match=r"must have a method `plan\(epoch\)`.*Received: 'random'"):
        source.sampler = "random"
    source.sampler = type("Sampler", (), {"plan": lambda self, epoch: 3})()
    with pytest.raises(ValueError, match=r"returns integers of shape \(5, 2\), .* Received: int64\[\]"):
        source.plan(0)

"""Examples that are trained and validated on are counted, and told from those that are equal by nature."""

import time

import numpy as np
import pytest

from keras_ch8.verdicts.arrays import equal_rows

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))


def test_equal_rows_are_counted_and_told_from_those_that_are_equal_by_nature():
    assert equal_rows(X[:100], np.concatenate([X[:10], X[100:190]])) == (0.1, False)
    assert equal_rows(X[:100], X[100:])[0] == 0
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    assert equal_rows(bits, bits) == (1.0, True)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 12)] * 2), -1).reshape(-1, 2)
    assert equal_rows(grid, grid[::3]) == (1.0, True)


def test_examples_repeated_before_the_split_are_told_from_answers_that_many_give():
    repeated = RNG.permutation(np.repeat(X, np.where(np.arange(200) < 40, 9, 1), axis=0))
    equal, by_nature = equal_rows(repeated[:400], repeated[400:])
    assert equal > 0.3
    assert not by_nature
    words = np.tile(RNG.integers(0, 30, (150, 12)), (3, 1))  # no column tells them apart
    order = RNG.permutation(450)
    equal, by_nature = equal_rows(words[order[:300]], words[order[300:]])
    assert equal > 0.8
    assert not by_nature
    answers = RNG.integers(0, 4, (40, 20))[RNG.integers(0, 40, 500)]  # of 40 kinds of people
    assert equal_rows(answers[:400], answers[400:]) == (pytest.approx(1.0, abs=0.1), True)


def test_equal_inputs_of_another_target_and_empty_images_are_not_counted():
    y = np.arange(200.0)
    assert equal_rows(X[:100], X[:50], (y[:100], y[:50]))[0] == 1
    assert equal_rows(X[:100], X[:50], (y[:100], y[100:150]))[0] == 0
    images = RNG.normal(size=(100, 8, 8))
    images[::2] = 0
    assert equal_rows(images[:60], images[60:])[0] == 0
    images[60:] = images[:40]
    assert equal_rows(images[:60], images[60:]) == (0.5, False)


def test_arrays_of_several_inputs_are_compared_together_and_in_all_their_numbers():
    other = RNG.normal(size=(200, 300))
    assert equal_rows([X[:100], other[:100]], [X[:50], other[:50]]) == (1.0, False)
    assert equal_rows([X[:100], other[:100]], [X[:50], other[50:100]])[0] == 0
    changed = other[:50].copy()
    changed[:, 1] += 1  # a number by which they are not looked for
    assert equal_rows(other, changed)[0] == 0


def test_many_examples_are_compared_quickly():
    x = RNG.normal(size=(60_000, 64)).astype("float32")
    begin = time.process_time()
    assert equal_rows(x, x[:10_000]) == (1.0, False)
    assert time.process_time() - begin < 2.0  # 0.2 s on a machine that is not busy


def test_of_large_data_some_examples_are_compared(monkeypatch):
    monkeypatch.setattr("keras_ch8.verdicts.arrays.MOST_BYTES", X.nbytes // 2)
    assert 0.2 < equal_rows(X, X)[0] < 0.5

"""Slots go from one optimizer to another of its kind."""

import keras
import numpy as np
import pytest

from keras_ch8 import optimizers
from keras_ch8.training._chain import put_slots, slots_of

INNER = {"ours": optimizers.Adam, "Keras": keras.optimizers.Adam}


def variables():
    return [keras.Variable(np.ones(n), name=name, dtype="float32") for name, n in (("one", 2), ("two", 3))]


@pytest.mark.parametrize("inner", INNER.values(), ids=INNER)
def test_slots_of_blocks_are_carried_to_another_optimizer(inner):
    known, others = variables(), variables()
    optimizer, other = (optimizers.BlockCoordinateDescent(inner(), blocks=["one", "two"]) for _ in range(2))
    for _ in range(2):
        optimizer.apply([keras.ops.ones(2), 2 * keras.ops.ones(3)], known)
    other.build(others)
    slots = slots_of(optimizer, known)
    put_slots(other, others, slots)
    found = slots_of(other, others)
    assert found.keys() == slots.keys()
    assert {place for place, _ in slots} == {0, 1}
    for key, value in slots.items():
        np.testing.assert_array_equal(found[key], value)
    assert all(np.any(value != 0) for value in slots.values())

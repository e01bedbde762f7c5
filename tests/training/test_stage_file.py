"""The file of a pretraining comes back as it was written, or not at all; slots go from one optimizer to another."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ch8 import optimizers
from keras_ch8.training._stage_file import NAME, StageFile, put_slots, slots_of

BFLOAT16 = ops.convert_to_numpy(ops.cast(np.arange(6).reshape(2, 3), "bfloat16"))
VARIABLES = [np.arange(6, dtype="float32").reshape(2, 3), np.array(3, "int64"), BFLOAT16]
SLOTS = {(0, "v"): np.full((2, 3), 0.5, "float32"), (2, "residual"): np.zeros((2, 3), "float32")}
STAGES = [{"name": "stage 1", "trained": ["a"], "history": {"loss": [1.0, 0.5]}, "seconds": 1.0}]


@pytest.fixture
def file(tmp_path):
    file = StageFile(tmp_path, {"epochs": 2})
    file.save(STAGES, VARIABLES, SLOTS)
    return file


def is_whole(content):
    stages, variables, slots = content
    return (
        stages == STAGES
        and [v.tobytes() for v in variables] == [v.tobytes() for v in VARIABLES]
        and {key: value.tobytes() for key, value in slots.items()} == {k: v.tobytes() for k, v in SLOTS.items()}
    )


def rewritten(file, **changes):
    """Write the file anew, as somebody would who changes some arrays (a0, a1, ... in order) and leaves the rest."""
    with np.load(file.path) as content:
        arrays = dict(content) | changes
    np.savez(file.path, **{name: value for name, value in arrays.items() if value is not None})


def test_it_comes_back_bit_for_bit_also_where_numpy_does_not_know_the_type(file):
    assert is_whole(file.load())


@pytest.mark.parametrize(
    "changes",
    [
        {"a0": VARIABLES[0] + 1e-6},
        {"a0": VARIABLES[0].reshape(3, 2)},
        {"a0": VARIABLES[0].view("int32")},
        {"a1": np.array(4, "int64")},
        {"a3": SLOTS[2, "residual"], "a4": SLOTS[0, "v"]},
        {"a4": None},
        {"more": np.zeros(1)},
        {"meta": np.array('{"settings": {"epochs": 2}, "stages": [], "variables": 0, "slots": []}')},
        {"checksum": np.array("0" * 64)},
    ],
    ids=["value", "shape", "type", "counter", "swapped", "lost", "added", "meta", "checksum"],
)
def test_a_file_that_was_changed_is_refused_with_the_fix(file, changes):
    rewritten(file, **changes)
    with pytest.raises(ValueError, match=rf"{NAME}.*that is not: its sha256 is \w+.*Put back .* or delete it"):
        file.load()


def test_so_is_one_without_a_checksum(file):
    rewritten(file, checksum=None)
    with pytest.raises(ValueError, match=rf"{NAME}.*one that is not: it cannot be read \(.*checksum.*or delete it"):
        file.load()


def test_no_flipped_bit_goes_unnoticed(file):
    with open(file.path, "rb") as opened:
        written, refused = bytearray(opened.read()), []
    for place in range(0, len(written), 7):
        written[place] ^= 1 << place % 8
        with open(file.path, "wb") as opened:
            opened.write(written)
        try:
            content = file.load()
        except ValueError as error:
            refused.append(str(error))
        else:
            assert is_whole(content), place  # a date in the archive
        written[place] ^= 1 << place % 8
    assert len(refused) > len(written) / 7 / 2
    assert all(NAME in message for message in refused)


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

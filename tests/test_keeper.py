"""What a keeper was given comes back as it was, or not at all, and never to another work."""

import numpy as np
import pytest
from keras import ops

from keras_ch8._arrays_file import Keeper

BFLOAT16 = ops.convert_to_numpy(ops.cast(np.arange(6).reshape(2, 3), "bfloat16"))
ARRAYS = {
    "matrix": np.arange(6, dtype="float32").reshape(2, 3),
    "count": np.array(3, "int64"),
    "narrow": BFLOAT16,
    "slot": np.full((2, 3), 0.5, "float32"),
    "other slot": np.zeros((2, 3), "float32"),
}
PLAIN = {"history": {"loss": [1.0, 0.5]}, "names": ["a"]}


class Kept:
    """A keeper with one file, and the path of that."""

    def __init__(self, folder):
        self.keeper = Keeper(folder, "comparison", {"epochs": 2})
        self.keeper.save("first", {"arrays": ARRAYS, "plain": PLAIN})
        [self.path] = [path for path in folder.glob("*.npz") if path.name != "comparison.npz"]
        self.name = self.path.name

    def load(self):
        return self.keeper.load("first")


@pytest.fixture
def file(tmp_path):
    return Kept(tmp_path)


def is_whole(content):
    arrays, plain = content["arrays"], content["plain"]
    return plain == PLAIN and {name: value.tobytes() for name, value in arrays.items()} == {
        name: value.tobytes() for name, value in ARRAYS.items()
    }


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
        {"a0": ARRAYS["matrix"] + 1e-6},
        {"a0": ARRAYS["matrix"].reshape(3, 2)},
        {"a0": ARRAYS["matrix"].view("int32")},
        {"a1": np.array(4, "int64")},
        {"a3": ARRAYS["other slot"], "a4": ARRAYS["slot"]},
        {"a4": None},
        {"more": np.zeros(1)},
        {"meta": np.array('{"arrays": [], "meta": {}}')},
        {"checksum": np.array("0" * 64)},
    ],
    ids=["value", "shape", "type", "counter", "swapped", "lost", "added", "meta", "checksum"],
)
def test_a_file_that_was_changed_is_refused_with_the_fix(file, changes):
    rewritten(file, **changes)
    with pytest.raises(ValueError, match=rf"{file.name}.*that is not: its sha256 is \w+.*Put back .* or delete it"):
        file.load()


def test_so_is_one_without_a_checksum(file):
    rewritten(file, checksum=None)
    with pytest.raises(
        ValueError, match=rf"{file.name}.*one that is not: it cannot be read \(.*checksum.*or delete it"
    ):
        file.load()


def test_no_flipped_bit_goes_unnoticed(file):
    with open(file.path, "rb") as opened:
        written, refused = bytearray(opened.read()), []
    for place in range(0, len(written), 29):
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
    assert len(refused) > len(written) / 29 / 2
    assert all(file.name in message for message in refused)


def test_what_another_work_has_kept_is_refused_and_never_taken_where_the_refusal_was_deleted(file, tmp_path):
    with pytest.raises(ValueError, match=r"belongs to another: it differs in epochs\. Received: directory="):
        Keeper(tmp_path, "comparison", {"epochs": 3})
    (tmp_path / "comparison.npz").unlink()
    assert Keeper(tmp_path, "comparison", {"epochs": 3}).load("first") is None


def test_without_a_folder_nothing_is_kept():
    keeper = Keeper(None, "comparison", {})
    keeper.save("first", PLAIN)
    assert keeper.load("first") is None

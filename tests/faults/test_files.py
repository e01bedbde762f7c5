"""Files of somebody else: nothing in them is run."""

import numpy as np
import pytest

from keras_ch8 import _arrays_file
from keras_ch8.callbacks import Resume
from tests.callbacks.resuming import train


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        return open, (self.target, "w")


def test_an_array_of_objects_is_refused_and_not_unpickled(tmp_path):
    target, path = tmp_path / "was run", tmp_path / "state-000001.npz"
    np.savez(path, meta=np.array([Payload(target)], dtype=object), checksum=np.array("0"))
    with pytest.raises(ValueError, match=r"it cannot be read \(ValueError: Object arrays cannot be loaded"):
        _arrays_file.read(str(path))
    with pytest.raises(ValueError, match="no intact state"):
        train(Resume(tmp_path))
    assert not target.exists()

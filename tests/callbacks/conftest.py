import pytest

from keras_ch8.callbacks import Resume
from keras_ch8.callbacks.session import batch_counter
from keras_ch8.checkpoints.folder import Folder


@pytest.fixture(autouse=True)
def telemetry_is_read_by_batches_alone(monkeypatch):
    """On a busy machine a short training may take longer than the seconds after which telemetry is read."""
    monkeypatch.setattr(batch_counter, "READ_SECONDS", float("inf"))


@pytest.fixture(autouse=True)
def states_are_taken_when_they_are_due(monkeypatch):
    """On a busy machine the one before may still be being written then; the next one waits for it."""
    monkeypatch.setattr(Folder, "is_writing", False)


@pytest.fixture
def resume(tmp_path):
    """Return a function that makes a `Resume`, as each start of a script does."""

    def make(every="2ba", where="states", **arguments):
        return Resume(tmp_path / where, every, **arguments)

    return make

import pytest

from keras_ch8.callbacks.session import progress


@pytest.fixture(autouse=True)
def telemetry_is_read_by_batches_alone(monkeypatch):
    """A clock that decides when telemetry is read decides at which steps there are points of some curves."""
    monkeypatch.setattr(progress, "READ_SECONDS", float("inf"))

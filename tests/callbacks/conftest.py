import pytest

from keras_ch8.callbacks import _session


@pytest.fixture(autouse=True)
def telemetry_is_read_by_batches_alone(monkeypatch):
    """On a busy machine a short training may take longer than the seconds after which telemetry is read."""
    monkeypatch.setattr(_session, "READ_SECONDS", float("inf"))

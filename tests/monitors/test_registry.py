"""A monitor that says to which sets it belongs is in them: nothing else has to know of it."""

import importlib
import inspect
import pkgutil
import sys

import numpy as np
import pytest

from keras_ch8 import callbacks, monitors
from keras_ch8.monitors import AbstractMonitor, _monitor
from keras_ch8.monitors.checks import chosen
from keras_ch8.monitors.probe import Probe
from tests.curvature.models import MODELS

CHEAP = ["step_length", "gradient_noise", "gradient_norm", "cliff", "online_risk"]
REST = ["layer_flow", "time_horizon", "batch_statistics", "distance", "spectrum"]
FILE = """
from ._monitor import AbstractMonitor


class DoubledLossMonitor(AbstractMonitor):
    name = "doubled_loss"
    sets = ("full",)
    reading = dict

    def tensors(self, scene):
        return {"doubled": 2 * scene.now.loss}
"""


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setattr(_monitor, "REGISTERED", _monitor.REGISTERED)
    before = dict(_monitor.REGISTERED)
    yield
    _monitor.REGISTERED.clear()
    _monitor.REGISTERED.update(before)
    sys.modules.pop("keras_ch8.monitors._doubled_loss", None)


def names(checks):
    return [monitor.name for monitor in chosen(checks)]


def test_the_sets_are_these_in_this_order():
    assert names("cheap") == CHEAP
    assert names("standard") == names("full") == CHEAP + REST
    assert chosen("standard")[:-1] == chosen("full")[:-1]
    assert [chosen(checks)[-1].always for checks in ("standard", "full", ["spectrum"])] == [False, True, True]


def test_a_file_is_enough_and_its_monitor_runs_by_name(tmp_path, monkeypatch):
    (tmp_path / "_doubled_loss.py").write_text(FILE)
    assert "doubled_loss" not in names("full")
    monkeypatch.setattr(monitors, "__path__", [*monitors.__path__, str(tmp_path)])
    assert names("full") == [*CHEAP, *REST, "doubled_loss"]
    assert "doubled_loss" not in names("standard")
    model, x, y = MODELS["dense"]()
    found = Probe(model, x, y, monitors=chosen(["doubled_loss", "gradient_norm"])).look()
    assert found["doubled_loss"]["doubled"] == pytest.approx(2 * found["gradient_norm"].loss)
    watching = callbacks.Diagnosis((x, y), checks=["doubled_loss"], when=1)
    model.fit(x, y, epochs=1, verbose=0, callbacks=[watching])
    assert np.isfinite([reading["doubled"] for reading in watching.past.of("doubled_loss")]).all()


def test_a_class_of_the_user_joins_the_sets_that_it_names():
    class Mine(AbstractMonitor):
        name, sets, place = "mine", ("cheap", "full"), 3

    assert names("cheap") == [*CHEAP[:3], "mine", *CHEAP[3:]]
    assert "mine" not in names("standard")
    assert chosen("full")[3] is chosen("cheap")[3]
    assert type(chosen(["mine"])[0]) is Mine


def test_every_monitor_of_the_package_is_in_the_full_set():
    files = [f"keras_ch8.monitors.{module.name}" for module in pkgutil.iter_modules(monitors.__path__)]
    parts = [part for file in files for part in vars(importlib.import_module(file)).values() if inspect.isclass(part)]
    all_of_them = {part for part in parts if issubclass(part, AbstractMonitor)} - {AbstractMonitor}
    assert {type(monitor) for monitor in chosen("full")} == all_of_them


def test_a_set_that_there_is_not_and_a_name_that_is_taken_are_refused():
    with pytest.raises(
        ValueError, match=r"sets 'cheap', 'standard', 'full'\. Received: sets=\('all',\) of .*Name some"
    ):
        type("Mine", (AbstractMonitor,), {"name": "mine", "sets": ("all",)})
    with pytest.raises(ValueError, match=r"name='cliff' of .*Mine, which is that of .*CliffMonitor\. Give it another"):
        type("Mine", (AbstractMonitor,), {"name": "cliff", "sets": ("full",)})
    assert "mine" not in names("full")

"""A monitor that says to which sets it belongs is in them: nothing else has to know of it."""

import importlib
import inspect
import pkgutil
import sys

import numpy as np
import pytest

from keras_ch8 import callbacks, extend, monitors, verdicts
from keras_ch8.board import tags
from keras_ch8.extend import Monitor
from keras_ch8.monitors import base
from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.probe import ProbeEvaluator
from keras_ch8.verdicts.kinds import KINDS
from tests.board.readers import python_loader
from tests.callbacks.test_tensorboard import read
from tests.curvature.models import MODELS
from tools import rules_page

pytestmark = pytest.mark.usefixtures("in_graphs")
FILE = """
from ..verdicts.kinds import Kind
from ..verdicts.rules import Limit, Quantity, Rule
from .base import Monitor, Curve

DOUBLED = Quantity("doubled", "Twice the loss.", lambda value: f"twice the loss is {value:.2g}")


class DoubledLossMonitor(Monitor):
    name = "doubled_loss"
    sets = ("full",)
    kinds = (Kind("doubled", "8.2", "The loss counts twice.", "The loss counts once", "Halve it."),)
    curves = (Curve("doubled_loss", "Twice the loss", "loss", "Twice the loss of the probe.", "8.2"),)
    rules = (
        Rule(
            kind="doubled",
            says="The loss counts twice",
            limits=(Limit(DOUBLED, "above", watch=0.0, source="made up"),),
            at_most="watch",
        ),
    )

    def tensors(self, snapshot):
        return {"doubled": 2 * snapshot.now.loss}

    def reading(self, doubled):
        return float(doubled)

    def numbers(self, log):
        return {"doubled_loss": log.of(self.name)[-1]}

    def measure(self, log):
        return {"doubled": log.of(self.name)[-1]}
"""


@pytest.fixture(autouse=True)
def registered():
    """Leave the registries of monitors, curves and kinds as they were."""
    registries = base.REGISTERED, base.CURVES, KINDS, verdicts.kinds._ADDED_BY
    before = [dict(registry) for registry in registries]
    yield
    for registry, content in zip(registries, before, strict=True):
        registry.clear()
        registry.update(content)
    sys.modules.pop("keras_ch8.monitors._doubled_loss", None)


def names(checks):
    return [monitor.name for monitor in chosen(checks)]


def test_a_larger_set_has_the_monitors_of_a_smaller_one_and_only_the_full_one_measures_the_spectrum_always():
    cheap, standard, full = map(names, ("cheap", "standard", "full"))
    assert standard[: len(cheap)] == cheap
    assert {"step_length", "gradient_norm"} <= set(cheap)
    assert [name for name in full if name in standard] == standard
    always = [next(m.always for m in chosen(checks) if m.name == "spectrum") for checks in ("standard", "full")]
    assert always == [False, True]
    assert chosen(["spectrum"])[0].always


@pytest.fixture
def added(tmp_path, monkeypatch):
    """Put a file with a monitor beside those of the package, and do nothing else."""
    (tmp_path / "_doubled_loss.py").write_text(FILE)
    assert "doubled_loss" not in names("full")
    monkeypatch.setattr(monitors, "__path__", [*monitors.__path__, str(tmp_path)])


def test_a_file_is_enough_and_its_monitor_runs_by_name(added):
    assert "doubled_loss" in names("full")
    assert "doubled_loss" not in names("standard")
    model, x, y = MODELS["dense"]()
    found = ProbeEvaluator(model, x, y, monitors=chosen(["doubled_loss", "gradient_norm"])).evaluate()
    assert found["doubled_loss"] == pytest.approx(2 * found["gradient_norm"].loss)
    watching = callbacks.Diagnosis((x, y), checks=["doubled_loss"], measure_every=1)
    model.fit(x, y, epochs=1, verbose=0, callbacks=[watching])
    assert np.isfinite(watching.log.of("doubled_loss")).all()


def watched(monitor, folder):
    """Return what a training with one monitor says, and what it draws."""
    model, x, y = MODELS["dense"]()
    watching = callbacks.Diagnosis((x, y), checks=[monitor], measure_every=1, budget=None)
    model.compile("sgd", "mse", jit_compile=False)
    model.fit(x, y, batch_size=4, epochs=1, verbose=0, callbacks=[watching, callbacks.TensorBoard(folder)])
    with python_loader(folder) as board:
        return watching, board.descriptions("scalars", "scalars"), read(folder)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["a file of the package", "a class of the user"])
def test_a_monitor_has_its_verdict_its_curve_and_its_page_without_a_change_elsewhere(how, request, tmp_path):
    if how == "a file of the package":
        request.getfixturevalue("added")
        (monitor,) = chosen(["doubled_loss"])
    else:
        scope = {"__package__": "keras_ch8.monitors", "__name__": "mine"}
        exec(FILE.replace('sets = ("full",)', "sets = ()"), scope)
        monitor = scope["DoubledLossMonitor"]()
    watching, described, drawn = watched(monitor, tmp_path / "run")
    (verdict,) = watching.verdicts
    assert (verdict.kind, verdict.level, verdict.section, verdict.cure) == ("doubled", "watch", "8.2", "Halve it.")
    doubled = watching.log.of("doubled_loss")
    assert verdict.finding == f"The loss counts twice: twice the loss is {doubled[-1]:.2g}."
    assert [value for _, value in drawn["diagnosis/doubled_loss"]] == pytest.approx(doubled)
    assert described["diagnosis/doubled_loss"] == "Twice the loss of the probe. [loss] (section 8.2)"
    page = rules_page.page([monitor])
    for words in ("## doubled", "The loss counts twice", "Halve it.", "Twice the loss.", "doubled_loss"):
        assert words in page, words


def test_a_class_of_the_user_joins_the_sets_that_it_names():
    before = names("cheap")

    class Mine(Monitor):
        name, sets, order = "mine", ("cheap", "full"), 3

    place = names("cheap").index("mine")
    assert names("cheap") == [*before[:place], "mine", *before[place:]]
    assert all(monitor.order <= 3 for monitor in chosen("cheap")[:place])
    assert "mine" not in names("standard")
    assert next(m for m in chosen("full") if m.name == "mine") is chosen("cheap")[place]
    assert type(chosen(["mine"])[0]) is Mine


def test_every_monitor_of_the_package_is_in_the_full_set():
    files = [f"keras_ch8.monitors.{module.name}" for module in pkgutil.iter_modules(monitors.__path__)]
    parts = [part for file in files for part in vars(importlib.import_module(file)).values() if inspect.isclass(part)]
    all_of_them = {part for part in parts if issubclass(part, Monitor)} - {Monitor}
    assert {type(monitor) for monitor in chosen("full")} == all_of_them


def test_a_set_that_there_is_not_and_a_name_that_is_taken_are_refused():
    with pytest.raises(
        ValueError, match=r"some of 'cheap', 'standard', 'full'\. Received: sets=\('all',\) of .*Use some"
    ):
        type("Mine", (Monitor,), {"name": "mine", "sets": ("all",)})
    with pytest.raises(ValueError, match=r"name='cliff' of .*Mine, already used by .*CliffMonitor\. Choose another"):
        type("Mine", (Monitor,), {"name": "cliff", "sets": ("full",)})
    assert "mine" not in names("full")


def test_a_curve_or_a_kind_of_another_monitor_is_refused_and_the_same_class_may_be_made_anew():
    curve = extend.Curve("loss", "Loss of the probe", "loss", "Another loss.", "8.2")
    with pytest.raises(ValueError, match=r"Each curve needs a name .*of .*GradientNormMonitor\. Choose another"):
        type("Mine", (Monitor,), {"name": "mine", "curves": (curve,)})
    kind = extend.Kind("cliff", "8.2", "", "", "")
    with pytest.raises(ValueError, match=r"Each kind of verdict needs a name of its own.*Rename your kind"):
        type("Mine", (Monitor,), {"name": "mine", "kinds": (kind,)})
    for text in ("One loss.", "Another loss."):
        curve = extend.Curve("mine", "Mine", "loss", text, "8.2")
        type("Mine", (Monitor,), {"name": "mine", "curves": (curve,), "sets": ("full",)})
        assert tags.diagnosis("mine").text == text


def test_a_monitor_that_does_not_say_so_records_no_layer():
    assert not any(Monitor().records(layer) for layer in MODELS["dense"]()[0].layers)

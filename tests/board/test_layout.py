"""The Custom Scalars dashboard: a chart for each panel that has data, of the same series in every run."""

import json
import re
import warnings

import numpy as np
import pytest
from tensorboard.context import RequestContext
from tensorboard.plugins import base_plugin

from keras_ch8.board import panels, tags
from keras_ch8.board.layout import custom_scalars
from keras_ch8.board.writer import RunWriter
from tests.board.readers import LOADERS

NAMES = {tag.name for tag in [*tags.ALL, *tags.diagnosis_tags().values()]} | {"epoch/loss", "epoch/val_loss"}


def charts_of(names, declared=()):
    """Return {title of the category: {title of the chart: patterns}}, of those that have charts."""
    layout = custom_scalars(names, declared)
    found = {c.title: {chart.title: list(chart.multiline.tag) for chart in c.chart} for c in layout.category}
    return {title: charts for title, charts in found.items() if charts}


def test_categories_are_the_groups_of_the_chapter_in_every_layout():
    titles = [f"{section} {title}".strip() for section, title in panels.GROUPS.items()]
    for names in (set(), {"step/loss"}, NAMES):
        assert [category.title for category in custom_scalars(names).category] == titles


def test_charts_are_the_panels_that_have_data():
    names = {"step/loss", "step/learning_rate", "step/solver_damping", "epoch/val_loss"}
    found = charts_of(names)
    assert [list(charts) for charts in found.values()] == [
        ["Loss after each epoch, training and validation"], ["Loss of minibatches"],
        ["Learning rate, and median effective rate"], ["Damping"],
    ]  # fmt: skip
    assert charts_of(set()) == {}


def test_no_chart_is_empty_and_each_is_the_same_in_every_run():
    everything = charts_of(NAMES)
    assert len({title for charts in everything.values() for title in charts}) > 30
    rng = np.random.default_rng(0)
    for _ in range(20):
        names = set(rng.choice(sorted(NAMES), 12, replace=False).tolist())
        for group, charts in charts_of(names).items():
            for title, patterns in charts.items():
                assert any(re.match(pattern, name) for pattern in patterns for name in names)
                assert everything[group].get(title, patterns) == patterns
        found = {p for charts in charts_of(names).values() for patterns in charts.values() for p in patterns}
        assert all(any(re.match(pattern, name) for pattern in found) for name in names)


def test_lines_are_the_series_and_those_of_each_optimizer():
    (loss,) = charts_of({"step/loss"})["8.1.3 Batch noise"].values()
    names = (
        "step/loss",
        "step/loss/max",
        "step/d/loss",
        "step/d/loss/max",
        "step/losses",
        "epoch/loss",
        "my_step/loss",
    )
    matched = [name for name in names if re.match(loss[0], name)]
    assert matched == ["step/loss", "step/d/loss"]
    (rate,) = charts_of({"step/g_optimizer/learning_rate"})["8.3 Learning rate"].values()
    assert re.match(rate[0], "step/g_optimizer/learning_rate")


def test_what_no_panel_shows_has_a_chart_of_its_own_in_its_section():
    mine = tags.Tag("mine/steep [1]", "Steepness", "1", "Steepness.", "8.2")
    names = {mine.name, "theirs/*", "epoch/accuracy", "epoch/val_accuracy", "step/running_accuracy"}
    assert charts_of(names, [mine]) == {
        "8.2 The step": {"mine/steep [1]": [r"mine/steep\ \[1\]$"]},
        "Other numbers": {
            "theirs/*": ["theirs/.*$"],
            "epoch/accuracy": ["epoch/accuracy$", "epoch/val_accuracy$"],
            "step/running_accuracy": ["step/([^/]+/)?running_accuracy$"],
        },
    }


def what_tensorboard_shows(board):
    """Return {title of the category: [titles of its charts]} of all runs together."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a library inside TensorBoard
        from tensorboard.plugins.custom_scalar.custom_scalars_plugin import CustomScalarsPlugin
    plugin = CustomScalarsPlugin(base_plugin.TBContext(data_provider=board.provider))
    layout = json.loads(plugin.layout_impl(RequestContext(), ""))
    return {c["title"]: [chart["title"] for chart in c.get("chart", [])] for c in layout["category"]}


@pytest.mark.parametrize("loader", LOADERS)
def test_tensorboard_shows_the_newest_layout_of_each_run_and_no_chart_twice(tmp_path, loader):
    runs = {
        "a": [{"step/loss": 1.0}, {"step/learning_rate": 0.1}, {"epoch/loss": 1.0}],
        "b": [{"step/solver_step_length": 1.0, "step/loss": 1.0}],
        "c": [{"step/solver_step_length": 1.0}, {"step/solver_damping": 1.0}, {"step/gradient_norm": 1.0}],
    }
    for name, steps in runs.items():
        writer = RunWriter.open(str(tmp_path / name), 1)
        for step, values in enumerate(steps, 1):
            writer.scalars(step, values)
        writer.close()
    writer = RunWriter.open(str(tmp_path / "a"), 4)  # a second fit
    writer.scalars(4, {"step/update_norm": 1.0})
    writer.close()
    with loader(tmp_path) as board:
        shown = what_tensorboard_shows(board)
    assert list(shown) == [f"{section} {title}".strip() for section, title in panels.GROUPS.items()]
    assert {title: charts for title, charts in shown.items() if charts} == {
        "8.1 Loss and metrics": ["Loss after each epoch, training and validation"],
        "8.1.3 Batch noise": ["Loss of minibatches"],
        "8.2 The step": ["Length of the update"],
        "8.2.4 Clipping and spikes": ["Gradient norm, before and after clipping"],
        "8.3 Learning rate": ["Learning rate, and median effective rate"],
        "8.6 Second-order solver": ["Step length of the line search", "Damping"],
    }

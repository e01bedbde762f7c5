"""Tags: every series has its own name, a unit, and a description that names its section."""

import re

import pytest

from keras_ch8.board import panels, tags
from keras_ch8.monitors.base import members

EVERY = [*tags.ALL, *tags.diagnosis_tags().values()]
SPIKY = [tag for tag in tags.ALL if tag.spiky]


@pytest.mark.parametrize(
    "tag",
    [
        *EVERY,
        tags.running("loss"),
        tags.epoch("val_loss"),
        tags.continuation("blur.stddev"),
        tags.block_norm("0"),
        tags.group_rate("0_encoder"),
        tags.group_update("0_encoder"),
    ],
    ids=lambda tag: tag.name,
)
def test_a_description_says_what_in_which_unit_and_where_in_the_book(tag):
    assert re.fullmatch(r"[A-Z].+\. \[.+\] \(section 8\.\d(\.\d)?\)", tag.description)
    assert tag.unit in tag.description
    assert tags.describe(tag.name) == tag.description


@pytest.mark.parametrize("tag", SPIKY, ids=lambda tag: tag.name)
def test_the_extremes_of_a_spiky_series_say_which_they_are(tag):
    assert (tag.low, tag.high) == (f"{tag.name}/min", f"{tag.name}/max")
    of_one = tags.of_optimizer(tag, "d_optimizer")
    assert all(tags.is_edge(name) for name in (tag.low, tag.high, of_one.low))
    assert not tags.is_edge(tag.name)
    words = ("5 % quantile", "95 % quantile") if tag is tags.EFFECTIVE_RATE else ("smallest", "largest")
    for name, word in zip((tag.low, tag.high), words, strict=True):
        assert f"The {word}" in tags.describe(name)
        assert tags.describe(name).endswith(tag.description)


def test_names_say_when_there_is_a_point_and_titles_what_a_chart_is():
    for tag in EVERY:
        assert tag.name.startswith((tags.STEP, tags.EPOCH, tags.DIAGNOSIS))
        assert re.fullmatch(r"[A-Z0-9].*[^.]", tag.title)
    assert len({tag.name for tag in EVERY}) == len(EVERY)


def test_a_panel_of_one_series_is_called_as_that_series_is():
    titles = {tag.name: tag.title for tag in EVERY}
    alone = {panel.series[0]: panel.title for panel in panels.PANELS if len(panel.series) == 1}
    assert {name: title for name, title in alone.items() if titles.get(name, title) != title} == {}


def test_a_curve_of_a_monitor_has_one_panel_which_its_rules_frame():
    monitors = members("full")
    made = list(panels.of_monitors(monitors))
    names = [name for panel in (*panels.PANELS, *made) for name in panel.series if name.startswith(tags.DIAGNOSIS)]
    curves = [tags.DIAGNOSIS + curve.name for monitor in monitors for curve in monitor.curves]
    assert sorted(name for name in names if name in curves) == sorted(curves)
    noise = next(panel for panel in made if panel.series == ("diagnosis/noise_scale",))
    assert (noise.title, noise.unit) == ("Noise scale: batch size where noise equals gradient", "examples")
    assert noise.kinds == ("noise_dominated", "batch_wasteful")
    assert (noise.lines, noise.log) == ((panels.ReferenceLine("batch_size", "batch size"),), True)
    assert next(panel for panel in made if panel.series == ("diagnosis/step_over_best",)).log is False


@pytest.mark.parametrize(
    "name", ["step/loss/mean", "epoch/loss/max", "step/accuracy/max", "step/a/b/loss/max", "loss/max"]
)
def test_what_only_looks_like_an_edge_is_a_curve(name):
    assert not tags.is_edge(name)


def test_names_of_metrics_are_kept_as_they_are():
    for name in ("loss", "top 5 [%]", "größe/x:0", "a\tb"):
        assert tags.running(name).name == f"step/running_{name}"
        assert tags.epoch(name).name == f"epoch/{name}"


def test_a_series_of_someone_else_has_no_description():
    assert tags.describe("accuracy") == tags.describe(f"{tags.WEIGHT_NORM.name}/max") == ""

"""What public functions return: one line, a table, HTML and a picture, for every class of them."""

import dataclasses
import functools
import html.parser
import inspect

import numpy as np
import pytest

import keras_ch8
from keras_ch8 import _result, extend
from tests import results

NO_TABLE = ("a stage", "state_of")
"""A row of another table."""


@functools.cache
def result(name):
    return results.RESULTS[name]()


class Parsed(html.parser.HTMLParser):
    """Checks that every element is closed in order, and counts them."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_every_result_of_a_public_function_is_one():
    for package in ("", *keras_ch8.PACKAGES):
        module = getattr(keras_ch8, package) if package else keras_ch8
        for name in module.__all__:
            function = getattr(module, name)
            said = inspect.get_annotations(function).get("return") if inspect.isfunction(function) else None
            if dataclasses.is_dataclass(said) and said.__module__.startswith("keras_ch8."):
                assert issubclass(said, _result.Result), f"{package}.{name} returns {said}"


@pytest.mark.slow
@pytest.mark.parametrize("name", results.RESULTS)
def test_four_forms(name):
    found = result(name)
    line, text = repr(found), str(found)
    assert len(line) <= 400
    assert "\n" not in line
    assert line.startswith(f"<{type(found).__name__}: ")
    table = found._table()
    page = Parsed(found._repr_html_())
    if name in NO_TABLE:
        assert table is None
        return
    lines = text.split("\n")
    header = next(place for place, each in enumerate(lines) if all(column in each for column in table.columns))
    assert len(lines) > header + 1
    assert page.seen.count("th") == len(table.columns)
    assert ("details" in page.seen) == (len(table.rows) >= _result.FOLDED)
    assert page.seen.count("tr") == 1 + min(len(table.rows), _result.MOST_ROWS + 1)
    assert sum(each.startswith(_result.MARK) for each in lines) == (table.marked is not None)
    for word in ("nan", "None", "array("):
        assert word not in text


CURVES = (
    "find_learning_rate", "compare_learning_rates", "check_initialization", "scale_to_data",
    "compare", "cure",
    "pretrain_greedily", "minimize", "minimize by continuation", "lanczos", "interpolate",
    "layer_flow", "batch_statistics", "time_horizon", "cliff", "read_run", "a curve of it",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CURVES)
def test_a_picture_says_what_it_shows(name):
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot

    found = result(name)
    axes = found.plot()
    assert axes.get_title()
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    legend = axes.get_legend()
    assert legend is None or legend.get_title().get_text()
    assert axes.lines or axes.collections
    axes.figure.canvas.draw()
    pyplot.close(axes.figure)


@pytest.mark.slow
def test_what_has_a_curve_has_a_picture():
    assert {name for name in results.RESULTS if hasattr(result(name), "plot")} == set(CURVES)


@pytest.mark.slow
def test_what_is_recommended_is_marked():
    pytest.importorskip("matplotlib").use("Agg")
    found = result("find_learning_rate")
    [marked] = [each for each in str(found).split("\n") if each.startswith(_result.MARK)]
    assert f"{found.suggestion:.4g}" in marked
    assert f"start with {found.suggestion:.2g}" in [text.get_text() for text in found.plot().get_legend().get_texts()]
    compared = result("compare_learning_rates")
    [marked] = [each for each in str(compared).split("\n") if each.startswith(_result.MARK)]
    assert f"{compared.suggestion:.4g}" in marked


class Hostile(_result.Result):
    """A result with a name that is no name."""

    def _headline(self):
        return "<script>alert(1)</script>\n" * 40

    def _table(self):
        rows = [("<img onerror=x>", float("nan"), None, True, 3), ("b", -1.5e-9, 12345.678, False, np.int64(4))]
        return _result.Table(("<b>", "x", "y", "z", "n"), rows, 1)


def test_html_is_escaped_and_cells_are_short():
    found = Hostile()
    page = Parsed(found._repr_html_())
    assert not {"script", "img"} & set(page.seen)
    assert "<img onerror=x>" in page.texts
    assert len(repr(found)) <= 400
    *_, header, first, second = str(found).split("\n")
    assert header.split() == ["<b>", "x", "y", "z", "n"]
    assert first.split() == ["<img", "onerror=x>", "-", "-", "yes", "3"]
    assert second.split() == [">", "b", "-1.5e-09", "1.235e+04", "no", "4"]


@pytest.mark.parametrize("count", [0, 60, 61, 500])
def test_of_a_long_table_the_middle_is_left_out(count):
    table = _result.Table(("number",), [(number,) for number in range(count)], count - 1 if count else None)
    lines = str(table).split("\n")
    assert len(lines) == 1 + min(count, 61)
    assert (f"... {count - 60} more" in str(table)) == (count > 60)
    if count:
        assert lines[-1].split() == [">", str(count - 1)]
    assert Parsed(table.as_html()).seen.count("tr") == 1 + min(count, 61)


def test_a_verdict_is_short_where_lists_are_printed():
    verdict = extend.Verdict("cliff", "act", "A spike. " * 100, "Clip.", "8.2.4", 5)
    assert len(repr(verdict)) <= 400
    assert repr(verdict).startswith("<Verdict: ACT Gradient spikes (cliff, since step 5): A spike.")

"""A run as arrays, frames, tables and pictures."""

import math
import pickle
import sys

import numpy as np
import pytest

import keras_ch8
from keras_ch8.board import panels
from keras_ch8.cockpit.document import Run
from keras_ch8.cockpit.history import RunHistory
from keras_ch8.extend import Verdict
from keras_ch8.monitors.base import members
from tests.cockpit.runs import FINE, VERDICT, curve, record, write

HOSTILE = '<img src=x onerror="alert(1)"></script>$\\frac{\x1b[2J'
BACKWARD = "diagnosis/backward_factor"
EVENTS = [
    {"step": 30, "kind": "clip", "text": "Clipped."}, {"step": 30, "kind": "spike", "text": "A spike."},
    {"step": 90, "kind": "stop", "text": "Stopped."}, {"step": 40, "kind": "act", "text": "vanishing"},
]  # fmt: skip


@pytest.fixture
def logs(tmp_path):
    """A training of 100 steps and 4 epochs with a verdict, events, bands and a limit of the gradient."""
    norms = {"step/gradient_norm": 4.0, "step/gradient_norm/min": 0.5, "step/gradient_norm/max": 9.0}
    points = curve(100, **norms, **{"step/gradient_norm_clipped": 1.0})
    for step, values in points[24::25]:
        values |= {"epoch/loss": 2 / step, "epoch/val_loss": 3 / step}
        values |= {"epoch/accuracy": 0.5, BACKWARD: 30 / step, "step/running_loss": 1.0}
    lines = {BACKWARD: [{"value": 0.8, "label": "act: vanishing"}]}
    said = [panel.as_data() for panel in panels.of_monitors(members("full"))]
    more = {"hyperparameters": {"global_clipnorm": 1.0}, "events": EVENTS, "lines": lines, "panels": said}
    write(tmp_path / "logs" / "deep", points, record(verdicts=[FINE, VERDICT], **more))
    return tmp_path / "logs"


@pytest.fixture
def history(logs):
    return keras_ch8.read_run(logs)


def history_of(points, **said):
    """Return the history of a run of points {name: {step: value}}."""
    run = Run("made")
    for name, values in points.items():
        for step, value in values.items():
            run.point(name, step, value)
    if said:
        run.record(record(**said))
    return RunHistory(run, "nowhere")


# --- what was written ------------------------------------------------------------------------------------------------


def test_a_run_is_read_back(history, logs):
    assert (history.name, history.folder) == ("deep", str(logs / "deep" / "optimization"))
    assert (history.step, history.ended, history.problem) == (100, True, "")
    assert history.hyperparameters == {"global_clipnorm": 1.0}
    assert history.verdicts == [Verdict(**VERDICT), Verdict(**FINE)]
    assert [(e.step, e.kind, e.text) for e in history.events] == [tuple(event.values()) for event in EVENTS]
    assert list(history.curves)[:3] == ["step/loss", "epoch/loss", "epoch/val_loss"]
    assert set(history.curves) >= {"step/gradient_norm", "step/running_loss", "epoch/accuracy"}
    loss = history["step/loss"]
    assert (len(loss), loss.name, loss.unit, loss.section) == (100, "step/loss", "loss", "8.1.3")
    assert loss.text == "Loss of single minibatches."


def test_all_points_are_there_with_all_their_digits(tmp_path):
    write(tmp_path, curve(3000))
    loss = keras_ch8.read_run(tmp_path)["step/loss"]
    np.testing.assert_array_equal(loss.steps, np.arange(1, 3001))
    np.testing.assert_array_equal(loss.values, np.float32(1 / np.arange(1, 3001)).astype(float))
    assert loss.low is loss.values or np.array_equal(loss.low, loss.values)
    assert not loss.has_band


def test_what_is_not_finite_stays_as_it_is():
    loss = history_of({"step/loss": {1: 1.0, 2: math.inf, 3: math.nan}})["step/loss"]
    np.testing.assert_array_equal(loss.values, [1.0, math.inf, math.nan])


def test_the_smallest_and_largest_values_of_windows_belong_to_their_curve(history):
    norm = history["step/gradient_norm"]
    assert norm.has_band
    assert (norm.low[0], norm.values[0], norm.high[0]) == (0.5, 4.0, 9.0)
    assert "step/gradient_norm/max" not in history.curves


def test_it_can_be_pickled(history):
    again = pickle.loads(pickle.dumps(history))
    assert (str(again), repr(again), again.verdicts) == (str(history), repr(history), history.verdicts)


def test_of_several_runs_each_is_named_the_newest_first_and_one_can_be_given(tmp_path):
    folders = [write(tmp_path / name, curve(3), record()) for name in ("b", "a", "c")]
    with pytest.raises(
        ValueError, match=r"must hold one run. Received: log_dir='.*', which holds 3.*Pass the folder"
    ) as e:
        keras_ch8.read_run(tmp_path)
    places = [str(e.value).index(folder) for folder in reversed(folders)]
    assert places == sorted(places)
    assert f"keras_ch8.read_run({folders[-1]!r})" in str(e.value)
    assert [keras_ch8.read_run(folder).name for folder in folders] == ["b", "a", "c"]
    assert keras_ch8.read_run(tmp_path / "a").folder == folders[1]


def test_of_very_many_runs_ten_are_named(tmp_path):
    for number in range(13):
        write(tmp_path / str(number), curve(1))
    with pytest.raises(ValueError, match=r"which holds 13, .*, and 3 more\. Pass"):
        keras_ch8.read_run(tmp_path)


def test_a_curve_that_is_not_there_is_refused_with_those_that_are(history):
    with pytest.raises(KeyError, match=r"curve of this run. Received: 'loss'. Pass one of: 'step/loss', 'epoch/"):
        history["loss"]


# --- what it says ----------------------------------------------------------------------------------------------------


def test_it_says_how_the_training_ended_and_what_is_wrong(history):
    head, header, first, *rest = str(history).splitlines()
    assert head == "run 'deep', step 100, ended; loss 0.02, val_loss 0.03, val_loss_best 0.03; ACT Vanishing gradients."
    assert repr(history) == f"<RunHistory: {head}>"
    assert header.split() == ["curve", "[unit]", "points", "last", "smallest", "largest", "verdict"]
    assert first.split() == [
        ">",
        BACKWARD,
        "[ratio",
        "a",
        "layer]",
        "4",
        "0.3",
        "0.3",
        "1.2",
        *["ACT", "Vanishing", "gradients"],
    ]
    assert len(rest) == len(history.curves) - 1
    assert any(line.split()[:2] == ["step/loss", "[loss]"] for line in rest)


@pytest.mark.parametrize(
    "said, words",
    [
        ({"verdicts": [FINE]}, "; OK: 1 of 1 check ran, nothing to do."),
        (
            {"diagnosis": None},
            "; LITTLE CHECKED: No check could run. This run was not diagnosed. Train it with "
            '`fit(..., callbacks=[keras_ch8.Doctor("logs")])`.',
        ),
        ({"ended": False, "verdicts": [FINE]}, ", not ended; OK: 1 of 1 check ran, nothing to do."),
    ],
)
def test_it_says_so_where_all_is_well_or_nobody_looked(said, words):
    assert str(history_of({"step/loss": {1: 1.0}}, **said)).splitlines()[0].endswith(words)


def test_a_run_without_points_says_so():
    history = history_of({}, verdicts=[])
    assert history.curves == {}
    assert "step 100" in repr(history)
    assert history._repr_html_().count("<tr>") == 1
    with pytest.raises(ValueError, match="Pass one of: nothing, since it has no points"):
        history.plot()


def test_whatever_names_hold_all_is_text():
    names = {f"epoch/{HOSTILE}{number}": {1: 1.0} for number in range(30)}
    verdict = VERDICT | {"kind": HOSTILE * 9, "finding": HOSTILE, "series": next(iter(names))}
    history = history_of(names, verdicts=[verdict] * 9, hyperparameters={HOSTILE: HOSTILE})
    assert len(repr(history)) <= 400
    curve = next(iter(history.curves.values()))
    assert all(text.isprintable() for each in (history, curve) for text in str(each).splitlines())
    for shown in (history._repr_html_(), curve._repr_html_()):
        assert "<img" not in shown
        assert "</script" not in shown
        assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;" in shown


def test_a_curve_has_a_line_and_a_table(history):
    assert repr(history["step/loss"]) == "<RunCurve: step/loss [loss]: 100 points, steps 1 to 100, last 0.01.>"
    assert str(history["step/loss"]).splitlines()[1].split() == ["step", "value", "[loss]"]
    norm = history["step/gradient_norm"]
    assert [line.split() for line in str(norm).splitlines()[1:3]] == [
        ["step", "value", "[loss", "/", "weight]", "smallest", "largest"],
        ["1", "4", "0.5", "9"],
    ]
    assert norm._repr_html_().startswith("<div>")


# --- frames ----------------------------------------------------------------------------------------------------------


def test_a_frame_has_a_row_for_each_step_and_a_column_for_each_curve(history):
    pytest.importorskip("pandas")
    frame = history.frame()
    assert frame.index.name == "step"
    np.testing.assert_array_equal(frame.index, np.arange(1, 101))
    np.testing.assert_array_equal(frame["step/loss"], history["step/loss"].values)
    assert {"step/gradient_norm/min", "step/gradient_norm/max"} <= set(frame.columns)
    assert set(frame.columns) - set(history.curves) == {"step/gradient_norm/min", "step/gradient_norm/max"}
    validated = frame["epoch/val_loss"].dropna()
    assert list(validated.index) == [25, 50, 75, 100]
    np.testing.assert_array_equal(validated, history["epoch/val_loss"].values)


def test_without_pandas_the_fix_is_said(history, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"`frame` needs pandas, .*`pip install pandas`\. `curves` has the same"):
        history.frame()


# --- pictures --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pyplot():
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_the_training_history_has_all_losses_verdicts_and_events(history, pyplot):
    ax = history.plot()
    ax.figure.canvas.draw()
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("Training history", "batches trained on", "loss")
    assert ax.get_legend().get_title().get_text() == "run deep"
    assert legend_of(ax) == [
        "loss", "loss after each epoch", "val_loss after each epoch", "ACT Vanishing gradients",
        "clipping (1)", "spike (1)", "stopped (1)",
    ]  # fmt: skip
    assert ax.get_yscale() == "log"
    at = [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1 and line.get_linestyle() == ":"]
    assert at == [VERDICT["step"]]


def test_clipping_shows_both_norms_the_limit_and_where_it_acted(history, pyplot):
    ax = history.plot("Gradient norm")
    assert ax.get_ylabel() == "loss / weight"
    assert legend_of(ax) == ["gradient_norm", "gradient_norm_clipped", "clipping limit 1", "spike (1)"]
    assert len(ax.collections) == 1, "the band of the norm before"
    assert max(line.get_ydata().max() for line in ax.lines if len(line.get_ydata()) == 100) == 9.0


def test_panels_are_found_by_title_series_and_section(history, pyplot):
    assert list(history.panels)[:2] == ["Training history", "Loss of minibatches"]
    assert history.plot("LOSS OF minibatches").get_title() == "Loss of minibatches"
    assert history.plot(BACKWARD).get_title() == "Gradient from layer to layer"
    assert legend_of(history.plot(BACKWARD)) == [
        "backward_factor",
        "act: vanishing",
        "as large as at the next layer",
        "ACT Vanishing gradients",
    ]
    several = history.plot("8.2")
    assert [ax.get_title() for ax in several] == [
        "Gradient norm",
        "Gradient from layer to layer",
    ]
    assert several[0].figure is several[1].figure
    assert history.plot("8.2.5").get_title() == "Gradient from layer to layer"
    assert history["step/loss"].plot().get_title() == "Loss of single minibatches"


def test_given_axes_are_drawn_on(history, pyplot):
    ax = pyplot.subplots()[1]
    assert history.plot(ax=ax) is ax
    with pytest.raises(
        ValueError, match=r"`ax` is for one panel. Received: what='8.2', which stands for 2 panels.*'Gradient"
    ):
        history.plot("8.2", ax=ax)


def test_what_is_no_panel_is_refused_with_those_there_are(history):
    with pytest.raises(
        ValueError, match=r"Received: what='9.1'. Pass one of: 'Training history', 'Loss of minibatches'"
    ):
        history.plot("9.1")


@pytest.mark.slow
@pytest.mark.broad(slow=3)
@pytest.mark.parametrize("offset", range(4))
def test_every_panel_of_the_page_can_be_drawn(offset, pyplot):
    """Of one point, of constants, of falling, negative and broken numbers; nothing warns."""
    kinds = ({s: 1 / s for s in range(1, 99)}, {1: 1.0}, {1: 0.0, 9: 0.0}, {1: -1.0, 2: math.nan, 3: 1e9, 4: math.inf})
    names = [name.replace("*", "some") for panel in panels.PANELS for name in panel.series]
    made = history_of({name: kinds[(place + offset) % 4] for place, name in enumerate(names)}, events=EVENTS)
    assert len(made.panels) > len(panels.PANELS) - 3
    for title, panel in made.panels.items():
        ax = made.plot(title)
        assert " ".join(ax.get_title().split()) == title
        assert (ax.get_ylabel(), ax.get_xlabel()) == (panel.unit, "batches trained on")
        assert ax.get_legend().get_title().get_text() == "run made"
        pyplot.close("all")


def test_whatever_names_hold_pictures_can_be_drawn(pyplot):
    verdict = VERDICT | {"kind": HOSTILE}
    made = history_of({f"epoch/{HOSTILE}": {1: 1.0, 2: 0.5}, "step/loss": {1: 1.0}}, verdicts=[verdict])
    made.name = HOSTILE
    for title in made.panels:
        made.plot(title).figure.canvas.draw()


def test_curves_of_a_panel_differ_without_colour(history, pyplot):
    ax = history.plot()
    losses = [line for line in ax.lines if "loss" in line.get_label()]
    assert len({(line.get_linestyle(), line.get_marker()) for line in losses}) == len(losses) == 3


def test_without_matplotlib_the_fix_is_said(history, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        history.plot()

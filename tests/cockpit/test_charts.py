"""Which charts the page has, in which order, and which limits are drawn in them."""

import pytest

from keras_ch8.board import panels
from keras_ch8.cockpit import headline
from keras_ch8.cockpit.charts import arranged, limits_of, panels_of
from tests.cockpit.documents import run, series, verdict

TWO = series([1, 2], [2.0, 1.0])
COURSE = {
    "epoch/loss": TWO,
    "step/loss": TWO,
    "step/learning_rate": TWO,
    "step/gradient_norm": TWO,
    "step/weight_norm": TWO,
}


def charts(*runs):
    """Return the charts of some runs: (title, heading), with the part of the page where it is not the heading's."""
    known = {name: {"text": f"{name}.", "unit": "", "section": ""} for one in runs for name in one["series"]}
    found = arranged(panels_of(known, [one["record"] for one in runs]), runs, headline.cases_of(runs))
    return [(panel["part"], panel["title"]) for panel in found]


def test_the_loss_stands_first_then_metrics_rate_and_gradient_and_the_rest_is_folded():
    assert charts(run("a", COURSE | {"epoch/accuracy": TWO})) == [
        ("loss", "Loss"),
        ("groups", "accuracy"),
        ("groups", "Learning rate"),
        ("groups", "Gradient norm"),
        ("rest", "Loss of minibatches"),
        ("rest", "Norm of the weights"),
    ]


def test_of_a_single_epoch_the_loss_of_the_batches_stands_first():
    found = charts(run("a", COURSE | {"epoch/loss": series([9], [1.0])}))
    assert found[:2] == [("loss", "Loss of minibatches"), ("groups", "Loss")]


def test_where_the_losses_of_epochs_are_nan_those_of_the_batches_stand_first():
    nan = series([1, 2], [float("nan")] * 2)
    assert charts(run("a", COURSE | {"epoch/loss": nan}))[0] == ("loss", "Loss of minibatches")


def test_charts_of_verdicts_follow_in_the_order_of_the_verdicts():
    dead = verdict("dead_units", "act", "Dead.")
    flat = verdict("plateau", "watch", "Flat.", of="step/weight_norm")
    curves = COURSE | {"diagnosis/fraction_dead": TWO, "diagnosis/spikes": TWO}
    asked = [title for part, title in charts(run("a", curves, flat, dead)) if part == "groups"][2:]
    assert asked == ["Idle units: dead, saturated, never moved", "Norm of the weights"]
    assert ("rest", "Norm of the weights") in charts(run("a", curves, dead))


def test_of_many_metrics_four_are_not_folded():
    metrics = {f"epoch/metric_{i}": TWO for i in range(6)}
    found = charts(run("a", COURSE | metrics))
    assert [title for part, title in found if part == "groups" and title.startswith("metric")] == [
        f"metric_{i}" for i in range(4)
    ]
    assert ("rest", "metric_5") in found


def test_two_optimizers_have_a_learning_rate_each():
    curves = {f"step/{name}/learning_rate": TWO for name in ("d", "g")}
    assert [title for _, title in charts(run("a", curves))] == ["Learning rate (d)", "Learning rate (g)"]


def test_a_heat_map_stands_behind_the_curves_that_show_the_same():
    layers = {
        "name": "diagnosis/gradient_by_layer", "title": "Gradient at each layer", "unit": "", "section": "8.2.5",
        "rows": ["a"], "steps": [1], "values": [[1.0]], "kinds": ["vanishing"],
    }  # fmt: skip
    curve = {
        "title": "From layer to layer", "unit": "", "section": "8.2.5", "series": ["diagnosis/backward_factor"],
        "kinds": ["vanishing"], "events": [], "lines": [], "log": True, "place": 0,
        "read": "",
    }  # fmt: skip
    curves = COURSE | {"diagnosis/backward_factor": TWO}
    titles = [title for _, title in charts(run("a", curves, layers=[layers], panels=[curve]))]
    assert titles[titles.index("From layer to layer") + 1] == "Gradient at each layer"
    assert "Gradient at each layer" in [title for _, title in charts(run("b", COURSE, layers=[layers]))]


def test_a_chart_says_of_a_curve_or_a_verdict_only_where_it_is_there():
    def read(place, *runs):
        listed = panels_of({name: {"text": "", "unit": "", "section": ""} for name in runs[0]["series"]}, [])
        found = arranged(listed, runs, headline.cases_of(runs))
        return next(panel["read"] for panel in found if panel["place"] == place)

    validated = COURSE | {"epoch/val_loss": TWO}
    assert read(panels.OF_LOSS, run("a", COURSE)) == "It should fall."
    assert "the star is its best epoch" in read(panels.OF_LOSS, run("a", validated))
    spike, peaks = {"step": 1, "kind": "spike", "text": "A spike."}, "Isolated spikes undo progress."
    assert read(panels.OF_GRADIENT, run("a", COURSE)) == "It should stay within one range."
    both = run("a", COURSE, verdict("cliff", "act", "Spikes."), events=[spike])
    assert read(panels.OF_GRADIENT, both) == f"It should stay within one range. {peaks}"
    assert peaks in read(panels.OF_GRADIENT, run("a", COURSE, events=[spike]))


def test_a_series_that_nobody_knows_stands_in_the_fold_under_its_own_words():
    assert charts(run("a", COURSE | {"mine/heads": TWO}))[-1] == ("rest", "mine/heads")


LIMITS = [
    {"value": 0.8, "label": "watch: vanishing", "direction": "below"},
    {"value": 0.7, "label": "act: vanishing, exploding", "direction": "below"},
    {"value": 2.0, "label": "act: exploding", "direction": "above"},
]


@pytest.mark.parametrize(
    "level, value, drawn",
    [
        ("act", 0.3, [0.7]), ("watch", 0.3, [0.8]), ("act", 0.75, [0.8]), ("ok", 0.3, []), ("act", 0.9, []),
        ("act", None, []),
    ],
)  # fmt: skip
def test_the_limit_of_a_verdict_is_drawn_where_a_point_is_beyond_it(level, value, drawn):
    name = "diagnosis/backward_factor"
    found = limits_of(
        {"lines": {name: LIMITS}, "verdicts": [verdict("vanishing", level, "It vanishes.", of=name)]},
        {name: {"steps": [1, 2], "values": [1.0, value]}},
    ).get(name, [])
    assert [limit["value"] for limit in found] == drawn
    assert all((limit["level"], limit["direction"]) == (level, "below") for limit in found)


def test_a_limit_is_drawn_for_verdicts_on_its_series_alone():
    curves = {name: {"steps": [1, 2], "values": [1.0, 0.3]} for name in ("diagnosis/one", "diagnosis/other")}
    lines, said = dict.fromkeys(curves, LIMITS), verdict("vanishing", "act", "It vanishes.", of="diagnosis/one")
    assert [*limits_of({"lines": lines, "verdicts": [said]}, curves)] == ["diagnosis/one"]


def test_without_a_record_there_are_no_limits():
    assert limits_of(None, COURSE) == {}
    assert limits_of({"lines": {"other": LIMITS}, "verdicts": [verdict("vanishing", "act", "")]}, COURSE) == {}

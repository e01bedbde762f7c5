"""The table of runs and the box where no verdict asks for anything, in words."""

import numpy as np
import pytest

from keras_ch8.cockpit.overview import SILENT, overview
from keras_ch8.verdicts.state import NOT_DIAGNOSED
from tests.cockpit.documents import run, series, verdict
from tests.cockpit.test_headline import STATE, VANISHING, little_checked, seeds, trained


def rows(*runs):
    """Return what the table says of each run."""
    return {row["name"]: [": ".join(filter(None, each)) for each in row["said"]] for row in overview(runs)["rows"]}


def box(*runs):
    return dict(overview(runs)["calm"])


def test_a_run_far_behind_the_best_is_never_green():
    found = rows(trained("best", loss=0.1), trained("near", loss=0.19), trained("far", loss=1.4))
    assert found == {
        "best": ["ok: nothing to do", "best: \N{BLACK STAR} best"],
        "near": ["ok: nothing to do"],
        "far": ["ok.grey: no check failed, but 14 x worse than the best run"],
    }
    sick = rows(trained("best", loss=0.1), trained("far", VANISHING, loss=1.4))["far"]
    assert sick == ["act: vanishing", "muted: 14 x worse than the best run"]


def test_a_run_that_is_silent_is_not_green():
    assert rows(trained("a", ended=False)) == {"a": ["ok: so far"]}
    dead = trained("a", ended=False) | {"news": None}
    assert rows(dead) == {"a": ["ok.grey: has not ended, and has no news"]}
    assert box(dead) == dict(SILENT)


def test_what_was_not_looked_at_says_what_to_add_to_fit():
    found = box(trained("a", checks=0) | {"state": NOT_DIAGNOSED.as_data()})
    assert found == {
        "Result": "No check could run, so nothing is known. This run was not diagnosed.",
        "What to do": 'Train it with `fit(..., callbacks=[keras_ch8.Doctor("logs")])`.',
        "Then expect": "More checks run.",
    }


def test_where_nothing_can_be_changed_nothing_is_promised():
    advice = "There is nothing to change: judge the model by its samples."
    reasons = [f"Of a model with several losses only the steps are judged. {advice}"]
    gan = little_checked("gan")
    found = box(gan | {"state": gan["state"] | {"reasons": reasons}})
    assert found["What to do"] == advice
    assert found["Result"].endswith("Of a model with several losses only the steps are judged.")
    assert "Then expect" not in found


def test_a_loss_that_is_nan_is_never_nothing():
    nan = run("a", {"epoch/loss": series([1, 2], [1.0, np.nan])}, checks=0)
    assert box(nan)["Result"].startswith("A loss is NaN, and no check says why.")


def test_where_something_is_wrong_there_is_no_such_box():
    assert overview([trained("a", VANISHING)])["calm"] == []
    assert overview([])["calm"] == []


def test_the_checks_that_passed_are_of_how_many():
    found = overview([trained("a", VANISHING)])["rows"][0]["checks"]
    assert found["text"] == "12 of 13 checks passed"
    fine = trained("a") | {"state": STATE | {"name": "ok", "judged": 15, "missing": ["saddle"], "applicable": 16}}
    found = overview([fine])["checks"]
    assert found["text"] == "15 of 16 checks passed, 1 could not run"
    assert found["lines"][0].endswith("check_12, and 2 more")
    assert found["lines"][1] == "Could not run: saddle"
    assert overview([fine])["rows"][0]["checks"] is None, "they are said once"


def test_seeds_have_one_row_with_their_median_and_their_range():
    (adam, sgd) = overview([*seeds("Adam", 0.2, 0.3), *seeds("SGD", 0.5, 0.9)])["rows"]
    assert adam["runs"] == ["Adam/seed_0", "Adam/seed_1"]
    assert adam["cells"][0] == (0.25, "0.25 (0.2\N{EN DASH}0.3)")
    assert sgd["said"] == [("ok.grey", "no check failed, but 2.8 x worse than the best run"), ("muted", "2 seeds")]


@pytest.mark.parametrize("number, faint", [(8, 0), (9, 4)])
def test_of_many_runs_all_but_the_best_five_are_faint(number, faint):
    runs = [trained(f"run_{i}", loss=1.0 + i) for i in range(number)]
    assert overview(runs)["faint"] == [f"run_{i}" for i in range(5, 5 + faint)]


@pytest.mark.parametrize(
    "code, words",
    [
        ("model.optimizer.learning_rate = 0.1", "fit:"),
        ("epochs = 40", "fit(epochs=epochs, ...):"),
        ("epochs = 3 * epochs", "fit(epochs=epochs, ...): epochs is what you give to fit."),
        ("fit_to(x)", "fit: x and y are your training data."),
    ],
)
def test_a_code_says_where_it_goes_and_what_it_needs(code, words):
    found = overview([trained("a", verdict("too_short", "act", "Short.", code=code))])["where"]
    assert found == {code: f"Paste between compile and {words}"}

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
    return {head: text for head, text, *_ in overview(runs)["calm"]}


def test_a_run_far_behind_the_best_is_never_green():
    found = rows(trained("best", loss=0.1), trained("near", loss=0.19), trained("far", loss=1.4))
    assert found == {
        "best": ["ok: nothing to do", "best: \N{BLACK STAR} best"],
        "near": ["ok: nothing to do"],
        "far": ["ok.grey: no check failed, but 14 x worse than the best run"],
    }
    sick = rows(trained("best", loss=0.1), trained("far", VANISHING, loss=1.4))["far"]
    assert sick == ["act: Vanishing gradients", "muted: 14 x worse than the best run"]


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
        "Then expect": "More checks run, and a badge above says OK, WATCH or ACT.",
    }


def test_a_reason_says_itself_what_to_expect_where_no_more_checks_would_run():
    reasons = ["Only the steps of g and d are checked. Nothing to change: judge it by samples. Better samples."]
    gan = little_checked("gan")
    found = box(gan | {"state": gan["state"] | {"reasons": reasons}})
    assert found["What to do"] == "Nothing to change: judge it by samples."
    assert found["Result"].endswith("Only the steps of g and d are checked.")
    assert found["Then expect"] == "Better samples."


def test_a_loss_that_is_nan_is_never_nothing():
    nan = run("a", {"epoch/loss": series([1, 2], [1.0, np.nan])}, checks=0)
    assert box(nan)["Result"].startswith("A loss is NaN, and no check says why.")
    assert box(nan | {"state": STATE | {"name": "ok"}})["What to do"].startswith("Find out why: `keras_ch8.preflight")


def test_what_more_could_be_measured_of_a_healthy_run_is_no_task():
    reasons = ["The curvature was not measured. `Diagnosis(budget=None)` measures it."]
    found = box(trained("a") | {"state": STATE | {"name": "ok", "reasons": reasons}})
    assert found["What to do"] == "Nothing to change: it can be used as it is. `Diagnosis(budget=None)` measures it."
    assert found["Then expect"].startswith("About the same val loss")


def test_where_something_is_wrong_there_is_no_such_box_unless_the_best_run_is_well():
    assert overview([trained("a", VANISHING)])["calm"] == []
    assert overview([trained("a"), trained("b", VANISHING, loss=0.1)])["calm"] == []
    assert overview([])["calm"] == []
    found = box(trained("a", loss=0.1), trained("b", VANISHING, loss=0.4))
    assert found["Result"] == "a is the best: val loss 0.1, lower is better. Next is b with 0.4, 4 times as high."
    assert (found["What to do"], found["Then expect"]) == (
        "Use a.",
        "About the same val loss on other examples of that kind: 0.1.",
    )


def test_a_healthy_run_says_what_to_do_now():
    assert list(box(trained("a")).values()) == [
        "Nothing wrong was found.",
        "Nothing to change: it can be used as it is.",
        "About the same val loss on other examples of that kind: 0.5.",
    ]
    live = box(trained("a", ended=False))
    assert live["What to do"] == "Let it run: nothing to change so far."
    assert live["Then expect"].startswith("The badge above turns into ACT")


def test_the_checks_that_passed_are_of_how_many():
    found = overview([trained("a", VANISHING)])["rows"][0]["checks"]
    assert found["text"] == "12 of 13 checks passed"
    fine = trained("a") | {"state": STATE | {"name": "ok", "judged": 15, "missing": ["saddle"], "applicable": 16}}
    found = overview([fine])["checks"]
    assert found["text"] == "Show the checks", "the headline says of how many"
    assert found["lines"][0].startswith("Not found: check_0, check_1, ")
    assert found["lines"][0].endswith("check_12, and 2 more")
    assert found["lines"][1] == "Not checked: Stuck near a saddle point"
    assert overview([fine])["rows"][0]["checks"] is None, "they are said once"


def test_seeds_have_one_row_with_their_median_and_their_range():
    (adam, sgd) = overview([*seeds("Adam", 0.2, 0.3), *seeds("SGD", 0.5, 0.9)])["rows"]
    assert adam["runs"] == ["Adam/seed_0", "Adam/seed_1"]
    assert adam["cells"][0] == (0.25, "0.25 (0.2\N{EN DASH}0.3)")
    assert sgd["said"] == [("ok.grey", "no check failed, but 2.8 x worse than the best run"), ("muted", "2 seeds")]


def compared(losses, **more):
    """Return the runs of a comparison: the losses of each candidate, a seed each."""
    unknown = {"state": NOT_DIAGNOSED.as_data()}
    return [run | unknown for name, of in losses.items() for run in seeds(name, *of, **more)]


def test_a_comparison_says_who_wins_by_how_much_how_sure_that_is_and_what_to_paste():
    settings = {"learning_rate": 0.0589, "code": "optimizer = keras.optimizers.Adam(learning_rate=0.0589)"}
    runs = compared({"Adam": (0.2, 0.25), "SGD": (0.36, 0.46)}, hyperparameters=settings)
    found = overview(runs)
    assert (
        found["headline"]["text"] == "Use Adam with learning rate 0.0589: best of 2 candidates (median val loss 0.225)"
    )
    assert found["calm"][:4] == [
        (
            "Result",
            "Adam is the best: median val loss 0.225, lower is better. Next is SGD with 0.41, 1.8 times as high.",
        ),
        (
            "How sure",
            "Not yet sure: the worst training of Adam (0.25) is better than the best of SGD (0.36), but 2 trainings "
            "each are few. To be surer, run 5 seeds (`seeds=5` in `compare`).",
        ),
        ("What to do", "Use Adam with learning rate 0.0589.", settings["code"]),
        ("Then expect", "A val loss of about 0.2 to 0.25 after 430 steps, as in its 2 trainings here."),
    ]
    assert found["where"][settings["code"]].startswith("Paste before compile")
    assert [row["said"][0] for row in found["rows"]] == [("muted", "not checked, 2 seeds")] * 2


def test_a_difference_that_may_be_chance_is_said_to_be():
    overlap = box(*compared({"Adam": (0.2, 0.45), "SGD": (0.4, 0.5)}))["How sure"]
    assert overlap.startswith("Not sure, it may be chance: the losses of Adam (0.2 to 0.45) and of SGD")
    assert box(trained("a"), trained("b", loss=0.4))["How sure"] == ("One training each: the difference may be chance.")
    assert box(trained("a"), trained("b") | {"nan_from": 7})["How sure"] == "Quite sure: the loss of b becomes NaN."
    assert box(*compared({"a": (0.1,) * 5, "b": (0.3,) * 5}))["How sure"].startswith(
        "Quite sure: the worst training of a"
    )


@pytest.mark.parametrize("number, faint", [(8, 0), (9, 4)])
def test_of_many_runs_all_but_the_best_five_are_faint(number, faint):
    runs = [trained(f"run_{i}", loss=1.0 + i) for i in range(number)]
    assert overview(runs)["faint"] == [f"run_{i}" for i in range(5, 5 + faint)]


@pytest.mark.parametrize(
    "code, words",
    [
        ("model.optimizer.learning_rate = 0.1", "fit:"),
        ("epochs = 40", "fit(epochs=epochs, ...):"),
        ("epochs = 3 * epochs", "fit(epochs=epochs, ...): epochs is that of your fit."),
        ("fit_to(x)", "fit: x and y are your training data."),
    ],
)
def test_a_code_says_where_it_goes_and_what_it_needs(code, words):
    found = overview([trained("a", verdict("too_short", "act", "Short.", code=code))])["where"]
    assert found == {code: f"Paste between compile and {words}"}

"""What the page says first, of each state a training can be in, and which of several runs it calls the best."""

import numpy as np
import pytest

from keras_ch8.cockpit.headline import cases_of, of_runs, ranking
from tests.cockpit.documents import run, series, verdict

VANISHING = verdict("vanishing", "act", "After 6 layers all inputs look alike.")
PLATEAU = verdict("plateau", "ok", "The loss is stuck.", explained_by="vanishing")
STATE = {"judged": 19, "applicable": 19, "missing": [], "reasons": [], "text": ""}


def trained(name, *verdicts, loss=0.5, best=None, **more):
    """Return a run whose validation loss falls to its best, and is twice that at its end."""
    best = loss if best is None else best
    curves = {"epoch/loss": series([43, 430], [2.3, loss])}
    if best:
        curves["epoch/val_loss"] = series([43, 86, 430], [2.3, best, 2 * best])
    return run(name, curves, *verdicts, step=430, **more)


def little_checked(name, judged=2, **more):
    return trained(name, **more) | {"state": STATE | {"name": "little_checked", "judged": judged}}


def said(*runs):
    headline = of_runs(runs)
    return headline["level"], headline["text"]


def seeds(name, *losses, **more):
    """Return the runs of a candidate of `compare`, which differ by their seeds."""
    return [trained(f"{name}/seed_{i}", loss=loss, **more) for i, loss in enumerate(losses)]


def test_a_healthy_training_is_all_right_and_of_how_many_checks():
    healthy = trained("a", loss=0.135, best=0.183)
    assert said(healthy) == ("ok", "All right: 13 of 13 checks passed")
    assert of_runs([healthy])["more"] == "loss 0.135, val loss 0.366 (best 0.183) after 430 steps"


def test_a_sick_training_is_called_by_its_first_verdict_in_plain_words():
    assert said(trained("a", VANISHING)) == ("act", "Vanishing gradients")
    assert said(trained("a", VANISHING, PLATEAU)) == ("act", "Vanishing gradients: this training does not learn")
    low = verdict("underfitting", "ok", "It has come to rest.", explained_by="vanishing")
    assert said(trained("a", VANISHING, low)) == ("act", "Vanishing gradients: this training barely learns")
    watch = verdict("overfitting", "watch", "It overfits.")
    assert said(trained("a", watch)) == ("watch", "Overfitting")
    assert said(trained("a", watch, VANISHING)) == ("act", "Vanishing gradients")


def test_a_kind_of_the_users_own_is_called_by_what_was_found():
    own = verdict("check_1", "act", "The loss is high (it is 16).")
    assert said(trained("a", own, checks=0)) == ("act", "The loss is high")


@pytest.mark.parametrize("name", ["step/loss", "epoch/loss"])
def test_a_training_that_has_become_nan_says_from_which_step_and_is_never_called_well(name):
    curves = {name: series([1, 2, 3, 4, 5], [2.0, np.nan, 1.0, np.nan, np.nan])}
    nonfinite = verdict("nonfinite", "act", "It is NaN.")
    assert said(run("a", curves)) == ("act", "The loss is NaN from step 4 on")
    assert said(run("a", curves, nonfinite)) == ("act", "The loss is NaN from step 4 on")
    long = verdict("step_too_long", "act", "Too long.")
    follows = verdict("nonfinite", "ok", "It is NaN.", explained_by="step_too_long")
    assert said(run("a", curves, long, follows)) == ("act", "The loss is NaN from step 4 on: learning rate too high")
    assert said(run("a", curves, long, nonfinite)) == ("act", "The loss is NaN from step 4 on"), "nothing says why"
    assert of_runs([run("a", curves), trained("b")])["advice"] == (
        "ACT below is about another run (a: the loss is NaN from step 4 on)."
    )
    assert said(run("a", {name: series([1, 2, 3], [2.0, np.nan, 1.0])}))[0] == "ok", "it has come back"


def test_what_was_little_checked_is_never_called_right():
    assert said(little_checked("a")) == (
        "little_checked",
        "Nothing found, but little checked: 2 of 19 checks could run",
    )
    assert said(little_checked("a", ended=False)) == (
        "little_checked",
        "Nothing found, but little checked so far: 2 of 19 checks could run",
    )
    assert said(little_checked("a", judged=0)) == ("little_checked", "Unknown: no check could run")
    assert said(little_checked("a"), trained("b", loss=0.25)) == (
        "ok",
        "Use b: best of 2 runs (val loss 0.25), and nothing is wrong with it",
    )
    assert said(little_checked("a"), trained("b", loss=0.75)) == (
        "little_checked",
        "Use a: best of 2 runs (val loss 0.5), but it is little checked",
    )
    both = [little_checked(name, judged=0) for name in "ab"]
    assert said(*both) == ("little_checked", "Use a: best of 2 runs (val loss 0.5)")
    different = [little_checked(name, hyperparameters={"loss": name}) for name in ("mse", "mae")]
    assert said(*different) == ("little_checked", "2 runs: little checked")


def test_what_did_not_run_is_said_where_all_that_ran_has_passed():
    state = STATE | {"name": "ok", "judged": 17}
    assert said(trained("a") | {"state": state})[1] == "All right: 17 of 19 checks passed, 2 could not run"
    live = trained("a", ended=False) | {"state": state}
    assert said(live)[1] == "All right so far: 17 of 19 checks passed, 2 not run yet"
    live["record"]["hyperparameters"] = {"epochs": 20, "steps_per_epoch": 43}
    assert said(live | {"step": 90})[1].startswith("All right so far, in epoch 3 of 20: 17 of 19")


def test_a_training_that_never_ended_and_is_silent_is_not_called_right():
    dead = trained("a", ended=False) | {"news": None}
    assert said(dead) == ("watch", "This run has not ended and sends no news: is it still running?")
    assert said(trained("a", VANISHING, ended=False) | {"news": None})[0] == "act"


def test_of_several_runs_it_is_said_whether_to_use_the_best_or_to_fix_it_first():
    watch = verdict("overfitting", "watch", "It overfits.")
    begin = "best of 2 runs (val loss 0.25)"
    assert said(trained("a"), trained("b", loss=0.25)) == ("ok", f"Use b: {begin}, and nothing is wrong with it")
    assert said(trained("a"), trained("b", watch, loss=0.25)) == (
        "watch",
        f"Use b: {begin}, but watch it: overfitting",
    )
    found = of_runs([trained("a", VANISHING), trained("b", VANISHING, watch, loss=0.25)])
    assert (found["level"], found["text"]) == (
        "act",
        f"First fix b: {begin}, but it has a problem: vanishing gradients",
    )
    assert found["advice"] == "1 other run needs a look, too."
    cases = cases_of([trained("a", watch), trained("c", watch), trained("b", VANISHING, watch, loss=0.25)])
    assert [case["runs"] for case in cases] == [["b"], ["a", "c", "b"]]


def test_what_is_wrong_with_the_best_run_stands_first():
    short, dead = verdict("step_too_short", "act", "Too short."), verdict("dead_units", "act", "Dead.")
    runs = [trained("a", short), trained("b", short), trained("c", dead, loss=0.1)]
    assert [case["kind"] for case in cases_of(runs)] == ["dead_units", "step_too_short"]


def test_a_red_verdict_below_a_best_run_that_is_well_says_whose_it_is():
    sick = [trained(f"sick_{i}", VANISHING, PLATEAU, loss=2.0) for i in range(3)]
    one = of_runs([sick[0], trained("cured", loss=0.183)])
    assert (one["level"], one["text"]) == (
        "ok",
        "Use cured: best of 2 runs (val loss 0.183), and nothing is wrong with it",
    )
    assert one["advice"] == "ACT below is about another run (sick_0 does not learn: vanishing gradients)."
    many = of_runs([*sick, trained("cured", loss=0.183)])["advice"]
    assert many == "ACT below is about 3 other runs: fix those only if you want to use them."
    watch = of_runs([trained("a", verdict("overfitting", "watch", "It overfits.")), trained("b", loss=0.25)])
    assert watch["advice"] == "WATCH below is about another run (a: overfitting)."


def test_of_runs_that_cannot_be_compared_the_sick_ones_are_counted():
    losses = ("mse", "mae", "huber")
    different = [trained(name, VANISHING, hyperparameters={"loss": name}) for name in losses]
    assert said(*different) == ("act", "3 runs: 3 need action")
    one = [different[0], *(trained(name, hyperparameters={"loss": name}) for name in losses[1:])]
    assert said(*one) == ("act", "mse: vanishing gradients")


def test_seeds_of_a_candidate_are_compared_by_their_median_and_other_numbers_of_steps_are_said():
    runs = [*seeds("Adam", 0.2, 0.3, 0.9), *seeds("SGD", 0.25, 0.5, 0.8)]
    found = [(rank["name"], rank["metric"], rank["loss"]) for rank in ranking(runs)]
    assert found == [("Adam", "median val loss", 0.3), ("SGD", "median val loss", 0.5)]
    assert said(*runs)[1].startswith("Use Adam with learning rate 0.05: best of 2 candidates (median val loss 0.3)")
    assert of_runs(runs)["more"] == ""
    assert of_runs([run | {"step": 4} if "SGD" in run["name"] else run for run in runs])["more"] == (
        "Steps differ: Adam 430, SGD 4"
    )
    alone = [*seeds("Adam", 0.2), *seeds("SGD", 0.3)]
    assert [rank["name"] for rank in ranking(alone)] == ["Adam/seed_0", "SGD/seed_0"]


def test_a_candidate_of_which_a_seed_is_nan_is_the_last():
    nan = run("Adam/seed_9", {"epoch/loss": series([1, 2], [0.1, np.nan]), "epoch/val_loss": series([1], [0.1])})
    assert [rank["name"] for rank in ranking([*seeds("Adam", 0.1), nan, *seeds("SGD", 0.5, 0.6)])] == ["SGD", "Adam"]


def test_without_a_run_there_is_nothing_to_say():
    assert said() == ("", "No run yet")


def test_runs_are_compared_by_their_best_validation_loss():
    runs = [trained("far", loss=1.8), trained("best", loss=0.9, best=0.315), trained("near", loss=0.3, best=0.32)]
    assert [(rank["name"], rank["loss"]) for rank in ranking(runs)] == [("best", 0.315), ("near", 0.32), ("far", 1.8)]
    assert [rank["times"] for rank in ranking(runs)] == [
        1.0,
        pytest.approx(1.016, abs=1e-3),
        pytest.approx(5.714, abs=1e-3),
    ]
    assert {rank["metric"] for rank in ranking(runs)} == {"val loss"}


def test_where_one_has_no_validation_the_last_training_losses_are_compared():
    found = ranking([trained("a", loss=0.5, best=0.1), trained("b", loss=0.4, best=0.0)])
    assert [(rank["name"], rank["metric"], rank["loss"]) for rank in found] == [("b", "loss", 0.4), ("a", "loss", 0.5)]


def test_a_run_that_has_become_nan_is_the_last_whatever_it_was_before():
    nan = run(
        "nan", {"epoch/loss": series([1, 2, 3], [1.0, 0.1, np.nan]), "epoch/val_loss": series([1, 2], [0.1, 0.1])}
    )
    assert [(rank["name"], rank["loss"]) for rank in ranking([nan, trained("a")])] == [("a", 0.5), ("nan", None)]


def test_different_losses_and_a_single_run_are_not_compared():
    runs = [trained(name, hyperparameters={"loss": name}) for name in ("mse", "mae")]
    assert ranking(runs) == []
    assert said(*runs) == ("ok", "2 runs: nothing to do")
    assert ranking([trained("a")]) == []


def test_times_are_not_said_of_losses_that_may_be_negative():
    runs = [run(name, {"epoch/loss": series([1, 2], [1.0, loss])}) for name, loss in (("a", -3.0), ("b", 2.0))]
    assert [(rank["name"], rank["times"]) for rank in ranking(runs)] == [("a", None), ("b", None)]


def test_what_is_wrong_stands_once_for_all_runs_the_most_serious_and_most_frequent_first():
    watch, short = verdict("overfitting", "watch", "It overfits."), verdict("step_too_short", "act", "Too short.")
    best = trained("d", loss=0.1)
    runs = [trained("a", VANISHING, watch), trained("b", short), trained("c", short, watch), best]
    assert cases_of(runs) == [
        {"kind": "step_too_short", "title": "Learning rate too low", "level": "act", "runs": ["b", "c"]},
        {"kind": "vanishing", "title": "Vanishing gradients", "level": "act", "runs": ["a"]},
        {"kind": "overfitting", "title": "Overfitting", "level": "watch", "runs": ["a", "c"]},
    ]


def test_why_a_run_is_nan_comes_before_what_more_runs_have():
    curves = {"epoch/loss": series([1, 2, 3], [2.0, np.nan, np.nan])}
    long, scale = verdict("step_too_long", "act", "Too long."), verdict("bad_scale", "act", "Bad.")
    others = [trained("b", scale), trained("c", scale), trained("best", loss=0.1)]
    found = verdict("nonfinite", "act", "It is NaN.")
    assert [case["kind"] for case in cases_of([run("a", curves, scale, found), *others])] == ["nonfinite", "bad_scale"]
    follows = verdict("nonfinite", "ok", "It is NaN.", explained_by="step_too_long")
    runs = [run("a", curves, scale, long, follows), *others]
    assert [case["kind"] for case in cases_of(runs)] == ["step_too_long", "bad_scale"]

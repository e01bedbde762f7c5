"""The state of a training is decided in one place: what its verdicts come to, and how much could be judged."""

import dataclasses
import itertools
import json

import pytest

from keras_ch8.cockpit import records
from keras_ch8.extend import Claim, Verdict
from keras_ch8.verdicts.checks import claims_of, judged_by
from keras_ch8.verdicts.facts import Facts, Inputs, Start, Targets
from keras_ch8.verdicts.state import STATES, state_of
from keras_ch8.verdicts.verdict import LEVELS, VerdictTracker

FINE = Verdict("cliff", "ok", "No spikes.", "", "8.2.4", 5)
ALL = ("cliff", "plateau", "saddle", "vanishing")


def fine(*kinds):
    return [dataclasses.replace(FINE, kind=kind) for kind in kinds]


@pytest.mark.parametrize("number", range(5))
def test_all_is_right_only_if_half_of_the_checks_that_apply_were_made(number):
    state = state_of(fine(*ALL[:number]), applicable=ALL)
    assert (state.judged, state.applicable, state.missing) == (number, 4, tuple(sorted(ALL[number:])))
    assert state.name == ("ok" if number >= 2 else "little_checked")
    assert state == state_of([], judged=ALL[:number], applicable=ALL)


def test_all_is_never_right_where_no_loss_was_compared_with_chance_or_its_start():
    assert state_of(fine(*ALL), applicable=ALL, is_compared=False).name == "little_checked"


def test_what_was_found_comes_before_how_little_was_checked():
    found = {level: dataclasses.replace(FINE, kind="plateau", level=level) for level in LEVELS}
    for levels in itertools.product(LEVELS, repeat=2):
        name = state_of([found[level] for level in levels], applicable=ALL, is_compared=False).name
        assert name == ("act" if "act" in levels else "watch" if "watch" in levels else "little_checked")
        assert name in STATES


def test_of_a_check_that_nobody_asked_for_the_count_is_right_too():
    assert (
        state_of(fine("cliff"), judged=["leak"], applicable=["plateau"]).headline
        == "OK: 2 of 3 checks ran, nothing to do."
    )
    assert state_of(fine("cliff")).headline == "OK: 1 of 1 check ran, nothing to do."


# --- records ---------------------------------------------------------------------------------------------------------


def read(**said):
    record, problems = records.read(json.dumps({"version": 1, **said}))
    assert problems == []
    return record["state"]


def test_a_record_has_its_state():
    state = state_of(fine("cliff"), applicable=ALL, reasons=["No probe."]).as_data()
    assert read(verdicts=[vars(FINE)], diagnosis={}, state=state) == state
    assert state["name"] == "little_checked"
    assert (state["judged"], state["applicable"]) == (1, 4)
    assert read()["name"] == "little_checked"
    assert "keras_ch8.Doctor(" in read()["reasons"][0]


@pytest.mark.parametrize("bad", [7, "ok", [], {"name": "fine"}, {"name": 3}, {"judged": "many"}])
def test_what_is_no_state_is_never_all_right(bad):
    record, _ = records.read(json.dumps({"version": 1, "verdicts": [vars(FINE)], "state": bad}))
    assert record["state"]["name"] == "little_checked"


# --- what explains what ----------------------------------------------------------------------------------------------

UNLIKE = Claim("bad_inputs", "act", "The probe is not scaled.", proven=True, is_of_probe=True)
NOT_FINITE = Claim("nonfinite", "act", "NaN.", proven=True)
TOO_LONG = Claim("step_too_long", "act", "It rises.", proven=True, is_of_probe=True)
DEAD = Claim("dead_units", "act", "Dead.", proven=True, is_of_probe=True)


def levels(*claims):
    tracker = VerdictTracker()
    tracker.update(1, claims)
    return {v.kind: v.explained_by or v.level for v in tracker.verdicts}


def test_a_probe_unlike_the_training_explains_only_what_is_measured_on_it():
    assert levels(UNLIKE, NOT_FINITE) == {"bad_inputs": "act", "nonfinite": "act"}
    assert levels(UNLIKE, TOO_LONG, NOT_FINITE) == {
        "bad_inputs": "act", "nonfinite": "act", "step_too_long": "bad_inputs",
    }  # fmt: skip
    assert levels(UNLIKE, TOO_LONG, NOT_FINITE, DEAD)["dead_units"] == "bad_inputs"


def test_inputs_that_are_trained_on_explain_all_of_it():
    of_training = dataclasses.replace(UNLIKE, is_of_probe=False)
    assert levels(of_training, TOO_LONG, NOT_FINITE) == {
        "bad_inputs": "act", "nonfinite": "bad_inputs", "step_too_long": "bad_inputs",
    }  # fmt: skip
    assert levels(TOO_LONG, NOT_FINITE) == {"step_too_long": "act", "nonfinite": "step_too_long"}


def inputs(mean=0.0, **more):
    return Inputs(mean=mean, deviation=1.0, features=3, examples=100, of="numbers", **more)


def test_what_is_wrong_with_the_probe_silences_nothing_of_the_training_and_has_texts_of_its_own():
    still = Start(loss=1.0, gradient=0.0)
    facts = Facts(inputs=(inputs(),), other_inputs=(inputs(50.0),), other="the probe", start=still)
    claims = claims_of(facts, lambda name, error: pytest.fail(f"{name}: {error}"))
    found = {claim.kind: claim for claim in claims}
    assert found["bad_inputs"].is_of_probe
    assert "root mean square" not in found["bad_inputs"].expects
    assert "logarithm" not in found["bad_inputs"].then
    alone = claims_of(dataclasses.replace(facts, other_inputs=(), other=""), lambda *_: None)
    assert {claim.kind for claim in alone} == set(found) - {"bad_inputs"} != set()


def test_the_look_before_the_first_step_can_tell_of_what_is_known():
    assert judged_by(Facts()) == []
    assert set(judged_by(Facts(targets=Targets(of="numbers"), equal_rows=0.0))) == {
        "wrong_labels", "wrong_loss", "wrong_output", "label_order", "imbalance", "leak",
    }  # fmt: skip

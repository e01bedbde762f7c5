"""While a cause calls for action its symptoms are not complained about; the first verdict is the one to act on."""

import pytest

from keras_ch8.extend import Claim
from keras_ch8.verdicts import causes, texts
from keras_ch8.verdicts.kinds import OF_THE_CHAPTER, OF_THE_COURSE, OF_THE_START
from keras_ch8.verdicts.verdict import VerdictTracker


def tracked(**levels):
    """Return a tracker that has heard each kind twice at its level."""
    tracker = VerdictTracker()
    for step in (1, 2):
        tracker.update(step, [Claim(kind, level, f"Of {kind}.") for kind, level in levels.items()])
    return tracker


def found(**levels):
    return [(v.kind, v.level, v.explained_by) for v in tracked(**levels).verdicts]


def test_each_kind_of_the_suite_has_its_place_and_a_cause_stands_before_what_it_explains():
    """So none explains itself, and a cause is always left to be cured."""
    assert {kind.name for kind in (*OF_THE_CHAPTER, *OF_THE_START, *OF_THE_COURSE)} == set(causes.EXPLAINS)
    places = list(causes.EXPLAINS)
    for cause, symptoms in causes.EXPLAINS.items():
        assert len(set(symptoms)) == len(symptoms)
        for symptom in symptoms:
            assert places.index(cause) < places.index(symptom), (cause, symptom)


def test_a_symptom_is_explained_while_its_cause_calls_for_action():
    assert found(ill_conditioned="act", step_too_long="act", cliff="watch", bad_scale="watch") == [
        ("step_too_long", "act", ""),
        ("bad_scale", "watch", ""),
        ("cliff", "ok", "step_too_long"),
        ("ill_conditioned", "ok", "step_too_long"),
    ]
    assert found(ill_conditioned="act", step_too_long="watch") == [
        ("ill_conditioned", "act", ""),
        ("step_too_long", "watch", ""),
    ]


def test_what_is_fine_is_fine_whatever_stands():
    assert found(step_too_long="act", cliff="ok") == [("step_too_long", "act", ""), ("cliff", "ok", "")]


def test_what_follows_from_a_symptom_is_explained_by_the_first_cause():
    assert found(batch_wasteful="act", plateau="act", step_too_long="act", exploding="act") == [
        ("exploding", "act", ""),
        ("step_too_long", "ok", "exploding"),
        ("plateau", "ok", "exploding"),
        ("batch_wasteful", "ok", "exploding"),
    ]


def test_kinds_whose_cures_agree_stand_together_causes_first():
    said = found(plateau="act", vanishing="act", saturated_units="act", bad_scale="act")
    assert [kind for kind, level, _ in said if level == "act"] == [
        "bad_scale", "saturated_units", "vanishing", "plateau",
    ]  # fmt: skip


def test_an_explained_verdict_keeps_what_was_found_and_has_no_cure_that_could_contradict():
    tracker = tracked(step_too_long="act", ill_conditioned="act")
    verdict = tracker.verdicts[1]
    assert verdict.finding == 'Probably caused by "Learning rate too high", so fix that first. Of ill_conditioned.'
    assert (verdict.cure, verdict.code) == ("", "")


def test_the_verdicts_that_change_are_told_also_where_only_their_cause_did():
    tracker = tracked(ill_conditioned="act")
    tracker.update(3, [Claim("step_too_long", "act", "Long.", proven=False)])
    changed = tracker.update(4, [Claim("step_too_long", "act", "Long.")])
    assert [(v.kind, v.level) for v in changed] == [("step_too_long", "act"), ("ill_conditioned", "ok")]
    for step in range(5, 8):
        changed = tracker.update(step, [Claim("step_too_long", "ok", "Fine.")])
    assert [(v.kind, v.level) for v in changed] == [("ill_conditioned", "act"), ("step_too_long", "ok")]


@pytest.mark.parametrize("written", [texts.report, texts.markdown])
def test_what_is_explained_is_not_listed_as_all_right(written):
    text = written(tracked(step_too_long="act", ill_conditioned="act", cliff="watch", dead_units="ok").verdicts)
    said = " ".join(text.split())
    assert 'Probably caused by "Learning rate too high" (fix that first): Gradient spikes, Ill-conditioned loss' in said
    assert "1 other check found nothing." in said
    assert ("found nothing. Dead ReLUs." in said) is (written is texts.markdown)
    assert said.count("Ill-conditioned") == 1

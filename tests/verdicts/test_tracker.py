"""Nothing is said on one measurement and nothing taken back on one; what happened for certain counts at once."""

import dataclasses
import html
import io
import itertools
import json
import math
import re

import markdown
import pytest

from keras_ch8._result import coloured
from keras_ch8.extend import Claim, Verdict
from keras_ch8.verdicts import causes, texts
from keras_ch8.verdicts.kinds import KINDS
from keras_ch8.verdicts.state import state_of
from keras_ch8.verdicts.verdict import LEVELS, VerdictTracker


def claim(level, finding="", kind="cliff", **more):
    return Claim(kind, level, finding or f"Said {level}.", **more)


def levels(*said):
    """Return the level after each claim; None while there is no verdict."""
    tracker, found = VerdictTracker(), []
    for step, level in enumerate(said):
        tracker.update(step, [claim(level)])
        found.append(tracker.verdicts[0].level if tracker.verdicts else None)
    return found


def test_what_is_over_is_well_after_three_claims_that_say_so():
    assert levels("act", "act", *["ok"] * 3) == [None, "act", "act", "act", "ok"]


@pytest.mark.parametrize("stirring", causes.STIR_UP)
def test_what_makes_steps_longer_or_noisier_has_no_code_beside_what_asks_for_the_opposite(stirring):
    tracker = VerdictTracker()
    for kind in (stirring, "plateau"):
        tracker.update(1, [claim("watch", kind=kind, proven=True, cure="Do so.", code="x = 1")])
    assert [verdict.code for verdict in tracker.verdicts] == ["x = 1", "x = 1"]
    for other in causes.ASK_FOR_CALM:
        for level, code in (("watch", ""), ("ok", "x = 1")):
            tracker.update(2, [claim(level, kind=other, proven=True)])
            found = {verdict.kind: verdict for verdict in tracker.verdicts}
            assert (found[stirring].level, found[stirring].cure, found[stirring].code) == ("watch", "Do so.", code)
            assert found["plateau"].code == "x = 1"


def test_every_course_is_what_the_rule_says():
    """Up to the second-highest of the last three, down to the highest of them."""
    length = 6
    for said in itertools.product(range(3), repeat=length):
        level, expected = None, []
        for i in range(length):
            last = sorted(said[max(0, i - 2) : i + 1])
            if len(last) > 1:
                second, top = last[-2], last[-1]
                if level is None or second > level:
                    level = second
                elif len(last) == 3 and top < level:
                    level = top
            expected.append(None if level is None else LEVELS[level])
        assert levels(*(LEVELS[n] for n in said)) == expected, said


def test_what_is_still_so_but_matters_less_is_worth_watching():
    tracker = VerdictTracker()
    for step, level in enumerate(["act", "act", *["watch"] * 4]):
        tracker.update(step, [claim(level)])
    assert [(v.level, v.finding) for v in tracker.verdicts] == [("watch", "Said watch.")]


def test_what_has_come_back_calls_for_action_again():
    tracker = VerdictTracker()
    for step, level in enumerate(["act", "act", "ok", "ok", "ok", "act", "act", "ok"], 1):
        tracker.update(step, [claim(level)])
    (verdict,) = tracker.verdicts
    assert (verdict.level, verdict.finding, verdict.step) == ("act", "Said act.", 7)


def test_what_is_proven_counts_at_once():
    tracker = VerdictTracker()
    (verdict,) = tracker.update(7, [claim("act", proven=True)])
    assert (verdict.level, verdict.step) == ("act", 7)
    assert tracker.update(8, [claim("ok")]) == []
    assert tracker.verdicts[0].level == "act"


def test_only_changes_are_returned_and_the_step_is_that_of_the_change():
    tracker = VerdictTracker()
    changes = [[(v.level, v.step) for v in tracker.update(step, [claim("act")])] for step in (1, 2, 3)]
    assert changes == [[], [("act", 2)], []]
    assert tracker.verdicts[0].step == 2


def test_of_what_several_say_the_gravest_stands_and_none_takes_back_what_another_says():
    tracker = VerdictTracker()
    for step in range(1, 5):
        changed = [tracker.update(step, [claim(level)], source) for source, level in (("time", "act"), ("depth", "ok"))]
        assert [[v.level for v in some] for some in changed] == [["act"] if step == 2 else [], []]
    for step in range(5, 9):
        tracker.update(step, [claim("ok")], "time")
    assert [(v.kind, v.level) for v in tracker.verdicts] == [("cliff", "ok")]


def test_cure_and_section_are_those_of_the_kind_unless_the_numbers_tell_more():
    tracker = VerdictTracker()
    for _ in range(2):
        tracker.update(1, [claim("act"), claim("watch", kind="saddle", cure="Wait."), claim("ok", kind="plateau")])
    found = {v.kind: (v.cure, v.section) for v in tracker.verdicts}
    assert found["cliff"] == (KINDS["cliff"].cure, "8.2.4")
    assert found["saddle"] == ("Wait.", "8.2.3")
    assert found["plateau"] == ("", "8.2.3")


def test_a_verdict_survives_a_line_of_json():
    verdict = Verdict("cliff", "act", 'It rose,\n"10-fold", by |g| of Σ.', "Clip.", "8.2.4", 12)
    line = verdict.as_json()
    assert "\n" not in line
    assert "Σ" in line
    assert Verdict(**json.loads(line)) == verdict


ACT = Verdict("saddle", "act", "|g| |theta| / L is 1e-3,\nwhich is small.", "Use `a | b`.", "8.2.3", 5, measured=9)
WATCH = Verdict("cliff", "watch", "A spike in <img onerror=x>.", "Clip.", "8.2.4", 7, measured=8, code="clip()")
FINE = Verdict("plateau", "ok", "No.", "", "8.2.3", 1, measured=9)


def test_the_text_for_tensorboard_has_a_heading_for_each_that_is_wrong_and_no_table():
    """As TensorBoard's text plugin makes it: no column, whose words break, and no HTML of a name."""
    text = texts.markdown([ACT, WATCH, FINE])
    page = markdown.markdown(text, extensions=["markdown.extensions.tables", "markdown.extensions.fenced_code"])
    assert re.findall("<h3>(.*)</h3>", page) == [
        "ACT Stuck near a saddle point (saddle, since step 5, measured at step 9)",
        "WATCH Gradient spikes (cliff, since step 7, measured at step 8)",
    ]
    assert "<table" not in page
    assert "<img" not in page
    assert "<p><strong>What is wrong:</strong> |g| |theta| / L is 1e-3,\nwhich is small.</p>" in page
    assert "<p><strong>Fix:</strong> Use <code>a | b</code>.</p>" in page
    assert re.search(r"<code[^>]*># --- paste between .*\nclip\(\)\n# --- then: .*\n</code>", page)
    assert text.endswith("\n\n1 other check found nothing. Stuck on a plateau.")


def test_the_report_is_readable_on_a_terminal_of_80_columns():
    long = Verdict("vanishing", "act", f"{'The first layers barely learn, and ' * 5}so on.", "A-b " * 40, "8.2.5", 4)
    fine = [Verdict(kind, "ok", "No.", "", "8.2", 1) for kind in KINDS]
    text = texts.report([long, WATCH, *fine], of="doctor")
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[:2] == ["ACT Vanishing gradients (vanishing, since step 4, measured at step 0)", lines[1]]
    assert lines[1].startswith("What is wrong: The first layers")
    assert lines[2].startswith("    ")
    assert " ".join(text.split()).count("The first layers barely learn, and") == 5
    assert (
        "\n\nWATCH Gradient spikes: A spike in <img onerror=x>.\n    Fix: Clip. -> print(doctor.verdicts[1].code)\n\n"
        in text
    )
    assert text.endswith(f"\n\n{len(fine)} other checks found nothing.")
    assert "found nothing" not in texts.report([long])
    assert "found nothing" not in texts.markdown([long])


def test_a_cure_that_another_verdict_has_is_printed_once_and_says_what_fit_is_given():
    one = dataclasses.replace(WATCH, code="epochs = 9\nbatch_size = 64")
    text = texts.report([one, dataclasses.replace(one, kind="saddle", cure="Clip, too.")], of="doctor")
    assert text.count("\n# --- then: model.fit(batch_size=batch_size, epochs=epochs, ...) ---\n") == 1
    assert text.endswith('\n    Fix: The same as for "Gradient spikes".')


def test_of_several_verdicts_the_first_has_its_code_in_full_and_the_others_two_sentences():
    long = dataclasses.replace(WATCH, finding="word " * 60 + "end. More.", cure="thing " * 60 + "end. More.")
    found = [ACT, *(dataclasses.replace(long, kind=kind, code=f"{kind} = 1") for kind in ("cliff", "plateau", "leak"))]
    first, *others = texts.report(found, of="doctor").split("\n\n")
    assert first.startswith("ACT Stuck near a saddle point")
    for place, text in enumerate(others, 1):
        what, fix = text.split("\n    Fix: ")
        title = KINDS[found[place].kind].title
        assert what.split() == f"WATCH {title}: {'word ' * 60}end.".split()
        assert fix.split() == f"{'thing ' * 60}end. -> print(doctor.verdicts[{place}].code)".split()
        assert max(map(len, text.splitlines())) <= 80
    assert "print(" not in texts.report(found)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_levels_are_in_colour_in_a_terminal_and_never_in_a_file_or_where_nobody_wants_it(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = "ACT cliff\nWATCH leak\nOK: all\nLITTLE CHECKED: none\nno ACT here"
    assert coloured(text, Terminal()) == (
        "\033[1;31mACT\033[0m cliff\n\033[33mWATCH\033[0m leak\n\033[32mOK\033[0m: all\n"
        "\033[2mLITTLE CHECKED\033[0m: none\nno ACT here"
    )
    for stream in (io.StringIO(), object(), None):  # a file; what has only `write`; no output at all
        assert coloured(text, stream) == text
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured(text, Terminal()) == text


def test_a_notebook_has_one_line_a_card_for_each_verdict_and_the_passed_checks_folded():
    fine = [dataclasses.replace(FINE, kind=kind) for kind in ("plateau", "leak")]
    follows = dataclasses.replace(FINE, kind="too_short", explained_by="saddle")
    shown = texts.as_html("Doctor", [ACT, WATCH, *fine, follows], state_of([ACT, WATCH, *fine]))
    assert "<table" not in shown
    assert "<img" not in shown
    assert shown.count("<details open>") == 1, "the first alone is open"
    assert shown.count("<details") == 3
    assert "<summary>2 checks found nothing</summary><p>Stuck on a plateau, Data leak</p>" in shown
    assert (
        'Probably caused by "Stuck near a saddle point" (fix that first): Training stopped too early.'
        in html.unescape(shown)
    )
    well = texts.as_html("Doctor", fine, state_of(fine))
    assert "OK</b>: 2 of 2 checks ran, nothing to do.</p><details><summary>2 checks" in well


@pytest.mark.parametrize(
    "kind, step, so_far, is_cured",
    [("dead_units", 4, 0, True), ("dead_units", 4, 1, False), ("dead_units", 0, 1, True), ("leak", 4, 1, True)],
)
def test_what_may_follow_from_a_trouble_that_shows_later_has_no_cure_before(kind, step, so_far, is_cured):
    last = texts.alarm(dataclasses.replace(ACT, kind=kind, step=step), so_far)[-1]
    assert last == ("    Fix: Use `a | b`." if is_cured else
                    "    1 measurement so far: the real cause may be a different one.")  # fmt: skip


def test_what_has_no_cure_and_no_code_is_said_without():
    bare = dataclasses.replace(WATCH, finding="A spike.", cure="", code="")
    heading = "WATCH Gradient spikes (cliff, since step 7, measured at step 8)"
    assert texts.markdown([bare]) == f"### {heading}\n\n**What is wrong:** A spike."
    assert texts.report([bare]) == f"{heading}\nWhat is wrong: A spike."
    assert texts.alarm(bare) == ["WATCH Gradient spikes (cliff) at step 7: A spike."]
    assert str(bare) == "WATCH Gradient spikes (cliff, since step 7): A spike."


def test_in_brief_it_says_what_to_do_first_and_what_to_print():
    for found, lines in (
        (
            [ACT, FINE, WATCH],
            ["ACT: Stuck near a saddle point. Fix: Use `a | b`. -> print(doctor)", "WATCH: Gradient spikes"],
        ),
        ([ACT, ACT], ["ACT: 2 problems. First: Stuck near a saddle point. Fix: Use `a | b`. -> print(doctor)"]),
        (
            [WATCH, dataclasses.replace(WATCH, kind="saddle")],
            ["WATCH: Gradient spikes, Stuck near a saddle point -> print(doctor)"],
        ),
    ):
        assert texts.brief(found, state_of(found), "doctor") == lines
        assert texts.brief(found, state_of(found))[0] == lines[0].removesuffix(" -> print(doctor)")


def test_an_alarm_has_the_first_sentence_of_what_is_wrong_and_of_the_fix():
    long = dataclasses.replace(ACT, finding="It is flat, at 1.5 %. And so on.", cure="Wait, or go on. Else stop.")
    assert texts.alarm(long) == [
        "ACT Stuck near a saddle point (saddle) at step 5: It is flat, at 1.5 %.",
        "    Fix: Wait, or go on.",
    ]


def test_a_report_of_nothing_says_which_nothing():
    nothing = "LITTLE CHECKED: No check could run."
    assert texts.report([]) == texts.markdown([]) == nothing
    assert texts.brief([], state_of([])) == [nothing]
    assert texts.brief([FINE], state_of([FINE])) == ["OK: 1 of 1 check ran, nothing to do."]
    assert texts.report([FINE]).startswith("OK: 1 of 1 check ran, nothing to do.")
    thirteen = [dataclasses.replace(FINE, kind=kind) for kind in list(KINDS)[:13]]
    assert texts.report(thirteen) == "OK: 13 of 13 checks ran, nothing to do."
    text = texts.markdown(thirteen)
    assert text.startswith("OK: 13 of 13 checks ran, nothing to do.")
    assert all(KINDS[verdict.kind].title in text for verdict in thirteen)


# --- what holds now ------------------------------------------------------------------------------------------------


def drawn(level, number, **more):
    """Return a claim with a number that a series shows."""
    return claim(level, f"It is {number}.", series="diagnosis/it", drawn={"diagnosis/it": number}, **more)


def now(*claims):
    """Return the verdict after claims at the steps 10, 20, ..."""
    tracker = VerdictTracker()
    for i, one in enumerate(claims, 1):
        tracker.update(10 * i, [one])
    (verdict,) = tracker.verdicts
    return verdict


def test_a_verdict_says_when_it_was_measured_and_its_number_is_the_newest():
    found = now(drawn("act", 5.0, why=("Five.",)), drawn("act", 6.0), drawn("act", 7.0, why=("Seven.",)))
    assert (found.step, found.measured, found.finding) == (20, 30, "It is 7.0.")
    assert (found.why, found.series, found.value) == (("Seven.",), "diagnosis/it", 7.0)


def test_where_the_newest_claim_does_not_bear_it_out_that_is_the_first_reason():
    found = now(drawn("act", 5.0), drawn("act", 6.0, why=("Six.",) * 5), drawn("ok", 1.0))
    assert (found.level, found.measured, found.finding) == ("act", 20, "It is 6.0.")
    assert found.why == ("At step 30 it looked different: It is 1.0.", *["Six."] * 4)
    assert found.value == 1.0


def test_what_is_over_is_said_by_the_newest_claim():
    found = now(drawn("act", 5.0), drawn("act", 6.0), *[drawn("ok", number, why=("Fine.",)) for number in (3, 2, 1.0)])
    assert (found.level, found.step, found.measured) == ("ok", 50, 50)
    assert (found.finding, found.why) == ("It is 1.0.", ("Fine.",))
    assert (found.series, found.value) == ("diagnosis/it", 1.0)


def test_a_graver_claim_bears_out_what_is_worth_watching_and_no_claim_but_ok_that_all_is_well():
    assert now(claim("watch"), claim("watch"), claim("act")).finding == "Said act."
    fine = now(claim("ok"), claim("ok"), claim("watch"))
    assert (fine.level, fine.finding, fine.measured) == ("ok", "Said ok.", 20)
    assert fine.why == ("At step 30 it looked different: Said watch.",)


def test_a_number_that_no_series_shows_or_that_is_not_finite_is_none():
    assert now(claim("act"), claim("act")).value is None
    for number in (math.inf, math.nan):
        found = now(drawn("act", number), drawn("act", number))
        assert (found.series, found.value) == ("diagnosis/it", None)
        assert json.loads(found.as_json())["value"] is None
        assert Verdict(**json.loads(found.as_json())) == found


def test_the_code_of_a_claim_comes_with_what_is_wrong():
    found = [now(claim(level, code="clip()"), claim(level, code="clip()")).code for level in LEVELS]
    assert found == ["", "clip()", "clip()"]


def test_where_something_could_not_be_judged_the_reason_follows():
    note = "The probe was measured 3 times, too few to judge trends."

    def state(*found, **more):
        return state_of(found, applicable=["saddle", "cliff"], reasons=[note], **more)

    assert texts.brief([FINE], state(FINE)) == ["LITTLE CHECKED: 1 of 3 checks could run.", note]
    assert texts.brief([FINE], state(FINE, judged=["saddle"])) == ["OK: 2 of 3 checks ran, nothing to do.", note]
    assert texts.brief([ACT], state(ACT)) == ["ACT: Stuck near a saddle point. Fix: Use `a | b`.", note]
    assert texts.brief([], state()) == ["LITTLE CHECKED: No check could run.", note]
    for text in (texts.report, texts.markdown):
        assert text([FINE], state(FINE)).startswith("LITTLE CHECKED: 1 of 3 checks could run.")
        assert text([FINE], state(FINE)).endswith(note)
        assert text([ACT], state(ACT)).endswith(note)
        assert text([], state()).endswith(note)

"""Nothing is said on one measurement and nothing taken back on one; what happened for certain counts at once."""

import itertools
import json

import markdown
import pytest

from keras_ch8 import verdicts
from keras_ch8.verdicts import LEVELS, Claim, Verdict, VerdictTracker


def claim(level, finding="", kind="cliff", **more):
    return Claim(kind, level, finding or f"Said {level}.", **more)


def levels(*said):
    """Return the level after each claim; None while there is no verdict."""
    tracker, found = VerdictTracker(), []
    for step, level in enumerate(said):
        tracker.update(step, [claim(level)])
        found.append(tracker.verdicts[0].level if tracker.verdicts else None)
    return found


def test_one_claim_says_nothing():
    for level in LEVELS:
        assert levels(level) == [None]


def test_two_of_three_raise_it_and_three_lower_it():
    assert levels("ok", "ok", "act", "ok", "act", "act") == [None, "ok", "ok", "ok", "act", "act"]
    assert levels("watch", "watch", "ok", "ok", "ok") == [None, "watch", "watch", "watch", "ok"]
    assert levels("act", "watch") == [None, "watch"]
    assert levels("ok", "act", "act") == [None, "ok", "act"]


def test_what_called_for_action_stays_worth_watching():
    assert levels("act", "act", *["ok"] * 6) == [None, "act", "act", "act", *["watch"] * 4]


@pytest.mark.parametrize("length", [6])
def test_every_course_is_what_the_rule_says(length):
    """Up to the second-highest of the last three, down to the highest of them, not below watch after act."""
    for said in itertools.product(range(3), repeat=length):
        level, was_act, expected = None, False, []
        for i in range(length):
            last = sorted(said[max(0, i - 2) : i + 1])
            if len(last) > 1:
                second, top = last[-2], last[-1]
                if level is None or second > level:
                    level = second
                elif len(last) == 3 and top < level:
                    level = max(top, int(was_act))
                was_act = was_act or level == 2
            expected.append(None if level is None else LEVELS[level])
        assert levels(*(LEVELS[n] for n in said)) == expected, said


def test_what_is_still_so_but_matters_less_is_not_said_to_be_over():
    tracker = VerdictTracker()
    for step, level in enumerate(["act", "act", *["watch"] * 4]):
        tracker.update(step, [claim(level)])
    assert [(v.level, v.finding) for v in tracker.verdicts] == [("watch", "Said watch.")]
    for step in range(6, 10):
        tracker.update(step, [claim("ok")])
    assert tracker.verdicts[0].finding == "No longer so, but until step 4: Said act."


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


def test_the_finding_is_the_last_that_bears_the_level_out():
    tracker = VerdictTracker()
    for step, (level, finding) in enumerate([("act", "10."), ("act", "20."), ("ok", "1."), ("act", "30.")]):
        tracker.update(step, [claim(level, finding)])
        if step == 2:
            assert tracker.verdicts[0].finding == "20."
    assert tracker.verdicts[0].finding == "30."


def test_what_is_over_is_said_to_be():
    tracker = VerdictTracker()
    for step, level in enumerate(["act", "act", "ok", "ok", "ok", "ok"]):
        tracker.update(step, [claim(level, f"{level} at {step}.")])
    (verdict,) = tracker.verdicts
    assert verdict.level == "watch"
    assert verdict.finding == "No longer so, but until step 4: act at 1."


def test_of_what_several_say_the_gravest_stands_and_none_takes_back_what_another_says():
    tracker = VerdictTracker()
    for step in range(1, 5):
        changed = [tracker.update(step, [claim(level)], source) for source, level in (("time", "act"), ("depth", "ok"))]
        assert [[v.level for v in some] for some in changed] == [["act"] if step == 2 else [], []]
    for step in range(5, 9):
        tracker.update(step, [claim("ok")], "time")
    assert [(v.kind, v.level) for v in tracker.verdicts] == [("cliff", "watch")]


def test_cure_and_section_are_those_of_the_kind_unless_the_numbers_tell_more():
    tracker = VerdictTracker()
    for _ in range(2):
        tracker.update(1, [claim("act"), claim("watch", kind="saddle", cure="Wait."), claim("ok", kind="plateau")])
    found = {v.kind: (v.cure, v.section) for v in tracker.verdicts}
    assert found["cliff"] == (verdicts.KINDS["cliff"].cure, "8.2.4")
    assert found["saddle"] == ("Wait.", "8.2.3")
    assert found["plateau"] == ("", "8.2.3")


def test_the_most_serious_comes_first():
    tracker = VerdictTracker()
    for _ in range(2):
        tracker.update(
            1, [claim("ok", kind="saddle"), claim("watch", kind="plateau"), claim("act", kind="overfitting")]
        )
    assert [v.kind for v in tracker.verdicts] == ["overfitting", "plateau", "saddle"]


def test_a_verdict_survives_a_line_of_json():
    verdict = Verdict("cliff", "act", 'It rose,\n"10-fold", by |g| of Σ.', "Clip.", "8.2.4", 12)
    line = verdict.as_json()
    assert "\n" not in line
    assert Verdict(**json.loads(line)) == verdict


def cells(text):
    """Return the cells of each row as TensorBoard's text plugin makes them."""
    html = markdown.markdown(text, extensions=["markdown.extensions.tables", "markdown.extensions.fenced_code"])
    return [row.split("</td>")[:-1] for row in html.split("<tr>") if "<td" in row]


def test_the_report_is_a_table_that_tensorboard_reads():
    """Also where a finding has bars in it, as |g|."""
    act = Verdict("saddle", "act", "|g| |theta| / L is 1e-3,\nwhich is small.", "Use `a | b`.", "8.2.3", 5)
    watch = Verdict("cliff", "watch", "A spike.", "Clip.", "8.2.4", 7)
    fine = Verdict("plateau", "ok", "No.", "", "8.2.3", 1)
    text = verdicts.report([act, watch, fine])
    rows = cells(text)
    assert [len(row) for row in rows] == [6, 6]
    assert [row[0].split(">")[-1].strip() for row in rows] == ["ACT", "WATCH"]
    assert "|g| |theta| / L is 1e-3, which is small." in rows[0][2]
    assert text.endswith("\n\nIn order: plateau (8.2.3).")


def test_a_report_of_nothing_says_which_nothing():
    assert verdicts.report([]) == "Not enough was measured to say anything."
    assert verdicts.report([Verdict("cliff", "ok", "", "", "8.2.4", 1)]).startswith("Nothing to do.")

"""What a tracker says of changes: each change of level once, with its step, and nothing of the log while it lasts."""

from keras_ch8.extend import Claim, Verdict
from keras_ch8.verdicts.verdict import VerdictTracker


def course(*said):
    """Return the tracker after some claims, and what each of them changed."""
    tracker = VerdictTracker()
    changes = [tracker.update(step, [Claim("cliff", level, f"Said {level}.")]) for step, level in enumerate(said, 1)]
    return tracker, [[(v.level, v.step) for v in some] for some in changes]


def test_each_change_of_level_is_returned_with_its_step():
    tracker, changes = course("watch", "watch", "act", "act", "act", "ok", "ok", "ok")
    assert changes == [[], [("watch", 2)], [], [("act", 4)], [], [], [], [("watch", 8)]]
    assert tracker.verdicts[0].step == 8


def test_what_has_come_back_is_not_said_to_be_over():
    tracker, _ = course("act", "act", "ok", "ok", "ok", "act", "act", "ok")
    (verdict,) = tracker.verdicts
    assert (verdict.level, verdict.finding, verdict.step) == ("act", "Said act.", 7)


def test_a_verdict_in_words_ends_with_its_cure_if_it_has_one():
    words = "WATCH cliff, section 8.2.4, since step 5: A spike."
    assert str(Verdict("cliff", "watch", "A spike.", "Clip.", "8.2.4", 5)) == f"{words} Clip."
    assert str(Verdict("cliff", "watch", "A spike.", "", "8.2.4", 5)) == words


def test_a_line_of_json_keeps_letters_as_they_are():
    assert "Σ" in Verdict("cliff", "watch", "Of Σ.", "", "8.2.4", 5).as_json()

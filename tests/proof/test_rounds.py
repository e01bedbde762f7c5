"""Fixes tried in rounds on programs that take no time: which are proposed, which are tried at all, and what is said."""

import dataclasses

import pytest

from keras_ch8.extend import Verdict
from keras_ch8.proof.program import NO_CODE, Outcome
from keras_ch8.proof.rounds import prove
from keras_ch8.verdicts.remedies import Remedy


def verdict(code, kind="step_too_long", level="act", **others):
    return Verdict(kind, level, "So it is.", f"Do {code}.", "8.2.1", 5, code=code, **others)


@dataclasses.dataclass(eq=False)
class Fake:
    """A program whose score follows from the codes that are in it, and the seed."""

    scores: object
    found: object
    codes: tuple = ()
    log: list = dataclasses.field(default_factory=list)
    watched: set = dataclasses.field(default_factory=set)
    seconds: float = 0.0

    @property
    def text(self):
        return "\n".join(self.codes)

    def with_cure(self, verdict):
        if not verdict.code:
            return NO_CODE
        if verdict.code == "no place":
            return "There is no place for it."
        return dataclasses.replace(self, codes=(*self.codes, verdict.code))

    def train(self, seed, watched=False):
        self.log.append((self.codes, seed))
        self.watched.update({(self.codes, seed)} if watched else ())
        score = self.scores(self.codes, seed)
        if isinstance(score, BaseException):
            raise score
        verdicts = tuple(self.found.get(self.codes, ())) if watched else ()
        return Outcome(score, "accuracy", floor=0.1, verdicts=verdicts, state="act", seconds=self.seconds)


def proven(scores, found, **options):
    """Return what is proven of a program, which trainings that took, and what was told."""
    program, told = Fake(scores, found), []
    return prove(program, tell=told.append, **options), program.log, told


def test_the_first_fix_that_is_proven_stays_and_the_next_round_goes_on_from_there():
    better = {(): 0.3, ("a",): 0.3, ("b",): 0.6, ("b", "c"): 0.9}
    found = {(): [verdict("a"), verdict("b")], ("b",): [verdict("c")]}
    proof, _, told = proven(lambda codes, seed: better[codes] + seed / 100, found)
    assert proof.patched.text == "b\nc"
    assert [v.code for v in proof.cures] == ["b", "c"]
    assert [tried.judgement.level for tried in proof.tried] == ["not proven", "proven", "proven"]
    assert proof.state == "proven"
    assert str(proof).startswith("Proven with 3 fresh seeds: Do b. Do c. Accuracy is 0.94 with it, 0.34 without it")
    assert told[0] == 'Fix for "Learning rate too high": Do a.'
    assert told[1] == "  Not proven. Accuracy is 0.305 with it, 0.305 without it (median of 2 seeds)."


def test_the_next_round_is_for_the_training_that_does_not_gain():
    class Lucky(Fake):
        def train(self, seed, watched=False):
            outcome = super().train(seed, watched)
            return dataclasses.replace(outcome, verdicts=()) if self.codes == ("a",) and seed != 1 else outcome

    scores = {(): lambda _: 0.3, ("a",): lambda seed: 0.3 if seed == 1 else 0.6, ("a", "b"): lambda _: 0.9}
    found = {(): [verdict("a")], ("a",): [verdict("b")]}
    proof = prove(Lucky(lambda codes, seed: scores[codes](seed), found), tell=lambda _: None)
    assert proof.patched.text == "a\nb"


@pytest.mark.parametrize("of_others, text", [(0.6, "a\nb"), (0.55, "a")])
def test_a_fix_for_the_training_that_lags_has_to_gain_there_and_must_not_be_worse_with_others(of_others, text):
    scores = {(): lambda _: 0.3, ("a",): lambda seed: 0.3 if seed == 1 else 0.6}
    scores["a", "b"] = lambda seed: 0.6 if seed == 1 else of_others
    found = {(): [verdict("a")], ("a",): [verdict("b")]}
    proof, log, told = proven(lambda codes, seed: scores[codes](seed), found)
    assert proof.patched.text == text
    assert proof.tried[1].judgement.cells[1:] == ("0.3", "0.6", 1)
    assert [seed for codes, seed in log if codes == ("a", "b")][:2] == [1, 0]
    assert "What follows is for what lags, and must not be worse with the others: seed 1." in told


def test_what_is_worth_watching_is_tried_where_what_calls_for_action_does_not_help_and_before_what_nothing_asks_for():
    seen = [verdict("a"), verdict("b", level="watch"), verdict("", level="watch")]

    class Known(Fake):
        def train(self, seed, watched=False):
            outcome = super().train(seed, watched)
            return dataclasses.replace(outcome, further=(Remedy("Do c.", "c"),) if watched else ())

    program = Known(lambda codes, seed: 0.6 if "b" in codes else 0.3, {(): seen})
    proof = prove(program, rounds=1, tell=lambda _: None)
    assert (proof.patched.text, [tried.cures[-1].code for tried in proof.tried]) == ("b", ["a", "b"])


@pytest.mark.parametrize("helps", [True, False])
def test_fresh_seeds_that_lag_choose_once_more_and_others_prove_it(helps):
    further = (Remedy("Do b.", "b"),)

    class Known(Fake):
        def train(self, seed, watched=False):
            return dataclasses.replace(super().train(seed, watched), further=further if watched else ())

    def scores(codes, seed):
        return 0.3 if not codes or (codes == ("a",) and seed in (3, 4)) or (not helps and seed > 2) else 0.6

    program = Known(scores, {(): [verdict("a")]})
    proof = prove(program, tell=lambda _: None)
    assert [tried.judgement.level for tried in proof.tried] == ["proven", "proven" if helps else "not proven"]
    assert [pair.seed for pair in proof.fresh.pairs] == ([6, 7, 8] if helps else [3, 4])
    assert (proof.patched.text if proof.patched else None) == ("a\nb" if helps else None)
    assert [seed for codes, seed in program.log if codes == ("a", "b")][:3] == ([3, 4, 0] if helps else [3])


def test_only_what_the_next_fix_is_chosen_by_is_watched():
    program = Fake(lambda codes, _: 0.5 + 0.2 * len(codes), {(): [verdict("a"), verdict("b")]})
    prove(program, tell=lambda _: None)
    assert program.watched == {((), 0), (("a",), 0)}
    assert len(program.log) == 12


def test_the_gain_that_is_quoted_is_that_of_seeds_which_have_not_chosen():
    proof, log, _ = proven(
        lambda codes, seed: 0.9 if codes and seed < 3 else 0.5 + 0.1 * len(codes), {(): [verdict("a")]}
    )
    assert [pair.seed for pair in proof.fresh.pairs] == [3, 4, 5]
    assert "Accuracy is 0.6 with it, 0.5 without it (median of 3 seeds). Differences: +0.1 to +0.1." in str(proof)
    assert sorted(log) == sorted((codes, seed) for codes in ((), ("a",)) for seed in range(6))  # each once


@pytest.mark.parametrize("fresh", [0.5, 0.52, 0.3])
def test_what_only_the_seeds_that_chose_it_show_is_not_proposed(fresh):
    proof, *_ = proven(lambda codes, seed: 0.5 if not codes else 0.9 if seed < 3 else fresh, {(): [verdict("a")]})
    assert (proof.patched, proof.state) == (None, "sick")
    assert proof.tried[0].judgement.level == "proven"
    assert "No fix is proven. What helped in its trial does not with fresh seeds: " in str(proof)
    assert "fix, as code" not in str(proof)


@pytest.mark.parametrize("with_both, with_one, text", [(0.3, 0.8, "a"), (0.3, 0.4, None), (0.9, 0.8, "a\nb")])
def test_where_the_last_fix_spoils_all_the_others_are_checked_once_with_seeds_that_are_new_again(
    with_both, with_one, text
):
    scores = {(): 0.4, ("a",): with_one, ("a", "b"): with_both}
    chosen = {(): 0.4, ("a",): 0.6, ("a", "b"): 0.9}
    found = {(): [verdict("a")], ("a",): [verdict("b")]}
    proof, log, told = proven(lambda codes, seed: (chosen if seed < 3 else scores)[codes], found)
    assert (proof.patched.text if proof.patched else None) == text
    first = 3 if with_both == 0.9 else 6
    assert proof.fresh.pairs[0].seed == first
    assert told[-1].startswith("All together" if first == 3 else "Without the last, with other fresh seeds: ")
    assert max(seed for _, seed in log) < first + 3


def test_a_fix_that_is_worse_once_is_dropped_at_once():
    proof, log, _ = proven(lambda codes, seed: 0.5 - 0.3 * len(codes), {(): [verdict("a")]})
    assert proof.tried[0].judgement.level == "harms"
    assert log == [((), 0), (("a",), 0)]
    assert proof.patched is None


def test_where_a_fix_does_not_help_its_alternative_is_tried_before_the_next_verdict():
    first = verdict("a", then="Do a2.", then_code="a2")
    proof, log, _ = proven(lambda codes, _: 0.9 if codes == ("b",) else 0.5, {(): [first, verdict("b")]}, seeds=1)
    assert [codes for codes, seed in log if seed == 0] == [(), ("a",), ("a2",), ("b",)]
    assert [tried.cures[0].cure for tried in proof.tried] == ["Do a.", "Do a2.", "Do b."]
    assert proof.patched.text == "b"


@pytest.mark.parametrize("given", [False, True])  # by the training of the user, where the first trial says nothing
@pytest.mark.parametrize("helps", ["a", "what it might need"])
def test_what_a_training_might_need_is_tried_where_no_fix_that_a_verdict_asks_for_is_proven(helps, given):
    class Known(Fake):
        def train(self, seed, watched=False):
            further = tuple(Remedy(f"Do {code}.", code) for code in ("no place", "a", "what it might need"))
            return dataclasses.replace(super().train(seed, watched), further=further)

    said = [verdict("a", "plateau"), verdict("")]
    program = Known(lambda codes, _: 0.9 if helps in codes else 0.5, {} if given else {(): said})
    proof = prove(program, said if given else None, tell=lambda _: None)
    assert proof.patched.text == helps
    assert [v.kind for v in proof.cures] == ["plateau"]
    is_asked_for = helps == "a"
    assert [tried.cures[0].code for tried in proof.tried] == (["a"] if is_asked_for else ["a", "", helps])


def test_two_faults_that_have_to_go_together_are_found_and_no_part_is_proven_alone():
    found = {(): [verdict("a", "wrong_loss"), verdict("b")], ("a",): [verdict("b")]}
    proof, *_ = proven(lambda codes, _: 0.9 if {*codes} == {"a", "b"} else 0.5, found)
    assert proof.patched.text == "a\nb"
    assert [(len(tried.cures), tried.judgement.level) for tried in proof.tried] == [
        (1, "not proven"),
        (1, "not proven"),
        (2, "proven"),
    ]


def test_of_two_faults_that_each_end_the_training_the_second_is_tried_behind_the_first():
    class Failing(Fake):
        def train(self, seed, watched=False):
            outcome = super().train(seed, watched)
            return outcome if len(self.codes) == 2 else dataclasses.replace(outcome, score=float("nan"), error="No.")

    found = {
        (): [verdict("a", "wrong_loss"), verdict("b")],
        ("a",): [verdict("b")],
        ("b",): [verdict("a", "wrong_loss")],
    }
    proof = prove(Failing(lambda *_: 0.9, found), tell=lambda _: None)
    assert proof.patched.text == "a\nb"
    assert str(proof).startswith(
        "The training fails: No. Proven with 3 fresh seeds: Do a. Do b. Accuracy is 0.9 with it, "
    )


def test_a_fix_whose_verdict_stays_is_not_built_upon():
    found = {(): [verdict("a")], ("a",): [verdict("a"), verdict("b", "cliff")]}
    proof, *_ = proven(lambda codes, _: 0.9 if {*codes} == {"a", "b"} else 0.5, found)
    assert proof.patched is None
    assert len(proof.tried) == 1


def test_a_patch_has_no_more_fixes_than_rounds():
    found = {("a",) * n: [verdict("a" * (n + 1))] for n in range(1)} | {("a",): [verdict("b")]}
    proof, *_ = proven(lambda codes, _: 0.3 + 0.2 * len(codes), found, rounds=1)
    assert proof.patched.text == "a"


def test_what_has_no_code_or_no_place_says_so_and_trains_nothing():
    proof, log, told = proven(lambda *_: 0.5, {(): [verdict(""), verdict("no place", "cliff")]})
    assert log == [((), 0)]
    assert told[1::2] == ["  Not tried. It has no code.", "  Not tried. There is no place for it."]
    assert str(proof).startswith("No fix is proven; none could be tried.")


def test_of_a_healthy_program_nothing_is_tried():
    proof, log, _ = proven(lambda *_: 0.9, {(): [verdict("a", level="watch")]})
    assert (proof.state, proof.tried, log) == ("healthy", (), [((), 0)])
    assert str(proof) == "Nothing calls for a fix."


def test_verdicts_that_are_given_are_tried_in_the_first_round():
    proof, *_ = proven(lambda codes, _: 0.9 if codes else 0.5, {}, verdicts=[verdict("a", level="watch")])
    assert proof.patched.text == "a"


def test_ctrl_c_ends_it_with_what_was_found():
    def scores(codes, seed):
        return KeyboardInterrupt() if codes == ("b",) else 0.5

    proof, *_ = proven(scores, {(): [verdict("a"), verdict("b")]})
    assert [tried.judgement.level for tried in proof.tried] == ["not proven"]
    assert str(proof).startswith("No fix is proven; 1 could be tried. You ended it before all was tried.")


def test_ctrl_c_in_the_last_check_proposes_nothing():
    proof, *_ = proven(
        lambda codes, seed: KeyboardInterrupt() if seed > 3 else 0.5 + 0.3 * len(codes), {(): [verdict("a")]}
    )
    assert proof.patched is None
    assert "what helped in its trial was not tried with enough fresh seeds. You ended it" in str(proof)


class Clock:
    """Time that only trainings take."""

    def __init__(self, program):
        self.program = program

    def monotonic(self):
        return 60.0 * len(self.program.log)


@pytest.mark.parametrize(
    "minutes, is_proven, said",
    [
        (100, True, []),
        (8, True, ["`minutes` allowed 2 of 3 seeds.", "`minutes` allowed 2 of 3 fresh seeds."]),
        (6, True, ["`minutes` allowed 1 of 3 seeds.", "`minutes` allowed 2 of 3 fresh seeds."]),
        (5, False, ["`minutes` allowed no more fixes."]),
    ],
)
def test_minutes_take_seeds_from_the_choice_before_the_last_check_and_it_is_said(monkeypatch, minutes, is_proven, said):
    program = Fake(lambda codes, _: 0.5 + 0.3 * len(codes), {(): [verdict("a")]}, seconds=60.0)
    monkeypatch.setattr("keras_ch8.proof.rounds.time", Clock(program))
    proof = prove(program, minutes=minutes, tell=lambda _: None)
    assert (proof.patched is not None) == is_proven
    assert list(proof.unchecked) == said
    assert proof.seconds <= 60 * minutes

"""Cures have the numbers of the training, leave out what is there already, and come in order."""

import re
import string

import pytest

from keras_ch8 import extend
from keras_ch8.extend import Limit, Quantity, Rule
from keras_ch8.verdicts import texts
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.kinds import KINDS, OF_THE_CHAPTER
from keras_ch8.verdicts.remedies import REMEDIES, applicable
from keras_ch8.verdicts.rules import judge
from keras_ch8.verdicts.state import state_of

NUMBERS = {
    "rate": "0.1", "high_rate": "",
    "tenth_rate": "0.01", "tenfold_rate": "1",
    "shorter_rate": "0.01", "longer_rate": "1", "clip_at": "2.5", "momentum": "0.9", "memory": "3.4",
    "weights_of_losses": "{'kind': 0.5}",
    "larger_batch": "128", "smaller_batch": "16", "more_epochs": "30", "added_up": "2",
}  # fmt: skip
ALL = [(kind, i, remedy) for kind, remedies in REMEDIES.items() for i, remedy in enumerate(remedies)]


def first_two(kind, known=NUMBERS, has=()):
    found = list(applicable(REMEDIES[kind], known, frozenset(has)))
    return [remedy.cure for remedy in found[:2]]


def test_every_kind_of_the_chapter_has_remedies_or_a_rule_that_has_one():
    assert {kind.name for kind in OF_THE_CHAPTER} - set(REMEDIES) == {"batch_wasteful"}
    assert set(REMEDIES) <= set(KINDS)


@pytest.mark.parametrize("kind, i, remedy", ALL, ids=lambda x: x if isinstance(x, str) else "")
def test_each_remedy_is_sentences_whose_numbers_and_facts_there_are(kind, i, remedy):
    names = {
        name for text in (remedy.cure, remedy.code, remedy.expects) for _, name, *_ in string.Formatter().parse(text)
    }
    assert names - {None} <= set(NUMBERS)
    filled = remedy.filled(NUMBERS)
    assert re.fullmatch(r"[A-Z].*\.", filled.cure)
    assert not filled.expects or re.fullmatch(r"[A-Z].*\.", filled.expects)
    assert bool(filled.code) == bool(filled.expects)
    compile(filled.code, kind, "exec")


@pytest.mark.parametrize("kind", REMEDIES)
def test_without_numbers_and_facts_there_is_still_something_to_do(kind):
    has = {Fact.ADAPTIVE_RATES, Fact.CLIPPING, Fact.INPUT_NORMALIZATION}
    if kind not in ("noise_dominated", "batch_norm_gap", "step_too_short"):
        assert first_two(kind, {}, has), kind
    assert first_two(kind, NUMBERS, {Fact.SEQUENTIAL}), kind


def test_what_is_there_is_not_advised():
    there = {
        Fact.SKIP_CONNECTIONS: "layers.Residual", Fact.NORMALIZATION: "layers.BatchNormalization",
        Fact.ADAPTIVE_RATES: "optimizers.Adam`", Fact.CLIPPING: "global_clipnorm",
        Fact.INPUT_NORMALIZATION: "Normalization` in",
    }  # fmt: skip
    for kind, remedies in REMEDIES.items():
        for fact, name in there.items():
            for others in (
                (),
                (Fact.SEQUENTIAL,),
                (Fact.UNSCALED_INPUTS, Fact.UNEVEN_INPUTS, Fact.SEQUENTIAL, Fact.SIGMOID_UNITS, Fact.RECURRENCE),
            ):
                found = applicable(remedies, NUMBERS, frozenset({fact, *others}))
                assert not [remedy for remedy in found if name in remedy.cure], (kind, fact)


def test_the_first_that_suits_is_the_cure_and_the_next_what_to_do_if_it_fails():
    assert first_two("vanishing", has=[Fact.SEQUENTIAL, Fact.SIGMOID_UNITS]) == [
        "Add `layers.BatchNormalization` after each hidden layer.",
        "Scale the initial weights to your data with `training.scale_to_data`.",
    ]
    assert first_two("vanishing", has=[Fact.SEQUENTIAL, Fact.NORMALIZATION])[1] == (
        "Add skip connections with `layers.Residual`."
    )
    assert first_two("vanishing", has=[Fact.NORMALIZATION, Fact.SKIP_CONNECTIONS])[1].startswith("Use ReLU")
    assert first_two("short_horizon", has=[Fact.LSTM])[0].startswith("Start with open forget gates")
    assert first_two("step_too_long", has=[Fact.SCHEDULE_TO_SCALE])[0].endswith(" by scaling the whole schedule down.")
    elsewhere = first_two("step_too_long", has=[Fact.RATE_SET_ELSEWHERE])[0]
    assert elsewhere == "In the code that sets the learning rate, lower its largest value from 0.1 to 0.01."
    assert first_two("step_too_long", {})[0].startswith("Find a good learning rate with `keras_ch8.find_learning_rate`")


def test_a_claim_has_cure_code_what_to_expect_and_what_else_to_do_with_the_numbers_of_the_training():
    height = Quantity("height", "A height.", "it is {:.2g} high".format)
    rule = Rule(kind="step_too_long", says="So", limits=(Limit(height, "above", 1, 2, source="Here."),))
    (claim,) = judge([rule], {"height": 3.0}, known=NUMBERS, has=frozenset({Fact.CLIPPING}))
    assert claim.cure == "Lower the learning rate from 0.1 to 0.01."
    assert claim.code == "model.optimizer.learning_rate = 0.01"
    assert claim.expects == "The loss should fall from the first epoch on."
    assert claim.then == "Find a good learning rate with `keras_ch8.find_learning_rate`."
    (fine,) = judge([rule], {"height": 0.0}, known=NUMBERS)
    assert (fine.cure, fine.code, fine.expects, fine.then) == ("",) * 4


def test_a_rules_own_cure_comes_first_and_is_passed_over_where_a_number_is_missing():
    height = Quantity("height", "A height.", "it is {:.2g} high".format)
    rule = Rule(
        kind="cliff", says="So", limits=(Limit(height, "above", 1, 2, source="Here."),), cure="Saw off {height}.",
        code="height = {height}", expects="It should be low.",
    )  # fmt: skip
    (claim,) = judge([rule], {"height": 3.0}, known=NUMBERS)
    assert (claim.cure, claim.code, claim.expects) == ("Saw off 3.", "height = 3", "It should be low.")
    assert claim.then.startswith("Clip the gradient norm at 2.5")
    (claim,) = judge([rule], {"height": float("inf")}, known=NUMBERS)
    assert claim.cure.startswith("Clip the gradient norm at 2.5")


def test_texts_have_what_to_expect_and_what_else_to_do():
    verdict = extend.Verdict(
        "cliff", "act", "Spikes.", "Clip.", "8.2.4", 5, code="clip()", then="Wait.", expects="It is calm."
    )
    assert (
        str(verdict)
        == "ACT Gradient spikes (cliff, since step 5): Spikes. Fix: Clip. Then expect: It is calm. If not: Wait."
    )
    assert texts.report([verdict]).splitlines()[1:] == [
        "What is wrong: Spikes.", "Fix: Clip.",
        "# --- paste between compile and fit ---", "clip()", "# --- then: model.fit(...) as before ---",
        "Then expect: It is calm.", "If not: Wait.",
    ]  # fmt: skip
    for text in (texts.markdown([verdict]), texts.as_html("Doctor", [verdict], state_of([verdict]))):
        for part in ("Fix:", "clip()", "Then expect:", "It is calm.", "If not:", "Wait."):
            assert part in text
    assert '"then": "Wait.", "expects": "It is calm."' in verdict.as_json()

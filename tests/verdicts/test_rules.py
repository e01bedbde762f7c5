"""Rules, thresholds, conditions and kinds: all that they name exists, and each level is reached where they say so."""

import inspect
import math
import re

import keras
import pytest

import keras_ch8
from keras_ch8.extend import Claim, Combination, Condition, Kind, LevelThreshold, Quantity, Rule
from keras_ch8.monitors.base import members
from keras_ch8.verdicts import kinds
from keras_ch8.verdicts.kinds import KINDS
from keras_ch8.verdicts.remedies import REMEDIES
from keras_ch8.verdicts.rules import judge
from keras_ch8.verdicts.verdict import LEVELS

RULES = [rule for monitor in members("full") for rule in monitor.rules]
THRESHOLDS = list({id(threshold): threshold for rule in RULES for threshold in rule.all_of}.values())
HEIGHT = Quantity("height", "How high it is.", lambda value: f"it is {value:.2g} high", "it has no end")
WIDTH = Quantity("width", "How wide it is.")


@pytest.fixture(autouse=True)
def own_kinds():
    before = dict(KINDS), dict(kinds._ADDED_BY)
    yield
    for registry, content in zip((KINDS, kinds._ADDED_BY), before, strict=True):
        registry.clear()
        registry.update(content)


@pytest.mark.parametrize("kind, level", [("gremlins", "act"), ("cliff", "fatal")])
def test_a_kind_or_level_that_there_is_not_is_refused(kind, level):
    with pytest.raises(ValueError, match=r"`kind` must be one of step_too_long, .*Received: kind=.*Name one of them"):
        Claim(kind, level, "")


def test_each_kind_of_a_training_is_claimed_by_some_rule():
    of_trainings = {kind.name for kind in (*kinds.OF_THE_CHAPTER, *kinds.OF_THE_COURSE)}
    assert {rule.kind for rule in RULES} >= of_trainings


def test_every_quantity_that_a_rule_names_has_one_meaning():
    meanings = {}
    for rule in RULES:
        for quantity in [*rule.quantities, *rule.mentions]:
            assert quantity.meaning.endswith("."), quantity
            assert meanings.setdefault(quantity.name, quantity.meaning) == quantity.meaning


def test_a_rule_silenced_by_a_kind_comes_after_the_rules_of_that_kind():
    for monitor in members("full"):
        before = []
        for rule in monitor.rules:
            assert {s for s in rule.silenced_by if isinstance(s, str)} <= set(before), rule
            before.append(rule.kind)


def resolve(name):
    """Return what a name in a cure stands for: of Keras, or of the suite."""
    parts = name.split(".")
    at = keras if parts[0] == "keras" else keras_ch8
    for part in parts[1:] if parts[0] in ("keras", "keras_ch8") else parts:
        at = getattr(at, part)
    return at


def arguments(*callables):
    return {name for f in callables for cls in inspect.getmro(f) for name in inspect.signature(cls.__init__).parameters}


TEXTS = [kind.cure for kind in KINDS.values()] + [r.cure for remedies in REMEDIES.values() for r in remedies]


@pytest.mark.parametrize("cure", dict.fromkeys(TEXTS))
def test_a_cure_names_what_there_is(cure):
    assert cure.endswith((".", ")."))
    cure = re.sub(
        r"`(bias_initializer|initializers\.forget_gate|unit_forget_bias|global_clipnorm|gradient_accumulation_steps)[^`]*`",
        "so",
        cure,
    )
    for name, given in re.findall(r"`([\w.]+)(?:\((?:\.\.\., )?(\w+)=\w+\))?(?:=\w+)?`", cure):
        if name.islower() and "." not in name:
            assert name in arguments(keras.layers.BatchNormalization, keras_ch8.optimizers.SGD), name
            continue
        found = resolve(name)
        assert callable(found), name
        assert not given or given in arguments(found), (name, given)
    assert cure.count("`") == 2 * len(re.findall(r"`[\w.]+(?:\((?:\.\.\., )?\w+=\w+\))?(?:=\w+)?`", cure))


def test_names_with_numbers_of_the_training_are_those_of_parts():
    assert callable(keras_ch8.initializers.forget_gate)
    assert {"bias_initializer", "unit_forget_bias"} <= arguments(keras.layers.LSTM)
    assert "global_clipnorm" in arguments(keras_ch8.optimizers.SGD)


def test_sections_are_those_of_the_chapter():
    assert all(re.fullmatch(r"8\.[1-7](\.\d)?", kind.section) for kind in KINDS.values())


@pytest.mark.parametrize(
    "direction, watch, act, values, expected",
    [
        ("above", 1, 3, (-math.inf, 0.9, 1, 2, 3, math.inf, math.nan), "ok ok watch watch act act ok"),
        ("below", 3, 1, (math.inf, 3.1, 3, 2, 1, -math.inf, math.nan), "ok ok watch watch act act ok"),
        ("above", 1, None, (0.9, 1, 1e30, math.inf), "ok watch watch act"),
        ("below", 1, None, (1.1, 1, -1e30, -math.inf), "ok watch watch act"),
        ("above", 2, 2, (1.9, 2, 2.1), "ok act act"),
        ("below", 2, 2, (2.1, 2, 1.9), "ok act act"),
    ],
)
def test_a_threshold_goes_up_or_down_and_includes_its_limits(direction, watch, act, values, expected):
    threshold = LevelThreshold(HEIGHT, direction, watch=watch, act=act, source="")
    assert [threshold.level(value) for value in values] == expected.split()


def test_a_threshold_whose_act_is_the_milder_is_refused():
    with pytest.raises(ValueError, match=r"`act` must be `watch` or more serious\. Received: direction='above'"):
        LevelThreshold(HEIGHT, "above", watch=3, act=1, source="")
    with pytest.raises(ValueError, match=r"Exchange the numbers, or turn the direction around"):
        LevelThreshold(HEIGHT, "below", watch=1, act=3, source="")


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: Condition(HEIGHT, "=", 2.0), r"`is_` must be one of '<', .*'known'\. Received: is_='='"),
        (lambda: Combination("it is so", "some of", ()), r"`how` must be one of 'all of', .*Received: how='some of'"),
        (
            lambda: LevelThreshold(HEIGHT, "over", watch=1, act=3, source=""),
            r"one of 'above', 'below'\. Received: .*'over'",
        ),
        (lambda: Rule(kind="cliff", says="So", at_most="warn"), r"one of 'ok', 'watch', 'act'\. Received: .*'warn'"),
    ],
    ids=["condition", "combination", "threshold", "rule"],
)
def test_a_word_that_is_not_allowed_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize("direction, watch, act", [("below", 3, 1), ("above", 1, 3)])
def test_a_level_of_a_threshold_is_a_condition_too(direction, watch, act):
    threshold = LevelThreshold(HEIGHT, direction, watch=watch, act=act, source="")
    for value in (0.5, 1, 2, 3, 4, math.nan):
        measured, level = {"height": value}, threshold.level(value)
        assert threshold.at("watch").holds(measured) == (level != "ok")
        assert threshold.at("act").holds(measured) == (level == "act")


@pytest.mark.parametrize(
    "is_, expected",
    [("<", [1, 0, 0]), ("<=", [1, 1, 0]), (">", [0, 0, 1]), (">=", [0, 1, 1]), ("known", [1, 1, 1])],
)
def test_a_condition_compares_and_does_not_hold_of_what_is_not_known(is_, expected):
    condition = Condition(HEIGHT, is_, 2.0)
    assert [condition.holds({"height": value}) for value in (1.0, 2.0, 3.0)] == list(map(bool, expected))
    assert not condition.holds({"height": math.nan})
    assert not condition.holds({})


@pytest.mark.parametrize(
    "how, expected", [("all of", [0, 0, 0, 1]), ("any of", [0, 1, 1, 1]), ("none of", [1, 0, 0, 0])]
)
def test_a_combination_is_what_its_word_says(how, expected):
    combination = Combination("it is so", how, (Condition(HEIGHT, ">", 0), Condition(WIDTH, ">", 0)))
    cases = [{"height": h, "width": w} for h in (-1, 1) for w in (-1, 1)]
    assert [combination.holds(case) for case in cases] == list(map(bool, expected))
    assert combination.holds({}) == (how == "none of")


HIGH = LevelThreshold(HEIGHT, "above", watch=1, act=3, source="")
WIDE = LevelThreshold(WIDTH, "above", watch=1, act=3, source="")
BOTH = {"height": 5.0, "width": 5.0}


def level(measured, *rules, **options):
    claims = judge([*rules, Rule(kind="cliff", says="It is a cliff", **options)], measured)
    return {claim.kind: claim.level for claim in claims}.get("cliff")


def test_all_thresholds_of_a_rule_must_be_reached_and_the_mildest_counts():
    assert level(BOTH, all_of=(HIGH, WIDE)) == "act"
    assert level(BOTH | {"width": 2.0}, all_of=(HIGH, WIDE)) == "watch"
    assert level(BOTH | {"width": 0.0}, all_of=(HIGH, WIDE)) == "ok"
    assert level(BOTH | {"width": math.nan}, all_of=(HIGH, WIDE)) == "ok"


def test_of_several_rules_the_gravest_counts_and_its_sentence_is_said():
    narrow = Rule(
        kind="cliff", says="It is narrow", all_of=(LevelThreshold(WIDTH, "below", watch=9, act=None, source=""),)
    )
    (claim,) = judge([narrow, Rule(kind="cliff", says="It is high", all_of=(HIGH,))], BOTH)
    assert (claim.level, claim.finding) == ("act", "It is high (it is 5 high).")
    (claim,) = judge([narrow, Rule(kind="cliff", says="It is high", all_of=(HIGH,))], BOTH | {"height": 0.5})
    assert (claim.level, claim.finding) == ("watch", "It is narrow.")


def test_of_several_rules_at_one_level_the_first_is_said():
    high, tall = (Rule(kind="cliff", says=says, all_of=(HIGH,)) for says in ("It is high", "It is tall"))
    for rules, says in (((high, tall), "It is high"), ((tall, high), "It is tall")):
        assert judge(rules, BOTH)[0].finding == f"{says} (it is 5 high)."


def test_a_sentence_says_what_the_thresholds_judge_and_without_any_what_the_conditions_compare():
    deep = Quantity("depth", "How deep it is.", lambda value: f"it is {value:g} deep")
    is_deep, measured = (Condition(deep, ">", 0),), BOTH | {"depth": 4.0}
    findings = [
        judge([Rule(kind="cliff", says="So", when=is_deep, **more)], measured)[0].finding
        for more in ({"all_of": (HIGH,)}, {}, {"mentions": (HEIGHT,)})
    ]
    assert findings == ["So (it is 5 high).", "So (it is 4 deep).", "So (it is 4 deep; it is 5 high)."]


def test_a_number_of_a_million_millions_has_no_end():
    far, rule = (
        BOTH | {"height": 1e12, "width": 1e12},
        Rule(kind="cliff", says="So", all_of=(HIGH,), cure="Of {width}."),
    )
    assert judge([rule], far)[0].finding == "So (it has no end)."
    assert "Of " not in judge([rule], far)[0].cure  # the kind's own
    assert judge([rule], far | {"width": 0.99e12})[0].cure == "Of 9.9e11."


def test_of_what_is_wrong_every_number_is_said_and_of_what_is_fine_four():
    sizes = [Quantity(f"size {i}", "A size.", f"{i} is {{:g}}".format) for i in range(6)]
    rule = Rule(kind="cliff", says="So", all_of=tuple(LevelThreshold(size, "above", 1, 1, "") for size in sizes))
    wrong, fine = ([f"{i} is {value}" for i in range(6)] for value in (2, 0))
    for value, says, numbers in ((2.0, "So", wrong), (0.0, KINDS["cliff"].fine, fine[:4])):
        (claim,) = judge([rule], {size.name: value for size in sizes})
        assert claim.finding == f"{says} ({'; '.join(numbers)})."


def test_conditions_hold_silence_and_ease():
    wide, narrow = Condition(WIDTH, ">", 4), Condition(WIDTH, "<", 4)
    assert level(BOTH, all_of=(HIGH,), when=(wide,)) == "act"
    assert level(BOTH, all_of=(HIGH,), when=(narrow,)) == "ok"
    assert level(BOTH, all_of=(HIGH,), when=(wide, narrow)) == "ok"
    assert level(BOTH, all_of=(HIGH,), silenced_by=(narrow,)) == "act"
    assert level(BOTH, all_of=(HIGH,), silenced_by=(narrow, wide)) == "ok"
    assert level(BOTH, all_of=(HIGH,), eased_by=(narrow, wide)) == "watch"
    assert level(BOTH, all_of=(HIGH,), eased_by=(narrow,)) == "act"
    assert level(BOTH, all_of=(HIGH,), at_most="watch") == "watch"
    assert level(BOTH, when=(wide,)) == "act"
    assert level(BOTH, when=(wide,), at_most="watch") == "watch"


def test_a_kind_that_an_earlier_rule_claims_silences_a_later_one():
    saddle = Rule(kind="saddle", says="It is a saddle", all_of=(WIDE,))
    assert level(BOTH, saddle, all_of=(HIGH,), silenced_by=("saddle",)) == "ok"
    assert level(BOTH | {"width": 0.0}, saddle, all_of=(HIGH,), silenced_by=("saddle",)) == "act"
    assert level({"height": 5.0}, saddle, all_of=(HIGH,), silenced_by=("saddle",)) == "act"  # width is not known


def test_a_rule_says_nothing_where_a_quantity_was_not_measured():
    assert level({"width": 5.0}, all_of=(HIGH, WIDE)) is None
    assert level({"width": 5.0}, all_of=(WIDE,), when=(Condition(HEIGHT, ">", 0),)) is None
    assert level({"width": 5.0}, all_of=(WIDE,), silenced_by=(Condition(HEIGHT, ">", 0),)) == "act"


def test_only_what_calls_for_action_is_proven():
    proven = {"all_of": (HIGH,), "proven_by": (Condition(WIDTH, ">", 1),)}
    for height, width, expected in ((5, 5, True), (5, 0, False), (2, 5, False), (0, 5, False)):
        (claim,) = judge([Rule(kind="cliff", says="High", **proven)], {"height": float(height), "width": float(width)})
        assert claim.proven == expected
    (claim,) = judge([Rule(kind="cliff", says="High", all_of=(HIGH,))], BOTH)
    assert not claim.proven
    both = (Condition(WIDTH, ">", 1), Condition(WIDTH, "<", 4))
    proofs = [
        judge([Rule(kind="cliff", says="High", all_of=(HIGH,), proven_by=both)], BOTH | {"width": w})
        for w in (3.0, 5.0)
    ]
    assert [claim.proven for (claim,) in proofs] == [True, False]


def test_a_sentence_has_the_meaning_first_and_the_numbers_that_are_known_in_brackets():
    rule = Rule(kind="cliff", says="It is high", all_of=(HIGH,), mentions=(WIDTH,))
    findings = [judge([rule], {"height": h}, {"cliff": "in a layer"})[0].finding for h in (5.0, math.inf, 0.5)]
    assert findings[:2] == ["It is high (it is 5 high; in a layer).", "It is high (it has no end; in a layer)."]
    assert findings[2] == f"{KINDS['cliff'].fine} (it is 0.5 high; in a layer)."
    assert judge([rule], {"height": math.nan})[0].finding == f"{KINDS['cliff'].fine}."


def test_a_kind_of_the_user_joins_the_others_and_another_of_its_name_is_refused():
    mine = Kind("my_trouble", "8.2", "It goes wrong.", "It goes well", "Stop.")
    kinds.register(mine, "me.Mine")
    kinds.register(mine, "me.Other")
    assert list(KINDS)[-1] == "my_trouble"
    assert Claim("my_trouble", "act", "").kind == "my_trouble"
    changed = Kind("my_trouble", "8.3", "It goes wrong.", "It goes well", "Stop.")
    with pytest.raises(ValueError, match=r"Each kind of verdict has a name of its own\. Received: .*of me\.Other"):
        kinds.register(changed, "me.Other")
    kinds.register(changed, "me.Mine")  # the same class, defined anew
    assert KINDS["my_trouble"].section == "8.3"
    with pytest.raises(ValueError, match="Give it another name, or use the kind that is there"):
        kinds.register(Kind("cliff", "8.2", "", "", ""), "me.Mine")


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=lambda t: t.quantity.name)
def test_every_threshold_has_its_source_and_its_levels(threshold):
    assert threshold.source
    assert threshold.quantity.meaning
    assert threshold.level(threshold._act) == "act"
    assert threshold.level(threshold.watch) in LEVELS[1:]

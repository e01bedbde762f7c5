"""Rules, thresholds, conditions and kinds: all that they name exists, and each level is reached where they say so."""

import ast
import inspect
import math
import re

import keras
import pytest

import keras_ch8
from keras_ch8.extend import Claim, Combination, Kind, Limit, Quantity, Rule
from keras_ch8.monitors.base import members
from keras_ch8.verdicts import kinds
from keras_ch8.verdicts.kinds import KINDS
from keras_ch8.verdicts.remedies import REMEDIES
from keras_ch8.verdicts.rules import judge
from keras_ch8.verdicts.verdict import LEVELS

RULES = [rule for monitor in members("full") for rule in monitor.rules]
LIMITS = list({id(limit): limit for rule in RULES for limit in rule.judged}.values())
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


NAMES = {"keras", "keras_ch8", "class_weight", "loss_weights", "units", "f", "x", "y"} | arguments(
    keras.layers.BatchNormalization, keras.layers.LSTM, keras.callbacks.ReduceLROnPlateau, keras_ch8.optimizers.SGD
)


@pytest.mark.parametrize("cure", dict.fromkeys(TEXTS))
def test_a_cure_names_what_there_is(cure):
    assert cure.endswith((".", ")."))
    assert cure.count("`") % 2 == 0
    codes = re.findall("`([^`]+)`", re.sub(r"\{\w+\}", "1", cure))
    for node in (node for code in codes for node in ast.walk(ast.parse(code))):
        match node:
            case ast.Name(id=name):
                assert name in NAMES or hasattr(keras_ch8, name), name
            case ast.Attribute() if not ast.unparse(node).startswith("y."):
                assert resolve(ast.unparse(node))
            case ast.Call(func=ast.Attribute(), keywords=[_, *_]):
                assert {given.arg for given in node.keywords} <= arguments(resolve(ast.unparse(node.func)))


def test_sections_are_those_of_the_chapter():
    assert all(re.fullmatch(r"8\.[1-7](\.\d)?", kind.section) for kind in KINDS.values())


@pytest.mark.parametrize(
    "direction, watch, act, values, expected",
    [
        ("above", 1, 3, (-math.inf, 0.9, 1, 2, 3, math.inf, math.nan), "ok ok watch watch act act ok"),
        ("below", 3, 1, (math.inf, 3.1, 3, 2, 1, -math.inf, math.nan), "ok ok watch watch act act ok"),
        ("above", 2, math.nan, (1.9, 2, 2.1, math.nan), "ok act act ok"),
        ("below", 2, math.nan, (2.1, 2, 1.9, math.nan), "ok act act ok"),
    ],
)
def test_a_limit_goes_up_or_down_and_is_reached_by_its_numbers(direction, watch, act, values, expected):
    limit = Limit(HEIGHT, direction, watch, act)
    assert [limit.level(value) for value in values] == expected.split()
    for value in values:
        measured, level = {"height": value}, limit.level(value)
        assert limit.holds(measured) == limit.at("watch").holds(measured) == (level != "ok")
        assert limit.at("act").holds(measured) == (level == "act")
    assert not limit.holds({})


def test_a_limit_whose_act_is_the_milder_is_refused():
    with pytest.raises(ValueError, match=r"`act` must be `watch` or more serious\. Received: direction='above'"):
        Limit(HEIGHT, "above", watch=3, act=1)
    with pytest.raises(ValueError, match=r"Exchange the numbers, or turn the direction around"):
        Limit(HEIGHT, "below", watch=1, act=3)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: Combination("it is so", "some of", ()), r"`how` must be one of 'all of', .*Received: how='some of'"),
        (lambda: Limit(HEIGHT, "over", watch=1, act=3), r"one of 'above', 'below'\. Received: .*'over'"),
        (
            lambda: Rule(kind="cliff", says="So", limits=(), at_most="warn"),
            r"'ok', 'watch', 'act'\. Received: .*'warn'",
        ),
    ],
    ids=["combination", "limit", "rule"],
)
def test_a_word_that_is_not_allowed_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize(
    "how, expected", [("all of", [0, 0, 0, 1]), ("any of", [0, 1, 1, 1]), ("none of", [1, 0, 0, 0])]
)
def test_a_combination_is_what_its_word_says(how, expected):
    combination = Combination("it is so", how, (Limit(HEIGHT, "above", 1), Limit(WIDTH, "above", 1)))
    cases = [{"height": h, "width": w} for h in (-1, 1) for w in (-1, 1)]
    assert [combination.holds(case) for case in cases] == list(map(bool, expected))
    assert combination.holds({}) == (how == "none of")


HIGH = Limit(HEIGHT, "above", watch=1, act=3)
WIDE = Limit(WIDTH, "above", watch=1, act=3)
BOTH = {"height": 5.0, "width": 5.0}


def level(measured, *rules, **options):
    claims = judge([*rules, Rule(kind="cliff", says="It is a cliff", **options)], measured)
    return {claim.kind: claim.level for claim in claims}.get("cliff")


def test_all_limits_of_a_rule_must_be_reached_and_the_mildest_counts():
    assert level(BOTH, limits=(HIGH, WIDE)) == "act"
    assert level(BOTH | {"width": 2.0}, limits=(HIGH, WIDE)) == "watch"
    assert level(BOTH | {"width": 0.0}, limits=(HIGH, WIDE)) == "ok"
    assert level(BOTH | {"width": math.nan}, limits=(HIGH, WIDE)) == "ok"


def test_of_several_rules_the_gravest_counts_and_its_sentence_is_said():
    narrow = Rule(kind="cliff", says="It is narrow", limits=(Limit(WIDTH, "below", 9),), at_most="watch")
    (claim,) = judge([narrow, Rule(kind="cliff", says="It is high", limits=(HIGH,))], BOTH)
    assert (claim.level, claim.finding) == ("act", "It is high: it is 5 high.")
    (claim,) = judge([narrow, Rule(kind="cliff", says="It is high", limits=(HIGH,))], BOTH | {"height": 0.5})
    assert (claim.level, claim.finding) == ("watch", "It is narrow.")


def test_of_several_rules_at_one_level_the_first_is_said():
    high, tall = (Rule(kind="cliff", says=says, limits=(HIGH,)) for says in ("It is high", "It is tall"))
    for rules, says in (((high, tall), "It is high"), ((tall, high), "It is tall")):
        assert judge(rules, BOTH)[0].finding == f"{says}: it is 5 high."


def test_a_sentence_says_one_number_the_first_without_a_name_or_else_the_first_and_the_reasons_say_the_others():
    deep = Quantity("depth", "How deep it is.", lambda value: f"it is {value:g} deep")
    is_deep, measured = Limit(deep, "above", 1, name="it is deep"), BOTH | {"depth": 4.0}
    for limits, mentions, finding, reasons in (
        ((HIGH, is_deep), (), "So: it is 5 high.", ["It is 5 high: WATCH at 1 or more, ACT at 3 or more."]),
        ((is_deep,), (), "So: it is 4 deep.", ["It is 4 deep: ACT at 1 or more."]),
        ((is_deep,), (HEIGHT,), "So: it is 4 deep.", ["It is 4 deep: ACT at 1 or more.", "It is 5 high."]),
        ((WIDE,), (HEIGHT,), "So: it is 5 high.", [WIDE.stated(5.0), "It is 5 high."]),
    ):
        (claim,) = judge([Rule(kind="cliff", says="So", limits=limits, mentions=mentions)], measured)
        assert (claim.finding, list(claim.why)) == (finding, reasons)


def test_a_number_of_a_million_millions_has_no_end():
    far, rule = (
        BOTH | {"height": 1e12, "width": 1e12},
        Rule(kind="cliff", says="So", limits=(HIGH,), cure="Of {width}."),
    )
    assert judge([rule], far)[0].finding == "So: it has no end."
    assert "Of " not in judge([rule], far)[0].cure  # the kind's own
    assert judge([rule], far | {"width": 0.99e12})[0].cure == "Of 9.9e11."


def test_of_what_is_wrong_one_number_is_said_and_of_what_is_fine_none():
    sizes = [Quantity(f"size {i}", "A size.", f"{i} is {{:g}}".format) for i in range(6)]
    rule = Rule(kind="cliff", says="So", limits=tuple(Limit(size, "above", 1) for size in sizes))
    for value, finding in ((2.0, "So: 0 is 2."), (0.0, f"{KINDS['cliff'].fine}.")):
        (claim,) = judge([rule], {size.name: value for size in sizes})
        assert claim.finding == finding


def test_limits_are_all_reached_and_nothing_is_said_unless():
    wide, narrow = Limit(WIDTH, "above", 4, name="it is wide"), Limit(WIDTH, "below", 4, name="it is narrow")
    either = Combination("it is one of these", "any of", (wide, narrow))
    assert level(BOTH, limits=(HIGH, wide)) == "act"
    assert level(BOTH, limits=(HIGH, narrow)) == "ok"
    assert level(BOTH, limits=(HIGH, either)) == "act"
    assert level(BOTH, limits=(HIGH,), unless=narrow) == "act"
    assert level(BOTH, limits=(HIGH,), unless=either) == "ok"
    assert level(BOTH, limits=(HIGH,), at_most="watch") == "watch"
    assert level(BOTH, limits=(wide,)) == "act"


def test_a_rule_says_nothing_where_a_quantity_was_not_measured():
    assert level({"width": 5.0}, limits=(HIGH, WIDE)) is None
    assert level({"width": 5.0}, limits=(WIDE,), unless=HIGH) == "act"
    assert level({"width": 5.0}, limits=(WIDE, Combination("any", "any of", (HIGH,)))) == "ok"


def test_only_what_calls_for_action_is_proven():
    for height, is_certain, expected in (
        (5.0, True, True),
        (2.0, True, False),
        (0.0, True, False),
        (5.0, False, False),
    ):
        rule = Rule(kind="cliff", says="High", limits=(HIGH,), is_certain=is_certain)
        assert judge([rule], {"height": height})[0].proven == expected


def test_a_sentence_has_the_meaning_first_then_the_number_and_where_it_is():
    rule = Rule(kind="cliff", says="It is high", limits=(HIGH,), mentions=(WIDTH,))
    findings = [judge([rule], {"height": h}, {"cliff": "in a layer"})[0].finding for h in (5.0, math.inf, 0.5)]
    assert findings[:2] == ["It is high: it is 5 high (in a layer).", "It is high: it has no end (in a layer)."]
    assert findings[2] == f"{KINDS['cliff'].fine}."
    assert judge([rule], {"height": math.nan})[0].finding == f"{KINDS['cliff'].fine}."


def test_a_kind_of_the_user_joins_the_others_and_another_of_its_name_is_refused():
    mine = Kind("my_trouble", "8.2", "It goes wrong.", "It goes well", "Stop.")
    kinds.register(mine, "me.Mine")
    kinds.register(mine, "me.Other")
    assert list(KINDS)[-1] == "my_trouble"
    assert Claim("my_trouble", "act", "").kind == "my_trouble"
    changed = Kind("my_trouble", "8.3", "It goes wrong.", "It goes well", "Stop.")
    with pytest.raises(ValueError, match=r"Each kind of verdict needs a name of its own\. Received: .*of me\.Other"):
        kinds.register(changed, "me.Other")
    kinds.register(changed, "me.Mine")  # the same class, defined anew
    assert KINDS["my_trouble"].section == "8.3"
    with pytest.raises(ValueError, match="Rename your kind, or use the existing one"):
        kinds.register(Kind("cliff", "8.2", "", "", ""), "me.Mine")


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.quantity.name)
def test_what_is_judged_has_its_levels_and_says_where_its_numbers_come_from(limit):
    assert limit.source or limit.watch in (0, 1)
    assert limit.level(limit.act) == "act"
    assert limit.level(limit.watch) in LEVELS[1:]

"""The page of the rules, which `make docs` writes to docs/diagnosis.md, says all that they say."""

import functools
import re

import pytest

from keras_ch8.monitors.base import chosen, members
from keras_ch8.verdicts.checks import CHECKS
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.kinds import KINDS
from keras_ch8.verdicts.remedies import REMEDIES, Remedy
from keras_ch8.verdicts.rules import Limit, Quantity, Rule
from tools.rules_page import SEEN, limits_in, page

MONITORS = members("full")
WHOLE = page(MONITORS)
RULES = [(monitor.name, rule) for monitor in MONITORS for rule in monitor.rules]
GROWTH = Quantity("growth", "The loss over its start.")
OF_RATES = {Fact.SCHEDULE_TO_SCALE, Fact.RATE_SET_ELSEWHERE, Fact.OWN_STEP_LENGTH}
"""Of the remedies that need these, the page says once at its top that a rate is changed where it is set."""
OF_DEAD_UNITS = {("plateau", need) for remedy in REMEDIES["dead_units"] for need in (*remedy.needs, Fact.DEAD_UNITS)}
"""What the remedies need that a plateau takes over from dead units."""


@functools.cache
def paragraphs():
    """Return the part of the page of each kind."""
    parts = [part.split("\n", 1) for part in WHOLE.split("\n## ")[1:]]
    return {name: text for name, text in parts if name in KINDS}


def test_every_kind_has_its_meaning_a_picture_and_all_that_cures_it():
    found, told = paragraphs(), {rule.kind for _, rule in RULES} | {c.kind for c in CHECKS if c.level != "note"}
    assert list(found) == [name for name in KINDS if name in told]  # other tests may bring kinds of their own
    assert set(SEEN) <= set(found)
    for name, text in found.items():
        assert KINDS[name].meaning in text
        assert f"- {KINDS[name].section}: " in WHOLE
        assert (f"![{name}](pictures/verdicts/{name}.png)" in text) == (name in SEEN)
        cures = [Remedy(rule.cure) for _, rule in RULES if rule.kind == name and rule.cure]
        cures += REMEDIES.get(name, ())
        for part in re.findall(r"`([\w.]+)", KINDS[name].cure):
            assert part in text, (name, part)
        for remedy in cures or [Remedy(KINDS[name].cure)]:
            is_of_others = Fact.DEAD_UNITS in remedy.needs and "As for `dead_units`, if many ReLUs are dead." in text
            place = found["dead_units"] if is_of_others else text
            assert f" {remedy.cure}" in place or OF_RATES & set(remedy.needs), (name, remedy.cure)


def test_every_fact_that_a_cure_needs_is_said_where_it_is_needed_or_explained():
    found, whole = paragraphs(), WHOLE
    needed = {(kind, need) for kind, remedies in REMEDIES.items() for remedy in remedies for need in remedy.needs}
    for name, need in needed:
        if name in found and need not in OF_RATES and (name, need) not in OF_DEAD_UNITS:
            is_explained = f"*{need}*" in found[name] and f"- *{need}*: {need.meaning}" in whole
            assert is_explained or need.meaning in found[name], (name, need)


@pytest.mark.parametrize("monitor", MONITORS, ids=lambda monitor: monitor.name)
def test_every_rule_is_there_with_its_limits(monitor):
    for rule in monitor.rules:
        (row,) = re.findall(rf"^\d+ \| {re.escape(rule.says)} \| (.*)$", paragraphs()[rule.kind], re.MULTILINE)
        for t in rule.judged:
            act = "never" if rule.at_most == "watch" else f"{t.act:.4g}"
            both = f"{t.watch:.4g}" if act == f"{t.watch:.4g}" else f"{t.watch:.4g}/{act}"
            assert f"`{t.quantity.name}{'≥' if t.direction == 'above' else '≤'}{both}`" in row
        assert rule.judged or row == rule.at_most
        asked = [limit.quantity for part in (*rule.limits, rule.unless) for limit in limits_in(part)]
        for quantity in (*asked, *rule.mentions):
            series = f" (`{quantity.series}`)" if quantity.series else ""
            assert f"\n- `{quantity.name}`{series}: {quantity.meaning}\n" in WHOLE


def test_what_some_rules_ask_for_has_their_numbers_and_what_all_ask_for_has_none(monkeypatch):
    def rule(says, *limits):
        beside = [Limit(GROWTH, "above", limit, name="it grew") for limit in limits]
        return Rule(kind="cliff", says=says, limits=(Limit(GROWTH, "above", 1.3, 1.6), *beside), unless=beside[-1])

    (one,) = chosen(["cliff"])
    asked = {"A": (0.0, 1.0), "B": (0.0,), "C": (0.0, 1.0), "D": (0.0, 1.0), "E": (0.0, 2.0)}
    monkeypatch.setattr(one, "rules", tuple(rule(says, *limits) for says, limits in asked.items()))
    assert "- Only if `growth≥0`; `growth≥1` (1, 3-4); `growth≥2` (5)." in page([one])
    assert "- Not if `growth≥1` (1, 3-4); `growth≥0` (2); `growth≥2` (5)." in page([one])
    assert "\n2 | B | `growth≥1.3/1.6`\n" in page([one])


def test_every_check_of_the_start_is_there():
    found, whole = paragraphs(), WHOLE
    for check in CHECKS:
        text = whole if check.level == "note" else found[check.kind]
        assert f"\n- {check.holds}{' (*watch*)' if check.level == 'watch' else ''}\n" in text, check.name


def test_every_curve_is_there():
    for curve in (curve for monitor in MONITORS for curve in monitor.curves):
        assert f"`diagnosis/{curve.name}`" in WHOLE


def test_the_page_is_of_the_monitors_that_are_given():
    assert set(re.findall(r"measured by `(.*?)`", page(chosen(["cliff"])))) == {"cliff"}

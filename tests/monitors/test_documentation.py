"""The page of the rules, which `make docs` writes to docs/diagnosis.md, is short without leaving anything out."""

import re

from keras_ch8.monitors.base import chosen
from keras_ch8.verdicts.rules import Limit, Quantity, Rule
from tools.rules_page import page

GROWTH = Quantity("growth", "The loss over its start.")


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


def test_the_page_is_of_the_monitors_that_are_given():
    assert set(re.findall(r"measured by `(.*?)`", page(chosen(["cliff"])))) == {"cliff"}

"""The page of the rules, which `make docs` writes to docs/diagnosis.md, says all that they say."""

import re
import runpy

import pytest

from keras_ch8.monitors.base import chosen, members
from keras_ch8.monitors.documentation import page
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.kinds import KINDS, OF_THE_CHAPTER
from keras_ch8.verdicts.remedies import REMEDIES

MONITORS = members("full")
RULES = [(monitor.name, number, rule) for monitor in MONITORS for number, rule in enumerate(monitor.rules)]


def paragraphs():
    """Return the part of the page of each kind."""
    parts = [part.split("\n", 1) for part in page(MONITORS).split("\n## ")[1:]]
    return {name: text for name, text in parts if name in KINDS}


def test_every_kind_has_its_meaning_its_section_and_its_cure():
    found, judged = paragraphs(), {rule.kind for *_, rule in RULES}
    assert {kind.name for kind in OF_THE_CHAPTER} <= judged
    assert list(found) == [name for name in KINDS if name in judged]  # other tests may bring kinds of their own
    for name in found:
        kind = KINDS[name]
        for words in (kind.meaning, f"(Section {kind.section}.)", kind.cure):
            assert words in found[name], (name, words)


def test_every_remedy_is_there_with_its_code():
    found = paragraphs()
    for name, remedies in REMEDIES.items():
        for remedy in remedies if name in found else ():
            for words in (remedy.cure, remedy.expects, remedy.code.replace("{{", "{").replace("}}", "}")):
                assert words in found[name], (name, words)
    assert all(f"| {fact} | {fact.meaning} |" in page(MONITORS) for fact in Fact)


@pytest.mark.parametrize("monitor, number, rule", RULES, ids=lambda x: x if isinstance(x, str) else "")
def test_every_rule_is_there_with_its_numbers_directions_sources_and_conditions(monitor, number, rule):
    own = [
        part for part in paragraphs()[rule.kind].split("**Rule ") if f'judged by `{monitor}`: "{rule.says}."' in part
    ]
    assert len(own) == 1
    for t in rule.all_of:
        act = "never" if t.act is None else f"{t.act:g}"
        assert f"| `{t.quantity.name}` | {t.direction} | {t.watch:g} | {act} | {t.source} |" in own[0]
    for condition in (*rule.when, *rule.silenced_by, *rule.eased_by, *rule.proven_by):
        name = condition if isinstance(condition, str) else condition.name or condition.compared
        assert name in own[0], name
    for quantity in (*rule.quantities, *rule.mentions):
        assert f"| `{quantity.name}` | " in page(MONITORS)


def test_every_curve_is_there_with_its_title_and_unit():
    for curve in (curve for monitor in MONITORS for curve in monitor.curves):
        assert f"| `diagnosis/{curve.name}` | {curve.title} | {curve.unit} | " in page(MONITORS)


def test_the_page_is_of_all_monitors_or_of_those_that_are_given(capsys):
    assert page() == page(MONITORS)
    (one,) = chosen(["cliff"])
    assert set(re.findall("judged by `(.*)`", page([one]))) == {"cliff"}
    with pytest.warns(RuntimeWarning, match="found in sys.modules"):  # this test has imported it already
        runpy.run_module("keras_ch8.monitors.documentation", run_name="__main__")
    assert capsys.readouterr().out == page()

"""The pages of the diagnosis, docs/diagnosis.md and docs/texts.md, made from the rules: `make docs` writes them."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set

from keras_ch8.monitors.base import Monitor, members
from keras_ch8.verdicts.checks import AFTERWARDS, CHECKS, Check
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.kinds import KINDS, title_of
from keras_ch8.verdicts.remedies import REMEDIES, Remedy
from keras_ch8.verdicts.rules import Combination, Limit, Quantity, Rule
from keras_ch8.verdicts.verdict import RAISED_BY, WINDOW

_ESCAPED = {ord("|"): r"\|", ord("\n"): " "}

SEEN: Mapping[str, str] = {
    "step_too_long": "rate_too_long",
    "step_too_short": "rate_too_short",
    "ill_conditioned": "correlated_inputs",
    "noise_dominated": "batch_too_small",
    "batch_wasteful": "batch_of_copies",
    "plateau": "saturated_hidden",
    "saddle": "tastes_that_start_next_to_nothing",
    "cliff": "spread_of_a_gaussian_that_gets_narrow",
    "exploding": "deep_and_large",
    "vanishing": "deep_sigmoids",
    "short_horizon": "first_of_45",
    "dead_units": "negative_biases",
    "saturated_units": "large_biases",
    "batch_norm_gap": "moving_too_slowly",
    "bad_scale": "large_weights",
    "overfitting": "few_noisy_labels",
    "underfitting": "line_for_circles",
    "nonfinite": "mean_of_no_words",
    "wrong_labels": "humidity_in_per_cent",
    "wrong_loss": "absolute_error_of_one_hot_digits",
    "wrong_output": "profits_and_losses_behind_a_relu",
    "bad_inputs": "readings_missing_as_minus_9999",
    "equal_units": "digits_from_constant_weights",
    "no_gradient": "layers_of_signs",
    "leak": "customers_copied_before_the_split",
    "label_order": "digits_in_the_order_of_their_folders",
    "imbalance": "two_frauds_in_a_hundred_payments",
    "too_short": "spirals_left_after_eight_epochs",
    "too_long": "stars_known_by_heart",
    "oscillation": "forecast_by_whole_batches_that_swing",
    "learns_nothing": "labels_at_random",
}
"""Of each kind a planted run that has it (`benchmarks/diagnosis`), which its picture shows."""

OTHERWISE = {Fact.SCHEDULE_TO_SCALE, Fact.RATE_SET_ELSEWHERE, Fact.OWN_STEP_LENGTH}
"""What a remedy needs that says the one before it once more, for a rate that is no number of the optimizer."""

HEAD = f"""# Diagnosis: every verdict

All rules with their limits and fixes. [guide/diagnose.md](guide/diagnose.md) tells you how to use them,
[design/diagnosis.md](design/diagnosis.md) why they are as they are, and [texts.md](texts.md) lists every sentence.
`Doctor` measures a training from time to time, on the minibatches and on the *probe*: held-out data that you pass, or
else the first training examples. Each number below is a [quantity](#quantities).

- **Limits**: `growth≥1.3/1.6` means *watch* from 1.3 on (keep an eye on it), and *act* from 1.6 on (change something
  now). A single number is the limit of both. The least severe limit sets the level of a rule; the most severe rule sets
  that of a verdict.
- **Rules** apply if everything under "only if" holds, and nothing under "not if". Numbers in brackets are the rules
  that ask for it; without numbers, all do. Bold names without a meaning in brackets are [conditions](#conditions). An
  unknown value reaches no limit.
- **Verdicts** are raised when {RAISED_BY} of the last {WINDOW} measurements agree, and withdrawn when all {WINDOW}
  are less severe. What is certain needs only one measurement.
- **Fixes** are ranked. `Verdict.cure` is the first that applies, with the numbers of your training in place of
  `{{braces}}`; `Verdict.then` is the next. `Verdict.code` and `Verdict.then_code` are their code, and `keras_ch8.cure`
  tries them. A fix is skipped if your model has it already, or if it needs an unknown number or a [fact](#facts) that
  does not hold. A learning rate is changed where it is set: a schedule is scaled as a whole.
- **Sources**: `Verdict.why` names that of each limit; [the log](../benchmarks/diagnosis/LOG.md) tells how it was found.
- **Pictures** show a small training with the fault, the fixed one, and what the rules read.
"""

CHECKED = """\
## Before the first step

`Doctor` and `keras_ch8.preflight` check data, labels, loss, last layer and initial weights before any step. What they
report is certain; the level is *act* unless *watch* is noted. Only the first matching check of each kind is reported,
unless a more basic problem explains it. Custom losses, outputs and training steps get few checks. Only `preflight`
looks at all examples and takes some steps: it finds duplicate rows, and tests whether the model can memorize one batch.
"""


def page(monitors: Sequence[Monitor]) -> str:
    """Return the page on some monitors in Markdown."""
    rules = [(monitor, rule) for monitor in monitors for rule in monitor.rules]
    checked = {check.kind for check in CHECKS}
    kinds = [name for name in KINDS if name in checked or any(rule.kind == name for _, rule in rules)]
    of_all = [rule for _, rule in rules]
    parts = [HEAD, _contents(kinds)]
    conditions, facts = _conditions(of_all), _facts(kinds)
    shared = {*conditions, *facts}
    parts += [_kind(name, [(m, r) for m, r in rules if r.kind == name], shared) for name in kinds]
    parts += [CHECKED, _meanings("Conditions", "**", conditions), _meanings("Facts", "*", facts)]
    parts += [_quantities(of_all), _curves(monitors, of_all)]
    return "\n".join(parts)


def _contents(kinds: Sequence[str]) -> str:
    """Return links to the kinds, by the section of the chapter."""
    sections = sorted({KINDS[name].section for name in kinds})
    of = {section: [f"[{title_of(n)}](#{n})" for n in kinds if KINDS[n].section == section] for section in sections}
    return "\n".join([*(f"- {section}: {', '.join(links)}" for section, links in of.items()), ""])


def _kind(name: str, rules: Sequence[tuple[Monitor, Rule]], shared: Set[str]) -> str:
    """Return the section of a kind; `shared` are the facts and conditions that are explained for several kinds."""
    lines = [f"## {name}", "", f"**{title_of(name)}.** {KINDS[name].meaning}", ""]
    lines += [f"![{name}](pictures/verdicts/{name}.png)", ""] if name in SEEN else []
    lines += _cures(name, [rule for _, rule in rules], shared)
    if checks := [check for check in CHECKS if check.kind == name]:
        lines += ["Before the first step:", ""]
        lines += [f"- {check.holds}{' (*watch*)' if check.level == 'watch' else ''}" for check in checks] + [""]
    return "\n".join([*lines, *_rules(rules, shared)])


def _cures(name: str, rules: Sequence[Rule], shared: Set[str]) -> Iterator[str]:
    """Return what to do in order, with what it needs; what single rules know better; and other parts that help."""
    own = [[rule.cure] if rule.cure else [] for rule in rules]
    remedies = [remedy for remedy in REMEDIES.get(name, ()) if not OTHERWISE & set(remedy.needs)]
    if not remedies and not any(own):
        yield from (f"*Fix:* {KINDS[name].cure}", "")
        return
    yield from ("*Fixes:*", "")
    yield from (f"- {cure} (Rule {_spans(of)}.)" for cure, of in _numbered(own).items())
    for said, group in itertools.groupby(remedies, lambda remedy: _taken_over(remedy) or remedy.cure):
        alike = list(group)
        if said != alike[0].cure and len(alike) > 1:
            yield f"- {said}"
            continue
        needs = [" and ".join(f"*{n}*" if n in shared else n.meaning for n in remedy.needs) for remedy in alike]
        where = f" (If {' or '.join(needs)}.)" if all(needs) else ""
        yield f"- {alike[0].cure}{where}"
    told = "".join([*itertools.chain(*own), *(remedy.cure for remedy in remedies)])
    parts = re.findall(r"`([^`]+)`", KINDS[name].cure)
    if others := [f"`{part}`" for part in parts if part.partition("(")[0] not in told]:
        yield f"- Also: {', '.join(others)}."
    yield ""


def _taken_over(remedy: Remedy) -> str:
    """Return where a remedy stands that a kind takes over from another, of which there is a fact; else ""."""
    for need in remedy.needs:
        kind = need.replace(" ", "_")
        if remedy.cure in {other.cure for other in REMEDIES.get(kind, ())}:
            return f"As for `{kind}`, if {need.meaning}."
    return ""


def _rules(rules: Sequence[tuple[Monitor, Rule]], shared: Set[str]) -> Iterator[str]:
    """Return the rules of a kind with their limits, and the conditions of all together."""
    if not rules:
        return
    yield _row("no.", f"measured by {_listed([[f'`{monitor.name}`'] for monitor, _ in rules])}", "limits")
    yield "---|---|---"
    for number, (_, rule) in enumerate(rules, 1):
        yield _row(number, rule.says, ", ".join(_limits(limit, rule) for limit in rule.judged) or rule.at_most)
    yield ""
    asked: tuple[tuple[str, Callable[[Rule], Iterable[Limit | Combination]]], ...] = (
        ("Only if", lambda rule: [limit for limit in rule.limits if limit not in rule.judged]),
        ("Not if", lambda rule: [rule.unless] if rule.unless else []),
    )
    for title, of in asked:
        if said := _listed([[_said(one, shared) for one in of(rule)] for _, rule in rules]):
            yield f"- {title} {said}."
    yield ""


def _listed(of_rules: Sequence[Iterable[str]]) -> str:
    """Return what is said of rules, each once with the numbers of its rules, or none if it is of all."""
    each = _numbered(of_rules).items()
    return "; ".join(one if len(of) == len(of_rules) else f"{one} ({_spans(of)})" for one, of in each)


def _numbered(of_rules: Sequence[Iterable[str]]) -> dict[str, list[int]]:
    """Return the numbers of the rules of which each thing is said."""
    numbers: dict[str, list[int]] = {}
    for number, said in enumerate(of_rules, 1):
        for one in said:
            numbers.setdefault(one, []).append(number)
    return numbers


def _spans(numbers: Sequence[int]) -> str:
    """Return numbers that rise, neighbours together: 1, 2, 3 and 5 as "1-3, 5"."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][-1] == number - 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ", ".join(str(span[0]) if len(span) == 1 else f"{span[0]}-{span[-1]}" for span in spans)


def _limits(limit: Limit, rule: Rule) -> str:
    """Return a limit, with the levels that a rule can reach."""
    numbers = [f"{number:.4g}" for _, number in limit.limits(rule.at_most)]
    numbers += ["never"] if rule.at_most == "watch" else []
    return f"`{limit.quantity.name}{'≥' if limit.direction == 'above' else '≤'}{'/'.join(numbers)}`"


def _said(limit: Limit | Combination, shared: Set[str]) -> str:
    """Return a limit, or the name of a combination: with what it means, unless that is explained apart."""
    if isinstance(limit, Limit) or len(limit.limits) == 1:
        return _meant(limit)
    name = f"**{limit.name}**"
    return name if limit.name in shared else f"{name} ({_meant(limit)})"


def _meant(limit: Limit | Combination) -> str:
    """Return where a limit is reached, or what a combination combines."""
    if isinstance(limit, Limit):
        return f"`{limit.quantity.name}{'≥' if limit.direction == 'above' else '≤'}{limit.watch:.4g}`"
    parts = [
        f"({_meant(part)})" if isinstance(part, Combination) and len(part.limits) > 1 else _meant(part)
        for part in limit.limits
    ]
    said = (" and " if limit.how == "all of" else " or ").join(parts)
    if limit.how != "none of":
        return said
    return f"not {said}" if len(parts) == 1 else f"not ({said})"


def _conditions(rules: Iterable[Rule]) -> dict[str, str]:
    """Return what the combinations of conditions mean that rules of several kinds ask for."""
    kinds: dict[str, set[str]] = {}
    meant: dict[str, str] = {}
    for rule in rules:
        for one in (*rule.limits, rule.unless):
            if isinstance(one, Combination) and len(one.limits) > 1:
                kinds.setdefault(one.name, set()).add(rule.kind)
                meant[one.name] = _meant(one)
    return {name: meant[name] for name in sorted(meant) if len(kinds[name]) > 1}


def _facts(kinds: Iterable[str]) -> dict[str, str]:
    """Return the facts that several remedies need, and what they mean."""
    needed = [need for kind in kinds for remedy in REMEDIES.get(kind, ()) for need in remedy.needs]
    return {fact: fact.meaning for fact in Fact if needed.count(fact) > 1 and fact not in OTHERWISE}


def _meanings(title: str, mark: str, meanings: Mapping[str, str]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {mark}{name}{mark}: {said}" for name, said in meanings.items()), ""])


def limits_in(part: Limit | Combination | None) -> Iterator[Limit]:
    """Yield a limit, or those of a combination."""
    if isinstance(part, Combination):
        for member in part.limits:
            yield from limits_in(member)
    elif part is not None:
        yield part


def _found(rules: Iterable[Rule]) -> dict[str, Quantity]:
    """Return the quantities of some rules by name, in alphabetical order."""
    found: dict[str, Quantity] = {}
    for rule in rules:
        asked = (limit for part in (*rule.limits, rule.unless) for limit in limits_in(part))
        found.update({q.name: q for q in (*(limit.quantity for limit in asked), *rule.mentions)})
    return dict(sorted(found.items()))


def _quantities(rules: Iterable[Rule]) -> str:
    rows = (f"- `{name}`{f' (`{q.series}`)' if q.series else ''}: {q.meaning}" for name, q in _found(rules).items())
    return "\n".join(["## Quantities", "", "In brackets: the curve in TensorBoard.", "", *rows, ""])


def _curves(monitors: Iterable[Monitor], rules: Iterable[Rule]) -> str:
    """Return the curves that no quantity names."""
    named = {quantity.series for quantity in _found(rules).values()}
    others = [c.name for monitor in monitors for c in monitor.curves if f"diagnosis/{c.name}" not in named]
    return (
        f"Also drawn, but not used by any rule: {', '.join(f'`diagnosis/{name}`' for name in others)}.\n"
        if others
        else ""
    )


def _row(*cells: object) -> str:
    """Return one row of a table in Markdown; a bar in a cell does not end it."""
    return " | ".join(str(cell).translate(_ESCAPED) for cell in cells)


# --- all sentences -------------------------------------------------------------------------------------------------


def texts() -> str:
    """Return all sentences in Markdown, for an editor to read from top to bottom."""
    lines = [
        "# Every sentence of a verdict",
        "",
        "What verdicts, fixes and checks say. Findings show the values of their",
    ]
    lines += ["limits. Texts with other numbers of a training are in the code: `verdicts/_checks_of_*.py`."]
    for kind, of_kind in itertools.groupby(sentences(), lambda sentence: sentence[0]):
        lines += ["", f"## {kind}", "", *dict.fromkeys(f"- *{part}*: {text}" for _, part, text in of_kind)]
    return "\n".join(lines) + "\n"


def sentences() -> Iterator[tuple[str, str, str]]:
    """Yield each kind that is judged, a part of what is said of it, and the text, if that is not made of numbers."""
    rules = [rule for monitor in members("full") for rule in monitor.rules]
    for name in KINDS:
        told = [part for rule in rules if rule.kind == name for part in _told_by_rule(rule)]
        told += [part for check in CHECKS if check.kind == name for part in _told_by_check(check)]
        if told:
            told = [
                ("title", KINDS[name].title),
                ("meaning", KINDS[name].meaning),
                ("if all is well", f"{KINDS[name].fine}."),
                *told,
            ]
            told += [("fix", KINDS[name].cure)]
            for remedy in REMEDIES.get(name, ()):
                told += [("fix", remedy.cure), ("then expect", remedy.expects)]
        yield from ((name, part, text) for part, text in told if text and isinstance(text, str))


def _told_by_rule(rule: Rule) -> list[tuple[str, object]]:
    at_limits = {limit.quantity.name: limit.act for limit in rule.judged}
    conditions = [("only if", part.name) for part in rule.limits]
    conditions += [("not if", rule.unless.name)] if rule.unless else []
    return [("what is wrong", rule.finding(at_limits)), ("fix", rule.cure), ("then expect", rule.expects), *conditions]


def _told_by_check(check: Check) -> list[tuple[str, object]]:
    expects, then = AFTERWARDS.get(check.kind, ("", ""))
    afterwards = [("then expect", check.expects or expects), ("if not", check.then or then)]
    return [("check", check.holds), ("what is wrong", check.says), ("fix", check.cure), *afterwards]

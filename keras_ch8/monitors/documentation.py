"""The documentation of the diagnosis, made from the rules themselves.

python -m keras_ch8.monitors.documentation > docs/diagnosis.md
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..verdicts.checks import CHECKS
from ..verdicts.kinds import KINDS
from ..verdicts.remedies import FACTS, REMEDIES, Remedy
from ..verdicts.rules import Combination, Condition, LevelThreshold, Quantity, Rule
from ..verdicts.verdict import FORGOTTEN_AFTER, RAISED_BY, WINDOW
from .base import Monitor, members

_ESCAPED = {ord("|"): r"\|", ord("\n"): " "}

SEEN: Mapping[str, tuple[str, str]] = {
    "step_too_long": (
        "rate_too_long",
        "A step at the edge of stability, which healthy trainings come to by themselves: *watch*.",
    ),
    "step_too_short": (
        "rate_too_short",
        "Adam late in a training, with a twentieth of the best step: no alarm.",
    ),
    "ill_conditioned": (
        "unequal_scales",
        "Problems where the step is simply too long, which explains it.",
    ),
    "noise_dominated": ("batch_too_small", "The end of a training: all of a small gradient is noise there."),
    "batch_wasteful": ("batch_of_copies", "Plateaus, and losses that rise: the noise says nothing there, nor does it."),
    "plateau": ("saturated_hidden", "Slow beginnings, which are worth watching until the spectrum is measured twice."),
    "saddle": ("tiny_weights", "Hessians of trained networks: a thirtieth of their curvature is negative."),
    "cliff": (
        "temperatures_that_say_999_where_they_are_missing",
        "Spikes that undo nothing of a good loss: no alarm; or much of a low one: *watch*.",
    ),
    "exploding": ("deep_and_large", "A last layer that starts small: growth is only judged between hidden layers."),
    "vanishing": ("deep_sigmoids", "A loss that falls far all the same: *watch*."),
    "short_horizon": ("first_of_45", "Sequences whose end alone matters."),
    "dead_units": ("negative_biases", "Healthy networks of ReLU, of which up to a fifth is dead."),
    "saturated_units": ("large_biases", "Healthy networks of tanh, of which up to a seventh is on the flat ends."),
    "batch_norm_gap": (
        "moving_too_slowly",
        "Statistics that are off, but no worse loss in inference: *watch*.",
    ),
    "bad_scale": ("large_weights", "Embeddings, which start at 0.03."),
    "overfitting": ("few_noisy_labels", "Validation data of few examples, whose loss rises by chance."),
    "underfitting": ("line_for_circles", "Losses that noise of the targets holds up: never more than *watch*."),
    "nonfinite": ("logarithm_of_a_certain_no", "Steps that mixed precision skips while it finds its scale."),
    "too_short": ("spirals_left_after_eight_epochs", "A loss whose last gains are of no use."),
    "oscillation": ("forecast_by_whole_batches_that_swing", "Few minibatches in an epoch, whose mean is noisy."),
}
"""Of each kind a planted run that has it (`benchmarks/diagnosis`), and what looks like it in healthy trainings."""

HEAD = f"""# Diagnosis: every verdict, and the rules behind it

This page is made from the rules in the code by `make docs`. How the numbers were found:
[design/diagnosis.md](design/diagnosis.md).

`callbacks.Diagnosis` measures a training now and then. Monitors measure quantities, rules judge them:

- A rule holds where **all its thresholds** are reached, all its **conditions** hold, and nothing that **silences** it
  does. The level is that of the mildest threshold; of several rules of one kind the gravest counts.
- A quantity that is not known reaches no threshold and fulfils no condition.
- What is judged may be the middle of several measurements; what a verdict says first is the newest. Its number is the
  last point of the series in which the first quantity with one is drawn.
- What a rule says becomes a verdict when {RAISED_BY} of the last {WINDOW} measurements say so, and is taken back when
  all {WINDOW} say less. What is **certain at once** needs no second measurement. What has called for action stays
  worth watching until {FORGOTTEN_AFTER} measurements in a row say that all is well.
- What helps stands in order: the cure of a verdict is the first that suits the training, with its numbers for what
  stands in `{{braces}}`, and the next is what to do if it fails. One is passed over where it is there already, where
  something that it needs is missing, or where its number is not known. The code of the first is `Verdict.code`: lines
  to put before `model.fit(x, y, batch_size=batch_size, epochs=epochs, callbacks=callbacks)`. `keras_ch8.cure` tries it.
- The table has a small training that has each difficulty (`benchmarks/diagnosis` makes it and its cured twin), and what
  looks like it where nothing is wrong.
- *watch* is worth watching, *act* calls for a change now.
- Most numbers were measured on the planted runs of `benchmarks/diagnosis` for calibration: they lie between the
  trainings with a known trouble and the healthy ones. Those set later name the group of runs after which they were
  set (`benchmarks/diagnosis/runs.py` says what each group was for).
"""

CHECKED = """\
`Diagnosis(preflight=True)`, the default, and `keras_ch8.preflight` look at data, labels, loss, last layer and start
before any step. Of each kind the first check that speaks is said, certain at once, while nothing that explains it
calls for action. Where a loss, an output or a step is of the user's own, nothing is said of it. What needs all
examples or steps (equal rows, order, a batch learned by heart) is in the function alone."""


def page(monitors: Sequence[Monitor] | None = None) -> str:
    """Return the page in Markdown.

    Args:
        monitors: The monitors to describe, also of your own. Defaults to all of the suite.
    """
    monitors = members("full") if monitors is None else monitors
    rules = [(monitor, rule) for monitor in monitors for rule in monitor.rules]
    kinds = [name for name in KINDS if any(rule.kind == name for _, rule in rules)]
    parts = [HEAD, _contents(kinds)]
    parts += [_kind(name, [(m, r) for m, r in rules if r.kind == name]) for name in kinds]
    of_all = [rule for _, rule in rules]
    parts += [_checks(), _facts(), _conditions(of_all), _quantities(of_all), _curves(monitors)]
    return "\n".join(parts)


def _contents(kinds: Sequence[str]) -> str:
    rows = (_row(f"[{name}](#{name})", KINDS[name].section, KINDS[name].meaning, *_seen(name)) for name in kinds)
    head = "| verdict | section | what it means | a run that has it | what looks like it |"
    return "\n".join([head, "|---|---|---|---|---|", *rows, ""])


def _seen(name: str) -> tuple[str, str]:
    run, alike = SEEN.get(name, ("", ""))
    return f"`{run}`" if run else "", alike


def _kind(name: str, rules: Sequence[tuple[Monitor, Rule]]) -> str:
    kind = KINDS[name]
    lines = [f"## {name}", "", f"{kind.meaning} (Section {kind.section}.)", "", f"*Cure:* {kind.cure}", ""]
    lines += _remedies(REMEDIES.get(name, ()))
    for number, (monitor, rule) in enumerate(rules, 1):
        lines += [f'**Rule {number}**, judged by `{monitor.name}`: "{rule.says}."', "", *_rule(rule), ""]
    return "\n".join(lines)


def _remedies(remedies: Sequence[Remedy]) -> Iterator[str]:
    """Return what to do, in order, what it needs, what should change, and the code of each."""
    if not remedies:
        return
    yield "| | what to do | where | not where | afterwards |"
    yield "|---|---|---|---|---|"
    for number, remedy in enumerate(remedies, 1):
        yield _row(number, remedy.cure, ", ".join(remedy.needs), ", ".join(remedy.unless), remedy.expects)
    yield ""
    numbers: dict[str, list[str]] = {}
    for number, remedy in enumerate(remedies, 1):
        if remedy.code:
            numbers.setdefault(remedy.code.replace("{{", "{").replace("}}", "}"), []).append(str(number))
    for code, of in numbers.items():
        yield from (f"Code of {', '.join(of)}:", "", "```python", code, "```", "")


def _checks() -> str:
    """Return what is looked at before the first step."""
    lines = ["## Before the first step", "", CHECKED, ""]
    kinds = dict.fromkeys(check.kind for check in CHECKS if check.level != "note")
    lines += ["| verdict | section | level | it is said where | source |", "|---|---|---|---|---|"]
    for kind in kinds:
        of_kind = [check for check in CHECKS if check.kind == kind and check.level != "note"]
        lines += [_row(kind, KINDS[kind].section, c.level, c.holds, c.source) for c in of_kind]
    lines += ["", "What is worth knowing and no verdict, in the notes of `keras_ch8.preflight`:", ""]
    lines += [f"- {check.holds}" for check in CHECKS if check.level == "note"]
    return "\n".join([*lines, ""])


def _facts() -> str:
    rows = (_row(name, meaning) for name, meaning in FACTS.items())
    head = ["## What may be there already", "", "| fact | it holds where |", "|---|---|"]
    return "\n".join([*head, *rows, ""])


def _rule(rule: Rule) -> Iterator[str]:
    if rule.all_of:
        yield "| quantity | direction | watch | act | source |"
        yield "|---|---|---|---|---|"
        yield from (_threshold(threshold) for threshold in rule.all_of)
        yield ""
    if rule.when:
        yield f"- Holds only where {_listed(rule.when, ', and ')}."
    if rule.silenced_by:
        yield f"- Silenced where {_listed(rule.silenced_by, ', or ')}."
    if rule.eased_by:
        yield f"- Worth watching at most where {_listed(rule.eased_by, ', or ')}."
    if rule.at_most != "act":
        yield f"- Never more than *{rule.at_most}*."
    if rule.proven_by:
        yield f"- Certain at once, where it calls for action and {_listed(rule.proven_by, ', and ')}."
    if rule.cure:
        yield f"- Cure: {rule.cure}{f' `{rule.code}`' if rule.code else ''} {rule.expects}".rstrip()


def _threshold(threshold: LevelThreshold) -> str:
    act = "never" if threshold.act is None else f"{threshold.act:g}"
    return _row(f"`{threshold.quantity.name}`", threshold.direction, f"{threshold.watch:g}", act, threshold.source)


def _listed(conditions: Iterable[Condition | Combination | str], between: str) -> str:
    return between.join(map(_said, conditions))


def _said(condition: Condition | Combination | str) -> str:
    """Return how a rule refers to a condition; those that have a name are explained below."""
    if isinstance(condition, str):
        return f"an earlier rule claims `{condition}`"
    if isinstance(condition, Combination):
        return f"**{condition.name}**"
    return f"**{condition.name}** ({condition.compared})" if condition.name else condition.compared


def _conditions(rules: Iterable[Rule]) -> str:
    """Return what the conditions that have a name mean, and where their numbers come from."""
    found: dict[str, Condition | Combination] = {}
    for rule in rules:
        for condition in (*rule.when, *rule.silenced_by, *rule.eased_by):
            found.update({c.name: c for c in _with_parts(condition) if c.name})
    rows = (_row(name, _meaning(condition), _source(condition)) for name, condition in sorted(found.items()))
    return "\n".join(["## Conditions", "", "| condition | holds where | source |", "|---|---|---|", *rows, ""])


def _with_parts(condition: Condition | Combination | str) -> Iterator[Condition | Combination]:
    if isinstance(condition, Combination):
        for part in condition.conditions:
            yield from _with_parts(part)
    if not isinstance(condition, str):
        yield condition


def _meaning(condition: Condition | Combination) -> str:
    if isinstance(condition, Condition):
        return condition.compared
    return f"{condition.how}: {_listed(condition.conditions, '; ')}"


def _source(condition: Condition | Combination) -> str:
    return condition.source if isinstance(condition, Condition) else ""


def _quantities(rules: Iterable[Rule]) -> str:
    found: dict[str, Quantity] = {}
    for rule in rules:
        conditions = (
            p for c in (*rule.when, *rule.silenced_by, *rule.eased_by, *rule.proven_by) for p in _with_parts(c)
        )
        of_conditions = (part.quantity for part in conditions if isinstance(part, Condition))
        found.update({q.name: q for q in (*rule.quantities, *rule.mentions, *of_conditions)})
    rows = (_row(f"`{name}`", q.meaning, f"`{q.series}`" if q.series else "") for name, q in sorted(found.items()))
    head = ["## Quantities", "", "| quantity | what it is | drawn as |", "|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _curves(monitors: Iterable[Monitor]) -> str:
    rows = [_row(f"`diagnosis/{c.name}`", c.title, c.unit, c.text, c.section) for m in monitors for c in m.curves]
    return "\n".join(
        [
            "## Curves in TensorBoard",
            "",
            "| tag | title | unit | what it is | section |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _row(*cells: object) -> str:
    """Return one row of a table in Markdown; a bar in a cell does not end it."""
    return f"| {' | '.join(str(cell).translate(_ESCAPED) for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(page())

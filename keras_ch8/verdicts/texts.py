"""Verdicts as text: for a terminal, and in Markdown."""

import re
import textwrap
from collections.abc import Sequence

from .._result import Table
from .causes import EXPLAINS, explained_by
from .state import OverallState, state_of
from .verdict import Verdict
from .wording import counted

_FIRST = re.compile(r"(\([^)]*\)|[^(,;.]|[,.](?=\S))*")
"""A text up to the first comma, semicolon or full stop outside brackets, names and numbers."""
WIDTH = 80
"""Columns of a terminal."""
ARGUMENTS = ("batch_size", "epochs", "callbacks", "class_weight")
"""Arguments of `fit` beside x and y that the code of a cure may set."""
_SET = r"^(\w+, )*{}(, \w+)* ="
"""A line that sets a name."""
_NEEDED = {
    "x|y": "x and y are your training data",
    "callbacks": "callbacks is the list that you give to fit, such as [doctor]",
    "batch_size": "batch_size is what you give to fit (32 by default)",
    "epochs": "epochs is what you give to fit",
}
"""What a code may need of you."""


def report(verdicts: Sequence[Verdict], state: OverallState | None = None) -> str:
    """Return the verdicts as text for a terminal of 80 columns: what is to be done first, then what was found in order.

    Args:
        verdicts: Such as `diagnosis.verdicts`.
        state: What they come to, and what could not be judged, such as `diagnosis.state`. Defaults to `None`: that all
            checks that apply were made.

    Example:
        >>> wrong = keras_ch8.extend.Verdict("cliff", "act", "Spikes (12 of them).", "Clip.", "8.2.4", 5, measured=90)
        >>> fine = keras_ch8.extend.Verdict("plateau", "ok", "No plateau.", "", "8.2.3", 5)
        >>> print(keras_ch8.verdicts.texts.report([wrong, fine]))
        ACT cliff (section 8.2.4), since step 5, measured at step 90
          found: Spikes (12 of them).
          fix:   Clip.
        <BLANKLINE>
        1 other check found nothing.
        >>> print(keras_ch8.verdicts.texts.report([fine]))
        All right: 1 of 1 check.
    """
    state = state or state_of(verdicts)
    blocks: list[str] = []
    of_code: dict[str, str] = {}
    for v in verdicts:
        if v.level != "ok":
            first = of_code.setdefault(v.code or v.kind, v.kind)
            fix = _fix(v) if first == v.kind else [f"  fix:   The same as for {first}, above."]
            blocks.append("\n".join([_heading(v), _wrapped("  found: ", v.finding), *fix]))
    blocks += [_wrapped("", said) for said in _explained(verdicts)]
    blocks += [_wrapped("", said) for said in (_summary(verdicts, state), *state.reasons)]
    return "\n\n".join(filter(None, blocks))


def markdown(verdicts: Sequence[Verdict], state: OverallState | None = None) -> str:
    """Return the verdicts in Markdown, as TensorBoard shows it: a heading for each, what was found, and the cure.

    Args:
        verdicts: Such as `diagnosis.verdicts`.
        state: What they come to, and what could not be judged, such as `diagnosis.state`. Defaults to `None`: that all
            checks that apply were made.

    Example:
        >>> wrong = keras_ch8.extend.Verdict("cliff", "act", "Spikes (12 of them).", "Clip.", "8.2.4", 5, measured=90)
        >>> print(keras_ch8.verdicts.texts.markdown([wrong]))
        ### ACT cliff (section 8.2.4), since step 5, measured at step 90
        <BLANKLINE>
        **Found:** Spikes (12 of them).
        <BLANKLINE>
        **Cure:** Clip.
    """
    state = state or state_of(verdicts)
    parts: list[str] = []
    for v in verdicts:
        if v.level != "ok":
            parts += [f"### {_heading(v)}", f"**Found:** {_escaped(v.finding)}"]
            parts += [f"**Cure:** {_escaped(v.cure)}"] if v.cure else []
            parts += [f"```python\n{_code(v)}\n```"] if v.code else []
            parts += [f"**Afterwards:** {_escaped(v.expects)}"] if v.expects else []
            parts += [f"**If that fails:** {_escaped(v.then)}"] if v.then else []
    parts += _explained(verdicts)
    summary, names = _summary(verdicts, state), _fine(verdicts)
    parts += [f"{summary} {names}.".lstrip() if names else summary, *map(_escaped, state.reasons)]
    return "\n\n".join(filter(None, parts))


def table(verdicts: Sequence[Verdict]) -> Table:
    """Return the verdicts, which are in order of their gravity, as a table; the first is marked if it is not "ok"."""
    columns = (
        "level",
        "kind",
        "section",
        "since step",
        "measured at step",
        "found",
        "cure",
        "afterwards",
        "if that fails",
    )
    rows = [
        (v.level.upper(), v.kind, v.section, v.step, v.measured, v.finding, v.cure, v.expects, v.then) for v in verdicts
    ]
    return Table(columns, rows, marked=0 if verdicts and verdicts[0].level != "ok" else None)


def brief(verdicts: Sequence[Verdict], state: OverallState) -> list[str]:
    """Return in a line for each level what is to be done and worth watching, or the state; then what is not known."""
    names = {level: [v.kind for v in verdicts if v.level == level] for level in ("act", "watch")}
    lines = [f"{level.upper()}: {', '.join(kinds)}" for level, kinds in names.items() if kinds]
    return [*(lines or [state.headline]), *state.reasons]


def alarm(verdict: Verdict, so_far: int = 0) -> list[str]:
    """Return in a line each what was found, its numbers, and the first thing that cures it.

    Args:
        verdict: What is reported.
        so_far: Measurements, where these are too few to tell the cause: of what may follow from another trouble no cure
            is said. Defaults to `0`.
    """
    found, bracket, numbers = verdict.finding.partition(" (")
    said = [f"{verdict.level.upper()} {verdict.kind} at step {verdict.step}: {_first(found)}"]
    said += [f"    {_with_number(numbers.removesuffix(').'))}"] if bracket else []
    if verdict.step and so_far and explained_by(verdict.kind, EXPLAINS):
        return [*said, f"    Measured {counted(so_far, 'time')} so far: the cause may be another, and show later."]
    return said + ([f"    Cure: {_first(verdict.cure)}."] if verdict.cure else [])


def _with_number(text: str) -> str:
    """Return the first part of a text that has a number and fits in a line; else the end of one that does not."""
    parts, room = text.split("; "), WIDTH - len("    ") - 1
    numbers = [part for part in parts if re.search(r"\d", part)] or parts
    part = next((part for part in numbers if len(part) <= room), numbers[0])
    if len(part) <= room:
        return part
    return f"... {part[-(room - len('... ')) :].partition(' ')[2]}"


def _first(text: str) -> str:
    match = _FIRST.match(text)
    return match.group() if match else text


def _heading(verdict: Verdict) -> str:
    """Return what it is about, how serious, and when."""
    when = f"since step {verdict.step}, measured at step {verdict.measured}"
    return f"{verdict.level.upper()} {verdict.kind} (section {verdict.section}), {when}"


def _summary(verdicts: Sequence[Verdict], state: OverallState) -> str:
    """Return the state, or of how many other checks nothing was found; "" if something was in all of them."""
    fine = sum(_is_fine(v) for v in verdicts)
    return state.headline or (f"{counted(fine, 'other check')} found nothing." if fine else "")


def _fine(verdicts: Sequence[Verdict]) -> str:
    """Return the names of the checks in which nothing was found."""
    return ", ".join(f"{v.kind} ({v.section})" for v in verdicts if _is_fine(v))


def _is_fine(verdict: Verdict) -> bool:
    return verdict.level == "ok" and not verdict.explained_by


def _explained(verdicts: Sequence[Verdict]) -> list[str]:
    """Return a sentence for each cause: what it explains, and that it is to be cured first."""
    of: dict[str, list[str]] = {}
    for v in verdicts:
        if v.explained_by:
            of.setdefault(v.explained_by, []).append(f"{v.kind} ({v.section})")
    return [f"Explained by {cause}, which is to be cured first: {', '.join(kinds)}." for cause, kinds in of.items()]


def _fix(verdict: Verdict) -> list[str]:
    """Return the cure, the code that does it, what should change, and what to do if it does not."""
    fix, after, otherwise = (
        [_wrapped(begin, text)] if text else []
        for begin, text in (("  fix:   ", verdict.cure), ("  after: ", verdict.expects), ("  else:  ", verdict.then))
    )
    return [*fix, *([textwrap.indent(_code(verdict), " " * 9)] if verdict.code else []), *after, *otherwise]


def _code(verdict: Verdict) -> str:
    """Return the code of a cure, below where it goes, and what `fit` is given of it."""
    fit, *needed = where(verdict.code)
    return "; ".join([f"# between `compile` and `{fit}`", *needed]) + f"\n{verdict.code}"


def where(code: str) -> list[str]:
    """Return before which call of `fit` a code stands, given what it sets; then what each name is that it needs.

    Example:
        >>> from keras_ch8.verdicts.texts import where
        >>> where("epochs = 3 * epochs")
        ['fit(x, y, epochs=epochs, ...)', 'epochs is what you give to fit']
    """
    given = [name for name in ARGUMENTS if re.search(_SET.format(name), code, re.MULTILINE)]
    read = re.sub(_SET.format(r"\w+"), "", code, flags=re.MULTILINE)
    needed = [said for names, said in _NEEDED.items() if re.search(rf"\b({names})\b(?!=)", read)]
    return [f"fit({', '.join(['x', 'y', *(f'{name}={name}' for name in given), '...'])})", *needed]


def _wrapped(begin: str, text: str) -> str:
    """Return a text in lines of a terminal, the first of which begins with some words."""
    return textwrap.fill(text, WIDTH, initial_indent=begin, subsequent_indent=" " * len(begin), break_on_hyphens=False)


def _escaped(text: str) -> str:
    """Return a text whose names, such as those of layers, are no HTML."""
    return text.replace("<", "&lt;")

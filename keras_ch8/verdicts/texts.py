"""Verdicts as text, in one vocabulary: what is wrong, the fix, what to expect then, and what to do if not."""

import html
import re
import textwrap
from collections.abc import Iterator, Sequence

from .._result import coloured_html
from .causes import EXPLAINS, explained_by
from .kinds import title_of
from .state import OverallState, state_of
from .verdict import Verdict
from .wording import counted

WIDTH = 80
"""Columns of a terminal."""
ARGUMENTS = ("batch_size", "epochs", "callbacks", "class_weight")
"""Arguments of `fit` beside x and y that the code of a cure may set."""
SETS = r"^(\w+, )*{}(, \w+)* ="
"""The begin of a line that sets a name."""


def report(verdicts: Sequence[Verdict], state: OverallState | None = None, of: str = "") -> str:
    """Return the verdicts as text for a terminal of 80 columns: the first in full, of the others two sentences.

    Args:
        verdicts: Such as `diagnosis.verdicts`.
        state: What they come to, and what could not be judged, such as `diagnosis.state`. Defaults to `None`: that all
            checks that apply were made.
        of: What the user calls the object that has them as `verdicts`, such as `"doctor"`: where to find more code.
            Defaults to `""`: it is not said.

    Example:
        >>> wrong = keras_ch8.extend.Verdict("cliff", "act", "12 spikes.", "Clip.", "8.2.4", 5, 90, code="a = 1")
        >>> fine = keras_ch8.extend.Verdict("plateau", "ok", "No plateau.", "", "8.2.3", 5)
        >>> print(keras_ch8.verdicts.texts.report([wrong, fine]))
        ACT Gradient spikes (cliff, since step 5, measured at step 90)
        What is wrong: 12 spikes.
        Fix: Clip.
        # --- paste between compile and fit ---
        a = 1
        # --- then: model.fit(...) as before ---
        <BLANKLINE>
        1 other check found nothing.
        >>> print(keras_ch8.verdicts.texts.report([fine]))
        OK: 1 of 1 check ran, nothing to do.
    """
    state = state or state_of(verdicts)
    wrong = _wrong(verdicts)
    blocks = [_in_full(verdict) for verdict in wrong[:1]]
    blocks += [_in_short(place, wrong, of) for place in range(1, len(wrong))]
    after = (*_consequences(verdicts), _summary(verdicts, state), *state.reasons)
    return "\n\n".join(filter(None, [*blocks, *map(wrapped, after)]))


def markdown(verdicts: Sequence[Verdict], state: OverallState | None = None) -> str:
    """Return the verdicts in Markdown, as TensorBoard shows it: a heading for each, and all that is said of it.

    Args:
        verdicts: Such as `diagnosis.verdicts`.
        state: What they come to, and what could not be judged, such as `diagnosis.state`. Defaults to `None`: that all
            checks that apply were made.

    Example:
        >>> wrong = keras_ch8.extend.Verdict("cliff", "act", "12 spikes.", "Clip.", "8.2.4", 5, measured=90)
        >>> print(keras_ch8.verdicts.texts.markdown([wrong]))
        ### ACT Gradient spikes (cliff, since step 5, measured at step 90)
        <BLANKLINE>
        **What is wrong:** 12 spikes.
        <BLANKLINE>
        **Fix:** Clip.
    """
    state = state or state_of(verdicts)
    parts: list[str] = []
    for verdict in _wrong(verdicts):
        parts.append(f"### {_heading(verdict)}")
        for name, text in _parts(verdict):
            parts.append(f"**{name}:** {_escaped(text)}" if name else f"```python\n{text}\n```")
    parts += _consequences(verdicts)
    summary, names = _summary(verdicts, state), _fine(verdicts)
    parts += [f"{summary} {', '.join(names)}.".lstrip() if names else summary, *map(_escaped, state.reasons)]
    return "\n\n".join(filter(None, parts))


def as_html(name: str, verdicts: Sequence[Verdict], state: OverallState) -> str:
    """Return what a notebook shows: the state in one line, a card for each verdict, and the passed checks folded."""
    wrong = _wrong(verdicts)
    said = html.escape(" ".join(brief(verdicts, state)))
    cards = [_card(verdict, is_first=verdict is wrong[0]) for verdict in wrong]
    cards += [f"<p>{html.escape(text)}</p>" for text in _consequences(verdicts)]
    if names := _fine(verdicts):
        cards.append(_fold(f"{counted(len(names), 'check')} found nothing", f"<p>{html.escape(', '.join(names))}</p>"))
    return f"<div><p><b>{html.escape(name)}</b> {coloured_html(said)}</p>{''.join(cards)}</div>"


def brief(verdicts: Sequence[Verdict], state: OverallState, of: str = "") -> list[str]:
    """Return what to do first and what to watch, a text each, or the state; then what could not be checked.

    Args:
        verdicts: The verdicts that stand.
        state: What they come to.
        of: What the user prints to see all of it. Defaults to `""`: it is not said.
    """
    acting, watched = ([v for v in verdicts if v.level == level] for level in ("act", "watch"))
    lines = []
    if acting:
        first = acting[0]
        count = f"{len(acting)} problems. First: " if len(acting) > 1 else ""
        lines.append(f"ACT: {count}{title_of(first.kind)}. Fix: {_sentence(first.cure or first.finding)}")
    if watched:
        lines.append(f"WATCH: {', '.join(title_of(verdict.kind) for verdict in watched)}")
    if lines and of:
        lines[0] += f" -> print({of})"
    return [*(lines or [state.headline]), *state.reasons]


def alarm(verdict: Verdict, so_far: int = 0) -> list[str]:
    """Return what is wrong and what to do, a sentence each.

    Args:
        verdict: What is reported.
        so_far: Measurements, where these are too few to tell the cause: of what may follow from another trouble no fix
            is said. Defaults to `0`.
    """
    title = f"{verdict.level.upper()} {title_of(verdict.kind)} ({verdict.kind}) at step {verdict.step}"
    said = f"{title}: {_sentence(verdict.finding)}"
    if verdict.step and so_far and explained_by(verdict.kind, EXPLAINS):
        return [said, f"    {counted(so_far, 'measurement')} so far: the real cause may be a different one."]
    return [said, f"    Fix: {_sentence(verdict.cure)}"] if verdict.cure else [said]


def pasted(verdict: Verdict) -> str:
    """Return the code of a cure as it is pasted into a script, between two comments: where it goes, and how to train.

    Example:
        >>> wrong = keras_ch8.extend.Verdict("too_short", "act", "", "", "8.1", 5, code="epochs = 3 * epochs")
        >>> print(keras_ch8.verdicts.texts.pasted(wrong))
        # --- paste between compile and fit ---
        epochs = 3 * epochs
        # --- then: model.fit(epochs=epochs, ...) ---
    """
    code = verdict.code
    data = [name for name in ("x", "y") if re.search(rf"\b{name}\b", code)]
    given = given_by(code)
    notes = [f"{', '.join(data)}: your data"] * bool(data) + ["callbacks: your list"] * ("callbacks =" in code)
    needed = [name for name in ("keras", "keras_ch8") if re.search(rf"\b{name}\.", code)]
    lines = [
        f"# --- {'; '.join(['paste between compile and fit', *notes])} ---",
        f"import {', '.join(needed)}\n" if needed else "",
        code,
        f"# --- then: model.fit({', '.join([*given, '...'])}){'' if given else ' as before'} ---",
    ]
    return "\n".join(filter(None, lines))


def given_by(code: str) -> list[str]:
    """Return what `fit` is given of what a code sets."""
    given = ["x", "y"] if re.search(r"^(x, )?[xy] =", code, re.MULTILINE) else []
    return given + [f"{name}={name}" for name in ARGUMENTS if re.search(SETS.format(name), code, re.MULTILINE)]


# --- parts ------------------------------------------------------------------------------------------------------------


def _parts(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Yield all that is said of a verdict, in order, each part with its name; the code has none."""
    code = pasted(verdict) if verdict.code else ""
    parts = ("What is wrong", "Fix", "", "Then expect", "If not")
    texts = (verdict.finding, verdict.cure, code, verdict.expects, verdict.then)
    yield from ((name, text) for name, text in zip(parts, texts, strict=True) if text)


def _in_full(verdict: Verdict) -> str:
    said = [wrapped(f"{name}: {text}") if name else text for name, text in _parts(verdict)]
    return "\n".join([wrapped(_heading(verdict)), *said])


def _in_short(place: int, wrong: Sequence[Verdict], of: str) -> str:
    """Return in a sentence each what is wrong and the fix, and where its code is."""
    verdict = wrong[place]
    first = next(other for other in wrong if other is verdict or (other.code and other.code == verdict.code))
    fix, where = _sentence(verdict.cure), ""
    if first is not verdict:
        fix = f'The same as for "{title_of(first.kind)}".'
    elif verdict.code and of:
        where = f" -> print({of}.verdicts[{place}].code)"
    said = f"{verdict.level.upper()} {title_of(verdict.kind)}: {_sentence(verdict.finding)}"
    return "\n".join(map(wrapped, [said, *([f"    Fix: {fix}{where}"] if fix else [])]))


def _card(verdict: Verdict, is_first: bool) -> str:
    """Return a verdict for a notebook: what is wrong, and folded the rest, which is open for the first."""
    said = [
        f"<p><b>{name}:</b> {html.escape(text)}</p>" if name else f"<pre>{html.escape(text)}</pre>"
        for name, text in _parts(verdict)
        if text != verdict.finding
    ]
    head = coloured_html(html.escape(f"{verdict.level.upper()} {title_of(verdict.kind)}: {verdict.finding}"))
    return _fold(head, "".join(said), is_first)


def _fold(head: str, body: str, is_open: bool = False) -> str:
    return f"<details{' open' if is_open else ''}><summary>{head}</summary>{body}</details>"


def _heading(verdict: Verdict) -> str:
    when = f"since step {verdict.step}, measured at step {verdict.measured}"
    return f"{verdict.level.upper()} {title_of(verdict.kind)} ({verdict.kind}, {when})"


def _summary(verdicts: Sequence[Verdict], state: OverallState) -> str:
    """Return the state, or of how many other checks nothing was found; "" if something was in all of them."""
    fine = len(_fine(verdicts))
    return state.headline or (f"{counted(fine, 'other check')} found nothing." if fine else "")


def _wrong(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.level != "ok"]


def _fine(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the titles of the checks in which nothing was found."""
    return [title_of(verdict.kind) for verdict in verdicts if verdict.level == "ok" and not verdict.explained_by]


def _consequences(verdicts: Sequence[Verdict]) -> list[str]:
    """Return a sentence for each cause: what probably follows from it."""
    of: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.explained_by:
            of.setdefault(verdict.explained_by, []).append(title_of(verdict.kind))
    return [
        f'Probably caused by "{title_of(cause)}" (fix that first): {", ".join(titles)}.' for cause, titles in of.items()
    ]


def _sentence(text: str) -> str:
    """Return the first sentence of a text."""
    return re.split(r"(?<=[.!?]) ", text, maxsplit=1)[0]


def wrapped(text: str) -> str:
    """Return a text in lines of a terminal, all but the first of them indented."""
    return textwrap.fill(text, WIDTH, subsequent_indent=" " * 4, break_on_hyphens=False)


def _escaped(text: str) -> str:
    """Return a text whose names, such as those of layers, are no HTML."""
    return text.replace("<", "&lt;")

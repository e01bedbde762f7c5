"""Verdicts as a text to read."""

from collections.abc import Sequence

from .verdict import Verdict

_ESCAPED = {ord("|"): r"\|", ord("\n"): " "}


def row(*cells: object) -> str:
    """Return one row of a table in Markdown; |g| in a cell does not end it."""
    return f"| {' | '.join(str(cell).translate(_ESCAPED) for cell in cells)} |"


def report(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts as a table in Markdown, what is to be done first, and below it what was found in order.

    Args:
        verdicts: Such as `diagnosis.verdicts`.

    Example:
        >>> fine = keras_ch8.verdicts.Verdict("cliff", "ok", "No spike.", "", "8.2.4", 5)
        >>> print(keras_ch8.verdicts.report([fine]))
        Nothing to do.
        <BLANKLINE>
        In order: cliff (8.2.4).
    """
    wrong = [v for v in verdicts if v.level != "ok"]
    fine = [v for v in verdicts if v.level == "ok"]
    lines = ["| level | what | found | cure | section | since step |", "|---|---|---|---|---|---|"]
    lines += [row(v.level.upper(), v.kind, v.finding, v.cure, v.section, v.step) for v in wrong]
    if not wrong:
        lines = ["Nothing to do." if fine else "Not enough was seen to say anything."]
    if fine:
        lines += ["", f"In order: {', '.join(f'{v.kind} ({v.section})' for v in fine)}."]
    return "\n".join(lines)

"""What public functions return: one line in a debugger, a table in a terminal and in a notebook."""

import html
import math
import numbers
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TextIO

LONGEST = 400
"""Characters of a `repr`, at most."""
MOST_ROWS = 60
"""Rows of a table that are shown; of more, those in the middle are left out."""
MARK = "> "
"""Stands before the row that is recommended."""
FOLDED = 20
"""Rows from which on a notebook shows a table folded."""


@dataclass(frozen=True)
class Table:
    """Some rows under a header.

    Args:
        columns: What stands in each column, with its unit in brackets.
        rows: Texts and numbers; a number that is not known is `None` or NaN.
        marked: Place of the row that is recommended. Defaults to `None`: there is none.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    marked: int | None = None

    def __str__(self) -> str:
        rows, columns = self._shown(), range(len(self.columns))
        widths = [max(len(texts[i]) for place, texts in [(0, self.columns), *rows] if place >= 0) for i in columns]
        is_text = [any(isinstance(row[i], str) for row in self.rows) for i in columns]

        def line(texts: Sequence[str]) -> str:
            return "  ".join(texts[i].ljust(widths[i]) if is_text[i] else texts[i].rjust(widths[i]) for i in columns)

        lines = [" " * len(MARK) + line(self.columns)]
        for place, texts in rows:
            mark = MARK if place == self.marked else " " * len(MARK)
            lines.append(mark + (line(texts) if place >= 0 else texts[0]))
        return "\n".join(map(str.rstrip, lines))

    def as_html(self) -> str:
        """Return it as an HTML table, in which every text is text."""
        head = "".join(f"<th>{html.escape(column)}</th>" for column in self.columns)
        lines = []
        for place, texts in self._shown():
            bold = ' style="font-weight:bold"' if place == self.marked else ""
            wide = f' colspan="{len(self.columns)}"' if place < 0 else ""
            cells = "".join(f"<td{wide}>{html.escape(text)}</td>" for text in texts)
            lines.append(f"<tr{bold}>{cells}</tr>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"

    def _shown(self) -> list[tuple[int, list[str]]]:
        """Return place and texts of the rows; for those in the middle of a long table -1, and how many they are."""
        rows = [(place, [_cell(value) for value in row]) for place, row in enumerate(self.rows)]
        left_out = len(rows) - MOST_ROWS
        if left_out <= 0:
            return rows
        return [*rows[: MOST_ROWS // 2], (-1, [f"... {left_out} more"]), *rows[-MOST_ROWS // 2 :]]


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case numbers.Integral():
            return str(int(value))
        case numbers.Real():
            return "-" if math.isnan(value) else f"{float(value):.4g}"
    return str(value)


def one_line(text: str) -> str:
    """Return a text in angle brackets as `repr` has it: in one line, and not too long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 4]}...>"


def as_html(name: str, headline: str, table: Table | None) -> str:
    """Return what a notebook shows: name and headline, which are text, above a table."""
    shown = "" if table is None else table.as_html()
    if table is not None and len(table.rows) >= FOLDED:
        shown = f"<details><summary>{len(table.rows)} rows</summary>{shown}</details>"
    return f"<div><p><b>{html.escape(name)}</b>: {html.escape(headline)}</p>{shown}</div>"


# --- colours: in a notebook, and where what is printed goes to a terminal ---------------------------------------------

_STATE = re.compile(r"^(ACT|WATCH|OK|LITTLE CHECKED)\b", re.MULTILINE)
"""Where a line begins with a level, or a state."""
_COLOURS = {"ACT": ("1;31", "#d33"), "WATCH": ("33", "#b80"), "OK": ("32", "#292"), "LITTLE CHECKED": ("2", "#888")}
"""Of each, the codes of a terminal, and the colour in HTML, which is readable on white and on black."""


def coloured(text: str, stream: TextIO | None) -> str:
    """Return a text for a stream: levels in colour if that is a terminal and NO_COLOR is not set.

    It is for what the package prints itself, and for `print(doctor)`. The `str` of anything else has no colour: it may
    be written to a file.
    """
    is_terminal = getattr(stream, "isatty", bool)()  # what takes the place of `sys.stdout` may have `write` alone
    if os.environ.get("NO_COLOR") or not is_terminal:
        return text
    return _STATE.sub(lambda found: f"\033[{_COLOURS[found[1]][0]}m{found[1]}\033[0m", text)


def coloured_html(text: str) -> str:
    """Return HTML with levels in colour."""
    return _STATE.sub(lambda found: f'<b style="color:{_COLOURS[found[1]][1]}">{found[1]}</b>', text)


class Result:
    """Base class of what a public function returns.

    A subclass says in `_headline` in one line what was found, what is recommended first, and in `_table` the numbers.
    """

    _shows: ClassVar[Sequence[str]] = ()
    """Names of attributes whose numbers are the table of a class that has no `_table` of its own."""

    def _headline(self) -> str:
        raise NotImplementedError

    def _table(self) -> Table | None:
        rows = [(name, getattr(self, name)) for name in self._shows]
        return Table(("quantity", "value"), rows) if rows else None

    def __repr__(self) -> str:
        return one_line(f"<{type(self).__name__}: {self._headline()}>")

    def __str__(self) -> str:
        table = self._table()
        return self._headline() if table is None else f"{self._headline()}\n{table}"

    def _repr_html_(self) -> str:
        """Return headline and table for a notebook."""
        return as_html(type(self).__name__, self._headline(), self._table())

"""What public functions return: one line in a debugger, a table in a terminal and in a notebook."""

import html
import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

LONGEST = 400
"""Characters of a `repr`, at most."""
MOST_ROWS = 60
"""Rows of a table that are shown; of more, those in the middle are left out."""
MARK = "> "
"""Stands before the row that is recommended."""


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
        texts = self._texts()
        widths = [max(len(row[place]) for row in (self.columns, *texts)) for place in range(len(self.columns))]
        is_text = [any(isinstance(row[place], str) for row in self.rows) for place in range(len(self.columns))]
        lines = []
        for number, row in enumerate((self.columns, *texts)):
            cells = (
                cell.ljust(width) if left else cell.rjust(width)
                for cell, width, left in zip(row, widths, is_text, strict=True)
            )
            mark = MARK if number and self._shown()[number - 1] == self.marked else " " * len(MARK)
            lines.append((mark + "  ".join(cells)).rstrip())
        return "\n".join(self._with_gap(lines, " " * len(MARK) + self._gap))

    def as_html(self) -> str:
        """Return it as an HTML table, in which every text is text."""
        head = "".join(f"<th>{html.escape(column)}</th>" for column in self.columns)
        lines = [f"<thead><tr>{head}</tr></thead>"]
        for place, row in zip(self._shown(), self._texts(), strict=True):
            bold = ' style="font-weight:bold"' if place == self.marked else ""
            cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
            lines.append(f"<tr{bold}>{cells}</tr>")
        gap = f'<tr><td colspan="{len(self.columns)}">{self._gap}</td></tr>'
        head, *body = self._with_gap(lines, gap)
        return f"<table>{head}<tbody>{''.join(body)}</tbody></table>"

    def _shown(self) -> list[int]:
        """Return the places of the rows that are shown."""
        places = list(range(len(self.rows)))
        return places if self._left_out <= 0 else places[: MOST_ROWS // 2] + places[-MOST_ROWS // 2 :]

    def _texts(self) -> list[list[str]]:
        return [[_cell(value) for value in self.rows[place]] for place in self._shown()]

    @property
    def _left_out(self) -> int:
        return len(self.rows) - MOST_ROWS

    @property
    def _gap(self) -> str:
        return f"... {self._left_out} more"

    def _with_gap(self, lines: list[str], gap: str) -> list[str]:
        """Return lines, the first of which is the header, with another one where rows were left out."""
        middle = 1 + MOST_ROWS // 2
        return lines if self._left_out <= 0 else [*lines[:middle], gap, *lines[middle:]]


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
    return f"<div><p><b>{html.escape(name)}</b>: {html.escape(headline)}</p>{shown}</div>"


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

"""Where a `fit` stands in a script, and what is written there of its model and its arguments: by the syntax tree."""

import ast
import dataclasses
from collections.abc import Mapping

Position = tuple[int, int | None, int | None, int | None]
"""First and last line, and first and last column, as `code.co_positions()` gives them for the call of `fit`."""


@dataclasses.dataclass(frozen=True)
class NoPatch:
    """Why the code of a cure cannot be put into a script, in one sentence."""

    reason: str


@dataclasses.dataclass(frozen=True)
class Place:
    """A call of `fit` in a script.

    Args:
        call: The call.
        statement: The statement that it stands in.
        arguments: Expressions of its arguments by their names, as `x`, `y`, `epochs`.
    """

    call: ast.Call
    statement: ast.stmt
    arguments: Mapping[str, ast.expr]


def place_of(source: str, position: Position) -> Place | NoPatch:
    """Return where a `fit` stands in a script, by the position of its call."""
    raise NotImplementedError

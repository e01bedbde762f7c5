"""What only a step knows, handed from inside an optimizer's `apply` to who has asked for it around that call.

A strategy calls `apply` in a thread for each replica, and each has what was asked in it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_asked: ContextVar[tuple[Any, list[Any]] | None] = ContextVar("keras_ch8_asked", default=None)
"""The optimizer that is asked, and what it has reported."""


@contextmanager
def asking(optimizer: Any) -> Iterator[list[Any]]:
    """Collect what an optimizer reports of a step that it takes inside; nothing, if it reports nothing."""
    reports: list[Any] = []
    token = _asked.set((optimizer, reports))
    try:
        yield reports
    finally:
        _asked.reset(token)


def is_asked(optimizer: Any) -> bool:
    """Whether somebody has asked an optimizer, and not one around it, or inside it."""
    asked = _asked.get()
    return asked is not None and asked[0] is optimizer


def report_step(optimizer: Any, report: Any) -> None:
    """Tell who has asked an optimizer what it knows of its step."""
    asked = _asked.get()
    if asked is not None and asked[0] is optimizer:
        asked[1].append(report)

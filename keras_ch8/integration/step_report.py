"""What only a step knows, handed from inside an optimizer's `apply` to who has asked for it around that call.

A strategy calls `apply` in a thread for each replica, and each has what was asked in it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Ending:
    """What a step of one optimizer ends with: inside the step, so that op by op both are one graph.

    Args:
        run: `run(report, *given)`. What it returns is handed to who has asked; in a graph, each tensor of it costs.
    """

    def __init__(self, run: Callable[..., Any]) -> None:
        self.run = run
        self.graphs: dict[Any, Callable[..., Any]] = {}
        """The graphs of steps that end so, which live no longer than who has asked."""


_asked: ContextVar[tuple[Any, Ending, tuple[Any, ...], list[Any]] | None] = ContextVar("keras_ch8_asked", default=None)
"""The optimizer that is asked, how its step is to end, what that is given, and what has come out."""


@contextmanager
def asking(optimizer: Any, ending: Ending, *given: Any) -> Iterator[list[Any]]:
    """Let a step that an optimizer takes inside end so, and collect what comes out: nothing, if it reports nothing."""
    answers: list[Any] = []
    token = _asked.set((optimizer, ending, given, answers))
    try:
        yield answers
    finally:
        _asked.reset(token)


def asked_of(optimizer: Any, otherwise: Ending) -> tuple[Ending, tuple[Any, ...], list[Any]]:
    """Return how a step of an optimizer is to end, what that is given, and the list that takes what comes out.

    It is `otherwise` where nobody asks, or asks an optimizer around this one, or inside it.
    """
    asked = _asked.get()
    return asked[1:] if asked is not None and asked[0] is optimizer else (otherwise, (), [])

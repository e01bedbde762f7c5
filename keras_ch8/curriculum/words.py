"""Pacings by their names."""

from collections.abc import Callable
from typing import Any

from .. import _checks
from . import pacing as laws
from .pacing._pacing import given

WORDS: dict[str, Callable[..., laws.AbstractPacing]] = {
    "linear": laws.Linear,
    "root": laws.Root,
    "competence": laws.competence,
    "exponential": laws.Exponential,
    "step": laws.Step,
    "baby_steps": laws.BabySteps,
    "one_pass": laws.OnePass,
}


def as_pacing(pacing: Any, start: float | None) -> laws.AbstractPacing:
    """Return the law that the user means; a law or a function knows its own start."""
    if not isinstance(pacing, str) and callable(pacing):
        if start is not None:
            raise ValueError(
                f"A law knows where it starts. Received: start={start!r} beside pacing={pacing!r}. Say it once: "
                "pacing=curriculum.Linear(start=0.2), or pacing='linear', start=0.2."
            )
        return pacing if isinstance(pacing, laws.AbstractPacing) else given(pacing)
    word = _checks.word("pacing", pacing, tuple(WORDS), meaning="how the share of the examples grows")
    return WORDS[word]() if start is None else WORDS[word](start=start)

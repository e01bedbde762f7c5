"""The state of a training: what its verdicts come to, and how many of the checks that apply to it could be made."""

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

from .._result import Result
from .verdict import Verdict
from .wording import counted

STATES = ("act", "watch", "little_checked", "ok")
"""What a training can be: the first that holds."""
ENOUGH = 1 / 2
"""Part of the checks that apply which must have been made for a training without findings to be called all right."""


@dataclasses.dataclass(frozen=True, repr=False)
class OverallState(Result):
    """What all verdicts on a training come to; made by `state_of` (section 8.2).

    Args:
        name: One of `STATES`: `"act"`, `"watch"`, `"little_checked"` or `"ok"`.
        judged: How many kinds of trouble could be judged.
        applicable: How many kinds apply to this form of training.
        missing: The kinds that apply and could not be judged.
        reasons: The most important first: a sentence that says why not, then, where there are any, what to do about it,
            and what to expect then.
    """

    name: str
    judged: int = 0
    applicable: int = 0
    missing: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """How much was checked, in one sentence; `""` where a verdict says more."""
        made = f"{self.judged} of {counted(self.applicable, 'check')}" if self.judged else "No check"
        said = {"ok": f"{made} ran, nothing to do.", "little_checked": f"{made} could run."}
        return said.get(self.name, "")

    @property
    def headline(self) -> str:
        """The same after the name of the state, as a terminal shows it."""
        return f"{self.name.replace('_', ' ').upper()}: {self.text}" if self.text else ""

    def _headline(self) -> str:
        return " ".join([self.headline or f"{self.name.upper()}.", *self.reasons])

    def as_data(self) -> dict[str, Any]:
        """Return it as the record of a run and its page have it."""
        return {**vars(self), "missing": list(self.missing), "reasons": list(self.reasons), "text": self.text}


def state_of(
    verdicts: Sequence[Verdict],
    judged: Collection[str] = (),
    applicable: Collection[str] = (),
    is_compared: bool = True,
    reasons: Sequence[str] = (),
) -> OverallState:
    """Return the state of a training: the only place where that is decided.

    A verdict that calls for action comes first, then one that is worth watching. Without such, a training is all right
    only if at least half of the checks that apply to it were made, and its loss was compared with that of the best
    constant prediction, or has clearly fallen.

    Args:
        verdicts: The verdicts that stand.
        judged: Kinds that could be judged without a verdict of their own.
        applicable: Kinds that apply to this form of training. Defaults to `()`: those that were judged.
        is_compared: Whether a loss could be compared with chance, or has clearly fallen.
        reasons: Sentences that say what could not be judged, and what to do about it, the most important first.

    Example:
        >>> from keras_ch8.extend import Verdict
        >>> from keras_ch8.verdicts.state import state_of
        >>> fine = Verdict("cliff", "ok", "No spikes.", "", "8.2.4", 5)
        >>> state_of([fine], applicable=["cliff", "plateau", "saddle"]).headline
        'LITTLE CHECKED: 1 of 3 checks could run.'
        >>> state_of([fine], judged=["plateau"], applicable=["saddle"]).headline
        'OK: 2 of 3 checks ran, nothing to do.'
    """
    known = {*judged, *(verdict.kind for verdict in verdicts)}
    missing = sorted(set(applicable) - known)
    of = len(known) + len(missing)
    levels = {verdict.level for verdict in verdicts}
    is_enough = bool(known) and is_compared and len(known) >= ENOUGH * of
    name = next((level for level in ("act", "watch") if level in levels), "ok" if is_enough else "little_checked")
    return OverallState(name, len(known), of, tuple(missing), tuple(reasons))


NOT_DIAGNOSED = OverallState(
    "little_checked",
    reasons=('This run was not diagnosed. Train it with `fit(..., callbacks=[keras_ch8.Doctor("logs")])`.',),
)
"""Of a run that was written without a `callbacks.Diagnosis`."""

"""What a `Doctor` has found in one training."""

from typing import Any, final

from ..verdicts.remedies import Remedy
from ..verdicts.state import OverallState
from ..verdicts.texts import as_html, brief, report
from ..verdicts.verdict import Verdict
from ._diagnosis import Diagnosis

NOT_SEEN = OverallState("little_checked", reasons=("The verdicts could not be saved.",))
"""What is known of a training of which nothing else is."""


@final
class WatchedRun:
    """What a `Doctor` has found in one training; while that runs, what it has found so far.

    Args:
        diagnosis: What judges the training; it is let go at the end, and the model with it.
        log_dir: Folder that the training is written to; `None` for none.
    """

    def __init__(self, diagnosis: Diagnosis, log_dir: str | None) -> None:
        self.log_dir = log_dir
        self._diagnosis: Diagnosis | None = diagnosis
        self._kept: tuple[list[Verdict], OverallState, tuple[Remedy, ...]] = [], NOT_SEEN, ()

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts that stand, the most serious first."""
        return self._kept[0] if self._diagnosis is None else self._diagnosis.verdicts

    @property
    def state(self) -> OverallState:
        """What they come to, as `state` of a `Diagnosis`."""
        return self._kept[1] if self._diagnosis is None else self._diagnosis.state

    @property
    def further(self) -> tuple[Remedy, ...]:
        """What else the training might need, as `further` of a `Diagnosis`."""
        return self._kept[2] if self._diagnosis is None else self._diagnosis.further

    def end(self) -> None:
        """Keep what was found; the training is over."""
        diagnosis, self._diagnosis = self._diagnosis, None
        if diagnosis is not None:
            self._kept = diagnosis.verdicts, diagnosis.state, diagnosis.further

    def __getstate__(self) -> dict[str, Any]:
        return {"log_dir": self.log_dir, "_diagnosis": None, "_kept": (self.verdicts, self.state, self.further)}

    def __repr__(self) -> str:
        return f"<WatchedRun: {' '.join(brief(self.verdicts, self.state))}>"

    def __str__(self) -> str:
        return report(self.verdicts, self.state, "run")

    def _repr_html_(self) -> str:
        return as_html("Doctor", self.verdicts, self.state)

"""What a `Doctor` has found in one training, and in all trials of a search for hyperparameters."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any, final

from ..integration.tuner import Trial
from ..verdicts.kinds import title_of
from ..verdicts.remedies import Remedy
from ..verdicts.state import STATES, OverallState
from ..verdicts.texts import WIDTH, as_html, brief, report, wrapped
from ..verdicts.verdict import Verdict
from ..verdicts.wording import counted
from ._diagnosis import Diagnosis

NOT_SEEN = OverallState("little_checked", reasons=("The verdicts could not be saved.",))
"""What is known of a training of which nothing else is."""
STATE_OF_TRIALS = {
    "act": ("needs action", "need action"),
    "watch": ("is worth watching", "are worth watching"),
    "little_checked": ("is little checked", "are little checked"),
    "ok": ("is OK", "are OK"),
}
"""What is said of one trial of a state, and of several."""
MOST = 10
"""Trials of which a search says what is wrong."""


@final
class WatchedRun:
    """What a `Doctor` has found in one training; while that runs, what it has found so far.

    Args:
        diagnosis: What judges the training; it is let go at the end, and the model with it.
        log_dir: Folder that the training is written to; `None` for none.
        trial: The trial of a search that the training is. Defaults to `None`: of no search.
    """

    def __init__(self, diagnosis: Diagnosis, log_dir: str | None, trial: Trial | None = None) -> None:
        self.log_dir = log_dir
        self.name = "" if trial is None else trial.name
        """Name of the trial, such as `"trial_3"`; `""` of a training that is none."""
        self.hyperparameters = {} if trial is None else trial.values
        """The values that the trial has; `{}` of a training that is none."""
        self.heading = "" if trial is None else _heading(trial)
        """Name of the trial, and what is tried in it."""
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
        return vars(self) | {"_diagnosis": None, "_kept": (self.verdicts, self.state, self.further)}

    def __repr__(self) -> str:
        return f"<{f'WatchedRun {self.name}'.rstrip()}: {' '.join(brief(self.verdicts, self.state))}>"

    def __str__(self) -> str:
        said = report(self.verdicts, self.state, "run")
        return f"{wrapped(self.heading)}\n{said}" if self.heading else said

    def _repr_html_(self) -> str:
        return as_html(self.heading or "Doctor", self.verdicts, self.state)


def search_report(runs: Sequence[WatchedRun], log_dir: str | None) -> str:
    """Return how many trials of a search need action or are worth watching, and a line for each of these.

    Several trainings of one trial count as one, which is as the worst of them.

    Args:
        runs: All results of a doctor; those of no trial are left out.
        log_dir: Folder that all of them are written to; `None` for none.
    """
    worst: dict[tuple[str, str], tuple[int, int]] = {}
    for place, run in enumerate(runs):
        trial = run.name, repr(run.hyperparameters)  # a second search has the same names
        if run.name:
            worst[trial] = min(worst.get(trial, (len(STATES), 0)), (STATES.index(run.state.name), place))
    counts = Counter(STATES[state] for state, _ in worst.values())
    said = [f"{counts[name]} {words[counts[name] > 1]}" for name, words in STATE_OF_TRIALS.items() if counts[name]]
    sick = [place for state, place in sorted(worst.values()) if STATES[state] in ("act", "watch")]
    lines = [f"{counted(len(worst), 'trial')}: {', '.join(said)}."]
    for run in (runs[place] for place in sick[:MOST]):
        titles = [title_of(verdict.kind) for verdict in run.verdicts if verdict.level == run.state.name]
        lines.append(f"{run.state.name.upper()} {run.heading}: {', '.join(titles)}")
    if len(sick) > MOST:
        lines.append(f"... and {len(sick) - MOST} more")
    if sick:
        lines.append(f"In full: print(doctor.runs[{sick[0]}])")
    if log_dir is not None:
        lines.append(f"All trials, the best first: python -m keras_ch8 diagnose {log_dir}")
    return "\n".join(map(wrapped, lines))


def _heading(trial: Trial) -> str:
    """Return the name of a trial with what is tried in it, in two lines at most."""
    said = [f"{name}={f'{x:.4g}' if isinstance(x, float) else x}" for name, x in trial.tried.items()]
    values = textwrap.shorten(", ".join(said), WIDTH, placeholder=" ...")
    return f"{trial.name} ({values})" if values else trial.name

"""What is proven on: a program that can be trained, as it is or with a cure in it, and what a training of it gives."""

import dataclasses
import math
from typing import Protocol

from ..verdicts.remedies import Remedy
from ..verdicts.verdict import Verdict

NO_CODE = "It has no code."


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one whole training has given.

    Args:
        score: How good the model is on data that it was not trained on, higher is better; NaN where the training
            failed or diverged. Defaults to NaN, as of one that failed.
        measure: What the score is, such as `"accuracy"`, `"R2"`, or `"validation loss"`.
        best: Score of a perfect model: 1 for an accuracy or R2; 0 for a loss, whose score is its negative. Defaults to
            `1.0`.
        floor: Score of a model that predicts the same for all examples: a training that failed is no worse, and none
            is better that does not exceed it. It does not matter for a loss. Defaults to `0.0`.
        seconds: How long it took.
        verdicts: What was found, the most serious first; `()` of a training that was not watched.
        further: What else the training might need; of the same trainings.
        curve: Step and loss at the end of each epoch: the validation loss, or the training loss without one.
        state: Name of the state of the run, as `"ok"` or `"little_checked"`.
        unchecked: What could not be checked, a sentence each.
        error: The last lines of the traceback, where it failed.
    """

    score: float = math.nan
    measure: str = ""
    best: float = 1.0
    floor: float = 0.0
    seconds: float = 0.0
    verdicts: tuple[Verdict, ...] = ()
    further: tuple[Remedy, ...] = ()
    curve: tuple[tuple[float, float], ...] = ()
    state: str = ""
    unchecked: tuple[str, ...] = ()
    error: str = ""

    @property
    def acts(self) -> list[Verdict]:
        """The verdicts that call for action."""
        return [verdict for verdict in self.verdicts if verdict.level == "act"]

    def others(self, verdict: Verdict | None = None) -> list[Verdict]:
        """Return a verdict, or the gravest of this training, with each of the fixes that it does not ask for.

        Before them come those of what is worth watching. Where nothing calls for action there are none.
        """
        watched = [each for each in self.verdicts if each.level == "watch" and each.code]
        return [
            fix
            for each in ([verdict] if verdict else self.acts[:1])
            for fix in (*watched, *(_with(each, remedy) for remedy in self.further))
        ]

    @property
    def last_line(self) -> str:
        """What the error says."""
        return self.error.strip().rpartition("\n")[2]


def _with(verdict: Verdict, remedy: Remedy) -> Verdict:
    cure, code, expects = remedy.cure, remedy.code, remedy.expects
    return dataclasses.replace(verdict, cure=cure, code=code, expects=expects, then="", then_code="")


class Program(Protocol):
    """Something that trains: a script, or functions that make a model and its data."""

    @property
    def text(self) -> str:
        """The patch that it has: the change of its source, or the code of the fixes."""

    def train(self, seed: int, watched: bool = False) -> Outcome:
        """Train once from the beginning, apart from all other trainings; seed 0 is the program's own, if it has one.

        The score does not depend on whether it is watched, and the time does.
        """

    def with_cure(self, verdict: Verdict) -> "Program | str":
        """Return this program with the fix of a verdict in it, or a sentence that says why that is not possible."""

"""What happened at single steps, found in the rows of many."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from ...monitors import cliff
from ...monitors.past import FEWEST, WINDOW
from ...telemetry.frame import Frame
from ...verdicts.wording import digits, percent

STEADY = 10
"""Steps for which a learning rate has to be the same before a change of it is an event, and no step of a schedule."""
SHARP = 0.1
"""Fraction of itself by which it has to change."""
UNUSUAL = 3.0
"""Times the largest median so far that a spike has to exceed: near the end a small gradient varies much."""
LARGEST = 1e12
"""Times the median beyond which a number says nothing."""
Tell: TypeAlias = Callable[[str, str, int], None]
"""Called with kind, text and step of an event."""


class StepEvents:
    """Finds the events in the rows of one optimizer: clipping, spikes, broken gradients, sudden changes of its rate.

    Args:
        tell: Told each event, in order.
        prefix: What its texts begin with, such as the name of one of several optimizers.
    """

    def __init__(self, tell: Tell, prefix: str = "") -> None:
        self._tell, self._prefix = tell, prefix
        self._steps = self._clipped = self._broken = self._last = 0
        self._rate, self._same_for = float("nan"), 0
        self._norms, self._usual = np.zeros(0), 0.0

    def state(self) -> dict[str, Any]:
        """Return what was found so far, which `set_state` goes on from."""
        return {name: value for name, value in vars(self).items() if name not in ("_tell", "_prefix")}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` has returned."""
        vars(self).update(state)

    def add(self, frame: Frame) -> None:
        """Take some rows."""
        if not len(frame.steps):
            return
        self._steps += len(frame.steps)
        self._last = int(frame.steps[-1])
        finite = np.isfinite(frame.norm)
        self._find_broken(frame.steps[~finite])
        self._find_clipped(frame)
        self._find_spikes(frame.steps[finite], frame.norm[finite].astype(float))
        self._find_changes(frame.steps, frame.learning_rate)

    def end(self) -> None:
        """Count what has happened since it was told for the first time."""
        if self._clipped:
            self._say("clip", f"Clipping acted at {percent(self._clipped / self._steps)} of the steps.", self._last)
        if self._broken > 1:
            self._say("nonfinite", f"In {self._broken} steps the gradient was infinite or not a number.", self._last)

    def _say(self, kind: str, text: str, step: int) -> None:
        self._tell(kind, self._prefix + text, int(step))

    def _find_broken(self, steps: np.ndarray) -> None:
        if len(steps) and not self._broken:
            self._say("nonfinite", "For the first time the gradient is infinite or not a number.", steps[0])
        self._broken += len(steps)

    def _find_clipped(self, frame: Frame) -> None:
        clipped = np.flatnonzero(frame.was_clipped)
        if len(clipped) and not self._clipped:
            first = clipped[0]
            long, short = (digits(float(norms[first]), 3) for norms in (frame.norm, frame.clipped))
            text = f"The gradient is clipped for the first time, from a norm of {long} to {short}."
            self._say("clip", text, frame.steps[first])
        self._clipped += len(clipped)

    def _find_spikes(self, steps: np.ndarray, norms: np.ndarray) -> None:
        """Find the spikes of the verdict `cliff`, above all that was usual so far; mostly one comparison is enough."""
        before, usual = len(self._norms), self._usual
        known = np.concatenate([self._norms, norms])
        if len(known) <= FEWEST:
            self._norms = known
            return
        self._norms, self._usual = known[-WINDOW:], max(usual, float(np.median(known)))
        if norms.max(initial=0.0) <= UNUSUAL * usual:
            return
        found = cliff(known, np.arange(len(known)))
        ratios = dict(zip(found.steps.tolist(), found.ratio.tolist(), strict=True))
        for place in found.spikes().tolist():
            if place >= before and known[place] > UNUSUAL * usual:
                is_known = ratios[place] < LARGEST
                how = f"{digits(ratios[place])} times" if is_known else "beyond all measure of"
                self._say("spike", f"The gradient is {how} the median of the steps before.", steps[place - before])

    def _find_changes(self, steps: np.ndarray, rates: np.ndarray) -> None:
        """Find sudden changes of a rate that had been the same for some steps."""
        known = np.concatenate([[self._rate], rates])
        changed = np.flatnonzero(known[1:] != known[:-1])
        same_for = np.diff(changed, prepend=-self._same_for)
        for place in changed[same_for >= STEADY].tolist():
            old, new = float(known[place]), float(known[place + 1])
            if abs(new - old) >= SHARP * abs(old):
                how = "falls" if new < old else "rises"
                self._say("rate", f"The learning rate {how} from {digits(old, 3)} to {digits(new, 3)}.", steps[place])
        self._rate = float(known[-1])
        self._same_for = len(rates) - int(changed[-1]) if len(changed) else self._same_for + len(rates)

"""The ways to look at a model in training."""

import abc
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import keras

from ..curvature.objective import Objective
from ..monitors import AbstractMonitor, SpectrumMonitor, ends_of
from ..monitors.past import Past
from ..monitors.probe import Probe
from ..monitors.progress import has_reason_to_look_closer
from ._pace import Pace

LARGEST = 256
"""Examples that the spectrum is taken of: every step of Lanczos goes through them twice."""
PRODUCTS = 20
"""Steps of Lanczos."""
LEAST = 0.25
"""A product takes at least this share of a look at the probe, which takes two gradients and more."""


class AbstractLook(abc.ABC):
    """A way to look, with its own pace."""

    name: ClassVar[str]

    rarer: ClassVar[int] = 1
    """By how much its interval is longer than asked for."""
    grace: ClassVar[float] = 0.1
    """Seconds that are free in a training."""

    is_wanted: bool = True
    """Whether there is reason to look."""

    def begin(self, pace: Pace, past: Past) -> None:
        """Begin a training."""
        self.pace, self.past, self.is_ready = pace, past, False

    def is_due(self, step: int, trained: float) -> bool:
        """Whether to look at the update of this step."""
        return self.is_wanted and self.pace.is_due(step, trained)

    def rests_until(self, step: int) -> float:
        """Return the step up to which it need not be asked again, if it is not due at this one and nobody looks."""
        return self.pace.rests_until(step) if self.is_wanted else math.inf

    def prepare(self, step: int, trained: float) -> None:
        """Take what must be known before the update of a step at which a look is due."""
        self.is_ready = True

    def reconsider(self, step: int, trained: float) -> None:
        """Ask whether there is reason to look; called after every look of whichever kind."""
        self.is_wanted = True

    @abc.abstractmethod
    def take(self) -> dict[str, Any]:
        """Look, and return readings by the name of the monitor."""


class ProbeLook(AbstractLook):
    """Looks at the probe before and after an update."""

    name = "probe"

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._before: list[Any] | None = None

    def begin(self, pace: Pace, past: Past) -> None:
        """Remember the weights."""
        super().begin(pace, past)
        self._probe.start = self._probe.weights()

    def prepare(self, step: int, trained: float) -> None:
        """Keep a copy of the weights."""
        super().prepare(step, trained)
        self._before = self._probe.weights()

    def take(self) -> dict[str, Any]:
        """Return the readings, and let go of the copy."""
        before, self._before = self._before, None
        return self._probe.look(before)


class SpectrumLook(AbstractLook):
    """Looks at the ends of the spectrum: always when it is due, or only where there is reason to."""

    name = "spectrum"
    rarer, grace = 10, 0.25

    def __init__(self, objective: Objective, always: bool, probe: AbstractLook | None) -> None:
        self._objective, self._always, self._probe = objective, always, probe
        self._price: float | None = None

    def begin(self, pace: Pace, past: Past) -> None:
        """Nothing is known of the training yet; what a look costs is, from the last one."""
        super().begin(pace, past)
        self.is_wanted = self._always
        if self._price is not None:
            pace.expect(self._price)

    def prepare(self, step: int, trained: float) -> None:
        """Trace what a look needs, and find out what it will cost: of a large model many steps' time."""
        super().prepare(step, trained)
        if self._price is None:
            begin = time.perf_counter()
            ends_of(self._objective, 1)
            theta = self._objective.theta()
            product = self._objective.products(theta)
            self._price = PRODUCTS * min(_seconds(product, theta) for _ in range(3))
            self.pace.expect(self._price)
            self.pace.setup += time.perf_counter() - begin
            self.is_ready = self.pace.can_pay(step, trained)

    def reconsider(self, step: int, trained: float) -> None:
        """Look where there is reason to, if it can be paid for; the price is guessed until it is known."""
        if not self._always:
            if self._probe is not None and self._price is None:
                self.pace.guess(PRODUCTS * LEAST * self._probe.pace.cost)
            self.is_wanted = self.pace.is_affordable(step, trained) and has_reason_to_look_closer(self.past)

    def take(self) -> dict[str, Any]:
        """Return the reading."""
        return {self.name: ends_of(self._objective, PRODUCTS)}


def _seconds(action: Callable[[Any], Any], *arguments: Any) -> float:
    """Return how long an action takes."""
    begin = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - begin


def looks(
    model: Any,
    data: Any,
    monitors: Sequence[AbstractMonitor],
    leave_out: Callable[[str, Exception], None],
    loss: Callable[[Any, Any], Any] | None = None,
) -> list[AbstractLook]:
    """Return the looks that these monitors ask for."""
    found: list[AbstractLook] = []
    probed = [m for m in monitors if m.judges == "probe"]
    if probed:
        found.append(ProbeLook(Probe(model, *data, monitors=probed, parts=2, on_failure=leave_out, loss=loss)))
    for monitor in monitors:
        if isinstance(monitor, SpectrumMonitor):
            x, y, sample_weight = keras.tree.map_structure(lambda a: None if a is None else a[:LARGEST], data)
            probe = found[0] if probed else None
            found.append(
                SpectrumLook(Objective(model, x, y, sample_weight=sample_weight, loss=loss), monitor.always, probe)
            )
    return found

"""When a model in training is measured, and how: by the probe, and by the spectrum of the Hessian."""

import abc
import collections
import contextlib
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import keras

from .._types import Data, Tensor
from ..curvature.objective import Objective
from ..monitors import Monitor, Past, SpectrumMonitor, ends_of
from ..monitors.probe import Probe
from ..monitors.progress import is_spectrum_worthwhile
from ..verdicts.verdict import RAISED_BY

SHORT, OFTEN = 12, 100
"""Measurements that a training of known length gets if they are free, and those that it gets at most."""
AT_ONCE = 0.25
"""Fraction of what is free that may be spent at once; the rest is spread over the training."""
HELD_UP = 3
"""Times its usual price that a measurement counts at most: what held it up would have held up the training."""
ASKED = 8
"""How often in an interval the budget is compared: comparing takes time at every step."""
FIRST, FEWEST = (1, 4), 10
"""The first steps that are measured, and the fewest steps between two measurements after them."""
LARGEST = 256
"""Examples that the spectrum is measured on: every step of Lanczos goes through them twice."""
PRODUCTS = 20
"""Steps of Lanczos."""
LEAST = 0.25
"""A product takes at least this fraction of a measurement of the probe, which takes two gradients and more."""


class Pace:
    """Says at which steps a measurement is due: their interval adapts to the time budget.

    A measurement is due where `when` says so, or by itself at each 100th part of the training, but only if the budget
    allows it: all measurements so far, and another one like the last three, take at most `budget` of the time spent on
    training. While they take less than `grace` seconds together they are free, at least at each 12th part of the
    training: a short one would have none. A measurement that the machine has held up counts as three usual ones against
    the budget, and is reported as it was.

    Args:
        budget: Fraction of the training time, or None for no limit.
        when: Steps between two measurements, or a function of the step, or None to choose.
        steps: Steps of the whole training; 0 where it is not known.
        grace: Seconds that are free.
    """

    def __init__(
        self,
        budget: float | None,
        when: int | Callable[[int], bool] | None = None,
        steps: int = 0,
        grace: float = 0.1,
    ) -> None:
        self.budget, self.when, self.steps, self.grace = budget, when, steps, grace
        self.count, self.spent, self.setup = 0, 0.0, 0.0
        self._counted = 0.0
        self._costs: collections.deque[float] = collections.deque(maxlen=3)
        self._last, self._is_traced = 0, False
        self.cost = 0.0
        """Seconds that the next measurement will take: the median of the last three, whatever held one of them up."""

    def guess(self, seconds: float) -> None:
        """Set what a measurement may cost, before anything is known."""
        self._costs.clear()
        self._took(seconds)

    def _took(self, seconds: float) -> None:
        self._costs.append(seconds)
        self.cost = statistics.median_low(self._costs)

    def expect(self, seconds: float) -> None:
        """Set what the first measurement will cost, all of whose graphs are traced by now."""
        self.guess(seconds)
        self._is_traced = True

    def is_due(self, step: int, trained: float) -> bool:
        """Whether to measure at the step of this number, counted from 1, after so many seconds of training."""
        since = step - self._last
        if self.when is not None:
            is_wanted = self.when(step) if callable(self.when) else since >= self.when
            return is_wanted and self.can_pay(step, trained)
        if step in FIRST:
            return self.can_pay(step, trained)
        if since < FEWEST:
            return False
        is_long_ago = since >= self.steps / SHORT if self.steps else step >= 1.5 * self._last
        is_wanted = since >= max(self.steps, step) / OFTEN
        return (is_wanted and self._is_within_budget(trained)) or (is_long_ago and self._is_free(step))

    def rests_until(self, step: int) -> float:
        """Return the step up to which no measurement can be due, as none is at this one.

        A measurement that is wanted and exceeds the budget comes late by an eighth of its interval at most.
        """
        if callable(self.when) or (self.when is None and step <= max(FIRST)):
            return step + 1
        since = step - self._last
        interval = self.when or max(FEWEST, max(self.steps, step) / OFTEN)
        return step + max(1.0, interval - since, since / ASKED)

    def can_pay(self, step: int, trained: float) -> bool:
        """Whether a measurement at this step is free or within the budget."""
        return self._is_free(step) or self._is_within_budget(trained)

    def _is_free(self, step: int) -> bool:
        fraction = max(AT_ONCE, step / self.steps) if self.steps else 1
        return self._counted + self.cost <= self.grace * fraction

    def _is_within_budget(self, trained: float) -> bool:
        return self.budget is None or self._counted + self.cost <= self.budget * trained

    def is_affordable(self, step: int, trained: float) -> bool:
        """Whether enough measurements for a verdict will fit before the end, at the pace of the steps so far."""
        whole = trained * max(1.0, self.steps / step)
        return self.budget is None or RAISED_BY * self.cost <= max(self.grace, self.budget * whole)

    def measured(self, step: int, seconds: float) -> None:
        """Count a measurement that was made; the first, which traces its graph, is set-up and not counted."""
        self._last = step
        self.count += 1
        if self._is_traced:
            self._took(seconds)
            self.spent += seconds
            self._counted += min(seconds, HELD_UP * self.cost)
        else:
            self.setup += seconds
        self._is_traced = True


class Clock:
    """Tells the time of training from the time of measuring."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._until: float | None = None
        self._measuring = 0.0

    @property
    def trained(self) -> float:
        """Seconds from the first step to now, or to the end, without those of measuring."""
        if self._since is None:
            return 0.0
        return (time.perf_counter() if self._until is None else self._until) - self._since - self._measuring

    def stop(self) -> None:
        """Count no more: the training is over."""
        self._until = self._until or time.perf_counter()

    def start(self) -> None:
        """Begin to count, at the end of the first step: before it, Keras traces the training step."""
        self._since = self._since or time.perf_counter()

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Count what happens inside as no training."""
        begin = time.perf_counter()
        yield
        if self._since is not None:
            self._measuring += time.perf_counter() - begin

    @contextlib.contextmanager
    def measuring(self, pace: Pace, step: int) -> Iterator[None]:
        """Count what happens inside as a measurement."""
        before = self._measuring
        with self.stopped():
            yield
        pace.measured(step, self._measuring - before)


class Measurement(abc.ABC):
    """A way to measure a model, with its own pace."""

    name: ClassVar[str]

    rarer: ClassVar[int] = 1
    """By how much its interval is longer than asked for."""
    grace: ClassVar[float] = 0.1
    """Seconds that are free in a training."""

    is_wanted: bool = True
    """Whether there is reason to measure."""

    def begin(self, pace: Pace, past: Past) -> None:
        """Begin a training."""
        self.pace, self.past, self.is_ready = pace, past, False

    def is_due(self, step: int, trained: float) -> bool:
        """Whether to measure the update of this step."""
        return self.is_wanted and self.pace.is_due(step, trained)

    def rests_until(self, step: int) -> float:
        """Return the step up to which nothing can be due, if it is not due at this one and nothing is measured."""
        return self.pace.rests_until(step) if self.is_wanted else math.inf

    def prepare(self, step: int, trained: float) -> None:
        """Keep what must be known before the update of a step at which a measurement is due."""
        self.is_ready = True

    def reconsider(self, step: int, trained: float) -> None:
        """Decide whether there is reason to measure; called after every measurement of whichever kind."""
        self.is_wanted = True

    @abc.abstractmethod
    def measure(self) -> dict[str, Any]:
        """Measure, and return readings by the name of the monitor."""


class ProbeMeasurement(Measurement):
    """Measures loss and gradient on the probe before and after an update."""

    name = "probe"

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._before: list[Tensor] | None = None

    def begin(self, pace: Pace, past: Past) -> None:
        """Remember the weights."""
        super().begin(pace, past)
        self._probe.start = self._probe.weights()

    def prepare(self, step: int, trained: float) -> None:
        """Keep a copy of the weights."""
        super().prepare(step, trained)
        self._before = self._probe.weights()

    def measure(self) -> dict[str, Any]:
        """Return the readings, and let go of the copy."""
        before, self._before = self._before, None
        return self._probe.measure(before)


class SpectrumMeasurement(Measurement):
    """Measures the ends of the spectrum: always when it is due, or only where there is reason to."""

    name = "spectrum"
    rarer, grace = 10, 0.25

    def __init__(self, objective: Objective, always: bool, probe: Measurement | None) -> None:
        self._objective, self._always, self._probe = objective, always, probe
        self._price: float | None = None

    def begin(self, pace: Pace, past: Past) -> None:
        """Begin: nothing is known of the training yet, but what a measurement costs is known from the last training."""
        super().begin(pace, past)
        self.is_wanted = self._always
        if self._price is not None:
            pace.expect(self._price)

    def prepare(self, step: int, trained: float) -> None:
        """Trace what a measurement needs, and find out what it will cost: of a large model many steps' time."""
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
        """Measure where there is reason to, if the budget allows it; the price is guessed until it is known."""
        if not self._always:
            if self._probe is not None and self._price is None:
                self.pace.guess(PRODUCTS * LEAST * self._probe.pace.cost)
            self.is_wanted = self.pace.is_affordable(step, trained) and is_spectrum_worthwhile(self.past)

    def measure(self) -> dict[str, Any]:
        """Return the reading."""
        return {self.name: ends_of(self._objective, PRODUCTS)}


def _seconds(action: Callable[[Any], Any], *arguments: Any) -> float:
    """Return how long an action takes."""
    begin = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - begin


def measurements(
    model: keras.Model,
    data: Data,
    monitors: Sequence[Monitor],
    leave_out: Callable[[str, Exception], None],
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> list[Measurement]:
    """Return the ways to measure that these monitors ask for."""
    found: list[Measurement] = []
    probed = [m for m in monitors if m.source == "probe"]
    if probed:
        found.append(ProbeMeasurement(Probe(model, *data, monitors=probed, parts=2, on_failure=leave_out, loss=loss)))
    for monitor in monitors:
        if isinstance(monitor, SpectrumMonitor):
            x, y, sample_weight = keras.tree.map_structure(lambda a: None if a is None else a[:LARGEST], data)
            probe = found[0] if probed else None
            found.append(
                SpectrumMeasurement(
                    Objective(model, x, y, sample_weight=sample_weight, loss=loss), monitor.always, probe
                )
            )
    return found

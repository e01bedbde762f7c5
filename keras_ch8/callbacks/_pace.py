"""When to look at the model, so that looking stays cheap."""

import collections
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator

from ..verdicts.docket import RAISED_BY

SHORT, OFTEN = 12, 100
"""Looks that a training of known length gets if they are free, and those that it gets at most."""
AT_ONCE = 0.25
"""Share of what is free that may be spent at once; the rest is spread over the training."""
HELD_UP = 3
"""Times its usual price that a look is charged at most: what held it up would have held up the training."""
ASKED = 8
"""How often it is asked in an interval whether a look is paid for: asking takes time at every step."""
FIRST, FEWEST = (1, 4), 10
"""The first steps that are looked at, and the fewest steps between two looks after them."""


class Pace:
    """Says at which steps a look is due.

    A look is due where `when` says so, or by itself at each 100th part of the training, but only if it is paid for: all
    looks so far, and another one like the last three, take at most `budget` of the time spent on training. While they
    take less than `grace` seconds together they are free, at least at each 12th part of the training: a short one would
    have none. A look that the machine has held up is charged at thrice the usual price, and told as it was.

    Args:
        budget: Share of the training time, or None for no limit.
        when: Steps between two looks, or a function of the step, or None to choose.
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
        self.looks, self.spent, self.setup = 0, 0.0, 0.0
        self._charged = 0.0
        self._costs: collections.deque[float] = collections.deque(maxlen=3)
        self._last, self._is_traced = 0, False
        self.cost = 0.0
        """Seconds that the next look will take: the median of the last three, so that one that was held up is none."""

    def guess(self, seconds: float) -> None:
        """Take what a look may cost, before anything is known."""
        self._costs.clear()
        self._took(seconds)

    def _took(self, seconds: float) -> None:
        self._costs.append(seconds)
        self.cost = statistics.median_low(self._costs)

    def expect(self, seconds: float) -> None:
        """Take what the first look will cost, all of whose graphs are traced by now."""
        self.guess(seconds)
        self._is_traced = True

    def is_due(self, step: int, trained: float) -> bool:
        """Whether to look at the step of this number, counted from 1, after so many seconds of training."""
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
        return (is_wanted and self._is_paid(trained)) or (is_long_ago and self._is_free(step))

    def rests_until(self, step: int) -> float:
        """Return the step up to which it need not be asked again, given that no look is due at this one.

        A look that is wanted and not paid for comes late by an eighth of its interval at most.
        """
        if callable(self.when) or (self.when is None and step <= max(FIRST)):
            return step + 1
        since = step - self._last
        interval = self.when or max(FEWEST, max(self.steps, step) / OFTEN)
        return step + max(1.0, interval - since, since / ASKED)

    def can_pay(self, step: int, trained: float) -> bool:
        """Whether a look at this step is free or paid for."""
        return self._is_free(step) or self._is_paid(trained)

    def _is_free(self, step: int) -> bool:
        share = max(AT_ONCE, step / self.steps) if self.steps else 1
        return self._charged + self.cost <= self.grace * share

    def _is_paid(self, trained: float) -> bool:
        return self.budget is None or self._charged + self.cost <= self.budget * trained

    def is_affordable(self, step: int, trained: float) -> bool:
        """Whether there will be looks enough for a verdict before the end, going by the pace of the steps so far."""
        whole = trained * max(1.0, self.steps / step)
        return self.budget is None or RAISED_BY * self.cost <= max(self.grace, self.budget * whole)

    def looked(self, step: int, seconds: float) -> None:
        """Take a look that was made; one that traces its graph, which is paid once, is not counted."""
        self._last = step
        self.looks += 1
        if self._is_traced:
            self._took(seconds)
            self.spent += seconds
            self._charged += min(seconds, HELD_UP * self.cost)
        else:
            self.setup += seconds
        self._is_traced = True


class Clock:
    """Tells the time of training from the time of looking."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._until: float | None = None
        self._looking = 0.0

    @property
    def trained(self) -> float:
        """Seconds from the first step to now, or to the end, without those of looking."""
        if self._since is None:
            return 0.0
        return (time.perf_counter() if self._until is None else self._until) - self._since - self._looking

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
            self._looking += time.perf_counter() - begin

    @contextlib.contextmanager
    def looking(self, pace: Pace, step: int) -> Iterator[None]:
        """Count what happens inside as a look."""
        before = self._looking
        with self.stopped():
            yield
        pace.looked(step, self._looking - before)

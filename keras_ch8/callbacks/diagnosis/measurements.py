"""When a model in training is measured, and how: by the probe, and by the spectrum of the Hessian."""

import abc
import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import keras
import numpy as np

from ..._batches import examples_of
from ..._types import Tensor
from ...curvature.objective import Objective
from ...integration import keras_private
from ...monitors.eigenvalues import SpectrumMonitor, ends_of
from ...monitors.past import Past
from ...monitors.probe import Probe
from ...monitors.progress import is_spectrum_worthwhile
from ...verdicts.verdict import RAISED_BY
from .programs import Programs
from .work import FEWEST, Pace, light, multiplications

SPECTRA = 4
"""Times that it is measured in any training where that is light."""
PRODUCTS = 20
"""Steps of Lanczos."""


class Clock:
    """Tells the time of training from the time of measuring."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._until: float | None = None
        self._measuring = self._before = 0.0

    @property
    def trained(self) -> float:
        """Seconds from the first step to now, or to the end, without those of measuring."""
        if self._since is None:
            return max(0.0, self._before - self._measuring)
        now = time.perf_counter() if self._until is None else self._until
        return self._before + now - self._since - self._measuring

    def state(self) -> dict[str, float]:
        """Return the seconds so far, which `set_state` goes on from."""
        return {"trained": self.trained, "measuring": self._measuring}

    def set_state(self, state: Mapping[str, float]) -> None:
        """Go on from what `state` has returned, once the first step is made."""
        self._before, self._measuring = state["trained"] + state["measuring"], state["measuring"]

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
    """A way to measure a model, with its own pace.

    Args:
        examples: Examples that it is made on.
        passes: How often they pass forward and backward.
        multiplications: What an example costs forward.
    """

    name: ClassVar[str]

    rarer: ClassVar[int] = 1
    """By how much its interval is longer than asked for."""
    is_wanted: bool = True
    """Whether there is reason to measure."""
    refusal: str = ""
    """Why it is not measured although there is reason to, in one sentence; "" where it is."""
    pace: Pace

    def __init__(self, examples: int, passes: float, multiplications: float) -> None:
        self.price = examples * passes
        self.light = light(self.price, multiplications)
        self.is_ready = False

    @property
    def granted(self) -> int:
        """How many measurements are made whatever they cost."""
        return self.light

    def begin(self, pace: Pace, past: Past) -> None:
        """Begin a training."""
        self.pace, self.past, self.is_ready = pace, past, False

    def state(self) -> dict[str, Any]:
        """Return what is known of the training, which `set_state` goes on from."""
        return {"pace": self.pace.state(), "is_wanted": self.is_wanted, "refusal": self.refusal}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` has returned, after `begin`."""
        self.pace.set_state(state["pace"])
        self.is_wanted, self.refusal = state["is_wanted"], state["refusal"]

    def is_due(self, step: int) -> bool:
        """Whether to measure the update of this step."""
        return self.is_wanted and self.pace.is_due(step)

    def rests_until(self, step: int) -> float:
        """Return the step up to which nothing can be due, if it is not due at this one and nothing is measured."""
        return self.pace.rests_until(step) if self.is_wanted else math.inf

    def prepare(self) -> None:
        """Keep what must be known before the update of a step at which a measurement is due."""
        self.is_ready = True

    def reconsider(self) -> None:
        """Decide whether there is reason to measure; called after every measurement of whichever kind."""
        self.is_wanted = True

    @abc.abstractmethod
    def measure(self) -> dict[str, Any]:
        """Measure, and return readings by the name of the monitor."""


class ProbeMeasurement(Measurement):
    """Measures loss and gradient on the probe before and after an update."""

    name = "probe"

    def __init__(self, probe: Probe, multiplications: float) -> None:
        super().__init__(probe.examples, probe.passes, multiplications)
        self._probe = probe
        self._start: list[Tensor] = []
        self._before: list[Tensor] | None = None

    @property
    def granted(self) -> int:
        """Return at least FEWEST, whatever they cost."""
        return max(FEWEST, self.light)

    def begin(self, pace: Pace, past: Past) -> None:
        """Remember the weights."""
        super().begin(pace, past)
        self._start = self._probe.weights()

    def state(self) -> dict[str, Any]:
        """Return the weights at the start of the training, too."""
        return super().state() | {"start": [np.array(weight) for weight in self._start]}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        super().set_state(state)
        self._start = [
            keras.ops.convert_to_tensor(kept, now.dtype) for kept, now in zip(state["start"], self._start, strict=True)
        ]

    def prepare(self) -> None:
        """Keep a copy of the weights."""
        super().prepare()
        self._before = self._probe.weights()

    def measure(self) -> dict[str, Any]:
        """Return the readings, and let go of the copy."""
        before, self._before = self._before, None
        return self._probe.measure(before, self._start)


class SpectrumMeasurement(Measurement):
    """Measures the ends of the spectrum: always when it is due, or only where there is reason to."""

    name = "spectrum"
    rarer = 10

    def __init__(self, objective: Objective, monitor: SpectrumMonitor, multiplications: float) -> None:
        super().__init__(examples_of(objective.data), monitor.passes, multiplications)
        self._objective, self._always = objective, monitor.always
        self.light = min(SPECTRA, self.light)

    def begin(self, pace: Pace, past: Past) -> None:
        """Begin: nothing is known of the training yet."""
        super().begin(pace, past)
        self.is_wanted, self.refusal = self._always, ""

    def reconsider(self) -> None:
        """Measure where there is reason to, if the training pays for the measurements that a verdict needs."""
        has_reason = self._always or is_spectrum_worthwhile(self.past)
        self.is_wanted = has_reason and self.pace.is_affordable(RAISED_BY)
        if has_reason and not self.is_wanted:
            self.refusal = (
                "`Diagnosis(budget=None)` measures the curvature of the loss, too, on which some verdicts rest; it was "
                f"left out, since it would have cost {RAISED_BY * self.price / self.pace.training:.0%} of the training."
            )

    def measure(self) -> dict[str, Any]:
        """Return the reading."""
        return {self.name: ends_of(self._objective, PRODUCTS)}


def measurements(model: keras.Model, programs: Programs) -> list[Measurement]:
    """Return the ways to measure by these programs."""
    cost = multiplications(keras_private.leaves_of(model))
    found: list[Measurement] = [] if programs.probe is None else [ProbeMeasurement(programs.probe, cost)]
    return found + [SpectrumMeasurement(objective, monitor, cost) for monitor, objective in programs.spectra]

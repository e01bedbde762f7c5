"""What a model in training is measured by: the probe and the spectrum of the Hessian, and what is traced for them."""

import abc
import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import keras

from ..._batches import examples_of, take
from ..._types import Data, Tensor
from ...curvature.objective import Objective
from ...integration import backend, fit, keras_private
from ...monitors.base import Monitor
from ...monitors.eigenvalues import SpectrumMonitor, ends_of
from ...monitors.measurement_log import MeasurementLog
from ...monitors.probe import ProbeEvaluator
from ...monitors.progress import is_spectrum_worthwhile
from ...verdicts.verdict import RAISED_BY
from .measurement_schedule import (
    FEWEST,
    LAYER_WORK,
    LIGHT_WORK,
    MOST_TRACING,
    PER_PASS,
    Measurements,
    MeasurementSchedule,
    light,
    multiplications,
    share_of_tracing,
)

SPECTRA, SPECTRUM_WORK = 4, 1e10
"""Times that it is measured in any training where that is light, and multiplications that this may take."""
PRODUCTS = 20
"""Steps of Lanczos."""
SECOND_ORDER = 3
"""Operations of a product with the Hessian, over those of a gradient."""
LARGEST = 256
"""Examples that the spectrum is measured on: every step of Lanczos goes through them twice."""
NO_SPECTRUM = (
    "The loss barely falls. Its curvature may tell why, but measuring it takes long: `Diagnosis(budget=None)` does it."
)
NAME = "programs of Diagnosis"


@dataclasses.dataclass
class Stopwatch:
    """Counts the time of training, and apart from it the time of measuring.

    Args:
        counted: Seconds of both up to when `count` was called last. Defaults to `0`.
        measured: Seconds of measuring. Defaults to `0`.
    """

    counted: float = 0.0
    measured: float = 0.0
    _since: float | None = dataclasses.field(default=None, init=False)

    @property
    def trained(self) -> float:
        """Seconds from the first step to now, or to the end, without those of measuring."""
        running = 0.0 if self._since is None else time.perf_counter() - self._since
        return max(0.0, self.counted + running - self.measured)

    def count(self) -> None:
        """Count up to now, so that what is kept says it."""
        if self._since is not None:
            now = time.perf_counter()
            self.counted, self._since = self.counted + now - self._since, now

    def stop(self) -> None:
        """Count no more: the training is over."""
        self.count()
        self._since = None

    def start(self) -> None:
        """Begin to count, at the end of the first step: before it, Keras traces the training step."""
        self._since = self._since or time.perf_counter()

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Count what happens inside as no training."""
        begin = time.perf_counter()
        yield
        if self._since is not None:
            self.measured += time.perf_counter() - begin

    @contextlib.contextmanager
    def measuring(self, schedule: MeasurementSchedule, step: int) -> Iterator[None]:
        """Count what happens inside as a measurement."""
        before = self.measured
        with self.stopped():
            yield
        schedule.measured(step, self.measured - before)


class Meter(abc.ABC):
    """A way to measure a model, with its own schedule.

    Args:
        leaves: The layers that a pass through the model passes.
        examples: Examples that it is made on.
        passes: How often they pass forward and backward.
    """

    name: ClassVar[str]

    rarer: ClassVar[int] = 1
    """By how much its interval is longer than asked for."""
    refusal: str = ""
    """Why it is not measured although there is reason to, in one sentence; "" where it is."""
    is_ready: bool = False
    """Whether what must be known before the next update is kept, since a measurement is due after it."""
    schedule: MeasurementSchedule

    free_quota: float
    """How many measurements are made whatever they cost."""

    def __init__(self, leaves: Sequence[keras.layers.Layer], examples: int, passes: float) -> None:
        self.price = examples * passes
        self.work = PER_PASS * multiplications(leaves) * self.price + LAYER_WORK * len(leaves) * passes
        """Multiplications that take as long as a measurement."""
        self.so_far = Measurements()

    def begin(self, schedule: MeasurementSchedule, log: MeasurementLog) -> None:
        """Begin a training, or go on with one that the schedule has measurements of."""
        self.schedule, self.so_far, self.log = schedule, schedule.so_far, log

    def is_due(self, step: int) -> bool:
        """Whether to measure the update of this step."""
        return self.so_far.is_wanted and self.schedule.is_due(step)

    def idle_until(self, step: int) -> float:
        """Return the step up to which nothing can be due, if it is not due at this one and nothing is measured."""
        return self.schedule.idle_until(step) if self.so_far.is_wanted else math.inf

    def prepare(self) -> None:
        """Keep what must be known before the update of a step at which a measurement is due."""
        self.is_ready = True

    def reconsider(self) -> None:
        """Decide whether there is reason to measure; called after every measurement of whichever kind."""
        self.so_far.is_wanted = True

    @abc.abstractmethod
    def read(self) -> dict[str, Any]:
        """Measure, and return readings by the name of the monitor."""


class ProbeMeter(Meter):
    """Measures loss and gradient on the probe before and after an update."""

    name = "probe"

    def __init__(self, leaves: Sequence[keras.layers.Layer], probe: ProbeEvaluator) -> None:
        super().__init__(leaves, probe.examples, probe.passes)
        self.free_quota = max(FEWEST, light(self.work, LIGHT_WORK))
        self._probe = probe
        self._before: list[Tensor] | None = None

    def prepare(self) -> None:
        """Keep a copy of the weights."""
        super().prepare()
        self._before = self._probe.weights()

    def read(self) -> dict[str, Any]:
        """Return the readings, and let go of the copy."""
        before, self._before = self._before, None
        return self._probe.readings(before)


class SpectrumMeter(Meter):
    """Measures the ends of the spectrum: always when it is due, or only where there is reason to."""

    name = "spectrum"
    rarer = 10

    def __init__(
        self,
        leaves: Sequence[keras.layers.Layer],
        objective: Objective,
        monitor: SpectrumMonitor,
        probe: ProbeEvaluator | None,
    ) -> None:
        super().__init__(leaves, examples_of(objective.data), monitor.passes)
        self.free_quota = min(SPECTRA, light(self.work, SPECTRUM_WORK))
        self._leaves, self._objective, self._probe = leaves, objective, probe
        self.so_far.is_wanted = self._always = monitor.always

    def reconsider(self) -> None:
        """Measure where there is reason to, if the training pays for the measurements that a verdict needs."""
        has_reason = self._always or is_spectrum_worthwhile(self.log)
        steps, examples = self.schedule.steps, self.schedule.training
        operations = SECOND_ORDER * self._probe.operations if self._probe else 0
        tracing = share_of_tracing(operations, steps, examples, multiplications(self._leaves))
        is_paid = self.schedule.is_affordable(RAISED_BY) and tracing <= MOST_TRACING
        self.so_far.is_wanted = has_reason and (is_paid or self.schedule.budget is None)
        self.refusal = NO_SPECTRUM if has_reason and not self.so_far.is_wanted else ""

    def read(self) -> dict[str, Any]:
        """Return the reading."""
        with backend.as_traced():
            return {self.name: ends_of(self._objective, PRODUCTS)}


class Programs:
    """The graphs by which a model is measured on examples of one shape: traced once for it, not for each training.

    They are kept with the model (see `fit.programs_of`), and taken from there by one callback for one training.
    """

    def __init__(
        self,
        model: keras.Model,
        data: Data,
        monitors: Sequence[Monitor],
        loss: Callable[[Tensor, Tensor], Tensor] | None,
    ) -> None:
        self._model, self._needs, self._shapes = model, _needs(model, monitors, loss), _shapes(data)
        options: dict[str, Any] = {"loss": loss, "watches": True}
        probed = [monitor for monitor in monitors if monitor.source == "probe"]
        self.probe = ProbeEvaluator(model, *data, monitors=probed, parts=2, **options) if probed else None
        self.spectra: list[tuple[SpectrumMonitor, Objective]] = []
        for monitor in monitors:
            if isinstance(monitor, SpectrumMonitor):
                x, y, sample_weight = take(data, slice(LARGEST))
                self.spectra.append((monitor, Objective(model, x, y, sample_weight=sample_weight, **options)))

    @classmethod
    def take(
        cls,
        model: keras.Model,
        data: Data,
        monitors: Sequence[Monitor],
        loss: Callable[[Tensor, Tensor], Tensor] | None,
    ) -> "Programs":
        """Return those of an earlier training, where nothing that they depend on has changed, or new ones.

        Args:
            model: A compiled model that is built.
            data: x, y and sample_weight of the first examples.
            monitors: What is to be computed.
            loss: Loss to use instead of the compiled one.
        """
        kept: Programs | None = fit.programs_of(model).pop(NAME, None)
        needs = [*map(id, _needs(model, monitors, loss))]
        if kept is None or [*map(id, kept._needs)] != needs or kept._shapes != _shapes(data):
            return cls(model, data, monitors, loss)
        if kept.probe is not None:
            kept.probe.take(data)
        for _, objective in kept.spectra:
            objective.take(take(data, slice(LARGEST)))
        return kept

    def put_in_cache(self) -> None:
        """Be kept for the next training of the model, if it is still compiled as it was, and no monitor has failed."""
        if self.probe is None or not self.probe.failed:
            fit.programs_of(self._model)[NAME] = self

    def meters(self) -> list[Meter]:
        """Return the ways to measure by these programs, for a training that begins with the weights of now."""
        leaves = keras_private.leaves_of(self._model)
        found: list[Meter] = [] if self.probe is None else [ProbeMeter(leaves, self.probe)]
        return found + [SpectrumMeter(leaves, objective, monitor, self.probe) for monitor, objective in self.spectra]


def _needs(model: keras.Model, monitors: Sequence[Monitor], loss: Any) -> list[Any]:
    """Return all objects that the graphs depend on: another in the place of one makes other graphs."""
    return [model, loss, *monitors, *keras_private.what_loss_depends_on(model), *keras_private.leaves_of(model)]


def _shapes(data: Data) -> Any:
    """Return what tells whether a graph for some examples serves others."""
    return [
        (path, None if a is None else (tuple(a.shape), str(a.dtype))) for path, a in keras.tree.flatten_with_path(data)
    ]

"""Measure: what a training gives where a measurement is due, by the probe and by the spectrum of the Hessian."""

import dataclasses
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import keras

from ... import _objects
from ..._batches import examples_of, take
from ..._duration import Duration, duration, of_unknown_epoch
from ..._types import Data, Tensor
from ...integration import backend, keras_private
from ...integration.untouched import has_own_code
from ...monitors import progress
from ...monitors.base import Monitor
from ...monitors.measurement_log import MeasurementLog
from ...monitors.model_facts import limit_of_norm
from ...monitors.probe import ProbeEvaluator, passes_of
from ...verdicts.verdict import RAISED_BY
from ...verdicts.wording import counted
from ..session.batch_counter import READ_EVERY
from .measurement_schedule import (
    BATCH_SIZE,
    FEWEST,
    Measurements,
    MeasurementSchedule,
    examples_to_measure,
    multiplications,
)
from .meters import Meter, Programs, Stopwatch

ENOUGH = progress.FEWEST + RAISED_BY - 1
"""Measurements from which on trends are judged, and verdicts on them are reached."""

SECONDS_A_LAYER = 0.1
"""About how long it takes on one processor to trace what is measured of a layer."""

NO_PROBE = (
    "there is no probe. Pass `probe=(x, y)` to the `Doctor` or `Diagnosis`, and `loss=` to `watch` if the model is "
    "not compiled. A probe is for a single model."
)


@dataclasses.dataclass
class Memory:
    """What is remembered of how a training is measured.

    Args:
        batch: The last batch that was made, counted from 0 over all epochs. Defaults to `-1`.
        examples: On how many examples is measured; 0 before that is chosen. Defaults to `0`.
        rows_read: Batches after which the rows of the steps were read, to be judged, for the last time. Defaults to
            `0`.
        refusal: Why something is not measured although there is reason to. Defaults to `""`: all is.
        failure: Why the loss cannot be measured on a probe, and what to do about it. Defaults to `""`: it can.
        clock: How long it has taken. Defaults to no time.
        meters: The measurements of each meter, by its name. Defaults to `{}`.
    """

    batch: int = -1
    examples: int = 0
    rows_read: int = 0
    refusal: str = ""
    failure: str = ""
    clock: Stopwatch = dataclasses.field(default_factory=Stopwatch)
    meters: dict[str, Measurements] = dataclasses.field(default_factory=dict)


class Measuring:
    """Knows what a training is measured by, which batch it has come to, and when the next measurement is due.

    Args:
        budget: As for `Diagnosis`.
        measure_every: As for `Diagnosis`.
        monitors: Those that are measured for.
    """

    def __init__(
        self,
        budget: float | None,
        measure_every: int | str | Callable[[int], bool] | None,
        monitors: Sequence[Monitor],
    ) -> None:
        self.budget, self.monitors = budget, monitors
        self._asked: Duration | Callable[[int], bool] | None = None
        """How often to measure, as it was asked for."""
        if callable(measure_every):
            self._asked = _objects.function("measure_every", measure_every, "step", returns="whether to measure")
        elif measure_every is not None:
            self._asked = duration("measure_every", measure_every)
        self.measure_every: int | Callable[[int], bool] | None = None
        """Batches between two measurements, or a function of the step; None to choose. See `know_length`."""
        self.memory = Memory()
        self.idle_until = 0.0
        """The step, counted from 1, before which nothing is due."""
        self.only_computes = False
        """Whether a trace has shown that a call of the model and its loss does no more than compute."""
        self.there = 0
        """How many examples there are to measure on."""
        self.meters: list[Meter] = []
        self._programs: Programs | None = None
        """What is measured by; None before, and where it is not to be kept for another training."""

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"meters": [], "_programs": None}  # they belong to one training of one model

    # --- what it has cost, and what could not be measured ------------------------------------------------------------

    @property
    def cost(self) -> float:
        """Fraction of the training time that measuring took, without the first time, which traces a graph."""
        trained = self.memory.clock.trained
        return sum(each.spent for each in self.memory.meters.values()) / trained if trained else 0.0

    @property
    def count(self) -> int:
        """How often was measured."""
        return sum(each.count for each in self.memory.meters.values())

    @property
    def setup(self) -> float:
        """Seconds that the first measurements took."""
        return sum(each.setup for each in self.memory.meters.values())

    @property
    def setup_to_come(self) -> float:
        """About how many seconds the next measurement traces its graph, by the layers; 0 where it is there."""
        probe = self._probe
        if probe is None or probe.is_traced:
            return 0.0
        return SECONDS_A_LAYER * len(keras_private.leaves_of(probe.objective.model))

    @property
    def _probe(self) -> ProbeEvaluator | None:
        return None if self._programs is None else self._programs.probe

    def notes(self, log: MeasurementLog, has_cause: bool) -> list[str]:
        """Return what could not be judged, and why; where a cause is known, nothing of what is left to look for."""
        most = max((len(log.of(monitor.name)) for monitor in self.monitors if monitor.source == "probe"), default=0)
        rarer = "`Diagnosis(measure_every=1)` measures at each step."
        more = rarer if most < log.step else f"Train at least {ENOUGH} steps."
        few = f"The probe was measured {counted(most, 'time')}, too few to judge trends. {more}"
        further = "" if has_cause else self.memory.refusal
        return [*filter(None, [self.memory.failure, few if 0 < most < ENOUGH else "", further])]

    def cost_summary(self, updates: int) -> str:
        """Say what it cost, each time at the sum of so many updates."""
        of = f", each time over {updates} updates" if updates > 1 else ""
        on = f" on {self.memory.examples} of {self.there} examples" if self.memory.examples < self.there else ""
        cost = (
            f"Diagnosis measured {self.count} times{on}{of}, which took {self.cost:.1%} of the training time, and "
            f"{self.setup:.2g} s for the first time."
        )
        if self.budget is not None and self.cost > self.budget:
            cost += f" That exceeds the budget of {self.budget:.1%}, because every training is measured {FEWEST} times."
        return cost

    # --- a training ---------------------------------------------------------------------------------------------------

    def know_length(self, steps: int | None, epochs: int) -> None:
        """Know how many epochs of so many steps a training has, and so in batches how often it is measured.

        Raises:
            ValueError: If that takes the length of an epoch, and nobody knows it.
        """
        if not isinstance(self._asked, Duration):
            self.measure_every = self._asked
            return
        self.measure_every = self._asked.batches(steps, epochs)
        if self.measure_every is None:
            received = f"measure_every={self._asked.amount:g}{self._asked.unit}"
            raise of_unknown_epoch("`measure_every` is in epochs or percent", received, 'batches, such as "500ba"')

    def begin(
        self,
        model: keras.Model,
        data: Data,
        loss: Callable[[Tensor, Tensor], Tensor] | None,
        log: MeasurementLog,
        batch_size: int | None,
    ) -> None:
        """Get ready what is needed to measure a model, on as many of these examples as it can afford, and plan when."""
        try:
            if reason := why_not_measured(model):
                self.stop(reason)
                return
            measured = [monitor for monitor in self.monitors if monitor.name not in log.left_out]
            self.there = examples_of(data)
            if not self.memory.examples:
                probed = [monitor for monitor in measured if monitor.source == "probe"]
                of_example = passes_of(model, probed), multiplications(keras_private.leaves_of(model))
                of_training = log.total, batch_size or BATCH_SIZE
                self.memory.examples = examples_to_measure(self.there, *of_training, *of_example, self.budget)
            self._programs = Programs.take(model, take(data, slice(self.memory.examples)), measured, loss)
            if self._programs.probe is not None and has_own_code(model, loss, *keras_private.losses_of(model)):
                self._programs.probe.refuse_effects()
                self.only_computes = True
            self.meters = self._programs.meters()
            log.of_update, added_up = keras_private.accumulation_of(model)
            log.clip = limit_of_norm(model)
            # All ways to measure have equal parts of the budget.
            budget = None if self.budget is None else self.budget / max(1, len(self.meters))
            for meter in self.meters:
                every = self.measure_every
                every = every * meter.rarer if isinstance(every, int) else every
                at_once = model.steps_per_execution
                so_far, quota = self.memory.meters.setdefault(meter.name, meter.so_far), meter.free_quota
                schedule = MeasurementSchedule(
                    budget, every, log.total, meter.price, quota, at_once, so_far, log.of_update, added_up
                )
                meter.begin(schedule, log)
        except Exception as error:
            self.stop(_of(error))
        self.idle_until = 0.0  # what a measurement at the next step needs is kept after this batch

    def prepare(self) -> None:
        """Keep what a measurement at the next step needs, or find out for how long there will be none."""
        step = self.memory.batch + 2
        for meter in list(self.meters):
            meter.is_ready = False
            if meter.is_due(step):
                with self.memory.clock.stopped():
                    self._attempt(meter, meter.prepare)
        idle = [step if meter.is_ready else meter.idle_until(step) for meter in self.meters]
        self.idle_until = min(idle, default=math.inf)
        if any(monitor.source == "rows" for monitor in self.monitors):
            self.idle_until = min(self.idle_until, max(step, self.memory.rows_read + READ_EVERY))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is due at this batch, nor to be kept for the next."""
        return self.memory.batch + 2 < self.idle_until

    def begin_schedules(self, batch_size: float | None) -> None:
        """Choose where to measure, once the first batch has shown how many examples one has."""
        self.memory.clock.start()
        schedules = [meter.schedule for meter in self.meters]
        for schedule in schedules:
            if schedule.so_far.batch_size is None:
                is_like_first = self.measure_every is None and schedule is not schedules[0]
                schedule.begin(batch_size, like=schedules[0] if is_like_first else None)
        if self.measure_every is None and not self.is_ready and self.setup_to_come:
            self._trace_early(self.meters[0])

    def _trace_early(self, meter: Meter) -> None:
        """Trace, at the end of the first step, what could not be measured at it: who waits, waits at the start."""
        probe, before = self._probe, self.memory.clock.measured
        if probe is not None and meter.idle_until(self.memory.batch + 1) < math.inf:
            with self.memory.clock.stopped():
                self._attempt(meter, partial(probe.readings, probe.weights()))
            meter.schedule.traced(self.memory.clock.measured - before)

    @property
    def is_ready(self) -> bool:
        """Whether a measurement is due at this batch, of which all that must be known before the update was kept."""
        return any(meter.is_ready for meter in self.meters)

    @property
    def are_rows_due(self) -> bool:
        """Whether the rows of the steps are to be read and judged at this batch, as counted by no clock."""
        return self.is_ready or self.memory.batch + 1 >= self.memory.rows_read + READ_EVERY

    def measure(self) -> Iterator[dict[str, Any]]:
        """Yield the readings of each measurement that is due: by monitor, an error in the place of one that fails.

        What is done with them before the next are asked for counts as measuring.
        """
        for meter in [meter for meter in self.meters if meter.is_ready]:
            with self.memory.clock.measuring(meter.schedule, self.memory.batch + 1):
                readings = self._attempt(meter, meter.read)
                if readings is not None:
                    yield readings
        for meter in self.meters:
            meter.reconsider()
        self.memory.refusal = next((meter.refusal for meter in self.meters if meter.refusal), "")

    def end(self) -> None:
        """Keep what was traced for the next training of the model."""
        self.memory.clock.stop()
        if self._programs is not None:
            self._programs.put_in_cache()
            self._programs = None

    # --- what fails ---------------------------------------------------------------------------------------------------

    def _attempt(self, meter: Meter, action: Callable[[], Any]) -> Any:
        """Return what an action of a measurement gives, or its error: what fails as a whole is not tried again."""
        if meter not in self.meters:
            return None
        try:
            return action()
        except Exception as error:
            if meter.name == "probe":
                self.stop(_of(error))
                return None
            self.meters.remove(meter)
            self._programs = None
            return {meter.name: error}

    def stop(self, reason: str) -> None:
        """Go on without the probe, and say so once; `reason` says why, and what to do about it."""
        self.go_without(reason)
        warnings.warn(
            f"`Diagnosis` continues without its probe, and judges only the steps and the epochs: {reason}",
            RuntimeWarning,
            stacklevel=2,
        )

    def go_without(self, reason: str) -> None:
        """Go on without the probe."""
        self.meters, self._programs = [], None
        self.memory.failure = reason[:1].upper() + reason[1:]


def why_not_measured(model: keras.Model) -> str | None:
    """Return why there is no loss of a model to measure, as far as that is known beforehand; it has been trained on."""
    if not model.trainable_variables:
        return "the model has no trainable weights. Set `trainable = True` on the layers that should learn."
    known = keras_private.optimizers_of(model)
    if not model.built and len(known) > 1:
        used = " and ".join(f"`{name}`" for name, one in known.items() if keras_private.iterations_of(one) > 0)
        return (
            f"only the step sizes of {used} were checked, not the model: with several losses, as in a GAN, none "
            "says how good it is. Have `train_step` return a number that says how good the samples are, such as the "
            "distance between the means of real and generated batches: the page then draws it. That number should fall "
            "from epoch to epoch, though the losses may not."
        )
    if not model.built:
        return (
            "the training step does not call `model(x)`, so the probe cannot be measured. Use `self(x)` and "
            "`self.compute_loss(x=x, y=y, y_pred=y_pred)` in `train_step`."
        )
    return None


def _of(error: Exception) -> str:
    """Say that the loss cannot be measured, with what the error says first."""
    if isinstance(error, backend.HasEffects):
        return str(error)
    return (
        "the loss of this model on the probe, by `model.compute_loss` and `model(x)`, fails with "
        f"{type(error).__name__}: {keras_private.first_sentence(error)[:200].rstrip('.')}. In place of a "
        "`Doctor` list `callbacks.Diagnosis((x, y), loss=loss)`, with a `loss(y, model(x))` that can be computed."
    )

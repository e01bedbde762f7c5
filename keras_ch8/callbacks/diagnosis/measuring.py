"""Measure: what a training gives where a measurement is due, by the probe and by the spectrum of the Hessian."""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras

from ... import _objects
from ..._duration import Duration, duration, of_unknown_epoch
from ..._state import dump, load
from ..._types import Data, Tensor
from ...integration import backend, keras_private
from ...integration.untouched import has_own_code
from ...monitors import progress
from ...monitors.base import Monitor
from ...monitors.measurement_log import MeasurementLog
from ...verdicts.verdict import RAISED_BY
from ...verdicts.wording import counted
from ..session.batch_counter import READ_EVERY
from .measurement_schedule import FEWEST, MeasurementSchedule
from .meters import Meter, Programs, Stopwatch

ENOUGH = progress.FEWEST + RAISED_BY - 1
"""Measurements from which on trends are judged, and verdicts on them are reached."""

NO_PROBE = (
    "there is no probe. Give `probe=(x, y)` to the `Doctor`, or `Diagnosis`, and `loss=` to `watch` where the model is "
    "not compiled with one. It is of one model."
)


class Measuring:
    """Knows what a training is measured by, which batch it has come to, and when the next measurement is due.

    Args:
        budget: As for `Diagnosis`.
        measure_every: As for `Diagnosis`.
        monitors: Those that are measured for.
    """

    SEEN = ("batch", "rows_read", "refusal", "failure")
    """Attributes that a state has as they are."""

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
        self.clock = Stopwatch()
        self.batch = -1
        """The last batch that was made, counted from 0 over all epochs."""
        self.rows_read = 0
        """Batches after which the rows of the steps were read, to be judged, for the last time."""
        self.refusal = ""
        """Why something is not measured although there is reason to; "" where all is."""
        self.failure = ""
        """Why the loss cannot be measured on a probe, and what to do about it; "" where it can."""
        self.idle_until = 0.0
        """The step, counted from 1, before which nothing is due."""
        self.only_computes = False
        """Whether a trace has shown that a call of the model and its loss does no more than compute."""
        self.meters: list[Meter] = []
        self._schedules: list[MeasurementSchedule] = []
        self._programs: Programs | None = None
        """What is measured by; None before, and where it is not to be kept for another training."""
        self._resumed: Mapping[str, Any] = {}
        """The states of the measurements that this training goes on from, until they are in their place."""

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"meters": [], "_programs": None}  # they belong to one training of one model

    # --- what it has cost, and what could not be measured ------------------------------------------------------------

    @property
    def cost(self) -> float:
        """Fraction of the training time that measuring took, without the first time, which traces a graph."""
        return sum(schedule.spent for schedule in self._schedules) / self.clock.trained if self.clock.trained else 0.0

    @property
    def count(self) -> int:
        """How often was measured."""
        return sum(schedule.count for schedule in self._schedules)

    @property
    def setup(self) -> float:
        """Seconds that the first measurements took."""
        return sum(schedule.setup for schedule in self._schedules)

    def notes(self, log: MeasurementLog) -> list[str]:
        """Return what could not be judged, and why."""
        most = max((len(log.of(monitor.name)) for monitor in self.monitors if monitor.source == "probe"), default=0)
        few = (
            f"Measured {counted(most, 'time')}: too few to judge trends. `Diagnosis(measure_every=1)` measures at each "
            "step."
        )
        return [*filter(None, [self.failure, few if 0 < most < ENOUGH else "", self.refusal])]

    def cost_summary(self, updates: int) -> str:
        """Say what it cost, each time at the sum of so many updates."""
        of = f", each time at the sum of {updates} updates," if updates > 1 else ","
        cost = (
            f"Diagnosis measured {self.count} times{of} which took {self.cost:.1%} of the training time, and "
            f"{self.setup:.2g} s for the first time."
        )
        if self.budget is not None and self.cost > self.budget:
            cost += f" That is more than the budget of {self.budget:.1%}: any training is measured {FEWEST} times."
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
        self, model: keras.Model, data: Data, loss: Callable[[Tensor, Tensor], Tensor] | None, log: MeasurementLog
    ) -> None:
        """Get ready what is needed to measure a model on these examples, and plan when to measure."""
        try:
            if reason := why_not_measured(model):
                self.stop(reason)
                return
            measured = [monitor for monitor in self.monitors if monitor.name not in log.left_out]
            self._programs = Programs.take(model, data, measured, loss)
            if self._programs.probe is not None and has_own_code(model, loss, *keras_private.losses_of(model)):
                self._programs.probe.refuse_effects()
                self.only_computes = True
            self.meters = self._programs.meters()
            # All ways to measure have equal parts of the budget.
            budget = None if self.budget is None else self.budget / max(1, len(self.meters))
            for meter in self.meters:
                every = self.measure_every
                every = every * meter.rarer if isinstance(every, int) else every
                at_once = model.steps_per_execution
                schedule = MeasurementSchedule(budget, every, log.total, meter.price, meter.free_quota, at_once)
                meter.begin(schedule, log)
                if meter.name in self._resumed:
                    meter.set_state(self._resumed[meter.name])
                self._schedules.append(schedule)
            self._resumed = {}
        except Exception as error:
            self.stop(_of(error))
        self.idle_until = 0.0  # what a measurement at the next step needs is kept after this batch

    def prepare(self) -> None:
        """Keep what a measurement at the next step needs, or find out for how long there will be none."""
        step = self.batch + 2
        for meter in list(self.meters):
            meter.is_ready = False
            if meter.is_due(step):
                with self.clock.stopped():
                    self._attempt(meter, meter.prepare)
        idle = [step if meter.is_ready else meter.idle_until(step) for meter in self.meters]
        self.idle_until = min(idle, default=math.inf)
        if any(monitor.source == "rows" for monitor in self.monitors):
            self.idle_until = min(self.idle_until, max(step, self.rows_read + READ_EVERY))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is due at this batch, nor to be kept for the next."""
        return self.batch + 2 < self.idle_until

    def begin_schedules(self, batch_size: float | None) -> None:
        """Choose where to measure, once the first batch has shown how many examples one has."""
        self.clock.start()
        first = None if self.measure_every is not None else next((m.schedule for m in self.meters), None)
        for schedule in self._schedules:
            if schedule.batch_size is None:
                schedule.begin(batch_size, like=None if schedule is first else first)

    @property
    def is_ready(self) -> bool:
        """Whether a measurement is due at this batch, of which all that must be known before the update was kept."""
        return any(meter.is_ready for meter in self.meters)

    @property
    def are_rows_due(self) -> bool:
        """Whether the rows of the steps are to be read and judged at this batch, as counted by no clock."""
        return self.is_ready or self.batch + 1 >= self.rows_read + READ_EVERY

    def measure(self) -> Iterator[dict[str, Any]]:
        """Yield the readings of each measurement that is due: by monitor, an error in the place of one that fails.

        What is done with them before the next are asked for counts as measuring.
        """
        for meter in [meter for meter in self.meters if meter.is_ready]:
            with self.clock.measuring(meter.schedule, self.batch + 1):
                readings = self._attempt(meter, meter.read)
                if readings is not None:
                    yield readings
        for meter in self.meters:
            meter.reconsider()
            self.refusal = meter.refusal or self.refusal

    def end(self) -> None:
        """Keep what was traced for the next training of the model."""
        self.clock.stop()
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
            f"`Diagnosis` goes on without its probe, and judges only what the steps and the epochs show: {reason}",
            RuntimeWarning,
            stacklevel=2,
        )

    def go_without(self, reason: str) -> None:
        """Go on without the probe."""
        self.meters, self._programs = [], None
        self.failure = f"No loss was measured: {reason}"

    # --- what is remembered from training to training -----------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return what is remembered, without the measurements and the clock."""
        return {name: getattr(self, name) for name in self.SEEN}

    def state_of_meters(self) -> Any:
        """Return the states of the measurements, by name."""
        return dump({m.name: m.state() for m in self.meters if hasattr(m, "schedule")})

    def go_on(self, seen: Mapping[str, Any], clock: Mapping[str, float], kept: Mapping[str, Any]) -> None:
        """Go on from the states; the measurements are still to be made ready."""
        for name in self.SEEN:
            setattr(self, name, seen[name])
        self.clock.set_state(clock)
        self._resumed = load(kept)

    @property
    def goes_on(self) -> bool:
        """Whether the measurements are still to go on from those of before an interruption."""
        return bool(self._resumed)

    def show_results(self, total: int) -> None:
        """Show what was measured by a training that is over, of so many steps, in the states that it has left."""
        for measured in self._resumed.values():
            schedule = MeasurementSchedule(self.budget, self.measure_every, total)
            schedule.set_state(measured["schedule"])
            self._schedules.append(schedule)
        self.clock.stop()


def why_not_measured(model: keras.Model) -> str | None:
    """Return why there is no loss of a model to measure, as far as that is known beforehand; it has been trained on."""
    if not model.trainable_variables:
        return "the model has no trainable weights. Set `trainable = True` of the layers that should learn."
    if not model.built:
        return (
            "the training step does not call `model(x)`, so that is not what is trained. Let `train_step` use "
            "`self(x)` and `self.compute_loss(x=x, y=y, y_pred=y_pred)`; of several losses, as in a GAN, only steps "
            "are judged."
        )
    return None


def _of(error: Exception) -> str:
    """Say that the loss cannot be measured, with what the error says first."""
    if isinstance(error, backend.HasEffects):
        return str(error)
    return (
        "the loss of this model on it, by `model.compute_loss` and `model(x)`, fails with "
        f"{type(error).__name__}: {keras_private.first_sentence(error)[:200].rstrip('.')}. Give `Diagnosis` a `probe` "
        "and a `loss` with which `loss(y, model(x))` can be computed."
    )

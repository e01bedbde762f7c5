"""One callback that says what is wrong with a training, and what cures it."""

import dataclasses
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, final

import keras
import numpy as np

from .. import _checks, _objects, monitors, telemetry
from .._result import as_html
from .._types import Data, Logs, Tensor
from ..board import panels, tags
from ..board.record import Diagnosed
from ..integration import keras_private
from ..monitors import progress
from ..monitors.base import chosen, lines
from ..monitors.equipment import equipment_of, rate_of
from ..monitors.held_out import validated_on
from ..monitors.past import Past, Rows
from ..monitors.progress import is_spectrum_worthwhile
from ..monitors.start import facts_of
from ..verdicts import Verdict, VerdictTracker, markdown, report
from ..verdicts.checks import claims_of
from ..verdicts.texts import alarm, brief, table
from ..verdicts.verdict import RAISED_BY
from ..verdicts.wording import counted
from . import _states
from ._measurements import Clock, Measurement, measurements
from ._pictures import FlowMap
from ._plain import plain, restored
from ._probe_data import ProbeData
from ._session import FIRST, READ_EVERY, STATE, Session
from ._terminal import fitted
from ._work import FEWEST, Pace
from .base import Callback

ENOUGH = progress.FEWEST + RAISED_BY - 1
"""Measurements from which on trends are judged, and verdicts on them are reached."""
SEEN = (
    "_losses", "_left_out", "_told", "_numbers", "_unwritten", "_batch", "_refusal", "_measures_no_more", "_has_looked",
    "_rows_judged", "_has_new_rows",
)  # fmt: skip
"""Attributes that a state has as they are."""


@final
class Diagnosis(Callback):
    """Measure the training while it runs, and say what is wrong and what cures it (section 8.2).

    Now and then the loss and its gradient are taken on a batch of your choice, before and after an update of the
    optimizer, whichever it is. That changes nothing: weights, seeds, statistics and metrics end bit for bit as without
    it. (With `jit_compile=True` as with any callback that listens: XLA fuses another step, by a last bit.) What was
    measured becomes verdicts, each with a `kind` (one of `keras_ch8.verdicts.KINDS`), a `level` (`"ok"`, `"watch"` or
    `"act"`), what was found with its number, the cure, and the section of the book. None rests on a single
    measurement, unless something happened for certain. `docs/diagnosis.md` has all the rules.

    `diagnosis.verdicts` are those that stand, the most serious first. With `keras_ch8.callbacks.TensorBoard` in the
    same `fit`, numbers and pictures go to its run under `ch8_diagnosis`, the report to its text `ch8/verdicts`, and
    every change of a verdict as a line to `<log_dir>/optimization/verdicts.jsonl`. Other callbacks can monitor the last
    numbers that an epoch has measured, as `diagnosis_...`, and `diagnosis_cost`, the fraction of the training time that
    it took.

    With `steps_per_execution=k` an update is the sum of k steps, and is judged as one. What a check needs and cannot
    get, or a check that fails, is left out with one warning; the training goes on.

    Args:
        probe: The batch to measure on: `(x, y)`, `(x, y, sample_weight)`, or a data set, the first batch of it. Best
            some 64 to 512 examples that are not trained on, prepared as those that are. Of a data set that `fit` trains
            on, or that shares a shuffle with it, nothing is read: the first 256 examples that `fit` itself reads are
            used instead. Defaults to `None`: these.
        checks: What to measure: `"cheap"` (step length, noise, gradient, cliffs, risk), `"standard"` (layers, time,
            batch normalization, distance too, and the spectrum of the Hessian where the training is slow or its steps
            are short), `"full"` (the spectrum regularly), or a list of monitors, by name or as objects; your own are
            subclasses of `monitors.Monitor`. Defaults to
            `"standard"`.
        when: Steps between two measurements (ten times as many for the spectrum), or a function of the step that says
            whether to measure. By default the first steps, and then evenly to the end: 6 times in any training of so
            many steps, 12 times where that is light, and up to 100 times where `budget` pays for it.
        budget: Fraction of the work of the training that measurements may do beyond those that any training gets. Work
            is counted, in examples that pass forward and backward: a step has those of its batch, a measurement about
            twice those of the probe, the spectrum 45 times those. No clock decides, so that equal trainings are
            measured at equal steps and have equal verdicts, however busy the machine is. `None` for no limit. Defaults
            to `0.03`.
        verbose: Whether to print a verdict once when it rises to `"act"`, in three lines at most, and when `fit` ends a
            summary of all callbacks of the suite in eight, unless `fit(verbose=0)` prints nothing. Defaults to `True`.
        loss: A function of `(y, y_pred)` to use in place of the loss that the model is compiled with. Defaults to
            `None`.
        logs: Which of the numbers join Keras's `logs`, and so the progress bar and `History`: `True` for all that are
            measured in the first epoch, or a list of names, such as `["diagnosis_loss"]`. An epoch in which one is not
            measured has NaN there. Defaults to `False`.
        preflight: Whether to look before the first step at what can be seen without one: inputs, labels, loss, last
            layer and start, on the first examples that `fit` reads and on `probe`, as `training.preflight` does, which
            also looks at all examples and makes some steps. What is found stands in `verdicts` from then on. Defaults
            to `True`.

    Raises:
        ValueError: If `checks` names what there is not, or `probe` is no batch; at the first step, and before it is
            made, if the shapes of `probe` are not those that `fit` trains on.

    Warns:
        UserWarning: At the first step, if the inputs of `probe` are of another scale than those that `fit` trains on.

    Example:
        >>> x, y = np.random.default_rng(0).normal(size=(2, 256, 1))
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(1e-7), "mse")
        >>> diagnosis = keras_ch8.callbacks.Diagnosis(probe=(x, y), checks="cheap", when=5)
        >>> _ = model.fit(x, y, batch_size=8, epochs=3, callbacks=[diagnosis], verbose=0)
        >>> diagnosis.verdicts[0].kind
        'step_too_short'

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    section = "8.2"

    _place_in_summary = FIRST
    transient: ClassVar[Mapping[str, Any]] = {"_measurements": [], "_traced_for": []}
    _state_parts: ClassVar[Mapping[str, Any]] = {
        "session": (None, STATE),
        "epochs": int,
        "probe": (None, dict),
        "measurements": {str: dict},
        "clock": {str: float},
        "seen": dict,
        "pictures": {str: dict},
    }

    def __init__(
        self,
        probe: Data = None,
        checks: str | Sequence[str | monitors.Monitor] = "standard",
        when: int | Callable[[int], bool] | None = None,
        budget: float | None = 0.03,
        verbose: bool = True,
        loss: Callable[[Tensor, Tensor], Tensor] | None = None,
        logs: bool | Sequence[str] = False,
        preflight: bool = True,
    ) -> None:
        super().__init__(logs)
        self.preflight = _checks.flag(
            "preflight", preflight, meaning="whether the model is looked at before the first step"
        )
        verbose = _checks.flag("verbose", verbose, meaning="whether verdicts are printed")
        if loss is not None:
            _objects.function("loss", loss, "y", "y_pred", returns="the loss")
        if callable(when):
            _objects.function("when", when, "step", returns="whether to measure")
        self.monitors, self.loss = chosen(checks), loss
        self.verbose = self._asks_for_summary = verbose
        self.probe = ProbeData(probe)
        self.when = when if when is None or callable(when) else _interval(when)
        self.budget = None if budget is None else _budget(budget)
        self._measurements: list[Measurement] = []
        self._traced_for: list[Any] = []
        self._forget()

    def __str__(self) -> str:
        return report(self.verdicts, self._notes)

    def _repr_html_(self) -> str:
        """Return the verdicts for a notebook, the most serious first."""
        return as_html("Diagnosis", "; ".join(brief(self.verdicts, self._notes)), table(self.verdicts))

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts that stand, the most serious first."""
        return self._tracker.verdicts

    @property
    def cost(self) -> float:
        """Fraction of the training time that measuring took, without the first time, which traces a graph."""
        return sum(pace.spent for pace in self._paces) / self._clock.trained if self._clock.trained else 0.0

    @property
    def measurements(self) -> int:
        """How often it has measured."""
        return sum(pace.count for pace in self._paces)

    @property
    def setup(self) -> float:
        """Seconds that the first measurements took, which trace their graphs unless the last `fit` has."""
        return sum(pace.setup for pace in self._paces)

    @property
    def _notes(self) -> list[str]:
        """What could not be judged, and why."""
        probed = [len(self.past.of(monitor.name)) for monitor in self.monitors if monitor.source == "probe"]
        most = max(probed, default=0)
        few = [f"Measured {counted(most, 'time')}: too few to judge trends."] if 0 < most < ENOUGH else []
        return [*few, *filter(None, [self._refusal])]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the last training."""
        super().on_train_begin(logs)
        self._forget()

    def _forget(self) -> None:
        self.past, self._tracker, self._clock = Past(), VerdictTracker(), Clock()
        self._paces: list[Pace] = []
        self._losses: list[np.ndarray] = []
        self._left_out: set[str] = set()
        self._told: set[str] = set()
        """Kinds of verdicts whose rise to "act" was printed."""
        self._numbers: dict[str, float] = {}
        self._unwritten: dict[str, float] = {}
        self._pictures = FlowMap()
        self._batch, self._of_epoch = -1, 0
        self._rests_until, self._refusal, self._measures_no_more = 0.0, "", False
        self._resumed: Mapping[str, Any] | None = None
        """The state that this training goes on from, until all of it is in its place."""
        self._has_looked, self._first = not self.preflight, None
        self._rows_judged, self._has_new_rows = 0, False
        """Batches after which rows were judged last, and whether any have come since then."""

    def on_open(self) -> None:
        """Begin to remember the training, or go on from a state."""
        steps = self.session.params["steps"] or 0
        epochs = self.session.params["epochs"] - self.session.first_epoch
        in_one = self.model.steps_per_execution * self.session.iterations_per_step
        self.past = Past(total=steps * epochs, first=self.session.step, steps_of_update=in_one)
        kept = self._resumed = self._take_kept()
        if kept is not None and kept["session"] is not None:
            self.session.resume(kept["session"])
            self._go_on(kept)
            if self.past.total:
                self.past.total += steps * (self.session.params["epochs"] - kept["epochs"])
        self._begin_record()
        if kept is None or self.probe.batch is None:
            self.probe.open(self.session.training, self._measure_from_now_on, self._look)

    def _state(self) -> dict[str, Any]:
        session: Session | None = getattr(self, "session", None)
        seen = {name: getattr(self, name) for name in SEEN}
        return {
            "session": session and session.state(),
            "epochs": (self.params or {}).get("epochs", 0),
            "probe": self.probe.state(),
            "measurements": plain({m.name: m.state() for m in self._measurements if hasattr(m, "pace")}),
            "clock": self._clock.state(),
            "seen": plain(seen | {"past": self.past.state(), "verdicts": self._tracker.state()}),
            "pictures": plain(self._pictures.state()),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on in the next `fit` from what `get_state` has returned.

        Raises:
            ValueError: If it is no state of such a callback.
        """
        given = _states.checked(type(self).__name__, state, self._state_parts)
        modules = {type(monitor).__module__ for monitor in self.monitors}
        expected = {*SEEN, "past", "verdicts"}
        try:
            seen = set(restored(given["seen"], modules))
            restored(given["measurements"])
            restored(given["pictures"])
            restored(given["probe"])
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise _states.refuse(type(self).__name__, "parts", str(error), sorted(expected)) from error
        if seen != expected:
            raise _states.refuse(type(self).__name__, "parts", sorted(seen), sorted(expected))
        self._kept = given

    def show_results(self, state: Mapping[str, Any]) -> None:
        """Show the verdicts that stood at the end."""
        self._go_on(state)
        for measured in restored(state["measurements"]).values():
            pace = Pace(self.budget, self.when, self.past.total)
            pace.set_state(measured["pace"])
            self._paces.append(pace)
        self._clock.stop()

    def _go_on(self, kept: Mapping[str, Any]) -> None:
        """Remember what a state has, but for the measurements, which are still to be made ready."""
        modules = {type(monitor).__module__ for monitor in self.monitors}
        seen = restored(kept["seen"], modules)
        self.past.set_state(seen.pop("past"))
        self._tracker.set_state(seen.pop("verdicts"))
        for name, value in seen.items():
            setattr(self, name, value)
        self.probe.set_state(kept["probe"])
        self._clock.set_state(kept["clock"])
        self._pictures.set_state(restored(kept["pictures"]))

    def _begin_record(self) -> None:
        """Say in the record what is the user's own, and by which limits is judged; keep the rest up to date."""
        for monitor in self.monitors:
            if type(monitor).__module__.partition(".")[0] != __name__.partition(".")[0]:
                kinds = tuple(dict.fromkeys(rule.kind for rule in monitor.rules))
                own = [tags.diagnosis(curve.name) for curve in monitor.curves]
                self.session.record.tags += own
                self.session.record.panels += [panels.of_tag(tag, kinds) for tag in own]
        limits = lines(self.monitors)
        self.session.record.lines = {name: [panels.Line(**line) for line in some] for name, some in limits.items()}
        self.session.before_record.append(self._bring_record_up_to_date)

    def _bring_record_up_to_date(self) -> None:
        record = self.session.record
        record.diagnosis = Diagnosed(self.measurements, self.cost, tuple(self._notes))
        record.verdicts = self.verdicts

    def on_built(self) -> None:
        """Measure from now on, if the probe is there: that of the batches that `fit` reads may come later."""
        if self._first is not None or not self.session.training.can_read_ahead:
            self._look(self._first)
        if self.probe.batch is not None and not self._measures_no_more:
            self._begin_to_measure()

    def _look(self, first: Data) -> None:
        """Make the checks that need no step, on the first examples that `fit` reads, if they are known, and the probe.

        Nothing that fails here touches the training. A loss that cannot be evaluated is reported with the first
        measurement. A model that its first batch builds is looked at after that.
        """
        data = self.probe.batch if first is None else first
        if self._has_looked or data is None:
            return
        if not self.session.is_built:
            self._first = first
            return
        self._has_looked, self._first = True, None
        if _why_not_measured(self.model) is not None:
            return
        try:
            probe = None if data is self.probe.batch else self.probe.batch
            facts, _ = facts_of(self.model, data, probe, self.loss)
            if not facts.start.is_penalized:  # a constant prediction has no penalties, and the loss on the probe has
                self.past.chance, self.past.neighbours = facts.chance, facts.neighbours
            facts = dataclasses.replace(facts, **validated_on(self.session.training.arguments))
            claims, _ = claims_of(facts, self._leave_out)
        except Exception as error:
            self._leave_out("preflight", error)
            return
        changed = self._tracker.update(self.session.step, claims, "preflight")
        self._write(changed)
        self._tell(changed)

    def _measure_from_now_on(self) -> None:
        """Use the batches that `fit` has read; the first step is still to be made."""
        if self.probe.batch is None:
            self._measure_no_more("what `fit` reads is not inputs, targets and weights")
        elif self.session.is_built:
            self._begin_to_measure()
            self._prepare()

    def _begin_to_measure(self) -> None:
        """Trace what is needed, and plan when to measure."""
        self.past.has = equipment_of(self.model, self.session.training.callbacks)
        needs = [self.model, *keras_private.what_loss_depends_on(self.model)]
        try:
            if list(map(id, needs)) != list(map(id, self._traced_for)):
                self._measurements, self._traced_for = [], []
                if reason := _why_not_measured(self.model):
                    self._measure_no_more(reason)
                    return
                monitored = [monitor for monitor in self.monitors if monitor.name not in self._left_out]
                self._measurements = measurements(self.model, self.probe.batch, monitored, self._leave_out, self.loss)
                self._traced_for = needs
            kept = {} if self._resumed is None else restored(self._resumed["measurements"])
            for measurement in self._measurements:
                measurement.begin(self._pace(measurement), self.past)
                if measurement.name in kept:
                    measurement.set_state(kept[measurement.name])
                self._paces.append(measurement.pace)
            self._resumed = None
        except Exception as error:
            self._measure_no_more(_of(error))
        self._rests_until = 0.0  # what a measurement at the next step needs is kept after this batch

    def _pace(self, measurement: Measurement) -> Pace:
        """Return when to measure; all ways to measure have equal parts of the budget."""
        budget = None if self.budget is None else self.budget / len(self._measurements)
        when = self.when * measurement.rarer if isinstance(self.when, int) else self.when
        total, at_once = self.past.total, self.model.steps_per_execution
        return Pace(budget, when, total, measurement.price, measurement.granted, at_once)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin anew: between two epochs others may change the weights."""
        super().on_epoch_begin(epoch, logs)
        self._of_epoch = self.session.batches_before
        self._prepare()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Measure where it is due; at all other steps this takes no time."""
        super().on_train_batch_end(batch, logs)
        before, self._of_epoch = self._of_epoch, self.session.batches_of_epoch
        self._batch += self._of_epoch - before
        if self._batch + 2 < self._rests_until:
            self._show()
            return
        self._clock.start()
        self._begin_paces()
        ready = [measurement for measurement in self._measurements if measurement.is_ready]
        for measurement in ready:
            with self._clock.measuring(measurement.pace, self._batch + 1):
                self._measure(measurement)
        if ready:
            for measurement in self._measurements:
                measurement.reconsider()
                self._refusal = measurement.refusal or self._refusal
        elif self._batch + 1 >= self._rows_judged + READ_EVERY:
            self.session.read({})
            self._judge_rows()
        self._show()
        self._prepare()

    def _begin_paces(self) -> None:
        """Choose where to measure, once the first batch has told how many examples one has."""
        first = None if self.when is not None else next((m.pace for m in self._measurements), None)
        for pace in self._paces:
            if pace.batch_size is None:
                pace.begin(self.session.batch_size, like=None if pace is first else first)

    def _show(self) -> None:
        """Write the numbers of this batch; of a monitor that has judged twice, the last."""
        if self._unwritten:
            unwritten, self._unwritten = self._unwritten, {}
            self.session.show({tags.diagnosis(name): v for name, v in unwritten.items() if np.isfinite(v)})

    def next_batch(self) -> float:
        """Return the batch before a measurement that is due, or that of one that is ready."""
        return self._rests_until - 2

    def _prepare(self) -> None:
        """Keep what a measurement at the next step needs, or find out for how long there will be none."""
        step = self._batch + 2
        for measurement in list(self._measurements):
            measurement.is_ready = False
            if measurement.is_due(step):
                with self._clock.stopped():
                    self._attempt(measurement, measurement.prepare)
        rests = [step if m.is_ready else m.rests_until(step) for m in self._measurements]
        self._rests_until = min(rests, default=math.inf)
        if any(monitor.source == "rows" for monitor in self.monitors):
            self._rests_until = min(self._rests_until, max(step, self._rows_judged + READ_EVERY))

    def _measure(self, measurement: Measurement) -> None:
        """Measure, and judge what was measured."""
        self.session.read({})
        self._judge_rows()
        step = self.session.step
        self.past.rate = rate_of(self.model)
        self.past.batch_size = keras_private.examples_seen(self.model) / self._of_epoch
        readings = self._attempt(measurement, measurement.measure)
        if readings is None:
            return
        self.past.add(step, readings)
        if self.session.writer is not None:
            self._pictures.add(readings, self.session.record, step)
        judged = [m for m in self.monitors if m.name in readings or self._is_over(m)]
        self._judge(judged, retold=[m for m in judged if m.name not in readings])
        self.session.write_record()

    def _attempt(self, measurement: Measurement, action: Callable[..., Any], *args: Any) -> Any:
        """Return what an action of a measurement gives; one that fails is left out."""
        try:
            return action(*args)
        except Exception as error:
            if measurement.name == "probe":
                self._measure_no_more(_of(error))
            else:
                self._measurements.remove(measurement)
                self._leave_out(measurement.name, error)

    def _measure_no_more(self, reason: str) -> None:
        """Go on without the probe, and say so once."""
        self._measurements, self._traced_for, self._measures_no_more = [], [], True
        warnings.warn(
            f"`Diagnosis` goes on without its probe: {reason}. What the steps of the optimizers and the epochs tell is "
            "judged all the same.",
            RuntimeWarning,
            stacklevel=2,
        )

    def _is_over(self, monitor: monitors.Monitor) -> bool:
        """Whether what a monitor says has to be taken back: there is no reason to measure it any more."""
        return (
            monitor.source == "spectrum" and bool(self.past.of(monitor.name)) and not is_spectrum_worthwhile(self.past)
        )

    def _judge(self, which: Iterable[monitors.Monitor], retold: Sequence[monitors.Monitor] = ()) -> None:
        """Let monitors say what they make of the past; write their numbers, and what has changed.

        Of those in `retold` nothing new was measured: they have no new numbers.
        """
        numbers: dict[str, float] = {}
        changed: list[Verdict] = []
        for monitor in which:
            if monitor.name not in self._left_out:
                try:
                    claims = monitor.claims(self.past)
                    numbers |= {} if monitor in retold else monitor.numbers(self.past)
                except Exception as error:
                    self._leave_out(monitor.name, error)
                    continue
                changed += self._tracker.update(self.past.step, claims, monitor.name)
        seen = progress.progress(self.past)
        if seen is not None and seen.gained_at(seen.now) >= progress.GOOD.limit:
            self._tracker.retract("preflight", ("vanishing", "exploding"))  # it learned all the same
        self._numbers |= numbers
        self._unwritten |= numbers
        self._write(changed)
        self._tell(changed)

    def _write(self, changed: Sequence[Verdict]) -> None:
        for verdict in changed:
            if verdict.level == "act":
                self.session.event("act", f"{verdict.kind}: {verdict.finding}", verdict.step)
        if any(verdict.level != "ok" for verdict in changed):
            self.session.write_record(is_urgent=True)
        if changed and self.session.writer is not None:
            self.session.writer.lines("verdicts.jsonl", [verdict.as_json() for verdict in changed])

    def _tell(self, changed: Sequence[Verdict]) -> None:
        """Print each kind of verdict that calls for action, when it first does."""
        for verdict in changed:
            if verdict.level == "act" and verdict.kind not in self._told:
                self._told.add(verdict.kind)
                if self.verbose and not self.session.terminal.is_quiet:
                    self.session.say(*(line for text in alarm(verdict) for line in fitted(text, 1)))

    def _leave_out(self, name: str, error: Exception) -> None:
        self._left_out.add(name)
        self._traced_for = []
        warnings.warn(
            f"`Diagnosis` goes on without {name!r}, which failed with {type(error).__name__}: {error}",
            RuntimeWarning,
            stacklevel=2,
        )

    def on_telemetry(self, frames: Mapping[str, telemetry.Frame], logs: Logs) -> None:
        """Add the rows of the last steps."""
        if not frames:
            return
        rows = _rows_of_all(list(frames.values()), self.session.losses)
        self._losses.append(rows.loss)
        self.past.add_rows(rows)
        self._has_new_rows = True

    def _judge_rows(self) -> None:
        """Judge the rows that have come, at steps that no clock chooses: the session reads when it likes."""
        if self._has_new_rows:
            self._judge(m for m in self.monitors if m.source == "rows")
        self._rows_judged, self._has_new_rows = self._batch + 1, False

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add what `fit` reports, and report the last numbers that were measured in this epoch, and no older ones."""
        super().on_epoch_end(epoch, logs)
        self._judge_rows()
        self.past.add_epoch(self.session.reported(logs), np.concatenate([np.zeros(0), *self._losses]))
        self._losses = []
        self._judge(m for m in self.monitors if m.source == "epochs")
        self._show()
        numbers, self._numbers = self._numbers | {"cost": self.cost}, {}
        self.session.log(self, logs, {f"diagnosis_{name}": value for name, value in numbers.items()})

    def on_close(self) -> None:
        """Write the report; from here on the cost stays as it is."""
        self._clock.stop()
        self._judge_rows()
        self._show()
        if self.session.writer is not None:
            self._pictures.draw(self.session.writer, self.session.step)
            self.session.writer.text(tags.VERDICTS, markdown(self.verdicts, self._notes), self.session.step)

    def _summary(self) -> list[str]:
        lines = brief(self.verdicts, self._notes)
        if self.session.writer is None and any(verdict.level != "ok" for verdict in self.verdicts):
            lines.append("`print` the Diagnosis for what was found, and what cures it.")
        return [line for text in lines for line in fitted(text, 1)]

    def findings(self) -> list[str]:
        """Return what is wrong, and what measuring cost."""
        k = self.past.steps_of_update
        of = f", each time at the sum of {k} updates," if k > 1 else ","
        cost = (
            f"Diagnosis measured {self.measurements} times{of} which took {self.cost:.1%} of the training time, and "
            f"{self.setup:.2g} s for the first time."
        )
        if self.budget is not None and self.cost > self.budget:
            cost += f" That is more than the budget of {self.budget:.1%}: any training is measured {FEWEST} times."
        return [*(str(v) for v in self.verdicts if v.level != "ok"), *self._notes, cost]


def _why_not_measured(model: keras.Model) -> str | None:
    """Return why there is no loss of a model to measure, as far as that is known beforehand; it has been trained on."""
    if not model.trainable_variables:
        return "the model has no trainable weights"
    if not model.built:
        return "the training step does not call `model(x)`, so that is not what is trained"
    return None


def _of(error: Exception) -> str:
    """Say that the loss cannot be measured, with what the error says first."""
    return (
        "the loss of this model on it, by `model.compute_loss` and `model(x)`, fails with "
        f"{type(error).__name__}: {keras_private.first_sentence(error)[:200].rstrip('.')}"
    )


def _rows_of_all(frames: Sequence[telemetry.Frame], losses: tuple[np.ndarray, np.ndarray] | None) -> Rows:
    """Return the rows of one optimizer, or of several as if they had made one step: the norm is that of all gradients.

    Where several steps are made for a batch, that with the largest gradient counts.
    """
    steps = np.unique(np.concatenate([frame.steps for frame in frames]))
    norms = np.zeros((len(frames), len(steps)))
    with np.errstate(invalid="ignore"):  # NaN stays NaN
        for norm, frame in zip(norms, frames, strict=True):
            np.maximum.at(norm, np.searchsorted(steps, frame.steps), frame.norm)
    loss = np.full(len(steps), np.nan)
    if losses is not None:
        known = np.isin(losses[0], steps)
        loss[np.searchsorted(steps, losses[0][known])] = losses[1][known]
    return Rows(steps, np.linalg.norm(norms, axis=0) if len(frames) > 1 else norms[0], loss)


def _interval(when: Any) -> int:
    return _checks.count("when", when, 1, meaning="the steps between two measurements", fix="Try 100, or leave it out.")


def _budget(budget: Any) -> float:
    return _checks.fraction(
        "budget",
        budget,
        meaning="the fraction of the training time that measurements may take",
        fix="Try 0.03, or None.",
    )

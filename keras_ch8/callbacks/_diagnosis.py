"""One callback that says what is wrong with a training, and what cures it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, final

from .. import _checks, _net, _objects
from .._result import as_html
from .._types import Data, Logs, Tensor
from ..board import tags
from ..board.record import Diagnosed
from ..integration import epochs, fit, keras_private
from ..monitors.base import Monitor, chosen
from ..monitors.measurement_log import MeasurementLog
from ..monitors.model_facts import rate_of
from ..monitors.start import there_in
from ..telemetry.frame import Frame
from ..verdicts.kinds import ignored
from ..verdicts.state import OverallState
from ..verdicts.texts import brief, markdown, report, table
from ..verdicts.verdict import Verdict
from .base import Callback
from .board.pictures import FlowMap
from .diagnosis.first_look import FirstLook
from .diagnosis.judgement import Judgement, rows_of_all
from .diagnosis.meter_reader import NO_PROBE, MeterReader
from .diagnosis.meters import Meter
from .diagnosis.probe_data import ProbeData
from .diagnosis.reporting import begin_record, report_verdicts, summary
from .session import states
from .session.batch_counter import READ_EVERY
from .session.objects_as_data import plain, restored
from .session.session import FIRST, STATE, Session

SEEN = {*Judgement.SEEN, *MeterReader.SEEN, "log", "verdicts", "reported", "has_looked"}
"""What a state has of what the training has come to."""


@final
class Diagnosis(Callback):
    """Measure the training while it runs, and say what is wrong and what cures it (section 8.2).

    Now and then the loss and its gradient are taken on a batch of your choice, before and after an update of the
    optimizer, whichever it is. That changes nothing: weights, seeds, statistics and metrics end bit for bit as without
    it. (With `jit_compile=True`, every callback that observes the steps makes XLA compile another program, which may
    round a last bit differently.) What was measured becomes verdicts, each with a `kind` (one of those in
    `docs/diagnosis.md`, with all the rules), a `level` (`"ok"`, `"watch"` or `"act"`), what was found with its number,
    the cure, and the section of the book. No verdict rests on a single measurement, unless it states a certain event.

    `diagnosis.verdicts` are those that stand, the most serious first. With `keras_ch8.callbacks.TensorBoard` in the
    same `fit`, numbers and pictures go to its run under `diagnosis/`, the report to its text `diagnosis/verdicts`, and
    every change of a verdict as a line to `<log_dir>/optimization/verdicts.jsonl`. Other callbacks can monitor the last
    numbers of an epoch, as `diagnosis_...`, and `diagnosis_cost`, the fraction of the training time that it took.

    With `steps_per_execution=k` an update is the sum of k steps, and is judged as one. What a check needs and cannot
    get, or a check that fails, is left out with one warning; the training goes on.

    Args:
        probe: The batch to measure on: `(x, y)`, `(x, y, sample_weight)`, or a data set, the first batch of it. Best
            some 64 to 512 examples that are not trained on, prepared as those that are. The first 256 that `fit` trains
            on, or those of its first step where Python makes them (a generator, a `PyDataset`), take the place of a
            probe that is not made as they are, and of a data set that shuffles, draws random numbers or calls Python,
            since to read that may change the training. Defaults to `None`: these.
        checks: What to measure: `"cheap"` (step length, noise, gradient, cliffs, risk), `"standard"` (layers, time,
            batch normalization, distance too, and the spectrum of the Hessian where the training is slow or its steps
            are short), `"full"` (the spectrum regularly), or a list of monitors, by name or as objects; your own are
            subclasses of `extend.Monitor`. Defaults to `"standard"`.
        measure_every: Steps between two measurements (ten times as many for the spectrum), or "1ep", "500ba", "10st",
            "5%" of the training; or a function of the step that returns whether to measure. Defaults to `None`: the
            first steps, and then evenly spread to the end; at least 6 measurements in every training that has so many
            steps, 12 if they are cheap, up to 100 within `budget`.
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
            layer and start, on the first examples that `fit` reads and on `probe`, as `keras_ch8.preflight` does, which
            also looks at all examples and makes some steps. What is found stands in `verdicts`. Defaults to `True`.
        ignore: Kinds of verdicts of which no more is said than how many they are, such as `["too_short"]`; they explain
            no other, and are not among the checks. Defaults to `()`.

    Raises:
        TypeError: If `loss` or `measure_every` cannot be called as above, or another argument has another type.
        ValueError: If a name in `checks` or `ignore` is unknown, `probe` is no data, or a number is out of its range.

    Warns:
        UserWarning: If others take the place of `probe`, or its inputs are of another scale than what `fit` trains on.

    Example:
        >>> x, y = np.random.default_rng(0).normal(size=(2, 256, 1))
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(1e-7), "mse")
        >>> diagnosis = keras_ch8.callbacks.Diagnosis(probe=(x, y), checks="cheap", measure_every=5)
        >>> _ = model.fit(x, y, batch_size=8, epochs=3, callbacks=[diagnosis], verbose=0)
        >>> diagnosis.verdicts[0].kind
        'step_too_short'

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    section, watches = "8.2", True
    _is_alone = True
    _place_in_summary = FIRST
    _state_parts: ClassVar[Mapping[str, Any]] = {
        "session": (None, STATE),
        "epochs": int,
        "probe": (None, dict),
        "meters": {str: dict},
        "clock": {str: float},
        "seen": dict,
        "pictures": {str: dict},
    }

    def __init__(
        self,
        probe: Data = None,
        checks: str | Sequence[str | Monitor] = "standard",
        measure_every: int | str | Callable[[int], bool] | None = None,
        budget: float | None = 0.03,
        verbose: bool = True,
        loss: Callable[[Tensor, Tensor], Tensor] | None = None,
        logs: bool | Sequence[str] = False,
        preflight: bool = True,
        ignore: Sequence[str] = (),
    ) -> None:
        super().__init__(logs)
        self.preflight = _checks.flag("preflight", preflight, meaning="whether it looks before the first step")
        self.verbose = self._asks_for_summary = _checks.flag("verbose", verbose, meaning="whether verdicts are printed")
        if loss is not None:
            _objects.function("loss", loss, "y", "y_pred", returns="the loss")
        if budget is not None:
            meaning = "the fraction of the training's work that measurements may add"
            budget = _checks.fraction("budget", budget, meaning=meaning, fix="Try 0.03, or None.")
        self.monitors, self.loss, self.ignore = chosen(checks), loss, ignored(ignore)
        self.probe, self.measure_every, self.budget = ProbeData(probe), measure_every, budget
        self._forget()

    def _forget(self) -> None:
        self._judgement = Judgement(self.monitors, looks=self.preflight, ignore=self.ignore)
        self._reader = MeterReader(self.budget, self.measure_every, self._judgement)
        self._pictures = FlowMap()
        self._reported: set[str] = set()  # kinds of verdicts whose rise to "act" was printed
        self._first_look = FirstLook(self.preflight, self.loss)
        self._of_epoch = 0  # batches of the running epoch so far

    # --- what it has found --------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        if self.model is None and not self.verdicts:
            return _net.off() or "It has watched no training yet: give it to `fit`, in `callbacks`."
        return report(self.verdicts, self.state)

    def _repr_html_(self) -> str:
        """Return the verdicts for a notebook, the most serious first."""
        return as_html("Diagnosis", " ".join(brief(self.verdicts, self.state)), table(self.verdicts))

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts that stand, the most serious first."""
        return self._judgement.tracker.verdicts

    @property
    def state(self) -> OverallState:
        """What the verdicts come to, and of how many checks; `state.name` is one of `verdicts.state.STATES`."""
        return self._judgement.standing(self._reader.notes)

    @property
    def log(self) -> MeasurementLog:
        """What was measured so far."""
        return self._judgement.log

    @property
    def cost(self) -> float:
        """Fraction of the training time that measuring took, but for the first time."""
        return self._reader.cost

    @property
    def measurements(self) -> int:
        """How often it has measured."""
        return self._reader.count

    @property
    def setup(self) -> float:
        """Seconds that the first measurements took, which trace their graphs unless an earlier `fit` has."""
        return self._reader.setup

    def findings(self) -> list[str]:
        """Return what is wrong, and what measuring cost."""
        cost = self._reader.cost_summary(self.log.steps_of_update)
        return [*(str(v) for v in self.verdicts if v.level != "ok"), *self.state.reasons, cost]

    # --- a training, from its beginning to its end --------------------------------------------------------------------

    def _enter_fit(self, training: fit.Training) -> None:
        epochs.install(type(self).__name__)  # for the first batches, which are read ahead

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the last training."""
        super().on_train_begin(logs)
        self._forget()

    def on_open(self) -> None:
        """Begin to remember the training, or go on from a state."""
        steps = self.session.params["steps"] or 0
        epochs = self.session.params["epochs"] - self.session.first_epoch
        self._reader.know_length(self.session.params["steps"], self.session.params["epochs"])
        in_one = self.model.steps_per_execution * self.session.iterations_per_step
        self._judgement.log = MeasurementLog(total=steps * epochs, first=self.session.step, steps_of_update=in_one)
        kept = self._take_kept()
        if kept is not None and kept["session"] is not None:
            self.session.resume(kept["session"])
            self._go_on(kept)
            if self.log.total:
                self.log.total += steps * (self.session.params["epochs"] - kept["epochs"])
        begin_record(self.session, self.monitors)
        self.session.before_record(self._bring_record_up_to_date)
        if self.probe.is_left_to_fit and not self.session.training.can_read_ahead:
            self._reader.go_without(NO_PROBE)
        elif kept is None or self.probe.batch is None:
            then, seen = self._measure_from_now_on, self._look
            self.probe.open(self.session.training, then, seen, needs_targets=self.loss is None)

    def on_built(self) -> None:
        """Measure from now on, if the probe is there: that of the batches that `fit` reads may come later."""
        self._judgement.begin(keras_private.leaves_of(self.model))
        if self.probe.batch is not None and not self._reader.failure:
            self._begin_to_measure()
        if self._first_look.first is not None or not self.session.training.can_read_ahead:
            self._look(self._first_look.first)

    def _measure_from_now_on(self, why_not: str) -> None:
        """Measure on the probe, if there is one; the first step is still to be made."""
        if self.probe.batch is None:
            self._reader.stop(f"{why_not}.")
        elif self.session.is_built:
            self._begin_to_measure()
            self._reader.prepare()

    def _begin_to_measure(self) -> None:
        if not self._reader.goes_on:  # else it is what was there when the training began
            self.log.has = there_in(self.session.training, *self.probe.batch[:2])
        self._reader.begin(self.model, self.probe.batch, self.loss)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin anew: between two epochs others may change the weights."""
        super().on_epoch_begin(epoch, logs)
        self._of_epoch = self.session.batches_before
        self._reader.prepare()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Measure where it is due; at all other steps this takes no time."""
        super().on_train_batch_end(batch, logs)
        reader = self._reader
        before, self._of_epoch = self._of_epoch, self.session.batches_of_epoch
        reader.batch += self._of_epoch - before
        if reader.is_idle:
            self._show()
            return
        reader.clock.start()
        reader.begin_schedules(self.session.batch_size)
        ready = reader.ready
        for meter in ready:
            with reader.clock.measuring(meter.schedule, reader.batch + 1):
                self._measure(meter)
        if ready:
            reader.reconsider()
        elif reader.batch + 1 >= self._judgement.rows_judged + READ_EVERY:
            self.session.read({})
            self._judge_rows()
        self._show()
        reader.prepare()

    def next_batch(self) -> float:
        """Return the batch before a measurement that is due, or that of one that is ready."""
        return self._reader.idle_until - 2

    def on_telemetry(self, frames: Mapping[str, Frame], logs: Logs) -> None:
        """Add the rows of the last steps."""
        if frames:
            self._judgement.add_rows(rows_of_all(list(frames.values()), self.session.losses))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add what `fit` reports, and report the last numbers that were measured in this epoch, and no older ones."""
        super().on_epoch_end(epoch, logs)
        self._judge_rows()
        self._report(self._judgement.judge_epoch(self._epoch_numbers.reported(logs)))
        self._show()
        numbers = self._judgement.take_numbers() | {"cost": self.cost}
        self.session.log(self, logs, {f"diagnosis_{name}": value for name, value in numbers.items()})

    def on_close(self) -> None:
        """Write the report; from here on the cost stays as it is."""
        self._reader.end()
        self._judge_rows()
        self._report(self._judgement.judge_end())
        self._show()
        if self.session.writer is not None:
            self._pictures.draw(self.session.writer, self.session.step)
            self.session.writer.text(tags.VERDICTS, markdown(self.verdicts, self.state), self.session.step)

    # --- looking, measuring, judging, reporting -----------------------------------------------------------------------

    def _look(self, first: Data) -> None:
        """Make the checks that need no step, on the first examples that `fit` reads, if known, and the probe."""
        self._report(self._first_look.look(self.session, first, self.probe.batch, self._reader))

    def _measure(self, meter: Meter) -> None:
        """Measure, and judge what was measured."""
        self.session.read({})
        self._judge_rows()
        step = self.session.step
        examples = keras_private.examples_seen(self.model) / self._of_epoch
        self.log.see(rate_of(self.model), examples, self.session.params["steps"] or 0)
        readings = self._reader.try_reading(meter)
        if readings is None:
            return
        if self.session.writer is not None:
            self._pictures.add(readings, self.session.record, step)
        self._report(self._judgement.judge_readings(step, readings))
        self.session.write_record()

    def _judge_rows(self) -> None:
        """Judge the rows that have come, at steps that no clock chooses: the session reads when it likes."""
        self._report(self._judgement.judge_rows(self._reader.batch + 1))

    def _report(self, changed: Sequence[Verdict]) -> None:
        report_verdicts(self.session, changed, self._reported, self.verbose, len(self.log.of("gradient_norm")))

    def _show(self) -> None:
        """Write the numbers of this batch."""
        if self._judgement.unwritten:
            unwritten = self._judgement.take_unwritten()
            self.session.show({tags.diagnosis(name): value for name, value in unwritten.items()})

    def _bring_record_up_to_date(self) -> None:
        record = self.session.record
        record.diagnosis = Diagnosed(self.measurements, self.cost)
        record.verdicts, record.standing = self.verdicts, self.state

    def _summary(self) -> list[str]:
        return summary(self.session, self.verdicts, self.state)

    # --- what is remembered from training to training -----------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        session: Session | None = getattr(self, "session", None)
        reported = {"reported": self._reported, "has_looked": self._first_look.is_over}
        return {
            "session": session and session.state(),
            "epochs": (self.params or {}).get("epochs", 0),
            "probe": self.probe.state(),
            "meters": self._reader.state_of_meters(),
            "clock": self._reader.clock.state(),
            "seen": plain(self._judgement.state() | self._reader.state() | reported),
            "pictures": plain(self._pictures.state()),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on in the next `fit` from what `get_state` has returned.

        Raises:
            ValueError: If it is no state of such a callback.
        """
        given = states.checked(type(self).__name__, state, self._state_parts)
        try:
            seen = set(restored(given["seen"], self._modules))
            for part in ("meters", "pictures", "probe"):
                restored(given[part])
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise states.refuse(type(self).__name__, "parts", str(error), sorted(SEEN)) from error
        if seen != SEEN:
            raise states.refuse(type(self).__name__, "parts", sorted(seen), sorted(SEEN))
        self._kept = given

    def show_results(self, state: Mapping[str, Any]) -> None:
        """Show the verdicts that stood at the end."""
        self._go_on(state)
        self._reader.show_results(self.log.total)

    def _go_on(self, kept: Mapping[str, Any]) -> None:
        """Remember what a state has; the measurements are still to be made ready."""
        seen = restored(kept["seen"], self._modules)
        self._judgement.set_state(seen)
        self._reader.go_on(seen, kept["clock"], kept["meters"])
        self._reported, self._first_look.is_over = seen["reported"], seen["has_looked"]
        self.probe.set_state(kept["probe"])
        self._pictures.set_state(restored(kept["pictures"]))

    @property
    def _modules(self) -> set[str]:
        """The modules of the monitors, whose readings a state may have."""
        return {type(monitor).__module__ for monitor in self.monitors}

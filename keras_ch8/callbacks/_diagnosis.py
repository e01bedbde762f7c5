"""One callback that says what is wrong with a training, and what cures it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

from .. import _checks, _net, _objects
from .._types import Data, Logs, Tensor
from ..board import tags
from ..board.record import Diagnosed
from ..integration import epochs, fit, keras_private, tuner
from ..monitors.base import Monitor, chosen
from ..monitors.held_out import are_arrays, first_given, validated_on
from ..monitors.measurement_log import MeasurementLog, rows_of_all
from ..monitors.model_facts import ahead, facts_of_model, form_of, left_out_in, rate_of, waiting
from ..monitors.numbers_of_cures import further
from ..monitors.start import EXAMPLES as LOOKED_AT
from ..monitors.start import facts_of, there_in
from ..telemetry.frame import Frame
from ..verdicts.facts import Facts, OwnLoss
from ..verdicts.kinds import OF_THE_START, ignored
from ..verdicts.remedies import Remedy
from ..verdicts.state import OverallState
from ..verdicts.texts import as_html, markdown, report
from ..verdicts.verdict import Verdict, VerdictTracker
from .base import Callback
from .diagnosis.judging import PREFLIGHT, Judge, Reporter, begin_record, note_flow, summary
from .diagnosis.measurement_schedule import examples_to_look_at, multiplications
from .diagnosis.measuring import NO_PROBE, Measuring, Memory
from .diagnosis.probe_data import EXAMPLES, ProbeData
from .session.session import FIRST, Session, SessionPosition

LONG = 10.0
"""Seconds after which a training seems to hang, so what takes them is announced."""


@dataclasses.dataclass
class _Memory:
    """What is remembered of a training.

    Args:
        session: How far it is; None before it has begun.
        epochs: The epochs that it was to have.
        probe: What was drawn to measure on.
        has_looked: Whether what can be seen without a step was looked at.
        log: What was measured.
        measuring: How it was measured.
        judge: What was found.
        reporter: What of it was reported.
    """

    session: SessionPosition | None
    epochs: int
    probe: tuple[Any, ...] | None
    has_looked: bool
    log: MeasurementLog
    measuring: Memory
    judge: Judge
    reporter: Reporter


@final
class Diagnosis(Callback):
    """Measure a training while it runs, and tell what is wrong and how to fix it (section 8.2).

    Now and then the loss and its gradient are taken on a batch of your choice, before and after an update of the
    optimizer, whichever it is. That changes nothing: weights, seeds, statistics and metrics end bit for bit as without
    it. (With `jit_compile=True`, every callback that observes the steps makes XLA compile another program, which may
    round a last bit differently.) What was measured becomes verdicts, each with a `kind` (one of those in
    `docs/diagnosis.md`, with all the rules), a `level` (`"ok"`, `"watch"` or `"act"`), what was found with its number,
    the cure, and the section of the book. No verdict rests on a single measurement, unless it states a certain event.

    `diagnosis.verdicts` are those that stand, the most serious first. With `keras_ch8.callbacks.TensorBoard` in the
    same `fit`, numbers go to its run under `diagnosis/`, the report to its text `diagnosis/verdicts`, and
    every change of a verdict as a line to `<log_dir>/optimization/verdicts.jsonl`. Other callbacks can monitor the last
    numbers of an epoch, as `diagnosis_...`, and `diagnosis_cost`, the fraction of the training time that it took.

    With `steps_per_execution=k` an update is the sum of k steps, and is judged as one. What a check needs and cannot
    get, or a check that fails, is left out with one warning; the training goes on.

    Args:
        probe: The batch to measure on: `(x, y)`, `(x, y, sample_weight)`, or a data set, the first batch of it. Best
            some 64 to 512 examples that are not trained on, prepared as those that are. The first 256 that `fit` trains
            on, or those of its first step where Python makes them (a generator, a `PyDataset`), take the place of a
            probe that is not made as they are, and of a data set that shuffles, draws random numbers or calls Python,
            since to read that may change the training. Of a large model only as many of these are measured on as
            `budget` pays for, 8 at least. Defaults to `None`: the first ones of `fit`.
        checks: What to measure: `"cheap"` (step length, noise, gradient, cliffs, risk), `"standard"` (layers, time,
            batch normalization too, and the spectrum of the Hessian where the training is slow or its steps
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
        verbose: Whether to print a verdict once when it rises to `"act"`, in two sentences, and when `fit` ends a
            summary of all callbacks of the suite in eight lines, unless `fit(verbose=0)` prints nothing. Defaults to
            `True`.
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
        UserWarning: If others take the place of `probe`.

    Example:
        >>> x, y = np.random.default_rng(0).normal(size=(2, 256, 1))
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(1e-7), "mse")
        >>> diagnosis = keras_ch8.callbacks.Diagnosis(probe=(x, y), checks="cheap", measure_every=5)
        >>> _ = model.fit(x, y, batch_size=8, epochs=8, callbacks=[diagnosis], verbose=0)
        >>> diagnosis.verdicts[0].kind
        'step_too_short'

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    section, watches = "8.2", True
    _is_alone = _rows_may_wait = True
    _place_in_summary = FIRST
    _remembers = _Memory
    called = "diagnosis"
    """What the user prints to see what was found: the name of the variable in the documents."""

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
        self._modules = {type(monitor).__module__ for monitor in self.monitors}  # whose readings a state may have
        self.probe, self.measure_every, self.budget = ProbeData(probe), measure_every, budget
        self._forget()

    def _forget(self) -> None:
        self.log = MeasurementLog()
        """What was measured so far."""
        self._measuring = Measuring(self.budget, self.measure_every, self.monitors)
        of_start = {kind.name for kind in OF_THE_START if self.preflight and not kind.needs_validation}
        self._judge = Judge(VerdictTracker(self.ignore), of_start=of_start)
        self._reporter = Reporter()
        self._has_looked = not self.preflight
        self._of_epoch = 0  # batches of the running epoch so far

    # --- what it has found --------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        if self.model is None and not self.verdicts:
            return _net.off() or "It has watched no training yet: pass it to `fit` in `callbacks`."
        return report(self.verdicts, self.state, self.called)

    def _repr_html_(self) -> str:
        """Return the verdicts for a notebook: one line, a card for each, and the passed checks folded."""
        return as_html("Diagnosis", self.verdicts, self.state)

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts that stand, the most serious first."""
        return self._judge.tracker.verdicts

    @property
    def state(self) -> OverallState:
        """What the verdicts come to, and of how many checks; `state.name` is one of `verdicts.state.STATES`."""
        has_cause = any(verdict.level == "act" for verdict in self.verdicts)
        return self._judge.standing(self.log, self.monitors, self._measuring.notes(self.log, has_cause))

    @property
    def further(self) -> tuple[Remedy, ...]:
        """What else such a training might need, with its numbers: all that has code, the likeliest first."""
        return further(self.log)

    @property
    def cost(self) -> float:
        """Fraction of the training time that measuring took, but for the first time."""
        return self._measuring.cost

    @property
    def measurements(self) -> int:
        """How often it has measured."""
        return self._measuring.count

    @property
    def setup(self) -> float:
        """Seconds that the first measurements took, which trace their graphs unless an earlier `fit` has."""
        return self._measuring.setup

    def findings(self) -> list[str]:
        """Return what is wrong, and what measuring cost."""
        found = [str(verdict) for verdict in self.verdicts if verdict.level != "ok"]
        return [*found, *self.state.reasons, self._measuring.cost_summary(self.log.steps_of_update)]

    # --- a training, from its beginning to its end --------------------------------------------------------------------

    def _enter_fit(self, training: fit.Training) -> None:
        epochs.install(type(self).__name__)  # for the first batches, which are read ahead

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the last training."""
        super().on_train_begin(logs)
        self._forget()

    def on_open(self) -> None:
        """Begin to remember the training, or go on from a state."""
        session, training = self.session, self.session.training
        steps, epochs = session.params["steps"] or 0, session.params["epochs"]
        self._measuring.know_length(session.params["steps"], epochs)
        in_one = self.model.steps_per_execution * session.iterations_per_step
        self.log = MeasurementLog(steps * (epochs - session.batches.first_epoch), session.step, in_one)
        kept = self._take_kept()
        if kept is not None and kept.session is not None:
            session.resume(kept.session)
            self.show_results(kept)
            if self.log.total:
                self.log.total += steps * (epochs - kept.epochs)
        trial = tuner.trial_of(training.callbacks)
        self._judge.excused = {"too_short"} if trial and trial.is_cut_short else set()  # short on purpose
        begin_record(session, self.monitors)
        session.before_record(self._bring_record_up_to_date)
        if self.probe.is_left_to_fit and not training.can_read_ahead:
            self._measuring.go_without(NO_PROBE)
        elif kept is None or self.probe.batch is None:
            self.probe.open(is_new=not session.step)
            if training.can_read_ahead:
                training.read_ahead(EXAMPLES, self._choose_probe)
            else:
                self._choose_probe([])

    def _choose_probe(self, batches: Sequence[Any]) -> None:
        """Choose what to measure on, by the first batches that `fit` reads; the first step is still to be made."""
        why_none = self.probe.choose(self.session.training, batches, needs_targets=self.loss is None)
        if self.probe.batch is None:
            self._measuring.stop(f"{why_none}.")
        elif self.session.is_built:
            self._begin_to_measure()
            self._measuring.prepare()
        self._look()

    def on_built(self) -> None:
        """Measure from now on, if the probe is there: that of the batches that `fit` reads may come later."""
        layers = keras_private.leaves_of(self.model)
        self._judge.of_course = {kind for monitor in self.monitors for kind in monitor.kinds_for(layers)}
        if self.probe.batch is not None and not self._measuring.memory.failure:
            self._begin_to_measure()
        self._look()

    def _begin_to_measure(self) -> None:
        if not self._measuring.memory.meters:  # else it is what was there when the training began
            self.log.has = there_in(self.session.training, *self.probe.batch[:2])
        self._measuring.begin(self.model, self.probe.batch, self.loss, self.log, self.probe.batch_size)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin anew: between two epochs others may change the weights."""
        super().on_epoch_begin(epoch, logs)
        self._of_epoch = self.session.batches.before
        self._measuring.prepare()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Measure where it is due; at all other steps this takes no time."""
        super().on_train_batch_end(batch, logs)
        before, self._of_epoch = self._of_epoch, self.session.batches.of_epoch
        self._measuring.memory.batch += self._of_epoch - before
        if not self._measuring.is_idle:
            self._measure()

    def next_batch(self) -> float:
        """Return the batch before a measurement that is due, or that of one that is ready."""
        return self._measuring.idle_until - 2

    def on_telemetry(self, frames: Mapping[str, Frame], logs: Logs) -> None:
        """Add the rows of the last steps, which come when they like: they are judged at steps that no clock chooses."""
        if frames:
            losses = self.session.losses
            of_each = {name: rows_of_all([frame], losses) for name, frame in frames.items() if len(frames) > 1}
            self.log.add_rows(rows_of_all(list(frames.values()), losses), of_each)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add what `fit` reports, and report the last numbers that were measured in this epoch, and no older ones."""
        super().on_epoch_end(epoch, logs)
        training, seen = self.session.training, self.session.observation
        if self.preflight and not self.log.epochs and not training.goes_on_with_old_weights:
            of_step = OwnLoss(compares_all=seen is not None and seen.mixes_examples)
            left_out = left_out_in(self.model, self.session.optimizers.values())
            has = facts_of_model(self.model, training.callbacks) | form_of(training)
            self.log.facts = Facts(has=has, left_out=left_out, own_loss=of_step)
        self.log.add_epoch(self._epoch_numbers.reported(logs))
        if self.session.batches.is_epoch_due:
            self._judge_and_report()
        numbers, self._reporter.numbers = self._reporter.numbers | {"cost": self.cost}, {}
        self.session.log(self, logs, {f"diagnosis_{name}": value for name, value in numbers.items()})

    def on_close(self) -> None:
        """Write the report; from here on the cost stays as it is."""
        self._measuring.end()
        self.log.end(self.session.training.has_died, getattr(self.session.optimizer, "fault_of_loss", ""))
        self._judge_and_report()
        if self.session.writer is not None:
            self.session.writer.text(tags.VERDICTS, markdown(self.verdicts, self.state), self.session.step)

    # --- when -> measure -> log -> judge -> report --------------------------------------------------------------------

    def _measure(self) -> None:
        """Measure what is due at this batch, judge each measurement, and get ready for the next ones."""
        measuring = self._measuring
        measuring.begin_schedules(self.session.batch_size)
        if measuring.are_rows_due:
            self.session.read({})
            self._judge_and_report()  # the rows
        if measuring.is_ready:
            self.log.see(rate_of(self.model), self.session.batch_size or 0.0, self.session.params["steps"] or 0)
            seconds = measuring.setup_to_come
            if seconds > LONG and self.verbose and not self.session.terminal.is_quiet:
                self.session.say(f"Doctor: preparing its measurements takes about {seconds:.0f} s.")
            for readings in measuring.measure():
                sound = self.log.add(self.session.step, readings)
                if self.session.writer is not None:
                    note_flow(sound, self.session.record, self.session.step)
                self._judge_and_report()
                self.session.write_record()
        measuring.prepare()

    def _judge_and_report(self) -> None:
        """Judge what is new in the log, and report what comes of it."""
        self._measuring.memory.rows_read = self._measuring.memory.batch + 1
        judged, measurements = self._judge.judge(self.log, self.monitors), len(self.log.of("gradient_norm"))
        self._reporter.report(self.session, judged, measurements, self.verbose)

    def _look(self) -> None:
        """Look once at what can be seen without a step; at a model that its first batch builds, after that."""
        training, first, probe = self.session.training, self.probe.first, self.probe.batch
        if self._has_looked or not self.session.is_built or (training.can_read_ahead and first is None):
            return
        try:
            first = first_given(training.arguments, EXAMPLES) if first is None else first
        except Exception as error:  # of a sampler of the user's
            self.log.leave_out(PREFLIGHT, error)
        seen, first = first, probe if first is None else first
        self._has_looked, self.probe.first = True, None
        others, is_traced = None if first is probe else probe, self._measuring.only_computes
        try:
            if first is None or not self.model.built:  # the training step does not call it, or what it reads is unknown
                facts, held_out = Facts(has=facts_of_model(self.model, training.callbacks) | form_of(training)), {}
            else:
                price = multiplications(keras_private.leaves_of(self.model))
                few = examples_to_look_at(LOOKED_AT, self.probe.batch_size, price)
                of_data = None if are_arrays(training.arguments.get("x")) else self.probe.batch_size
                facts, _ = facts_of(self.model, first, others, self.loss, few, training, is_traced, of_data)
                held_out = validated_on(training.arguments, facts.output, seen)
                if facts.other:  # the probe, which may be prepared in yet another way, is what is measured on
                    held_out = {name: value for name, value in held_out.items() if not name.startswith("other")}
            to_come = ahead(self.model, self.log.total, facts.has) | waiting(training.callbacks)
            self.log.look(self.session.step, dataclasses.replace(facts, **held_out, **to_come))
        except Exception as error:
            self.log.leave_out(PREFLIGHT, error)
        self._judge_and_report()

    def _bring_record_up_to_date(self) -> None:
        record = self.session.record
        record.diagnosis = Diagnosed(self.measurements, self.cost)
        record.verdicts, record.standing = self.verdicts, self.state

    def _summary(self) -> list[str]:
        return summary(self.session, self.verdicts, self.state, self.called)

    # --- what is remembered from training to training -----------------------------------------------------------------

    def _state(self) -> _Memory:
        session: Session | None = getattr(self, "session", None)
        self._measuring.memory.clock.count()
        return _Memory(
            session=None if session is None else session.position(),
            epochs=(self.params or {}).get("epochs", 0),
            probe=self.probe.drawn,
            has_looked=self._has_looked,
            log=self.log,
            measuring=self._measuring.memory,
            judge=self._judge,
            reporter=self._reporter,
        )

    def show_results(self, state: _Memory) -> None:
        """Remember what a state has; in a training that goes on the measurements are still to be made ready."""
        self.log, self._has_looked = state.log, state.has_looked
        self._measuring.memory, self._reporter, self._judge = state.measuring, state.reporter, state.judge
        self._judge.tracker.ignore = self.ignore
        self.probe.go_on(state.probe)

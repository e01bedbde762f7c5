"""The one sink: everything that the suite measures, for TensorBoard."""

import contextlib
import copy
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import keras
import numpy as np

from .. import _describe, _net, _objects
from .._describe import short
from .._duration import duration
from .._types import Logs
from ..board import panels, tags
from ..board.record import Event, Record
from ..board.window import Point, Stubs, Windows
from ..board.writer import RunPosition, RunWriter
from ..cockpit.page import NAME, LivePage
from ..integration import keras_private
from ..telemetry.frame import Frame
from ..trackers import feeds
from ..trackers.base import Tracker
from ..verdicts import table
from .base import Callback
from .board import StepEvents, hyperparameters, settings_report
from .session.batch_counter import READ_EVERY
from .session.session import LAST, Session, SessionPosition
from .session.shown import fitted


@dataclass
class _Parts:
    """What a run is made of that knows what was before; the last by the name of the optimizer."""

    first_step: int
    windows: Windows
    stubs: Stubs
    events: dict[str, StepEvents] = field(default_factory=dict)


@dataclass
class _Run:
    """A run at some step; `reported` is the record that trackers were given last, `trackers` what they remember."""

    parts: _Parts
    session: SessionPosition
    record: Record
    files: RunPosition
    reported: str
    trackers: list[str]


@dataclass
class _Memory:
    """What is remembered: the run, if there is one."""

    run: _Run | None = None


@final
class TensorBoard(Callback):
    """Write the loss, the metrics and every step of the optimizer for TensorBoard (section 8.2).

    Works with any Keras optimizer and any training step. Everything goes to `<log_dir>/optimization`, a run of its own;
    with an argument of Keras's, such as `histogram_freq=1`, Keras's callback writes its files beside it. The step, the
    x axis of every curve, is the number of batches that the model has been trained on: it goes on in a second `fit`,
    and in a resumed one. Long runs are written in windows of steps, about 900 for the whole run. TensorBoard shows
    their means; `report.html`, the tab and `read_run` have their smallest and largest values too, so that a spike of
    one step is seen there. Other callbacks of the suite write through this one, in whatever order they are listed.
    Whatever ends `fit`, an interruption or an error too, what was not yet written is written then.

    Shown:

        step/loss            loss of each minibatch
        step/gradient_norm   |g|, before clipping
        step/update_norm     |delta theta|, at the steps of `measure_every`
        step/effective_rate  |delta theta / g|: median of a sample of the parameters; on the page two quantiles too
        step/weight_norm     |theta|, whenever telemetry is read: every 500 steps or second, and after an epoch
        step/learning_rate
        step/nonfinite       entries of the gradient that are infinite or NaN
        step/running_...     what Keras reports after batches, as a running mean of the epoch; from ten points on
        epoch/...            what Keras reports after epochs, validation included

    Where several optimizers train one model, as in a GAN, each has curves of its own, named after the attribute of the
    model that holds it, such as `step/d_optimizer/gradient_norm`.

    Of a method of section 8.6 a row is an iteration, and `step/solver_...` has step length, evaluations and the like.
    Where a rule clips, `step/gradient_norm_clipped`, `step/clip_coefficient` and `step/clipped_share` besides; of an
    optimizer with `groups`, `step/group_learning_rate_...` and `step/group_relative_update_...`, the length of the
    update over that of the weights. The tab Optimization shows what there is in the order of the chapter, Text the
    report of the run. If writing fails, one warning says so, and the training goes on.

    TensorBoard's setting "Ignore outliers in chart scaling" is on by default and cuts spikes off: take it off, or the
    smoothing down to 0, to see them.

    Args:
        log_dir: Folder of the run. Defaults to `"logs"`.
        measure_every: How often the update and the effective rate are measured: steps, or `"1ep"`, `"500ba"`, `"10st"`,
            `"5%"` of the training. Loss and gradient are those of every step, however. Defaults to `10`.
        log_to: List of `keras_ch8.trackers` that also receive the points, verdicts, events and the report page,
            such as `[trackers.WandB(project="vision"), trackers.JSONL()]`. A server that is slow or gone does not slow
            the training; `fit` waits for it at most 30 s when it ends. Defaults to `()`.
        **of_keras: Arguments of `keras.callbacks.TensorBoard`, such as `histogram_freq`, `write_graph`, `update_freq`
            or `profile_batch`. With any of them `fit` has `keras.callbacks.TensorBoard(log_dir, **of_keras)` behind
            this callback, with Keras's files and, for the others, Keras's defaults. Defaults to none: Keras's is not
            called.

    Raises:
        TypeError: If `log_to` is not a list of trackers, or an argument is neither of this callback nor of Keras's.
        ValueError: If an argument lies outside its range.
        OSError: In `fit`, before the first step, if `log_dir` cannot be written.

    Warns:
        RuntimeWarning: If something else than Keras's `fit` trains, so that Keras's callback is not called.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.Adam(), "mse")
        >>> board = keras_ch8.callbacks.TensorBoard(tempfile.mkdtemp())
        >>> _ = model.fit(np.ones((64, 2)), np.ones((64, 1)), callbacks=[board], verbose=0)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    section, watches = "8.2", True
    _is_alone = _finds_its_run = _rows_may_wait = True

    _place_in_summary = LAST
    _remembers = _Memory

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        *,
        measure_every: int | str = 10,
        log_to: Sequence[Tracker] = (),
        **of_keras: Any,
    ) -> None:
        super().__init__()
        _describe.check_arguments("TensorBoard", TensorBoard.__init__, of_keras, keras.callbacks.TensorBoard)
        self.log_dir = os.fspath(_objects.path("log_dir", log_dir))
        self.measure_every = measure_every
        duration("measure_every", measure_every)
        self.log_to = feeds.checked(log_to)
        self._of_keras = of_keras
        self._keras_board: keras.callbacks.TensorBoard | None = None
        self._behind_in_fit()  # Keras refuses what it does not take here, and not in `fit`

    transient: ClassVar[Mapping[str, Any]] = {
        "_keras_board": None,
        "_parts": None, "_writer": None, "_page": None, "_settings": {}, "_is_resumed": False,
    }  # fmt: skip

    def __repr__(self) -> str:
        more = "".join(f", {name}={short(value)}" for name, value in self._of_keras.items())
        return f"{super().__repr__()[:-1]}{more})"

    def _behind_in_fit(self) -> list[keras.callbacks.Callback]:
        """Return Keras's callback if it is asked for: one for all trainings, as it would be if it were listed."""
        if not self._of_keras:
            return []
        if self._keras_board is None:
            of_keras = copy.deepcopy(self._of_keras)  # Keras empties `embeddings_metadata`
            self._keras_board = keras.callbacks.TensorBoard(self.log_dir, **of_keras)
        return [self._keras_board]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Join the session, and say so where Keras's callback is not behind this one."""
        super().on_train_begin(logs)
        if self._of_keras and self._keras_board not in self.session.training.callbacks:
            warnings.warn(
                f"Keras's arguments of `TensorBoard` work only in `Model.fit`. Received a loop of your own: {self!r}. "
                "Omit them, and call the hooks of `keras.callbacks.TensorBoard` yourself.",
                RuntimeWarning,
                stacklevel=2,
            )

    def on_open(self) -> None:
        """Open the run, and write what is known before the first step."""
        session = self.session
        steps, epochs = session.params["steps"], session.params["epochs"]
        every = duration("measure_every", self.measure_every)
        self.observes_updates = every.batches(steps, epochs) or READ_EVERY
        run: _Run | None = (self._take_kept() or _Memory()).run
        self._is_resumed = run is not None
        if run is not None:
            session.resume(run.session)
            session.record.go_on(run.record)
            self._parts = run.parts
        else:
            windows = Windows(steps * epochs if steps else None)
            self._parts = _Parts(session.step + 1, windows, Stubs(tags.RUNNING))
        self._settings: dict[str, Any] = {}
        """What the record says of how it is trained."""
        with _net.through():  # a folder that cannot be written is said before the first step
            if not session.is_chief:
                self._writer = RunWriter.silent(self.log_dir)
            elif run is None:
                self._writer = RunWriter.open(self.log_dir, session.step + 1)
            else:
                self._writer = RunWriter.resume(self.log_dir, run.files, session.step + 1)
        session.writer = self._writer
        if session.is_chief:
            self._page = LivePage(self._writer.folder, self.log_dir)
            self._writer.add_listener(self._page)
        if self.log_to and session.is_chief:  # after the page, which they are handed when it is whole
            folder = self._writer.folder
            resumed_from: Any = {} if run is None else {"reported": run.reported, "states": run.trackers}
            self._writer.add_listener(feeds.Feeds(self.log_to, folder, os.path.join(folder, NAME), **resumed_from))
        declared = [tag for callback in session.callbacks for tag in callback.tags]
        session.record.tags += declared
        session.record.panels += [panels.of_tag(tag) for tag in declared]
        self._writer.declare(declared)

    def _state(self) -> _Memory:
        session: Session | None = getattr(self, "session", None)
        if session is None or session.writer is None or not session.is_open:
            return _Memory()
        reported = session.record_text() if self.log_to else ""
        trackers = [tracker.state() for tracker in self.log_to]
        files = self._writer.position()
        return _Memory(_Run(self._parts, session.position(), session.record, files, reported, trackers))

    def on_built(self) -> None:
        """Write what is known once the model has its weights."""
        self._note_settings()
        self.session.write_record(is_urgent=True)
        if not self._is_resumed:
            self._writer.text(tags.REPORT, settings_report(self.session), self.session.step)

    def on_telemetry(self, frames: Mapping[str, Frame], logs: dict[str, Any]) -> None:
        """Add the rows to the windows, and write those that are full."""
        series: dict[tags.Tag, Any] = {}
        for name, frame in frames.items():
            series |= {tags.of_optimizer(tag, name): rows for tag, rows in self._series_of(frame).items()}
        if self.session.losses is not None:
            series[tags.LOSS] = self.session.losses
        now = np.array([self.session.step])
        if self.session.observation is not None and frames:
            series[tags.WEIGHT_NORM] = now, np.array([self.session.observation.norm_of_weights()])
        for optimizer in self.session.optimizers.values():
            for one in getattr(optimizer, "optimizers", ()):  # of Keras's `MultiOptimizer`, which has no rate itself
                if not np.isnan(rate := keras_private.current_rate(one)):
                    series[tags.of_optimizer(tags.LEARNING_RATE, one.name)] = now, np.array([rate])
        for name, value in self._epoch_numbers.of_keras(logs).items():
            if name != "loss":
                series[tags.running(name)] = now, np.array([value])
        self._write(self._parts.windows.add(series))
        self._note(frames)

    def _note(self, frames: Mapping[str, Frame]) -> None:
        """Bring the record of the run up to date."""
        session = self.session
        if not frames.keys() <= self._parts.events.keys():  # an optimizer has made its first steps
            self._note_settings()
        for name, frame in frames.items():
            events = self._parts.events.setdefault(name, StepEvents(f"`{name}`: " if name else ""))
            self._tell(events.add(frame))
        known = session.record.hyperparameters
        if session.batch_size:
            known["batch_size"] = int(size) if (size := session.batch_size).is_integer() else size

    def _note_settings(self) -> None:
        """Put the settings in the record; which of several optimizers are used is known once they have made steps."""
        known, settings = self.session.record.hyperparameters, hyperparameters(self.session)
        for name in self._settings.keys() - settings.keys():
            del known[name]
        known |= settings
        self._settings = settings

    def _write(self, points: list[Point]) -> None:
        """Write points; running means begin with ten."""
        self._writer.points(self._parts.stubs.pass_on(points))

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self.session.event(event.kind, event.text, event.step)

    def _series_of(self, frame: Frame) -> dict[tags.Tag, Any]:
        """Return what the steps of one optimizer say."""
        series: dict[tags.Tag, Any] = {
            tags.GRADIENT_NORM: (frame.steps, frame.norm),
            tags.NONFINITE: (frame.steps, frame.nonfinite),
            tags.UPDATE_NORM: (frame.measured, frame.update),
            tags.EFFECTIVE_RATE: _effective_rate(frame),
        }
        if not np.isnan(frame.learning_rate).all():
            series[tags.LEARNING_RATE] = frame.steps, frame.learning_rate
        if self.session.has_clipping_rule:
            series[tags.GRADIENT_NORM_CLIPPED] = frame.steps, frame.clipped
            series[tags.CLIP_COEFFICIENT] = frame.steps, frame.coefficient
            series[tags.CLIPPED_SHARE] = frame.steps, frame.was_clipped.astype(float)
        series |= {tags.solver(name): (frame.steps, values) for name, values in frame.numbers.items()}
        for number, (label, factor) in enumerate(frame.group_rates.items()):
            group = tags.group_name(number, label)
            series[tags.group_rate(group)] = frame.steps, factor * frame.learning_rate
            series[tags.group_update(group)] = frame.measured, frame.groups[label]
        return series

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Write record and page of the epochs that have ended, whose end all callbacks have seen by now."""
        super().on_epoch_begin(epoch, logs)
        if epoch > self.session.batches.first_epoch:
            self.session.write_record()
            if not self._writer.failed:
                self._page.refresh()

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Read the rows of the epoch before its validation: for that, others may put averages in the model."""
        session = getattr(self, "session", None)  # there is none in `evaluate` alone
        if session is not None and session.is_open:
            session.read_epoch()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write what Keras reports of the epoch."""
        super().on_epoch_end(epoch, logs)
        step = self.session.step
        self._writer.scalars(
            step, {tags.epoch(name).name: value for name, value in self._epoch_numbers.of_keras(logs).items()}
        )

    def findings(self) -> list[str]:
        """Return why a method of section 8.6 has ended the training."""
        reason = getattr(self.session.optimizer, "stop_reason", None)
        return [reason] if reason else []

    def _summary(self) -> list[str]:
        page, live = os.path.join(self._writer.folder, NAME), f"tensorboard --logdir {_shorter(self.log_dir)}"
        where = f"Page: {_shorter(page)} (live: {live})" if os.path.exists(page) else f"Curves: {live}"
        told = {verdict.kind for verdict in self.session.record.verdicts if verdict.level != "ok"}
        is_fault = bool(getattr(self.session.optimizer, "fault_of_loss", ""))
        is_said = is_fault and not told.isdisjoint(rule.kind for rule in table.SOLVER)  # by a verdict
        reasons = [] if is_said else self.findings()
        return [line for reason in reasons for line in fitted(reason, 4)] + [where]

    def on_close(self) -> None:
        """Write the last window and the report."""
        self._write(self._parts.windows.flush())
        for events in self._parts.events.values():
            self._tell(events.end())
        findings = "".join(f"- {sentence}\n" for sentence in self.session.findings())
        steps = f"Steps {self._parts.first_step} to {self.session.step}.\n\n{findings}"
        self._writer.text(tags.REPORT, steps, self.session.step)


def _shorter(path: str) -> str:
    """Return a path as seen from the working directory, if that is shorter."""
    with contextlib.suppress(ValueError):  # another drive
        return min(path, os.path.relpath(path), key=len)
    return path


def _effective_rate(frame: Frame) -> tuple[np.ndarray, ...]:
    """Return steps, median and the two other quantiles, of the steps at which a sampled parameter has a gradient."""
    some = ~np.isnan(frame.rates[:, 1])
    return tuple(x[some] for x in (frame.measured, *frame.rates.T[[1, 0, 2]]))

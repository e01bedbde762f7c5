"""One training of one model, observed by all callbacks of the suite together."""

import enum
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import keras
import numpy as np

from .. import clipping
from .._types import Data, Logs
from ..board import tags
from ..board.record import Event, Record
from ..integration import backend, fit, keras_private, registry
from ..telemetry.frame import Frame
from ._terminal import Terminal

if TYPE_CHECKING:
    from ..board.writer import RunWriter
if backend.is_tensorflow():
    from ..telemetry.observation import Observation
    from ..telemetry.recorder import Wishes
    from ..telemetry.ring import rows_for

STATE = {"step": int, "epoch": int, "of_epoch": int, "batch_size": (None, float), "columns": {str: [str]}}
"""What the state of a session is made of: see `_states`."""
READ_EVERY = 500
"""Batches after which the telemetry is read, or READ_SECONDS, whichever comes first."""
READ_SECONDS = 1.0
"""Also what a process that is killed may lose of the curves."""
LINES = 8
"""Lines of the summary when a training ends, at most."""
FIRST, SECOND, THIRD, LAST = range(4)
"""Places in the summary: what is wrong, why the training was stopped, what else there is to say, and where to look."""


class Member(Protocol):
    """What the session knows of a callback: see `Callback`, which says what each attribute and hook is."""

    model: Any
    observes_steps: bool
    measure_every: int | None
    observes_layers: bool
    tags: ClassVar[Sequence[tags.Tag]]
    logs: bool | Sequence[str]
    _needs_fit: bool
    _asks_for_summary: bool
    _place_in_summary: int

    def on_open(self) -> None: ...
    def on_built(self) -> None: ...
    def on_telemetry(self, frames: Mapping[str, Frame], logs: Logs) -> None: ...
    def on_close(self) -> None: ...
    def findings(self) -> list[str]: ...
    def _summary(self) -> list[str]: ...


class State(enum.Enum):
    """How far a session has come."""

    JOINED = "joined"
    OPEN = "open"
    """The training runs; the model may have no weights before its first batch."""
    BUILT = "built"
    """The model has its weights."""
    CLOSED = "closed"


class _Count(NamedTuple):
    """How many batches a model had been trained on, and how many its optimizer had counted."""

    trained: int
    counted: int


class Progress:
    """On how many batches a model has been trained, over all its trainings: the x axis of every curve."""

    def __init__(self, training: fit.Training) -> None:
        self._training = training
        self.step = self.first_epoch = 0
        self.epoch = self.batches_before = 0
        """The running epoch, counted from 0, and the batches of it that were made before this training entered it."""
        self._resumed: tuple[int, int] | None = None
        self._steps_per_epoch: int | None = None
        self._begun = self._epoch_begun = _Count(0, 0)

    def begin(self, epoch: int, steps_per_epoch: int | None) -> None:
        """Begin with this epoch; of one whose length is not known the steps are None."""
        self.first_epoch, self._steps_per_epoch = epoch, steps_per_epoch
        self.epoch, self.batches_before = epoch, self._training.first_batch
        self.step = fit.batches_trained(self._training, epoch, steps_per_epoch)
        self._begun = self._now()

    def epoch_begins(self, epoch: int) -> None:
        """Count the batches of an epoch from here; each member says that it begins."""
        self._epoch_begun = self._now()
        if self._resumed is not None or epoch != self.epoch:
            of_epoch = self._resumed[1] if self._resumed is not None and self._resumed[0] == epoch else 0
            self.epoch, self.batches_before, self._resumed = epoch, of_epoch, None

    @property
    def of_epoch(self) -> int:
        """The batches of the running epoch so far, also those that were made before this training entered it."""
        return self.batches_before + self.step - self._epoch_begun.trained

    def resume(self, step: int, epoch: int, of_epoch: int) -> None:
        """Go on at this step, after so many batches of this epoch: to be called while the session opens."""
        self.step, self._resumed = step, (epoch, of_epoch)
        self._begun = self._now()

    def batch_ended(self, batch: int) -> int:
        """Count on to the end of a batch of this epoch; return how many batches that were."""
        last, steps = self.step, self._steps_per_epoch if self._training.is_fit else None
        made = self.made(batch if steps is None else min(batch, steps - 1))
        self.step = self._epoch_begun.trained + made + 1
        return self.step - last

    def made(self, batch: int) -> int:
        """Return the number of a batch of the epoch among those that this training makes, counted from 0."""
        return batch - (self._training.first_batch if self.epoch == self.first_epoch else 0)

    def correct(self) -> None:
        """Count back the batches that there were not.

        Where the length of an epoch is not known, Keras rounds the last execution up; the optimizer knows better.
        """
        at_once = self._training.model.steps_per_execution
        if self._steps_per_epoch is None and at_once > 1:
            step = self._epoch_begun.trained + self._now().counted - self._epoch_begun.counted
            if self.step - at_once < step < self.step:
                self.step = step

    def remember(self) -> None:
        """Remember how far the model is, for its next training."""
        fit.remember_batches(self._training, self.step, *self.pace)

    @property
    def pace(self) -> tuple[int, int]:
        """Batches that this training has brought so far, and how many the optimizer has counted for them."""
        now, begun = self._now(), self._begun
        return now.trained - begun.trained, now.counted - begun.counted

    def _now(self) -> _Count:
        return _Count(self.step, fit.batches_counted(self._training))


class Reading:
    """When the rings are read: after READ_EVERY batches, so that no row is lost, or READ_SECONDS."""

    def __init__(self, by_clock: bool = True) -> None:
        self._by_clock = by_clock
        """Whether READ_SECONDS count: several workers have to read at the same steps, since they do it together."""
        self.pending = 0
        """Batches since the last time."""
        self.every: int | None = None
        """Batches after which the rings are full; None before the first ones have come."""
        self.restart()

    @property
    def is_due(self) -> bool:
        """Whether it is time."""
        return self.pending >= (self.every or 1) or (self._by_clock and time.monotonic() > self._next)

    def restart(self) -> None:
        """Wait for the next time from here."""
        self.pending, self._next = 0, time.monotonic() + READ_SECONDS

    def until_due(self, pace: float) -> int:
        """Return after how many more batches it is time, where `pace` of them come in a second."""
        return max(1, int(min((self.every or 1) - self.pending, pace * READ_SECONDS)))


class Session:
    """Joined by every callback at the beginning of `fit`, opened at the first epoch, closed at the end of `fit`.

    It lets the optimizers leave their rows (see telemetry.observation), reads them every READ_EVERY batches and hands
    them to every callback. Everything that it replaces is given back when the training ends, even after an error: so
    does `exits` of the training (see integration.fit).
    """

    def __init__(self, training: fit.Training) -> None:
        self.training, self.model = training, training.model
        self.members: list[Member] = []
        self.params: dict[str, Any] = {}
        self.writer: RunWriter | None = None
        self.record = Record()
        """What is known of the training beside its curves; members put in what they know."""
        self.before_record: list[Callable[[], None]] = []
        """Called before the record is written, to put in what is known by then."""
        self.batch_size: float | None = None
        """Examples of the first batch; None before it, and where the training does not tell."""
        self.terminal = Terminal()
        self.rule: clipping.Rule | None = None
        self.rule_state: Mapping[str, Mapping[str, np.ndarray]] = {}
        """What the rule goes on from, for each optimizer by its name."""
        self.gate: Any = None
        """What lets the steps of the optimizer through, or not (see telemetry.gate): the step is traced with it."""
        self.after_step: list[Callable[[Any], None]] = []
        """Called inside each training step with a boolean tensor: whether an optimizer has made an update."""
        self.numbers: dict[str, float] = {}
        """What the suite has measured in this epoch, by name, whether or not it joins Keras's `logs`."""
        self._own_names: set[str] = set()
        self._columns: dict[int, tuple[str, ...]] = {}
        """Of each member the names that it puts into Keras's `logs`: the same in every epoch."""
        self.losses: tuple[np.ndarray, np.ndarray] | None = None
        """Steps and losses of the minibatches since the last time; None where the training does not tell them."""
        self.read_losses: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None
        """Where a loop of one's own has its losses; None for what the optimizers were told."""
        self.observation: Observation | None = None
        strategy = getattr(training.model, "distribute_strategy", None)
        self.reading = Reading(by_clock=backend.workers(strategy) == 1)
        self._progress = Progress(training)
        self._state = State.JOINED
        self._observing = ExitStack()
        """Gives the optimizers and the model back."""
        self._closing = ExitStack()
        """Closes the members that were opened, the last first, and then the run of TensorBoard."""

    @classmethod
    def join(cls, callback: Member) -> "Session":
        """Return the session of the training that has begun to call a callback, with one more member."""
        training = fit.running_training(callback.model)
        if training is None:  # somebody else drives a list of callbacks
            training = fit.Training(callback.model, {}, [callback])
            if callback.observes_steps or callback._needs_fit:
                warnings.warn(
                    f"`{type(callback).__name__}` sees the steps of `Model.fit`, and something else is training here: "
                    "it goes on without them. In a loop of your own use `with keras_ch8.watch(...)`.",
                    RuntimeWarning,
                    stacklevel=4,
                )
        if training.session is None:
            training.session = cls(training)
        session: Session = training.session
        if callback not in session.members:
            session.members.append(callback)
        return session

    @property
    def step(self) -> int:
        """The batches that the model has been trained on, over all its trainings: the x axis of every curve."""
        return self._progress.step

    @property
    def batches_before(self) -> int:
        """Batches of the running epoch that were made before this training entered it, after an interruption."""
        return self._progress.batches_before

    @property
    def batches_of_epoch(self) -> int:
        """The batches of the running epoch so far, also those that were made before this training entered it."""
        return self._progress.of_epoch

    @property
    def first_epoch(self) -> int:
        """The first epoch of this training, counted from 0."""
        return self._progress.first_epoch

    @property
    def pace(self) -> tuple[int, int]:
        """Batches that this training has brought so far, and how many the optimizer has counted for them."""
        return self._progress.pace

    @property
    def is_chief(self) -> bool:
        """Whether this process writes: of several workers that train together, only one does."""
        return backend.is_chief(self.model.distribute_strategy)

    @property
    def is_open(self) -> bool:
        """Whether the training runs."""
        return self._state in (State.OPEN, State.BUILT)

    @property
    def is_built(self) -> bool:
        """Whether the model has its weights."""
        return self._state is State.BUILT

    @property
    def optimizer(self) -> Any:
        """The optimizer that the model is compiled with: inside the one that scales the loss, if there is one."""
        return keras_private.unscaled(getattr(self.model, "optimizer", None))

    @property
    def optimizers(self) -> dict[str, Any]:
        """The optimizers that are observed: those of the model by the name of the attribute, or of a loop as given."""
        given = self.training.optimizers
        return keras_private.optimizers_of(self.model) if given is None else given

    @property
    def iterations_per_step(self) -> int:
        """Updates that the optimizer makes in a training step: several, where it is given the loss and asked for it."""
        return getattr(self.optimizer, "iterations_per_step", 1)

    @property
    def has_clipping_rule(self) -> bool:
        """Whether a rule is in force that may clip, so that the numbers of clipping say anything."""
        rules = (self.rule, *(getattr(o, "clipping_rule", None) for o in self.optimizers.values()))
        return any(rule is not None for rule in rules)

    # --- what a member's state needs of it ----------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return what `resume` goes on from: part of the state of every member that needs it."""
        places = {id(member): place for place, member in enumerate(self.members)}
        columns = {str(places[member]): list(names) for member, names in self._columns.items() if member in places}
        now = {"step": self.step, "epoch": self._progress.epoch, "of_epoch": self._progress.of_epoch}
        return {**now, "batch_size": self.batch_size, "columns": columns}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` has returned: to be called in `on_open`; a second call changes nothing."""
        self._progress.resume(state["step"], state["epoch"], state["of_epoch"])
        self.batch_size = state["batch_size"]
        for place, names in state["columns"].items():
            if int(place) < len(self.members):
                self._columns[id(self.members[int(place)])] = tuple(names)

    # --- the training, as the first member is told of it -------------------------------------------------------------

    def epoch_begins(self, params: Mapping[str, Any] | None, epoch: int) -> None:
        """Open the session at the first epoch: by now every callback has joined."""
        if self._state is State.JOINED:
            self.params = {"steps": None, "epochs": epoch + 1, "verbose": 2} | dict(params or {})
            self._progress.begin(epoch, self.params["steps"])
            self.terminal.begin(self.params["verbose"])
            self._open()
        self._progress.epoch_begins(epoch)
        self.terminal.epoch_begins()
        self.numbers = {}

    def _open(self) -> None:
        self._state = State.OPEN
        self.training.exits.callback(self._progress.remember)
        self.training.exits.callback(self._close)
        self._closing.callback(self._summarize)
        self._closing.callback(self._close_writer)
        for member in self.members:
            member.on_open()
            self._closing.callback(member.on_close)
        self._observe()
        self.training.begin_to_read(self.params["steps"])
        self.reading.restart()
        if self.model.built:
            self._built()

    def _built(self) -> None:
        self._state = State.BUILT
        for member in self.members:
            member.on_built()

    def _observe(self) -> None:
        """Train with a step in which the optimizers are observed and `after_step` is called, where anybody asks."""
        observes = any(member.observes_steps for member in self.members)
        if self.training not in fit.running() or not (observes or self.after_step or self.gate):
            return
        model, exits = self.model, self._observing
        self.training.exits.enter_context(exits)
        wishes = self._wishes() if observes else None
        with model.distribute_strategy.scope():
            if self.training.is_fit:
                keras_private.build_optimizer(model)  # otherwise the first step would, and be traced twice for it
            if not backend.replicated():
                for given in self.optimizers.values():
                    for each in keras_private.optimizers_in(given):
                        exits.enter_context(registry.replaced(each, **keras_private.without_all_reduce(each)))
            if wishes is not None:
                self.observation = self._kept_observation() or Observation(model, self.optimizers, self.rule)
                self.observation.set_rule_state(self.rule_state)
                self.rule_state = {}
                self.observation.start(model, self.step, wishes, exits)
        if self.after_step:
            exits.enter_context(registry.replaced(model, train_step=self._train_step(model.train_step)))
        if self.training.is_fit:
            key = (self.observation, wishes, self.gate, *self.after_step)
            fit.use_train_function(model, key, self.observation, exits)

    def _wishes(self) -> "Wishes":
        """Return what the members together ask of every step."""
        rows = rows_for(READ_EVERY + self.model.steps_per_execution)
        every = min([m.measure_every for m in self.members if m.measure_every], default=0)
        return Wishes(rows, every, any(m.observes_layers for m in self.members))

    def _kept_observation(self) -> "Observation | None":
        """Return the observation that the last `fit` has kept, if it is of the same optimizers and rule."""
        kept = fit.kept_with(self.model.train_function)[2] if self.training.is_fit else None
        return kept if kept is not None and kept.serves(self.optimizers, self.rule) else None

    def _train_step(self, theirs: Callable[[Any], Any]) -> Callable[[Any], Any]:
        model, after_step = self.model, list(self.after_step)

        def train_step(data: Data) -> Any:
            before = _updates(model)
            logs = theirs(data)
            moved = _updates(model) != before
            for follow in after_step:
                follow(moved)
            return logs

        return train_step

    def switch(self, change: Callable[[], None]) -> None:
        """Let `change` replace the optimizer, and observe the new one."""
        self.read()
        self._observing.close()
        self.observation = None
        change()
        self._observing = ExitStack()
        self._observe()

    def batch_ended(self, member: Member, batch: int, logs: Logs | None) -> None:
        """Count batches, and read when there are enough; the first member's call counts."""
        if member is not self.members[0] or not self.is_open:
            return
        brought = self._progress.batch_ended(batch)
        self.reading.pending += brought
        self.terminal.batch_ended()
        if self._state is State.OPEN:  # the first batch has made the weights
            self._built()
        if self.reading.every is None:
            self.reading.every = self._batches_that_fit(brought)
            if self.batch_size is None:
                so_far = brought + self.training.first_batch
                self.batch_size = keras_private.examples_seen(self.model) / max(1, so_far) or None
        if self.reading.is_due:
            self.read(logs)
            self.write_record()

    def _batches_that_fit(self, batches: int) -> int:
        """Return after how many batches the rings have to be read, given how many steps the first batches brought."""
        if self.observation is None:
            return READ_EVERY
        steps_per_batch = self.observation.most_steps / max(1, batches) / self.iterations_per_step
        return max(1, int(READ_EVERY / max(1.0, steps_per_batch)))

    # --- what the members ask for ------------------------------------------------------------------------------------

    def read(self, logs: Logs | None = None) -> None:
        """Hand the rows of the steps since the last time to all members; `logs` is what Keras reports after a batch."""
        if not self.reading.pending:
            return
        self._progress.correct()
        self.reading.restart()
        frames = {} if self.observation is None else self.observation.read(self.step)
        if self.read_losses is not None:
            self.losses = self.read_losses()
        else:
            told = ((frame.steps, frame.loss) for frame in frames.values() if frame.loss is not None)
            self.losses = next(told, None)
        for member in self.members:
            member.on_telemetry(frames, logs or {})

    def log(self, member: Member, logs: Logs | None, values: Mapping[str, float]) -> None:
        """Take what a member has measured in this epoch: it can be monitored, and joins `logs` where that is asked for.

        NaN is nothing measured. A column of `logs` has a number or NaN for every epoch, so that all of History are of
        one length: the columns are those that are listed, or those that the first epoch has measured. What validation
        measures ("val_...") is there in the epochs that were validated, as Keras's own is.
        """
        measured = {name: float(value) for name, value in values.items() if not np.isnan(value)}
        self.numbers |= measured
        self._own_names |= values.keys()
        asked = member.logs if isinstance(member.logs, Sequence) else measured if member.logs else ()
        columns = self._columns.setdefault(id(member), tuple(asked))
        if logs is not None:
            absent = {name: np.nan for name in columns if not name.startswith("val_")}
            logs.update(absent | {name: measured[name] for name in columns if name in measured})
            logs.update({name: value for name, value in measured.items() if name in self._monitored_by_others})

    def report(self, member: Member, logs: Logs | None, values: Mapping[str, float]) -> None:
        """Do as `log` does, and draw the numbers in the run of TensorBoard beside Keras's own."""
        self.log(member, logs, values)
        self.show({tags.epoch(name): value for name, value in values.items() if not np.isnan(value)})

    def numbers_of_keras(self, logs: Mapping[str, Any] | None) -> dict[str, float]:
        """Return what is a number in `logs` and does not come from the suite."""
        return {name: value for name, value in numbers_in(logs or {}).items() if name not in self._own_names}

    def reported(self, logs: Mapping[str, Any] | None) -> dict[str, float]:
        """Return all that was measured in this epoch, by Keras and by the suite: what can be monitored."""
        return self.numbers_of_keras(logs) | self.numbers

    @property
    def _monitored_by_others(self) -> set[str]:
        """What callbacks that are not of the suite monitor: they find it in `logs` only."""
        others = [callback for callback in self.training.callbacks if callback not in self.members]
        return {name for callback in others if isinstance(name := getattr(callback, "monitor", None), str)}

    def show(self, values: Mapping[tags.Tag, float]) -> None:
        """Write numbers at this step, if there is a run of TensorBoard."""
        if self.writer is not None:
            self.writer.scalars(self.step, {tag.name: value for tag, value in values.items()})

    def event(self, kind: str, text: str, step: int | None = None) -> None:
        """Remember that something happened, at this step unless another is given: see `board.record.Event`."""
        self.record.events.add(Event(self.step if step is None else step, kind, text))

    def write_record(self, is_urgent: bool = False) -> None:
        """Write what is known by now, if there is a run of TensorBoard, and the last record is not too new for that."""
        if self.writer is not None and (is_urgent or self.record.is_due()):
            self.writer.record(self.record_text, self.step)

    def record_text(self) -> str:
        """Return the record as JSON, with what is known by now."""
        for bring_up_to_date in self.before_record:
            bring_up_to_date()
        return self.record.text(self.step)

    def say(self, *sentences: str) -> None:
        """Tell the user, without tearing Keras's progress bar."""
        self.terminal.say(*sentences)

    def findings(self) -> list[str]:
        """Return what all members have found."""
        return [sentence for member in self.members for sentence in member.findings()]

    def leave(self, member: Member) -> None:
        """Close with the last member where no `fit` does it."""
        if self.training not in fit.running() and member is self.members[-1]:
            self.training.exits.close()

    def _close(self) -> None:
        """Read the last rows, and let the members finish, even after an error."""
        self._state = State.CLOSED
        with self._closing:
            self.read()

    def _summarize(self) -> None:
        """Print in a few lines how the training went, for all members together, where one of them asks for it."""
        if any(member._asks_for_summary for member in self.members) and not self.terminal.is_quiet:
            members = sorted(self.members, key=lambda member: member._place_in_summary)
            lines = [(member._place_in_summary, line) for member in members for line in member._summary()]
            last = [line for place, line in lines if place == LAST]
            others = [line for place, line in lines if place != LAST]
            self.say(*others[: LINES - len(last)], *last)
        self.terminal.close(self.training.has_died)

    def _close_writer(self) -> None:
        self.record.ended = True
        self.write_record(is_urgent=True)
        if self.writer is not None:
            self.writer.close()


def _updates(model: keras.Model) -> Any:
    """Return how many updates the optimizers of a model have made, those that were skipped left out."""
    total = 0
    for optimizer in keras_private.optimizers_of(model).values():
        for mover in keras_private.movers_in(optimizer):
            total = total + backend.as_tensor(mover.iterations)
            skipped = getattr(mover, "skipped", None)
            total = total if skipped is None else total - backend.as_tensor(skipped)
    return total


def numbers_in(logs: Mapping[str, Any]) -> dict[str, float]:
    """Return what is a single number, also one in an array, as F1 of one output is."""
    found = {}
    for name, value in logs.items():
        with suppress(TypeError, ValueError):
            if np.size(value) == 1:
                found[name] = float(np.asarray(value).item())
    return found

"""One training of one model, observed by all callbacks of the suite together."""

import enum
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from .. import clipping
from .._types import Logs
from ..board import tags
from ..integration import backend, fit, keras_private, registry
from ..telemetry.frame import Frame

if TYPE_CHECKING:
    from ..board.writer import RunWriter
if backend.is_tensorflow():
    from ..telemetry.observation import Observation

READ_EVERY = 500
"""Batches after which the telemetry is read, or READ_SECONDS, whichever comes first."""
READ_SECONDS = 5.0


def rows_for(batches: int) -> int:
    """Return the rows of a ring that is read after READ_EVERY batches, of which so many come at once."""
    return 1 << (READ_EVERY + batches - 1).bit_length()


class Member(Protocol):
    """What the session knows of a callback: see `AbstractCallback`, which says what each attribute and hook is."""

    model: Any
    observes_steps: bool
    measure_every: int | None
    observes_layers: bool
    tags: ClassVar[Sequence[tags.Tag]]
    _needs_fit: bool
    _shows_clipping: bool

    def on_open(self) -> None: ...
    def on_built(self) -> None: ...
    def on_telemetry(self, frames: Mapping[str, Frame], logs: Logs) -> None: ...
    def on_close(self) -> None: ...
    def findings(self) -> list[str]: ...


class State(enum.Enum):
    """How far a session has come."""

    JOINED = "joined"
    OPEN = "open"
    """The training runs; the model may have no weights before its first batch."""
    BUILT = "built"
    """The model has its weights."""
    CLOSED = "closed"


class Session:
    """Joined by every callback at the beginning of `fit`, opened at the first epoch, closed at the end of `fit`.

    It lets the optimizers leave their rows (see _observation), reads them every READ_EVERY batches and hands them to
    every callback. Everything that it replaces is given back when the training ends, whoever raises: so does `exits` of
    the training (see integration.fit).
    """

    def __init__(self, training: fit.Training) -> None:
        self.training, self.model = training, training.model
        self.members: list[Member] = []
        self.params: dict[str, Any] = {}
        self.writer: RunWriter | None = None
        self.rule: clipping.Rule | None = None
        self.after_step: list[Callable[[Any], None]] = []
        """Called inside each training step with a boolean tensor: whether an optimizer has made an update."""
        self.own_logs: set[str] = set()
        self.losses: tuple[np.ndarray, np.ndarray] | None = None
        """Steps and losses of the minibatches since the last time; None where the training does not tell them."""
        self.read_losses: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None
        """Where a loop of one's own has its losses; None for what the optimizers were told."""
        self.first_epoch = 0
        self.step = 0
        """The batches that the model has been trained on, over all its trainings: the x axis of every curve."""
        self.observation: Observation | None = None
        self._state = State.JOINED
        self._opened: list[Member] = []
        self._watching = ExitStack()
        self._begun_at = self._counted_at = 0
        self._pending = self._before_epoch = self._counted_before_epoch = 0
        self._read_every: int | None = None
        self._next_read = 0.0

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
            training.exits.callback(training.session.remember)
            training.exits.callback(training.session.close)
        session: Session = training.session
        if callback not in session.members:
            session.members.append(callback)
        return session

    def until_read(self, pace: float) -> int:
        """Return after how many more batches the telemetry is read, where `pace` of them come in a second."""
        return max(1, int(min((self._read_every or 1) - self._pending, pace * READ_SECONDS)))

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
    def shows_clipping(self) -> bool:
        """Whether the curves of clipping say anything: a rule is in force, or a member asks for them."""
        rules = (self.rule, *(getattr(o, "clipping_rule", None) for o in self.optimizers.values()))
        return any(rule is not None for rule in rules) or any(member._shows_clipping for member in self.members)

    # --- the training, as the first member is told of it -------------------------------------------------------------

    def epoch_begins(self, params: Mapping[str, Any] | None, epoch: int) -> None:
        """Open the session at the first epoch: by now every callback has joined."""
        if self._state is State.JOINED:
            self.params = {"steps": None, "epochs": epoch + 1} | dict(params or {})
            self.first_epoch = epoch
            self._begun_at = self.step = fit.batches_trained(self.training, epoch, self.params["steps"])
            self._counted_at = fit.batches_counted(self.training)
            self._open()
        self._before_epoch, self._counted_before_epoch = self.step, fit.batches_counted(self.training)

    def remember(self) -> None:
        """Remember how far the model is, for its next training."""
        if self._opened:
            counted = fit.batches_counted(self.training) - self._counted_at
            fit.remember_batches(self.training, self.step, self.step - self._begun_at, counted)

    def _open(self) -> None:
        self._state = State.OPEN
        for member in self.members:
            member.on_open()
            self._opened.append(member)
        self._observe()
        self.training.begin_to_read(self.params["steps"])
        self._next_read = time.monotonic() + READ_SECONDS
        if self.model.built:
            self._built()

    def _built(self) -> None:
        self._state = State.BUILT
        for member in self.members:
            member.on_built()

    def _observe(self) -> None:
        """Train with a step in which the optimizers are observed and `after_step` is called, where anybody asks."""
        listens = any(member.observes_steps for member in self.members)
        if self.training not in fit.running() or not (listens or self.after_step):
            return
        model, exits = self.model, self._watching
        self.training.exits.enter_context(exits)
        wishes: Any = None
        with model.distribute_strategy.scope():
            if self.training.is_fit:
                keras_private.build_optimizer(model)  # otherwise the first step would, and be traced twice for it
            if not backend.replicated():
                for given in self.optimizers.values():
                    for each in keras_private.optimizers_in(given):
                        exits.enter_context(registry.replaced(each, **keras_private.without_all_reduce(each)))
            if listens:
                every = min([m.measure_every for m in self.members if m.measure_every], default=0)
                rows = rows_for(model.steps_per_execution)
                wishes = rows, every, any(m.observes_layers for m in self.members)
                self.observation = self._observation()
                self.observation.start(model, batches=self.step, rows=rows, every=every, layers=wishes[2], exits=exits)
        if self.after_step:
            exits.enter_context(registry.replaced(model, train_step=self._train_step(model.train_step)))
        if self.training.is_fit:
            key = (self.observation, wishes, *self.after_step)
            fit.use_train_function(model, key, self.observation, exits)

    def _observation(self) -> "Observation":
        """Return the observation that the last `fit` has kept, or a new one."""
        kept = fit.kept_with(self.model.train_function)[2] if self.training.is_fit else None
        if kept is not None and kept.serves(self.optimizers, self.rule):
            return kept
        return Observation(self.model, self.optimizers, self.rule)

    def _train_step(self, theirs: Callable[[Any], Any]) -> Callable[[Any], Any]:
        model, after_step = self.model, list(self.after_step)

        def train_step(data: Any) -> Any:
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
        self._watching.close()
        self.observation = None
        change()
        self._watching = ExitStack()
        self._observe()

    def batch_ended(self, member: Member, batch: int, logs: Any) -> None:
        """Count batches, and read when there are enough; the first member's call counts."""
        if member is not self.members[0] or not self.is_open:
            return
        last, steps = self.step, self.params["steps"] if self.training.is_fit else None
        self.step = self._before_epoch + (batch + 1 if steps is None else min(batch + 1, steps))
        self._pending += self.step - last
        if self._state is State.OPEN:  # the first batch has made the weights
            self._built()
        if self._read_every is None:
            self._read_every = self._batches_that_fit(self.step - last)
        if self._pending >= self._read_every or time.monotonic() > self._next_read:
            self.read(logs)

    def _batches_that_fit(self, batches: int) -> int:
        """Return after how many batches the rings have to be read, given how many steps the first batches brought."""
        if self.observation is None:
            return READ_EVERY
        steps_per_batch = self.observation.most_steps / max(1, batches) / self.iterations_per_step
        return max(1, int(READ_EVERY / max(1.0, steps_per_batch)))

    def _correct(self) -> None:
        """Where the length of an epoch is not known, Keras rounds the last execution up; the optimizer knows better."""
        k = self.model.steps_per_execution
        if self.params["steps"] is None and k > 1:
            counted = self._before_epoch + fit.batches_counted(self.training) - self._counted_before_epoch
            if self.step - k < counted < self.step:
                self._pending -= self.step - counted
                self.step = counted

    # --- what the members ask for ------------------------------------------------------------------------------------

    def read(self, logs: Logs | None = None) -> None:
        """Hand the rows of the steps since the last time to all members; `logs` is what Keras reports after a batch."""
        if not self._pending:
            return
        self._correct()
        self._pending, self._next_read = 0, time.monotonic() + READ_SECONDS
        frames = {} if self.observation is None else self.observation.read(self.step)
        if self.read_losses is not None:
            self.losses = self.read_losses()
        else:
            told = ((frame.steps, frame.loss) for frame in frames.values() if frame.loss is not None)
            self.losses = next(told, None)
        for member in self.members:
            member.on_telemetry(frames, logs or {})

    def log(self, logs: Logs | None, values: Mapping[str, float]) -> None:
        """Put numbers into Keras's `logs`, for History, CSVLogger and the like."""
        self.own_logs.update(values)
        if logs is not None:
            logs.update(values)

    def report(self, logs: Logs | None, values: Mapping[str, float]) -> None:
        """Put numbers of an epoch into Keras's `logs`, and beside Keras's own into the run of TensorBoard."""
        self.log(logs, values)
        self.show({tags.epoch(name): value for name, value in values.items()})

    def show(self, values: Mapping[tags.Tag, float]) -> None:
        """Write numbers at this step, if there is a run of TensorBoard."""
        if self.writer is not None:
            self.writer.scalars(self.step, {tag.name: value for tag, value in values.items()})

    def findings(self) -> list[str]:
        """Return what all members have found."""
        return [sentence for member in self.members for sentence in member.findings()]

    def leave(self, member: Member) -> None:
        """Close with the last member where no `fit` does it."""
        if self.training not in fit.running() and member is self.members[-1]:
            self.training.exits.close()

    def close(self) -> None:
        """Read the last rows, give the model back as it was, and let the members finish."""
        was_open, self._state = self.is_open, State.CLOSED
        if not was_open:
            return
        with ExitStack() as finishing:  # all of it, whoever raises
            if self.writer is not None:
                finishing.callback(self.writer.close)
            for member in reversed(self._opened):
                finishing.callback(member.on_close)
            self.read()


def _updates(model: Any) -> Any:
    """Return how many updates the optimizers of a model have made, those that were skipped left out."""
    total = 0
    for optimizer in keras_private.optimizers_of(model).values():
        for mover in keras_private.movers_in(optimizer):
            total = total + backend.as_tensor(mover.iterations)
            skipped = getattr(mover, "skipped", None)
            total = total if skipped is None else total - backend.as_tensor(skipped)
    return total

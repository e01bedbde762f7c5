"""One training of one model, observed by all callbacks of the suite together."""

import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ... import _net
from ..._types import Logs, Tensor
from ...board import tags
from ...board.record import Event, Record, Stopping
from ...checkpoints import callback_states
from ...clipping.rule import ClippingRule
from ...integration import backend, fit, keras_private
from .batch_counter import BatchCounter, Reading
from .shown import FIRST as FIRST
from .shown import LAST, EpochNumbers, Terminal

if TYPE_CHECKING:
    from ...board.writer import RunWriter
if backend.is_tensorflow():
    from ...telemetry.observation import Observation
    from . import observing

LINES = 8
"""Lines of the summary when a training ends, at most."""


class SessionPosition(NamedTuple):
    """How far a training is: part of the state of every callback that needs it.

    Args:
        step: The batches that the model has been trained on.
        origin: The epoch with which it began.
        epoch: The running epoch.
        of_epoch: Its batches so far.
        batch_size: Examples of a batch, on average; None where it is not known.
        columns: The numbers that each callback logs, by its place in the list.
    """

    step: int
    origin: int
    epoch: int
    of_epoch: int
    batch_size: float | None
    columns: dict[str, list[str]]


class Session:
    """Joined by every callback at the beginning of `fit`, opened at the first epoch, closed at the end of `fit`.

    It lets the optimizers leave their rows (see telemetry.observation), reads them every 500 batches or second (see
    `batch_counter`) and hands them to every callback. Everything that it replaces is given back when the training ends,
    even after an error: so does `exits` of the training (see integration.fit).
    """

    def __init__(self, training: fit.Training) -> None:
        self.training, self.model = training, training.model
        self.callbacks: list[Any] = []
        """Those of the suite that see the steps (see `Callback`), in the order in which they have joined."""
        self._lost: list[Any] = []
        """Those of them that only watch, and have failed: they are not called any more."""
        self._writing = _net.Net("What the callbacks write together")
        self._observing_net = _net.Net(_net.STEPS)
        self._leader: Any = None
        """The callback whose batches are counted, while the training runs."""
        self.params: dict[str, Any] = {}
        self.writer: RunWriter | None = None
        self.record = Record()
        """What is known of the training beside its curves; callbacks put in what they know."""
        self._before_record: list[Callable[[], None]] = []
        self.batch_size: float | None = None
        """Examples of the first batch; None before it, and where that is not known."""
        self.terminal = Terminal()
        self.rule: ClippingRule | None = None
        self.rule_state: Mapping[str, Mapping[str, np.ndarray]] = {}
        """What the rule goes on from, for each optimizer by its name."""
        self.judge: Callable[[Tensor, Tensor | None, Tensor], Tensor] | None = None
        """Says which steps the optimizer is to take (see telemetry.observation); None for all."""
        self.after_step: list[Callable[[Any], None]] = []
        """Called inside each training step with a boolean tensor: whether an optimizer has made an update."""
        self.numbers = EpochNumbers.of(training)
        self.losses: tuple[np.ndarray, np.ndarray] | None = None
        """Steps and losses of the minibatches since the last time; None where they are not known."""
        self.read_losses: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None
        """Where a loop of one's own has its losses; None for what the optimizers have recorded."""
        self.observation: Observation | None = None
        strategy = getattr(training.model, "distribute_strategy", None)
        self.reading = Reading(by_clock=backend.workers(strategy) == 1)
        self.batches = BatchCounter(training)
        """How far the training is."""
        self.is_open = False
        """Whether the training runs."""
        self.is_built = False
        """Whether it runs, and the model has its weights, which it may have not before its first batch."""
        self._has_opened = False
        self._observing = ExitStack()
        """Gives the optimizers and the model back."""
        self._closing = ExitStack()
        """Closes the callbacks that were opened, the last first, and then the run of TensorBoard."""

    @classmethod
    def join(cls, callback: Any) -> "Session":
        """Return the session of the training that has begun to call a callback, with one more callback."""
        training = callback.training
        if training not in fit.running():  # somebody else drives a list of callbacks
            training.spread_net(callback)
            if (callback.observes_steps or callback._needs_fit) and not (callback.watches and _net.off()):
                warnings.warn(
                    f"`{type(callback).__name__}` sees only the steps of `Model.fit`, but something else is training "
                    "here. In a loop of your own, use `with keras_ch8.Doctor().watch(model)`.",
                    RuntimeWarning,
                    stacklevel=4,
                )
        if training.session is None:
            training.session = cls(training)
        session: Session = training.session
        if callback not in session.callbacks:
            session.callbacks.append(callback)
        return session

    @property
    def step(self) -> int:
        """The batches that the model has been trained on, over all its trainings: the x axis of every curve."""
        return self.batches.step

    @property
    def is_chief(self) -> bool:
        """Whether this process writes: of several workers that train together, only one does."""
        return backend.is_chief(self.model.distribute_strategy)

    @property
    def optimizer(self) -> Any:
        """The optimizer that the model is compiled with: inside the one that scales the loss, if there is one."""
        return keras_private.unscaled(getattr(self.model, "optimizer", None))

    @property
    def optimizers(self) -> dict[str, Any]:
        """The optimizers that are observed: those of the model by the name of the attribute, or of a loop as given."""
        if self.observation is not None:
            return self.observation.optimizers
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

    # --- what a callback's state needs of it --------------------------------------------------------------------------

    def position(self) -> SessionPosition:
        """Return what `resume` goes on from."""
        places = {id(callback): place for place, callback in enumerate(self.numbers.callbacks)}
        of_callbacks = self.numbers.columns.items()
        columns = {str(places[callback]): list(names) for callback, names in of_callbacks if callback in places}
        at = self.batches
        return SessionPosition(self.step, at.origin, at.epoch, at.of_epoch, self.batch_size, columns)

    def resume(self, position: SessionPosition) -> None:
        """Go on from what `position` has returned: to be called in `on_open`; a second call changes nothing."""
        self.batches.resume(position.step, position.origin, position.epoch, position.of_epoch)
        self.batch_size = position.batch_size
        for place, names in position.columns.items():
            if int(place) < len(self.numbers.callbacks):
                self.numbers.columns[id(self.numbers.callbacks[int(place)])] = tuple(names)

    # --- the training, as the first callback sees it -------------------------------------------------------------

    def epoch_begins(self, params: Mapping[str, Any] | None, epoch: int) -> None:
        """Open the session at the first epoch: by now every callback has joined."""
        if not self.params:
            self.params = {"steps": None, "epochs": epoch + 1, "verbose": 2} | dict(params or {})
            self.batches.begin(epoch, self.params["epochs"], self.params["steps"])
            self.terminal.begin(self.params["verbose"])
            self._open()
        self.batches.epoch_begins(epoch)
        self.terminal.epoch_begins()

    def _open(self) -> None:
        self.is_open, self._leader = True, self._present[0] if self._present else None
        self.training.exits.callback(self.batches.remember)
        self.training.exits.callback(self._close)
        self._closing.callback(self._summarize)
        self._closing.callback(self._close_writer)
        for callback in self.callbacks:
            self._call(callback, "on_open")
            self._closing.callback(self._call, callback, "on_close")
        self._has_opened = True
        callback_states.warn_of_what_a_backup_forgets(self.training.callbacks)
        self._observe()
        self.training.begin_to_read(self.params["steps"])
        self.reading.restart()
        if self.model.built:
            self._built()

    def _built(self) -> None:
        self.is_built = True
        for callback in self.callbacks:
            self._call(callback, "on_built")

    @property
    def _present(self) -> list[Any]:
        """The callbacks that are still called."""
        return [callback for callback in self.callbacks if callback not in self._lost]

    def lose(self, callback: Any) -> None:
        """Go on without a callback that only watches and has failed; another one's batches are counted."""
        self._lost.append(callback)
        if self._leader is callback:
            self._leader = next(iter(self._present), None)

    def _call(self, callback: Any, hook: str, *args: Any) -> Any:
        """Call a hook of a callback; what one raises that acts is not caught where another one watches."""
        with _net.through():
            return getattr(callback, hook)(*args)

    def _observe(self) -> None:
        """Train with a step in which the optimizers are observed and `after_step` is called, where anybody asks."""
        observes = any(callback.observes_steps for callback in self._present)
        if self.training not in fit.running() or not (observes or self.after_step or self.judge):
            return
        acts = bool(self.rule or self.judge or self.after_step)
        if self.training.is_fit and keras_private.has_own_train_function(self.model):
            observing.warn_of_own_train_function(self.model, acts)
            return
        is_kept = self.training.is_fit and fit.kept_with(self.model.train_function)[1] is not None
        if self.training.goes_on_with_old_weights and not is_kept:
            observing.warn_of_changed_trainable(acts)
            return
        self.training.exits.enter_context(self._observing)
        replace = partial(observing.replace_step, self, observes, self._observing, self._observing_net)
        if acts:
            with _net.through():
                replace()
            return
        self._observing_net.attempt(replace)
        if self._observing_net.is_torn:
            self.observation = None
            self._observing.close()

    def switch(self, change: Callable[[], None]) -> None:
        """Let `change` replace the optimizer, and observe the new one."""
        self.read()
        self._observing.close()
        self.observation = None
        change()
        self._observing = ExitStack()
        self._observe()

    def batch_ended(self, callback: Any, batch: int, logs: Logs | None) -> None:
        """Count batches, and read when there are enough; the first callback's call counts."""
        if callback is not self._leader:
            return
        brought, reading = self.batches.batch_ended(batch), self.reading
        reading.pending += brought
        self.terminal.batch_ended()
        if reading.every is None:
            self._first_batch_ended(brought)
        if reading.is_due:
            self.read(logs)
            self.write_record()

    def _first_batch_ended(self, brought: int) -> None:
        """Learn how often to read, and what a batch is; this one may have made the weights."""
        if not self.is_built:
            self._built()
        seen = self.observation
        most = None if seen is None else self._observing_net.attempt(lambda: seen.most_steps)
        self.reading.set_interval(None if most is None else most / max(1, brought) / self.iterations_per_step)
        if self.batch_size is None:
            so_far = brought + self.training.first_batch
            self.batch_size = keras_private.examples_seen(self.model) / max(1, so_far) or None

    # --- what the callbacks ask for -----------------------------------------------------------------------------------

    def read(self, logs: Logs | None = None) -> None:
        """Hand the rows of the steps since the last time to all callbacks; `logs` are those of Keras after a batch."""
        if not self.reading.pending:
            return
        self.batches.correct()
        self.reading.restart()
        seen = self.observation
        frames = {} if seen is None else self._observing_net.attempt(partial(seen.read, self.step), {})
        if self.read_losses is not None:
            self.losses = self._observing_net.attempt(self.read_losses)
        else:
            known = ((frame.steps, frame.loss) for frame in frames.values() if frame.loss is not None)
            self.losses = next(known, None)
        for callback in self.callbacks:
            self._call(callback, "on_telemetry", frames, logs or {})

    def read_epoch(self) -> None:
        """Hand over the rows of an epoch at its end, where it is due or a callback asks for those of each."""
        if self.batches.is_epoch_due or any(each.observes_steps and not each._rows_may_wait for each in self.callbacks):
            self.read()

    def log(self, callback: Any, logs: Logs | None, values: Mapping[str, float]) -> None:
        """Take what a callback has measured in this epoch: it can be monitored, and joins `logs` if asked for.

        See `EpochNumbers`.
        """
        self.numbers.take(callback, logs, values)

    def show(self, values: Mapping[tags.Tag, float]) -> None:
        """Write numbers at this step, if there is a run of TensorBoard."""
        self.draw({tag.name: value for tag, value in values.items()})

    def draw(self, points: Mapping[str, float]) -> None:
        """Do as `show` does, by the names of the curves."""
        if self.writer is not None:
            self._writing.attempt(partial(self.writer.scalars, self.step, points))

    def event(self, kind: str, text: str, step: int | None = None) -> None:
        """Remember that something happened, at this step unless another is given: see `board.record.Event`."""
        self.record.events.add(Event(self.step if step is None else step, kind, text))

    def stands(self, *standing: Any) -> None:
        """Put into the record how early stopping stands: the arguments of `board.record.Stopping`."""
        self.record.stopping = Stopping(*standing)

    def write_record(self, is_urgent: bool = False) -> None:
        """Write what is known by now, if there is a run of TensorBoard, and the last record is not too new for that."""
        if self.writer is not None and (is_urgent or self.record.is_due()):
            self._writing.attempt(partial(self.writer.record, self.record_text, self.step))

    def before_record(self, put_in: Callable[[], None]) -> None:
        """Call a function of a callback before the record is written, to put in what is known by then."""
        self._before_record.append(_net.later(put_in))

    def record_text(self) -> str:
        """Return the record as JSON, with what is known by now."""
        for bring_up_to_date in self._before_record:
            bring_up_to_date()
        return self.record.text(self.step)

    def say(self, *sentences: str) -> None:
        """Tell the user, without tearing Keras's progress bar."""
        self.terminal.say(*sentences)

    def findings(self) -> list[str]:
        """Return what all callbacks have found."""
        return [sentence for callback in self.numbers.callbacks for sentence in self._call(callback, "findings")]

    def leave(self, callback: Any) -> None:
        """End the session when the last callback leaves a loop that is no `fit`."""
        if self.training not in fit.running() and callback is self.callbacks[-1]:
            self.training.exits.close()

    def _close(self) -> None:
        """Read the last rows, and let the callbacks finish, even after an error."""
        self.is_open, self.is_built, self._leader = False, False, None
        with self._closing:
            self.read()

    def _summarize(self) -> None:
        """Print in a few lines how the training went, for all callbacks together, where one of them asks for it."""
        asked = any(callback._asks_for_summary for callback in self._present)
        if asked and self._has_opened and not self.terminal.is_quiet:
            callbacks = sorted(self.numbers.callbacks, key=lambda callback: callback._place_in_summary)
            lines = [
                (callback._place_in_summary, line)
                for callback in callbacks
                for line in self._call(callback, "_summary")
            ]
            last = [line for place, line in lines if place == LAST]
            others = [line for place, line in lines if place != LAST]
            self.say(*others[: LINES - len(last)], *last)
        self.terminal.close(self.training.has_died)

    def _close_writer(self) -> None:
        self.record.ended = True
        self.write_record(is_urgent=True)
        if self.writer is not None:
            self._writing.attempt(self.writer.close)

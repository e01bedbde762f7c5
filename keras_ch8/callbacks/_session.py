"""One training of one model, watched by all callbacks of the suite together."""

import atexit
import time
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from .. import clipping
from ..board import tags
from ..board.writer import RunWriter
from ..integration import backend, keras_private
from ._listener import Listener

if TYPE_CHECKING:
    from ._base import AbstractCallback

READ_EVERY = 500
"""Steps after which the telemetry is read, or READ_SECONDS, whichever comes first."""
READ_SECONDS = 5.0


class Session:
    """Joined by every callback at the beginning of `fit`, opened at the first epoch, closed when the last leaves.

    It makes the optimizer leave its rows (see _listener), reads them every READ_EVERY steps and hands them to every
    callback. It is closed at once if a training step raises (an interrupt from the keyboard nearly always does it
    there); if anything else in `fit` does, when the model is trained again or when Python ends. No row is lost.
    """

    _of_model: ClassVar[Any] = weakref.WeakKeyDictionary()

    def __init__(self, model: Any, listener: Listener) -> None:
        self.model: Any = weakref.proxy(model)
        self.listener = listener
        self.members: list[AbstractCallback] = []
        self.params: dict[str, Any] = {}
        self.writer: RunWriter | None = None
        self.rule: clipping.AbstractRule | None = None
        self.own_logs: set[str] = set()
        self.is_open = self.is_closed = self._listens = False
        self.first_epoch = self._read_up_to = self._pending = 0
        self._bare: Any = None
        self._unguarded: Any = None
        self._guarded: Any = None
        self._last_batch = -1
        self._next_read = 0.0
        self._wishes: tuple[Any, ...] = ()

    @classmethod
    def join(cls, model: Any, callback: "AbstractCallback") -> "Session":
        """Return the session of a model that is about to be trained, with one more member."""
        session = cls._of_model.get(model)
        of_another_fit = session is not None and any(m.params is not callback.params for m in session.members)
        if session is None or session.is_open or session.is_closed or of_another_fit or callback in session.members:
            if session is not None:
                session.close()
            session = cls(model, session.listener if session else Listener(model))
            cls._of_model[model] = session
        session.members.append(callback)
        return session

    @property
    def step(self) -> int:
        """Updates that the optimizer has made."""
        return int(backend.native(self.listener.optimizer.iterations).numpy())

    @property
    def iterations_per_step(self) -> int:
        """Updates that the optimizer makes in a training step: several, where it is given the loss and asked for it."""
        return getattr(self.listener.optimizer, "iterations_per_step", 1)

    @property
    def shows_clipping(self) -> bool:
        """Whether the curves of clipping say anything: a rule is in force, or a member asks for them."""
        rules = (self.rule, getattr(self.listener.optimizer, "clipping_rule", None))
        return any(rule is not None for rule in rules) or any(member.shows_clipping for member in self.members)

    def open(self, params: dict[str, Any], epoch: int) -> None:
        """Start to listen, once, at the first epoch; a model that is built by its first batch is built before that."""
        if self.is_open:
            return
        self.params, self.first_epoch = params, epoch
        if self.model.built:
            self._open()
        else:
            self._bare = self.model.train_function
            self.model.train_function = self._build_and_train

    def _build_and_train(self, iterator: Any) -> Any:
        self.model.train_function, self._bare = self._bare, None
        keras_private.build_on(self.model, backend.example_of(iterator))
        self._open()
        for member in self.members:
            member.on_epoch_start(self.first_epoch)
        return self.model.train_function(iterator)

    def _open(self) -> None:
        opened = []
        try:
            for member in self.members:
                member.on_open()
                opened.append(member)
            self._listens = any(member.listens for member in self.members)
            if self._listens:
                self._read_up_to = self.step
                every = min([m.measure_every for m in self.members if m.measure_every], default=0)
                rows = 1 << (READ_EVERY + self.model.steps_per_execution - 1).bit_length()
                self._wishes = rows, every, any(m.layers for m in self.members), self.rule, self.close
                self.listener.start(*self._wishes)
            else:
                self._unguarded = self.model.train_function
                self._guarded = self.model.train_function = self.listener.guarded(self._unguarded, self.close)
        except BaseException:
            self.is_closed = True
            for member in opened:
                member.on_close()
            if self.writer is not None:
                self.writer.close()
            raise
        self.is_open, self._next_read = True, time.monotonic() + READ_SECONDS
        atexit.register(self.close)

    def switch(self, change: Callable[[], None]) -> None:
        """Let `change` replace the optimizer, and listen to the new one."""
        self.read({})
        if self._listens:
            self.listener.stop()
        change()
        if self._listens:
            self.listener.start(*self._wishes)

    def batch_ended(self, member: "AbstractCallback", batch: int, logs: Any) -> None:
        """Count steps, and read when there are enough; the first member's call counts."""
        if member is not self.members[0]:
            return
        self._pending += batch - self._last_batch
        self._last_batch = batch
        if self._pending >= READ_EVERY or time.monotonic() > self._next_read:
            self.read(logs or {})

    def epoch_ended(self) -> None:
        """Read, so that every member has all rows of the epoch."""
        self._last_batch = -1
        if self._pending:
            self.read({})

    def read(self, logs: dict[str, Any]) -> None:
        """Hand the rows of the steps since the last time to all members."""
        self._pending, self._next_read = 0, time.monotonic() + READ_SECONDS
        if not self._listens:
            return
        first, last = self._read_up_to + 1, self.step
        self._read_up_to = last
        if last >= first:
            frame = self.listener.recorder.read(first, last)
            for member in self.members:
                member.on_frame(frame, logs)

    def log(self, logs: dict[str, Any], values: dict[str, float]) -> None:
        """Put numbers into Keras's `logs`, for History, CSVLogger and the like."""
        self.own_logs.update(values)
        logs.update(values)

    def report(self, logs: dict[str, Any], values: dict[str, float]) -> None:
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

    def leave(self, member: "AbstractCallback") -> None:
        """Close when the last member leaves."""
        if member is self.members[-1]:
            self.close()

    def close(self) -> None:
        """Read the last rows, let the members finish, and give the model back as it was."""
        was_open, self.is_open, self.is_closed = self.is_open, False, True
        if self._bare is not None and not was_open:  # the first step has never come
            self.model.train_function = self._bare
        if was_open:
            atexit.unregister(self.close)
            try:
                self.read({})
            finally:
                if self._listens:
                    self.listener.stop()
                elif self.model.train_function is self._guarded:
                    self.model.train_function = self._unguarded
            for member in self.members:
                member.on_close()
            if self.writer is not None:
                self.writer.close()

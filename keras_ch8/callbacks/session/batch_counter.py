"""How far a training is, and when its telemetry is read."""

import math
import time
import weakref
from typing import Any, NamedTuple

from ...integration import fit, keras_private

READ_EVERY = 500
"""Batches after which the telemetry is read, or READ_SECONDS, whichever comes first."""
READ_SECONDS = 1.0
"""Also what a process that is killed may lose of the curves."""
EACH = 5
"""Binary digits of the number of an epoch up to which each of them is looked at: the first 31."""


class _Count(NamedTuple):
    """How many batches a model had been trained on, and how many its optimizer had counted."""

    trained: int
    counted: int


class BatchCounter:
    """On how many batches a model has been trained, over all its trainings: the x axis of every curve."""

    def __init__(self, training: fit.Training) -> None:
        self._training = training
        self.step = self.first_epoch = 0
        self.epoch = self.before = 0
        """The running epoch, counted from 0, and the batches of it that were made before this training entered it."""
        self.origin = 0
        """The epoch with which the training began; where it goes on from a state, before that."""
        self._resumed: tuple[int, int] | None = None
        self._epochs = 0
        self._steps_per_epoch: int | None = None
        self._begun = self._epoch_begun = _Count(0, 0)
        self._first, self._last = 0, math.inf
        """The step at the end of batch 0 of the running epoch, and the number of its last batch."""

    def begin(self, epoch: int, epochs: int, steps_per_epoch: int | None) -> None:
        """Begin with this one of so many epochs; of one whose length is not known the steps are None."""
        self.first_epoch = self.origin = epoch
        self._epochs, self._steps_per_epoch = epochs, steps_per_epoch
        self.epoch, self.before = epoch, self._training.first_batch
        self.step = batches_trained(self._training, epoch, steps_per_epoch)
        self._begun = self._now()

    def epoch_begins(self, epoch: int) -> None:
        """Count the batches of an epoch from here; each callback says that it begins."""
        self._epoch_begun = self._now()
        if self._resumed is not None or epoch != self.epoch:
            of_epoch = self._resumed[1] if self._resumed is not None and self._resumed[0] == epoch else 0
            self.epoch, self.before, self._resumed = epoch, of_epoch, None
        made_before = self._training.first_batch if epoch == self.first_epoch else 0
        self._first = self._epoch_begun.trained + 1 - made_before
        steps = self._steps_per_epoch if self._training.is_fit else None
        self._last = math.inf if steps is None else steps - 1

    @property
    def of_epoch(self) -> int:
        """The batches of the running epoch so far, also those that were made before this training entered it."""
        return self.before + self.step - self._epoch_begun.trained

    @property
    def is_epoch_due(self) -> bool:
        """Whether what needs not every epoch takes the running one at its end, as counted by no clock.

        It takes each of the first 31, every second up to 63, every fourth up to 127, and so on, and the last.
        """
        number = self.epoch - self.origin + 1
        return self.epoch + 1 == self._epochs or number % (1 << max(0, number.bit_length() - EACH)) == 0

    def resume(self, step: int, origin: int, epoch: int, of_epoch: int) -> None:
        """Go on at this step, after so many batches of this epoch: to be called while the session opens."""
        self.step, self.origin, self._resumed = step, origin, (epoch, of_epoch)
        self._begun = self._now()

    def batch_ended(self, batch: int) -> int:
        """Count on to the end of a batch of this epoch; return how many batches that were."""
        last, self.step = self.step, self._first + int(min(batch, self._last))
        return self.step - last

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
        remember_batches(self._training, self.step, *self.pace)

    @property
    def pace(self) -> tuple[int, int]:
        """Batches that this training has brought so far, and how many the optimizer has counted for them."""
        now, begun = self._now(), self._begun
        return now.trained - begun.trained, now.counted - begun.counted

    def _now(self) -> _Count:
        return _Count(self.step, batches_counted(self._training))


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

    def set_interval(self, steps_per_batch: float | None) -> None:
        """Set after how many batches the rings are full, where so many steps are made in each; None leaves none."""
        self.every = READ_EVERY if steps_per_batch is None else max(1, int(READ_EVERY / max(1.0, steps_per_batch)))

    def until_due(self, pace: float) -> int:
        """Return after how many more batches it is time, where `pace` of them come in a second."""
        return max(1, int(min((self.every or 1) - self.pending, pace * READ_SECONDS)))


# --- how long a model has been trained, over all its trainings -------------------------------------------------------


class _Trained(NamedTuple):
    """What is known of a model since its last training.

    Args:
        batches: Those that it was trained on.
        counted: Those that its optimizer had counted then.
        pace: How many its optimizer counts for each.
        optimizer: Refers to the optimizer; None where there was none.
    """

    batches: int
    counted: int
    pace: float
    optimizer: "weakref.ref[Any] | None"


_trained: "weakref.WeakKeyDictionary[Any, _Trained]" = weakref.WeakKeyDictionary()


def batches_trained(training: fit.Training, initial_epoch: int = 0, steps: int | None = None) -> int:
    """Return on how many batches a model has been trained in all, as far as can be known.

    A model that this process has not trained yet was trained on those that its optimizer has counted, or on the epochs
    before `initial_epoch`, of so many steps. What was trained meanwhile by others, the optimizer has counted. Where it
    has counted less than before, somebody has put it back, such as to the values of a checkpoint, and the model with
    it. Another optimizer that has counted less is a new one, and the model goes on.
    """
    known, counted, optimizer = _trained.get(training.counted_as), batches_counted(training), _optimizer_of(training)
    if known is None:
        return max(counted, initial_epoch * (steps or 0))
    meanwhile = round((counted - known.counted) / known.pace)
    is_same = optimizer is not None and known.optimizer is not None and known.optimizer() is optimizer
    return max(0, known.batches + (meanwhile if is_same else max(0, meanwhile)))


def remember_batches(training: fit.Training, batches: int, brought: int, counted: int) -> None:
    """Remember on how many batches a model has been trained, of which a training has brought some and counted some."""
    pace = counted / brought if brought and counted > 0 else 1.0
    optimizer = _optimizer_of(training)
    refers = None if optimizer is None else weakref.ref(optimizer)
    _trained[training.counted_as] = _Trained(batches, batches_counted(training), pace, refers)


def batches_counted(training: fit.Training) -> int:
    """Return the batches that the optimizer of a training has counted; 0 where there is none."""
    optimizer = _optimizer_of(training)
    if optimizer is None:
        return 0
    updates = int(keras_private.iterations_of(optimizer))
    per_batch = getattr(optimizer, "iterations_per_step", 1)
    return updates * (getattr(optimizer, "gradient_accumulation_steps", None) or 1) // per_batch


def _optimizer_of(training: fit.Training) -> Any:
    """Return the optimizer whose count is that of a training, inside one that scales the loss; None for none."""
    given = getattr(training.model, "optimizer", None)
    return keras_private.unscaled(given if training.optimizers is None else next(iter(training.optimizers.values())))

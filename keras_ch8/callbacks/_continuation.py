"""From an easy problem to the real one."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from .._duration import Clock, Duration, duration, of_unknown_epoch
from .._types import Logs
from ..board import tags
from ..continuation.annealed import Annealed, annealed_in, as_schedule
from ..integration import keras_private
from .base import Callback


@dataclass
class _Memory:
    """How far a continuation is.

    Args:
        batches: The batches so far.
        read_at: Those before the values that were last trained on.
        epochs: The epochs of the training.
        length: The batches of the continuation; None where they are not known.
        stages: The value that each number had when its last stage began.
    """

    batches: int = 0
    read_at: int = 0
    epochs: int = 0
    length: float | None = None
    stages: dict[str, float] = field(default_factory=dict)


@final
class Continuation(Callback):
    r"""Train on an easy problem first, and on the real one at the end (section 8.7.6).

    It moves the annealed numbers of the model's layers and of its loss from their `start` to their `end`: those of
    `continuation.WeightNoise` and `Temperature`, and every `extend.Annealed` that is an attribute of a layer or of the
    loss. Before each batch, with u the share of the
    continuation that is over,

    .. math::

        \text{value} \leftarrow \text{schedule}(u) \text{ if } u < 1, \text{ otherwise exactly end}

    At inference, and so in validation and in a saved model, the parts are the real problem at all times, and so is the
    loss between epochs. Early values of `val_loss` thus say how well the weights do what they have not been trained on
    yet: let `EarlyStopping` begin after `until`. When the training ends, all numbers are put to their `end`; if it has
    not come there, a warning says so.

    Let the learning rate fall meanwhile (`schedules.CosineDecay`): what is nearly a step has a narrow, high gradient.

    Progress is counted in batches from the first that the optimizer has made, so a training that goes on with its
    optimizer goes on here. The step reads variables, so nothing is traced anew; with `steps_per_execution` all
    batches of an execution have one value.

    Each epoch reports the value at its last batch under the name `"<layer or loss>.<attribute>"`, such as
    `temperature.temperature`, which other callbacks can monitor; through `keras_ch8.callbacks.TensorBoard` as
    `epoch/continuation_<name>`.

    Args:
        schedule: `"linear"`, `"cosine"` (slow at both ends) or `"exponential"` (down to 1 % of the way, then the end):
            from each number's start to its end; a function of u that returns the value; or a list of values, for
            stages of equal length. Defaults to `"linear"`.
        until: When the real problem is reached: updates, or "10ep", "500ba", "70%": epochs, batches, or share of the
            training. Defaults to `"70%"`.
        logs: Which of the values join Keras's `logs`, and so the progress bar and `History`: `True` for all, or a list
            of names. Defaults to `False`.

    Raises:
        TypeError: If `schedule` is of none of these kinds.
        ValueError: If `until` is no length of time; in `fit`, if there is nothing to move, a value lies outside its
            range, or the length of an epoch is needed and not known.

    Example:
        >>> soft = keras_ch8.continuation.Temperature(3.0, end=1.0, name="soft")
        >>> model = keras.Sequential([keras.Input((8,)), soft, keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(0.1), "mse")
        >>> callback = keras_ch8.callbacks.Continuation("linear", until="50%", logs=True)
        >>> x = np.ones((32, 8))
        >>> history = model.fit(x, x[:, :1], batch_size=4, epochs=3, callbacks=[callback], verbose=0).history
        >>> [round(value, 3) for value in history["soft.temperature"]]
        [1.833, 1.0, 1.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6.
    """

    section = "8.7.6"

    observes_steps = False
    _remembers = _Memory

    def __init__(
        self,
        schedule: Any = "linear",
        until: int | str = "70%",
        logs: bool | Sequence[str] = False,
    ) -> None:
        super().__init__(logs)
        self.schedule, self.until = schedule, until
        self._schedule = as_schedule(schedule)
        self._until = duration("until", until, "a number of updates above 0")
        self._numbers: dict[str, Annealed] = {}
        self._memory, self._set_at = _Memory(), 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the last training."""
        super().on_train_begin(logs)
        self._numbers, self._memory.stages = {}, {}

    def on_open(self) -> None:
        """Find the numbers, and how many batches the continuation has."""
        optimizer, kept = self.session.optimizer, self._take_kept()
        epochs, micro_steps = self.params["epochs"], optimizer.gradient_accumulation_steps or 1
        begun = keras_private.iterations_of(optimizer) * micro_steps if kept is None else kept.batches
        if kept is not None and kept.length is not None and kept.epochs == epochs:
            self._memory = replace(kept, read_at=begun)
        else:
            epochs_left = epochs - self.session.batches.first_epoch
            length = _in_batches(self._until, micro_steps, self.params.get("steps"), begun, epochs_left)
            self._memory = _Memory(begun, begun, epochs, length)
        self._set_at = begun
        self._numbers = self._found()

    def show_results(self, state: _Memory) -> None:
        """Show how far it has come."""
        self._memory, self._numbers = state, self._found()
        self._arrive()

    def _found(self) -> dict[str, Annealed]:
        if found := annealed_in(self.model):
            return found
        raise ValueError(
            "`Continuation` changes annealed numbers, but neither the layers nor the loss of this model have any. Add "
            "a part of `keras_ch8.continuation`, such as `Temperature`."
        )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the values of the first batch."""
        super().on_epoch_begin(epoch, logs)
        self._epoch_begins_at = self._memory.batches
        self._move()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Set the values of the next batch; between epochs the problem is the real one."""
        super().on_train_batch_end(batch, logs)
        self._memory.read_at = self._set_at
        of_epoch = self.session.batches.of_epoch
        self._memory.batches = self._epoch_begins_at + of_epoch - self.session.batches.before
        if of_epoch == self.params["steps"]:
            self._arrive()
        else:
            self._move()

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Validate on the real problem, also where the length of an epoch is not known."""
        self._arrive()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report the values of the last execution of batches."""
        super().on_epoch_end(epoch, logs)
        self._arrive()
        values = {name: self._value(name, self._memory.read_at) for name in self._numbers}
        self.session.log(self, logs, values)
        self.session.show({tags.continuation(name): value for name, value in values.items()})

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Put the real problem in its place, and say so if it was not reached."""
        self._arrive()
        if self._numbers and self.share < 1:
            warnings.warn(self._sentence, stacklevel=2)
        super().on_train_end(logs)

    def on_close(self) -> None:
        """Put the real problem in its place, also when the training has died."""
        self._arrive()

    @property
    def share(self) -> float:
        """The share of the continuation that is over, at most 1."""
        return 0.0 if self._memory.length is None else min(self._memory.batches / self._memory.length, 1.0)

    def findings(self) -> list[str]:
        """Return how far it has come."""
        return [self._sentence] if self._numbers else []

    @property
    def _sentence(self) -> str:
        last = ", ".join(f"`{name}` at {self._value(name, self._memory.read_at):.4g}" for name in self._numbers)
        if self.share < 1:
            return (
                f"The training ended after {self.share:.0%} of the continuation, with {last}. The model now computes "
                "the real problem, which it was not trained on: train longer, or reach it earlier with a smaller "
                "`until`."
            )
        rest = self._memory.batches - int(np.ceil(self._memory.length or 0.0))
        return f"The continuation reached the real problem ({last}); {rest} batches were trained on it."

    def _value(self, name: str, batch: int) -> float:
        number, u = self._numbers[name], max(batch, 0) / (self._memory.length or 1.0)
        return self._schedule(u, number) if u < 1 else number.end

    def _move(self) -> None:
        for name, number in self._numbers.items():
            number.value = self._value(name, self._memory.batches)
            if self.share == 1 or isinstance(self.schedule, list | tuple):
                self._report(name, number.value)
        self._set_at = self._memory.batches

    def _report(self, name: str, value: float) -> None:
        """Remember where a stage begins, the real problem included."""
        if self._memory.stages.get(name) != value:
            self._memory.stages[name] = value
            what = "The real problem begins" if self.share == 1 else "A stage begins"
            self.session.event("stage", f"{what}: `{name}` is {value:.4g}.")

    def _arrive(self) -> None:
        for number in self._numbers.values():
            number.value = number.end


def _in_batches(until: Duration, micro_steps: int, per_epoch: float | None, begun: int, epochs_left: int) -> float:
    """Return the length of the continuation in batches, counted from the first of the optimizer."""
    if per_epoch is None and until.unit in ("ep", "%"):
        received = f"until={until.amount:g}{until.unit}"
        raise of_unknown_epoch("`until` is in epochs or percent", received, 'batches, such as "500ba"')
    per_epoch = per_epoch or 0.0
    length = until.steps(Clock(per_epoch, 1, begun + per_epoch * epochs_left))
    return length * micro_steps if until.unit == "st" else length

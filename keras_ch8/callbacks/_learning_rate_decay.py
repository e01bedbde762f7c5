"""Change the learning rate from epoch to epoch."""

import dataclasses
import inspect
import warnings
from collections.abc import Sequence
from typing import Any, final

import keras
import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from .. import _checks, schedules
from .._describe import short
from .._types import Logs
from ..integration import backend, keras_private
from ._monitored import MonitoredMetrics, Past
from .base import Callback
from .plain import of_another


@dataclasses.dataclass
class _Memory:
    """What is remembered.

    Args:
        watched: What was watched for a plateau; None for another rule.
        rates: What the rate of each optimizer was changed to; known where it is kept.
        asked: The running epoch, once the function was asked for it: entered again in its middle, it has its rate.
        changes: When the rate was changed, in words.
    """

    watched: Past | None
    rates: list[float | None] = dataclasses.field(default_factory=list)
    asked: int | None = None
    changes: list[str] = dataclasses.field(default_factory=list)


@final
class LearningRateDecay(Callback):
    """Lower the learning rate on a plateau, or by a function of the epoch (section 8.3.1).

    It works with any optimizer, also where its rate is a schedule already: then the schedule is multiplied by a factor
    (`schedules.ScaledSchedule`). The factor is saved by `model.save`, and is in `get_state`; files of weights, and so
    `BackupAndRestore`, do not have it.

    With `logs=True` History has, for each epoch, `learning_rate`: the rate at its end (`learning_rate_<name>` for each
    optimizer of a `MultiOptimizer`). `keras_ch8.callbacks.TensorBoard` shows the rate that each step used, as
    `step/learning_rate`, marks where it drops, and says in `diagnosis/report` when it was lowered.

    Differs from `keras.callbacks.ReduceLROnPlateau` and `LearningRateScheduler`: those raise where the rate is a
    schedule; the state survives an interruption (`get_state`, `set_state`); an error in the function is not hidden.

    Args:
        rule: One of `schedules.ReduceOnPlateau(...)`; a function of `(epoch, learning_rate)` or of `(epoch)`, with
            epochs counted from 0, that returns the rate. With a schedule the optimizer is compiled.
        verbose: 1 prints a line at each reduction. Defaults to `0`.
        logs: Whether `learning_rate` joins Keras's `logs`, and so the progress bar and `History`. Defaults to `False`.

    Raises:
        TypeError: If `rule` is of neither kind; in `fit`, if the optimizer's rate is a callable.
        ValueError: In `fit`, if the function returns no rate.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(0.1), "mse")
        >>> halve = keras_ch8.callbacks.LearningRateDecay(lambda epoch, learning_rate: learning_rate / 2, logs=True)
        >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=2, callbacks=[halve], verbose=0).history
        >>> [round(rate, 6) for rate in history["learning_rate"]]
        [0.05, 0.025]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.3.1.
    """

    section = "8.3.1"
    sets_learning_rate = True

    observes_steps = False
    _remembers = _Memory

    def __init__(self, rule: Any, verbose: int = 0, logs: bool | Sequence[str] = False) -> None:
        super().__init__(logs)
        _checks.keras_3(rule)
        is_function = not isinstance(rule, LearningRateSchedule) and any(_checks.takes(rule, n) for n in (1, 2))
        if not is_function and not isinstance(rule, schedules.ReduceOnPlateau):
            raise TypeError(
                "`rule` must be `schedules.ReduceOnPlateau(...)`, or a function of (epoch, learning_rate). Received: "
                f"{short(rule)} of type {type(rule).__name__}. Pass a `LearningRateSchedule` to the optimizer instead."
            )
        self.rule, self.verbose = rule, _checks.verbose(verbose)
        self._monitored: MonitoredMetrics | None = None
        if isinstance(rule, schedules.ReduceOnPlateau):
            self._monitored = MonitoredMetrics(
                type(self).__name__, [(rule.monitor, rule.mode)], rule.min_delta, rule.restore_best_weights
            )
        self._memory = _Memory(None if self._monitored is None else self._monitored.past)

    def _state(self) -> _Memory:
        return dataclasses.replace(self._memory, rates=[_to_keep(optimizer) for optimizer in self._optimizers()])

    def _refuse_other(self, kept: _Memory) -> None:
        if (kept.watched is None) != (self._monitored is None):
            of = {True: "a function", False: "`ReduceOnPlateau`"}
            received, expected = of[kept.watched is None], of[self._monitored is None]
            raise of_another(type(self).__name__, "rule", received, expected)
        if self._monitored is not None and kept.watched is not None:
            self._monitored.refuse_other(kept.watched)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the last training, unless `set_state` says to go on from it."""
        super().on_train_begin(logs)
        self._memory = _Memory(None) if self._kept is None else self._kept
        if self._monitored:
            self._memory.watched = self._monitored.begin(None if self._kept is None else self._kept.watched)

    def on_open(self) -> None:
        """Give the optimizers a rate that can be changed."""
        self._make_changeable()
        if (kept := self._take_kept()) is not None:
            self._put_back(kept.rates)

    def show_results(self, state: _Memory) -> None:
        """Leave the optimizers with their last rates."""
        self._make_changeable()
        self._put_back(state.rates)

    def _make_changeable(self) -> None:
        if any([make_changeable(optimizer) for optimizer in self._optimizers()]):
            self.model.make_train_function(force=True)

    def _put_back(self, rates: list[float | None]) -> None:
        optimizers = self._optimizers()
        if len(rates) not in (0, len(optimizers)):  # 0 of a state that was taken before any `fit`
            raise of_another(type(self).__name__, "optimizers", len(rates), len(optimizers))
        for optimizer, rate in zip(optimizers, rates, strict=False):
            if rate is not None:
                set_rate_or_factor(optimizer, rate)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Ask the function for the rate of the epoch."""
        super().on_epoch_begin(epoch, logs)
        if self._monitored is None and epoch != self._memory.asked:
            self._memory.asked = epoch
            for optimizer in self._optimizers():
                self._set(optimizer, self._ask(epoch, keras_private.current_rate(optimizer)), epoch)

    def _ask(self, epoch: int, rate: float) -> float:
        try:
            inspect.signature(self.rule).bind(epoch, rate)
        except (TypeError, ValueError):  # no place for two, or written in C
            answer = self.rule(epoch)
        else:
            answer = self.rule(epoch, rate)
        answer = float(answer) if hasattr(answer, "__float__") else answer
        meaning, fix = "the rate as the function gives it", "Let `rule` return a number of at least 0."
        return _checks.number("learning_rate", answer, 0.0, meaning=meaning, fix=fix)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Keep the weights that validation measures."""
        if batch == 0 and self._monitored:
            self._monitored.validation_begins(self.model)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report the rate, and lower it on a plateau."""
        super().on_epoch_end(epoch, logs)
        optimizers, self._memory.asked = self._in_use(), None
        self.session.log(self, logs, {name: keras_private.current_rate(o) for name, o in optimizers.items()})
        watch = self._monitored
        seen = self._epoch_numbers.reported(logs)
        if watch and watch.epoch_ended(self.session.training, epoch, seen) and self.rule.is_due(watch.history):
            lower = [self._set(o, self.rule.lowered(keras_private.current_rate(o)), epoch) for o in optimizers.values()]
            if any(lower) and watch.past.best_weights is not None:
                self.model.set_weights(watch.past.best_weights)

    def _set(self, optimizer: keras.optimizers.Optimizer, rate: float, epoch: int) -> bool:
        """Set the rate of an optimizer; return whether it has changed."""
        old = keras_private.current_rate(optimizer)
        if np.float32(rate) == np.float32(old):
            return False
        schedule = keras_private.schedule_of(optimizer)
        if schedule is None:
            optimizer.learning_rate = rate
        else:
            schedule.factor = 1.0
            own = keras_private.current_rate(optimizer)
            if not own:
                said = (
                    f"The schedule's rate is 0 at the start of epoch {epoch + 1}, so no factor can turn it into "
                    f"{rate:g}. Pass `LearningRateDecay` a schedule instead of a function, or start the schedule above "
                    "0."
                )
                if epoch == self.session.batches.first_epoch:
                    raise ValueError(said)
                warnings.warn(said, UserWarning, stacklevel=2)  # in the middle of a training, which goes on
                return False
            schedule.factor = rate / own
            backend.retrace(self.model)
        change = f"epoch {epoch + 1}: from {old:.4g} to {rate:.4g}"
        self._memory.changes.append(change)
        if self.verbose:
            self.session.say(f"Learning rate of {optimizer.name}, {change}.")
        return True

    def _optimizers(self) -> list[Any]:
        """Return all optimizers of the model."""
        of_model = keras_private.optimizers_of(self.model).values()
        return [inner for optimizer in of_model for inner in keras_private.optimizers_in(optimizer)]

    def _in_use(self) -> dict[str, Any]:
        """Return the optimizers that have made a step, by the names of their rates in `logs`; all before the first."""
        named: dict[str, Any] = {}
        for attribute, optimizer in keras_private.optimizers_of(self.model).items():
            inner = keras_private.optimizers_in(optimizer)
            named |= {attribute: inner[0]} if len(inner) == 1 else {o.name: o for o in inner}
        used = {name: optimizer for name, optimizer in named.items() if optimizer.built} or named
        if len(used) == 1:
            return {"learning_rate": next(iter(used.values()))}
        return {f"learning_rate_{name}": optimizer for name, optimizer in used.items()}

    def findings(self) -> list[str]:
        """Say when the rate was lowered on a plateau."""
        if not self._monitored or not self._memory.changes:
            return []
        changes = "; ".join(self._memory.changes)
        return [f"The learning rate was lowered when `{self._monitored.monitor}` stopped improving: {changes}."]


def _to_keep(optimizer: keras.optimizers.Optimizer) -> float | None:
    """Return what the rate of an optimizer was changed to; None where a schedule says it alone."""
    schedule = keras_private.schedule_of(optimizer)
    is_plain = schedule is not None and not isinstance(schedule, schedules.ScaledSchedule)
    return None if is_plain else rate_or_factor(optimizer)


# --- the rate of an optimizer, as a callback may change it: the number, or a factor before its schedule --------------


def make_changeable(optimizer: keras.optimizers.Optimizer) -> bool:
    """Let the rate of an optimizer be changed; return whether the training step must be traced anew for it.

    Raises:
        TypeError: If the rate is a callable, which cannot be changed.
    """
    schedule = keras_private.schedule_of(optimizer)
    if schedule is None:
        _checks.changeable_rate(keras_private.rate_of(optimizer), type(optimizer).__name__)
    if schedule is None or isinstance(schedule, schedules.ScaledSchedule):
        return False
    optimizer.learning_rate = schedules.ScaledSchedule(schedule)
    return True


def rate_or_factor(optimizer: keras.optimizers.Optimizer) -> float:
    """Return what the rate is changed by: the rate where that is a number, or the factor of its `ScaledSchedule`."""
    schedule = keras_private.schedule_of(optimizer)
    return keras_private.current_rate(optimizer) if schedule is None else float(schedule.factor)


def set_rate_or_factor(optimizer: keras.optimizers.Optimizer, value: float) -> None:
    """Set what `rate_or_factor` returns."""
    schedule = keras_private.schedule_of(optimizer)
    if schedule is None:
        optimizer.learning_rate = value
    else:
        schedule.factor = value

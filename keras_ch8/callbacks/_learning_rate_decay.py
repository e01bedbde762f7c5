"""Change the learning rate from epoch to epoch."""

import inspect
from collections.abc import Mapping
from typing import Any, final

from keras.optimizers.schedules import LearningRateSchedule

from .. import _checks, _keras, schedules
from ..schedules import _fit
from ._base import AbstractCallback, say
from ._watch import Watch


@final
class LearningRateDecay(AbstractCallback):
    """Lower the learning rate on a plateau, by a function of the epoch, or by a schedule (section 8.3.1).

    It works with any optimizer, also where its rate is a schedule already: then the schedule is multiplied by a factor
    (`schedules.Scaled`), which is saved with the optimizer. Given a schedule, the optimizer has it from then on, as if
    compiled with it.

    Puts into `logs`, for each epoch, `learning_rate`: the rate at its end (`learning_rate_<name>` for each optimizer of
    a `MultiOptimizer`). `keras_ch8.callbacks.TensorBoard` shows the rate that each step used, as `ch8/learning_rate`,
    and says in `ch8/report` when it was lowered.

    Differs from `keras.callbacks.ReduceLROnPlateau` and `LearningRateScheduler`: those raise where the rate is a
    schedule; the state survives an interruption (`get_state`, `set_state`); an error in the function is not hidden.

    Args:
        rule: One of `schedules.on_plateau(...)`; a function of `(epoch, learning_rate)` or of `(epoch)`, with epochs
            counted from 0, that returns the rate; a `LearningRateSchedule`.
        verbose: 1 prints a line at each reduction. Defaults to `0`.

    Raises:
        TypeError: If `rule` is none; in `fit`, if the optimizer's rate is a callable.
        ValueError: In `fit`, if the function returns no rate, or a quantity is not reported.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(0.1), "mse")
        >>> halve = keras_ch8.callbacks.LearningRateDecay(lambda epoch, learning_rate: learning_rate / 2)
        >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=2, callbacks=[halve], verbose=0).history
        >>> [round(rate, 6) for rate in history["learning_rate"]]
        [0.05, 0.025]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.3.1.
    """

    listens = False

    def __init__(self, rule: Any, verbose: int = 0) -> None:
        super().__init__()
        if not isinstance(rule, schedules.on_plateau | LearningRateSchedule) and not callable(rule):
            raise TypeError(
                "`rule` must be `schedules.on_plateau(...)`, a function of (epoch, learning_rate), or a "
                f"`LearningRateSchedule`. Received: {rule!r} of type {type(rule).__name__}."
            )
        self.rule, self.verbose = rule, verbose
        self._watch: Watch | None = None
        if isinstance(rule, schedules.on_plateau):
            self._watch = Watch(
                type(self).__name__, [(rule.monitor, rule.mode)], rule.min_delta, rule.restore_best_weights
            )
        self._kept: Mapping[str, Any] | None = None
        self._changes: list[str] = []

    def get_state(self) -> dict[str, Any]:
        """Return what has happened so far, to go on from it after an interruption."""
        factors = [getattr(_keras.schedule_of(optimizer), "factor", None) for optimizer in self._optimizers()]
        return {"factors": factors, "watch": self._watch.state() if self._watch else None}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on in the next `fit` from what `get_state` returned."""
        self._kept = state
        if self._watch:
            self._watch.keep(state["watch"])

    def on_begin(self) -> None:
        """Prepare the optimizers, and forget the last training unless `set_state` says to go on from it."""
        self._changes = []
        if self._watch:
            self._watch.begin()
        swapped = [self._prepare(optimizer) for optimizer in self._optimizers()]
        if any(swapped):
            self.model.make_train_function(force=True)
        if self._kept is not None:
            for optimizer, factor in zip(self._optimizers(), self._kept["factors"], strict=True):
                if factor is not None:
                    _keras.schedule_of(optimizer).factor = factor
            self._kept = None

    def _prepare(self, optimizer: Any) -> bool:
        """Give the optimizer a rate that can be changed; return whether the training step must be traced anew."""
        schedule = _keras.schedule_of(optimizer)
        if isinstance(self.rule, LearningRateSchedule):
            new: LearningRateSchedule | None = self.rule
        elif schedule is None:
            _checks.changeable_rate(_keras.rate_of(optimizer), type(optimizer).__name__)
            return False
        else:
            new = schedule if isinstance(schedule, schedules.Scaled) else schedules.Scaled(schedule)
        if new is schedule:
            return False
        optimizer.learning_rate = new
        return True

    def on_epoch_start(self, epoch: int) -> None:
        """Ask the function for the rate of the epoch."""
        if epoch == self.session.first_epoch:
            _fit.resolve(self.model.optimizer, self.params, epoch)
        if self._watch is None and not isinstance(self.rule, LearningRateSchedule):
            for optimizer in self._optimizers():
                self._set(optimizer, self._ask(epoch, float(optimizer.learning_rate)), epoch)

    def _ask(self, epoch: int, rate: float) -> float:
        takes_rate = len(inspect.signature(self.rule).parameters) > 1
        answer = self.rule(epoch, rate) if takes_rate else self.rule(epoch)
        return _checks.rate("learning_rate, as the function gives it,", float(answer), or_zero=True)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Keep the weights that validation measures."""
        if batch == 0 and self._watch:
            self._watch.validation_begins(self.model)

    def on_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Report the rate, and lower it on a plateau."""
        optimizers = self._optimizers()
        names = ["learning_rate"] if len(optimizers) == 1 else [f"learning_rate_{o.name}" for o in optimizers]
        self.session.log(logs, {n: float(o.learning_rate) for n, o in zip(names, optimizers, strict=True)})
        if self._watch:
            self._watch.epoch_ended(self.model, epoch, logs)
            if self.rule.is_due(self._watch.past):
                lower = [self._set(o, self.rule.lowered(float(o.learning_rate)), epoch) for o in optimizers]
                if any(lower) and self._watch.best_weights is not None:
                    self.model.set_weights(self._watch.best_weights)

    def _set(self, optimizer: Any, rate: float, epoch: int) -> bool:
        """Set the rate of an optimizer; return whether it has changed."""
        old = float(optimizer.learning_rate)
        if rate == old:
            return False
        schedule = _keras.schedule_of(optimizer)
        if schedule is None:
            optimizer.learning_rate = rate
        elif old:
            schedule.factor *= rate / old
        else:
            raise ValueError(
                f"The schedule's rate is 0 at the beginning of epoch {epoch + 1}, so no factor makes it {rate:g}. Give "
                "`LearningRateDecay` a schedule instead of a function, or begin the schedule above 0."
            )
        self._changes.append(f"epoch {epoch + 1}: from {old:.4g} to {rate:.4g}")
        if self.verbose:
            say(f"Learning rate of {optimizer.name}, {self._changes[-1]}.")
        return True

    def _optimizers(self) -> list[Any]:
        return _keras.optimizers_in(self.model.optimizer)

    def findings(self) -> list[str]:
        """Say when the rate was lowered on a plateau."""
        if not self._watch or not self._changes:
            return []
        return [f"The learning rate was lowered where `{self._watch.monitor}` stood still: {'; '.join(self._changes)}."]

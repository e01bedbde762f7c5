"""How a schedule learns in `fit` how long an epoch is.

No hook of Keras reaches an optimizer's schedule. So the hook around `fit` (see integration.fit) lists one callback more
where the model's optimizer has a schedule that needs to know, and nothing for all other models.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras

from ..integration import backend, fit, keras_private
from .duration import Clock

if TYPE_CHECKING:
    from ._base import AbstractSchedule


def let_fit_resolve(for_: str) -> None:
    """Let every `fit` say how long it is."""
    fit.install(for_)
    fit.lead_with("schedules", _resolver_for)


class Resolver(keras.callbacks.Callback):
    """Resolves the schedules of a model's optimizer at the first epoch of `fit`."""

    _resolved = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Say how long the training is, once."""
        if not self._resolved:
            for optimizer in keras_private.optimizers_of(self.model).values():
                resolve(optimizer, self.params, epoch)
            backend.renew(self.model)
            self._resolved = True


def _resolver_for(model: Any) -> Resolver | None:
    optimizers = keras_private.optimizers_of(model).values()
    return Resolver() if any(True for optimizer in optimizers for _ in relative_schedules(optimizer)) else None


def relative_schedules(optimizer: Any) -> Iterator[tuple[Any, "AbstractSchedule"]]:
    """Yield each optimizer inside `optimizer` that has a schedule with lengths to resolve, and the schedule."""
    for inner in keras_private.optimizers_in(optimizer):
        schedule = keras_private.schedule_of(inner)
        if getattr(schedule, "is_relative", False):
            yield inner, schedule


def resolve(optimizer: Any, params: dict[str, Any], epoch: int) -> None:
    """Resolve all schedules of an optimizer that is about to train from `epoch` on."""
    for inner, schedule in relative_schedules(optimizer):
        schedule.resolve(clock_of(inner, params, epoch, schedule))


def clock_of(optimizer: Any, params: dict[str, Any], epoch: int, schedule: Any) -> Clock:
    """Return the length of a training in the steps that `optimizer` counts for its schedule.

    Those are updates for an optimizer of the suite, calls of `apply` for Keras's: they differ where gradients are
    accumulated.
    """
    batches = params.get("steps")
    if batches is None:
        raise ValueError(
            f"{schedule.get_config()} has a length in epochs, batches or percent, and the length of an epoch is not "
            "known: the data do not say how many batches they have (or a `CallbackList` of your own was made without "
            "`steps`). Give `steps_per_epoch` to `fit`, or the length in steps."
        )
    accumulated = optimizer.gradient_accumulation_steps or 1
    counts_updates = isinstance(optimizer, keras_private.Optimizer)
    batches_per_step = accumulated if counts_updates else 1
    begun = int(optimizer.iterations.numpy()) * (1 if counts_updates else accumulated)
    per_epoch = batches / batches_per_step
    return Clock(per_epoch, batches_per_step, begun + per_epoch * (params["epochs"] - epoch))

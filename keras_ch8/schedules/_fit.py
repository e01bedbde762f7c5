"""How a schedule learns in `fit` how long an epoch is.

No hook of Keras reaches an optimizer's schedule. So the first schedule that needs to know puts one function around
`keras.Model.fit`, which lists one callback more where the model's optimizer has such a schedule, and does nothing for
all other models. `del keras.Model.fit` removes it.
"""

import functools
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras

from ..integration import keras_private
from ._duration import Clock

if TYPE_CHECKING:
    from ._base import AbstractSchedule


def let_fit_resolve() -> None:
    """Put the function around `keras.Model.fit`, once."""
    if not hasattr(keras.Model.fit, "resolves_schedules"):
        keras.Model.fit = _resolving(keras.Model.fit)


def _resolving(fit: Any) -> Any:
    signature = inspect.signature(fit)

    @functools.wraps(fit)
    def resolving(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not any(True for _ in relative_schedules(getattr(self, "optimizer", None))):
            return fit(self, *args, **kwargs)
        call = signature.bind(self, *args, **kwargs)
        given = call.arguments.get("callbacks")
        if not isinstance(given, keras.callbacks.CallbackList):
            call.arguments["callbacks"] = [Resolver(), *keras.tree.flatten(given or [])]
            return fit(*call.args, **call.kwargs)
        given.callbacks.insert(0, _resolver_for(self, given.params))
        try:
            return fit(*call.args, **call.kwargs)
        finally:
            del given.callbacks[0]

    resolving.resolves_schedules = True  # type: ignore[attr-defined]
    return resolving


class Resolver(keras.callbacks.Callback):
    """Resolves the schedules of a model's optimizer at the first epoch of `fit`."""

    _resolved = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Say how long the training is, once."""
        if not self._resolved:
            resolve(self.model.optimizer, self.params, epoch)
            self._resolved = True


def _resolver_for(model: Any, params: dict[str, Any]) -> Resolver:
    resolver = Resolver()
    resolver.set_model(model)
    resolver.set_params(params)
    return resolver


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

"""Makes the optimizer of a model leave its rows of telemetry for the length of a training."""

import weakref
from collections.abc import Callable
from typing import Any

from .. import _numerics, _telemetry, clipping
from ..integration import backend, keras_private
from ..optimizers._base import AbstractOptimizer
from ..optimizers._closure import AbstractClosureOptimizer
from ._tap import Tap


class Listener:
    """Swaps the train function of a model for one traced with the telemetry in it, and swaps it back.

    Both are kept, so that many calls of `fit` do not trace many times; compiling the model discards them. An optimizer
    that is not of the suite is tapped (see _tap).
    """

    def __init__(self, model: Any) -> None:
        self._model: Any = weakref.proxy(model)
        self._bare: Any = None
        self._listening: Any = None
        self._settings: Any = None
        self._tap: Tap | None = None
        self._outer: Any = None
        self._norm = backend.trace(lambda: _norm(self._model.trainable_variables))

    @property
    def optimizer(self) -> Any:
        """The optimizer that updates the weights: inside the one that scales the loss, if there is one."""
        return keras_private.unscaled(self._model.optimizer)

    @property
    def recorder(self) -> _telemetry.Recorder:
        """Where the rows are."""
        return self._tap.recorder if self._tap else self.optimizer.telemetry

    def norm_of_weights(self) -> float:
        """Return the Euclidean norm of all trainable weights, as they are now."""
        return float(self._norm().numpy())

    def start(
        self, rows: int, every: int, layers: bool, rule: clipping.AbstractRule | None, on_death: Callable[[], None]
    ) -> None:
        """Listen from now on; `on_death` is called if a training step raises."""
        model, optimizer, self._on_death = self._model, self.optimizer, on_death
        with model.distribute_strategy.scope():
            if not model.optimizer.built:
                model.optimizer.build(model.trainable_variables)
            if isinstance(optimizer, AbstractOptimizer | AbstractClosureOptimizer):
                self._tap = None
                same_rings = optimizer.listen(rows=rows, every=every, layers=layers)
            else:
                if self._tap is None or self._tap.optimizer is not optimizer or self._tap.rule != rule:
                    self._tap = Tap(optimizer, model.trainable_variables, rule)
                same_rings = self._tap.listen(rows=rows, every=every, layers=layers)
        if model.optimizer is not optimizer:
            self._outer = model.optimizer
            self._outer.scale_loss = self._hear_and_scale
        same = same_rings and self._settings == (id(optimizer), rule) and model.train_function is self._bare
        if not same:
            self._bare, self._settings = model.train_function, (id(optimizer), rule)
            model.make_train_function(force=True)
            self._listening = self.guarded(model.train_function, lambda: self._on_death())
        model.train_function = self._listening

    @staticmethod
    def guarded(train_function: Callable[[Any], Any], on_death: Callable[[], None]) -> Callable[[Any], Any]:
        """Return a train function that calls `on_death` if it is interrupted, or fails."""

        def guarded(iterator: Any) -> Any:
            try:
                return train_function(iterator)
            except backend.END_OF_DATA:
                raise
            except BaseException:
                on_death()
                raise

        return guarded

    def _hear_and_scale(self, loss: Any) -> Any:
        self.recorder.hear_loss(loss)
        return type(self._outer).scale_loss(self._outer, loss)

    def stop(self) -> None:
        """Listen no more."""
        self.recorder.stop()
        if self._tap:
            self._tap.remove()
        if self._outer is not None:
            del self._outer.scale_loss
            self._outer = None
        if self._model.train_function is self._listening:
            self._model.train_function = self._bare


def _norm(variables: list[Any]) -> Any:
    weights = [backend.as_tensor(v) for v in variables]
    wide = [backend.as_gradient(w, _numerics.working_dtype(w.dtype.name)) for w in weights]
    norm, _ = _numerics.total_norm(wide, _numerics.half_squares(wide))
    return norm

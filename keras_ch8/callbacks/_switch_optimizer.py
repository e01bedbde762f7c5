"""Another optimizer from some epoch on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import keras
import numpy as np

from .. import _checks, _objects
from .._duration import duration, of_unknown_epoch
from .._types import Logs
from ..checkpoints import callback_states
from ..integration import keras_private
from ..optimizers.closure import ClosureOptimizer
from .base import Callback
from .plain import of_another


@dataclass
class _Memory:
    """Whether the optimizer was switched, and then the variables of the new one."""

    switched: bool
    variables: list[np.ndarray]


@final
class SwitchOptimizer(Callback):
    """Switch to another optimizer at some epoch, such as from Adam to L-BFGS (section 8.6.3).

    A first-order method comes near a minimum on noisy gradients, a second-order one then finds its bottom. Weights and
    `iterations` go on; the state of the new optimizer starts. Both get the same batches, so give all examples in each
    (`batch_size=len(x)`), or call `fit` twice.

    When it is time, the model is as if compiled with the new optimizer: it is saved, and trained by a second `fit`,
    with that one. A model that an optimizer of section 8.6 cannot train is refused before the first epoch.

    Args:
        start: When the other optimizer starts, at the beginning of an epoch: steps, or a string such as `"5ep"`
            (epochs), `"500ba"` (batches) or `"50%"` (of the training). Defaults to `"50%"`.
        to: A Keras optimizer, or the name of one.

    Raises:
        ValueError: If `start` is no length of time, or `to` is not an optimizer; in `fit`, if the
            second optimizer cannot train the model.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.Adam(), "mse")
        >>> switch = keras_ch8.callbacks.SwitchOptimizer("5ep", to=keras_ch8.optimizers.LBFGS())
        >>> y = x @ [1.0, 2.0, 3.0]
        >>> history = model.fit(x, y, batch_size=64, epochs=20, callbacks=[switch], verbose=0).history
        >>> history["loss"][4] > 0.1, history["loss"][-1] < 1e-6
        (True, True)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.3; Rathore et al. (2024), Challenges in
        Training PINNs: A Loss Landscape Perspective.
    """

    section = "8.6"

    observes_steps = False
    _remembers = _Memory

    def __init__(self, start: int | str = "50%", *, to: Any) -> None:
        super().__init__()
        self.start = duration("start", start)
        _checks.keras_3(to)
        self.to = _objects.of_keras("to", to, "optimizer")
        self._is_switched = False

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"to": type(self.to).from_config(self.to.get_config())}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the last training."""
        super().on_train_begin(logs)
        self._is_switched = self.model.optimizer is self.to
        if (kept := self._take_kept()) is not None and kept.switched:
            self._go_on(kept.variables)

    def _state(self) -> _Memory:
        return _Memory(self._is_switched, [np.array(v) for v in self.to.variables] if self._is_switched else [])

    def _go_on(self, values: list[np.ndarray]) -> None:
        """Have the second optimizer in the model, as it was."""
        if not self._is_switched:
            self._switch()
        shapes, expected = [v.shape for v in values], [tuple(v.shape) for v in self.to.variables]
        if shapes != expected:
            raise of_another(type(self).__name__, "shapes of the optimizer's variables", shapes, expected)
        for variable, value in zip(self.to.variables, values, strict=True):
            variable.assign(value)
        self._is_switched = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Switch, if it is time; before, refuse what the second optimizer will not train."""
        super().on_epoch_begin(epoch, logs)
        if self._is_switched:
            return
        first, is_scaled = self.model.optimizer, keras_private.unscaled(self.to) is not self.to
        if isinstance(self.to, ClosureOptimizer):
            if self.model.built:
                self.to.check(self.model)
        elif keras_private.unscaled(first) is not first and not is_scaled:
            raise ValueError(
                "The loss of this model is scaled for float16, so the second optimizer must scale it, too. Received: "
                f"to={type(self.to).__name__}(...). Pass `to=keras.optimizers.LossScaleOptimizer(...)` around it."
            )
        steps, epochs = self.params["steps"], self.params["epochs"]
        if steps is None and self.start.unit in ("ba", "st"):
            raise of_unknown_epoch("`start` is in batches", f"start={self.start.amount:g}{self.start.unit}", "epochs")
        steps = steps or 1
        length = {"ep": 1.0, "%": epochs / 100, "ba": 1 / steps, "st": 1 / steps}[self.start.unit]
        if epoch >= self.start.amount * length:
            self.session.switch(self._switch)
            self._is_switched = True
            self.session.event(
                "optimizer", f"From now on, the optimizer is {type(keras_private.unscaled(self.to)).__name__}."
            )

    def _switch(self) -> None:
        if self.model.built:
            with self.model.distribute_strategy.scope():
                self.to.build(self.model.trainable_variables)
        done = keras_private.iterations_of(keras_private.unscaled(self.model.optimizer))
        keras_private.set_iterations(keras_private.unscaled(self.to), done)
        keras_private.set_optimizer(self.model, self.to)
        self.model.make_train_function(force=True)

    def findings(self) -> list[str]:
        """Return whether it was switched."""
        name = keras_private.unscaled(self.to).name
        if not self._is_switched:
            return [f"The optimizer was not switched to {name!r}: the training ended before."]
        return [f"The training ended with the optimizer {name!r}."]


def switched_by(model: keras.Model, callbacks: Sequence[Any]) -> str:
    """Return the name of the callback to whose optimizer the training has gone over; "" for none."""
    switches = ((name, c) for name, c in callback_states.named(callbacks) if isinstance(c, SwitchOptimizer))
    return next((name for name, callback in switches if callback.to is model.optimizer), "")

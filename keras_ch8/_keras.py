"""Every private name of Keras that the suite leans on, in one place; tests/test_keras_private.py watches them."""

import gc
from collections.abc import Callable, Sequence
from typing import Any

import keras


class Optimizer(keras.optimizers.Optimizer):
    """Keras's optimizer with its private hooks under public names.

    Keras's `apply` drops None gradients, unscales the loss, calls the hook, applies constraints and counts the step.
    """

    update: Callable[[list[Any], list[Any]], None]
    """Take one step with these gradients for these variables; a subclass defines it."""

    def _backend_apply_gradients(self, grads: list[Any], trainable_variables: list[Any]) -> None:
        self.update(list(grads), list(trainable_variables))

    def _get_current_learning_rate(self) -> Any:
        """Count a schedule in real updates (Keras counts the micro-steps of gradient accumulation)."""
        if isinstance(self._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            return self._learning_rate(self.iterations)
        return super()._get_current_learning_rate()

    @property
    def micro_steps(self) -> Any:
        """The number of calls of `apply`; `iterations` is the number of updates."""
        return self._iterations

    @property
    def known_variables(self) -> list[Any]:
        """The variables that the optimizer was built with."""
        return self._trainable_variables

    @property
    def averages(self) -> list[Any]:
        """With `use_ema`, one moving average for each known variable (None where a variable has none)."""
        return self._model_variables_moving_average

    @property
    def accumulators(self) -> list[Any]:
        """With `gradient_accumulation_steps`, one sum of gradients for each known variable."""
        return self._accumulated_gradients

    def index_of(self, variable: Any) -> int:
        """Place of a variable, or of one of its copies on a device, among the known ones."""
        return self._get_variable_index(variable)

    def decays(self, variable: Any) -> bool:
        """Whether `weight_decay` acts on this variable (see `exclude_from_weight_decay`)."""
        return self._use_weight_decay(variable)


def is_overwritten_by_gradient(variable: Any) -> bool:
    """Whether Keras writes the gradient itself into this variable (the scales of float8 layers)."""
    return getattr(variable, "overwrite_with_gradient", False)


def layers_of(variables: Sequence[Any]) -> dict[int, Any]:
    """Return the layer that created each variable, by the variable's `id`.

    An optimizer is given variables only, and a variable does not know its layer; so look through all living objects
    (about 0.1 s, once for each optimizer that asks).
    """
    wanted = {id(v) for v in variables}
    living = (x for x in gc.get_objects() if issubclass(type(x), keras.Layer))
    own = ((id(v), layer) for layer in living for v in getattr(layer, "_trainable_variables", ()))
    return {key: layer for key, layer in own if key in wanted}

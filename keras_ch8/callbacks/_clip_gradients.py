"""Clipping for optimizers that are not of the suite."""

from dataclasses import dataclass
from typing import Any, final

import keras
import numpy as np

from .._describe import short
from ..clipping.rule import ClippingRule, as_rule
from ..optimizers.base import RuleOptimizer
from ..optimizers.closure import ClosureOptimizer
from .base import Callback
from .plain import of_another


@dataclass
class _Memory:
    """What the rule remembers, for each optimizer by its name."""

    remembered: dict[str, dict[str, np.ndarray]]


@final
class ClipGradients(Callback):
    """Clip the gradient of any Keras optimizer by a rule of `keras_ch8.clipping`, for the length of `fit` (8.2.4).

    The optimizer's `apply` is replaced on the instance for the length of `fit`, and given back at its end, whoever
    raises. The rule sees the true gradient: summed over replicas, and unscaled under mixed precision. What a rule
    remembers from step to step lasts over several calls of `fit` of one compiled model; it is not saved with the
    optimizer.

    Differs from `clip=` of the suite's optimizers: with `gradient_accumulation_steps` each micro-step is clipped.

    Args:
        rule: A rule of `keras_ch8.clipping`.

    Raises:
        TypeError: If `rule` is not a rule of `keras_ch8.clipping`.
        ValueError: In `fit`, if the optimizer clips already, or is one of the suite's, which take `clip=`.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
        >>> model.compile(keras.optimizers.SGD(1.0), "mse")
        >>> start = model.get_weights()[0]
        >>> clip = keras_ch8.callbacks.ClipGradients(keras_ch8.clipping.ByGlobalNorm(0.5))
        >>> _ = model.fit(100 * np.ones((4, 2)), np.ones((4, 1)), callbacks=[clip], verbose=0)
        >>> round(float(np.linalg.norm(model.get_weights()[0] - start)), 4)
        0.5

    References:
        Pascanu, Mikolov, Bengio (2013), On the Difficulty of Training Recurrent Neural Networks.
    """

    section = "8.2.4"
    clips_gradients = True

    _remembers = _Memory

    def __init__(self, rule: Any) -> None:
        super().__init__()
        if not isinstance(rule, dict | ClippingRule):
            raise TypeError(
                f"`rule` must be a rule of `keras_ch8.clipping`. Received: rule={short(rule)} of type "
                f"{type(rule).__name__}. Pass one, such as `keras_ch8.clipping.ByGlobalNorm(1.0)`."
            )
        self.rule: Any = as_rule(rule)

    def _state(self) -> _Memory:
        observation = None if getattr(self, "session", None) is None else self.session.observation
        return _Memory({} if observation is None else observation.rule_state())

    def _refuse_other(self, kept: _Memory) -> None:
        for remembered in kept.remembered.values():
            shapes, expected = {name: value.shape for name, value in remembered.items()}, self.rule.state_shapes()
            if shapes and shapes != expected:  # there are none before the first step
                raise of_another(type(self).__name__, "what the rule remembers", shapes, expected)

    def on_open(self) -> None:
        """Hand the rule to the session; each optimizer of the model is clipped by itself."""
        for optimizer in self.session.optimizers.values():
            self._refuse(optimizer)
        if self.session.rule is not None:
            raise ValueError(
                f"A training can have only one clipping rule. Received: {short(self.session.rule)} and "
                f"{short(self.rule)}. Keep one."
            )
        self.session.rule = self.rule
        if (kept := self._take_kept()) is not None:
            self.session.rule_state = kept.remembered

    def _refuse(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Refuse an optimizer that clips already, or that takes the rule itself."""
        name = type(optimizer).__name__
        if isinstance(optimizer, RuleOptimizer):
            raise ValueError(
                f"`ClipGradients` is for optimizers of other packages. Received: {name}, which takes the rule itself "
                f"and saves it with the model: `{name}(..., clip={self.rule!r})`."
            )
        if isinstance(optimizer, ClosureOptimizer):
            raise ValueError(
                f"`ClipGradients` limits steps along the gradient. Received: {name}, which chooses the length of each "
                "step itself. Remove the callback."
            )
        for limit in ("clipnorm", "clipvalue", "global_clipnorm"):
            if getattr(optimizer, limit) is not None:
                raise ValueError(
                    f"`ClipGradients` and the optimizer would both clip. Received: {name} with "
                    f"{limit}={short(getattr(optimizer, limit))} and the rule {short(self.rule)}. Keep one of them."
                )

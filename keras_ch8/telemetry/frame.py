"""The rows of many steps, read back into NumPy."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self, final

import numpy as np


@final
@dataclass(frozen=True)
class Frame:
    """What happened at some steps of one optimizer: what `on_telemetry` of a callback is given (section 8.2).

    Args:
        steps: The steps, in batches that the model has been trained on; what follows has a number for each.
        learning_rate: The rate that the step used; NaN where the optimizer chooses the length of each step.
        loss: The loss of the minibatch; `None` where it is not known.
        norm: Euclidean norm of the whole gradient, before clipping. Where nothing is ever measured, it is 0 below 1e-19
            and infinite above 1e19.
        clipped: The norm after clipping.
        nonfinite: Entries of the gradient that are infinite or NaN; NaN where the norm is 0 or infinite as above.
        measured: Those of the steps at which update and rates were measured.
        update: Norm of the change of the weights at these.
        rates: The 5 %, 50 % and 95 % quantile of |delta theta / g| over a sample of the parameters at these, with g as
            clipped: three columns.
        numbers: What a method of section 8.6 says of each step, by name.
        group_rates: What the learning rate of each group of weights is multiplied by, by its name; {} without groups.
        groups: Norm of the change of the weights over that of the weights, of each group, at `measured`.

    Example:
        >>> class Keeps(keras_ch8.extend.Callback):
        ...     steps = norms = ()
        ...     def on_telemetry(self, frames, logs):  # once a second, and at the end
        ...         self.steps, self.norms = (*self.steps, *frames[""].steps), (*self.norms, *frames[""].norm)
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> keeps = Keeps()
        >>> _ = model.fit(np.ones((32, 2)), np.ones((32, 1)), batch_size=8, callbacks=[keeps], verbose=0)
        >>> [int(step) for step in keeps.steps], len(keeps.norms)
        ([1, 2, 3, 4], 4)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    steps: np.ndarray
    learning_rate: np.ndarray
    loss: np.ndarray | None
    norm: np.ndarray
    clipped: np.ndarray
    nonfinite: np.ndarray
    measured: np.ndarray
    update: np.ndarray
    rates: np.ndarray
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    group_rates: dict[str, float] = field(default_factory=dict)
    groups: dict[str, np.ndarray] = field(default_factory=dict)

    def at(self, place: Callable[[np.ndarray], np.ndarray]) -> Self:
        """Return the frame with `place(steps)` in the place of the optimizer's own steps."""
        return replace(self, steps=place(self.steps), measured=place(self.measured))

    @property
    def coefficient(self) -> np.ndarray:
        """Norm after clipping over norm before; 1 where nothing was clipped, and for a gradient of 0."""
        with np.errstate(invalid="ignore"):
            ratio = np.where(self.norm > 0, self.clipped / np.where(self.norm > 0, self.norm, 1), 1.0)
        return np.where(self.was_clipped, ratio, 1.0)

    @property
    def was_clipped(self) -> np.ndarray:
        """Whether the gradient got shorter by more than rounding."""
        return self.clipped < self.norm * (1 - 1e-5)

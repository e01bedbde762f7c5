"""What gradient clipping does in a training, in numbers and in a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from .._types import Logs
from ..board import tags
from ..telemetry.frame import Frame
from .base import Callback
from .session.batch_counter import READ_EVERY

LAST = 1000
"""Norms that the quantiles are taken of."""
EPOCH = ("norm", "clipped", "coefficient", "was_clipped")
"""Columns of a frame that the numbers of an epoch are made of."""


@dataclass
class _Clipping:
    """What clipping did to the gradients of one optimizer, where there is a rule.

    Args:
        has_rule: Whether there is.
        norms: The last norms before clipping.
        epoch: Columns of the steps of this epoch, in parts.
        steps: The steps so far.
        clipped: Those that were clipped.
    """

    has_rule: bool
    norms: np.ndarray = field(default_factory=lambda: np.zeros(0))
    epoch: list[dict[str, np.ndarray]] = field(default_factory=list)
    steps: int = 0
    clipped: int = 0

    def add(self, frame: Frame) -> None:
        """Take some steps."""
        self.epoch.append({name: getattr(frame, name) for name in EPOCH})
        self.norms = np.concatenate([self.norms, frame.norm])[-LAST:]
        self.steps += len(frame.steps)
        self.clipped += int(frame.was_clipped.sum())

    def means_of_epoch(self) -> dict[str, float]:
        """Return the numbers of the epoch that ends; {} if it had no step."""
        parts, self.epoch = self.epoch, []
        if not parts:
            return {}
        names = {"gradient_norm": "norm"}
        if self.has_rule:
            names |= {
                "gradient_norm_clipped": "clipped",
                "clip_coefficient": "coefficient",
                "clipped_share": "was_clipped",
            }
        means = {name: float(np.mean(np.concatenate([part[of] for part in parts]))) for name, of in names.items()}
        return means | {"gradient_norm_q90": quantile(self.norms, 0.9)}


@dataclass
class _Memory:
    """What is remembered, for each optimizer by its name."""

    optimizers: dict[str, _Clipping] = field(default_factory=dict)


@final
class GradientClippingLogger(Callback):
    """Report how often the gradient is clipped, by how much, and which threshold would fit (section 8.2.4).

    It acts on any optimizer and any way to clip: `clip=`, `clipnorm` and the like of the suite's optimizers, or
    `ClipGradients`. The clipping inside Keras's own optimizers cannot be seen, only the gradient before it.

    Measures, for each epoch:

        gradient_norm           mean of the norm before clipping, |g|
        gradient_norm_q90       90 % quantile of the last 1000 norms before clipping

    and where a rule is in force

        gradient_norm_clipped   mean of the norm after clipping
        clip_coefficient        mean of after / before
        clipped_share           share of the steps that were clipped

    (of several optimizers, each under the name of its attribute, such as `d_optimizer_gradient_norm`)

    which other callbacks can monitor, and shows through `keras_ch8.callbacks.TensorBoard`, if it is there,
    `step/gradient_norm_q90` and a sentence in `diagnosis/report`. The curves of clipping are written by that callback.

    Args:
        logs: Which of the numbers join Keras's `logs`, and so the progress bar and `History`: `True` for all, or a list
            of names. Defaults to `False`.

    Example:
        >>> logger = keras_ch8.callbacks.GradientClippingLogger(logs=True)
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(0.01, global_clipnorm=1.0), "mse")
        >>> history = model.fit(100 * np.ones((4, 2)), np.ones((4, 1)), callbacks=[logger], verbose=0).history
        >>> history["clipped_share"], round(history["gradient_norm_clipped"][0], 4)
        ([1.0], 1.0)

    References:
        Pascanu, Mikolov, Bengio (2013), On the Difficulty of Training Recurrent Neural Networks.
    """

    section, watches = "8.2.4", True
    _is_alone = True

    observes_updates = READ_EVERY  # so that every norm is exact
    _remembers = _Memory

    def __init__(self, logs: bool | Sequence[str] = False) -> None:
        super().__init__(logs)
        self._memory = _Memory()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the last training."""
        super().on_train_begin(logs)
        self._memory = self._take_kept() or _Memory()

    def on_telemetry(self, frames: Mapping[str, Frame], logs: dict[str, Any]) -> None:
        """Count, for each optimizer."""
        for name, frame in frames.items():
            if not len(frame.steps):
                continue
            clipping = self._memory.optimizers.setdefault(name, _Clipping(self.session.has_clipping_rule))
            clipping.add(frame)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report the numbers of the epoch."""
        super().on_epoch_end(epoch, logs)
        numbers: dict[str, float] = {}
        for name, clipping in self._memory.optimizers.items():
            means = clipping.means_of_epoch()
            numbers |= {f"{name}_{key}" if name else key: value for key, value in means.items()}
            if means:
                self.session.show({tags.of_optimizer(tags.GRADIENT_NORM_Q90, name): means["gradient_norm_q90"]})
        self.session.log(self, logs, numbers)

    def findings(self) -> list[str]:
        """Return the sentence, one for each optimizer."""
        return [
            (f"`{name}`: " if name else "") + sentence(each.clipped if each.has_rule else None, each.steps, each.norms)
            for name, each in self._memory.optimizers.items()
        ]


def quantile(norms: np.ndarray, share: float) -> float:
    """Return a quantile of the finite norms; NaN if there are none."""
    finite = norms[np.isfinite(norms)]
    return float(np.quantile(finite, share)) if len(finite) else float("nan")


def sentence(clipped: int | None, steps: int, norms: np.ndarray) -> str:
    """Say what clipping did, None where there is no rule, and which limit would clip one step in ten."""
    broken = int((~np.isfinite(norms)).sum())
    if broken == len(norms):
        return f"{_deed(clipped, steps)}; all of the last {broken} gradients are infinite or NaN."
    ending = f"; {broken} of them had an infinite or NaN gradient" if broken else ""
    q50, q90, q99 = (quantile(norms, q) for q in (0.5, 0.9, 0.99))
    return (
        f"{_deed(clipped, steps)}; of the last {len(norms)} norms before clipping the median is {q50:.3g}, the 90 % "
        f"quantile {q90:.3g} and the 99 % quantile {q99:.3g}{ending}."
    )


def _deed(clipped: int | None, steps: int) -> str:
    if clipped is None:
        return f"no rule clips these {steps} steps"
    share = clipped / steps
    if clipped == 0:
        return f"clipped none of {steps} steps: no gradient has reached the limit"
    if share < 0.3:
        return f"clipped {share:.1%} of {steps} steps: it catches the rare steep ones, as it should"
    if share < 0.99:
        return f"clipped {share:.1%} of {steps} steps: the threshold acts as a learning rate"
    return f"clipped {share:.1%} of {steps} steps: every step has the same length; lower the learning rate instead"

"""The first pass over the data as a test, and what later passes have learned by heart."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from .. import _objects
from .._describe import section, short
from .._result import Result
from ..verdicts import quantities as q
from ..verdicts import table
from ..verdicts.wording import digits
from .base import Monitor
from .measurement_log import MeasurementLog, once

LITTLE = 0.1
"""Fall of the loss, as a fraction of its start, that is the least to compare a rise to."""
TAIL = 0.25
"""Fraction of a pass, at its end, that is judged: the weights hardly change in it."""


@dataclasses.dataclass(frozen=True, repr=False)
class OnlineRisk(Result):
    """Loss on examples at the end of the first pass, when they were new, and of the last, when they were not.

    Args:
        first: Mean loss of the minibatches at the end of the first pass.
        last: Mean loss of the minibatches at the end of the last pass.
        passes: Number of passes.
    """

    first: float
    last: float
    passes: int

    _shows = ("first", "last", "passes")

    def _headline(self) -> str:
        return f"loss {self.first:.4g} on new examples, {self.last:.4g} on known ones, after {self.passes} passes"


@section("8.1.3")
def online_risk(losses: Sequence[np.ndarray]) -> OnlineRisk:
    """Compare the loss on examples when they were new with the loss on the same examples later (section 8.1.3).

        E[L(minibatch; theta)] = J(theta), the generalization error, if the minibatch was never seen before

    That holds in the first pass only. The loss of a later pass is that of the training set.

    Args:
        losses: For each pass over the data, the loss of every minibatch, in order, before the update that it makes.

    Returns:
        An `OnlineRisk`.

    Raises:
        ValueError: If `losses` is not a list, holds no pass, or the losses of a pass are not numbers.

    Example:
        >>> first, second = np.array([4.0, 3.0, 2.0, 2.0]), np.array([1.5, 1.5, 1.0, 1.0])
        >>> found = keras_ch8.monitors.online_risk([first, second])
        >>> found.first, found.last
        (2.0, 1.0)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.3.
    """
    is_list = isinstance(losses, list | tuple) or getattr(losses, "ndim", 0) > 0
    if not is_list or not len(losses):
        raise ValueError(
            "`losses` must be a list with one array of minibatch losses for each pass over the data. Received: "
            f"losses={short(losses)}. Pass at least one array."
        )
    of_first, of_last = (_objects.numbers("losses", losses[i], may_be_empty=True) for i in (0, -1))
    if {of_first.ndim, of_last.ndim} != {1}:
        raise ValueError(
            f"`losses` must contain flat arrays, with one number for each minibatch. Received: losses={short(losses)}. "
            "Pass at least one flat array."
        )
    return OnlineRisk(_mean(of_first), _mean(of_last), len(losses))


def _mean(losses: np.ndarray) -> float:
    """Return the mean over the end of a pass."""
    tail = losses[-max(1, round(TAIL * len(losses))) :]
    return float(tail.mean()) if len(tail) else float("nan")


class OnlineRiskMonitor(Monitor):
    """See `online_risk`."""

    name = "online_risk"
    sets = ("cheap", "standard", "full")
    order = 5
    source = "epochs"
    rules = table.ONLINE_RISK

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return how the held-out loss does beside the training loss; nothing before there are three of each.

        The held-out loss is that of validation or, where there is none, of the probe, if it is not trained on.
        """
        held_out, losses = _held_out(log), log.reported("loss")
        if len(held_out) < 3 or len(losses) < 3:
            return {}
        start, best = _start(log), float(held_out.min())
        reference = start if log.is_penalized else float(np.fmin(start, log.chance))
        return _since_the_best(log, np.min) | {
            q.LEARNED.name: float(losses[0] - losses[-1]),
            q.HELD_OUT_LEFT.name: best / reference if min(best, reference) > 0 else float("nan"),
        }

    def newest(self, log: MeasurementLog) -> dict[str, float]:
        """Return where held-out loss and training loss are by the last epoch alone."""
        return _since_the_best(log, lambda losses: losses[-1])

    def drawn(self, log: MeasurementLog) -> dict[str, float]:
        """Return the held-out loss by the series in which it is drawn; no rule judges the other numbers."""
        return held_out_drawn(log)

    def remarks(self, log: MeasurementLog) -> dict[str, str]:
        """Return the held-out loss at its best and now."""
        held_out = _held_out(log)
        if not len(held_out) or not np.isfinite(held_out).all():
            return {}
        name = "`val_loss`" if _is_validated(log) else "probe loss"
        best, now = (digits(loss, 3) for loss in (held_out.min(), held_out[-1]))
        return {"overfitting": f"{name} {now}, {'its best' if now == best else f'at best {best}'}"}


def held_out_drawn(log: MeasurementLog) -> dict[str, float]:
    """Return the last held-out loss by the series in which it is drawn; nothing where there is none."""
    held_out, losses = q.VALIDATION_LOSS if _is_validated(log) else q.LOSS_OF_PROBE, _held_out(log)
    return {held_out.series: float(losses[-1])} if len(losses) else {}


@once
def _is_validated(log: MeasurementLog) -> bool:
    return any("val_loss" in logs for logs in log.epochs)


@once
def _held_out(log: MeasurementLog) -> np.ndarray:
    """Return the validation losses or, where there are none, the losses on the probe."""
    if _is_validated(log):
        return log.reported("val_loss")
    return log.series("gradient_norm", "loss")


def _start(log: MeasurementLog) -> float:
    """Return the held-out loss at the start or, where that is more, the first on the probe."""
    of_probe = log.of("gradient_norm")
    return float(np.fmax(of_probe[0].loss if of_probe else np.nan, _held_out(log)[0]))


def _since_the_best(log: MeasurementLog, to: Callable[[np.ndarray], float]) -> dict[str, float]:
    """Return what has come of losses since the held-out one was best, by what `to` picks of the last ones."""
    start, best, now = _start(log), float(_held_out(log).min()), float(to(_held_out(log)[-3:]))
    return {
        q.HELD_OUT_RISE.name: _ratio(now - best, max(start - best, LITTLE * abs(start))),
    }


def _ratio(change: float, size: float) -> float:
    """Return a change as a fraction of a size; of a size of 0 it is without end, or nothing if it is 0 itself."""
    if size:
        return float(change / abs(size))
    return float(change * np.inf) if change else 0.0

"""What a training has learned by heart: the held-out loss beside that of the training."""

from collections.abc import Callable

import numpy as np

from ..verdicts import quantities as q
from ..verdicts import table
from ..verdicts.wording import digits
from .base import Monitor
from .measurement_log import MeasurementLog, once

LITTLE = 0.1
"""Fall of the loss, as a fraction of its start, that is the least to compare a rise to."""
ACCURACIES = tuple(
    f"val_{name}"
    for name in ("accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy")
)
"""Names of the fraction of examples whose class is told."""


class OnlineRiskMonitor(Monitor):
    """Watches the held-out loss, of validation or of the probe, beside the training loss (section 8.1.3)."""

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
            q.HELD_OUT_LEFT.name: best / reference if min(best, reference) > 0 else float("nan"),
            q.ACCURACY_ABOVE.name: accuracy_above_the_commonest(log),
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


@once
def accuracy_above_the_commonest(log: MeasurementLog) -> float:
    """Return `ACCURACY_ABOVE`; NaN where it is not known."""
    known = [best for name in ACCURACIES for best in log.reported(name)]
    least, examples = log.commonest_of_validation, log.validated
    if not known or not examples or not 0 < least < 1:
        return float("nan")
    return float((max(known) - least) / np.sqrt(least * (1 - least) / examples))


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
    """Return what has come of losses since the held-out one was best, by what `to` picks of the last ones.

    By what the training loss has risen since then, the loss itself has changed, as a penalty does whose weight grows.
    """
    held_out, losses = _held_out(log), log.reported("loss")
    start, best, rise = _start(log), float(held_out.min()), float(to(held_out[-3:]) - held_out.min())
    if len(losses) == len(held_out):
        rise -= max(0.0, float(to(losses[-3:]) - losses[held_out.argmin()]))
    return {
        q.HELD_OUT_RISE.name: _ratio(max(rise, 0.0), max(start - best, LITTLE * abs(start))),
    }


def _ratio(change: float, size: float) -> float:
    """Return a change as a fraction of a size; of a size of 0 it is without end, or nothing if it is 0 itself."""
    if size:
        return float(change / abs(size))
    return float(change * np.inf) if change else 0.0

"""The first pass over the data as a test, and what later passes have learned by heart."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from .._section import section
from ..verdicts import THRESHOLDS, Claim
from ..verdicts.verdict import gravest
from ._monitor import AbstractMonitor
from .past import Past

LITTLE = 0.1
"""Fall of the loss, as a share of its start, that is the least to compare a rise to."""
TAIL = 0.25
"""Share of a pass, at its end, that is looked at: the weights hardly change in it."""


@dataclasses.dataclass(frozen=True)
class OnlineRisk:
    """Loss on examples at the end of the first pass, when they were new, and of the last, when they were not.

    Args:
        first: Mean loss of the minibatches at the end of the first pass.
        first_error: Its standard error.
        last: Mean loss of the minibatches at the end of the last pass.
        last_error: Its standard error.
        passes: Number of passes.
    """

    first: float
    first_error: float
    last: float
    last_error: float
    passes: int


@section("8.1.3")
def online_risk(losses: Sequence[np.ndarray]) -> OnlineRisk:
    """Return the loss on examples when they were new, beside the loss on the same when they are known (section 8.1.3).

        E[L(minibatch; theta)] = J(theta), the generalization error, if the minibatch was never seen before

    That holds in the first pass only. The loss of a later pass is that of the training set.

    Args:
        losses: For each pass over the data, the loss of every minibatch, in order, before the update that it makes.

    Returns:
        An `OnlineRisk`.

    Raises:
        ValueError: If there is no pass.

    Example:
        >>> first, second = np.array([4.0, 3.0, 2.0, 2.0]), np.array([1.5, 1.5, 1.0, 1.0])
        >>> found = keras_ch8.monitors.online_risk([first, second])
        >>> found.first, found.last
        (2.0, 1.0)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.3.
    """
    if not len(losses):
        raise ValueError("`online_risk` compares passes over the data. Received: losses=[]. Give one array a pass.")
    (first, first_error), (last, last_error) = (_mean(np.asarray(losses[i], "float64")) for i in (0, -1))
    return OnlineRisk(first, first_error, last, last_error, len(losses))


def _mean(losses: np.ndarray) -> tuple[float, float]:
    """Return mean and standard error of the end of a pass."""
    tail = losses[-max(1, round(TAIL * len(losses))) :]
    error = tail.std(ddof=1) / np.sqrt(len(tail)) if len(tail) > 1 else float("nan")
    return (float(tail.mean()) if len(tail) else float("nan")), float(error)


class OnlineRiskMonitor(AbstractMonitor):
    """See `online_risk`."""

    name = "online_risk"
    sets = ("cheap", "standard", "full")
    place = 5
    judges = "epochs"

    def numbers(self, past: Past) -> dict[str, float]:
        """Return the loss on examples when they were new, and as they are known now."""
        found = online_risk(past.passes)
        return {"online_risk": found.first, "training_risk": found.last}

    def claims(self, past: Past) -> list[Claim]:
        """Say whether what is learned holds for new examples."""
        return _overfitting(past)


def _overfitting(past: Past) -> list[Claim]:
    """Judge by the validation loss, or where there is none by the probe, if it is not trained on.

    It rises; or it is not low, and the training loss has halved since the epoch in which validation was best.
    """
    held_out = np.array([logs["val_loss"] for logs in past.epochs if "val_loss" in logs])
    name, start = "`val_loss`", past.of("gradient_norm")[0].loss if past.of("gradient_norm") else np.nan
    if not len(held_out):
        held_out, name = past.series("gradient_norm", "loss"), "the loss on the probe"
    losses = np.array([logs["loss"] for logs in past.epochs if "loss" in logs])
    if len(held_out) < 3 or len(losses) < 3:
        return []
    middle = losses[len(losses) // 2]
    is_learning = losses[-1] < losses[0] and middle - losses[-1] > LITTLE * abs(middle)
    now, best = float(held_out[-3:].min()), float(held_out.min())
    start = float(np.fmax(start, held_out[0]))
    gained = max(start - best, LITTLE * abs(start))
    finding = f"The training loss is {losses[-1]:.3g}, and {name} has gone from {best:.3g} at its best to {now:.3g}"
    risk = online_risk(past.passes)
    if risk.passes > 1 and np.isfinite(risk.first):
        finding += f"; examples cost {risk.first:.3g} when they were new, and {risk.last:.3g} now"
    level = THRESHOLDS["overfitting"].level((now - best) / gained) if is_learning else "ok"
    is_low = start - best >= THRESHOLDS["low"].watch * abs(start)
    if not is_low and _fallen_since_the_best(past) > THRESHOLDS["by_heart"].watch:
        level = gravest(level, "watch")
    return [Claim("overfitting", level, f"{finding}.")]


def _fallen_since_the_best(past: Past) -> float:
    """Return by what share the training loss has fallen since the epoch in which validation was best; NaN without."""
    pairs = [(logs["val_loss"], logs["loss"]) for logs in past.epochs if {"val_loss", "loss"} <= set(logs)]
    if not pairs:
        return float("nan")
    held_out, losses = np.array(pairs).T
    since = losses[held_out.argmin() :]
    return float((since[0] - since.min()) / abs(since[0])) if since[0] else float("nan")

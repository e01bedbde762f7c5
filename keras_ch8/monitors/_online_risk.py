"""The first pass over the data as a test, and what later passes have learned by heart."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from .. import _objects
from .._describe import section, short
from .._result import Result
from ..verdicts.rules import Condition, LevelThreshold, Quantity, Rule
from ..verdicts.wording import digits, moved, percent, times
from .base import Curve, Monitor
from .measurement_log import MeasurementLog, once
from .progress import MEASURED

LITTLE = 0.1
"""Fall of the loss, as a fraction of its start, that is the least to compare a rise to."""
SINCE = 4
"""Losses since the best, from which on a rise is told from the changes from one to the next."""
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
    """Return the loss on examples when they were new, beside the loss on the same when they are known (section 8.1.3).

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
            "`losses` holds the losses of the minibatches of each pass over the data, so it must be a list with one "
            f"array for each pass. Received: losses={short(losses)}. Give at least one array."
        )
    of_first, of_last = (_objects.numbers("losses", losses[i], may_be_empty=True) for i in (0, -1))
    if {of_first.ndim, of_last.ndim} != {1}:
        raise ValueError(
            "`losses` holds a number for every minibatch of each pass, so each of its arrays must be flat. Received: "
            f"losses={short(losses)}. Give at least one flat array."
        )
    return OnlineRisk(_mean(of_first), _mean(of_last), len(losses))


def _mean(losses: np.ndarray) -> float:
    """Return the mean over the end of a pass."""
    tail = losses[-max(1, round(TAIL * len(losses))) :]
    return float(tail.mean()) if len(tail) else float("nan")


HELD_OUT_RISE = Quantity(
    "held_out_rise",
    "The rise of the held-out loss (`val_loss`, else the probe's) since its best, over its fall "
    "before or, if more, a tenth of its start.",
    lambda rise: f"the loss on held-out examples has risen by {percent(rise)} of what it had fallen until its best",
    "the loss on held-out examples has risen beyond measure since its best",
    number=percent,
    usual="by the lowest of its last three values",
)
RISE_OVER_BEST = Quantity(
    "rise_over_best",
    "By what fraction the held-out loss is above its best, if that is above 0.",
    lambda rise: f"the loss on held-out examples is {percent(rise)} above its best",
    "the loss on held-out examples is beyond measure above its best",
    number=percent,
    usual="by the lowest of its last three values",
)
RISE_OVER_CHANGES = Quantity(
    "rise_over_changes",
    "The rise of the held-out loss since its best over its median change from time to time, of four or more.",
    lambda factor: f"that is {times(factor, 'what it changes by from one time to the next')}",
)
HELD_OUT_FALLEN = Quantity("held_out_fallen", "By what fraction the held-out loss was below its start at its best.")
LEARNED = Quantity("learned", "By what fraction the training loss is below that of the first epoch.")
LEARNED_LATELY = Quantity(
    "learned_lately", "By what fraction the training loss fell over the second half of the epochs."
)
BY_HEART = Quantity(
    "by_heart",
    "By what fraction the training loss fell after the epoch with the best validation loss.",
    lambda fall: f"since the loss on held-out examples was best, the training loss {moved(fall)}",
    number=percent,
    usual="at its lowest",
)
KNOWN_OVER_NEW = Quantity(
    "known_over_new",
    "The training loss of the last epoch over the held-out loss, if both are above 0.",
    lambda part: f"the training loss is {percent(part)} of that on held-out examples",
    number=percent,
)
HELD_OUT_LEFT = Quantity(
    "held_out_left",
    "The held-out loss at its best over that of the best constant prediction, else over its start.",
    number=percent,
)
VALIDATION_LOSS = Quantity("val_loss", "The validation loss of the last epoch.", series="epoch/val_loss")
LOSS_OF_PROBE = Quantity("loss_of_probe", "The loss on the probe, where there is no other.", series="diagnosis/loss")
HELD_OUT = (VALIDATION_LOSS, LOSS_OF_PROBE)

LEARNS = (
    Condition(LEARNED, ">", 0, "the training loss has fallen"),
    Condition(LEARNED_LATELY, ">", LITTLE, "it has fallen in the second half of the training too"),
)
RULES = (
    Rule(
        kind="overfitting",
        says="The model learns its examples by heart: the loss on held-out examples rises while it still learns",
        all_of=(LevelThreshold(HELD_OUT_RISE, "above", watch=0.1, act=0.15, source=MEASURED),),
        when=LEARNS,
        mentions=HELD_OUT,
    ),
    Rule(
        kind="overfitting",
        says="The model knows its examples by heart, and much of the loss on held-out ones is left",
        all_of=(LevelThreshold(KNOWN_OVER_NEW, "below", watch=0.1, act=0.04, source=MEASURED),),
        when=(
            Condition(HELD_OUT_LEFT, ">=", 0.25, "a quarter of the loss on held-out examples is left"),
            LEARNS[0],
        ),
        mentions=HELD_OUT,
    ),
    Rule(
        kind="overfitting",
        says="The loss on held-out examples was better before, and has risen while that on training examples goes on "
        "falling",
        all_of=(LevelThreshold(RISE_OVER_BEST, "above", watch=0.15, act=1.0, source=MEASURED),),
        when=(
            Condition(
                RISE_OVER_CHANGES, ">=", 3.0, "it has risen by far more than it changes by from one time to the next"
            ),
            Condition(HELD_OUT_LEFT, ">=", 0.05, "at its best it was not next to nothing"),
            *LEARNS,
        ),
        mentions=HELD_OUT,
    ),
    Rule(
        kind="overfitting",
        says="Most of what was learned lately does not hold for held-out examples",
        when=(Condition(BY_HEART, ">", 0.5, "half of the training loss went after that", source=MEASURED),),
        silenced_by=(Condition(HELD_OUT_FALLEN, ">=", 0.9, "the held-out loss was low"),),
        at_most="watch",
        mentions=HELD_OUT,
    ),
)


class OnlineRiskMonitor(Monitor):
    """See `online_risk`."""

    name = "online_risk"
    sets = ("cheap", "standard", "full")
    order = 5
    source = "epochs"
    rules = RULES
    curves = (
        Curve(
            "loss_on_new_examples",
            "Loss on new examples",
            "loss",
            "Loss on examples at the end of the first pass, when they were new.",
            "8.1.3",
        ),
        Curve(
            "loss_on_known_examples",
            "Loss on known examples",
            "loss",
            "Loss on examples at the end of the last pass, when they were known.",
            "8.1.3",
        ),
    )

    def numbers(self, log: MeasurementLog) -> dict[str, float]:
        """Return the loss on examples when they were new, and as they are known now."""
        found = online_risk(log.passes)
        return {"loss_on_new_examples": found.first, "loss_on_known_examples": found.last}

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return how the held-out loss does beside the training loss; nothing before there are three of each.

        The held-out loss is that of validation or, where there is none, of the probe, if it is not trained on.
        """
        held_out, losses = _held_out(log), log.reported("loss")
        if len(held_out) < 3 or len(losses) < 3:
            return {}
        start, best = _start(log), float(held_out.min())
        reference = start if log.is_penalized else float(np.fmin(start, log.chance))
        first, middle, last = (float(losses[i]) for i in (0, len(losses) // 2, -1))
        return _since_the_best(log, np.min) | {
            RISE_OVER_CHANGES.name: _over_changes(held_out),
            HELD_OUT_FALLEN.name: float("inf") if start - best >= abs(start) else _ratio(start - best, start),
            KNOWN_OVER_NEW.name: last / float(held_out[-1]) if last > 0 and held_out[-1] > 0 else float("nan"),
            HELD_OUT_LEFT.name: best / reference if min(best, reference) > 0 else float("nan"),
            LEARNED.name: first - last,
            LEARNED_LATELY.name: _ratio(middle - last, middle),
        }

    def newest(self, log: MeasurementLog) -> dict[str, float]:
        """Return where held-out loss and training loss are by the last epoch alone."""
        return _since_the_best(log, lambda losses: losses[-1])

    def drawn(self, log: MeasurementLog) -> dict[str, float]:
        """Return the held-out loss by the series in which it is drawn; no rule judges the other numbers."""
        return held_out_drawn(log)

    def remarks(self, log: MeasurementLog) -> dict[str, str]:
        """Return the losses by themselves."""
        held_out, losses = _held_out(log), [*log.reported("loss")]
        name = "`val_loss`" if _is_validated(log) else "the loss on the probe"
        risk = online_risk(log.passes)
        ends = [held_out.min(), held_out[-1]]
        best, last = (digits(loss, 3) for loss in ends)
        pairs = [
            ("the training loss is now {}", losses[-1:]),
            (name + (" has gone from {} at its best to {}" if best != last else " is near its best, {}"), ends),
            (
                "the loss of minibatches was {} when they were new, and is {} now",
                [risk.first, risk.last] if risk.passes > 1 else [],
            ),
        ]
        said = [text.format(*(digits(x, 3) for x in xs)) for text, xs in pairs if len(xs) and np.isfinite(xs).all()]
        return {"overfitting": "; ".join(said)}


def held_out_drawn(log: MeasurementLog) -> dict[str, float]:
    """Return the last held-out loss by the series in which it is drawn; nothing where there is none."""
    held_out, losses = VALIDATION_LOSS if _is_validated(log) else LOSS_OF_PROBE, _held_out(log)
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
        HELD_OUT_RISE.name: _ratio(now - best, max(start - best, LITTLE * abs(start))),
        RISE_OVER_BEST.name: (now - best) / best if best > 0 else float("nan"),
        BY_HEART.name: _fallen_since_the_best(log, to),
    }


def _over_changes(held_out: np.ndarray) -> float:
    """Return how far the lowest of the last three losses is above the best, in changes from one to the next."""
    since = held_out[int(held_out.argmin()) :]
    if len(since) <= SINCE:
        return float("nan")
    return _ratio(float(since[-3:].min() - since[0]), float(np.median(np.abs(np.diff(since)))))


def _ratio(change: float, size: float) -> float:
    """Return a change as a fraction of a size; of a size of 0 it is without end, or nothing if it is 0 itself."""
    if size:
        return float(change / abs(size))
    return float(change * np.inf) if change else 0.0


def _fallen_since_the_best(log: MeasurementLog, to: Callable[[np.ndarray], float]) -> float:
    """Return by what fraction the training loss fell after the epoch in which validation was best; NaN without.

    `to` picks one of the losses since then.
    """
    pairs = [(logs["val_loss"], logs["loss"]) for logs in log.epochs if {"val_loss", "loss"} <= set(logs)]
    if not pairs:
        return float("nan")
    held_out, losses = np.array(pairs).T
    since = losses[held_out.argmin() :]
    return (float(since[0]) - float(to(since))) / abs(float(since[0])) if since[0] else float("nan")

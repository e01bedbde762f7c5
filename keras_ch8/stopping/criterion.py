"""What a criterion reads (the epochs so far), what it answers (a reason to stop), its base classes, what is better."""

import abc
import dataclasses
import enum
import math
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .. import _checks
from .._describe import short
from .._settings import Checked


class StopReason(enum.StrEnum):
    """Why a training has ended."""

    PATIENCE = "patience"
    GENERALIZATION_LOSS = "generalization_loss"
    PRODUCTIVITY = "productivity"
    SUCCESSIVE_RISES = "successive_rises"
    THRESHOLD = "threshold"
    DIVERGED = "diverged"
    DEADLINE = "deadline"
    COMPLETED = "completed"
    """All epochs were run."""
    OTHER = "other"
    """Something else stopped the training."""


@dataclasses.dataclass(frozen=True)
class Reason:
    """Why the training has ended.

    Args:
        why: For programs: a `StopReason`, or a word of your own from a criterion of your own.
        message: For people: a clause such as "the loss is NaN", without a full stop.
        epoch: The epoch after which the training ends, counted from 0.
    """

    why: StopReason | str
    message: str
    epoch: int


@dataclasses.dataclass(frozen=True)
class EpochHistory:
    """The epochs so far.

    Args:
        monitor: Name of the quantity that a criterion reads if it names none.
        modes: "min" or "max" for each quantity that is read: which direction is better.
        epochs: Number of each epoch, counted from 0.
        logs: What was reported at the end of each epoch; a quantity may be missing in some.
        seconds: Time spent on training at the end of each epoch.
        skipped: Epochs of this training before the first of these. Defaults to 0.
    """

    monitor: str
    modes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    epochs: tuple[int, ...] = ()
    logs: tuple[Mapping[str, float], ...] = ()
    seconds: tuple[float, ...] = ()
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def epoch(self) -> int:
        """The last epoch, counted from 0."""
        return self.epochs[-1]

    def after(self, epoch: int, logs: Mapping[str, float], seconds: float) -> "EpochHistory":
        """Return the history with one more epoch."""
        return dataclasses.replace(
            self,
            epochs=(*self.epochs, epoch),
            logs=(*self.logs, dict(logs)),
            seconds=(*self.seconds, seconds),
        )

    def where(self, name: str) -> "EpochHistory":
        """Return the epochs that reported a quantity."""
        return self._at([i for i, logs in enumerate(self.logs) if name in logs])

    def since(self, index: int) -> "EpochHistory":
        """Return the epochs from the index-th on."""
        return self._at(range(index, len(self)))

    def _at(self, kept: Sequence[int]) -> "EpochHistory":
        return dataclasses.replace(
            self,
            epochs=tuple(self.epochs[i] for i in kept),
            logs=tuple(self.logs[i] for i in kept),
            seconds=tuple(self.seconds[i] for i in kept),
        )

    def epochs_with(self, name: str) -> np.ndarray:
        """Return the numbers of the epochs that reported a quantity."""
        return np.array(self.where(name).epochs, dtype="int64")

    def values(self, name: str) -> np.ndarray:
        """Return a quantity, as reported."""
        return np.array([logs[name] for logs in self.logs if name in logs], dtype="float64")

    def is_max(self, name: str) -> bool:
        """Whether larger is better."""
        return self.modes.get(name, "min") == "max"

    def falling(self, name: str) -> np.ndarray:
        """Return a quantity with the sign that makes smaller better."""
        return -self.values(name) if self.is_max(name) else self.values(name)

    def errors(self, name: str) -> np.ndarray:
        """Return a quantity as an error of at least 0, such as ratios of errors need: 1 - x where larger is better."""
        errors = 1 - self.values(name) if self.is_max(name) else self.values(name)
        if (errors < 0).any():
            raise ValueError(
                f"A ratio of errors needs errors of at least 0 (1 - x where larger is better). Received: {name}="
                f"{self.values(name)[errors < 0][0]:.4g}, mode={'max' if self.is_max(name) else 'min'!r}. Watch a "
                "metric that cannot be negative, or use `stopping.Patience` or `stopping.SuccessiveRises`, which "
                "compare differences only."
            )
        return errors


@dataclasses.dataclass(frozen=True)
class Criterion(Checked, abc.ABC):
    """Base of every stopping criterion: a frozen dataclass with one pure function of the epochs so far.

    Two criteria with equal arguments are equal, and none has state: whatever depends on earlier epochs is computed
    from the history, so a training that was interrupted stops where it would have stopped.

    Example:
        >>> import dataclasses
        >>> from keras_ch8 import extend, stopping
        >>> @dataclasses.dataclass(frozen=True)
        ... class GapAbove(extend.Criterion):
        ...     limit: float
        ...
        ...     def evaluate(self, history):
        ...         gap = history.logs[-1]["val_loss"] - history.logs[-1]["loss"]
        ...         if gap <= self.limit:
        ...             return None
        ...         return extend.Reason("gap", f"the generalization gap is {gap:.3g}", history.epoch)
        >>> history = extend.EpochHistory("val_loss").after(0, {"loss": 1.0, "val_loss": 1.5}, seconds=2.0)
        >>> GapAbove(0.2).evaluate(history).message
        'the generalization gap is 0.5'
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=stopping.AnyOf(GapAbove(0.2), stopping.Patience(5)))
    """

    @abc.abstractmethod
    def evaluate(self, history: EpochHistory) -> Reason | None:
        """Return the reason to stop after the last epoch, or None."""

    def watched(self, monitor: str) -> Iterator[tuple[str, str]]:
        """Yield the name and the mode of each quantity that the criterion reads; `monitor` is the callback's.

        The callback warns if one is not reported, and finds the direction of one whose mode is `"auto"`.
        """
        yield from ()

    def is_ready(self, history: EpochHistory) -> bool:
        """Return whether what it reads has been reported: what `watched` names, or else the callback's quantity."""
        names = [name for name, _ in self.watched(history.monitor)] or [history.monitor]
        return all(len(history.values(name)) for name in names)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MonitorCriterion(Criterion):
    """Base of a criterion that reads one quantity: `monitor`, or that of the callback if it names none.

    Args:
        monitor: Quantity to evaluate. Defaults to that of the callback.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.

    Raises:
        ValueError: If `mode` is another word.

    Example:
        >>> import dataclasses
        >>> from keras_ch8 import extend, stopping
        >>> @dataclasses.dataclass(frozen=True)
        ... class Rises(extend.MonitorCriterion):
        ...     def evaluate(self, history):
        ...         values = history.falling(self.name(history))
        ...         if len(values) < 2 or values[-1] <= values[-2]:
        ...             return None
        ...         return extend.Reason("rises", f"`{self.name(history)}` has risen", history.epoch)
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=Rises(monitor="val_accuracy"))
    """

    monitor: str | None = None
    mode: str = "auto"

    def __post_init__(self) -> None:
        _checks.text("monitor", self.monitor, meaning="the name of the quantity to evaluate", or_none=True)
        _checks.mode(self.mode)
        super().__post_init__()

    def name(self, history: EpochHistory) -> str:
        """Return the quantity's name."""
        return self.monitor or history.monitor

    def watched(self, monitor: str) -> Iterator[tuple[str, str]]:
        """Yield the quantity."""
        yield self.monitor or monitor, self.mode


def as_criterion(value: object) -> Criterion:
    """Return a criterion as it is; raise TypeError for anything else."""
    if not isinstance(value, Criterion):
        raise TypeError(
            "`criterion` must be one of `keras_ch8.stopping`, such as `keras_ch8.stopping.GeneralizationLoss(5)`, or "
            f"of a class derived from `keras_ch8.extend.Criterion`. Received: {short(value)} of type "
            f"{type(value).__name__}. There are Patience, GeneralizationLoss, Productivity, SuccessiveRises, "
            "Threshold, Diverged, Deadline, and AnyOf to combine them."
        )
    return value


# --- which values count as better ------------------------------------------------------------------------------------


_PERCENT = re.compile(r"(\d+\.?\d*|\.\d+)\s*%")


def margin(min_delta: float | str, best: float) -> float:
    """Return by how much a value must be below `best`: a number, or a fraction of it such as "1%"."""
    if isinstance(min_delta, str):
        word = _PERCENT.fullmatch(min_delta.strip())
        if not word:
            raise ValueError(
                "`min_delta` is the smallest change that counts, so it must be a number, or a fraction of the best "
                f'value such as "1%". Received: min_delta={short(min_delta)}.'
            )
        return float(word[1]) / 100 * abs(best)
    return _checks.number(
        "min_delta",
        min_delta,
        0.0,
        meaning="the smallest change that counts as better, in either direction",
        fix='Try 0, or "1%" for a fraction of the best value.',
    )


def is_better(value: float, best: float, min_delta: float | str) -> bool:
    """Whether `value` is below `best` by more than the margin; NaN never is, and any number is better than NaN."""
    if math.isnan(value) or math.isnan(best):
        return not math.isnan(value)
    if math.isinf(best):  # of which a percentage would be infinite
        return bool(value < best)
    return bool(value + margin(min_delta, best) < best)


def index_of_best(values: np.ndarray, min_delta: float | str = 0.0) -> int | None:
    """Return the place of the best value: the last that was better than the best before it; None if all are NaN."""
    best = None
    for i, value in enumerate(values):
        if is_better(value, math.nan if best is None else values[best], min_delta):
            best = i
    return best

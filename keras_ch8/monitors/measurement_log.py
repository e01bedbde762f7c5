"""What has been measured of a training so far, in NumPy."""

import dataclasses
import functools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ..telemetry.frame import Frame
from ..verdicts.fact import Fact
from ..verdicts.facts import Facts

KEPT = 5000
"""Steps whose rows are kept."""
DROWNED = 0.05
"""Part of the loss of a constant below which an output is drowned by the others."""
WINDOW, FEWEST = 100, 20
"""Norms that a median is taken of, and how many there must be."""
_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Rows:
    """What every step left behind: its number, the norm of its gradient, its loss (NaN where it is not known).

    `usual`, the median of the finite norms before it, is computed when rows are put after others.
    """

    steps: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, int))
    norm: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    loss: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    usual: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))

    def after(self, other: "Rows") -> "Rows":
        """Return the last KEPT rows of these and, after them, of others."""
        finite = np.isfinite(other.norm)
        usual = np.full(len(other.norm), np.nan)
        usual[finite] = running_median(other.norm[finite], self.norm[np.isfinite(self.norm)])
        pairs = zip(_columns(self), _columns(dataclasses.replace(other, usual=usual)), strict=True)
        return Rows(*(np.concatenate(pair)[-KEPT:] for pair in pairs))

    def first(self, count: int) -> "Rows":
        """Return the first of these rows."""
        return Rows(*(column[:count] for column in _columns(self)))


@dataclasses.dataclass(eq=False)
class MeasurementLog:
    """What a monitor judges by: all that has been measured of one training.

    Args:
        total: Number of steps of the whole training. Defaults to `0`: it is not known.
        first: Number of steps that the model had made before this training. Defaults to `0`.
        steps_of_update: Number of steps between two moments at which the weights can be read. Defaults to `1`.
    """

    total: int = 0
    first: int = 0
    steps_of_update: int = 1
    of_update: int = 1
    """Steps whose gradients one update adds up."""
    clip: float = math.nan
    """Norm of the gradient above which some of it is clipped; NaN without clipping."""
    batch_size: float = 0.0
    """Examples of a minibatch of the training, of the first; 0 where it is not known."""
    chance: float = math.nan
    """Loss of the best constant prediction on the probe, without penalties; NaN where it is not known."""
    chance_of_outputs: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    """The same of each of several outputs without its weight, where it is known, and its part of the whole with it."""
    is_chance_tried: bool = False
    """Whether that is the least loss of some constants, by a loss of the user's own: none of them may be the best."""
    chance_of_training: float = math.nan
    """The same on all examples of an epoch."""
    chance_of_validation: float = math.nan
    """The same on the validation data."""
    validated: int = 0
    """Examples of these; 0 where that is not known."""
    commonest_of_validation: float = math.nan
    """Fraction of these that have the most common class; NaN where they have no classes."""
    neighbours: float = math.nan
    """Loss on the probe if each example is predicted from its nearest other examples; NaN where it is not known."""
    least_squares: float = math.nan
    """Loss on the probe that a linear model reaches by least squares; NaN where the model is not linear."""
    unevenness: float = math.nan
    """Condition number of the covariance of the scaled inputs of a linear model; NaN of others."""
    rate: float = math.nan
    """Learning rate of the optimizer; NaN where there are several, or none."""
    first_rate: float = math.nan
    """The first that was measured."""
    peak: float = math.nan
    """The largest so far."""
    examples: int = 0
    """Examples of an epoch; 0 where it is not known."""
    has: frozenset[Fact] = frozenset()
    """What the model and its optimizer have."""
    step: int = 0
    rows: Rows = dataclasses.field(default_factory=Rows)
    first_rows: Rows = dataclasses.field(default_factory=Rows)
    """Those of the first steps, of which `rows` has the last."""
    rows_of: dict[str, Rows] = dataclasses.field(default_factory=dict)
    """Those of each optimizer by its name, where there are several: the gradient of one may hide that of another."""
    epochs: list[Mapping[str, float]] = dataclasses.field(default_factory=list)
    fault_of_loss: str = ""
    """See `end`."""
    left_out: set[str] = dataclasses.field(default_factory=set)
    """Names of what has failed, which is not asked any more."""
    new: set[str] = dataclasses.field(default_factory=set)
    """What has come since it was judged last: of `"rows"`, `"readings"`, `"epochs"`, `"end"`, and `"finish"` where no
    error ended the training."""
    newly_read: set[str] = dataclasses.field(default_factory=set)
    """Names of the monitors whose readings are new."""
    readings: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    """Those of each monitor, the oldest first."""
    measured_at: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    """The steps at which they were made."""
    facts: Facts | None = dataclasses.field(default=None, init=False)
    """What was seen before the first step, until that is judged."""
    _known: dict[str, Any] = dataclasses.field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Begin at the first step."""
        self.step = max(self.step, self.first)

    @property
    def done(self) -> int:
        """Steps of this training so far."""
        return self.step - self.first

    @property
    def updates(self) -> int:
        """Updates of this training so far."""
        return self.done // self.of_update

    @property
    def is_penalized(self) -> bool:
        """Whether layers add penalties to the loss; `chance` and `neighbours` contain none."""
        return any(reading.penalty for reading in self.of("gradient_norm")[-1:])

    def add(self, step: int, readings: Mapping[str, Any]) -> dict[str, Any]:
        """Add the readings of a measurement at a step, and return them; an error in place of one leaves that out."""
        self._known.clear()
        self.step = step
        for name, error in readings.items():
            if isinstance(error, Exception):
                self.leave_out(name, error)
        sound = {name: each for name, each in readings.items() if not isinstance(each, Exception)}
        for name, reading in sound.items():
            self.readings.setdefault(name, []).append(reading)
            self.measured_at.setdefault(name, []).append(step)
            self.newly_read.add(name)
        self.new.add("readings")
        return sound

    def leave_out(self, name: str, error: Exception) -> None:
        """Go on without what has failed, and say so once: whatever fails is left out by this."""
        if name not in self.left_out:
            self.left_out.add(name)
            warnings.warn(
                f"`Diagnosis` continues without {name!r}, which failed with {type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=2,
            )

    def look(self, step: int, facts: Facts) -> None:
        """Add what is seen of the training without making a step."""
        self._known.clear()
        self.step, self.facts = step, facts
        self.chance, self.neighbours = facts.chance, facts.neighbours
        self.chance_of_outputs = {
            one.output.name: (one.chance / one.output.share, one.chance / facts.chance)
            for one in facts.outputs
            if one.output.share > 0 < one.chance
        }
        self.is_chance_tried = any(not one.output.loss for one in facts.outputs or (facts,))
        self.least_squares, self.unevenness = facts.least_squares, facts.unevenness
        self.chance_of_training, self.chance_of_validation = facts.chance_of_training, facts.chance_of_validation
        self.validated = facts.validated
        self.commonest_of_validation = facts.other_targets.commonest if facts.validated else math.nan

    def see(self, rate: float, batch_size: float = 0.0, batches: int = 0) -> None:
        """Add the learning rate of now, the examples of a minibatch, and the minibatches of an epoch; 0 if unknown."""
        self.rate, self.batch_size, self.examples = rate, batch_size, round(batches * batch_size)
        self.first_rate = rate if np.isnan(self.first_rate) else self.first_rate
        self.peak = float(np.fmax(self.peak, rate))

    def add_rows(self, rows: Rows, of_each: Mapping[str, Rows] | None = None) -> None:
        """Add the rows of the last steps, and those of each optimizer where there are several."""
        self._known.clear()
        if len(self.first_rows.steps) < WINDOW:
            self.first_rows = self.first_rows.after(rows).first(WINDOW)
        self.rows = self.rows.after(rows)
        for name, its in (of_each or {}).items():
            self.rows_of[name] = self.rows_of.get(name, Rows()).after(its)
        self.new.add("rows")
        if len(rows.steps):
            self.step = max(self.step, int(rows.steps[-1]))

    def add_epoch(self, logs: Mapping[str, float]) -> None:
        """Add the end of an epoch: what `fit` reports."""
        self._known.clear()
        self.epochs.append(dict(logs))
        self.new.add("epochs")

    def end(self, has_died: bool, fault_of_loss: str) -> None:
        """Add the end of the training, and what of the loss let an optimizer of section 8.6 end it; "" of others."""
        self._known.clear()
        self.fault_of_loss = fault_of_loss
        self.new |= {"end"} if has_died else {"end", "finish"}

    def of(self, name: str) -> list[Any]:
        """Return the readings of a monitor, the oldest first."""
        return self.readings.get(name, [])

    def steps_of(self, name: str) -> np.ndarray:
        """Return the steps at which they were made."""
        return np.array(self.measured_at.get(name, []), int)

    @property
    def has_readings(self) -> bool:
        """Whether anything was measured beside the rows of the steps and what the epochs report."""
        return bool(self.readings)

    def take_new(self) -> tuple[set[str], set[str]]:
        """Return what is new, and whose readings are, once."""
        taken, self.new, self.newly_read = (self.new, self.newly_read), set(), set()
        return taken

    def reported(self, name: str) -> np.ndarray:
        """Return what `fit` has reported under this name, of the epochs that have it."""
        return np.array([logs[name] for logs in self.epochs if name in logs])

    def series(self, name: str, quantity: str) -> np.ndarray:
        """Return one quantity of all readings of a monitor."""
        return np.array([float(getattr(reading, quantity)) for reading in self.of(name)])


def rows_of_all(frames: Sequence[Frame], losses: tuple[np.ndarray, np.ndarray] | None) -> Rows:
    """Return the rows of one optimizer, or of several as if they had made one step: the norm is that of all gradients.

    Where several steps are made for a batch, that with the largest gradient counts.
    """
    steps = np.unique(np.concatenate([frame.steps for frame in frames]))
    norms = np.zeros((len(frames), len(steps)))
    with np.errstate(invalid="ignore"):  # NaN stays NaN
        for norm, frame in zip(norms, frames, strict=True):
            np.maximum.at(norm, np.searchsorted(steps, frame.steps), frame.norm)
    loss = np.full(len(steps), np.nan)
    if losses is not None:
        known = np.isin(losses[0], steps)
        loss[np.searchsorted(steps, losses[0][known])] = losses[1][known]
    return Rows(steps, np.linalg.norm(norms, axis=0) if len(frames) > 1 else norms[0], loss)


def once(quantity: Callable[[MeasurementLog], _T]) -> Callable[[MeasurementLog], _T]:
    """Let a pure function of the log be computed once, until more is measured."""
    name = f"{quantity.__module__}.{quantity.__qualname__}"  # a log is copied and pickled, and so is what it knows

    @functools.wraps(quantity)
    def known(log: MeasurementLog) -> _T:
        if name not in log._known:
            log._known[name] = quantity(log)
        return log._known[name]

    return known


def _columns(rows: Rows) -> tuple[np.ndarray, ...]:
    return rows.steps, rows.norm, rows.loss, rows.usual


def running_median(norms: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    """Return for each norm the median of the WINDOW before it, NaN where there are not FEWEST.

    Args:
        norms: Norms, the oldest first.
        before: Those that came before them.
    """
    before = np.zeros(0) if before is None else before[-WINDOW:]
    known = np.concatenate([np.full(WINDOW - len(before), np.nan), before, norms])
    windows = np.lib.stride_tricks.sliding_window_view(known, WINDOW)[:-1]
    fewer, all_there = (np.clip(n - len(before), 0, len(norms)) for n in (FEWEST, WINDOW))
    medians = np.full(len(norms), np.nan)
    medians[fewer:all_there] = np.nanmedian(windows[fewer:all_there], axis=1)  # much slower than without NaN
    medians[all_there:] = np.median(windows[all_there:], axis=1)
    return medians

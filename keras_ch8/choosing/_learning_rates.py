"""Which learning rate to start with: the range test, and the book's rule."""

import dataclasses
import numbers
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from .. import _batches, _checks, _objects
from .._batches import FitData, replayable
from .._describe import section
from .._plot import COLORS, GREY, axes_of, finished, limits, recommend
from .._result import Result, Table
from .._sandbox import build_on
from .._types import Data
from ..integration import keras_private
from ._numbers import CLOSE, Suggestion, refined_range, suggest, without_batch_effects
from ._trials import AT_REST, ShortTrainings, StepsAt

RATE = "learning rate [weight / gradient]"


@dataclasses.dataclass(frozen=True, repr=False)
class RangeTest(Result):
    """What `find_learning_rate` has found.

    Args:
        rates: Learning rate of each step of the second, finer pass.
        losses: Loss of the next batch after each step, corrected for easy and hard batches.
        smoothed: The losses, smoothed over about a quarter of a decade.
        best: The rate to start with; its range holds all rates that fit what was seen.
        doubt: Why it is unsure; "" if it is sure.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    best: Suggestion
    doubt: str = ""

    @property
    def suggestion(self) -> float:
        """The rate to start with."""
        return self.best.rate

    def plot(self, ax: Any = None) -> Any:
        """Draw losses, smoothed losses and suggestions over the rate, with matplotlib; return the axes."""
        ax = axes_of(ax)
        ax.set_xscale("log")
        ax.plot(self.rates, self.losses, ".", color=GREY, alpha=0.5, markersize=4, label="next batch")
        ax.plot(self.rates, self.smoothed, color=COLORS[0], linewidth=2, label="smoothed")
        ax.axvspan(self.best.low, self.best.high, alpha=0.15, color=COLORS[1], label="rates that fit")
        height = float(np.interp(self.suggestion, self.rates, self.smoothed))
        recommend(ax, self.suggestion, height, f"start with {self.suggestion:.2g}")
        limits(ax, self.smoothed)
        return finished(ax, "Range test of the learning rate", RATE, "loss", "curves")

    def _headline(self) -> str:
        rate, low, high = self.best
        unsure = f" This is unsure: {self.doubt}." if self.doubt else ""
        fit = f"rates from {low:.2g} to {high:.2g} fit the measurements"
        return f"Start with a learning rate of {rate:.3g}; {fit}.{unsure}"

    def _table(self) -> Table:
        rate, low, high = self.best
        return Table(("", RATE), [("lowest that fits", low), ("to start with", rate), ("highest that fits", high)], 1)


@section("8.3.1")
def find_learning_rate(
    model: keras.Model,
    x: Data,
    y: Data = None,
    sample_weight: Data = None,
    *,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 300,
    batch_size: int = 32,
    seed: int = 0,
) -> RangeTest:
    r"""Try learning rates from small to large, one step each, and suggest one (section 8.3.1; Smith 2017).

    .. math::

        \text{rate}_i \leftarrow \text{low} \cdot (\frac{\text{high}}{\text{low}})^{\frac{i}{\text{steps} - 1}}

    It ends once the loss of a batch has risen by as much as the loss was at the start. A first pass with a quarter
    of the steps finds the rate at which that happens, and a second one spends all steps in the three decades below;
    where it diverges half-way, another one goes lower.
    The loss of the next batch after each step, corrected for easy and hard batches by their loss at the start, and
    smoothed over the logarithm of the rate, gives the suggestion: the rate with the smallest loss, times sqrt(h / 500).
    The best constant rate for T steps falls as 1 / sqrt(T). The test spends h steps within a factor e of each rate, and
    it takes T = 500 for the length of the training.
    (With 100 steps over eight decades this is the tenth of the minimum that is often used.) It works at any time of a
    training, with a schedule in place, frozen layers and any optimizer with one learning rate whose step goes to 0 with
    it (Ftrl's does not).

    `best` says how sure it is: the rates that fit what was seen are those of the noise, and three times more to both
    sides. Where noise explains all of the fall, there is a `doubt`, too. Where nothing falls, the suggestion is at most
    a thirtieth of the last rate, and those fit that do not raise the loss.

    Of 40 trainings of small networks on binary problems, batches of 32, the suggestion was within a factor 3 of the
    best of 13 rates after 300 steps in 27, with two other seeds in 30 and 24 (`benchmarks/find_learning_rate.py`).
    Where a network learns in stages, the best rate is higher, and where a linear model would do it is lower.

    The model stays as it was: every variable of model, optimizer and metrics, and all random number generators, are
    restored, and a hash verifies it. The state of a data set, such as that of `shuffle`, is not restored.

    Args:
        model: A compiled model. If it is not built yet, it is built first.
        x: Arrays, a `tf.data.Dataset` or a `keras.utils.PyDataset`.
        y: Targets, if `x` is arrays.
        sample_weight: Weights of the examples, if `x` is arrays.
        low: Smallest rate of the first pass. Defaults to `1e-7`.
        high: Largest rate. Defaults to `10.0`.
        steps: Number of rates in the second pass. Defaults to `300`.
        batch_size: Examples in a batch, if `x` is arrays. Defaults to `32`.
        seed: Seed of the order of the examples. Defaults to `0`.

    Returns:
        A `RangeTest`, whose `suggestion` is always a number.

    Raises:
        ValueError: If an argument lies outside its range, the model is not compiled, the optimizer has several
            learning rates or does not take shorter steps at lower ones, or the loss or its gradient is not finite.
        RuntimeError: If the model cannot be restored.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(), "mse")
        >>> x = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
        >>> found = keras_ch8.find_learning_rate(model, x, x @ [[1.0], [2.0]])
        >>> 0.01 < found.suggestion < 1.0
        True

    References:
        Smith (2017), Cyclical Learning Rates for Training Neural Networks; Nemirovski et al. (2009), Robust Stochastic
        Approximation Approach to Stochastic Programming, of the 1 / sqrt(T).
    """
    low = _checks.rate("low", low)
    high = _checks.number(
        "high", high, low, float("inf"), open_low=True, meaning=f"the largest rate, above low={low:g}", fix="Try 10."
    )
    steps = _checks.count("steps", steps, 10, meaning="the number of rates", fix="Try 300.")
    trials = _trials(model, FitData(x, y, sample_weight), batch_size, seed, steps)
    at_start = trials.losses(StepsAt.rest(steps))
    if len(at_start) < steps or not np.isfinite(at_start).all():
        raise ValueError(
            "To compare learning rates, the loss and its gradient must be finite. Received: a loss or gradient that "
            "is NaN or infinite at the start. `keras_ch8.preflight` looks for the reason."
        )
    largest_rise = max(abs(at_start.mean()), at_start.std())  # a larger rise is cut to this one
    limit = float(at_start.max() + largest_rise)
    quick = np.geomspace(low, high, max(10, steps // 4))
    lowest, highest = refined_range(quick, trials.losses(StepsAt(tuple(quick), limit)), limit)
    losses = np.array([])
    while len(losses) < steps / 2:  # else it diverges too soon to tell much
        if highest < AT_REST:
            raise ValueError(
                f"The steps must get shorter with the learning rate. Received: {type(model.optimizer).__name__}, with "
                "which the loss diverges at once. Compile with another one."
            )
        rates = np.geomspace(lowest, highest, steps)
        losses = trials.losses(StepsAt(tuple(rates), limit))
        losses = losses[np.isfinite(losses)]
        highest = rates[min(len(losses), steps - 1)]
        lowest = highest / 10**CLOSE
    rates = rates[: len(losses)]
    losses = without_batch_effects(rates, losses, at_start[: len(losses)])
    return RangeTest(rates, losses, *suggest(rates, np.minimum(losses, at_start.mean() + largest_rise)))


STABLE = 0.9
"""A higher rate counts as stable if it has made this fraction of the best rate's progress."""
LAST = 0.2
"""Fraction of the steps, at the end, over which the loss is averaged."""


@dataclasses.dataclass(frozen=True, repr=False)
class RateComparison(Result):
    """What `compare_learning_rates` has found.

    Args:
        rates: The learning rates, rising.
        losses: For each rate, the loss after each step; NaN from the step at which the training diverged.
        start: Mean loss at the start, over the batches of the last fifth of the steps.
        reason: Why there is no suggestion; "" if there is.
    """

    rates: np.ndarray
    losses: np.ndarray
    start: float
    reason: str = ""

    @property
    def final(self) -> np.ndarray:
        """For each rate, the mean loss over the last fifth of the steps; NaN where the training diverged."""
        return last_of(self.losses).mean(axis=1)

    @property
    def best(self) -> float:
        """The rate with the smallest loss after these steps."""
        return float(self.rates[self._at])

    @property
    def suggestion(self) -> float:
        """A rate somewhat higher than the best one: the next that was tried, unless the training diverged there."""
        at = self._at
        higher = at + 1 < len(self.rates) and self.start - self.final[at + 1] > STABLE * (self.start - self.final[at])
        return float(self.rates[at + 1]) if higher else self.best

    @property
    def _at(self) -> int:
        if self.reason:
            raise ValueError(f"No learning rate can be suggested: {self.reason}.")
        return int(np.nanargmin(self.final))

    def plot(self, ax: Any = None) -> Any:
        """Draw the final loss over the rate, with matplotlib; return the axes."""
        ax = axes_of(ax)
        final = self.final
        higher, diverged = final > self.start, np.isnan(final)
        ax.set_xscale("log")
        ax.plot(self.rates, np.where(higher, np.nan, final), "o-", color=COLORS[0], label="after the last step")
        ax.axhline(self.start, color=GREY, linestyle=":", label="at the start")
        for some, look, name in ((higher, "^", "higher than at the start"), (diverged, "x", "diverged")):
            if some.any():
                ax.plot(self.rates[some], np.full(some.sum(), self.start), look, color=COLORS[1], label=name)
        if not self.reason:
            height = final[self.rates == self.suggestion][0]
            recommend(ax, self.suggestion, height, f"start with {self.suggestion:.2g}")
        title = f"Loss after {self.losses.shape[1]} steps with each learning rate"
        return finished(ax, title, RATE, "loss, mean of the last fifth of the steps", "loss")

    def _headline(self) -> str:
        if self.reason:
            return f"No learning rate can be suggested: {self.reason}."
        above = "" if self.suggestion == self.best else f", one step above {self.best:.3g}"
        lowest = f"which has the lowest loss after {self.losses.shape[1]} steps"
        return f"Start with a learning rate of {self.suggestion:.3g}{above}, {lowest}."

    def _table(self) -> Table:
        rows = [
            (float(rate), float(loss), "diverged" if np.isnan(loss) else "")
            for rate, loss in zip(self.rates, self.final, strict=True)
        ]
        marked = None if self.reason else int(np.flatnonzero(self.rates == self.suggestion)[0])
        return Table((RATE, f"loss (at the start {self.start:.4g})", ""), rows, marked)


@section("8.3.1")
def compare_learning_rates(
    model: keras.Model,
    x: Data,
    y: Data = None,
    sample_weight: Data = None,
    *,
    rates: Sequence[float] = tuple(10.0 ** np.arange(-4, 0.5, 0.5)),
    steps: int = 100,
    batch_size: int = 32,
    seed: int = 0,
) -> RateComparison:
    """Train for the first steps with each of several learning rates, on the same batches (section 8.3.1).

    The book's rule: the best rate for the whole training is higher than the one with the smallest loss after the first
    100 steps or so, but not so high that it makes the training unstable. So `suggestion` is the next higher rate, if it
    has lowered the loss by nine tenths of what the best has. As with `find_learning_rate`, the model stays as it was.

    Args:
        model: A compiled model. If it is not built yet, it is built first.
        x: Arrays, a `tf.data.Dataset` or a `keras.utils.PyDataset`.
        y: Targets, if `x` is arrays.
        sample_weight: Weights of the examples, if `x` is arrays.
        rates: The learning rates. Defaults to two in each decade from 1e-4 to 1.
        steps: Steps with each of them. Defaults to `100`.
        batch_size: Examples in a batch, if `x` is arrays. Defaults to `32`.
        seed: Seed of the order of the examples. Defaults to `0`.

    Returns:
        A `RateComparison`. Where no rate lowers the loss, it has no suggestion and a `reason`.

    Raises:
        ValueError: If an argument lies outside its range, the model is not compiled, or the optimizer has several
            learning rates.
        RuntimeError: If the model cannot be restored.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(), "mse")
        >>> x = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
        >>> found = keras_ch8.choosing.compare_learning_rates(model, x, x @ [[1.0], [2.0]], steps=20)
        >>> found.suggestion >= found.best
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.3.1.
    """
    rates = sorted(_checks.rate("rates", rate) for rate in _objects.list_of("rates", rates, numbers.Real))
    if not rates:
        raise ValueError("`rates` are the learning rates to compare. Received: rates=[]. Try np.geomspace(1e-4, 1, 9).")
    steps = _checks.count("steps", steps, 2, meaning="the steps with each rate", fix="The book has about 100.")
    trials = _trials(model, FitData(x, y, sample_weight), batch_size, seed, steps)
    start = float(last_of(trials.losses(StepsAt.rest(steps))[None]).mean())
    losses = np.full((len(rates), steps), np.nan)
    for i, rate in enumerate(rates):
        found = trials.losses(StepsAt((rate,) * steps))
        losses[i, : len(found)] = np.where(np.isfinite(found), found, np.nan)
    result = RateComparison(np.array(rates), losses, start)
    if np.isnan(result.final).all() or not np.nanmin(result.final) < start:
        return dataclasses.replace(result, reason=f"no rate from {rates[0]:g} to {rates[-1]:g} lowers the loss")
    return result


def last_of(losses: np.ndarray) -> np.ndarray:
    """Return the losses of the last fifth of the steps."""
    return losses[:, -max(1, int(LAST * losses.shape[1])) :]


def checked(batch_size: int, seed: int) -> tuple[int, int]:
    """Check how batches of arrays are drawn."""
    size = _checks.count("batch_size", batch_size, 1, meaning="the examples in a batch", fix="Try 32.")
    return size, _checks.seed(seed) or 0


def _trials(model: keras.Model, given: FitData, batch_size: int, seed: int, steps: int) -> ShortTrainings:
    """Return short trainings of a compiled model, built if it is not; refuse one with several learning rates."""
    batch_size, seed = checked(batch_size, seed)
    data = replayable(given, batch_size, seed, steps + 1)
    _batches.check_targets(given.x, given.y, _objects.model(model))
    if not model.compiled:
        raise ValueError(
            "Learning rates are tried with the optimizer that the model is compiled with. Received: the model "
            f"{model.name!r}, which is not compiled. Compile it as for `fit`."
        )
    _checks.one_rate(keras_private.optimizers_in(model.optimizer))
    build_on(model, next(iter(data())))
    return ShortTrainings(model, data)

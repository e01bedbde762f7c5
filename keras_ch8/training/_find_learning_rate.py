"""The learning-rate range test."""

import dataclasses
from typing import Any

import numpy as np

from .. import _checks
from .._batches import Examples, replayable
from .._plot import axes_of
from .._section import section
from ..board.rates import write_rates
from ..integration import keras_private
from ._range_test import Suggestion, close_look, suggest, without_batch_effects
from ._sandbox import build_on
from ._trial import Trial


@dataclasses.dataclass(frozen=True)
class RangeTest:
    """What `find_learning_rate` has found.

    Args:
        rates: Learning rate of each step of the closer look.
        losses: Loss of the next batch after each step, corrected for easy and hard batches.
        smoothed: The losses, smoothed over about a quarter of a decade.
        suggestions: `"steepest"`, `"valley"` and `"scaled minimum"`, each with `rate`, `low` and `high`. Empty if there
            are none.
        reason: Why there is no suggestion, and which `steps` would decide; "" if there is one.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestions: dict[str, Suggestion]
    reason: str = ""

    @property
    def suggestion(self) -> float:
        """The rate to start with, from the rule `"scaled minimum"`; ValueError if there is none."""
        if self.reason:
            raise ValueError(f"No learning rate can be suggested: {self.reason}.")
        return self.suggestions["scaled minimum"].rate

    def plot(self, ax: Any = None) -> Any:
        """Draw losses and suggestions over the rate, with matplotlib; return the axes."""
        ax = axes_of(ax)
        ax.semilogx(self.rates, self.losses, ".", alpha=0.4)
        ax.semilogx(self.rates, self.smoothed)
        for number, (name, (rate, low, high)) in enumerate(self.suggestions.items()):
            ax.axvspan(low, high, alpha=0.15, color=f"C{number + 2}")
            ax.axvline(rate, label=f"{name}: {rate:.2g}", color=f"C{number + 2}")
        ax.set_xlabel("learning rate")
        ax.set_ylabel("loss")
        if self.suggestions:
            ax.legend()
        return ax

    def __str__(self) -> str:
        lines = [f"{name:16s}{s.rate:10.3g}   ({s.low:.3g} to {s.high:.3g})" for name, s in self.suggestions.items()]
        return "\n".join(lines) or f"no suggestion: {self.reason}"


@section("8.3.1")
def find_learning_rate(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 300,
    batch_size: int = 32,
    seed: int = 0,
    log_dir: str | None = None,
) -> RangeTest:
    """Try learning rates from small to large, one step each, and suggest one (section 8.3.1; Smith 2017).

        rate_i <- low * (high / low)^(i / (steps - 1))

    It ends once the loss of a batch has risen by as much as the loss was at the start. A quick look with a quarter of
    the steps finds the rate at which that happens, and the closer look takes all of them in the three decades below.
    The loss of the next batch after each step, corrected for easy and hard batches by what they had at the start, and
    smoothed over the logarithm of the rate, gives the suggestions:

        steepest         where the loss falls fastest
        valley           where two thirds of the fall are done
        scaled minimum   the rate with the smallest loss, times sqrt(h / 500); this is `suggestion`

    each with the range in which it would lie for other draws of the noise, and of nothing else. The best constant rate
    for T steps falls as 1 / sqrt(T); the test has spent h steps within a factor e of each rate, and 500 are a training.
    (With 100 steps over eight decades that is the tenth of the minimum that is often taken.) It works at any time of a
    training, with a schedule in place, frozen layers and any optimizer with one learning rate whose step vanishes with
    it (Ftrl's does not).

    Of 40 trainings of small networks on binary problems, batches of 32, the suggestion was within a factor 3 of the
    best of 13 rates after 300 steps in 27, with two other seeds in 30 and 24 (`benchmarks/find_learning_rate.py`).
    Where a network learns in stages, the best rate is higher, and where a linear model would do it is lower.

    Nothing of it is left: every variable of model, optimizer and metrics, and all random number generators, are put
    back, and a hash proves it. What a data set remembers, as `shuffle` does, is its own.

    Args:
        model: A compiled model. If it is not built yet, it is built first.
        x: Arrays, a `tf.data.Dataset` or a `keras.utils.PyDataset`.
        y: Targets, if `x` is arrays.
        sample_weight: Weights of the examples, if `x` is arrays.
        low: Smallest rate. Defaults to `1e-7`.
        high: Largest rate. Defaults to `10.0`.
        steps: Number of rates in the closer look. Defaults to `300`.
        batch_size: Examples in a batch, if `x` is arrays. Defaults to `32`.
        seed: Seed of the order of the examples. Defaults to `0`.
        log_dir: Folder of the run for TensorBoard; `None` for none. Defaults to `None`.

    Returns:
        A `RangeTest`. Where the loss never falls, it has no suggestions and a `reason`, which says with which
        `steps` a fall would show.

    Raises:
        ValueError: If an argument lies outside its range, or the optimizer has several learning rates.
        RuntimeError: If the model cannot be put back as it was.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(), "mse")
        >>> x = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
        >>> found = keras_ch8.training.find_learning_rate(model, x, x @ [[1.0], [2.0]])
        >>> 0.01 < found.suggestion < 1.0
        True

    References:
        Smith (2017), Cyclical Learning Rates for Training Neural Networks; Nemirovski et al. (2009), Robust Stochastic
        Approximation Approach to Stochastic Programming, of the 1 / sqrt(T).
    """
    low = _checks.rate("low", low)
    high = _checks.number("high", high, low, float("inf"), open_low=True, meaning="the largest rate", mend="Try 10.")
    steps = _checks.count("steps", steps, 10, meaning="the number of rates", mend="Try 300.")
    _checks.keras_3(model)
    _checks.one_rate(keras_private.optimizers_in(model.optimizer))
    data = replayable(Examples(x, y, sample_weight), batch_size, seed, steps + 1)
    build_on(model, next(iter(data())))
    trial = Trial(model)
    at_start = trial.losses_at_rest(data(), steps, low)
    if len(at_start) < steps or not np.isfinite(at_start).all():
        return RangeTest(*(np.array([]),) * 3, {}, "the loss is not finite before any step")
    lost = max(abs(at_start.mean()), at_start.std())  # a rise by so much says "lost", and more says no more
    limit = float(at_start.max() + lost)
    quick = np.geomspace(low, high, max(10, steps // 4))
    rates = np.geomspace(*close_look(quick, trial.losses(data(), list(quick), limit), limit), steps)
    losses = trial.losses(data(), list(rates), limit)
    losses = losses[np.isfinite(losses)]
    rates = rates[: len(losses)]
    losses = without_batch_effects(rates, losses, at_start[: len(losses)])
    result = RangeTest(rates, losses, *suggest(rates, np.minimum(losses, at_start.mean() + lost), steps))
    if log_dir is not None:
        write_rates(log_dir, result.rates, result.losses, result.smoothed, str(result))
    return result

"""The book's rule for the learning rate."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _checks
from .._batches import Examples, replayable
from .._plot import axes_of
from .._section import section
from ..integration import keras_private
from ._sandbox import build_on
from ._trial import Trial

STABLE = 0.9
"""Share of the best rate's progress that a higher one must have made to count as stable."""
LAST = 0.2
"""Share of the steps, at the end, over which the loss is averaged."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What `compare_learning_rates` has found.

    Args:
        rates: The learning rates, rising.
        losses: For each rate, the loss after each step; NaN from where the training was lost.
        start: Mean loss at the start, over the batches of the last fifth of the steps.
        reason: Why there is no suggestion; "" if there is.
    """

    rates: np.ndarray
    losses: np.ndarray
    start: float
    reason: str = ""

    @property
    def final(self) -> np.ndarray:
        """For each rate, the mean loss over the last fifth of the steps; NaN where the training was lost."""
        return last_of(self.losses).mean(axis=1)

    @property
    def best(self) -> float:
        """The rate with the smallest loss after these steps."""
        return float(self.rates[self._at])

    @property
    def suggestion(self) -> float:
        """A rate somewhat higher than the best one: the next that was tried, unless the training was lost there."""
        at = self._at
        higher = at + 1 < len(self.rates) and self.start - self.final[at + 1] > STABLE * (self.start - self.final[at])
        return float(self.rates[at + 1]) if higher else self.best

    @property
    def _at(self) -> int:
        if self.reason:
            raise ValueError(f"No learning rate can be suggested: {self.reason}.")
        return int(np.nanargmin(self.final))

    def plot(self, ax: Any = None) -> Any:
        """Draw the loss over the steps, a curve for each rate, with matplotlib; return the axes."""
        ax = axes_of(ax)
        for rate, losses in zip(self.rates, self.losses, strict=True):
            ax.plot(losses, label=f"{rate:.2g}")
        ax.set_xlabel("step")
        ax.set_ylabel("loss")
        ax.legend()
        return ax

    def __str__(self) -> str:
        return "\n".join(f"{rate:10.3g}{loss:12.4g}" for rate, loss in zip(self.rates, self.final, strict=True))


@section("8.3.1")
def compare_learning_rates(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    rates: Sequence[float] = tuple(10.0 ** np.arange(-4, 0.5, 0.5)),
    steps: int = 100,
    batch_size: int = 32,
    seed: int = 0,
) -> Comparison:
    """Train for the first steps with each of several learning rates, on the same batches (section 8.3.1).

    The book's rule: the best rate for the whole training is higher than the one with the smallest loss after the first
    100 steps or so, but not so high that it makes the training unstable. So `suggestion` is the next higher rate, if it
    has lowered the loss by nine tenths of what the best has. As with `find_learning_rate`, no trace of it is left.

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
        A `Comparison`. Where no rate lowers the loss, it has no suggestion and a `reason`.

    Raises:
        ValueError: If an argument lies outside its range, or the optimizer has several learning rates.
        RuntimeError: If the model cannot be put back as it was.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(), "mse")
        >>> x = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
        >>> found = keras_ch8.training.compare_learning_rates(model, x, x @ [[1.0], [2.0]], steps=20)
        >>> found.suggestion >= found.best
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.3.1.
    """
    rates = sorted(_checks.rate("rates", rate) for rate in rates)
    steps = _checks.count("steps", steps, 2, meaning="the steps with each rate", mend="The book has about 100.")
    _checks.keras_3(model)
    _checks.one_rate(keras_private.optimizers_in(model.optimizer))
    data = replayable(Examples(x, y, sample_weight), batch_size, seed, steps + 1)
    build_on(model, next(iter(data())))
    trial = Trial(model)
    start = float(last_of(trial.losses_at_rest(data(), steps, rates[0])[None]).mean())
    losses = np.full((len(rates), steps), np.nan)
    for i, rate in enumerate(rates):
        found = trial.losses(data(), [rate] * steps)
        losses[i, : len(found)] = np.where(np.isfinite(found), found, np.nan)
    result = Comparison(np.array(rates), losses, start)
    if np.isnan(result.final).all() or not np.nanmin(result.final) < start:
        return dataclasses.replace(result, reason=f"no rate from {rates[0]:g} to {rates[-1]:g} lowers the loss")
    return result


def last_of(losses: np.ndarray) -> np.ndarray:
    """Return the losses of the last fifth of the steps."""
    return losses[:, -max(1, int(LAST * losses.shape[1])) :]

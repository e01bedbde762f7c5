"""How noisy the gradient of a minibatch is, and what batch size that asks for."""

import dataclasses
from typing import Any

import numpy as np

from .. import _checks, _numerics
from .._section import section
from ..verdicts import THRESHOLDS, Claim
from ..verdicts.verdict import mildest
from ._monitor import AbstractMonitor, Scene
from .past import Past
from .probe import Probe
from .progress import BATCHES, LAST, effective_rate, progress


@dataclasses.dataclass(frozen=True)
class GradientNoise:
    """Variance and size of the gradient, each without bias.

    Args:
        trace: tr(Sigma), the variance of the gradient of one example, summed over all weights.
        squared_norm: |G|^2 of the gradient G over all data; below 0 where it is lost in the noise.
    """

    trace: float
    squared_norm: float

    @property
    def scale(self) -> float:
        """The noise scale tr(Sigma) / |G|^2: the batch size at which noise and gradient are equally large."""
        return self.trace / self.squared_norm if self.squared_norm > 0 else float("inf")

    def standard_error(self, batch_size: float) -> float:
        """Return the standard error of the gradient of a minibatch, over |G|: sqrt(tr(Sigma) / m) / |G|."""
        return float(np.sqrt(self.scale / batch_size))


class GradientNoiseMonitor(AbstractMonitor):
    """See `gradient_noise`."""

    name = "gradient_noise"
    sets = ("cheap", "standard", "full")
    place = 2

    def tensors(self, scene: Scene) -> dict[str, Any]:
        """Return the two estimates, each the mean over both ends of the step."""
        both = [_estimates(look, scene.examples) for look in (scene.before, scene.now) if look is not None]
        trace, squared_norm = (sum(part) / len(both) for part in zip(*both, strict=True))
        return {"trace": trace, "squared_norm": squared_norm}

    def reading(self, **arrays: np.ndarray) -> GradientNoise:
        """Return the numbers."""
        return GradientNoise(**{name: float(value) for name, value in arrays.items()})

    def numbers(self, past: Past) -> dict[str, float]:
        """Return the noise scale over the last looks, and the standard error of a minibatch."""
        noise = pooled(past.of(self.name)[-LAST:])
        error = {"standard_error": noise.standard_error(past.batch_size)} if past.batch_size else {}
        return {"noise_scale": noise.scale} | error

    def claims(self, past: Past) -> list[Claim]:
        """Say whether the batch is too small for the noise, or larger than it asks for."""
        seen, noise = progress(past), pooled(past.of(self.name)[-LAST:])
        if seen is None or not past.batch_size:
            return []
        ratio, batch = noise.scale / past.batch_size, past.batch_size
        if not np.isfinite(ratio):
            finding = f"The gradient is lost in its noise on the probe; a minibatch has {batch:.0f} examples."
        else:
            share = ratio / (1 + ratio)
            finding = (
                f"The noise scale is {noise.scale:.3g} and a minibatch has {batch:.0f} examples: {share:.0%} of |g|^2 "
                f"is noise, and the standard error {noise.standard_error(batch):.2g} of the gradient."
            )
        costs = excess(noise, past) / abs(seen.now) if seen.now else float("nan")
        felt = "watch"  # without a look at the steps
        if np.isfinite(costs):
            felt = THRESHOLDS["excess"].level(costs)
            finding += f" At this rate and batch it keeps the loss some {costs:.1%} higher."
        dominated = mildest(THRESHOLDS["noise"].level(ratio), felt) if seen.is_slow else "ok"
        if not seen.is_stuck:
            dominated = mildest(dominated, "watch")
        usual = float(np.median([n.scale for n in past.of(self.name)[-LAST:]])) / batch
        wasteful = mildest(*map(THRESHOLDS["waste"].level, (ratio, usual))) if ratio > 0 else "ok"
        return [
            Claim("noise_dominated", dominated, finding),
            Claim("batch_wasteful", wasteful, finding, _smaller(noise.scale) if wasteful != "ok" else ""),
        ]


def pooled(readings: list[GradientNoise]) -> GradientNoise:
    """Return the mean over several readings, whose ratio is the noise scale."""
    trace, squared_norm = (float(np.mean([getattr(r, part) for r in readings])) for part in ("trace", "squared_norm"))
    return GradientNoise(trace, squared_norm)


def excess(noise: GradientNoise, past: Past) -> float:
    """Return by how much noise keeps the loss above its floor at rest, rate tr(Sigma) / (4 m) on a quadratic.

    The variance of a minibatch is not more than what their gradients have: where the training examples are learned by
    heart, those of a probe are noisier.
    """
    seen = past.rows.norm[-BATCHES:]
    variance = np.fmin(noise.trace / past.batch_size, np.median(seen**2) if len(seen) else np.nan)
    return float(effective_rate(past) * variance / 4)


def _smaller(scale: float) -> str:
    return (
        f"Take smaller batches, down to some {max(1, round(scale))} examples: as many steps learn the same from fewer."
    )


def _estimates(look: Any, examples: int) -> tuple[Any, Any]:
    """Return tr(Sigma) and |G|^2 from the gradients of k equal parts and their mean."""
    k = len(look.of_parts)
    if k < 2:
        raise ValueError(
            "The noise of the gradient shows in how far those of two parts of the probe differ. Received: a probe with "
            f"fewer examples ({examples}) than parts. Give more, in random order."
        )
    squares = sum(_numerics.squared_norm(g) for g in look.of_parts)
    mean = _numerics.squared_norm(look.grads)
    trace = examples / k / (k - 1) * (squares - k * mean)
    return trace, mean - trace / examples


@section("8.1.3")
def gradient_noise(model: Any, x: Any, y: Any = None, *, parts: int = 2, **options: Any) -> GradientNoise:
    """Return the noise of the gradient from the gradients of some parts of a batch (section 8.1.3).

        tr(Sigma) <- b / (k - 1) sum_j |g_j - g|^2        b examples in each of k parts, g their mean
        |G|^2     <- |g|^2 - tr(Sigma) / (k b)
        SE(m)     =  sqrt(tr(Sigma) / m)                  the standard error of a minibatch of m: falls as 1 / sqrt(m)

    Two parts tell it as well as the gradients of all examples, at the cost of one gradient of the batch. One estimate
    of |G|^2 is noisy itself: take the ratio of means over several, never the mean of ratios.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`, in random order.
        y: Targets.
        parts: Integer of at least 2. Defaults to `2`.
        **options: As for `curvature.gradient`.

    Returns:
        A `GradientNoise`.

    Raises:
        ValueError: If `parts` is below 2, or there are fewer examples.

    Example:
        >>> dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
        >>> model = keras.Sequential([keras.Input((1,)), dense])
        >>> model.compile(loss="mse")  # the gradient of one example is -2 y
        >>> found = keras_ch8.monitors.gradient_noise(model, np.ones((2, 1)), np.array([[1.0], [3.0]]))
        >>> found.trace, found.squared_norm, found.scale
        (8.0, 12.0, 0.6666666666666666)

    References:
        McCandlish et al. (2018), An Empirical Model of Large-Batch Training.
    """
    parts = _checks.count("parts", parts, 2, meaning="the number of gradients that are compared", mend="Try 2.")
    probe = Probe(model, x, y, monitors=[GradientNoiseMonitor()], parts=parts, **options)
    return probe.look()["gradient_noise"]

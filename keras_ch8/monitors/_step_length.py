"""Whether the steps are too long for the curvature, or too short to arrive."""

import dataclasses
from typing import Any

import numpy as np
from keras import ops

from .. import _numerics
from .._section import section
from ..verdicts import THRESHOLDS, Claim
from ..verdicts.verdict import gravest, mildest
from ._monitor import AbstractMonitor, Scene
from .past import Past
from .probe import Probe
from .progress import LAST, Progress, creeping, effective_rate, elasticity, progress

SPAN = 100
"""Updates in which a loss that falls by a tenth in each would have vanished: if it has not, it goes up and down."""


@dataclasses.dataclass(frozen=True)
class StepLength:
    """The loss along one update d of the optimizer, on examples of the user's choice.

    Args:
        loss_before: L(theta), before the update.
        loss_after: L(theta + d).
        slope: g . d, what the loss would change by without curvature.
        curvature: d . H d, from the difference of the gradients at both ends.
        length: |d|.
    """

    loss_before: float
    loss_after: float
    slope: float
    curvature: float
    length: float

    @property
    def actual(self) -> float:
        """The change of the loss."""
        return self.loss_after - self.loss_before

    @property
    def predicted(self) -> float:
        """Its prediction to second order, g . d + d . H d / 2."""
        return self.slope + self.curvature / 2

    @property
    def trust(self) -> float:
        """Actual over predicted change: near 1 where the loss is quadratic along d."""
        return self.actual / self.predicted if self.predicted else float("nan")

    @property
    def ratio(self) -> float:
        """(1/2) d . H d over -g . d; for gradient descent (1/2) eps^2 g'Hg over eps g'g. Above 1 the loss rises."""
        return self.step_over_optimal / 2

    @property
    def step_over_optimal(self) -> float:
        """|d| over the length that is best along d; 2 leads to the same height on the other side."""
        return self.curvature / -self.slope if self.slope else float("nan")


class StepLengthMonitor(AbstractMonitor):
    """See `step_length`."""

    name = "step_length"
    sets = ("cheap", "standard", "full")
    place = 1
    needs_step = True

    def tensors(self, scene: Scene) -> dict[str, Any]:
        """Return the losses and the products with d."""
        before, now, d = scene.before, scene.now, scene.d
        assert before is not None and d is not None  # noqa: S101, PT018
        change = [b - a for a, b in zip(before.grads, now.grads, strict=True)]
        return {
            "loss_before": before.loss,
            "loss_after": now.loss,
            "slope": _numerics.dot(before.grads, d),
            "curvature": _numerics.dot(change, d),
            "length": ops.sqrt(_numerics.squared_norm(d)),
        }

    def reading(self, **arrays: np.ndarray) -> StepLength:
        """Return the numbers."""
        return StepLength(**{name: float(value) for name, value in arrays.items()})

    def numbers(self, past: Past) -> dict[str, float]:
        """Return the step over the best one, and the change of the loss beside its prediction."""
        last = past.of(self.name)[-1]
        return {
            "step_over_optimal": last.step_over_optimal,
            "loss_change": last.actual,
            "loss_change_predicted": last.predicted,
        }

    def claims(self, past: Past) -> list[Claim]:
        """Say whether steps are too long or too short."""
        seen, last = progress(past), past.of(self.name)[-LAST:]
        if not np.isfinite(last[-1].loss_after):
            return [Claim("step_too_long", "act", "The loss on the probe is infinite or NaN.", proven=len(last) > 1)]
        if seen is None:
            return []
        newton = _newton(past)
        return [_too_long(seen, last, past, *newton), _too_short(seen, last, past, *newton)]


def _too_long(seen: Progress, last: list[StepLength], past: Past, limit: float, gain: float) -> Claim:
    """Judge by where the loss is: well above its start, stuck with steps that leap, or leaping up and down far above 0.

    Steps that change a low loss by a large part of it do no harm. Steps with momentum lead up and down in many small
    ones: they are too long if the rate is near its limit, and it is no ravine.
    """
    ratio = float(np.median([s.ratio for s in last]))
    heights = np.array([s.loss_after for s in last])
    height = float(np.median(heights))
    jump = float(np.median([abs(s.actual) for s in last])) / abs(height) if height else 0.0
    steps = past.steps_of("step_length")[-LAST:]
    with np.errstate(invalid="ignore"):
        rises = float(np.diff(heights).clip(0).sum()) / abs(height) if height else 0.0
    is_high = seen.fallen_to(height) < THRESHOLDS["low"].watch
    levels = [THRESHOLDS["diverged"].level(seen.growth)]
    if seen.is_stuck:
        levels += [THRESHOLDS["step_ratio"].level(ratio), THRESHOLDS["jump"].level(jump)]
    elif is_high and steps[-1] - steps[0] >= SPAN * past.steps_of_update:
        levels += [THRESHOLDS["jump"].level(jump)]
    if seen.is_slow and not seen.is_good and THRESHOLDS["decrement"].level(gain) == "ok":
        levels += [mildest(THRESHOLDS["rises"].level(rises), THRESHOLDS["rate_limit"].level(limit))]
    return Claim(
        "step_too_long",
        gravest(*levels),
        f"Half the curvature along the update is {ratio:.2g} of the slope (above 1 the loss rises); the loss changes "
        f"by {jump:.1%} in an update, is {seen.growth:.2g} of its start, fell by {seen.recent:.1%} lately, and its "
        f"rises between the last looks come to {rises:.0%} of it.",
    )


def _too_short(seen: Progress, last: list[StepLength], past: Past, limit: float, gain: float) -> Claim:
    length = abs(float(np.median([s.step_over_optimal for s in last])))
    pace = float(np.median([-s.slope / abs(s.loss_before) if s.loss_before else 0.0 for s in last]))
    halving = np.log(2) / pace if pace > 0 else float("inf")
    has_slope = THRESHOLDS["small_gradient"].level(elasticity(past, past.of("gradient_norm")[-1])) == "ok"
    could_be_longer = THRESHOLDS["rate_limit"].level(limit) == "ok" and has_slope and not seen.has_diverged
    levels = ["ok"]
    if past.total and could_be_longer and not seen.is_good and seen.recent > 0:
        slow = THRESHOLDS["halving"].level(halving / past.total)
        levels.append(mildest(THRESHOLDS["short_step"].level(length), slow))
    if could_be_longer and seen.is_slow:
        slow = THRESHOLDS["creeping"].level(creeping(seen, gain, past))
        levels.append(mildest(THRESHOLDS["far_below"].level(limit), THRESHOLDS["decrement"].level(gain), slow))
    shortest = [THRESHOLDS["short_step"].level(share) for share in (length, limit / 2)]
    if could_be_longer and seen.fallen < THRESHOLDS["low"].watch and shortest == ["act", "act"]:
        levels.append(mildest(THRESHOLDS["decrement"].level(gain), "watch"))
    newton = f"; Newton's step would gain {gain:.0%} of it, and the rate is {limit / 2:.1g} of the longest"
    return Claim(
        "step_too_short",
        gravest(*levels),
        f"The step is {length:.1e} of the best one in its direction; at this pace the loss takes {halving:.2g} steps "
        f"to halve{'' if np.isnan(limit) else newton}.",
    )


def _newton(past: Past) -> tuple[float, float]:
    """Return the rate times the largest curvature, and what Newton's step would gain; NaN before a spectrum is seen."""
    ends = past.of("spectrum")
    return (effective_rate(past) * ends[-1].largest, ends[-1].gain) if ends else (float("nan"), float("nan"))


@section("8.2.1")
def step_length(model: Any, x: Any, y: Any, before: list[Any], **options: Any) -> StepLength:
    """Return what the last update did to the loss, and what it should have (section 8.2.1).

        L(theta + d) - L(theta)  ~  g . d + (1/2) d . H d

    For gradient descent, d = -eps g, that is the book's -eps g'g + (1/2) eps^2 g'Hg: the loss rises when the second
    term exceeds the first. d . H d is (g(theta + d) - g(theta)) . d, which also knows the kinks of ReLU that second
    derivatives do not see. It costs two gradients, for any optimizer.

    Args:
        model: A compiled model, after the update.
        x: Inputs, as for `fit`; better not those that the update was made of.
        y: Targets.
        before: The trainable weights before the update, one array for each variable.
        **options: As for `curvature.gradient`.

    Returns:
        A `StepLength`.

    Example:
        >>> dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
        >>> model = keras.Sequential([keras.Input((1,)), dense])
        >>> model.compile(loss="mse")  # L(w) = (2 w - 2)^2, from w = 1 + 1 to w = 0
        >>> x, y = np.array([[2.0]]), np.array([[2.0]])
        >>> found = keras_ch8.monitors.step_length(model, x, y, before=[np.array([[2.0]])])
        >>> found.actual, found.slope, found.curvature, found.step_over_optimal
        (0.0, -16.0, 32.0, 2.0)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, equation 8.10.
    """
    probe = Probe(model, x, y, monitors=[StepLengthMonitor()], **options)
    return probe.look(probe.objective.tensors(before))["step_length"]

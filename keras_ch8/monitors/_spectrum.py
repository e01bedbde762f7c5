"""What the ends of the Hessian's spectrum say of the place where the training is."""

import dataclasses
from typing import Any, Self

import numpy as np

from .. import _batches, _checks
from .._section import section
from ..curvature import lanczos_of
from ..curvature.objective import Objective
from ..verdicts import THRESHOLDS, Claim
from ..verdicts.verdict import gravest, mildest
from ._monitor import AbstractMonitor
from .past import Past
from .progress import Progress, creeping, effective_rate, elasticity, progress

FLAT = 1e-3
"""Smallest over largest curvature, below which it is no minimum."""
ONLY_DOWN = 10.0
"""Negative over positive curvature, above which it is no saddle but the flat end of a loss that has a bound."""
NEARLY_CONVEX = 0.05
"""Negative over positive curvature, up to which Newton's step means something."""


@dataclasses.dataclass(frozen=True)
class SpectrumEnds:
    """The loss around the weights, to second order, in the directions that some steps of Lanczos find.

    Args:
        smallest: The smallest Ritz value. Below 0 it proves negative curvature; above 0 it proves nothing.
        largest: The largest Ritz value.
        residual: |H u - smallest u|: an eigenvalue lies at most so far away.
        gradient_norm: |g|.
        weight_norm: |theta|.
        kernel_elasticity: |g| |theta| / L of the weights with two axes or more: the bias of the output has a gradient
            on any examples but those that it was fitted to. Of all weights, if there are no such.
        loss: L(theta).
        slope_curvature: g . H g / g . g, the curvature along the gradient.
        decrement: Sum over the directions of (u . g)^2 / (2 |value|): by so much the loss could fall if each of them
            had a step of its own, as Newton's method takes it.
        resolved: The same from two halves of the examples, (u . g_1)(u . g_2) / (2 |value|): without what fits these
            examples only.
    """

    smallest: float
    largest: float
    residual: float
    gradient_norm: float
    weight_norm: float
    kernel_elasticity: float
    loss: float
    slope_curvature: float
    decrement: float
    resolved: float

    @property
    def negativity(self) -> float:
        """-smallest / largest: how strong the negative curvature is; 0 if there is none."""
        return max(0.0, -self.smallest) / self.largest if self.largest > 0 else float(self.smallest < 0)

    @property
    def gain(self) -> float:
        """`resolved` as a share of the loss."""
        return self.resolved / abs(self.loss) if self.loss else 0.0

    @property
    def elasticity(self) -> float:
        """|g| |theta| / L, as in `gradient_norm`."""
        return self.gradient_norm * self.weight_norm / abs(self.loss) if self.loss else float("nan")


@dataclasses.dataclass(frozen=True)
class SpectrumMonitor(AbstractMonitor):
    """See `spectrum`.

    Args:
        always: Whether to look regularly, and not only where there is reason to: a loss that falls slowly with
            something missing, or steps that could be many times as long.
    """

    name = "spectrum"
    sets = ("standard", "full")
    place = 10
    judges = "spectrum"
    always: bool = False

    @classmethod
    def of_set(cls, name: str) -> Self:
        """Return the one that looks regularly, in the full set."""
        return cls(always=name == "full")

    def numbers(self, past: Past) -> dict[str, float]:
        """Return the ends, and what Newton's step would gain."""
        last = past.of(self.name)[-1]
        return {
            "eigenvalue_smallest": last.smallest,
            "eigenvalue_largest": last.largest,
            "newton_gain": last.gain,
        }

    def claims(self, past: Past) -> list[Claim]:
        """Say whether the training sits on a plateau or at a saddle point, or creeps along a ravine."""
        seen, last = progress(past), past.of(self.name)[-1]
        if seen is None:
            return []
        return [*_flat_regions(seen, last, past), *_ill_conditioned(seen, last, past)]


def _flat_regions(seen: Progress, ends: SpectrumEnds, past: Past) -> list[Claim]:
    """Tell apart what holds a training up where Newton's step would gain nothing.

    On a plateau there is hardly a gradient, at all or for the layers before idle units. What is neither that nor a
    saddle point is a model that has learned all it can.
    """
    saddle = _saddle(ends, past) if seen.is_stuck else "ok"
    flat = THRESHOLDS["flat"].level(ends.gain) if saddle == "ok" else "ok"
    is_idle = THRESHOLDS["small_gradient"].level(elasticity(past, ends)) != "ok" or _has_idle_layers(past)
    is_plateau = is_idle and ends.smallest <= FLAT * ends.largest
    has_learned_all = seen.is_at_rest and not is_plateau
    finding = (
        f"The loss is {seen.fallen:.1%} below its start and fell by {seen.recent:.1%} lately; Newton's step would gain "
        f"{ends.gain:.1%} of it; |g| |theta| / L is {ends.elasticity:.1e}, and the curvature goes from "
        f"{ends.smallest:.2g} to {ends.largest:.2g}."
    )
    return [
        Claim("saddle", saddle, finding),
        Claim("plateau", flat if is_plateau and seen.is_stuck else "ok", finding),
        Claim("underfitting", mildest(flat, "watch") if has_learned_all else "ok", finding),
    ]


def _saddle(ends: SpectrumEnds, past: Past) -> str:
    """Judge by negative curvature beside positive, where the kernels have hardly a gradient.

    Along it the saddle point can be left within the training, in some 1 / (rate * curvature) steps. Where there is next
    to no gradient, it need not be strong.
    """
    foldings = effective_rate(past) * -ends.smallest * (past.total or past.done)
    is_sure = ends.residual < -ends.smallest / 2
    if not is_sure or foldings < 1 or ends.negativity > ONLY_DOWN:  # foldings are NaN where the gradient is 0
        return "ok"
    small = THRESHOLDS["small_gradient"].level(float(np.fmin(elasticity(past, ends), ends.kernel_elasticity)))
    bend = THRESHOLDS["negativity"].level(ends.negativity)
    if small == "act":
        bend = gravest(bend, THRESHOLDS["slight_negativity"].level(ends.negativity))
    return mildest(small, bend)


def _has_idle_layers(past: Past) -> bool:
    flows = past.of("layer_flow")
    if not flows:
        return False
    shares = {"dead": flows[-1].share_dead, "saturated": flows[-1].share_saturated, "vanishing": flows[-1].total}
    return any(THRESHOLDS[name].level(share) != "ok" for name, share in shares.items())


def _ill_conditioned(seen: Progress, ends: SpectrumEnds, past: Past) -> list[Claim]:
    """Judge by what Newton's step would gain, where steps cannot be longer: how long that takes, or how short they are.

    In a ravine the steep walls limit the rate, and along its floor that is a small part of the best step. Where the
    rate is at its limit, no pace is good along a floor that is not low, or is nearly all of the loss.
    """
    limit = effective_rate(past) * ends.largest
    if np.isnan(limit) or not past.total:
        return []
    lasts = creeping(seen, ends.gain, past)
    pace = THRESHOLDS["creeping"].level(lasts) if seen.is_slow else "ok"
    slow = gravest(pace, THRESHOLDS["short_step"].level(seen.stride))
    levels = [mildest(THRESHOLDS["decrement"].level(ends.gain), slow)]
    if seen.fallen < THRESHOLDS["arrived"].watch and THRESHOLDS["at_limit"].level(limit) != "ok":
        left = THRESHOLDS["decrement"] if seen.is_slow else THRESHOLDS["nearly_all"]
        levels.append(mildest(left.level(ends.gain), "watch"))
    is_caught = THRESHOLDS["rate_limit"].level(limit) != "ok" and ends.negativity < NEARLY_CONVEX
    flows = past.of("layer_flow")
    inputs = f" The inputs have standard deviations that differ {flows[-1].input_spread:.2g}-fold." if flows else ""
    return [
        Claim(
            "ill_conditioned",
            gravest(*levels) if is_caught else "ok",
            f"Newton's step would gain {ends.gain:.0%} of the loss, which takes {lasts:.2g} times this training at "
            f"its pace; steps are {seen.stride:.1e} of the best ones along them, and |d| / |g| times the largest "
            f"curvature {ends.largest:.2g} is {limit:.2g}, where 2 is too long."
            f"{inputs}",
        )
    ]


def ends_of(objective: Objective, steps: int = 20, seed: int = 0) -> SpectrumEnds:
    """Return what `spectrum` does, for a function of the weights that is traced already; NaN where it is infinite."""
    with np.errstate(all="ignore"):
        try:
            return _ends(objective, steps, seed)
        except np.linalg.LinAlgError:
            return SpectrumEnds(*[float("nan")] * len(dataclasses.fields(SpectrumEnds)))


def _ends(objective: Objective, steps: int, seed: int) -> SpectrumEnds:
    theta = objective.theta()
    slope = objective.gradient(theta)
    norm = float(np.linalg.norm(slope))
    halves = [objective.gradient(theta, part) for part in _batches.parts_of(objective.data, 2)]
    start = np.random.default_rng(seed).normal(size=objective.size)
    start /= np.linalg.norm(start)
    length = np.linalg.norm(halves[0])
    if length > 0:  # of one half: directions that follow both would find their noise in both
        start += halves[0] / length  # alone, it would never leave a plane of symmetry
    product = objective.products(theta)
    found = lanczos_of(product, start, steps, objective.dtype)
    sizes = np.maximum(np.abs(found.values), 1e-6 * np.abs(found.values).max(initial=1e-30))
    along, *of_halves = map(found.along, (slope, halves[0], halves[-1]))
    loss = objective.value(theta)

    return SpectrumEnds(
        smallest=found.smallest,
        largest=found.largest,
        residual=float(found.residuals[0]),
        gradient_norm=norm,
        weight_norm=float(np.linalg.norm(theta)),
        kernel_elasticity=_kernel_elasticity(objective, theta, slope, loss),
        loss=loss,
        slope_curvature=float(slope @ product(slope)) / norm**2 if norm > 0 else float("nan"),
        decrement=float(np.sum(along**2 / (2 * sizes))),
        resolved=float(np.sum(of_halves[0] * of_halves[1] / (2 * sizes))),
    )


def _kernel_elasticity(objective: Objective, theta: np.ndarray, slope: np.ndarray, loss: float) -> float:
    sizes, ranks = np.diff(objective.ends), np.array([len(shape) for shape in objective.shapes])
    is_kernel = np.repeat((ranks > 1) | (ranks.max(initial=0) < 2), sizes)
    moves = np.linalg.norm(slope[is_kernel]) * np.linalg.norm(theta[is_kernel])
    return float(moves / abs(loss)) if loss else float("nan")


@section("8.2.3")
def spectrum(model: Any, x: Any, y: Any = None, *, steps: int = 20, seed: int = 0, **options: Any) -> SpectrumEnds:
    """Return the ends of the spectrum of the Hessian, beside gradient and loss (section 8.2.3).

    Where the gradient is small, all curvature positive means a minimum, curvature of both signs a saddle point, and
    hardly any a plateau. Almost every Hessian of a network has some negative eigenvalues; they make a saddle only if
    they are large beside the positive ones and the gradient small.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        steps: Steps of Lanczos, each one Hessian-vector product. Defaults to `20`.
        seed: Seed of the random part of the start; the other part is the gradient. Defaults to `0`.
        **options: As for `curvature.gradient`.

    Returns:
        A `SpectrumEnds`.

    Raises:
        ValueError: If `steps` is below 1.

    Example:
        >>> dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
        >>> model = keras.Sequential([keras.Input((2,)), dense])
        >>> model.compile(loss="mse")  # H = diag(4, 1)
        >>> x, y = np.array([[2.0, 0.0], [0.0, 1.0]]), np.zeros((2, 1))
        >>> found = keras_ch8.monitors.spectrum(model, x, y)
        >>> round(found.smallest, 4), round(found.largest, 4), round(found.decrement, 4), found.loss
        (1.0, 4.0, 2.5, 2.5)

    References:
        Dauphin et al. (2014), Identifying and Attacking the Saddle Point Problem.
    """
    steps = _checks.count("steps", steps, 1, meaning="the steps of Lanczos", mend="Try 20.")
    return ends_of(Objective(model, x, y, **options), steps, seed)

"""What the ends of the Hessian's spectrum say of the place where the training is."""

import dataclasses
from typing import Any, Self

import keras
import numpy as np

from .. import _batches, _checks
from .._describe import section
from .._result import Result
from .._types import Data
from ..curvature.eigenvalues import lanczos_of, norm
from ..curvature.objective import Objective
from ..verdicts import quantities as q
from ..verdicts import table
from ..verdicts.wording import digits
from .base import Curve, Monitor
from .flow import LayerFlow
from .measurement_log import MeasurementLog
from .progress import (
    BATCHES,
    effective_rate,
    progress,
    progress_measured,
    progress_newest,
)


@dataclasses.dataclass(frozen=True, repr=False)
class SpectrumEnds(Result):
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
    decrement: float
    resolved: float

    @property
    def negativity(self) -> float:
        """-smallest / largest: how strong the negative curvature is; 0 if there is none."""
        return max(0.0, -self.smallest) / self.largest if self.largest > 0 else float(self.smallest < 0)

    @property
    def gain(self) -> float:
        """`resolved` as a fraction of the loss."""
        return self.resolved / abs(self.loss) if self.loss else 0.0

    @property
    def elasticity(self) -> float:
        """|g| |theta| / L, as in `gradient_norm`."""
        return self.gradient_norm * self.weight_norm / abs(self.loss) if self.loss else float("nan")

    _shows = (
        "smallest",
        "largest",
        "residual",
        "gradient_norm",
        "weight_norm",
        "loss",
        "decrement",
        "gain",
    )

    def _headline(self) -> str:
        return f"eigenvalues from {self.smallest:.3g} to {self.largest:.3g}"


@dataclasses.dataclass(frozen=True)
class SpectrumMonitor(Monitor):
    """See `spectrum`.

    Args:
        always: Whether to measure regularly, and not only where there is reason to: a loss that falls slowly with
            something missing, or steps that could be many times as long.
    """

    name = "spectrum"
    sets = ("standard", "full")
    order = 10
    source = "spectrum"
    passes = 45
    always: bool = False
    rules = table.SPECTRUM
    curves = (
        Curve(
            "eigenvalue_smallest",
            "Smallest eigenvalue of the Hessian",
            "loss / weight^2",
            "Smallest Ritz value of the Hessian.",
            "8.2.3",
        ),
        Curve(
            "eigenvalue_largest",
            "Largest eigenvalue of the Hessian",
            "loss / weight^2",
            "Largest Ritz value of the Hessian.",
            "8.2.1",
        ),
        Curve(
            "negative_curvature",
            "Negative over positive curvature",
            "ratio",
            "Strongest negative curvature over the strongest positive one.",
            "8.2.3",
        ),
        Curve(
            "newton_gain",
            "Gain of an ideal Newton step",
            "ratio",
            "Fraction of the loss that an ideal Newton step would gain.",
            "8.2.1",
        ),
    )

    @classmethod
    def of_set(cls, name: str) -> Self:
        """Return the one that measures regularly, in the full set."""
        return cls(always=name == "full")

    def numbers(self, log: MeasurementLog) -> dict[str, float]:
        """Return the ends, and what Newton's step would gain."""
        last = log.of(self.name)[-1]
        return {
            "eigenvalue_smallest": last.smallest,
            "eigenvalue_largest": last.largest,
            "negative_curvature": last.negativity,
            "newton_gain": last.gain,
        }

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return the curvature and the gradient where the training is, and what Newton's step would gain.

        What keeps a training from falling where Newton's step would gain nothing is told apart by the rules: on a
        plateau there is hardly a gradient; at a saddle point there is a way down that can be left within the training,
        in some 1 / (rate * curvature) steps; what is neither is a model that has learned all it can. In a ravine the
        steep walls limit the rate.
        """
        ends = log.of(self.name)[-1]
        if progress(log) is None:
            return {}
        rate, size = effective_rate(log), elasticity(log, ends)
        return (
            progress_measured(log)
            | _hidden_layers(log)
            | {
                q.NEWTON_GAIN.name: ends.gain,
                q.KERNEL_ELASTICITY.name: float(np.fmin(size, ends.kernel_elasticity)),
                q.NEGATIVITY.name: ends.negativity,
                q.ESCAPES.name: rate * -ends.smallest * (log.total or log.done),
                q.RATE_OF_LIMIT.name: rate * ends.largest,
            }
        )

    def newest(self, log: MeasurementLog) -> dict[str, float]:
        """Return where the loss is, and how long the step is, by the last measurement alone."""
        return progress_newest(log)

    def remarks(self, log: MeasurementLog) -> dict[str, str]:
        """Return by how much the scales of the inputs differ: a ravine that one can do something about."""
        flows = log.of("layer_flow")
        if not flows or not np.isfinite(flows[-1].input_spread) or flows[-1].input_spread < 1.5:
            return {}
        spread = digits(flows[-1].input_spread)
        return {"ill_conditioned": f"input scales differ by a factor of {spread}"}


def _hidden_layers(log: MeasurementLog) -> dict[str, float]:
    """Return how many hidden layers there are, and how narrow they get, going by the last measurement."""
    flows = log.of("layer_flow")
    return {q.HIDDEN.name: float(len(flows[-1].hidden)), q.NARROWEST.name: _narrowest(flows[-1])} if flows else {}


def _narrowest(flow: LayerFlow) -> float:
    """Return the units of the narrowest hidden layer, if they are fewer than the outputs; NaN otherwise."""
    outputs = sum(units for units, is_output in zip(flow.units, flow.is_output, strict=True) if is_output)
    fewest = min((flow.units[place] for place in flow.hidden), default=outputs)
    return float(fewest) if fewest < outputs else float("nan")


def ends_of(objective: Objective, steps: int = 20) -> SpectrumEnds:
    """Return what `spectrum` does, for a function of the weights that is traced already; NaN where it is infinite."""
    with np.errstate(all="ignore"):
        try:
            return _ends(objective, steps)
        except np.linalg.LinAlgError:
            return SpectrumEnds(*[float("nan")] * len(dataclasses.fields(SpectrumEnds)))


def _ends(objective: Objective, steps: int) -> SpectrumEnds:
    theta = objective.theta()
    loss, slope = objective.value_and_gradient(theta)
    halves = [objective.gradient(theta, part) for part in _batches.parts_of(objective.data, 2)]
    start = np.random.default_rng(0).normal(size=objective.size)
    start /= norm(start)
    length = norm(halves[0])
    if length > 0:  # of one half: directions that follow both would find their noise in both
        start += halves[0] / length  # alone, it would never leave a plane of symmetry
    found = lanczos_of(objective.products(theta), start, steps, objective.dtype)
    sizes = np.maximum(np.abs(found.values), 1e-6 * np.abs(found.values).max(initial=1e-30))
    along, *of_halves = map(found.along, (slope, halves[0], halves[-1]))

    return SpectrumEnds(
        smallest=found.smallest,
        largest=found.largest,
        residual=float(found.residuals[0]),
        gradient_norm=norm(slope),
        weight_norm=norm(theta),
        kernel_elasticity=_kernel_elasticity(objective, theta, slope, loss),
        loss=loss,
        decrement=float(np.sum(along**2 / (2 * sizes))),
        resolved=float(np.sum(of_halves[0] * of_halves[1] / (2 * sizes))),
    )


def elasticity(log: MeasurementLog, ends: SpectrumEnds) -> float:
    """Return |g| |theta| / L of a reading, with the norms of the last minibatches if they are smaller.

    On a probe that is not trained on the gradient stays above 0 where the one that training follows is 0.
    """
    norms = log.rows.norm[-BATCHES:]
    known = len(norms) and ends.loss
    of_batches = float(np.median(norms)) * ends.weight_norm / abs(ends.loss) if known else float("nan")
    return float(np.fmin(ends.elasticity, of_batches))


def _kernel_elasticity(objective: Objective, theta: np.ndarray, slope: np.ndarray, loss: float) -> float:
    sizes, ranks = np.diff(objective.ends), np.array([len(shape) for shape in objective.shapes])
    is_kernel = np.repeat((ranks > 1) | (ranks.max(initial=0) < 2), sizes)
    moves = norm(slope[is_kernel]) * norm(theta[is_kernel])
    return moves / abs(loss) if loss else float("nan")


@section("8.2.3")
def spectrum(model: keras.Model, x: Data, y: Data = None, *, steps: int = 20, **options: Any) -> SpectrumEnds:
    """Return the extreme eigenvalues of the Hessian, with the gradient and the loss (section 8.2.3).

    Where the gradient is small, all curvature positive means a minimum, curvature of both signs a saddle point, and
    hardly any a plateau. Almost every Hessian of a network has some negative eigenvalues; they make a saddle only if
    they are large beside the positive ones and the gradient small.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        steps: Steps of Lanczos, each one Hessian-vector product, from the gradient and a direction that is random but
            always the same. Defaults to `20`.
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
    steps = _checks.count("steps", steps, 1, meaning="the steps of Lanczos", fix="Try 20.")
    return ends_of(Objective(model, x, y, **options), steps)

"""How the signal fares from layer to layer, and the gradient on its way back."""

import dataclasses
from typing import Any

import numpy as np
from keras import ops

from .._section import section
from ..verdicts import THRESHOLDS, Claim
from ..verdicts.verdict import gravest, mildest
from ._factor import factor
from ._layer import (
    SLOPES,
    activation,
    by_unit,
    dead,
    gradient,
    is_weighted,
    relative_update,
    root_mean_square,
    saturated,
)
from ._monitor import AbstractMonitor, Scene
from .past import Past
from .probe import Probe
from .progress import Progress, most, progress


@dataclasses.dataclass(frozen=True)
class LayerFlow:
    """One number for each call of a layer with weights or a nonlinearity, in order; NaN where it has no such thing.

    Args:
        names: Names of the layers.
        weighted: Whether each has a matrix of weights.
        is_output: Whether what it gives is what the model gives, as far as can be seen.
        signal: Root mean square of what the layer gives.
        gradient: |dL_i / dy|, the root mean square over the examples i of the norm of the gradient of its loss.
        dead: Share of its ReLUs that give 0 for every example; NaN for other layers.
        saturated: Share of what it gives that is on the flat ends of tanh or sigmoid; NaN for other layers.
        relative_update: |d| / |W| for its weights in the last update.
        units: Number of units of each layer.
        input_signal: Root mean square of what the first layer is given.
        input_spread: The largest over the smallest standard deviation of its features.
    """

    names: tuple[str, ...]
    weighted: tuple[bool, ...]
    is_output: tuple[bool, ...]
    signal: np.ndarray
    gradient: np.ndarray
    dead: np.ndarray
    saturated: np.ndarray
    relative_update: np.ndarray
    units: tuple[int, ...]
    input_signal: float
    input_spread: float

    @property
    def hidden(self) -> np.ndarray:
        """Places of the weighted layers before the output."""
        return np.flatnonzero(np.array(self.weighted) & ~np.array(self.is_output))

    @property
    def backward_factor(self) -> float:
        """By what the gradient is multiplied from one hidden layer to the one before; NaN with fewer than 3."""
        return 1 / factor(self.gradient[self.hidden])

    @property
    def forward_factor(self) -> float:
        """By what the signal is multiplied from one hidden layer to the next; NaN with fewer than 3."""
        return factor(self.signal[self.hidden])

    @property
    def total(self) -> float:
        """Gradient at the first hidden layer over that at the last."""
        ends = self.gradient[self.hidden[[0, -1]]] if len(self.hidden) > 1 else np.full(2, np.nan)
        return float(ends[0] / ends[1]) if ends[1] > 0 else float("nan")

    @property
    def share_dead(self) -> float:
        """Share of all ReLUs of the model that are dead; NaN without any."""
        return _weighted_mean(self.dead, self.units)

    @property
    def share_saturated(self) -> float:
        """Share of all saturating units of the model that are; NaN without any."""
        return _weighted_mean(self.saturated, self.units)


class LayerFlowMonitor(AbstractMonitor):
    """See `layer_flow`."""

    name = "layer_flow"
    sets = ("standard", "full")
    place = 6

    def takes(self, layer: Any) -> bool:
        """Take layers with a matrix of weights along, and nonlinearities."""
        return is_weighted(layer) or activation(layer) in ("relu", *SLOPES)

    def tensors(self, scene: Scene) -> dict[str, Any]:
        """Return what each layer gives and gets back."""
        met = [m for m in scene.now.met if self.takes(m.layer)]
        if not met:
            return {}
        d = scene.d or [ops.full_like(t, float("nan")) for t in scene.theta]
        moved = {id(v): (w, change) for v, w, change in zip(scene.variables, scene.theta, d, strict=True)}
        last = max((i for i, m in enumerate(met) if is_weighted(m.layer)), default=0)
        given = ops.cast(met[0].given, "float32")
        spread = ops.std(by_unit(met[0].layer, given), axis=0)
        some = spread > 0
        return {
            "names": tuple(m.layer.name for m in met),
            "weighted": tuple(is_weighted(m.layer) for m in met),
            "is_output": tuple(i >= last or m.is_output for i, m in enumerate(met)),
            "units": tuple(int(by_unit(m.layer, m.output).shape[1]) for m in met),
            "signal": ops.stack([root_mean_square(m.output) for m in met]),
            "gradient": ops.stack([gradient(m, scene.examples) for m in met]),
            "dead": ops.stack([dead(m) for m in met]),
            "saturated": ops.stack([saturated(m) for m in met]),
            "relative_update": ops.stack([relative_update(m.layer, moved) for m in met]),
            "input_signal": root_mean_square(given),
            "input_spread": ops.max(spread) / ops.min(ops.where(some, spread, ops.max(spread) + 1e-30)),
        }

    def reading(self, **arrays: Any) -> LayerFlow:
        """Return the numbers."""
        is_output = np.array(arrays["is_output"])
        for name in ("dead", "saturated"):
            arrays[name] = np.where(is_output, np.nan, arrays[name])
        for name in ("input_signal", "input_spread"):
            arrays[name] = float(arrays[name])
        return LayerFlow(**arrays)

    def numbers(self, past: Past) -> dict[str, float]:
        """Return the factors, and the shares of units that take no part."""
        last = past.of(self.name)[-1]
        names = ("backward_factor", "forward_factor", "share_dead", "share_saturated")
        return {name: getattr(last, name) for name in names}

    def claims(self, past: Past) -> list[Claim]:
        """Say whether the gradient explodes or vanishes, whether units are idle, and whether the start is to scale."""
        flows = past.of(self.name)
        return [*_through_depth(flows, progress(past)), *idle_units(flows[-1]), *scale_of_start(flows)]


def _weighted_mean(values: np.ndarray, weights: tuple[int, ...]) -> float:
    there = ~np.isnan(values)
    return float(np.average(values[there], weights=np.array(weights)[there])) if there.any() else float("nan")


def _through_depth(flows: list[LayerFlow], seen: Progress | None) -> list[Claim]:
    """Judge by the median over the looks: a single one may be near a point where the gradient is 0."""
    totals = [f.total for f in flows if not np.isnan(f.backward_factor)]
    if not totals:
        return []
    total, last = float(np.median(totals)), flows[-1]
    factor = float(np.nanmedian([f.backward_factor for f in flows]))
    finding = (
        f"Back from the last of {len(last.hidden)} hidden layers to the first the gradient is multiplied by {total:.2g}"
        f", {factor:.2g} a layer; the first moves by {last.relative_update[last.hidden[0]]:.1e} of its size in a step."
    )
    return [
        Claim("exploding", THRESHOLDS["exploding"].level(total), finding),
        Claim("vanishing", mildest(THRESHOLDS["vanishing"].level(total), most(seen)), finding),
    ]


def idle_units(flow: LayerFlow) -> list[Claim]:
    found = []
    if not np.isnan(flow.share_dead):
        worst = flow.names[int(np.nanargmax(flow.dead))]
        finding = f"{flow.share_dead:.0%} of the ReLUs give 0 for every example of the probe, most of them in {worst}."
        found.append(Claim("dead_units", THRESHOLDS["dead"].level(flow.share_dead), finding))
    if not np.isnan(flow.share_saturated):
        worst = flow.names[int(np.nanargmax(flow.saturated))]
        finding = f"{flow.share_saturated:.0%} of the units of tanh or sigmoid are on their flat ends, most in {worst}."
        found.append(Claim("saturated_units", THRESHOLDS["saturated"].level(flow.share_saturated), finding))
    return found


def scale_of_start(flows: list[LayerFlow]) -> list[Claim]:
    """Judge by the median of the first three looks."""
    signals = np.median([[f.input_signal, *f.signal] for f in flows[:3]], axis=0)
    large, small = THRESHOLDS["large_signal"].level(signals.max()), THRESHOLDS["small_signal"].level(signals.min())
    names = ("the input", *flows[0].names)
    finding = (
        f"At the start the signal is largest in {names[signals.argmax()]}, with a root mean square of "
        f"{signals.max():.2g}, and smallest in {names[signals.argmin()]}, with {signals.min():.2g}; about 1 is best."
    )
    return [Claim("bad_scale", gravest(large, small), finding)]


@section("8.2.5")
def layer_flow(model: Any, x: Any, y: Any = None, before: list[Any] | None = None, **options: Any) -> LayerFlow:
    """Return how signal and gradient fare through the layers, and which units take no part (section 8.2.5).

    A product of many factors vanishes or explodes: from layer to layer the signal is multiplied by one, the gradient on
    its way back by another, and d layers give the d-th power.

    Args:
        model: A compiled model; layers are taken in the order in which they are called.
        x: Inputs, as for `fit`.
        y: Targets.
        before: The trainable weights before the last update, for `relative_update`.
        **options: As for `curvature.gradient`.

    Returns:
        A `LayerFlow`.

    Example:
        >>> half = keras.initializers.Constant(0.5)
        >>> halves = [keras.layers.Dense(1, use_bias=False, kernel_initializer=half) for _ in range(4)]
        >>> model = keras.Sequential([keras.Input((1,)), *halves])
        >>> model.compile(loss="mse")
        >>> flow = keras_ch8.monitors.layer_flow(model, np.array([[16.0]]), np.array([[0.0]]))
        >>> flow.signal, flow.gradient
        (array([8., 4., 2., 1.], dtype=float32), array([0.25, 0.5 , 1.  , 2.  ], dtype=float32))
        >>> round(flow.backward_factor, 3)
        0.5

    References:
        Glorot and Bengio (2010), Understanding the Difficulty of Training Deep Feedforward Neural Networks.
    """
    probe = Probe(model, x, y, monitors=[LayerFlowMonitor()], **options)
    return probe.look(before and probe.objective.tensors(before))["layer_flow"]

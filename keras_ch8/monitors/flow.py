"""How the signal changes from layer to layer, and the gradient during backpropagation."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from .._describe import section
from .._plot import axes_of, finished, over_layers
from .._result import Result, Table
from .._types import Data, Tensor
from ..verdicts import quantities as q
from ..verdicts import table
from ..verdicts.fact import Fact
from ..verdicts.quantities import LAST
from ..verdicts.rules import judge
from ..verdicts.verdict import Claim
from ..verdicts.wording import digits, percent
from .base import Curve, LayerCall, Monitor, Snapshot
from .measurement_log import MeasurementLog
from .model_facts import activation, is_weighted, usual_rate
from .probe import (
    SLOPES,
    WEIGHING,
    ProbeEvaluator,
    by_unit,
    dead,
    gradients,
    input_spread,
    largest_size,
    relative_updates,
    root_mean_squares,
    saturated,
    with_gaps,
)
from .progress import progress, progress_measured

FEWEST_HIDDEN = 3
"""Hidden layers that the gradient must pass before it is judged how it changes on its way."""
FEWEST_SLOPES = 3
"""Measurements in which the gradient of a matrix must be 0 before it is said that it has none."""


@dataclasses.dataclass(frozen=True, repr=False)
class LayerFlow(Result):
    """One number for each call of a layer with weights or a nonlinearity, in order; NaN where it has no such thing.

    Args:
        names: Names of the layers.
        weighted: Whether each has a matrix of weights.
        is_output: Whether its output is an output of the model, as far as can be told.
        signal: Root mean square of the outputs of the layer.
        gradient: |dL_i / dy|, the root mean square over the examples i of the norm of the gradient of its loss.
        dead: Fraction of its ReLUs that give 0 for every example; NaN for other layers.
        saturated: Fraction of its outputs that are on the flat ends of tanh or sigmoid; NaN for other layers.
        relative_update: |d| / |W| for its matrices, where d is the last update; NaN where no update is known.
        units: Number of units of each layer.
        input_signal: Root mean square of the inputs of the first layer.
        input_spread: The largest over the smallest standard deviation of its features; those that are next to constant
            are left out.
        before: `signal` before the last update; `None` where no update is known.
        weights: Paths of the trainable variables of the model with two axes or more, without recurrent kernels over
            sequences of one time step, which have no state to multiply.
        slopes: For each of these, the largest absolute value of an entry of its gradient.
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
    before: np.ndarray | None = None
    weights: tuple[str, ...] = ()
    slopes: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))

    @functools.cached_property
    def hidden(self) -> np.ndarray:
        """Places of the weighted layers before the output, without those that only weigh what others give."""
        passes_on = np.array([name not in WEIGHING for name in self.names])
        return np.flatnonzero(np.array(self.weighted) & ~np.array(self.is_output) & passes_on)

    @functools.cached_property
    def backward_factor(self) -> float:
        """By what the gradient is multiplied from one hidden layer to the one before; NaN with fewer than 3."""
        return 1 / growth_per_step(self.gradient[self.hidden])

    @functools.cached_property
    def total(self) -> float:
        """Gradient at the first hidden layer over that at the last."""
        ends = self.gradient[self.hidden[[0, -1]]] if len(self.hidden) > 1 else np.full(2, np.nan)
        with np.errstate(invalid="ignore", over="ignore"):  # of infinite ones it is NaN
            return float(ends[0] / ends[1]) if ends[1] > 0 else float("nan")

    @functools.cached_property
    def fraction_dead(self) -> float:
        """Fraction of all ReLUs of the model that are dead; NaN without any."""
        return _weighted_mean(self.dead, self.units)

    @functools.cached_property
    def fraction_saturated(self) -> float:
        """Fraction of all saturating units of the model that are; NaN without any."""
        return _weighted_mean(self.saturated, self.units)

    def table(self) -> Table:
        """Return the numbers, a row for each layer."""
        columns = "layer", "units", "signal", "gradient [loss / signal]", "idle"
        idle = np.nanmax([np.zeros(len(self.names)), self.dead, self.saturated], axis=0)
        rows = zip(self.names, self.units, self.signal, self.gradient, map(percent, idle), strict=True)
        return Table(columns, list(rows))

    def plot(self, ax: Any = None) -> Any:
        """Draw signal and gradient over the layers, with matplotlib; return the axes."""
        ax = axes_of(ax)
        over_layers(ax, self.names, {"signal": self.signal, "gradient": self.gradient})
        y = "signal; gradient [loss / signal]"
        return finished(
            ax, "Signal and gradient, layer by layer", "layer, the first on the left", y, "root mean square of"
        )

    def _headline(self) -> str:
        least, most = digits(np.nanmin(self.signal)), digits(np.nanmax(self.signal))
        said = f"{len(self.names)} layers, signals from {least} to {most}"
        back = self.backward_factor
        return (
            said
            if np.isnan(back)
            else f"{said}; during backpropagation the gradient is multiplied by {digits(back)} a layer"
        )

    def _table(self) -> Table:
        return self.table()


class LayerFlowMonitor(Monitor):
    """See `layer_flow`."""

    name = "layer_flow"
    sets = ("standard", "full")
    order = 6
    rules = table.LAYER_FLOW
    curves = (
        Curve(
            "backward_factor",
            "Gradient from layer to layer",
            "ratio a layer",
            "Gradient at a hidden layer over that at the next.",
            "8.2.5",
            lines=((1.0, "as large as at the next layer"),),
        ),
        Curve("fraction_dead", "Dead ReLUs", "ratio", "Fraction of ReLUs that output 0 for every example.", "8.2.5"),
        Curve(
            "fraction_saturated",
            "Saturated units",
            "ratio",
            "Fraction of the tanh and sigmoid outputs that are on the flat ends.",
            "8.2.5",
        ),
        Curve(
            "fraction_without_gradient",
            "Weight matrices without a gradient",
            "ratio",
            "Fraction of the weight matrices whose gradient is exactly 0.",
            "8.2.5",
        ),
        Curve(
            "largest_signal",
            "Largest signal of a layer",
            "signal",
            "Largest root mean square (RMS) of the input and the layer outputs.",
            "8.4",
            lines=((1.0, "best"),),
        ),
    )

    def records(self, layer: keras.layers.Layer) -> bool:
        """Record layers with a matrix of weights, and nonlinearities."""
        return is_weighted(layer) or activation(layer) in ("relu", *SLOPES)

    def kinds_for(self, layers: Sequence[keras.layers.Layer]) -> set[str]:
        """Return all but those of units, or of a depth, that the layers do not have."""
        weighted = [place for place, layer in enumerate(layers) if is_weighted(layer)]
        depth, units = len(weighted), {activation(layer) for layer in layers[: max(weighted, default=0)]}
        is_there = {
            "dead_units": "relu" in units,
            "saturated_units": not units.isdisjoint(SLOPES),
            "exploding": depth > FEWEST_HIDDEN,
            "vanishing": depth > FEWEST_HIDDEN,
        }
        return {kind for kind in super().kinds_for(layers) if is_there.get(kind, True)}

    def tensors(self, snapshot: Snapshot) -> dict[str, Tensor]:
        """Return what each layer gives and gets back."""
        calls = [call for call in snapshot.now.calls if self.records(call.layer)]
        if not calls:
            return {}
        d = ops.full_like(snapshot.theta, float("nan")) if snapshot.d is None else snapshot.d
        pairs = zip(snapshot.cut(snapshot.theta), snapshot.cut(d), strict=True)
        moved = dict(zip(map(id, snapshot.variables), pairs, strict=True))
        last = max((i for i, call in enumerate(calls) if is_weighted(call.layer)), default=0)
        inputs = ops.cast(calls[0].inputs, "float32")
        before = [call for call in snapshot.before.calls if self.records(call.layer)] if snapshot.before else []
        slopes = zip(snapshot.variables, snapshot.cut(snapshot.now.gradient), strict=True)
        idle = {id(v) for v in (*snapshot.without_loss, *(v for call in calls for v in without_use(call)))}
        matrices = [(v.path, largest_size(g)) for v, g in slopes if len(v.shape) > 1 and id(v) not in idle]
        return {
            "names": tuple(call.layer.name for call in calls),
            "weighted": tuple(is_weighted(call.layer) for call in calls),
            "is_output": tuple(i >= last or call.is_output for i, call in enumerate(calls)),
            "units": tuple(int(by_unit(call.layer, call.outputs).shape[1]) for call in calls),
            "signal": root_mean_squares([call.outputs for call in calls]),
            "gradient": gradients(calls, snapshot.examples),
            "dead": with_gaps(list(map(dead, calls))),
            "saturated": with_gaps(list(map(saturated, calls))),
            "relative_update": relative_updates([call.layer for call in calls], moved),
            "weights": tuple(name for name, _ in matrices),
            "slopes": ops.stack([slope for _, slope in matrices]) if matrices else ops.zeros(0),
            "input_signal": root_mean_squares([inputs])[0],
            "input_spread": input_spread(by_unit(calls[0].layer, inputs)),
        } | ({"before": root_mean_squares([call.outputs for call in before])} if before else {})

    def reading(self, **arrays: Any) -> LayerFlow:
        """Return the numbers."""
        is_output = np.array(arrays["is_output"])
        for name in ("dead", "saturated"):
            arrays[name] = np.where(is_output, np.nan, arrays[name])
        return LayerFlow(**arrays)

    def numbers(self, log: MeasurementLog) -> dict[str, float]:
        """Return the factor of the gradient, the fractions of units that take no part, and the largest signal."""
        last = log.of(self.name)[-1]
        names = ("backward_factor", "fraction_dead", "fraction_saturated")
        found = {name: getattr(last, name) for name in names}
        if np.isfinite(last.signal).all():  # else the input alone would be drawn on
            found |= _scale([last])
        for value in _still(log.of(self.name)).values():
            found["fraction_without_gradient"] = value
        return found

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return how the gradient grows through the layers, which units are idle, and the scale of the start.

        How it grows tells nothing before it is known how the loss develops.
        """
        flows, start = log.of(self.name), _from_the_start(log)
        depth = {} if progress(log) is None else _depth(flows)
        return progress_measured(log) | depth | _idle(flows[-1]) | _still(flows) | _scale(start) | _growth(start)

    def newest(self, log: MeasurementLog) -> dict[str, float]:
        """Return how the gradient grows through the layers by the last measurement alone."""
        return {q.GROWTH_THROUGH_DEPTH.name: log.of(self.name)[-1].total}

    def remarks(self, log: MeasurementLog) -> dict[str, str]:
        """Return how many layers there are, and the names of those that are worst."""
        flows, start = log.of(self.name), _from_the_start(log)
        return _depth_remarks(flows[-1]) | _idle_remarks(flows[-1]) | _still_remarks(flows) | _scale_remarks(start)


# --- what is judged, also before the first step --------------------------------------------------------------------


def gradient_through_depth(flow: LayerFlow) -> list[Claim]:
    """Return what is said of the gradient on its way from the last hidden layer to the first; nothing if it is 0."""
    if np.isnan(flow.total):
        return []
    return judge(table.LAYER_FLOW, {q.GROWTH_THROUGH_DEPTH.name: flow.total}, _depth_remarks(flow))


def idle_units(flow: LayerFlow) -> list[Claim]:
    """Return what is said of units that take no part."""
    return judge(table.LAYER_FLOW, _idle(flow), _idle_remarks(flow))


def scale_of_start(flows: list[LayerFlow]) -> list[Claim]:
    """Return what is said of the scale of the signal in the first measurement, before its update where one was made."""
    return judge(table.LAYER_FLOW, _scale(flows), _scale_remarks(flows))


def largest(fractions: np.ndarray) -> float:
    """Return the largest of the known fractions; NaN without any."""
    known = fractions[~np.isnan(fractions)]
    return float(known.max()) if len(known) else float("nan")


def _depth(flows: list[LayerFlow]) -> dict[str, float]:
    totals = [flow.total for flow in flows if not np.isnan(flow.backward_factor)]
    if not totals:
        return {}
    return {
        q.GROWTH_THROUGH_DEPTH.name: float(np.median(totals[-LAST:])),
        q.GROWTH_AT_THE_START.name: float(np.median(totals[:3])),
    }


def without_use(call: LayerCall) -> list[keras.Variable]:
    """Return the recurrent kernels of a layer that is called with sequences of one time step."""
    if call.inputs.shape[1:2] != (1,):
        return []
    return [variable for variable in call.layer.trainable_variables if variable.name == "recurrent_kernel"]


def _still(flows: list[LayerFlow]) -> dict[str, float]:
    stays = _that_stay(flows)
    return {} if stays is None else {q.STILL.name: float(stays.mean())}


def _still_remarks(flows: list[LayerFlow]) -> dict[str, str]:
    stays = _that_stay(flows)
    if stays is None or not stays.any():
        return {}
    return {"no_gradient": f"first: {flows[-1].weights[int(stays.argmax())]}"}


def _that_stay(flows: list[LayerFlow]) -> np.ndarray | None:
    """Return which matrices had no gradient in the last measurements; None where that is not known, or none had one."""
    slopes = np.array([flow.slopes for flow in flows[-LAST:]])
    if len(slopes) < FEWEST_SLOPES or not slopes.any(axis=1).all():
        return None
    return (slopes == 0).all(axis=0)


def _depth_remarks(flow: LayerFlow) -> dict[str, str]:
    return dict.fromkeys(("exploding", "vanishing"), f"{len(flow.hidden)} hidden layers")


def _idle(flow: LayerFlow) -> dict[str, float]:
    fractions = {
        q.DEAD.name: flow.fraction_dead,
        q.SATURATED.name: flow.fraction_saturated,
        q.SATURATED_IN_LAYER.name: largest(flow.saturated),
    }
    return {name: fraction for name, fraction in fractions.items() if not np.isnan(fraction)}


def _idle_remarks(flow: LayerFlow) -> dict[str, str]:
    by_kind = {"dead_units": flow.dead, "saturated_units": flow.saturated}
    return {
        kind: f"worst: {flow.names[int(np.nanargmax(fractions))]}"
        for kind, fractions in by_kind.items()
        if np.nanmax(fractions, initial=0.0) > 0
    }


def _from_the_start(log: MeasurementLog) -> list[LayerFlow]:
    """Return the measurements, the first without what layers gave where a long first step may have made that.

    Nothing can be measured before the first step of a model that its batch builds.
    """
    first, *later = log.of(LayerFlowMonitor.name)
    if Fact.BUILT_BY_THE_FIRST_BATCH in log.has and log.first_rate > usual_rate(log):
        first = dataclasses.replace(first, signal=np.full_like(first.signal, np.nan), before=None)
    return [first, *later]


def _signals(flows: list[LayerFlow]) -> np.ndarray:
    """Return the signals of the start, the input first; NaN where all is exactly 0, which is no matter of scale."""
    first = flows[0]
    signals = np.array([first.input_signal, *(first.signal if first.before is None else first.before)])
    return np.where(signals == 0, np.nan, signals)


def _scale(flows: list[LayerFlow]) -> dict[str, float]:
    signals = _signals(flows)
    if np.isnan(signals).all():
        return {}
    return {q.LARGEST_SIGNAL.name: float(np.nanmax(signals))}


def _growth(flows: list[LayerFlow]) -> dict[str, float]:
    """Return how large the largest signal is, and how far it has grown; nothing where it was 0 or is not known."""
    first = flows[0].before
    if first is None or not np.max(first) > 0:
        return {}
    now = float(np.median([np.max(flow.signal) for flow in flows[-3:]]))
    return {q.SIGNAL_GROWTH.name: now / float(np.max(first)), q.SIGNAL_NOW.name: now}


def _scale_remarks(flows: list[LayerFlow]) -> dict[str, str]:
    signals, names = _signals(flows), ("the input", *flows[0].names)
    if np.isnan(signals).all():
        return {}
    return {"bad_scale": f"in {names[int(np.nanargmax(signals))]}"}


# --- in NumPy ------------------------------------------------------------------------------------------------------


def growth_per_step(values: np.ndarray) -> float:
    """Return the factor from one value to the next that fits best; NaN of fewer than 3 values, or if one is 0."""
    if len(values) < 3 or not (values > 0).all():
        return float("nan")
    return float(np.exp(np.polyfit(np.arange(len(values)), np.log(values), 1)[0]))


def _weighted_mean(values: np.ndarray, weights: tuple[int, ...]) -> float:
    there = ~np.isnan(values)
    return float(np.average(values[there], weights=np.array(weights)[there])) if there.any() else float("nan")


@section("8.2.5")
def layer_flow(
    model: keras.Model, x: Data, y: Data = None, before: list[np.ndarray] | None = None, **options: Any
) -> LayerFlow:
    """Return how signal and gradient change from layer to layer, and which units are idle (section 8.2.5).

    A product of many factors vanishes or explodes: from layer to layer the signal is multiplied by one, the gradient on
    its way back by another, and d layers give the d-th power.

    Args:
        model: A compiled model; layers are listed in the order of their calls.
        x: Inputs, as for `fit`.
        y: Targets.
        before: The trainable weights before the last update, one array for each variable. Defaults to `None`: then
            `relative_update` is NaN.
        **options: As for `curvature.gradient`.

    Returns:
        A `LayerFlow`.

    Raises:
        ValueError: If the model has no layer with a matrix of weights or such an activation, or `before` does not have
            the shapes of the trainable weights.

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
    probe = ProbeEvaluator(model, x, y, monitors=[LayerFlowMonitor()], **options)
    found = probe.evaluate(None if before is None else probe.objective.weights("before", before))
    if "layer_flow" not in found:
        raise ValueError(
            "`layer_flow` follows signal and gradient through layers with a matrix of weights or an activation such "
            f"as relu, tanh or sigmoid. Received: the model {model.name!r}, which has none. Pass a model with such "
            "layers."
        )
    return found["layer_flow"]

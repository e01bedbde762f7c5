"""How the signal changes from layer to layer, and the gradient on its way back."""

import dataclasses
import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from .. import _numerics
from .._plot import axes_of, finished, over_layers
from .._result import Result, Table
from .._section import section
from .._types import Data, Tensor
from ..integration import backend
from ..verdicts import Claim, Combination, Condition, Quantity, Rule, Threshold, judge
from ..verdicts.wording import digits, percent
from .base import Curve, LayerCall, Monitor, Snapshot
from .past import Past
from .probe import Probe
from .progress import BOOK, FOREIGN, GOOD, LAST, LOW, MEASURED, OF_LAST, progress_measured

FEWEST_SLOPES = 3
"""Measurements in which the gradient of a matrix must be 0 before it is said that it has none."""
FLAT = 0.05
"""Slope of a saturating activation, over its largest, below which a unit counts as saturated."""

CONSTANT = 1e-6
"""Standard deviation of a feature, over its mean or the largest of all, up to which it is constant but for rounding."""

SLOPES = {
    "tanh": lambda y: 1 - ops.square(y),
    "sigmoid": lambda y: 4 * y * (1 - y),
    "hard_sigmoid": lambda y: ops.cast((y > 0) & (y < 1), y.dtype),
    "softsign": lambda y: ops.square(1 - ops.abs(y)),
}
"""Slope of each saturating activation, over its largest, by what it gives."""


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
        relative_update: |d| / |W| for its weights in the last update.
        units: Number of units of each layer.
        input_signal: Root mean square of the inputs of the first layer.
        input_spread: The largest over the smallest standard deviation of its features; those that are next to constant
            are left out.
        before: `signal` before the last update, where one was made; `None` else.
        weights: Names of the weights with two axes or more that are trained, wherever they are.
        slopes: The largest size of an entry of the gradient of each of them.
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
        """Places of the weighted layers before the output."""
        return np.flatnonzero(np.array(self.weighted) & ~np.array(self.is_output))

    @functools.cached_property
    def backward_factor(self) -> float:
        """By what the gradient is multiplied from one hidden layer to the one before; NaN with fewer than 3."""
        return 1 / growth_per_step(self.gradient[self.hidden])

    @functools.cached_property
    def forward_factor(self) -> float:
        """By what the signal is multiplied from one hidden layer to the next; NaN with fewer than 3."""
        return growth_per_step(self.signal[self.hidden])

    @functools.cached_property
    def total(self) -> float:
        """Gradient at the first hidden layer over that at the last."""
        ends = self.gradient[self.hidden[[0, -1]]] if len(self.hidden) > 1 else np.full(2, np.nan)
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
            said if np.isnan(back) else f"{said}; on its way back the gradient is multiplied by {digits(back)} a layer"
        )

    def _table(self) -> Table:
        return self.table()


# --- what it means -------------------------------------------------------------------------------------------------

AT_THE_START = "at the start"

GROWTH_THROUGH_DEPTH = Quantity(
    "growth_through_depth",
    "The gradient at the first hidden layer over that at the last, the median over the last measurements: a single one "
    "may be near a point where the gradient is 0.",
    lambda growth: f"from the last hidden layer to the first it is multiplied by {digits(growth)}",
    "from the last hidden layer to the first it grows beyond measure",
    usual=OF_LAST,
)
BACKWARD_FACTOR = Quantity(
    "backward_factor",
    "By what the gradient is multiplied from one hidden layer to the one before.",
    series="ch8_diagnosis/backward_factor",
)
DEAD = Quantity(
    "fraction_dead",
    "The fraction of all ReLUs that give 0 for every example.",
    lambda fraction: f"{percent(fraction)} of the ReLUs give 0 for every example of the probe",
    number=percent,
    series="ch8_diagnosis/fraction_dead",
)
SATURATED = Quantity(
    "fraction_saturated",
    "The fraction of the outputs of all units of tanh or sigmoid that are on the flat ends.",
    lambda fraction: f"{percent(fraction)} of the units of tanh or sigmoid are on their flat ends",
    number=percent,
    series="ch8_diagnosis/fraction_saturated",
)
DEAD_IN_LAYER = Quantity(
    "dead_in_layer",
    "The same of the layer with most of them.",
    lambda fraction: f"{percent(fraction)} in the layer with most of them",
    number=percent,
)
SATURATED_IN_LAYER = Quantity(
    "saturated_in_layer",
    "The same of the layer with most of them.",
    lambda fraction: f"{percent(fraction)} in the layer with most of them",
    number=percent,
)
LARGEST_SIGNAL = Quantity(
    "largest_signal",
    "The largest root mean square of the input and of what the layers give, at the start: about 1 is best.",
    lambda signal: f"the largest root mean square is {digits(signal)}",
    "the largest root mean square is beyond measure",
    usual=AT_THE_START,
    series="ch8_diagnosis/largest_signal",
)
SMALLEST_SIGNAL = Quantity(
    "smallest_signal",
    "The smallest root mean square of the input and of what the layers give.",
    lambda signal: f"the smallest root mean square is {digits(signal)}",
    "the smallest root mean square is beyond measure",
    usual=AT_THE_START,
    series="ch8_diagnosis/smallest_signal",
)

STILL = Quantity(
    "fraction_still",
    "The fraction of the matrices whose gradient is exactly 0 in all measurements, where others have one.",
    lambda fraction: f"{percent(fraction)} of the matrices that are trained have a gradient of exactly 0",
    number=percent,
    series="ch8_diagnosis/fraction_still",
)

EXPLODING = Threshold(GROWTH_THROUGH_DEPTH, "above", watch=10.0, act=30.0, source=MEASURED)
VANISHING = Threshold(GROWTH_THROUGH_DEPTH, "below", watch=0.05, act=0.01, source=MEASURED)
DEAD_UNITS = Threshold(
    DEAD, "above", watch=0.3, act=0.4, source=f"{MEASURED}; healthy networks have up to 0.2; act {FOREIGN}"
)
SATURATED_UNITS = Threshold(
    SATURATED, "above", watch=0.4, act=0.7, source=f"{MEASURED}; healthy networks have up to 0.15; act {FOREIGN}"
)

FEW_DEAD = Combination(
    "the loss is good, with fewer than 60 % of them", "all of", (GOOD, Condition(DEAD, "<", 0.6, source=MEASURED))
)

RULES = (
    Rule(
        kind="exploding",
        says="The gradient grows from layer to layer on its way back",
        all_of=(EXPLODING,),
        eased_by=(GOOD,),
        mentions=(BACKWARD_FACTOR,),
    ),
    Rule(
        kind="vanishing",
        says="The first layers hardly learn, since the gradient shrinks from layer to layer on its way back",
        all_of=(VANISHING,),
        eased_by=(GOOD,),
        mentions=(BACKWARD_FACTOR,),
    ),
    Rule(
        kind="no_gradient",
        says="What follows some layers lets no gradient through to them",
        all_of=(Threshold(STILL, "above", watch=0.001, act=0.001, source="any: exactly 0 is no matter of noise"),),
        silenced_by=(
            Condition(DEAD_IN_LAYER, ">=", 1.0, "a whole layer of ReLUs is dead"),
            Condition(SATURATED_IN_LAYER, ">=", 0.99, "a whole layer is saturated"),
        ),
    ),
    Rule(
        kind="dead_units",
        says="Many units take no part and get no gradient",
        all_of=(DEAD_UNITS,),
        silenced_by=(LOW,),
        eased_by=(
            Combination("it is less than 60 %, and the loss is good", "all of", (GOOD, Condition(DEAD, "<", 0.6))),
        ),
        mentions=(DEAD_IN_LAYER,),
    ),
    Rule(
        kind="dead_units",
        says="Nearly all units of a layer take no part, so that hardly a signal gets through",
        all_of=(Threshold(DEAD_IN_LAYER, "above", watch=0.7, act=0.8, source=FOREIGN),),
        silenced_by=(LOW,),
        mentions=(DEAD,),
    ),
    Rule(
        kind="saturated_units",
        says="Many units are saturated and pass hardly a gradient on",
        all_of=(SATURATED_UNITS,),
        silenced_by=(LOW,),
        mentions=(SATURATED_IN_LAYER,),
    ),
    Rule(
        kind="saturated_units",
        says="Nearly all units of a layer are saturated, and pass hardly a gradient on",
        all_of=(Threshold(SATURATED_IN_LAYER, "above", watch=0.8, act=0.9, source=FOREIGN),),
        silenced_by=(LOW,),
        mentions=(SATURATED,),
    ),
    Rule(
        kind="bad_scale",
        says="At the start a layer gives far larger numbers than others can work with",
        all_of=(Threshold(LARGEST_SIGNAL, "above", watch=8.0, act=15.0, source=f"{BOOK}, section 8.4; {MEASURED}"),),
        mentions=(SMALLEST_SIGNAL,),
    ),
    Rule(
        kind="bad_scale",
        says="At the start a layer gives far smaller numbers than others can work with",
        all_of=(
            Threshold(
                SMALLEST_SIGNAL,
                "below",
                watch=1e-3,
                act=1e-4,
                source=f"{BOOK}, section 8.4; {MEASURED}; an embedding has 0.03",
            ),
        ),
        mentions=(LARGEST_SIGNAL,),
    ),
)


class LayerFlowMonitor(Monitor):
    """See `layer_flow`."""

    name = "layer_flow"
    sets = ("standard", "full")
    order = 6
    rules = RULES
    curves = (
        Curve("backward_factor", "ratio", "Gradient at a hidden layer over that at the next.", "8.2.5"),
        Curve("forward_factor", "ratio", "Signal of a hidden layer over that of the one before.", "8.4"),
        Curve("fraction_dead", "ratio", "Fraction of the ReLUs that give 0 for every example.", "8.2.5"),
        Curve(
            "fraction_saturated",
            "ratio",
            "Fraction of the units of tanh and sigmoid on their flat ends.",
            "8.2.5",
        ),
        Curve("fraction_still", "ratio", "Fraction of the matrices whose gradient is exactly 0.", "8.2.5"),
        Curve("largest_signal", "signal", "Largest root mean square of the input and of what the layers give.", "8.4"),
        Curve(
            "smallest_signal", "signal", "Smallest root mean square of the input and of what the layers give.", "8.4"
        ),
    )

    def records(self, layer: keras.layers.Layer) -> bool:
        """Record layers with a matrix of weights, and nonlinearities."""
        return is_weighted(layer) or activation(layer) in ("relu", *SLOPES)

    def tensors(self, snapshot: Snapshot) -> dict[str, Tensor]:
        """Return what each layer gives and gets back."""
        calls = [call for call in snapshot.now.calls if self.records(call.layer)]
        if not calls:
            return {}
        d = snapshot.d or [ops.full_like(t, float("nan")) for t in snapshot.theta]
        moved = {id(v): (w, change) for v, w, change in zip(snapshot.variables, snapshot.theta, d, strict=True)}
        last = max((i for i, call in enumerate(calls) if is_weighted(call.layer)), default=0)
        inputs = ops.cast(calls[0].inputs, "float32")
        before = [call for call in snapshot.before.calls if self.records(call.layer)] if snapshot.before else []
        pairs = zip(snapshot.variables, snapshot.now.grads, strict=True)
        matrices = [(v.path, largest_size(g)) for v, g in pairs if len(v.shape) > 1]
        return {
            "names": tuple(call.layer.name for call in calls),
            "weighted": tuple(is_weighted(call.layer) for call in calls),
            "is_output": tuple(i >= last or call.is_output for i, call in enumerate(calls)),
            "units": tuple(int(by_unit(call.layer, call.outputs).shape[1]) for call in calls),
            "signal": ops.stack([root_mean_square(call.outputs) for call in calls]),
            "gradient": ops.stack([gradient(call, snapshot.examples) for call in calls]),
            "dead": ops.stack([dead(call) for call in calls]),
            "saturated": ops.stack([saturated(call) for call in calls]),
            "relative_update": ops.stack([relative_update(call.layer, moved) for call in calls]),
            "weights": tuple(name for name, _ in matrices),
            "slopes": ops.stack([slope for _, slope in matrices]) if matrices else ops.zeros(0),
            "input_signal": root_mean_square(inputs),
            "input_spread": input_spread(by_unit(calls[0].layer, inputs)),
        } | ({"before": ops.stack([root_mean_square(call.outputs) for call in before])} if before else {})

    def reading(self, **arrays: Any) -> LayerFlow:
        """Return the numbers."""
        is_output = np.array(arrays["is_output"])
        for name in ("dead", "saturated"):
            arrays[name] = np.where(is_output, np.nan, arrays[name])
        for name in ("input_signal", "input_spread"):
            arrays[name] = float(arrays[name])
        return LayerFlow(**arrays)

    def numbers(self, past: Past) -> dict[str, float]:
        """Return the factors, the fractions of units that take no part, and the ends of the signal."""
        last = past.of(self.name)[-1]
        names = ("backward_factor", "forward_factor", "fraction_dead", "fraction_saturated")
        return {name: getattr(last, name) for name in names} | _still(past.of(self.name)) | _scale([last])

    def measure(self, past: Past) -> dict[str, float]:
        """Return how the gradient grows through the layers, which units are idle, and the scale of the start."""
        flows = past.of(self.name)
        return progress_measured(past) | _depth(flows) | _idle(flows[-1]) | _still(flows) | _scale(flows)

    def newest(self, past: Past) -> dict[str, float]:
        """Return how the gradient grows through the layers by the last measurement alone."""
        return {GROWTH_THROUGH_DEPTH.name: past.of(self.name)[-1].total}

    def remarks(self, past: Past) -> dict[str, str]:
        """Return the numbers of layers, and the names of those that are worst."""
        flows = past.of(self.name)
        return _depth_remarks(flows) | _idle_remarks(flows[-1]) | _still_remarks(flows) | _scale_remarks(flows)


# --- what is judged, also before the first step --------------------------------------------------------------------


def gradient_through_depth(flow: LayerFlow) -> list[Claim]:
    """Return what is said of the gradient on its way from the last hidden layer to the first; nothing if it is 0."""
    if np.isnan(flow.total):
        return []
    remarks = dict.fromkeys(("exploding", "vanishing"), f"over {len(flow.hidden)} hidden layers")
    return judge(RULES, {GROWTH_THROUGH_DEPTH.name: flow.total}, remarks)


def idle_units(flow: LayerFlow) -> list[Claim]:
    """Return what is said of units that take no part."""
    return judge(RULES, _idle(flow), _idle_remarks(flow))


def scale_of_start(flows: list[LayerFlow]) -> list[Claim]:
    """Return what is said of the scale of the signal in the first measurement, before its update where one was made."""
    return judge(RULES, _scale(flows), _scale_remarks(flows))


def largest(fractions: np.ndarray) -> float:
    """Return the largest of the known fractions; NaN without any."""
    known = fractions[~np.isnan(fractions)]
    return float(known.max()) if len(known) else float("nan")


def _depth(flows: list[LayerFlow]) -> dict[str, float]:
    totals = [flow.total for flow in flows if not np.isnan(flow.backward_factor)]
    return {GROWTH_THROUGH_DEPTH.name: float(np.median(totals[-LAST:]))} if totals else {}


def _still(flows: list[LayerFlow]) -> dict[str, float]:
    stays = _that_stay(flows)
    return {} if stays is None else {STILL.name: float(stays.mean())}


def _still_remarks(flows: list[LayerFlow]) -> dict[str, str]:
    stays = _that_stay(flows)
    if stays is None or not stays.any():
        return {}
    return {"no_gradient": f"first of all {flows[-1].weights[int(stays.argmax())]}"}


def _that_stay(flows: list[LayerFlow]) -> np.ndarray | None:
    """Return which matrices had no gradient in the last measurements; None where that is not known, or none had one."""
    slopes = np.array([flow.slopes for flow in flows[-LAST:]])
    if len(slopes) < FEWEST_SLOPES or not slopes.any(axis=1).all():
        return None
    return (slopes == 0).all(axis=0)


def _depth_remarks(flows: list[LayerFlow]) -> dict[str, str]:
    last = flows[-1]
    if not len(last.hidden):
        return {}
    said = []
    if np.isfinite(last.backward_factor):
        said.append(f"a factor of {digits(last.backward_factor)} for each of {len(last.hidden)} hidden layers")
    if np.isfinite(moves := last.relative_update[last.hidden[0]]):
        said.append(f"the first moves by {percent(moves)} of its size in a step")
    return dict.fromkeys(("exploding", "vanishing"), "; ".join(said))


def _idle(flow: LayerFlow) -> dict[str, float]:
    fractions = {
        DEAD.name: flow.fraction_dead,
        DEAD_IN_LAYER.name: largest(flow.dead),
        SATURATED.name: flow.fraction_saturated,
        SATURATED_IN_LAYER.name: largest(flow.saturated),
    }
    return {name: fraction for name, fraction in fractions.items() if not np.isnan(fraction)}


def _idle_remarks(flow: LayerFlow) -> dict[str, str]:
    by_kind = {"dead_units": flow.dead, "saturated_units": flow.saturated}
    return {
        kind: f"most of them in {flow.names[int(np.nanargmax(fractions))]}"
        for kind, fractions in by_kind.items()
        if np.nanmax(fractions, initial=0.0) > 0
    }


def _signals(flows: list[LayerFlow]) -> np.ndarray:
    """Return the signals of the start, the input first; NaN where all is exactly 0, which is no matter of scale."""
    first = flows[0]
    signals = np.array([first.input_signal, *(first.signal if first.before is None else first.before)])
    return np.where(signals == 0, np.nan, signals)


def _scale(flows: list[LayerFlow]) -> dict[str, float]:
    signals = _signals(flows)
    if np.isnan(signals).all():
        return {}
    return {LARGEST_SIGNAL.name: float(np.nanmax(signals)), SMALLEST_SIGNAL.name: float(np.nanmin(signals))}


def _scale_remarks(flows: list[LayerFlow]) -> dict[str, str]:
    signals, names = _signals(flows), ("the input", *flows[0].names)
    if np.isnan(signals).all():
        return {}
    largest, smallest = names[int(np.nanargmax(signals))], names[int(np.nanargmin(signals))]
    return {"bad_scale": f"the largest in {largest}, the smallest in {smallest}, and about 1 is best"}


# --- in the graph of the probe -------------------------------------------------------------------------------------


def is_weighted(layer: keras.layers.Layer) -> bool:
    """Whether a layer has a matrix of weights; the rows of an embedding are none."""
    is_embedding = isinstance(layer, keras.layers.Embedding)
    return not is_embedding and any(len(v.shape) > 1 for v in layer.trainable_variables)


def activation(layer: keras.layers.Layer) -> str:
    """Return the name of the nonlinearity of a layer; "" for recurrent ones, whose units have several."""
    if isinstance(layer, keras.layers.RNN):
        return ""
    if isinstance(layer, keras.layers.ReLU):
        return "" if layer.negative_slope else "relu"
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    return "relu" if name == "relu6" else name


def by_unit(layer: keras.layers.Layer, x: Tensor) -> Tensor:
    """Return inputs or outputs of a layer as a matrix with a column for each unit, or for each channel of images."""
    is_image = len(x.shape) > 3 and not is_weighted(layer)
    layout = getattr(layer, "data_format", keras.config.image_data_format() if is_image else None)
    last = ops.moveaxis(x, 1, -1) if layout == "channels_first" else x
    return ops.reshape(last, (-1, last.shape[-1]))


def gradient(call: LayerCall, examples: int) -> Tensor:
    """Return the root mean square over the examples of the gradient of their loss with respect to the output."""
    return ops.sqrt(examples * ops.sum(ops.square(ops.cast(call.output_gradient, "float32"))))


def dead(call: LayerCall) -> Tensor:
    """Return the fraction of ReLUs that give 0 for every example; NaN of another layer."""
    if activation(call.layer) != "relu":
        return ops.full((), float("nan"), "float32")
    positive = ops.any(by_unit(call.layer, call.outputs) > 0, axis=0)
    return 1 - ops.mean(ops.cast(positive, "float32"))


def saturated(call: LayerCall) -> Tensor:
    """Return the fraction of its outputs that are on the flat ends; NaN of another layer."""
    slope = SLOPES.get(activation(call.layer))
    if slope is None:
        return ops.full((), float("nan"), "float32")
    return ops.mean(ops.cast(slope(ops.cast(call.outputs, "float32")) < FLAT, "float32"))


def input_spread(x: Tensor) -> Tensor:
    """Return the largest over the smallest standard deviation of the columns, but for those next to constant."""
    spread = ops.std(x, axis=0)
    largest = ops.max(spread)
    varies = spread > CONSTANT * ops.maximum(ops.abs(ops.mean(x, axis=0)), largest)
    return largest / ops.min(ops.where(varies, spread, largest + 1e-30))


def relative_update(layer: keras.layers.Layer, moved: dict[int, tuple[Tensor, Tensor]]) -> Tensor:
    """Return |d| / |W| of its matrices; NaN without any."""
    own = [moved[id(v)] for v in layer.trainable_variables if len(v.shape) > 1 and id(v) in moved]
    if not own:
        return ops.full((), float("nan"), "float32")
    weights, change = (_numerics.squared_norm(part) for part in zip(*own, strict=True))
    return ops.sqrt(change / weights)


def largest_size(gradient: Tensor) -> Tensor:
    """Return the largest size of an entry: squares of small ones would be 0."""
    return ops.cast(ops.max(ops.abs(backend.values(gradient))), "float32")


def root_mean_square(x: Tensor) -> Tensor:
    """Return sqrt(mean(x^2)) in float32."""
    return ops.sqrt(ops.mean(ops.square(ops.cast(x, "float32"))))


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
    """Return how signal and gradient change from layer to layer, and which units take no part (section 8.2.5).

    A product of many factors vanishes or explodes: from layer to layer the signal is multiplied by one, the gradient on
    its way back by another, and d layers give the d-th power.

    Args:
        model: A compiled model; layers are listed in the order of their calls.
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
    return probe.measure(None if before is None else probe.objective.weights("before", before))["layer_flow"]

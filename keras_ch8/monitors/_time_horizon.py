"""How far back in time the gradient of a recurrent layer reaches."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from .._describe import section
from .._plot import COLORS, GREY, axes_of, finished
from .._result import Result, Table
from .._types import Data, Tensor
from ..verdicts import quantities as q
from ..verdicts import table
from ..verdicts.quantities import LAST
from ..verdicts.wording import counted
from .base import Curve, LayerCall, Monitor, Snapshot
from .flow import growth_per_step
from .measurement_log import MeasurementLog
from .probe import ProbeEvaluator
from .progress import progress, progress_measured

GONE = 0.01
"""Fraction of its largest value at which the gradient counts as gone."""


@dataclasses.dataclass(frozen=True, repr=False)
class TimeHorizon(Result):
    """The gradient of the loss with respect to the inputs of one recurrent layer, by time.

    Args:
        name: Name of the layer.
        profile: Root mean square over the examples of |dL_i / dx_t|, from the last time step backwards; masked steps
            do not count, so that sequences of different length end together.
        is_final: Whether the loss sees the last time step only, as far as can be seen. Where it sees every step, each
            has a gradient of its own, and the profile says little about memory.
    """

    name: str
    profile: np.ndarray
    is_final: bool

    @property
    def horizon(self) -> int:
        """Time steps after which the gradient stays below 1 % of its largest; their number if it never does."""
        seen = np.flatnonzero(self.profile >= GONE * np.max(self.profile, initial=0.0))
        return int(seen[-1]) + 1 if len(seen) and self.profile.any() else 0

    @property
    def factor(self) -> float:
        """By what the gradient is multiplied from one time step to the one before, over the horizon."""
        return growth_per_step(self.profile[: self.horizon + 1])

    @property
    def growth(self) -> float:
        """By what the gradient is multiplied on its way from the last time step to the first; NaN if it is 0 there."""
        return float(self.profile[-1] / self.profile[0]) if self.profile[:1].any() else float("nan")

    def plot(self, ax: Any = None) -> Any:
        """Draw the gradient over the steps back in time, with matplotlib; return the axes."""
        ax = axes_of(ax)
        back = np.flatnonzero(self.profile > 0)
        ax.semilogy(back, self.profile[back], "o-", color=COLORS[0], markersize=3, label="gradient")
        ax.axvline(self.horizon, color=GREY, linestyle="--", label=f"horizon: {self.horizon}")
        return finished(
            ax, f"Gradient back in time, {self.name}", "time steps back", "gradient [loss / input]", "curves"
        )

    def _headline(self) -> str:
        return f"{self.name}: the gradient reaches back {self.horizon} of {len(self.profile)} time steps"

    def _table(self) -> Table:
        return Table(("time steps back", "gradient [loss / input]"), list(enumerate(self.profile)))


class TimeHorizonMonitor(Monitor):
    """See `time_horizon`."""

    name = "time_horizon"
    sets = ("standard", "full")
    order = 7
    rules = table.TIME_HORIZON
    curves = (
        Curve(
            "horizon",
            "How far back in time the gradient reaches",
            "time steps",
            "Time steps after which the gradient is below 1 % of its largest.",
            "8.2.5",
        ),
        Curve(
            "time_factor",
            "Gradient from time step to time step",
            "ratio a step",
            "Gradient at a time step over that at the next.",
            "8.2.5",
            lines=((1.0, "as large as at the next step"),),
        ),
    )

    def records(self, layer: keras.layers.Layer) -> bool:
        """Record recurrent layers."""
        return isinstance(layer, keras.layers.RNN)

    def kinds_for(self, layers: Sequence[keras.layers.Layer]) -> set[str]:
        """Return all of them where there is a recurrent layer."""
        return super().kinds_for(layers) if any(map(self.records, layers)) else set()

    def tensors(self, snapshot: Snapshot) -> dict[str, Tensor]:
        """Return the gradient by example and time step, and the mask of each layer."""
        calls = [c for c in snapshot.now.calls if self.records(c.layer) and c.input_gradient is not None]
        found: dict[str, Any] = {}
        for i, call in enumerate(calls):
            found[f"slope{i}"] = _by_time(call, snapshot.examples)
            if call.mask is not None:
                found[f"mask{i}"] = call.mask
        if calls:
            found["names"] = tuple(call.layer.name for call in calls)
            found["backwards"] = tuple(bool(call.layer.go_backwards) for call in calls)
            found["is_final"] = not calls[-1].layer.return_sequences
        return found

    def reading(self, **arrays: Any) -> tuple[TimeHorizon, ...]:
        """Return one profile for each layer."""
        return tuple(
            TimeHorizon(
                name=name,
                profile=profile(arrays[f"slope{i}"], arrays.get(f"mask{i}"), backwards),
                is_final=arrays["is_final"],
            )
            for i, (name, backwards) in enumerate(zip(arrays["names"], arrays["backwards"], strict=True))
        )

    def numbers(self, log: MeasurementLog) -> dict[str, float]:
        """Return the horizon, and the factor of a time step, of the first recurrent layer."""
        first = log.of(self.name)[-1][0]
        return {"horizon": first.horizon, "time_factor": first.factor}

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return how far the gradient of the first recurrent layer reaches, and how it grows on the way.

        A layer whose gradient reached farther at the start can remember: by now it has learned what to forget.
        """
        seen, firsts = progress(log), [layers[0] for layers in log.of(self.name)]
        if seen is None:
            return {}
        reach = _reach(firsts[-LAST:])
        if q.HORIZON.name in reach:
            reach[q.HORIZON.name] = max(reach[q.HORIZON.name], _reach(firsts[:1])[q.HORIZON.name])
        return progress_measured(log) | reach

    def newest(self, log: MeasurementLog) -> dict[str, float]:
        """Return the same by the last measurement alone."""
        return _reach([log.of(self.name)[-1][0]])

    def remarks(self, log: MeasurementLog) -> dict[str, str]:
        """Return which layer it is, and how many time steps it has."""
        first = log.of(self.name)[-1][0]
        where = f"in {first.name}, {counted(len(first.profile), 'time step')}"
        return {"short_horizon": where, "exploding": where}


def _reach(firsts: list[TimeHorizon]) -> dict[str, float]:
    """Return how far the gradient reaches, and how it grows on the way: the medians over some measurements.

    Where the loss sees every time step, each has a gradient of its own: how far it reaches is not known, and what it
    is at the first has come from all of them.
    """
    growth = float(np.median([first.growth for first in firsts]))
    if not firsts[-1].is_final:
        return {q.GROWTH_IN_TIME.name: growth / max(1, len(firsts[-1].profile))}
    reach = float(np.median([first.horizon / max(1, len(first.profile)) for first in firsts]))
    return {q.HORIZON.name: reach, q.GROWTH_IN_TIME.name: growth}


def _by_time(call: LayerCall, examples: int) -> Tensor:
    slope = ops.cast(call.input_gradient, "float32")
    axes = tuple(range(2, len(slope.shape)))
    return examples * ops.sqrt(ops.sum(ops.square(slope), axis=axes))


def profile(norms: np.ndarray, mask: np.ndarray | None = None, backwards: bool = False) -> np.ndarray:
    """Return the root mean square over the examples of norms [examples, time], from the last time step backwards."""
    norms = np.asarray(norms, "float64")
    there = np.ones(norms.shape, bool) if mask is None else np.asarray(mask, bool)
    if not backwards:
        norms, there = norms[:, ::-1], there[:, ::-1]
    back = np.argsort(~there, axis=1, kind="stable")  # what is masked goes to the far end
    norms, there = np.take_along_axis(norms, back, 1), np.take_along_axis(there, back, 1)
    count = there.sum(axis=0)
    squares = (np.square(norms) * there).sum(axis=0)
    return np.sqrt(squares[count > 0] / count[count > 0])


@section("8.2.5")
def time_horizon(model: keras.Model, x: Data, y: Data = None, **options: Any) -> tuple[TimeHorizon, ...]:
    """Return how the gradient shrinks or grows through time, for each recurrent layer (section 8.2.5).

        dL/dx_t = dL/dh_T  dh_T/dh_(T-1)  ...  dh_(t+1)/dh_t  dh_t/dx_t

    One backward pass gives it for every t. What is further back than the horizon cannot be learned from.

    Args:
        model: A compiled model with `SimpleRNN`, `LSTM`, `GRU` or another `keras.layers.RNN`, also inside
            `Bidirectional`.
        x: Inputs, as for `fit`.
        y: Targets.
        **options: As for `curvature.gradient`.

    Returns:
        A `TimeHorizon` for each of them, in the order in which they are called.

    Raises:
        ValueError: If the model has no recurrent layer.

    Example:
        >>> ones = {"kernel_initializer": "ones", "use_bias": False}
        >>> half = keras.initializers.Constant(0.5)
        >>> rnn = keras.layers.SimpleRNN(1, activation=None, recurrent_initializer=half, **ones)
        >>> model = keras.Sequential([keras.Input((4, 1)), rnn])
        >>> model.compile(loss="mse")
        >>> (found,) = keras_ch8.monitors.time_horizon(model, np.ones((1, 4, 1)), np.array([[0.875]]))
        >>> found.profile, found.horizon, round(found.factor, 3)
        (array([2.  , 1.  , 0.5 , 0.25]), 4, 0.5)

    References:
        Pascanu, Mikolov, Bengio (2013), On the Difficulty of Training Recurrent Neural Networks.
    """
    found = ProbeEvaluator(model, x, y, monitors=[TimeHorizonMonitor()], **options).evaluate()
    if "time_horizon" not in found:
        raise ValueError(
            "`time_horizon` follows the gradient through the time steps of a recurrent layer. Received: the model "
            f"{model.name!r}, which has none. `layer_flow` follows it through the layers."
        )
    return found["time_horizon"]

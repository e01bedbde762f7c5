"""How far back in time the gradient of a recurrent layer reaches."""

import dataclasses
from typing import Any

import keras
import numpy as np

from .._section import section
from ..verdicts import THRESHOLDS, Claim
from ..verdicts.verdict import mildest
from ._factor import factor
from ._monitor import AbstractMonitor, Met, Scene
from .past import Past
from .probe import Probe
from .progress import most, progress

SEEN = 0.01
"""Share of its largest value at which the gradient counts as gone."""


@dataclasses.dataclass(frozen=True)
class TimeHorizon:
    """The gradient of the loss with respect to what one recurrent layer is given, by time.

    Args:
        name: Name of the layer.
        profile: Root mean square over the examples of |dL_i / dx_t|, from the last time step backwards; masked steps
            do not count, so that sequences of different length end together.
        is_final: Whether the loss sees the last time step only, as far as can be seen. Where it sees every step, each
            has a gradient of its own, and the profile says little about memory.
        kernel: Recurrent kernel.
    """

    name: str
    profile: np.ndarray
    is_final: bool
    kernel: np.ndarray

    @property
    def horizon(self) -> int:
        """Time steps after which the gradient stays below 1 % of its largest; their number if it never does."""
        seen = np.flatnonzero(self.profile >= SEEN * np.max(self.profile, initial=0.0))
        return int(seen[-1]) + 1 if len(seen) and self.profile.any() else 0

    @property
    def factor(self) -> float:
        """By what the gradient is multiplied from one time step to the one before, over the horizon."""
        return factor(self.profile[: self.horizon + 1])

    @property
    def growth(self) -> float:
        """By what the gradient is multiplied on its way from the last time step to the first; NaN if it is 0 there."""
        return float(self.profile[-1] / self.profile[0]) if self.profile[:1].any() else float("nan")

    @property
    def spectral_radius(self) -> float:
        """Largest |eigenvalue| of the recurrent kernel, of its first gate: no bound on the memory."""
        square = self.kernel[:, : len(self.kernel)]
        if not square.size:
            return float("nan")
        return float(np.abs(np.linalg.eigvals(square)).max())


class TimeHorizonMonitor(AbstractMonitor):
    """See `time_horizon`."""

    name = "time_horizon"
    sets = ("standard", "full")
    place = 7

    def takes(self, layer: Any) -> bool:
        """Take recurrent layers along."""
        return isinstance(layer, keras.layers.RNN)

    def tensors(self, scene: Scene) -> dict[str, Any]:
        """Return the gradient by example and time step, the mask, and the kernel of each layer."""
        met = [m for m in scene.now.met if self.takes(m.layer) and m.slope_of_given is not None]
        found: dict[str, Any] = {}
        for i, m in enumerate(met):
            found[f"slope{i}"] = _by_time(m, scene.examples)
            found[f"kernel{i}"] = getattr(m.layer.cell, "recurrent_kernel", np.zeros((0, 0)))
            if m.mask is not None:
                found[f"mask{i}"] = m.mask
        if met:
            found["names"] = tuple(m.layer.name for m in met)
            found["backwards"] = tuple(bool(m.layer.go_backwards) for m in met)
            found["is_final"] = not met[-1].layer.return_sequences
        return found

    def reading(self, **arrays: Any) -> tuple[TimeHorizon, ...]:
        """Return one profile for each layer."""
        return tuple(
            TimeHorizon(
                name=name,
                profile=profile(arrays[f"slope{i}"], arrays.get(f"mask{i}"), backwards),
                is_final=arrays["is_final"],
                kernel=np.asarray(arrays[f"kernel{i}"], "float32"),
            )
            for i, (name, backwards) in enumerate(zip(arrays["names"], arrays["backwards"], strict=True))
        )

    def numbers(self, past: Past) -> dict[str, float]:
        """Return the horizon, and the factor of a time step, of the first recurrent layer."""
        first = past.of(self.name)[-1][0]
        return {"horizon": first.horizon, "time_factor": first.factor}

    def claims(self, past: Past) -> list[Claim]:
        """Say whether the gradient reaches the beginning, and whether it grows on the way."""
        looks, seen = past.of(self.name), progress(past)
        first = looks[-1][0]
        if seen is None or not first.is_final:
            return []
        share = float(np.median([look[0].horizon / max(1, len(look[0].profile)) for look in looks]))
        level = THRESHOLDS["horizon"].level(share)
        steps = len(first.profile)
        growth = float(np.median([look[0].growth for look in looks]))
        return [
            Claim(
                "short_horizon",
                mildest(level, most(seen)),
                f"In {first.name} the gradient reaches {share * steps:.0f} of {steps} time steps back before it is "
                f"below 1 % (now a factor of {first.factor:.2g} a step; spectral radius {first.spectral_radius:.2g}).",
            ),
            Claim(
                "exploding",
                mildest(THRESHOLDS["exploding"].level(growth), most(seen)),
                f"In {first.name} the gradient is multiplied by {growth:.2g} on its way back through {steps} time "
                f"steps (now a factor of {first.factor:.2g} a step; spectral radius {first.spectral_radius:.2g}).",
            ),
        ]


def _by_time(met: Met, examples: int) -> Any:
    slope = keras.ops.cast(met.slope_of_given, "float32")
    axes = tuple(range(2, len(slope.shape)))
    return examples * keras.ops.sqrt(keras.ops.sum(keras.ops.square(slope), axis=axes))


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
def time_horizon(model: Any, x: Any, y: Any = None, **options: Any) -> tuple[TimeHorizon, ...]:
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
    found = Probe(model, x, y, monitors=[TimeHorizonMonitor()], **options).look()
    if "time_horizon" not in found:
        raise ValueError(
            "`time_horizon` follows the gradient through the time steps of a recurrent layer. Received: the model "
            f"{model.name!r}, which has none. `layer_flow` follows it through the layers."
        )
    return found["time_horizon"]

"""Scaling the initial weights of a network to data."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from .. import _objects
from .._describe import section
from .._plot import axes_of, finished, over_layers
from .._result import Result, Table
from .._types import Data, Tensor
from ..curvature.objective import Objective
from ..integration import keras_private
from ..verdicts.wording import digits
from ._start import Summing, summing_layers, walk

TOLERANCE = 0.01
"""How far from 1 the variance of a layer may stay."""
TRIES = 20
RISE = 0.01
"""By how much of itself the loss may rise, which a random start of the last layer costs."""


@dataclasses.dataclass(frozen=True, repr=False)
class Scaling(Result):
    """The result of `scale_to_data`: one entry for each layer with weights, in the order of their first calls.

    Args:
        names: Names of the layers.
        before: The mean square of the pre-activations, with the initial weights; NaN if it cannot be measured.
        after: The same, with the scaled weights.
        factors: The factors by which the weights of each layer were multiplied.
        notes: Why the pre-activations of a layer are not of size 1; "" for all others.
        loss_before: Loss on the examples with the initial weights; NaN without targets.
        loss_after: The same, with the scaled weights.
        watched: Whether there were targets.
    """

    names: tuple[str, ...]
    before: np.ndarray
    after: np.ndarray
    factors: np.ndarray
    notes: tuple[str, ...]
    loss_before: float = float("nan")
    loss_after: float = float("nan")
    watched: bool = False

    def plot(self, ax: Any = None) -> Any:
        """Draw the mean square before and after over the layers, with matplotlib; return the axes."""
        ax = axes_of(ax)
        over_layers(ax, self.names, {"before": self.before, "after": self.after})
        return finished(
            ax,
            "Pre-activations before and after scaling to data",
            "layer, the first on the left",
            "mean square [signal^2]",
            "weights",
        )

    def _headline(self) -> str:
        scaled = sum(not note for note in self.notes)
        said = f"Scaled the weights of {scaled} of {len(self.names)} layers"
        said = f"{said}: the mean square of their pre-activations is now 1."
        losses = f"The loss went from {_shown(self.loss_before)} to {_shown(self.loss_after)}."
        return f"{said} {losses}" if self.watched else said

    def _table(self) -> Table:
        columns = "layer", "mean square before [signal^2]", "after", "factor of the weights", ""
        return Table(columns, list(zip(self.names, self.before, self.after, self.factors, self.notes, strict=True)))


@section("8.4")
def scale_to_data(model: keras.Model, x: Data, y: Data = None) -> Scaling:
    """Scale the weights so that on these examples each layer has pre-activations of size 1 (section 8.4; Mishkin 2016).

        for each layer, in the order of the calls:
            z <- W h + b                 the pre-activations of all examples of the minibatch
            W <- W / sqrt(mean(z^2))

    where the mean is over examples, places and units together. Later layers receive the outputs of the scaled layers
    before them, so that one pass is enough. Whatever random weights a network starts with, its signal neither vanishes
    nor explodes, for any nonlinearity and depth.

    With targets the loss does not rise: where it would, by more than a hundredth, the weights of the last layer are
    made smaller until it does not, and where that does not help all weights are put back. `notes` say so.

    - All matrices of a layer are multiplied by the same factor. Of `SimpleRNN`, `GRU` and `LSTM` only the
      kernel of the input is scaled: the recurrent one sets the memory. The output of an embedding counts as its
      pre-activation.
    - A layer whose output is normalized is scaled too, which changes only the size of its weights, relative to
      which a step is large or small. The pass is one of training: `BatchNormalization` uses the statistics of the
      examples, `Dropout` drops.
    - A sum of a layer and a connection that skips it is not scaled: each such sum adds to the variance.
    - A layer that is called several times is scaled to the inputs of its first call. Frozen layers are left as they
      are.

    Only matrices change, all at the end; if anything fails, none has changed.

    Args:
        model: A model that has not been trained, compiled or not; one that is not built is built by its first example.
        x: Examples, as one minibatch: an array, or several as the model takes them. A few hundred are enough.
        y: Targets of the examples, for a compiled model, so that the loss is watched; `None` if it is not to be.
            Defaults to `None`.

    Returns:
        A `Scaling`, to print as a table.

    Raises:
        ValueError: If the model has been trained, or there is a `y` but no compiled loss.

    Example:
        >>> small = keras.initializers.RandomNormal(stddev=0.01, seed=0)
        >>> hidden = [keras.layers.Dense(32, "tanh", kernel_initializer=small) for _ in range(3)]
        >>> model = keras.Sequential([keras.Input((8,)), *hidden])
        >>> x = np.random.default_rng(0).normal(size=(256, 8)).astype("float32")
        >>> scaling = keras_ch8.training.scale_to_data(model, x)
        >>> bool(scaling.before.max() < 1e-3), scaling.after.round(2).tolist()
        (True, [1.0, 1.0, 1.0])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4; Mishkin and Matas (2016), All You Need Is a
        Good Init.
    """
    _check_fresh(model)
    _objects.examples(x=x, y=y)
    _objects.inputs("x", x, model)
    x = keras.tree.map_structure(ops.convert_to_tensor, x)
    if not model.built:
        keras_private.build_on_inputs(model, x)
    found = summing_layers(model)
    objective = None if y is None else Objective(model, x, y)
    at_start = _loss(objective)
    before = _measured(model, found, x)
    scaling = _Scaling(model)
    walk(model, found, x, scaling.visit)
    scaling.assign_all()
    if objective is not None:
        scaling.hold(objective, at_start)
    return Scaling(
        names=tuple(summing.layer.name for summing, _ in scaling.factors),
        before=before,
        after=_measured(model, found, x),
        factors=np.array([factor for _, factor in scaling.factors]),
        notes=tuple(scaling.notes),
        loss_before=at_start,
        loss_after=_loss(objective),
        watched=objective is not None,
    )


def _measured(model: keras.Model, found: list[Summing], x: Tensor) -> np.ndarray:
    """Return the mean square of the sums of each layer; NaN where it cannot be measured."""
    values: list[float] = []

    def visit(summing: Summing, sums: Callable[[], Tensor]) -> None:
        z = _array(sums())
        values.append(float("nan") if z is None else _mean_square(z))

    walk(model, found, x, visit)
    return np.array(values)


class _Scaling:
    """Finds the factor of each layer, given those of the layers before it."""

    def __init__(self, model: keras.Model) -> None:
        self.start = {
            id(v): v.numpy() for v in model.trainable_variables
        }  # in a mixed policy, layers read them rounded
        self.factors: list[tuple[Summing, float]] = []
        self.notes: list[str] = []

    def visit(self, summing: Summing, sums: Callable[[], Tensor]) -> None:
        """Scale one layer, for the rest of the walk."""
        factor, note = self._settle(summing, sums)
        if note:
            factor = 1.0
            self.assign(summing, factor)
        self.factors.append((summing, factor))
        self.notes.append(note)

    def assign(self, summing: Summing, factor: float) -> None:
        """Multiply the initial weights of a layer."""
        for v in summing.matrices:
            value = self.start[id(v)]
            v.assign(value * np.asarray(factor, value.dtype))

    def assign_all(self) -> None:
        """Multiply the initial weights of all layers."""
        for summing, factor in self.factors:
            self.assign(summing, factor)

    def hold(self, objective: Objective, at_start: float) -> None:
        """Keep the loss from rising: by smaller weights of the last layer or, where that does not help, by the old."""
        limit = at_start + RISE * abs(at_start) if np.isfinite(at_start) else np.inf
        risen = _loss(objective)
        if risen <= limit or not self.factors:
            return
        would = f"else the loss would rise from {_shown(at_start)} to {_shown(risen)}"
        scaled = list(self.factors)
        for _ in range(TRIES):
            summing, factor = self.factors[-1]
            self.factors[-1] = summing, factor / 2
            self.assign_all()
            if _loss(objective) <= limit:
                self.notes[-1] = f"smaller: {would}"
                return
        self.factors = [(summing, 1.0) for summing, _ in scaled]
        self.assign_all()
        self.notes = [f"restored: {would}" for _ in scaled]

    def _settle(self, summing: Summing, sums: Callable[[], Tensor]) -> tuple[float, str]:
        factor = 1.0
        for _ in range(TRIES):
            z = _array(sums())
            if z is None:
                return factor, "unchanged: its pre-activations cannot be measured"
            now = _mean_square(z)
            if not np.isfinite(now):
                return factor, "unchanged: its pre-activations are not finite"
            if now < np.finfo("float32").tiny:
                return factor, "unchanged: its pre-activations are all equal"
            if abs(now - 1) <= TOLERANCE:
                return factor, ""
            factor *= now ** (-0.5 / len(summing.matrices))
            self.assign(summing, factor)
        return factor, "unchanged: its pre-activations do not scale with its weights"


def _shown(loss: float) -> str:
    return digits(loss, 3) if np.isfinite(loss) else "NaN or infinity"


def _loss(objective: Objective | None) -> float:
    """Return the loss with the weights as they are; NaN without targets."""
    return float("nan") if objective is None else objective.value(objective.theta())


def _mean_square(z: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        return float(np.mean(np.square(z)))


def _array(z: Tensor) -> np.ndarray | None:
    """Return the sums of a layer in float64; None if they are a tensor of a graph, or not known."""
    return np.asarray(ops.cast(z, "float32")).astype("float64") if hasattr(z, "numpy") else None


def _check_fresh(model: keras.Model) -> None:
    _objects.model(model)
    steps = max(
        (int(o.iterations.numpy()) for o in keras_private.optimizers_in(getattr(model, "optimizer", None))), default=0
    )
    normalizing = [leaf for leaf in keras_private.leaves_of(model) if hasattr(leaf, "moving_mean") and leaf.trainable]
    moved = any(np.any(leaf.moving_mean.numpy()) for leaf in normalizing)
    if steps or moved:
        raise ValueError(
            "`scale_to_data` is for a model that is not trained yet: it would undo the training. Received: the model "
            f"{model.name!r}, {f'trained for {steps} steps' if steps else 'whose moving statistics have moved'}. "
            "Scale it before `fit`, or a new one: `keras.models.clone_model(model)`."
        )

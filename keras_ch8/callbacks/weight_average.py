"""A running average of the weights: which mean is taken, its step inside the compiled training step, and the swap.

All means are one recursion, a <- a + rate(n) (theta - a) at the n-th weights that are averaged. The rate is 1 at n = 1,
so an average begins as the first weights and needs no start value.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from .. import _numerics
from .._duration import Clock, Duration, of_unknown_epoch
from .._types import Tensor
from ..integration import backend, keras_private
from ..layers.batch_normalization import trainable_normalizations

UNIFORM = -1e-30
"""log(alpha) of the uniform mean: so near to 0 that all weights count the same, and that the rate is 1 / n."""


def rate(n: Tensor, log_alpha: Tensor) -> Tensor:
    """Return the rate of the n-th weights, (1 - alpha) / (1 - alpha^n).

    It makes the recursion theta_hat <- alpha theta_hat + (1 - alpha) theta from theta_hat = 0, divided by 1 - alpha^n.
    """
    return ops.expm1(log_alpha) / ops.expm1(n * log_alpha)


def log_decay(decay: float, half_life: Duration | None, clock: Clock) -> float:
    """Return log(alpha) in a training of this length; a decay of 1 is the uniform mean."""
    if half_life is not None:
        return -math.log(2) / updates_in(half_life, clock)
    return min(UNIFORM, math.log(decay)) if decay else -math.inf


def updates_in(length: Duration, clock: Clock) -> float:
    """Return how many updates make a length of time."""
    updates = length.steps(clock)
    if math.isnan(updates):
        raise of_unknown_epoch("`PolyakAveraging` has epochs or percent", f"{length.amount:g}{length.unit}", "updates")
    return updates


def clock_of(model: keras.Model, params: Mapping[str, Any]) -> Clock:
    """Return the length of a training in updates: NaN where the data do not say how long an epoch is."""
    inner = keras_private.inner_optimizers_of(model)
    per_update = min((each.gradient_accumulation_steps or 1 for each in inner), default=1)
    of_epoch = (params["steps"] or math.nan) / per_update
    return Clock(of_epoch, per_update, of_epoch * params["epochs"])


class Averages(NamedTuple):
    """An average of weights.

    Args:
        updates: The updates so far.
        start: Those before the first that is averaged.
        averages: What was averaged. Defaults to `None`: nothing.
    """

    updates: int
    start: int
    averages: list[np.ndarray] | None = None


class WeightAverage:
    """Averages of the trainable weights of a model and of its statistics of batch normalization, in float32 or wider.

    A train function that was traced with `update` keeps it: so it knows no callback once it is built.

    Args:
        model: The model; it may have no weights yet.
        when_built: Called once, when the averages have their variables: before the first step, or while it is traced.
    """

    def __init__(self, model: keras.Model, when_built: Callable[[], None]) -> None:
        self.model, self._when_built = model, when_built
        with model.distribute_strategy.scope():  # each worker has its own, as of the averages
            self._log_alpha = backend.scalar(0.0, "float64")
            self._updates, self._start = (backend.scalar(0, "int64") for _ in range(2))
        self._averages: list[Any] = []
        self._on_device: dict[str, list[int]] = {}
        self._move = backend.compile_xla(partial(_move))

    def build(self) -> None:
        """Make the averages of a model that has its weights."""
        self.variables = averaged(self.model)
        for i, variable in enumerate(self.variables):
            device, dtype = backend.device_of(variable), _numerics.working_dtype(backend.dtype_of(variable))
            self._on_device.setdefault(device, []).append(i)
            with self.model.distribute_strategy.scope(), backend.on(device):
                self._averages.append(keras.Variable("zeros", tuple(variable.shape), dtype, trainable=False))
        then, self._when_built = self._when_built, lambda: None
        then()

    def begin(self, log_alpha: float, kept: Averages) -> None:
        """Begin to average, or go on."""
        self._log_alpha.assign(log_alpha)
        self._updates.assign(kept.updates)
        self._start.assign(kept.start)
        for i, average in enumerate(self._averages):
            average.assign(np.zeros(average.shape) if kept.averages is None else kept.averages[i])

    @property
    def count(self) -> int:
        """The number of updates that were averaged."""
        return max(0, int(self._updates.numpy()) - int(self._start.numpy()))

    def kept(self) -> Averages:
        """Return what `begin` goes on from, in a training of any length."""
        averages = [np.asarray(average.numpy()) for average in self._averages]
        return Averages(int(self._updates.numpy()), int(self._start.numpy()), averages)

    def update(self, moved: Tensor) -> None:
        """Take the weights as they are after a training step; `moved` says whether it was an update.

        All of it waits for the weights: at the end of data of unknown length Keras's loop runs a step without data.
        """
        if not self._averages:
            with backend.outside_graphs():
                self.build()
        thetas = [backend.as_tensor(v) for v in self.variables]
        with backend.start_after(thetas):
            updates = backend.as_tensor(self._updates) + ops.cast(moved, "int64")
            n = updates - backend.as_tensor(self._start)
            share = rate(ops.cast(ops.maximum(n, 1), "float64"), backend.as_tensor(self._log_alpha))
            backend.merge_replicas(self._write, updates, moved & (n > 0), share, thetas)

    def _write(self, updates: Tensor, active: Tensor, share: Tensor, thetas: list[Any]) -> None:
        backend.each_replica(self._updates, lambda v, value: v.assign(value), updates)
        averages = [backend.native(average) for average in self._averages]
        if backend.replicated():
            for average, theta in zip(averages, thetas, strict=True):
                backend.each_replica(average, lambda v, *args: _move([v], [args[0]], *args[1:]), theta, share, active)
            return
        for device, places in self._on_device.items():
            with backend.on(device):
                self._move([averages[i] for i in places], [thetas[i] for i in places], share, active)

    def distance(self, held: Sequence[Any] | None) -> float:
        """Return the Euclidean distance of the trainable weights, or of those that are `held`, from their averages."""
        thetas = zip(self.variables, self.variables if held is None else held, self._averages, strict=True)
        gaps = [
            ops.cast(backend.as_tensor(theta), backend.dtype_of(average)) - backend.as_tensor(average)
            for variable, theta, average in thetas
            if variable.trainable
        ]
        return float(np.sqrt(_numerics.squared_norm(gaps)))

    def put_in(self) -> None:
        """Put the averages into the model."""
        for variable, average in zip(self.variables, self._averages, strict=True):
            backend.native(variable).assign(ops.cast(backend.as_tensor(average), backend.dtype_of(variable)))


def averaged(model: keras.Model) -> list[Any]:
    """Return the variables of a model that are averaged: trainable weights, and statistics of batch normalization."""
    trained = [v for v in model.trainable_variables if not keras_private.is_overwritten_by_gradient(v)]
    return trained + [v for layer in trainable_normalizations(model) for v in layer.non_trainable_variables]


def _move(averages: Sequence[Any], thetas: Sequence[Any], share: Tensor, active: Tensor) -> None:
    for average, theta in zip(averages, thetas, strict=True):
        dtype, old = average.dtype.name, backend.as_tensor(average)
        new = old + ops.cast(share, dtype) * (ops.cast(theta, dtype) - old)
        average.assign(_numerics.where(active, new, old), read_value=False)


# --- the averages in the model, and the weights back -----------------------------------------------------------------


class Held(NamedTuple):
    """What is held while others are in its place.

    Args:
        values: The values.
        ours: Whether what is in the place of each was put in by us, and not set by somebody since.
    """

    values: list[np.ndarray]
    ours: list[bool]


class Swap:
    """Holds the values of variables while others are in their place.

    Args:
        variables: The variables.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        self.variables = list(variables)
        self.held: Sequence[Any] | None = None
        self._left: list[int | None] | None = None
        """What was put in, as prints; None while it is being put in, when all that is there is ours."""

    def put(self, write: Callable[[], None]) -> None:
        """Hold the values and let `write` set others, unless that was done: what was set since then stays."""
        if self.held is not None:
            return
        self.held = [backend.copy(v) for v in self.variables]
        try:
            write()
            self._left = [_print(v) for v in self.variables]
        except BaseException:
            self.back()
            raise

    def hold(self, held: Held) -> None:
        """Hold these values, where others were put in before."""
        self.held = held.values
        self._left = [_print(v) if is_ours else None for v, is_ours in zip(self.variables, held.ours, strict=True)]

    def kept(self) -> Held | None:
        """Return what `hold` goes on from; None where nothing is held."""
        if self.held is None or self._left is None:
            return None
        ours = [left == _print(v) for left, v in zip(self._left, self.variables, strict=True)]
        return Held([np.asarray(value) for value in self.held], ours)

    def back(self) -> None:
        """Put the values back, but where somebody has set others meanwhile: those stay.

        An interruption loses nothing: what is back already is left alone the next time.
        """
        for i, value in enumerate(self.held or ()):
            if self._left is None or self._left[i] == _print(self.variables[i]):
                backend.native(self.variables[i]).assign(value)
        self.held = self._left = None


def _print(variable: keras.Variable) -> int:
    return hash(variable.numpy().tobytes())

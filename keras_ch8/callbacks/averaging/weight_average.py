"""A running average of the weights: which mean is taken, and its step inside the compiled training step.

All means are one recursion with a rate of their own, a <- a + rate (theta - a) at the n-th weights that are averaged.
Every rate is 1 at n = 1, so an average begins as the first weights and needs no start value.
"""

import dataclasses
import math
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, final

import keras
import numpy as np
from keras import ops

from ... import _numerics
from ..._duration import Clock, Duration
from ..._types import Tensor
from ...integration import backend, keras_private


@final
@dataclasses.dataclass(frozen=True)
class ExponentialMean:
    """theta_i has a weight that is proportional to alpha^(n - i).

    It is the recursion theta_hat <- alpha theta_hat + (1 - alpha) theta from theta_hat = 0, divided by 1 - alpha^n.
    """

    decay: float | None
    half_life: Duration | None

    def log_decay(self, clock: Callable[[Duration], Clock]) -> float:
        """Return log(alpha) in a training."""
        if self.half_life is not None:
            return -math.log(2) / self.half_life.steps(clock(self.half_life))
        return math.log(self.decay) if self.decay else -math.inf

    def rate(self, n: Tensor, log_alpha: Tensor) -> Tensor:
        """Return the rate of the n-th weights; `log_alpha` is what `log_decay` returns."""
        return ops.expm1(log_alpha) / ops.expm1(n * log_alpha)

    def memory(self, clock: Callable[[Duration], Clock]) -> float:
        """Return about how many of the last updates count."""
        return -1 / math.expm1(self.log_decay(clock))


@final
@dataclasses.dataclass(frozen=True)
class PolynomialMean:
    """theta_i has a weight of about i^eta: it is the last n / (eta + 1) that count; all have the same with eta = 0."""

    eta: float

    def log_decay(self, clock: Callable[[Duration], Clock]) -> float:
        """Return a number that does not count: there is no alpha."""
        return -math.inf

    def rate(self, n: Tensor, log_alpha: Tensor) -> Tensor:
        """Return the rate of the n-th weights."""
        return (self.eta + 1) / (n + self.eta)

    def memory(self, clock: Callable[[Duration], Clock]) -> float:
        """Return 0: it is a share of the training, however long that is."""
        return 0.0


@final
@dataclasses.dataclass(frozen=True)
class AveragingPlan:
    """Which mean of the weights is taken, and after how much of the training it begins."""

    mean: ExponentialMean | PolynomialMean
    start: Duration

    def first(self, clock: Callable[[Duration], Clock]) -> int:
        """Return the number of updates before the first that is averaged."""
        return math.ceil(self.start.steps(clock(self.start)))

    def warn_if_too_long(self, clock: Callable[[Duration], Clock]) -> None:
        """Warn where an exponential mean remembers more updates than the training makes."""
        updates = clock(Duration(0.0, "st")).steps - self.first(clock)
        memory = self.mean.memory(clock)
        if memory > updates:  # which is NaN where it is not known
            warnings.warn(
                f"`PolyakAveraging` averages over about the last {memory:.0f} updates, and this training makes "
                f"{updates:.0f}: the average is mostly of its beginning. Leave out `decay` and `half_life`, or give "
                '`half_life` as a share of the training, such as "5%".',
                UserWarning,
                stacklevel=2,
            )


def clock_of(model: keras.Model, params: dict[str, Any]) -> Callable[[Duration], Clock]:
    """Return a function that gives the length of a training in updates, as far as it has to be known."""
    return partial(_clock, model, params["steps"], params["epochs"])


def _clock(model: keras.Model, batches: int | None, epochs: int, length: Duration) -> Clock:
    if batches is None:
        if not length.is_relative:
            return Clock(math.nan, math.nan, math.nan)
        raise ValueError(
            f"`PolyakAveraging` has a length in epochs, batches or percent ({length.amount:g} {length.unit}), and the "
            "length of an epoch is not known: the data do not say how many batches they have. Give `steps_per_epoch` "
            "to `fit`, or the length in updates."
        )
    optimizers = keras_private.optimizers_of(model).values()
    inner = [each for optimizer in optimizers for each in keras_private.inner_optimizers(optimizer)]
    per_update = min((each.gradient_accumulation_steps or 1 for each in inner), default=1)
    return Clock(batches / per_update, per_update, batches / per_update * epochs)


class WeightAverage:
    """a <- a + rate(n) (theta - a) at the n-th update after the start; in float32 or wider.

    Args:
        variables: What is averaged.
        mean: Which mean, and so the rate.
    """

    def __init__(self, variables: Sequence[Any], mean: ExponentialMean | PolynomialMean) -> None:
        self.variables, self.mean = list(variables), mean
        self._log_alpha = backend.scalar(0.0, "float64")
        self._updates, self._start = (backend.scalar(0, "int64") for _ in range(2))
        self._averages: list[Any] = []
        self._on_device: dict[str, list[int]] = {}
        for i, variable in enumerate(self.variables):
            device, dtype = backend.device_of(variable), _numerics.working_dtype(backend.dtype_of(variable))
            self._on_device.setdefault(device, []).append(i)
            with backend.on(device):
                self._averages.append(keras.Variable("zeros", tuple(variable.shape), dtype, trainable=False))
        self._move = backend.compile_xla(partial(_move))

    def set_length(self, clock: Callable[[Duration], Clock]) -> None:
        """Take the length of a training from a clock: what is a share of it depends on that."""
        self._log_alpha.assign(self.mean.log_decay(clock))

    def begin(self, updates: int, start: int, averages: Sequence[np.ndarray] | None = None) -> None:
        """Begin after so many updates, to average those after the `start`-th; or go on from these averages."""
        self._updates.assign(updates)
        self._start.assign(start)
        for i, average in enumerate(self._averages):
            average.assign(np.zeros(average.shape) if averages is None else averages[i])

    @property
    def count(self) -> int:
        """The number of updates that were averaged."""
        return max(0, int(self._updates.numpy()) - int(self._start.numpy()))

    def state(self) -> dict[str, Any]:
        """Return the arguments of `begin` that go on from here."""
        averages = [np.asarray(average.numpy()) for average in self._averages]
        return {"updates": int(self._updates.numpy()), "start": int(self._start.numpy()), "averages": averages}

    def copied(self) -> "WeightAverage":
        """Return the same average in variables of its own."""
        copy = WeightAverage(self.variables, self.mean)
        copy.begin(**self.state())
        return copy

    def update(self, moved: Tensor) -> None:
        """Take the weights as they are after a training step; `moved` says whether it was an update.

        All of it waits for the weights: at the end of data of unknown length Keras's loop runs a step without data.
        """
        thetas = [backend.as_tensor(v) for v in self.variables]
        with backend.start_after(thetas):
            updates = backend.as_tensor(self._updates) + ops.cast(moved, "int64")
            n = updates - backend.as_tensor(self._start)
            rate = self.mean.rate(ops.cast(ops.maximum(n, 1), "float64"), backend.as_tensor(self._log_alpha))
            backend.merge_replicas(self._write, updates, moved & (n > 0), rate, thetas)

    def _write(self, updates: Tensor, active: Tensor, rate: Tensor, thetas: list[Any]) -> None:
        backend.each_replica(self._updates, lambda v, value: v.assign(value), updates)
        averages = [backend.native(average) for average in self._averages]
        if backend.replicated():
            for average, theta in zip(averages, thetas, strict=True):
                backend.each_replica(average, lambda v, *args: _move([v], [args[0]], *args[1:]), theta, rate, active)
            return
        for device, places in self._on_device.items():
            with backend.on(device):
                self._move([averages[i] for i in places], [thetas[i] for i in places], rate, active)

    def put_in(self) -> None:
        """Put the averages into the variables."""
        for variable, average in zip(self.variables, self._averages, strict=True):
            backend.native(variable).assign(ops.cast(backend.as_tensor(average), backend.dtype_of(variable)))

    def distance(self, thetas: Sequence[Any]) -> float:
        """Return the Euclidean distance between such values of the first variables and their averages."""
        gaps = [
            ops.cast(theta, backend.dtype_of(average)) - backend.as_tensor(average)
            for theta, average in zip(thetas, self._averages, strict=False)
        ]
        return float(np.sqrt(_numerics.squared_norm(gaps)))


class AverageUpdater:
    """Moves an average on after each training step, inside the compiled step, whose train function keeps it.

    It holds the average and not the callback, which may be gone before that function is. One callback at a time
    takes it from the cache of the model (see `fit.programs_of`), so that the next training traces nothing.

    Args:
        make: Makes the average, when the model has its weights: before the first step, or while that is traced.
    """

    def __init__(self, make: Callable[[], WeightAverage]) -> None:
        self._make: Callable[[], WeightAverage] | None = make
        self._average: WeightAverage | None = None

    @property
    def average(self) -> WeightAverage | None:
        """The average; None before it is made."""
        return self._average

    def begin(self) -> WeightAverage:
        """Return the average, made if it is not there."""
        if self._average is None and self._make is not None:
            self._average, self._make = self._make(), None
        assert self._average is not None  # noqa: S101
        return self._average

    def __call__(self, moved: Tensor) -> None:
        """Take the weights as they are after a training step; `moved` says whether it was an update."""
        if self._average is None:
            with backend.outside_graphs():
                self.begin()
        self.begin().update(moved)


def _move(averages: Sequence[Any], thetas: Sequence[Any], rate: Tensor, active: Tensor) -> None:
    for average, theta in zip(averages, thetas, strict=True):
        dtype, old = average.dtype.name, backend.as_tensor(average)
        new = old + ops.cast(rate, dtype) * (ops.cast(theta, dtype) - old)
        average.assign(_numerics.where(active, new, old), read_value=False)

"""A curriculum compared with its controls."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from .. import _batches, _checks, _objects
from .._describe import section
from .._plot import COLORS, GREY, axes_of, finished
from .._result import Result, Table
from .._sandbox import generators_kept
from .._types import Data
from ..callbacks import Curriculum
from ..callbacks.base import say
from ..curriculum.difficulty import numbers
from ..data import ArraySource
from ._numbers import PairedTest, critical_t, distributions, paired_test
from ._trials import Trials, direction_of

Difficulty: TypeAlias = np.ndarray | Sequence[float] | Callable[..., np.ndarray] | str
"""As for `callbacks.Curriculum`."""

ORDERS = ("none", "easy", "hard", "random")


@dataclasses.dataclass(frozen=True, repr=False)
class CurriculumComparison(Result):
    """The result of `compare_curricula`, to print.

    Args:
        metric: What was measured after each training.
        lower_is_better: Whether smaller values are better.
        orders: The ways to train.
        values: (orders, seeds) what was measured.
    """

    metric: str
    lower_is_better: bool
    orders: tuple[str, ...]
    values: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean over the seeds, for each order."""
        return self.values.mean(axis=1)

    @property
    def standard_error(self) -> np.ndarray:
        """Standard error of that mean."""
        return self.values.std(axis=1, ddof=1) / np.sqrt(self.values.shape[1])

    def gain(self, order: str, over: str = "none") -> PairedTest:
        """Return by how much an order is better than another: above 0 where it is better, in either direction."""
        first, second = (self.values[self.orders.index(name)] for name in (order, over))
        return paired_test(second, first) if self.lower_is_better else paired_test(first, second)

    @property
    def recommended(self) -> str:
        """The order with the largest gain over no curriculum that is significant; else `"none"`, if it was trained."""
        if "none" not in self.orders:
            return ""
        gains = {order: self.gain(order) for order in self.orders if order != "none"}
        better = {
            order: test.difference for order, test in gains.items() if test.is_significant and test.difference > 0
        }
        return max(better, key=better.__getitem__, default="none")

    @property
    def sentences(self) -> list[str]:
        """The conclusions, pair by pair and overall."""
        pairs = [(order, "none") for order in self.orders if order != "none" and "none" in self.orders]
        pairs += [("easy", "random")] if {"easy", "random"} <= set(self.orders) else []
        found = {pair: self.gain(*pair) for pair in pairs}
        lines = [f"{order} over {over}: {test.sentence('gain')}" for (order, over), test in found.items()]
        if {("easy", "none"), ("easy", "random")} <= set(pairs):
            lines.append(verdict(found["easy", "none"], found["easy", "random"]))
        return lines

    def plot(self, ax: Any = None) -> Any:
        """Draw each training as a point and the mean of each order with its 95 % interval, with matplotlib."""
        ax = axes_of(ax)
        count = self.values.shape[1]
        places = np.arange(len(self.orders))
        spread = np.linspace(-0.15, 0.15, count)
        for place, values in zip(places, self.values, strict=True):
            ax.plot(place + spread, values, "x", color=GREY, label="one seed" if place == 0 else None)
        margin = critical_t(count - 1) * self.standard_error
        ax.errorbar(places, self.mean, margin, fmt="o", color=COLORS[0], capsize=4, label="mean, with 95 % interval")
        ax.set_xticks(places, self.orders)
        return finished(
            ax, "Curricula and their controls", "order of the examples", f"{self.metric}, {self._better}", "trainings"
        )

    @property
    def _better(self) -> str:
        return f"{'lower' if self.lower_is_better else 'higher'} is better"

    def _headline(self) -> str:
        return self.sentences[-1] if self.sentences else f"{self.metric} of {', '.join(self.orders)}"

    def _table(self) -> Table:
        columns = "order", f"mean {self.metric} of {self.values.shape[1]} seeds ({self._better})", "standard error"
        best = self.recommended
        rows = list(zip(self.orders, self.mean, self.standard_error, strict=True))
        return Table(columns, rows, self.orders.index(best) if best else None)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *self.sentences[:-1]])


@section("8.7.6")
def compare_curricula(
    model_factory: Callable[[], keras.Model],
    data: ArraySource | tuple[Data, ...],
    difficulty: Difficulty,
    validation_data: Data,
    *,
    epochs: int = 10,
    seeds: int | Sequence[int] = 5,
    orders: Sequence[str] = ORDERS,
    metric: str = "loss",
    mode: str = "auto",
    verbose: int = 1,
    **curriculum: Any,
) -> CurriculumComparison:
    """Test whether a curriculum helps, against its controls, over several seeds (section 8.7.6; Wu et al. 2021).

        none     the data as they are
        easy     the easy examples first
        hard     the hard ones first
        random   as easy, with the difficulties of other examples: the same pacing, without meaning

    All make as many updates, on batches of the same size. The trainings of one seed begin with the same weights, and
    without a curriculum they would have the same batches; so each difference is taken seed by seed, and tested by a
    paired t test at 5 %. The claim that the order helps needs two results: easy better than none, and better than
    random; otherwise it may be the pacing. With few seeds only large differences are found: the interval shows how
    large.

    Afterwards the random number generators, and the state of a source, are as they were before.

    Args:
        model_factory: Function that returns a new compiled model.
        data: Arrays `(x, y)` or `(x, y, sample_weight)`, for batches of 32, or a source of `keras_ch8.data`.
        difficulty: As for `callbacks.Curriculum`.
        validation_data: What each model is measured on in the end: `(x, y)`, `(x, y, sample_weight)` or a data set.
        epochs: Epochs of each training. Defaults to `10`.
        seeds: Number of seeds, counted from 0, or a list of them; at least 2. Defaults to `5`.
        orders: Which of the above. Defaults to all of them.
        metric: What is measured: a name that `evaluate` reports. Defaults to `"loss"`.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.
        verbose: 1 prints the result. Defaults to `1`.
        **curriculum: For `callbacks.Curriculum`: `pacing`, `start`, `until`, `mix`, `measure_every`.

    Returns:
        A `CurriculumComparison`.

    Raises:
        TypeError: If `model_factory` is not a function, or `data` neither arrays nor a source.
        ValueError: If an argument lies outside its range, or the metric is not reported.
        ImportError: If SciPy is not installed, which tests the differences.

    Example:
        >>> def model():
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile(keras_ch8.optimizers.SGD(0.1), "mse")
        ...     return model
        >>> x = np.linspace(-1, 1, 64).astype("float32")[:, None]
        >>> found = keras_ch8.choosing.compare_curricula(
        ...     model, (x, 2 * x), np.abs(x[:, 0]), (x, 2 * x), epochs=2, seeds=2, orders=("none", "easy"), verbose=0)
        >>> found.values.shape, found.gain("easy").difference < 0
        ((2, 2), True)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Wu, Dyer, Neyshabur (2021), When Do
        Curricula Work?; Student (1908), The Probable Error of a Mean.
    """
    distributions()  # which are missing before the trainings, not after them
    _objects.function("model_factory", model_factory, returns="a new compiled model")
    if not _batches.is_data_set(validation_data):
        _objects.pair("validation_data", validation_data)
    _checks.verbose(verbose)
    _checks.text("metric", metric, meaning="the name of what `evaluate` reports")
    orders = _objects.list_of("orders", orders, str)
    if not orders:
        raise ValueError("`orders` must list the ways to train. Received: orders=[]. Try ('none', 'easy').")
    for order in orders:
        _checks.word("orders", order, ORDERS, meaning="which ways to train are compared")
    seeds = _checks.seeds(seeds, 2)
    epochs = _checks.count("epochs", epochs, 1, meaning="the epochs of each training", fix="Try 10.")
    _checks.mode(mode)
    if isinstance(data, tuple):
        _objects.pair("data", data)
    source = ArraySource(*data) if isinstance(data, tuple) else data
    if not isinstance(source, ArraySource):
        raise TypeError(
            "`data` must be arrays (x, y), or a source of `keras_ch8.data`. Received: an object of type "
            f"{type(source).__name__}. Create one: keras_ch8.data.ArraySource(x, y)."
        )
    if not callable(difficulty) and not isinstance(difficulty, str):
        difficulty = numbers(difficulty, source.count)
    position = source.get_state()

    def train(asked: tuple[str, int]) -> tuple[float, str]:
        order, seed = asked
        with generators_kept(seed):
            source.set_state(position | {"seed": seed, "epoch": 0, "step": 0})
            model = _objects.made_by("model_factory", model_factory)
            own = [] if order == "none" else [Curriculum(source, difficulty, order=order, **curriculum)]
            model.fit(source, epochs=epochs, callbacks=own, verbose=0)
            return _measure(model, validation_data, metric, mode)

    try:
        measured = Trials(train).run([(order, seed) for order in orders for seed in seeds])
    finally:
        source.override_sampler(None)  # a training may have died
        source.set_state(position)
    values = np.reshape([value for value, _ in measured], (len(orders), len(seeds)))
    found = CurriculumComparison(metric, measured[0][1] == "min", tuple(orders), values)
    if verbose:
        say(str(found))
    return found


def verdict(over_none: PairedTest, over_random: PairedTest) -> str:
    """Return the conclusion about easy first, from its gains over no curriculum and over random order."""
    if over_none.is_significant and over_none.difference < 0:
        return "The curriculum hurts: no curriculum is significantly better than easy first."
    if not over_none.is_significant:
        return "The curriculum makes no significant difference."
    if over_random.is_significant and over_random.difference > 0:
        return "The curriculum helps because of its order: easy first also beats random order."
    return "The curriculum helps, but perhaps only by its pacing: the gain over random order is not significant."


def _measure(model: keras.Model, validation_data: Data, metric: str, mode: str) -> tuple[float, str]:
    parts = validation_data if isinstance(validation_data, tuple | list) else (validation_data,)
    x, y, weight = (*parts, None, None)[:3]
    reported = model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)
    direction = direction_of(model, metric, mode, reported)
    return float(reported[metric]), direction

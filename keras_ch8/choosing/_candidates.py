"""What is compared: an optimizer, and the settings of it that are tuned."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, final

import keras

from .. import _checks, _objects
from .._describe import short
from ..integration import keras_private
from ..optimizers.closure import ClosureOptimizer
from ..schedules import ScaledSchedule

AROUND = 30.0
"""How far below and above its own learning rate that of an optimizer is looked for, as a factor."""
RATE = "learning_rate"
FACTOR = "schedule_factor"
"""The setting of an optimizer with a schedule: what the schedule is multiplied by."""


@final
@dataclasses.dataclass(frozen=True)
class Candidate:
    """An optimizer to compare, and which of its settings are tuned, in which range (section 8.5.4).

    `factory(**settings)` makes the optimizer. The settings are spread evenly over the logarithms of the ranges; of a
    range between 1/2 and 1, as of a momentum, over that of 1 - setting. The first of them is taken for a learning rate:
    where its best value lies at an end of what was tried, values beyond it are tried too.

    Args:
        factory: Function that returns a new Keras optimizer, called with a number for each setting by its name.
        ranges: The lowest and the highest value of each setting. Empty for one without settings. Defaults to none.
        batch_size: Examples in a batch. Defaults to `None`: that of the comparison; all examples for an optimizer of
            section 8.6, whose steps minimize one loss.

    Raises:
        TypeError: If `factory` is no function, or `ranges` no dict of pairs.
        ValueError: If the lower end of a range is not above 0, or the higher end is not above the lower one.

    Example:
        >>> candidate = keras_ch8.choosing.Candidate(
        ...     lambda learning_rate, momentum: keras_ch8.optimizers.Momentum(learning_rate, momentum=momentum),
        ...     {"learning_rate": (1e-3, 1.0), "momentum": (0.5, 0.99)})
        >>> candidate.factory(learning_rate=0.1, momentum=0.9).momentum
        0.9

    References:
        Choi et al. (2019), On Empirical Comparisons of Optimizers for Deep Learning.
    """

    section: ClassVar[str] = "8.5.4"

    factory: Callable[..., keras.optimizers.Optimizer]
    ranges: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    batch_size: int | None = None

    def __post_init__(self) -> None:
        if not callable(self.factory):
            raise TypeError(
                "`factory` must be a function that takes the settings by name and returns a new optimizer. Received: "
                f"factory={short(self.factory)}. Write `lambda learning_rate: ...`."
            )
        if not isinstance(self.ranges, Mapping):
            raise TypeError(
                "`ranges` must be a dict with the lowest and the highest value of each setting. Received: "
                f"ranges={short(self.ranges)}. Try {{'learning_rate': (1e-4, 0.1)}}."
            )
        for name, ends in self.ranges.items():
            if not isinstance(name, str) or not isinstance(ends, tuple | list) or len(ends) != 2:
                raise TypeError(
                    "`ranges` must map the name of each setting to two numbers, the lowest and the highest. Received: "
                    f"{short(name)}: {short(ends)}. Try 'learning_rate': (1e-4, 0.1)."
                )
            meaning, fix = "an end of the range of a setting", "Pass (low, high) with 0 < low < high."
            low = _checks.positive(f"ranges[{name!r}][0]", ends[0], meaning=meaning, fix=fix)
            _checks.number(f"ranges[{name!r}][1]", ends[1], low, meaning=meaning, fix=fix, open_low=True)
        if self.batch_size is not None:
            _checks.count("batch_size", self.batch_size, 1, meaning="the examples in a batch", fix="Try 32.")

    def new(self, setting: Mapping[str, float]) -> keras.optimizers.Optimizer:
        """Return a new optimizer with this setting."""
        made = self.factory(**setting)
        if not isinstance(made, keras.optimizers.Optimizer):
            raise TypeError(
                f"`factory` of a candidate must return a Keras optimizer. Received: {short(made)} of type "
                f"{type(made).__name__}."
            )
        return made

    def batch_size_of(self, optimizer: keras.optimizers.Optimizer, usual: int, examples: int) -> int:
        """Return how many examples a batch has."""
        whole = isinstance(optimizer, ClosureOptimizer) and not optimizer.accumulate_batches
        return min(self.batch_size or (examples if whole else usual), examples)


def candidates_of(given: Any) -> dict[str, Candidate]:
    """Return the candidates by their names; an optimizer, or its name, becomes one whose rate is tuned."""
    if not isinstance(given, Mapping) or not given or not all(isinstance(name, str) and name for name in given):
        raise TypeError(
            f"`candidates` must be a non-empty dict of what to compare, by name. Received: candidates={short(given)}. "
            "Try {'Adam': keras_ch8.optimizers.Adam(), 'SGD': 'sgd'}."
        )
    return {name: one if isinstance(one, Candidate) else _of_optimizer(name, one) for name, one in given.items()}


def _of_optimizer(name: str, given: Any) -> Candidate:
    optimizer = _objects.of_keras(f"candidates[{name!r}]", given, "optimizer")
    if isinstance(optimizer, ClosureOptimizer):
        return Candidate(Copy(optimizer))
    own = keras_private.optimizers_in(optimizer)
    if len(own) != 1 or own[0] is not optimizer:
        raise ValueError(
            f"`candidates[{name!r}]` must be an optimizer with one learning rate to tune. Received: one of type "
            f"{type(optimizer).__name__}. Pass `choosing.Candidate(factory, ranges)`, which says what to tune."
        )
    if keras_private.schedule_of(optimizer) is not None:
        return Candidate(Copy(optimizer), {FACTOR: (1 / AROUND, AROUND)})
    rate = float(optimizer.learning_rate)
    return Candidate(Copy(optimizer), {RATE: (rate / AROUND, rate * AROUND)})


class Copy:
    """Makes optimizers like one that is given, with another rate."""

    def __init__(self, optimizer: keras.optimizers.Optimizer) -> None:
        self.kind: Any = type(optimizer)
        self.config = optimizer.get_config()

    def __call__(self, learning_rate: float | None = None, schedule_factor: float | None = None) -> Any:
        """Return a new one."""
        made = self.kind.from_config(self.config)
        if learning_rate is not None:
            made.learning_rate = learning_rate
        if schedule_factor is not None:
            made.learning_rate = ScaledSchedule(keras_private.schedule_of(made), schedule_factor)
        return made

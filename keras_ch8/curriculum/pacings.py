"""How the fraction of the examples that are drawn grows with the progress u of the curriculum, from 0 to 1.

Each pacing has a word, which `callbacks.Curriculum` takes.
"""

import abc
import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, TypeAlias, final

import numpy as np

from .. import _checks, _objects
from .._describe import short
from .._settings import Checked, Count, fraction

__all__ = [
    "BabySteps",
    "Linear",
    "OnePass",
    "Step",
]

Progress: TypeAlias = float | np.ndarray
"""One number or an array of them."""

PACINGS: dict[str, type["Pacing"]] = {}
"""The pacings that can be asked for by a word, by their names."""

GRID = np.linspace(0, 1, 101)
"""Where a user's function is evaluated before the training, to check that it rises."""
ROUNDING = 1e-9
"""The largest error by rounding that a user's function may have."""


@dataclasses.dataclass(frozen=True)
class Pacing(Checked, abc.ABC):
    """Base of every pacing: the fraction c(u) of the examples that may be drawn at the progress u, the easiest first.

    A pacing is a frozen dataclass; c must rise with u, from a number above 0 to 1. One with a `name` and an argument
    `start` can also be asked for by its name, as in `callbacks.Curriculum(source, difficulty, pacing="linear")`.

    Raises:
        ValueError: When a class is defined whose name is that of another pacing.

    Example:
        >>> import dataclasses
        >>> @dataclasses.dataclass(frozen=True)
        ... class Quadratic(keras_ch8.extend.Pacing):
        ...     name = "quadratic"
        ...     start: float = 0.2
        ...
        ...     def __call__(self, u):
        ...         return self.start + (1 - self.start) * u**2
        >>> source = keras_ch8.data.ArraySource(np.ones((8, 1)), batch_size=2)
        >>> easy_first = keras_ch8.callbacks.Curriculum(source, np.arange(8), pacing="quadratic", start=0.5)
        >>> easy_first.pacing(0.5)
        0.625
    """

    name: ClassVar[str] = ""
    """The word by which it can be asked for; without one, it is passed as an object."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if not vars(cls).get("name"):
            return
        other = PACINGS.get(cls.name, cls)
        if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(
                f"Each pacing needs a name of its own. Received: name={cls.name!r} of "
                f"{cls.__module__}.{cls.__qualname__}, already used by {other.__module__}.{other.__qualname__}. Choose "
                "another."
            )
        PACINGS[cls.name] = cls  # perhaps the same class, defined anew

    @abc.abstractmethod
    def __call__(self, u: Progress) -> Any:
        """Return c(u), of a number or an array: c(0) is the fraction at the start, c(1) is 1."""

    def oldest(self, u: Progress) -> Any:
        """Return the fraction of the examples that is no longer drawn, below c(u); 0 for all but `OnePass`."""
        return 0.0 * np.asarray(u, "float64")


START = fraction("the fraction of the examples that may be drawn at the beginning", "Try 0.2.")
"""What the fraction at the beginning may be."""


@final
@dataclasses.dataclass(frozen=True)
class Linear(Pacing):
    r"""Add the same number of examples at every step (section 8.7.6).

    .. math::

        c(u) = \text{start} + (1 - \text{start}) u

    Args:
        start: Fraction of the examples at the beginning, in (0, 1]. Defaults to `0.2`.

    Raises:
        ValueError: If `start` lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.pacings.Linear(start=0.2)
        >>> [round(float(pacing(u)), 6) for u in (0, 0.5, 1)]
        [0.2, 0.6, 1.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Wu, Dyer, Neyshabur (2021), When Do
        Curricula Work?
    """

    section = "8.7.6"
    name = "linear"

    start: Annotated[float, START] = 0.2

    def __call__(self, u: Progress) -> Any:
        """Return c(u)."""
        return 1 - (1 - self.start) * (1 - u)  # c(1) is 1 to the bit


@final
@dataclasses.dataclass(frozen=True)
class Step(Pacing):
    r"""Draw from the first examples for some time, then from all (section 8.7.6; Bengio et al. 2009, section 5).

    .. math::

        c(u) &= \text{start} \qquad \text{ if } u < \text{at} \\
        & 1 \qquad \text{ otherwise }

    Args:
        at: Progress at which all examples come, in (0, 1]. Defaults to `1`.
        start: Fraction of the examples before, in (0, 1]. Defaults to `0.2`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.pacings.Step(0.5, start=0.2)
        >>> [float(pacing(u)) for u in (0, 0.49, 0.5, 1)]
        [0.2, 0.2, 1.0, 1.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Bengio et al. (2009), Curriculum Learning.
    """

    section = "8.7.6"
    name = "step"

    at: Annotated[float, fraction("the progress at which all examples come", "Try 0.5.")] = 1.0
    start: Annotated[float, START] = 0.2

    def __call__(self, u: Progress) -> Any:
        """Return c(u)."""
        return np.where(np.asarray(u) < self.at, self.start, 1.0)


@final
@dataclasses.dataclass(frozen=True)
class FunctionPacing(Pacing):
    """A user's function of one number, checked to be a pacing."""

    function: Callable[[float], float]

    def __post_init__(self) -> None:
        fractions = self(GRID)
        if not (np.diff(fractions) >= -ROUNDING).all() or not fractions[0] > 0 or fractions[-1] != 1:
            worst = int(np.argmin(np.diff(fractions)))
            raise ValueError(
                "`pacing` is the fraction of the examples at the progress u, so it must rise from a number above 0 at "
                f"u = 0 to 1 at u = 1. Received: {fractions[0]:.4g} at 0, {fractions[worst]:.4g} at {GRID[worst]:.2g}, "
                f"{fractions[worst + 1]:.4g} at {GRID[worst + 1]:.2g}, {fractions[-1]:.4g} at 1. Try "
                "lambda u: 0.2 + 0.8 * u."
            )

    def __call__(self, u: Progress) -> Any:
        """Call the function for each number; what is 1 up to rounding is made 1."""
        fractions = np.array([float(self.function(float(v))) for v in np.ravel(u)]).reshape(np.shape(u))
        return np.where(np.abs(fractions - 1) <= ROUNDING, 1.0, fractions)


def as_pacing(pacing: Pacing | Callable[[float], float] | str, start: float | None) -> Pacing:
    """Return the pacing that the user means: by its name, as an object, or as a function of u.

    Only a pacing that comes by its name can be given another `start`.
    """
    if callable(pacing):
        if start is not None:
            raise ValueError(
                f"A pacing object has its own start. Received: start={short(start)} together with "
                f"pacing={short(pacing)}. Set it only once: pacing=curriculum.pacings.Linear(start=0.2), or "
                "pacing='linear', start=0.2."
            )
        if isinstance(pacing, Pacing):
            return pacing
        return FunctionPacing(_objects.function("pacing", pacing, "u", returns="the fraction of the examples"))
    name = _checks.word("pacing", pacing, tuple(PACINGS), meaning="how the fraction of the examples grows")
    make: Callable[..., Pacing] = PACINGS[name]
    return make() if start is None else make(start=start)


@dataclasses.dataclass(frozen=True)
class StagedPacing(Pacing):
    """Equally long stages, one for each bucket of examples."""

    buckets: Annotated[int, Count("into how many parts the examples are cut", "Try 5.", 2)] = 5
    start: Annotated[float, START] | None = None

    def __call__(self, u: Progress) -> Any:
        """Return the end of the bucket whose stage it is."""
        return self._end_of(self._bucket_at(u))

    def _bucket_at(self, u: Progress) -> Any:
        """Return which stage u lies in, from 0; u = 1 belongs to the last."""
        return np.minimum(np.floor(np.asarray(u, "float64") * self.buckets), self.buckets - 1)

    def _end_of(self, bucket: Progress) -> np.ndarray:
        """Return the fraction up to the end of a bucket: `start`, by default 1 / buckets, for the first; at last 1.

        The other buckets are of equal size.
        """
        first = 1 / self.buckets if self.start is None else self.start
        return np.where(bucket == self.buckets - 1, 1.0, first + (1 - first) * bucket / (self.buckets - 1))


@final
@dataclasses.dataclass(frozen=True)
class BabySteps(StagedPacing):
    """Add a bucket of examples at a time, and keep those before it (section 8.7.6; Spitkovsky et al. 2010).

        c(u) = end of bucket floor(u buckets)      the last bucket is there from u = 1 - 1 / buckets on

    Args:
        buckets: Integer of at least 2: the number of buckets, and of equally long stages. Defaults to `5`.
        start: Fraction of the examples in the first bucket, in (0, 1]; the others are of equal size. Defaults to
            `None`: all buckets are of equal size.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.pacings.BabySteps(4)
        >>> [float(pacing(u)) for u in (0, 0.24, 0.25, 0.5, 0.75, 1)]
        [0.25, 0.25, 0.5, 0.75, 1.0, 1.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Spitkovsky, Alshawi, Jurafsky (2010), From
        Baby Steps to Leapfrog.
    """

    section = "8.7.6"
    name = "baby_steps"


@final
@dataclasses.dataclass(frozen=True)
class OnePass(StagedPacing):
    """Draw from one bucket after another, and leave the buckets before it behind (section 8.7.6; Cirik et al. 2016).

        drawn at u = bucket floor(u buckets)       from u = 1 - 1 / buckets on, for good: the last one

    It is no curriculum as Bengio et al. define it: examples lose their weight, and the end is not the distribution of
    the data but that of the last bucket. It is the "naive" strategy of Zaremba and Sutskever, and needs what they
    add to it: with `mix`, some examples of all buckets, at all times.

    Args:
        buckets: Integer of at least 2: the number of buckets, and of equally long stages. Defaults to `5`.
        start: Fraction of the examples in the first bucket, in (0, 1]; the others are of equal size. Defaults to
            `None`: all buckets are of equal size.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.pacings.OnePass(4)
        >>> [(float(pacing.oldest(u)), float(pacing(u))) for u in (0, 0.25, 1)]
        [(0.0, 0.25), (0.25, 0.5), (0.75, 1.0)]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Cirik, Hovy, Morency (2016), Visualizing and
        Understanding Curriculum Learning for LSTMs; Zaremba and Sutskever (2014), Learning to Execute.
    """

    section = "8.7.6"
    name = "one_pass"

    def oldest(self, u: Progress) -> Any:
        """Return the beginning of the bucket."""
        now = self._bucket_at(u)
        return np.where(now == 0, 0.0, self._end_of(now - 1))


def __dir__() -> list[str]:
    return sorted(__all__)

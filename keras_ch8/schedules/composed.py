"""Schedules that begin with a rise of the learning rate, and those that are made of others."""

import itertools
import numbers
from collections.abc import Iterator, Sequence
from typing import final

from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from .. import _checks, _objects
from .._describe import short
from .._duration import Clock
from .._registration import registered
from .._types import Tensor
from ..integration import backend
from .base import Schedule
from .decays import half_cosine


@final
@registered
class Warmup(Schedule):
    r"""Raise the learning rate linearly, then keep it (section 8.3.1; Goyal et al. 2017).

    .. math::

        \epsilon_k \leftarrow \text{initial} + \min(\frac{k}{\text{warmup_steps}}, 1) (\text{learning_rate} -
          \text{initial})

    To decay after it, join it with another schedule in a `SequentialSchedule`.

    Args:
        learning_rate: Number above 0: rate from step `warmup_steps` on.
        warmup_steps: Steps in which the rate rises, or "10ep" (epochs), "500ba" (batches), "30%" (of the training).
        initial_learning_rate: Number of at least 0: rate of the first step. Defaults to `0.0`.
        name: Name of the schedule.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.Warmup(0.1, 10)
        >>> [round(float(schedule(k)), 4) for k in (0, 5, 10, 20)]
        [0.0, 0.05, 0.1, 0.1]

    References:
        Goyal et al. (2017), Accurate, Large Minibatch SGD.
    """

    section = "8.3.1"

    arguments = ("learning_rate", "warmup_steps", "initial_learning_rate")
    durations = ("warmup_steps",)

    def __init__(
        self,
        learning_rate: float,
        warmup_steps: int | str,
        initial_learning_rate: float = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(
            name,
            learning_rate=_checks.rate("learning_rate", learning_rate),
            warmup_steps=warmup_steps,
            initial_learning_rate=_checks.rate("initial_learning_rate", initial_learning_rate, or_zero=True),
        )

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        u = ops.minimum(k / self.steps("warmup_steps"), 1.0)
        return self.initial_learning_rate + u * (self.learning_rate - self.initial_learning_rate)


@final
@registered
class OneCycle(Schedule):
    """Raise the learning rate to a large value, then lower it to almost 0 (section 8.3.1; Smith and Topin 2018).

        u         <- min(k / cycle_steps, 1)
        epsilon_k <- from initial to max along half a cosine     while u < rise
                     from max to end along half a cosine         after that

    Args:
        max_learning_rate: Number above 0: the largest rate; about what `keras_ch8.find_learning_rate` suggests.
        cycle_steps: Steps, or "10ep", "500ba", "30%". Defaults to `"100%"`, the whole training that `fit` runs.
        rise: Number in (0, 1): fraction of the cycle in which the rate rises. Defaults to `0.25`.
        initial_learning_rate: Number of at least 0: rate of the first step. Defaults to 1/25 of `max_learning_rate`.
        end_learning_rate: Number of at least 0: rate from step `cycle_steps` on. Defaults to 1/100,000 of
            `max_learning_rate`.
        name: Name of the schedule.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.OneCycle(1.0, 100)
        >>> [round(float(schedule(k)), 4) for k in (0, 25, 100)]
        [0.04, 1.0, 0.0]

    References:
        Smith and Topin (2018), Super-Convergence.
    """

    section = "8.3.1"

    arguments = ("max_learning_rate", "cycle_steps", "rise", "initial_learning_rate", "end_learning_rate")
    durations = ("cycle_steps",)

    def __init__(
        self,
        max_learning_rate: float,
        cycle_steps: int | str = "100%",
        rise: float = 0.25,
        initial_learning_rate: float | None = None,
        end_learning_rate: float | None = None,
        name: str | None = None,
    ) -> None:
        largest = _checks.rate("max_learning_rate", max_learning_rate)
        initial = largest / 25 if initial_learning_rate is None else initial_learning_rate
        end = largest / 100_000 if end_learning_rate is None else end_learning_rate
        super().__init__(
            name,
            max_learning_rate=largest,
            cycle_steps=cycle_steps,
            rise=_checks.number(
                "rise", rise, 0.0, 1.0, open_low=True, meaning="the fraction in which the rate rises", fix="Try 0.25."
            ),
            initial_learning_rate=_checks.rate("initial_learning_rate", initial, or_zero=True),
            end_learning_rate=_checks.rate("end_learning_rate", end, or_zero=True),
        )

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        u = ops.minimum(k / self.steps("cycle_steps"), 1.0)
        rising = half_cosine(self.initial_learning_rate, self.max_learning_rate, u / self.rise)
        falling = half_cosine(self.max_learning_rate, self.end_learning_rate, (u - self.rise) / (1 - self.rise))
        return ops.where(u < self.rise, rising, falling)


@final
@registered
class WarmupStableDecay(Schedule):
    r"""Raise the learning rate, keep it for most of the training, and lower it at the end (8.3.1; Hu et al. 2024).

    With W for `warmup_steps`, S for `total_steps` and D for `decay_steps`:

    .. math::

        \epsilon_k \leftarrow \text{learning_rate} \cdot
        \begin{cases}
        k / W & k < W \\
        1 & W \le k < S - D \\
        \alpha^{(k - S + D) / D} & S - D \le k < S \\
        \alpha & S \le k
        \end{cases}

    The rate of the middle does not depend on the length, so a state from there can be trained on: give the longer
    training a larger `total_steps`, and only its end is another.

    Args:
        learning_rate: Number above 0: the rate of the middle.
        warmup_steps: Steps in which the rate rises from 0, or "10ep" (epochs), "500ba" (batches), "30%" (of the
            training). Defaults to `"1%"`.
        decay_steps: Length of the decay at the end. Defaults to `"10%"`.
        total_steps: Length of all three together. Defaults to `"100%"`, the whole training that `fit` runs.
        alpha: Number in (0, 1]: the last rate, as a fraction of that of the middle. Defaults to `0.1`.
        name: Name of the schedule.

    Raises:
        ValueError: If an argument lies outside its range, or warmup and decay are longer than all together; in `fit`,
            if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.WarmupStableDecay(0.1, 10, 20, 100)
        >>> [round(float(schedule(k)), 4) for k in (0, 5, 10, 80, 90, 100, 200)]
        [0.0, 0.05, 0.1, 0.1, 0.0316, 0.01, 0.01]

    References:
        Hu et al. (2024), MiniCPM: Unveiling the Potential of Small Language Models with Scalable Training Strategies.
    """

    section = "8.3.1"

    arguments = ("learning_rate", "warmup_steps", "decay_steps", "total_steps", "alpha")
    durations = ("warmup_steps", "decay_steps", "total_steps")

    def __init__(
        self,
        learning_rate: float,
        warmup_steps: int | str = "1%",
        decay_steps: int | str = "10%",
        total_steps: int | str = "100%",
        alpha: float = 0.1,
        name: str | None = None,
    ) -> None:
        super().__init__(
            name,
            learning_rate=_checks.rate("learning_rate", learning_rate),
            warmup_steps=warmup_steps,
            decay_steps=decay_steps,
            total_steps=total_steps,
            alpha=_checks.fraction("alpha", alpha, meaning="the last rate, as a fraction", fix="Try 0.1."),
        )
        if not self.is_relative:
            self._check_that_all_fits()

    def resolve(self, clock: Clock) -> None:
        """Say how long the training is."""
        super().resolve(clock)
        self._check_that_all_fits()

    def _check_that_all_fits(self) -> None:
        warmup, decay, total = (float(self.steps(name)) for name in self.durations)
        if warmup + decay > total * (1 + 1e-9):  # 30 % and 70 % may be more than all by a rounding
            raise ValueError(
                "`warmup_steps` and `decay_steps` are parts of `total_steps`. Received: "
                f"warmup_steps={self.warmup_steps!r}, decay_steps={self.decay_steps!r} and "
                f"total_steps={self.total_steps!r}, which are {warmup:g}, {decay:g} and {total:g} steps. Shorten one."
            )

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        warmup, decay, total = (self.steps(name) for name in self.durations)
        u = ops.clip((k - total + decay) / decay, 0.0, 1.0)
        return self.learning_rate * ops.minimum(k / warmup, 1.0) * self.alpha**u


@final
@registered
class SequentialSchedule(Schedule):
    """Run one schedule after the other, each from its own step 0 (section 8.3.1).

        epsilon_k <- schedules[0](k)                        while k < boundaries[0]
                     schedules[1](k - boundaries[0])        while k < boundaries[1]
                     ...

    A length in percent is a fraction of the whole training, also inside a sequence.

    Args:
        schedules: List of `LearningRateSchedule`s, the suite's or Keras's.
        boundaries: One entry fewer: the steps, "10ep", "500ba" or "30%", counted from the start of training, at which
            the next one takes over.
        name: Name of the schedule.

    Raises:
        TypeError: If an entry of `schedules` is no schedule.
        ValueError: If there are not as many boundaries as joints, or one is no duration; in `fit`, if the length of an
            epoch is not known, or the boundaries do not rise.

    Example:
        >>> from keras_ch8.schedules import CosineDecay, SequentialSchedule, Warmup
        >>> schedule = SequentialSchedule([Warmup(0.1, 10), CosineDecay(0.1, 90)], boundaries=[10])
        >>> [round(float(schedule(k)), 4) for k in (0, 5, 10, 55, 100)]
        [0.0, 0.05, 0.1, 0.05, 0.0]

    References:
        Goyal et al. (2017), Accurate, Large Minibatch SGD.
    """

    section = "8.3.1"

    arguments = ("schedules", "boundaries")

    def __init__(
        self,
        schedules: Sequence[LearningRateSchedule],
        boundaries: Sequence[int | str],
        name: str | None = None,
    ) -> None:
        schedules = _objects.list_of("schedules", schedules, LearningRateSchedule)
        of = 'steps, or strings such as "10ep", "500ba" or "30%"'
        boundaries = _objects.list_of("boundaries", boundaries, numbers.Real | str, of)
        if len(boundaries) != len(schedules) - 1:
            raise ValueError(
                f"`boundaries` must have one entry fewer than there are schedules. Received: {len(schedules)} "
                f"schedules and boundaries={short(boundaries)}. Pass {len(schedules) - 1}."
            )
        super().__init__(name, schedules=schedules, boundaries=boundaries)
        if not self.is_relative:
            self._check_that_boundaries_rise()

    def lengths(self) -> dict[str, int | str]:
        """Return each boundary as it was given."""
        return {f"boundaries[{i}]": word for i, word in enumerate(self.boundaries)}

    def parts(self) -> Iterator[LearningRateSchedule]:
        """Return the schedules in their order."""
        return iter(self.schedules)

    def resolve(self, clock: Clock) -> None:
        """Say how long the training is."""
        super().resolve(clock)
        self._check_that_boundaries_rise()

    def _check_that_boundaries_rise(self) -> None:
        steps = [float(self.steps(name)) for name in self.lengths()]
        if any(after <= before for before, after in itertools.pairwise(steps)):
            raise ValueError(
                "`boundaries` must increase, because each is where the next schedule takes over. Received: "
                f"boundaries={short(self.boundaries)}, which are the steps {steps}. Make each larger than the previous "
                "one."
            )

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        rate = ops.cast(self.schedules[0](k), backend.wide())
        for name, schedule in zip(self.lengths(), self.schedules[1:], strict=True):
            since = k - self.steps(name)
            rate = ops.where(since < 0, rate, ops.cast(schedule(ops.maximum(since, 0.0)), backend.wide()))
        return rate


@final
@registered
class ScaledSchedule(Schedule):
    r"""Multiply a schedule by a factor that can change during training (section 8.3.1).

    .. math::

        \epsilon_k \leftarrow \text{factor} \cdot \text{schedule}(k)

    `callbacks.LearningRateDecay` puts it around the schedule of an optimizer. The factor is a variable, so the compiled
    step sees a change. It is saved in the configuration of the optimizer (`model.save`), not in files of weights.

    Args:
        schedule: A `LearningRateSchedule`, the suite's or Keras's.
        factor: Number of at least 0 to start with. Defaults to `1.0`.
        name: Name of the schedule.

    Raises:
        TypeError: If `schedule` is not a `LearningRateSchedule`.
        ValueError: If `factor` is negative, infinite or NaN.

    Example:
        >>> schedule = keras_ch8.schedules.ScaledSchedule(keras_ch8.schedules.LinearDecay(0.1, 100))
        >>> schedule.factor = 0.5
        >>> round(float(schedule(50)), 6)
        0.02525

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.3.1.
    """

    section = "8.3.1"

    arguments = ("schedule", "factor")

    def __init__(self, schedule: LearningRateSchedule, factor: float = 1.0, name: str | None = None) -> None:
        _checks.keras_3(schedule)
        if not isinstance(schedule, LearningRateSchedule):
            raise TypeError(
                f"`schedule` must be a `LearningRateSchedule`. Received: {short(schedule)} of type "
                f"{type(schedule).__name__}. Pass one, such as `LinearDecay(0.1)`."
            )
        self._factor = backend.scalar(1.0, "float64")
        super().__init__(name, schedule=schedule, factor=factor)

    @property
    def factor(self) -> float:
        """What the schedule is multiplied by."""
        return float(self._factor.numpy())

    @factor.setter
    def factor(self, value: float) -> None:
        meaning, fix = "what the rate of the schedule is multiplied by", "Try 1.0, for the schedule as it is."
        self._factor.assign(_checks.number("factor", value, 0.0, meaning=meaning, fix=fix))

    def parts(self) -> Iterator[LearningRateSchedule]:
        """Return the schedule."""
        return iter((self.schedule,))

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        return backend.as_tensor(self._factor) * ops.cast(self.schedule(k), backend.wide())

"""A schedule that can be turned down while the training runs."""

from collections.abc import Iterator
from typing import Any, Self, final

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from .. import _checks
from ..integration import backend
from ._base import AbstractSchedule


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class ScaledSchedule(AbstractSchedule):
    """Multiply a schedule by a factor that may change while the training runs (section 8.3.1).

        epsilon_k <- factor * schedule(k)

    `callbacks.LearningRateDecay` puts it around the schedule of an optimizer. The factor is a variable, so the compiled
    step sees a change. It is saved in the configuration of the optimizer (`model.save`), not in files of weights.

    Args:
        schedule: A `LearningRateSchedule`, the suite's or Keras's.
        factor: Number of at least 0 to start with. Defaults to `1.0`.
        name: Name of the schedule.

    Raises:
        TypeError: If `schedule` is none.
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
                "`schedule` must be a `LearningRateSchedule`. "
                f"Received: {schedule!r} of type {type(schedule).__name__}."
            )
        self._factor = backend.scalar(1.0, "float64")
        super().__init__(name, schedule=schedule, factor=factor)

    @property
    def factor(self) -> float:
        """What the schedule is multiplied by."""
        return float(self._factor.numpy())

    @factor.setter
    def factor(self, value: float) -> None:
        self._factor.assign(_checks.rate("factor", value, or_zero=True))

    def parts(self) -> Iterator[LearningRateSchedule]:
        """Return the schedule."""
        return iter((self.schedule,))

    def rate(self, k: Any) -> Any:
        """The law."""
        return backend.as_tensor(self._factor) * ops.cast(self.schedule(k), backend.wide())

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this schedule again."""
        return super().get_config() | {"schedule": keras.saving.serialize_keras_object(self.schedule)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a scaled schedule from `get_config`."""
        return cls(**config | {"schedule": keras.saving.deserialize_keras_object(config["schedule"])})

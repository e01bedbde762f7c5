"""What a search for hyperparameters by KerasTuner tells a training: which trial it is, and what is tried in it."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

OF_TUNER = "tuner/"
"""What the names begin with of those values by which Hyperband counts its rounds."""


class Trial(NamedTuple):
    """A trial of a search.

    Args:
        name: What KerasTuner calls its folder.
        values: The value of each hyperparameter.
    """

    name: str
    values: dict[str, Any]

    @property
    def tried(self) -> dict[str, Any]:
        """The values that the user lets try."""
        return {name: value for name, value in self.values.items() if not name.startswith(OF_TUNER)}

    @property
    def is_cut_short(self) -> bool:
        """Whether it is an early round of Hyperband, which trains the best of them longer in the next."""
        return self.values.get(f"{OF_TUNER}round", 0) < self.values.get(f"{OF_TUNER}bracket", 0)


def trial_of(callbacks: Iterable[Any]) -> Trial | None:
    """Return the trial that a training is; None where its callbacks tell of none.

    KerasTuner tells it to its own callback alone, which it adds to the list of each `fit`, and which has it as `trial`.
    """
    for callback in callbacks:
        trial = getattr(callback, "trial", None)
        number, values = (
            getattr(trial, "trial_id", None),
            getattr(getattr(trial, "hyperparameters", None), "values", None),
        )
        if isinstance(number, str) and isinstance(values, Mapping):
            return Trial(f"trial_{number}", dict(values))
    return None

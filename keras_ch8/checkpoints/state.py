"""The state of a training between two batches."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from . import data_as_json

FORMAT = 1
"""Version of what is written; another is refused."""


@dataclass
class State:
    """All that a training needs to go on from here.

    Args:
        fingerprint: What the training is: see `checkpoints.fingerprint`.
        epoch: The epoch that is next, or runs.
        batch: The batch of it that is next.
        has_ended: Whether the training had ended, so that nothing is next.
        step: The batches that the model had been trained on, over all its trainings.
        brought: Of those, the batches that this process had brought.
        counted: How many of these the optimizer had counted.
        updates: The updates that the optimizer had made.
        data: The position of the data.
        callbacks: The states of the callbacks, by their names.
        random: Where the generators of random numbers were.
        history: The epochs of `History`, and its values.
        switched_by: The name of the `SwitchOptimizer` to whose optimizer the training had gone over; "" for none.
        built_for: For which of the model's variables each optimizer was built.
        variables: A copy of all variables.
    """

    fingerprint: dict[str, Any]
    epoch: int
    batch: int
    has_ended: bool
    step: int
    brought: int
    counted: int
    updates: int
    data: dict[str, Any]
    callbacks: dict[str, Any]
    random: dict[str, Any]
    history: list[Any]
    switched_by: str
    built_for: dict[str, list[int]]
    variables: dict[str, np.ndarray]

    def packed(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return a copy of it as arrays and plain data."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "variables"}
        arrays = dict(self.variables)
        return arrays, {"format": FORMAT, **data_as_json.apart(values, arrays, "state")}

    @classmethod
    def unpacked(cls, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> "State":
        """Return what `packed` has packed.

        Raises:
            ValueError: If another version has.
        """
        if meta.get("format") != FORMAT:
            raise ValueError(
                f"A state must have the format {FORMAT}, which this version of keras_ch8 writes. Received: format "
                f"{meta.get('format')!r}. Go on with the version that wrote it, or give another `directory`."
            )
        values = {name: data_as_json.together(value, arrays) for name, value in meta.items() if name != "format"}
        own = {name: value for name, value in arrays.items() if not name.startswith("state/")}
        return cls(**values, variables=own)

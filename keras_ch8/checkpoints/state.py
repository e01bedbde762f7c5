"""The state of a training between two batches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from .. import _state
from ..integration.backend.random_numbers import RandomNumbers

FORMAT = 4
"""Version of what is written; another is refused."""


class Fingerprint(TypedDict):
    """What a training is: see `checkpoints.fingerprint`."""

    model: dict[str, Any]
    loss: Any
    optimizer: Any
    data: dict[str, Any]
    callbacks: list[Any]
    epochs: int


class ValidationPosition(TypedDict):
    """How often the data for validation were begun, and the values of the variables that they write."""

    passes: int
    variables: list[Any]


@dataclass
class TrainingState:
    """All that a training needs to go on from here.

    Args:
        fingerprint: What the training is.
        epoch: The epoch that is next, or runs.
        batch: The batch of it that is next.
        has_ended: Whether the training had ended, so that nothing is next.
        step: The batches that the model had been trained on, over all its trainings.
        brought: Of those, the batches that this process had brought.
        counted: How many of these the optimizer had counted.
        updates: The updates that the optimizer had made.
        data: The position of the data.
        validation: That of the data for validation.
        callbacks: The states of the callbacks as plain data, by their names.
        random: Where the generators of random numbers were.
        history: The epochs of `History`, and its values.
        switched_by: The name of the `SwitchOptimizer` to whose optimizer the training had gone over; "" for none.
        built_for: For which of the model's variables each optimizer was built.
        variables: A copy of all variables.
    """

    fingerprint: Fingerprint
    epoch: int
    batch: int
    has_ended: bool
    step: int
    brought: int
    counted: int
    updates: int
    data: dict[str, Any]
    validation: ValidationPosition
    callbacks: dict[str, dict[str, Any]]
    random: RandomNumbers
    history: tuple[list[int], dict[str, list[Any]]]
    switched_by: str
    built_for: dict[str, list[int]]
    variables: dict[str, np.ndarray]

    def packed(self) -> dict[str, Any]:
        """Return it as plain data; `variables` is a copy already, and so are the states of the callbacks."""
        copies = {"variables": self.variables, "callbacks": self.callbacks}
        rest = {name: _state.dump(value) for name, value in vars(self).items() if name not in copies}
        return {"format": FORMAT, **rest, **copies}

    @classmethod
    def unpacked(cls, content: Mapping[str, Any]) -> "TrainingState":
        """Return what `packed` has packed; the states of the callbacks stay plain data, which each callback loads.

        Raises:
            ValueError: If another version has, or something else is in it.
        """
        if (found := content.get("format", "an older one")) != FORMAT:
            raise ValueError(
                f"A state must have the format {FORMAT}, which this version of keras_ch8 writes. Received: format "
                f"{found!r}. Go on with the version that wrote it, or give another `directory`."
            )
        given = {name: value for name, value in content.items() if name != "format"}
        try:
            values = {name: value if name == "callbacks" else _state.load(value) for name, value in given.items()}
        except ValueError as error:
            raise _other_content(str(error)) from error
        if fault := _state.fault(values, _state.types_of(cls)):
            raise _other_content(fault)
        state = cls(**values)
        epochs = state.fingerprint["epochs"]
        if not 0 <= state.epoch <= epochs or state.batch < 0:
            raise _other_content(f"epoch={state.epoch}, batch={state.batch} of {epochs} epochs")
        return state


def _other_content(fault: str) -> ValueError:
    return ValueError(
        f"A state must be as this version of keras_ch8 writes it. Received: one that is whole, and in which {fault}. "
        "Go on with what wrote it, or give another `directory`."
    )

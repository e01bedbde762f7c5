"""The state of a training between two batches."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from . import data_as_json

FORMAT = 2
"""Version of what is written; another is refused."""

Pattern = Any
"""A type, a tuple of patterns of which one fits, a list of one for each entry, a dict of them by names or by `str`."""

_NONE = type(None)
_PATTERN: Pattern = {
    "fingerprint": {"model": dict, "loss": object, "optimizer": object, "data": dict, "callbacks": list, "epochs": int},
    "epoch": int, "batch": int, "has_ended": bool, "step": int, "brought": int, "counted": int, "updates": int,
    "data": {str: object},
    "validation": {"passes": int, "variables": list},
    "callbacks": {str: dict},
    "random": {
        "python": [int, np.ndarray, (float, _NONE)],
        "numpy": [str, np.ndarray, int, int, float],
        "operations": (_NONE, [int, np.ndarray]),
        "tensorflow": (_NONE, np.ndarray),
    },
    "history": [list, {str: list}],
    "switched_by": str,
    "built_for": {str: list},
}  # fmt: skip
"""What is in a state beside its variables."""


@dataclass
class TrainingState:
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
        validation: That of the data for validation.
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
    validation: dict[str, Any]
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
    def unpacked(cls, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> "TrainingState":
        """Return what `packed` has packed.

        Raises:
            ValueError: If another version has, or something else is in it.
        """
        if meta.get("format") != FORMAT:
            raise ValueError(
                f"A state must have the format {FORMAT}, which this version of keras_ch8 writes. Received: format "
                f"{meta.get('format')!r}. Go on with the version that wrote it, or give another `directory`."
            )
        try:
            values = {name: data_as_json.together(value, arrays) for name, value in meta.items() if name != "format"}
        except KeyError as error:
            raise _other_content(f"no array {error}") from error
        if fault := _fault(values, _PATTERN, "it"):
            raise _other_content(fault)
        state = cls(**values, variables={n: array for n, array in arrays.items() if not n.startswith("state/")})
        epochs = state.fingerprint["epochs"]
        if not 0 <= state.epoch <= epochs or state.batch < 0:
            raise _other_content(f"epoch={state.epoch}, batch={state.batch} of {epochs} epochs")
        return state


def _other_content(fault: str) -> ValueError:
    return ValueError(
        f"A state must be as this version of keras_ch8 writes it. Received: one that is whole, and in which {fault}. "
        "Go on with what wrote it, or give another `directory`."
    )


def _fault(found: Any, pattern: Pattern, name: str) -> str:
    """Return in what a value does not fit a pattern; "" for in nothing."""
    if isinstance(pattern, tuple):
        faults = [_fault(found, each, name) for each in pattern]
        return "" if "" in faults else faults[-1]
    wanted = pattern if isinstance(pattern, type) else type(pattern)
    fits = isinstance(found, wanted) and not (wanted is int and isinstance(found, bool))
    if not fits:
        return f"{name} is a {type(found).__name__}, not a {wanted.__name__}"
    if isinstance(pattern, type):
        return ""
    value: Any = dict(enumerate(found)) if isinstance(pattern, list) else found
    if isinstance(pattern, list):
        pattern = dict(enumerate(pattern))
    elif str in pattern:
        pattern = dict.fromkeys(value, pattern[str])
    if value.keys() != pattern.keys():
        return f"{name} has {sorted(map(str, value))}, not {sorted(map(str, pattern))}"
    return next(filter(None, (_fault(value[key], each, f"{name}[{key!r}]") for key, each in pattern.items())), "")

"""What a pretraining keeps: the state of the optimizers by variable, and the completed stages in one file."""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from .. import _arrays_file
from ..integration import keras_private

Slots = dict[tuple[int, str], np.ndarray]
"""Arrays by the place of the variable among those of the model, and by the name of the slot."""


def slots_of(optimizer: keras.optimizers.Optimizer, variables: Iterable[keras.Variable]) -> Slots:
    """Return the slots of an optimizer for each of these variables; nothing for one that it does not update."""
    place = {id(v): i for i, v in enumerate(variables)}
    found: Slots = {}
    for inner in keras_private.inner_optimizers(optimizer):
        store = _stored(inner)
        keys = _keys(inner, len(store))
        found |= {(place[key[0]], key[1]): store[at] for at, key in keys.items() if key[0] in place}
    return found


def put_slots(optimizer: keras.optimizers.Optimizer, variables: Iterable[keras.Variable], slots: Slots) -> None:
    """Give a built optimizer the slots of another of its kind; what is not in `slots`, or does not fit, stays."""
    place = {id(v): i for i, v in enumerate(variables)}
    for inner in keras_private.inner_optimizers(optimizer):
        store = _stored(inner)
        for at, (variable, name) in _keys(inner, len(store)).items():
            new = slots.get((place.get(variable, -1), name))
            if new is not None and new.shape == store[at].shape:
                store[at] = new
        inner.load_own_variables(store)


def _stored(optimizer: keras.optimizers.Optimizer) -> dict[str, np.ndarray]:
    """Return the state as it is saved: by "0", "1", ..."""
    store: dict[str, np.ndarray] = {}
    optimizer.save_own_variables(store)
    return {at: np.array(value) for at, value in store.items()}


def _keys(optimizer: keras.optimizers.Optimizer, count: int) -> dict[str, tuple[int, str]]:
    """Return which of the saved arrays belong to which variable (by its `id`), and what they are called."""
    known = keras_private.known_variables(optimizer)
    if hasattr(optimizer, "state_of"):
        keys = [(id(v), name) for v in known for name in optimizer.state_of(v)]
        return {str(count - len(keys) + i): key for i, key in enumerate(keys)}
    # Keras calls a slot "<path of the variable>_<name>". The longest path that fits is the right one; of
    # several variables with the same path each takes the next such slot.
    paths = {id(v): v.path.replace("/", "_") for v in known}
    owners: dict[tuple[str, str], list[int]] = {}
    keys_by_name: dict[str, tuple[int, str]] = {}
    for at, slot in enumerate(optimizer.variables):
        path = max((p for p in paths.values() if slot.name.startswith(f"{p}_")), key=len, default=None)
        if path is not None:
            name = slot.name.removeprefix(f"{path}_")
            left = owners.setdefault((path, name), [key for key, p in paths.items() if p == path])
            if left:
                keys_by_name[str(at)] = left.pop(0), name
    return keys_by_name


NAME = "pretraining.npz"


class StageFile:
    """Keeps weights, slots and histories of the completed stages; with `None` for a folder, nothing.

    Args:
        directory: Folder of the file; made if it is not there.
        settings: What a resumed run must have in common with the one that was interrupted.
    """

    def __init__(self, directory: str | os.PathLike[str] | None, settings: Mapping[str, Any]) -> None:
        self.path = None if directory is None else os.path.join(os.fspath(directory), NAME)
        self._settings = json.loads(json.dumps(settings))
        if directory is not None:
            os.makedirs(directory, exist_ok=True)

    def load(self) -> tuple[list[dict[str, Any]], list[np.ndarray], Slots]:
        """Return the completed stages, the variables of the model and the slots; empty if there are none."""
        if self.path is None or not os.path.exists(self.path):
            return [], [], {}
        try:
            arrays, meta = _arrays_file.read(self.path)
        except ValueError as error:
            raise ValueError(
                f"`directory` holds what a pretraining has written, so {self.path!r} must be such a file. Received: "
                f"one that is not: {error}. Put back a copy of it, or delete it, to begin with the first stage."
            ) from error
        if meta["settings"] != self._settings:
            differing = [name for name, value in self._settings.items() if meta["settings"].get(name) != value]
            raise ValueError(
                f"{self.path!r} is of another pretraining: it differs in {', '.join(differing)}. Received: "
                f"{ {name: self._settings[name] for name in differing} }. Give the same arguments to go on with it, "
                "another `directory`, or delete the file."
            )
        variables = [arrays[f"variable {i}"] for i in range(meta["variables"])]
        slots = {(i, name): arrays[f"slot {number}"] for number, (i, name) in enumerate(meta["slots"])}
        return meta["stages"], variables, slots

    def save(self, stages: list[dict[str, Any]], variables: list[np.ndarray], slots: Slots) -> None:
        """Write all of it to a new file, then replace the old one by it."""
        if self.path is None:
            return
        meta = {"settings": self._settings, "stages": stages, "variables": len(variables), "slots": list(slots)}
        arrays = {f"variable {i}": value for i, value in enumerate(variables)}
        arrays |= {f"slot {i}": value for i, value in enumerate(slots.values())}
        _arrays_file.write(self.path, arrays, meta)

    def remove(self) -> None:
        """Delete the file, once the training is done."""
        if self.path is not None and os.path.exists(self.path):
            os.remove(self.path)

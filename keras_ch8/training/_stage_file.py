"""The stages that are done, in one file that is whole or not there."""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ._slots import Slots

NAME = "pretraining.npz"


class StageFile:
    """Keeps weights, slots and histories of the stages that are done; `None` for a folder keeps nothing.

    Args:
        directory: Folder of the file; made if it is not there.
        settings: What a run that goes on must have in common with the one that was interrupted.
    """

    def __init__(self, directory: str | os.PathLike[str] | None, settings: Mapping[str, Any]) -> None:
        self.path = None if directory is None else os.path.join(os.fspath(directory), NAME)
        self._settings = json.loads(json.dumps(settings))
        if directory is not None:
            os.makedirs(directory, exist_ok=True)

    def load(self) -> tuple[list[dict[str, Any]], list[np.ndarray], Slots]:
        """Return the stages that are done, the variables of the model and the slots; empty if there are none."""
        if self.path is None or not os.path.exists(self.path):
            return [], [], {}
        try:
            with open(self.path, "rb") as file, np.load(file) as content:
                arrays = dict(content)
            written = str(arrays.pop("checksum"))
            meta = json.loads(str(arrays["meta"]))
        except Exception as error:  # what numpy and zipfile raise of a damaged file is no closed list
            raise ValueError(
                f"`directory` holds what a pretraining has left, so {self.path!r} must be such a file. Received: one "
                f"that cannot be read ({error}). Delete it."
            ) from error
        found = _checksum(arrays)
        if found != written:
            raise ValueError(
                f"What is in {self.path!r} must be what a pretraining has written there. Received: arrays whose sha256 "
                f"is {found}, where the file says {written}: it was damaged or changed. Put back a copy of it, or "
                "delete it, to begin with the first stage."
            )
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
        """Write all of it beside the file, then put it in the file's place."""
        if self.path is None:
            return
        meta = {"settings": self._settings, "stages": stages, "variables": len(variables), "slots": list(slots)}
        arrays = {"meta": np.array(json.dumps(meta))}
        arrays |= {f"variable {i}": value for i, value in enumerate(variables)}
        arrays |= {f"slot {i}": value for i, value in enumerate(slots.values())}
        with open(f"{self.path}.new", "wb") as file:
            np.savez(file, **arrays, checksum=np.array(_checksum(arrays)))  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(f"{self.path}.new", self.path)

    def remove(self) -> None:
        """Delete the file, once the training is done."""
        if self.path is not None and os.path.exists(self.path):
            os.remove(self.path)


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the sha256 of names, types, shapes and bytes, in the order of the names.

    Types without a letter in numpy's files (bfloat16) come back as plain bytes, so of those the length alone counts.
    """
    total = hashlib.sha256()
    for name in sorted(arrays):
        value = np.asarray(arrays[name])
        kind = value.dtype.str if value.dtype.kind in "biufcSU" else f"V{value.dtype.itemsize}"
        total.update(f"{name} {kind} {value.shape} ".encode())
        total.update(np.ascontiguousarray(value).tobytes())
    return total.hexdigest()

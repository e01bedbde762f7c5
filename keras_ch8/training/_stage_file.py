"""The stages that are done, in one file that is whole or not there."""

import json
import os
import zipfile
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
            meta = json.loads(str(arrays.pop("meta")))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"`directory` holds what a pretraining has left, so {self.path!r} must be such a file. Received: one "
                f"that cannot be read ({error}). Delete it."
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
        """Write all of it beside the file, then put it in the file's place."""
        if self.path is None:
            return
        meta = {"settings": self._settings, "stages": stages, "variables": len(variables), "slots": list(slots)}
        arrays = {f"variable {i}": value for i, value in enumerate(variables)}
        arrays |= {f"slot {i}": value for i, value in enumerate(slots.values())}
        with open(f"{self.path}.new", "wb") as file:
            np.savez(file, meta=np.array(json.dumps(meta)), **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(f"{self.path}.new", self.path)

    def remove(self) -> None:
        """Delete the file, once the training is done."""
        if self.path is not None and os.path.exists(self.path):
            os.remove(self.path)

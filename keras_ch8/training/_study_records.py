"""What a study keeps of its trainings: each in a file of its own, so that a study that was interrupted goes on."""

import dataclasses
import hashlib
import json
import os
from typing import Any

import keras
import numpy as np

from .. import _arrays_file
from ._study_trainer import Run, Setting, Trainer

PREFIX = "run-"
"""What the names of its files begin with."""


class Records:
    """Keeps each training of a study, in memory and, if there is a folder, in a file of its own."""

    def __init__(self, folder: str | os.PathLike[str] | None, settings: dict[str, Any]) -> None:
        self.folder = None if folder is None else os.fspath(folder)
        self._settings = json.loads(json.dumps(settings))
        self._known: dict[str, Run] = {}
        if self.folder is not None:
            os.makedirs(self.folder, exist_ok=True)
            for name in sorted(os.listdir(self.folder)):
                if name.startswith(PREFIX) and name.endswith(".npz"):
                    self._read(os.path.join(self.folder, name))
                    break  # all are of one study

    def get(self, key: str) -> Run | None:
        """Return a training that was run before, here or by a study that was interrupted; None if there is none."""
        if key not in self._known and self.folder is not None and os.path.exists(self._path(key)):
            self._known[key] = self._read(self._path(key))
        return self._known.get(key)

    def put(self, key: str, run: Run) -> None:
        """Keep a training."""
        self._known[key] = run
        if self.folder is not None:
            arrays = {name: getattr(run, name) for name in ("losses", "norms", "evaluated_at", "evaluated")}
            numbers = {"seconds": run.seconds, "cost": run.cost}
            meta = {"settings": self._settings, "setting": dataclasses.asdict(run.setting), "numbers": numbers}
            _arrays_file.write(self._path(key), arrays, meta)

    def _path(self, key: str) -> str:
        return os.path.join(self.folder or "", f"{PREFIX}{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz")

    def _read(self, path: str) -> Run:
        try:
            arrays, meta = _arrays_file.read(path)
        except ValueError as error:
            raise ValueError(
                f"`folder` holds the trainings of a study. Received: {path!r}, but {error}. Delete the file; its "
                "training is run again."
            ) from None
        if meta["settings"] != self._settings:
            differing = [name for name, value in self._settings.items() if meta["settings"].get(name) != value]
            raise ValueError(
                f"`folder` holds the trainings of another study, which differs in {', '.join(differing)}. Received: "
                f"folder={self.folder!r}. Give the same arguments to go on with it, or another folder."
            )
        parts: dict[str, Any] = {**arrays, **meta["numbers"]}
        return Run(Setting(**meta["setting"]), **parts)


def described(trainer: Trainer) -> dict[str, Any]:
    """Return what a study must have in common with one that it goes on with."""
    leaves = [a for a in keras.tree.flatten([trainer.data, trainer.validation]) if a is not None]
    optimizer = trainer.model.optimizer
    config = {k: v for k, v in optimizer.get_config().items() if k not in ("name", "learning_rate")}
    return {
        "data": _arrays_file.checksum({str(i): np.asarray(leaf) for i, leaf in enumerate(leaves)}),
        "weights": [[v.path.rsplit("/", 1)[-1], list(v.shape)] for v in trainer.model.variables],
        "optimizer": [type(optimizer).__name__, json.dumps(config, default=lambda v: type(v).__name__, sort_keys=True)],
        "learning_rate": trainer.given_rate,
        "epochs": trainer.epochs,
        "seed": trainer.seed,
        "batch_size": trainer.batch_size,
    }

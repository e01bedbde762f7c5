"""Keeps each finished training of several in a file, so that another process can go on."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from .. import _arrays_file
from .._types import Tree
from ..integration import keras_private


class KeptRuns:
    """Files of finished trainings in a folder; with `None` for a folder, nothing is kept.

    Args:
        directory: Folder of the files; made if it is not there.
        of: What the trainings belong to, as messages call it.
        settings: What who goes on must have in common with who was interrupted.

    Raises:
        ValueError: If the folder is of another one.
    """

    def __init__(self, directory: str | os.PathLike[str] | None, of: str, settings: Mapping[str, Any]) -> None:
        self._folder, self._of = None if directory is None else os.fspath(directory), of
        if self._folder is None:
            return
        os.makedirs(self._folder, exist_ok=True)
        path = os.path.join(self._folder, f"{of}.npz")
        settings = json.loads(json.dumps(settings))
        if not os.path.exists(path):
            _arrays_file.write(path, {}, settings)
            return
        _, written = self._read(path)
        differing = [name for name, value in settings.items() if written.get(name) != value]
        if differing:
            raise ValueError(
                f"`directory` keeps the trainings of one {of}, and {self._folder!r} is of another: it differs in "
                f"{', '.join(differing)}. Received: directory={self._folder!r}. Give the same arguments to go on "
                "with it, or another `directory`."
            )

    def load(self, key: Any) -> dict[str, Any] | None:
        """Return the fields of a training that is finished; None if it is not."""
        if self._folder is None or not os.path.exists(path := self._path(key)):
            return None
        arrays, others = self._read(path)
        return {**arrays, **others}

    def save(self, key: Any, run: Any) -> None:
        """Keep a training, a dataclass of arrays, numbers and dataclasses of these."""
        if self._folder is not None:
            fields = {field.name: getattr(run, field.name) for field in dataclasses.fields(run)}
            arrays = {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
            others = {name: value for name, value in fields.items() if name not in arrays}
            _arrays_file.write(self._path(key), arrays, json.loads(json.dumps(others, default=dataclasses.asdict)))

    def _path(self, key: Any) -> str:
        assert self._folder is not None  # noqa: S101
        digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        return os.path.join(self._folder, f"{digest[:24]}.npz")

    def _read(self, path: str) -> tuple[dict[str, np.ndarray], Any]:
        try:
            return _arrays_file.read(path)
        except ValueError as error:
            raise ValueError(
                f"`directory` holds what a {self._of} has written, so {path!r} must be such a file. Received: one "
                f"that is not: {error}. Delete it, and what it held is trained again."
            ) from error


def fingerprint(data: Tree) -> str:
    """Return what tells whether arrays are the same as another time."""
    leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(data) if leaf is not None]
    return _arrays_file.checksum({str(place): leaf for place, leaf in enumerate(leaves)})


def optimizer_described(kind: type, config: Mapping[str, Any]) -> str:
    """Return what tells whether an optimizer is the same as another time, but for its name, which Keras gives anew."""
    settings = {key: value for key, value in config.items() if key != "name"}
    return json.dumps([kind.__name__, settings], default=lambda value: type(value).__name__, sort_keys=True)


def model_described(model: keras.Model) -> str:
    """Return what tells whether a model has the layers, their settings and the loss of another time, but for names."""
    parts = [_told(part) for part in keras_private.parts_of(model)]
    shapes = [list(variable.shape) for variable in model.variables]
    return json.dumps([parts, shapes, _unnamed(model.loss)], default=_told, sort_keys=True)


def _told(part: Any) -> Any:
    """Return the class of an object with its settings, where it has some; the name of a function."""
    if isinstance(part, keras.Model | keras.layers.Lambda):  # its layers are told anyway; code moves in its file
        return type(part).__name__
    try:
        return [type(part).__name__, _unnamed(part.get_config())]
    except Exception:  # a function, or a class of the user's that cannot be saved
        return getattr(part, "__name__", type(part).__name__)


def _unnamed(settings: Any) -> Any:
    """Return settings without names and numbers that Keras gives anew in each process."""
    if isinstance(settings, Mapping):
        given_anew = ("name", "shared_object_id", "seed")  # a seed may have been drawn
        return {str(key): _unnamed(value) for key, value in settings.items() if key not in given_anew}
    return [_unnamed(one) for one in settings] if isinstance(settings, list | tuple) else settings

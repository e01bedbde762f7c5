"""What a training is, as plain data: one that goes on from a state must be the one that has written it."""

import hashlib
import inspect
import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from .._types import Data
from ..continuation.annealed import Annealed
from ..integration import keras_private

PARTS = ("model", "loss", "optimizer", "data", "callbacks", "epochs")
"""What may have changed: the words of `allow`."""

SHOWN = 8
"""Differences that an error lists at most."""
LONGEST = 90
"""Characters of a value that are shown."""
ROWS, ENTRIES = 32, 64
"""Of an array, rows of which a checksum is made, and entries of each: a millisecond, however long it is."""

_NOT_COMPARED = {
    "name", "seed", "registered_name", "shared_object_id", "build_config", "module", "code", "group_of",
    "directory", "log_dir", "filepath", "filename", "backup_dir", "verbose", "log_to", "logs", "model", "params",
}  # fmt: skip
"""What a training does not depend on: names that Keras counts up, seeds (their states are restored), which weights the
groups of an optimizer have found, which the model says, paths, and code, which is another wherever it moves."""


def of_model(model: keras.Model) -> dict[str, Any]:
    """Return the layers of a model, and its variables by name, shape and type."""
    layers = [
        each for each in keras_private.parts_of(model) if not isinstance(each, (keras.Model, keras.layers.InputLayer))
    ]
    return {
        "variables": [
            f"{_COUNTER.sub('', v.name)} {list(v.shape)} {keras.backend.standardize_dtype(v.dtype)}"
            for v in model.variables
        ],
        "layers": [[type(each).__name__, _config_of(each)] for each in layers],
    }


def of_loss(model: keras.Model) -> Any:
    """Return loss and metrics, as far as Keras can say them."""
    arguments = keras_private.compile_arguments(model)
    return _plain({name: arguments.get(name) for name in ("loss", "loss_weights", "metrics", "weighted_metrics")})


def of_optimizer(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return class and arguments of an optimizer; its rate only before the first step, as callbacks may change it."""
    config = _plain(optimizer)
    if isinstance(config, dict) and keras_private.iterations_of(keras_private.unscaled(optimizer)):
        _forget(config, "learning_rate")
    return config


def of_callbacks(callbacks: Sequence[keras.callbacks.Callback]) -> list[Any]:
    """Return the classes of callbacks, and what they were made with as far as that is plain."""
    return [[type(each).__name__, _arguments_of(each)] for each in callbacks]


def of_arrays(parts: Mapping[str, Data]) -> dict[str, str]:
    """Return a checksum of some rows of arrays, by their names; what is no array has none, and nothing is iterated."""
    found = {}
    for name, part in parts.items():
        leaves = [] if part is None else keras.tree.flatten(part)
        for number, leaf in enumerate(leaves):
            if (rows := _rows_of(leaf)) is not None:
                total = hashlib.sha256(f"{rows.dtype} {getattr(leaf, 'shape', '')}".encode())
                total.update(rows.tobytes())
                found[name if len(leaves) == 1 else f"{name}[{number}]"] = f"values of checksum {total.hexdigest()[:8]}"
    return found


def _rows_of(value: Any) -> np.ndarray | None:
    """Return some entries of some rows, evenly spaced, of anything that has rows: arrays, tensors, tables of pandas."""
    shape = getattr(value, "shape", None)
    if shape is None or len(shape) == 0 or not shape[0] or not hasattr(value, "__getitem__"):
        return None
    places = np.unique(np.linspace(0, int(shape[0]) - 1, ROWS).astype(int))
    rows = getattr(value, "iloc", value)
    taken = [np.asarray(rows[int(place)]).reshape(-1) for place in places]
    if taken[0].dtype.kind == "O":
        taken = [row.astype(str) for row in taken]
    return np.concatenate([row[:: max(1, len(row) // ENTRIES)] for row in taken])


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what differs, as lines by the part; not the rate of an optimizer, where one of the two leaves it out."""
    found: dict[str, list[str]] = {}
    for part in PARTS:
        before, after = (_flat(json.loads(json.dumps(each.get(part)))) for each in (then, now))
        names = [name for name in {**before, **after} if before.get(name, _NO) != after.get(name, _NO)]
        if part == "optimizer":
            names = [name for name in names if not name.endswith("learning_rate") or (name in before and name in after)]
        if names:
            found[part] = [f"{part}{name}: {_short(before, name)} then, {_short(after, name)} now" for name in names]
    return found


def by_place(part: Any, model: keras.Model) -> Any:
    """Return plain data in which the place of a layer stands for its name, which Keras may have counted."""
    places = {each.name: f"layer {number}" for number, each in enumerate(keras_private.parts_of(model))}

    def placed(value: Any) -> Any:
        if isinstance(value, dict):
            return {placed(key): placed(each) for key, each in value.items()}
        if isinstance(value, list):
            return [placed(each) for each in value]
        return places.get(value, value) if isinstance(value, str) else value

    return placed(part)


def not_the_same(directory: str, differs: Mapping[str, list[str]], refused: Sequence[str]) -> str:
    """Return what an error says of differences that were not allowed."""
    lines = [line for part in refused for line in differs[part]]
    more = [] if len(lines) <= SHOWN else [f"and {len(lines) - SHOWN} more"]
    listed = "".join(f"\n  {line}" for line in [*lines[:SHOWN], *more])
    return (
        f"The states in {directory!r} belong to a different training. Received:{listed}\nRestore the script, or pass "
        "another `directory` to start from scratch (each training, and each fold of a cross-validation, needs its "
        f"own), or accept the difference with `Resume({directory!r}, allow={list(refused)!r})`, which `resume=` takes "
        "too."
    )


_NO = object()
_COUNTER = re.compile(r"_\d+$")
"""What Keras adds to a name that was not given, and to one that was given before."""


def _short(values: Mapping[str, Any], name: str) -> str:
    """Return what a value is, up to the end of a word."""
    if name not in values:
        return "nothing"
    text = repr(values[name])
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rsplit(maxsplit=1)[0].rstrip(',')} ..."


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return the leaves of plain data by their paths."""
    if isinstance(value, dict):
        return {path: leaf for key in value for path, leaf in _flat(value[key], f"{name}.{key}").items()}
    if isinstance(value, list) and any(isinstance(part, dict | list | str) for part in value):
        return {
            path: leaf for number, part in enumerate(value) for path, leaf in _flat(part, f"{name}[{number}]").items()
        }
    return {name: value}


def _config_of(layer: keras.layers.Layer) -> Any:
    try:
        return _configuration(layer)
    except Exception:  # a layer of somebody else's need not have one
        return None


def _configuration(part: keras.layers.Layer | keras.losses.Loss) -> Any:
    """Return the configuration of a layer or a loss, without the value of a number that is annealed while it trains."""
    config = _plain(part.get_config())
    if any(isinstance(attribute, Annealed) for attribute in getattr(part, "__dict__", {}).values()):
        _forget(config, "value")
    return config


def _arguments_of(callback: keras.callbacks.Callback) -> dict[str, Any]:
    values = vars(callback)
    names = [name for name in inspect.signature(type(callback)).parameters if name in values]
    plain = {name: values[name] for name in names if name not in _NOT_COMPARED and _is_plain(values[name])}
    if "min_delta" in plain:  # Keras changes its sign once it knows what is better
        plain["min_delta"] = abs(plain["min_delta"])
    return plain


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _plain(value: Any) -> Any:
    """Return anything as plain data; of what Keras cannot say, the class."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if _is_plain(value) and not isinstance(value, list | tuple):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items() if key not in _NOT_COMPARED}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if callable(getattr(value, "get_config", None)):
        try:
            return {"class": type(value).__name__, "config": _configuration(value)}
        except Exception:  # of somebody else
            return type(value).__name__
    return getattr(value, "__name__", type(value).__name__)


def _forget(config: Any, name: str) -> None:
    if isinstance(config, dict):
        config.pop(name, None)
        for part in config.values():
            _forget(part, name)

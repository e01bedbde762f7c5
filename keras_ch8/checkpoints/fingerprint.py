"""What a training is, as plain data: one that goes on from a state must be the one that has written it."""

import inspect
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from ..continuation import Annealed
from ..integration import keras_private

PARTS = ("model", "loss", "optimizer", "data", "callbacks", "epochs")
"""What may have changed: the words of `allow`."""

SHOWN = 8
"""Differences that an error lists at most."""

_NOT_COMPARED = {
    "name", "seed", "registered_name", "shared_object_id", "build_config", "module",
    "directory", "log_dir", "filepath", "filename", "backup_dir", "verbose", "log_to", "logs", "model", "params",
}  # fmt: skip
"""What a training does not depend on: names that Keras counts up, seeds (their states are restored), paths."""


def of_model(model: keras.Model) -> dict[str, Any]:
    """Return the layers of a model, and its variables by name, shape and type."""
    layers = [
        each for each in keras_private.parts_of(model) if not isinstance(each, (keras.Model, keras.layers.InputLayer))
    ]
    return {
        "variables": [f"{v.name} {list(v.shape)} {keras.backend.standardize_dtype(v.dtype)}" for v in model.variables],
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


def not_the_same(directory: str, differs: Mapping[str, list[str]], refused: Sequence[str]) -> str:
    """Return what an error says of differences that were not allowed."""
    lines = [line for part in refused for line in differs[part]]
    more = [] if len(lines) <= SHOWN else [f"and {len(lines) - SHOWN} more"]
    listed = "".join(f"\n  {line}" for line in [*lines[:SHOWN], *more])
    return (
        f"The states in {directory!r} are of a training that differs from this one. Received:{listed}\nMake the script "
        f"as it was, or give another `directory` to begin anew, or accept it by `allow={list(refused)!r}`."
    )


_NO = object()


def _short(values: Mapping[str, Any], name: str) -> str:
    return f"{values[name]!r:.60}" if name in values else "nothing"


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return the leaves of plain data by their paths."""
    if isinstance(value, dict):
        return {path: leaf for key in value for path, leaf in _flat(value[key], f"{name}.{key}").items()}
    if isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
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

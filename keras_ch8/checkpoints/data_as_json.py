"""Plain data as arrays and JSON and back: states of callbacks without objects, so that nothing has to be pickled."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._describe import short

ARRAY, SCALAR = "<array>", "<number>"
"""The key under which, in the place of an array or of a number of NumPy's, its name stands."""


def apart(value: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    """Return a copy of a state in which a reference stands for each array, which is put into `arrays`.

    Args:
        value: The state: dicts with strings as keys, lists, strings, numbers, booleans, None and NumPy arrays.
        arrays: Gets the arrays, by their names.
        name: What the state is called: the beginning of the names.

    Raises:
        TypeError: If there is anything else in it.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float) and not isinstance(value, np.generic):
        return value
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: apart(part, arrays, f"{name}/{key}") for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [apart(part, arrays, f"{name}/{number}") for number, part in enumerate(value)]
    if hasattr(value, "__array__") and not isinstance(value, np.ndarray | np.generic):  # a tensor
        value = np.asarray(value)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind != "O":
        arrays[name] = np.array(value)
        return {ARRAY if isinstance(value, np.ndarray) else SCALAR: name}
    raise TypeError(
        "The state of a callback must be made of dicts with strings as keys, lists, strings, numbers, booleans, None "
        f"and NumPy arrays. Received: {name} = {short(value)} of type {type(value).__name__}. Let its `get_state` "
        "return such."
    )


def together(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return the state that `apart` has taken apart."""
    if isinstance(value, list):
        return [together(part, arrays) for part in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {ARRAY}:
        return arrays[value[ARRAY]].copy()
    if value.keys() == {SCALAR}:
        return arrays[value[SCALAR]][()]
    return {key: together(part, arrays) for key, part in value.items()}

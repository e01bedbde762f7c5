"""The state of an optimizer in a file: plain variables, then the state of each weight in the weight's own shape."""

import warnings
from typing import Any

import numpy as np

from ._layout import Layout

_MEND = "Build it on the same variables, with the same arguments, as the saved one."


def save(store: Any, plain: list[Any], layout: Layout) -> None:
    """Write under "0", "1", ... as Keras does."""
    for i, value in enumerate([*(v.numpy() for v in plain), *layout.export()]):
        store[str(i)] = value


def load(store: Any, plain: list[Any], layout: Layout, owner: str) -> None:
    """Read what `save` wrote; everything is checked before anything is assigned."""
    expected = [*(tuple(v.shape) for v in plain), *(shape for _, _, shape in layout.slots())]
    if len(store.keys()) != len(expected):
        warnings.warn(
            f"Skipping the state of optimizer {owner!r}: it expects {len(expected)} arrays and the file has "
            f"{len(store.keys())}. {_MEND}",
            stacklevel=3,
        )
        return
    values = [np.asarray(store[str(i)]) for i in range(len(expected))]
    for i, (value, shape) in enumerate(zip(values, expected, strict=True)):
        if value.shape != shape:
            raise ValueError(
                f"Array {i} of the saved state of optimizer {owner!r} has shape {value.shape}, and {shape} was "
                f"expected. Nothing was loaded. {_MEND}"
            )
    for variable, value in zip(plain, values, strict=False):
        variable.assign(value)
    layout.restore(values[len(plain) :])

"""What the surrogates of the 0-1 loss depend on."""

from typing import Any

from keras import ops

from ._aligned import aligned


def margin(y: Any, f: Any) -> Any:
    """Return m = y f, where a label 0 counts as -1: above 0 for what is classified rightly."""
    y, f = aligned(y, f)
    return ops.where(y == 0, -1, y) * f

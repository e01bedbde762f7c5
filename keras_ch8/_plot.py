"""Matplotlib, which the suite does not need otherwise."""

from typing import Any


def axes_of(ax: Any) -> Any:
    """Return the axes to draw on: the given ones, or new ones."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "`plot` draws with matplotlib, which is not installed. Install it with `pip install matplotlib`."
        ) from error
    return pyplot.subplots()[1]

"""Pictures with matplotlib, which the suite does not need otherwise.

Colours are those of Okabe and Ito (2008), which colour-blind people tell apart. Curves differ by line and marker too,
so that they can be told apart in print without colour.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GREY = "#777777"
LINES = ("-", "--", "-.", ":")
MARKERS = "os^Dvx"
MOST_NAMES = 20
"""Names under an axis, at most."""


def axes_of(ax: Any) -> Any:
    """Return the axes to draw on: the given ones, or new ones."""
    return _pyplot().subplots(layout="constrained")[1] if ax is None else ax


def grid(number: int) -> list[Any]:
    """Return so many new axes on one figure, in at most three columns."""
    columns = min(number, 3)
    rows = -(-number // columns)
    size = (5.2 * columns, 4.3 * rows)
    axes = _pyplot().subplots(rows, columns, layout="constrained", squeeze=False, figsize=size)[1].ravel()
    for spare in axes[number:]:
        spare.remove()
    return list(axes[:number])


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "`plot` draws with matplotlib, which is not installed. Install it with `pip install matplotlib`."
        ) from error
    return pyplot


def line(number: int) -> dict[str, str]:
    """Return the look of the curve of this number, among several on one pair of axes."""
    return {"color": COLORS[number % len(COLORS)], "linestyle": LINES[number % len(LINES)]}


def points(number: int) -> dict[str, str]:
    """Return the look of the points of this number, among several on one pair of axes."""
    look = {"marker": MARKERS[number % len(MARKERS)], "color": COLORS[number % len(COLORS)], "linestyle": "none"}
    return look if look["marker"] == "x" else look | {"markerfacecolor": "none"}


def limits(ax: Any, values: np.ndarray) -> None:
    """Let the y axis show these values, with some room around them, whatever else is drawn."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = 0.3 * (high - low) or 1.0
    ax.set_ylim(low - room, high + room)


def make_log(axis: Any) -> None:
    """Make an axis logarithmic, with plain numbers at it."""

    def minor(value: float, _: int) -> str:
        low, high = sorted(axis.get_view_interval())
        first = f"{value:e}"[0]
        shown = first in "25" if high > 10 * low else high < 3 * low or first in "2357"
        return f"{value:g}" if shown and high < 100 * low else ""

    getattr(axis.axes, f"set_{axis.axis_name}scale")("log")
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(minor)


def finished(ax: Any, title: str, x: str, y: str, legend: str = "", *, below: bool = False) -> Any:
    """Return axes with title and labels, and a legend with a title where something on them has a label.

    The legend is where it hides least, or below the axes.
    """
    ax.set_title(title)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(True, color="#dddddd", linewidth=0.5)
    ax.set_axisbelow(True)
    if ax.get_legend_handles_labels()[1]:
        place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncols": 2} if below else {}
        ax.legend(title=legend, fontsize="small", title_fontsize="small", **place)
    return ax


def over_layers(ax: Any, names: Sequence[str], curves: Mapping[str, np.ndarray]) -> None:
    """Draw curves over the layers on a logarithmic axis, each where it is above 0."""
    for number, (label, values) in enumerate(curves.items()):
        places = np.flatnonzero(values > 0)
        ax.semilogy(places, values[places], MARKERS[number % len(MARKERS)], label=label, **line(number))
    name_layers(ax, names)


def recommend(ax: Any, x: float, y: float, label: str) -> None:
    """Mark the point that is recommended."""
    ax.plot(x, y, "*", color="black", markersize=14, label=label)


def name_layers(ax: Any, names: Sequence[str]) -> None:
    """Write the names of layers under the x axis, as many as there is room for."""
    every = -(-len(names) // MOST_NAMES)
    ax.set_xticks(range(0, len(names), every), names[::every], rotation=45, ha="right", fontsize="small")

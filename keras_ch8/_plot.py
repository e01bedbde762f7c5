"""Pictures with matplotlib, which the suite does not need otherwise.

Colours are those of Okabe and Ito (2008), which colour-blind people tell apart; curves differ by line and marker too, so
that they can be told apart in print without colour.
"""

from typing import Any

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GREY = "#777777"
LINES = ("-", "--", "-.", ":")
MARKERS = "os^Dvx"
COLOR_MAP = "cividis"
"""For planes: as bright as it is large, and the same to colour-blind people."""


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
    return pyplot.subplots(layout="constrained")[1]


def line(number: int) -> dict[str, str]:
    """Return the look of the curve of this number, among several on one pair of axes."""
    return {"color": COLORS[number % len(COLORS)], "linestyle": LINES[number % len(LINES)]}


def points(number: int) -> dict[str, str]:
    """Return the look of the points of this number, among several on one pair of axes."""
    look = {"marker": MARKERS[number % len(MARKERS)], "color": COLORS[number % len(COLORS)], "linestyle": "none"}
    return look if look["marker"] == "x" else look | {"markerfacecolor": "none"}


def finished(ax: Any, title: str, x: str, y: str, legend: str = "") -> Any:
    """Return axes with title and labels, and a legend with a title where something on them has a label."""
    ax.set_title(title)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(True, color="#dddddd", linewidth=0.5)
    ax.set_axisbelow(True)
    if ax.get_legend_handles_labels()[1]:
        ax.legend(title=legend, fontsize="small", title_fontsize="small")
    return ax

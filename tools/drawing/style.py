"""One look for all pictures of the documents."""

import io
from pathlib import Path
from typing import Any

import matplotlib
from PIL import Image

from keras_ch8._plot import COLORS, LINES, finished, make_log

matplotlib.use("Agg")
from matplotlib import pyplot

ROOT = Path(__file__).parent.parent.parent
WIDTH, HEIGHT, DOTS = 7.8, 3.7, 120
"""In inches, and dots an inch: letters are 12 pixels high where the picture is shown 600 pixels wide."""
LOOK = {
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 9.5,
    "legend.framealpha": 0.9,
    "lines.linewidth": 1.8,
    "figure.titlesize": 13,
    "figure.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}


def figure(point: str, columns: int = 2, **options: Any) -> tuple[Any, Any]:
    """Return a figure whose heading says what is to be seen, and its pairs of axes."""
    pyplot.rcParams.update(LOOK)
    made, axes = pyplot.subplots(1, columns, figsize=(WIDTH, HEIGHT), **options)
    made.suptitle(point)
    return made, axes


def done(ax: Any, title: str, x: str, y: str, *, log: str = "", legend: str = "best") -> None:
    """Give axes their title, labels and legend; `log` names those that are logarithmic: "y", "x" or "xy".

    A `legend` of "" is none: the other axes have it.
    """
    for name in log:
        make_log(getattr(ax, f"{name}axis"))
    finished(ax, title, x, y)
    if ax.get_legend() and legend:
        ax.legend(loc=legend, fontsize=LOOK["legend.fontsize"])
    elif ax.get_legend():
        ax.get_legend().remove()


def save(made: Any, file: Path) -> None:
    """Write a figure as a small PNG file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    made.savefig(buffer, dpi=DOTS, bbox_inches="tight", pad_inches=0.06)
    pyplot.close(made)
    flat = Image.open(buffer).convert("RGB")
    flat.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(file, optimize=True)


def look(number: int) -> dict[str, Any]:
    """Return the colour and the kind of line of one of several curves."""
    return {"color": COLORS[number % len(COLORS)], "linestyle": LINES[number % len(LINES)]}

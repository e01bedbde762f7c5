"""Draws every `plot` of the suite into docs/pictures/plots.png, and in grey as in print into plots_grey.png.

Needs `pip install -e ".[dev,examples]"`; from the root of the repository: `python tools/contact_sheet.py [FOLDER]`.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from tests import results  # noqa: E402

mpl.use("Agg")

COLUMNS = 4
SIZE = 4.6, 3.5
"""Of a picture, in inches."""
GREY = np.array([0.299, 0.587, 0.114])
"""How bright red, green and blue are."""


def main(folder):
    """Draw what has a plot, a picture each."""
    made = {name: make() for name, make in results.RESULTS.items()}
    drawn = {name: result for name, result in made.items() if hasattr(result, "plot")}
    rows = -(-len(drawn) // COLUMNS)
    figure, axes = pyplot.subplots(rows, COLUMNS, figsize=(COLUMNS * SIZE[0], rows * SIZE[1]), layout="constrained")
    for ax, result in zip(axes.flat, drawn.values(), strict=False):
        result.plot(ax)
    for ax in axes.flat[len(drawn) :]:
        ax.set_axis_off()
    path = Path(folder) / "plots.png"
    figure.savefig(path, dpi=80)
    pixels = pyplot.imread(path)[:, :, :3] @ GREY
    pyplot.imsave(path.with_stem("plots_grey"), pixels, cmap="gray", vmin=0, vmax=1)


if __name__ == "__main__":
    main(*sys.argv[1:] or [ROOT / "docs" / "pictures"])

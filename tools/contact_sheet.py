"""Draws every `plot` of the suite into docs/pictures/plots.png.

Needs `pip install -e ".[dev,examples]"`; from the root of the repository: `python tools/contact_sheet.py [FOLDER]`.
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot

import keras_ch8 as ch8

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from tests import results  # noqa: E402

mpl.use("Agg")

COLUMNS = 4
OF_A_RUN = ("read_run", "a curve of it")
"""Those of the tests are of a training in which nothing happens."""
CLIPPING = "Gradient norm, before and after clipping"
SIZE = 4.6, 3.5
"""Of a picture, in inches."""


def training():
    """Return what `read_run` says of a training that is clipped, whose rate falls, and that is stopped."""
    model = results.network(rate=0.3)
    model.compile(ch8.optimizers.Momentum(0.1, global_clipnorm=0.5), "mse")
    with tempfile.TemporaryDirectory() as folder:
        watching = [
            ch8.Doctor(folder, (results.X[200:], results.Y[200:])),
            ch8.callbacks.LearningRateDecay(ch8.schedules.ReduceOnPlateau("val_loss", patience=3)),
            ch8.callbacks.EarlyStopping("val_loss", patience=12, restore_best_weights=True),
        ]
        data = {"validation_data": (results.X[200:], results.Y[200:]), "batch_size": 8}
        model.fit(results.X[:200], results.Y[:200], **data, epochs=60, callbacks=watching, verbose=0)
        return ch8.read_run(folder)


def pictures():
    """Return what draws each picture on the axes that it is given."""
    made = [make() for name, make in results.RESULTS.items() if name not in OF_A_RUN]
    drawn = [result.plot for result in made if hasattr(result, "plot")]
    return drawn + [partial(training().plot, what) for what in ("Training history", CLIPPING)]


def main(folder):
    """Draw all of them."""
    drawn = pictures()
    rows = -(-len(drawn) // COLUMNS)
    figure, axes = pyplot.subplots(rows, COLUMNS, figsize=(COLUMNS * SIZE[0], rows * SIZE[1]), layout="constrained")
    for ax, draw in zip(axes.flat, drawn, strict=False):
        draw(ax=ax)
    for ax in axes.flat[len(drawn) :]:
        ax.set_axis_off()
    figure.savefig(Path(folder) / "plots.png", dpi=80)


if __name__ == "__main__":
    main(*sys.argv[1:] or [ROOT / "docs" / "pictures"])

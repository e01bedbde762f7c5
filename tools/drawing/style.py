"""One look for all pictures of the documents, and the examples whose parts they are made of."""

import contextlib
import importlib.util
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import matplotlib
import numpy as np
from PIL import Image

import keras_ch8
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


def levels(ax: Any, surface: Any, x: tuple[float, float], y: tuple[float, float], *, log: bool = True) -> None:
    """Draw the lines of equal loss of a function of [..., 2] in a rectangle."""
    grid = np.stack(np.meshgrid(np.linspace(*x, 300), np.linspace(*y, 300)), axis=-1)
    values = surface(grid)
    at = np.geomspace(max(values.min(), values.max() * 1e-4), values.max(), 16) if log else 20
    ax.contour(grid[..., 0], grid[..., 1], values, levels=at, colors="#999999", linewidths=0.6)
    ax.set(xlim=x, ylim=y)


def shade(ax: Any, surface: Any, x: tuple[float, float], y: tuple[float, float]) -> None:
    """Draw a function of [..., 2] in a rectangle: the darker, the lower."""
    values = surface(np.stack(np.meshgrid(np.linspace(*x, 400), np.linspace(*y, 300)), axis=-1))
    ax.imshow(values, cmap="Greys_r", origin="lower", extent=(*x, *y), aspect="auto", alpha=0.6)


def walk(ax: Any, points: np.ndarray, number: int, label: str) -> None:
    """Draw a path on the plane, with a star at its start."""
    ax.plot(points[:, 0], points[:, 1], marker=".", markersize=5, linewidth=1.4, label=label, **look(number))
    ax.plot(*points[0], "k*", markersize=12)


def path(optimizer: keras.optimizers.Optimizer, surface: Any, start: Any, steps: int, noise: float = 0.0) -> np.ndarray:
    """Return the points that an optimizer visits, [steps + 1, 2]; noise of this size is added to each gradient."""
    random = np.random.default_rng(0)
    theta = keras.Variable(np.asarray(start, "float32"), name="theta")
    points = [theta.numpy().astype("float64")]
    for _ in range(steps):
        gradient = surface.gradient(points[-1]) + noise * random.normal(size=2)
        optimizer.apply([keras.ops.convert_to_tensor(gradient.astype("float32"))], [theta])
        points.append(theta.numpy().astype("float64"))
    return np.array(points)


def fit(model: keras.Model, *data: Any, **options: Any) -> Any:
    """Train, and return what `callbacks.TensorBoard` has written of it."""
    folder = tempfile.mkdtemp(dir=".")
    callbacks = [*options.pop("callbacks", ()), keras_ch8.callbacks.TensorBoard(folder)]
    model.fit(*data, callbacks=callbacks, verbose=0, **options)
    return keras_ch8.read_run(folder)


def example(name: str) -> ModuleType:
    """Return an example as a module, whose network, data and settings a picture takes."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None  # noqa: S101
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def in_float64() -> Iterator[None]:
    """Let new models have weights in float64."""
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(before)

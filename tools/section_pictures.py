"""Makes docs/pictures/sections: paths of optimizers on the surfaces of `landscapes`, as in the figures of the chapter.

python tools/section_pictures.py
"""

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import matplotlib
import numpy as np

from keras_ch8 import landscapes, optimizers
from keras_ch8._plot import COLORS, LINES

matplotlib.use("Agg")
from matplotlib import pyplot

FOLDER = Path(__file__).parent.parent / "docs" / "pictures" / "sections"


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


def draw(name: str, title: str, surface: Any, paths: dict[str, np.ndarray], x: tuple, y: tuple, logs: bool) -> None:
    """Draw the levels of a surface in a rectangle, with paths on it, and the value along each path beside it."""
    figure, (left, right) = pyplot.subplots(1, 2, layout="constrained", figsize=(9.6, 3.9))
    grid = np.stack(np.meshgrid(np.linspace(*x, 300), np.linspace(*y, 300)), axis=-1)
    values = surface.value(grid)
    levels = np.geomspace(max(values.min(), values.max() * 1e-4), values.max(), 18) if logs else 24
    left.contour(grid[..., 0], grid[..., 1], values, levels=levels, cmap="cividis", linewidths=0.7)
    for number, (label, points) in enumerate(paths.items()):
        look = {"color": COLORS[number], "linestyle": LINES[number % len(LINES)], "label": label}
        left.plot(points[:, 0], points[:, 1], marker=".", markersize=4, linewidth=1.2, **look)
        right.plot(surface.value(points), linewidth=1.5, **look)
    left.plot(*paths[next(iter(paths))][0], "k*", markersize=12)
    left.set(xlim=x, ylim=y, xlabel="theta_1", ylabel="theta_2", title=title)
    right.set(xlabel="step", ylabel="loss", title="Loss along each path", yscale="log" if logs else "linear")
    right.grid(True, color="#dddddd", linewidth=0.5)
    right.legend(fontsize="small")
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.savefig(FOLDER / f"{name}.png", dpi=90)
    pyplot.close(figure)


def main() -> None:
    """Draw all of them."""
    ravine = landscapes.Ravine(condition=20.0)
    start = (10.0, 1.5)
    paths = {
        "SGD": path(optimizers.SGD(0.09), ravine, start, 40),
        "momentum 0.7": path(optimizers.Momentum(0.04, momentum=0.7), ravine, start, 40),
        "Nesterov 0.7": path(optimizers.Nesterov(0.04, momentum=0.7), ravine, start, 40),
    }
    draw("8.3.2", "Across the ravine, and along it", ravine, paths, (-4, 11), (-2, 2), True)

    saddle = landscapes.Saddle()
    start = (1.5, 1e-3)
    paths = {
        "SGD": path(optimizers.SGD(0.1), saddle, start, 60),
        "momentum 0.9": path(optimizers.Momentum(0.1, momentum=0.9), saddle, start, 32),
        "Adam": path(optimizers.Adam(0.1), saddle, start, 32),
    }
    draw("8.2.3", "Away from a saddle point", saddle, paths, (-2, 2), (-2, 2), False)

    valley = landscapes.Ravine(condition=4.0)
    noisy = path(optimizers.SGD(0.25), valley, (3.0, 1.5), 120, noise=1.0)
    mean = np.array([noisy[max(0, k // 2) : k + 1].mean(axis=0) for k in range(len(noisy))])
    paths = {"SGD with noise": noisy, "average of the last half": mean}
    draw("8.7.3", "The average is nearer the floor", valley, paths, (-2.5, 3.5), (-1.8, 1.8), True)


if __name__ == "__main__":
    main()

"""Whether a gradient is right: it is compared with finite differences."""

import dataclasses
import itertools
from typing import Any, NamedTuple

import keras
import numpy as np

from .. import _checks
from .._describe import section
from .._result import Result, Table
from .._types import Data
from .objective import Objective

EPSILON = float(np.finfo("float32").eps)
NOISE = 10.0
"""A deviation counts if it is larger than this multiple of the error of the finite difference."""
CLEARLY = 5.0
"""A step is too short where a deviation is not this many times what rounding makes of the difference."""
SHORTER, TIMES = 4.0, 5
"""By how much a step is shortened each time in search of a kink, and how often."""
CONSTANT = 0.7
"""Of a smooth loss the slopes on both sides differ by a quarter with a step of a quarter, at a kink by as much."""


class Entry(NamedTuple):
    """The entry of a variable whose gradient is furthest off, and both slopes along it alone."""

    place: tuple[int, ...]
    found: float
    expected: float


@dataclasses.dataclass(frozen=True, repr=False)
class GradientCheck(Result):
    """What `check_gradient` has found, for each trainable variable.

    Args:
        paths: Path of the variable.
        expected: Slope of the loss along a random direction of that variable, by finite differences.
        found: The same by the gradient.
        errors: How far `expected` itself may be off.
        kinks: Whether the loss has a kink close by, such as that of a ReLU, and the gradient is right on its side.
        entries: Of the variables whose gradient is wrong, the entry that is furthest off; None for the others.
    """

    paths: tuple[str, ...]
    expected: np.ndarray
    found: np.ndarray
    errors: np.ndarray
    kinks: np.ndarray
    entries: tuple[Entry | None, ...]

    @property
    def wrong(self) -> list[str]:
        """Paths of the variables whose gradient is wrong."""
        return [path for path, entry in zip(self.paths, self.entries, strict=True) if entry is not None]

    def _headline(self) -> str:
        kinks = [path for path, is_kink in zip(self.paths, self.kinks, strict=True) if is_kink]
        near = f" Close to a kink of the loss, and right on its side of it: {', '.join(kinks)}." if kinks else ""
        if not self.wrong:
            return f"Right: the gradients of all {len(self.paths)} variables agree with finite differences.{near}"
        lines = [f"Wrong: the gradients of {len(self.wrong)} of {len(self.paths)} variables are off.{near}"]
        for path, found, expected, error, entry in zip(
            self.paths, self.found, self.expected, self.errors, self.entries, strict=True
        ):
            if entry is not None:
                lines.append(
                    f"{path}: {found:.4g} by the gradient, {expected:.4g} +- {error:.1g} by finite differences; "
                    f"furthest off at entry {list(entry.place)}: {entry.found:.4g}, not {entry.expected:.4g}"
                )
        return "\n".join(lines)

    def _table(self) -> Table:
        said = ["wrong" if entry else "right, at a kink" if kink else "right"
                for entry, kink in zip(self.entries, self.kinks, strict=True)]  # fmt: skip
        columns = "variable", "slope by the gradient", "by finite differences", "off by at most", ""
        return Table(columns, list(zip(self.paths, self.found, self.expected, self.errors, said, strict=True)))


@section("8.2.6")
def check_gradient(model: keras.Model, x: Data, y: Data = None, *, seed: int = 0, **options: Any) -> GradientCheck:
    """Check the gradient of each variable against finite differences (section 8.2.6).

        g . u   against   (J(theta + h u) - J(theta - h u)) / 2h    along a random direction u of one variable

    with two sizes of h, whose difference estimates the error of the finite difference itself: in float32 it is seldom
    below 0.1 %. Where both disagree, h is made shorter: at a kink of the loss, such as that of a ReLU, they agree from
    some length on, or the slopes on both sides stay apart with the gradient between them; an error stays. A layer with
    a gradient of its own (`tf.custom_gradient`, `stop_gradient`) shows up here.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        seed: Seed of the directions. Defaults to `0`.
        **options: As for `gradient`.

    Returns:
        A `GradientCheck`; its `wrong` lists the variables whose gradient is wrong, `print` says right or wrong.

    Raises:
        ValueError: If `seed` is not an integer of at least 0.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> keras_ch8.curvature.check_gradient(model, np.ones((4, 2)), np.ones((4, 1)))
        <GradientCheck: Right: the gradients of all 4 variables agree with finite differences.>

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 11.5.
    """
    seed = _checks.count("seed", seed, 0, meaning="the seed of the directions", fix="Try 0.")
    objective, rng = Objective(model, x, y, **options), np.random.default_rng(seed)
    theta = objective.theta()
    g = objective.gradient(theta)
    rows: list[tuple[float, float, float]] = []
    kinks: list[bool] = []
    entries: list[Entry | None] = []
    for (start, end), shape in zip(itertools.pairwise(objective.ends), objective.shapes, strict=True):
        u = np.zeros_like(theta)
        u[start:end] = rng.normal(size=end - start)
        u /= np.linalg.norm(u)
        h = 5e-3 * max(1.0, float(np.linalg.norm(theta[start:end])))
        line, found = _Line(objective, theta, u), float(g[start:end] @ u[start:end])
        expected, error = line.slope(h)
        is_off = not abs(found - expected) <= NOISE * error  # a NaN is wrong too
        is_kink = is_off and line.has_kink(found, h)
        rows.append((expected, found, error))
        kinks.append(is_kink)
        where = start, end, shape
        entries.append(_furthest_off(objective, theta, g, where, h) if is_off and not is_kink else None)
    paths, columns = tuple(v.path for v in objective.variables), np.array(rows).reshape(-1, 3)
    return GradientCheck(paths, columns[:, 0], columns[:, 1], columns[:, 2], np.array(kinks, bool), tuple(entries))


class _Line:
    """The loss along a direction through the weights."""

    def __init__(self, objective: Objective, theta: np.ndarray, u: np.ndarray) -> None:
        self._objective, self._theta, self._u = objective, theta, u
        self._now = self._value(0.0)

    def _value(self, t: float) -> float:
        return self._objective.value(self._theta + t * self._u)

    def rounding(self, h: float) -> float:
        """Return what rounding may make of a slope with this step."""
        return EPSILON * max(abs(self._now), 1e-30) / h

    def slope(self, h: float) -> tuple[float, float]:
        """Return the slope by steps of h and 2 h to either side, and how far it may be off."""
        narrow, wide = ((self._value(s) - self._value(-s)) / (2 * s) for s in (h, 2 * h))
        return narrow + (narrow - wide) / 3, abs(narrow - wide) / 3 + self.rounding(h) + EPSILON * abs(narrow)

    def _sides(self, h: float) -> tuple[float, float]:
        """Return the slopes before and behind the weights."""
        return (self._now - self._value(-h)) / h, (self._value(h) - self._now) / h

    def has_kink(self, found: float, h: float) -> bool:
        """Whether a slope that is off for steps of h is right for shorter ones, or lies between the sides of a kink."""
        off = abs(found - self.slope(h)[0])
        before, behind = self._sides(h)
        apart = abs(behind - before)
        for _ in range(TIMES):
            h /= SHORTER
            rounding = self.rounding(h)
            if not off > CLEARLY * rounding:
                return False
            expected, error = self.slope(h)
            if abs(found - expected) <= min(NOISE * error, off / SHORTER):
                return True
            (before, behind), last = self._sides(h), apart
            apart, slack = abs(behind - before), NOISE * rounding
            is_between = min(before, behind) - slack <= found <= max(before, behind) + slack
            if apart > CONSTANT * last and apart > slack and is_between:
                return True
        return False


def _furthest_off(
    objective: Objective, theta: np.ndarray, g: np.ndarray, where: tuple[int, int, tuple[int, ...]], h: float
) -> Entry:
    """Return the entry of a variable that is furthest off: of two halves that which is, and so on."""
    begin, end, shape = where
    signs = np.where(g < 0, -1.0, 1.0)

    def slopes(places: np.ndarray) -> tuple[float, float]:
        u = np.zeros_like(theta)
        u[places] = signs[places] / np.sqrt(len(places))
        return float(g[places] @ u[places]), _Line(objective, theta, u).slope(h)[0]

    def off(places: np.ndarray) -> float:
        found, expected = slopes(places)
        return float(np.nan_to_num(abs(found - expected) * np.sqrt(len(places)), nan=np.inf))

    places = np.arange(begin, end)
    while len(places) > 1:
        places = max(np.array_split(places, 2), key=off)
    found, expected = (float(signs[places[0]]) * slope for slope in slopes(places))
    place = tuple(int(i) for i in np.unravel_index(int(places[0]) - begin, shape or (1,)))
    return Entry(place[: len(shape)], found, expected)

"""The hard ones of the problems of Moré, Garbow and Hillstrom (1981): f(x) = sum of r_i(x)^2.

Bad scales, exponentials, a function that jumps, local minima, and rounding that hides the minimum. Numbers and starts
are those of the paper; t, u, v, w, y are its data. Minima are those known of each problem: some have several, and a
local method may end in any.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from keras import ops

from keras_ch8.second_order.loop import Status
from tests.second_order.functions import runner


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """A problem from its standard start."""

    number: int
    name: str
    residuals: Callable
    start: np.ndarray
    minima: tuple[float, ...]

    def f(self, x):
        """Return the sum of squares."""
        return ops.sum(ops.square(self.residuals(x)))

    def is_solved_by(self, value):
        """Whether a value is that of a known minimum, to 1e-5 of it."""
        return any(value - f <= 1e-5 * abs(f) + 1e-8 and value >= f - 1e-5 * abs(f) - 1e-8 for f in self.minima)

    def __str__(self):
        return f"{self.number} {self.name} n={len(self.start)}"


def number_from(first, last, x):
    """Return first, first + 1, ..., last in the type of x."""
    return ops.arange(first, last + 1, dtype=x.dtype)


def data(values, x):
    """Return constants in the type of x."""
    return ops.convert_to_tensor(np.array(values), dtype=x.dtype)


def powell_badly_scaled(x):
    return ops.stack([1e4 * x[0] * x[1] - 1, ops.exp(-x[0]) + ops.exp(-x[1]) - 1.0001])


def brown_badly_scaled(x):
    return ops.stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def jennrich_sampson(x):
    i = number_from(1, 10, x)
    return 2 + 2 * i - (ops.exp(i * x[0]) + ops.exp(i * x[1]))


def helical_valley(x):
    turn = ops.arctan(x[1] / x[0]) / (2 * math.pi)
    theta = ops.where(x[0] < 0, turn + 0.5, turn)
    return ops.stack([10 * (x[2] - 10 * theta), 10 * (ops.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])


def meyer(x):
    y = data([34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872], x)
    t = 45 + 5 * number_from(1, 16, x)
    return x[0] * ops.exp(x[1] / (t + x[2])) - y


def wood(x):
    return ops.stack(
        [
            10 * (x[1] - x[0] ** 2),
            1 - x[0],
            math.sqrt(90) * (x[3] - x[2] ** 2),
            1 - x[2],
            math.sqrt(10) * (x[1] + x[3] - 2),
            (x[1] - x[3]) / math.sqrt(10),
        ]
    )


def biggs_exp6(x):
    t = 0.1 * number_from(1, 13, x)
    y = ops.exp(-t) - 5 * ops.exp(-10 * t) + 3 * ops.exp(-4 * t)
    return x[2] * ops.exp(-t * x[0]) - x[3] * ops.exp(-t * x[1]) + x[5] * ops.exp(-t * x[4]) - y


def penalty_2(x):
    n = x.shape[0]
    a, i = math.sqrt(1e-5), np.arange(2, n + 1)
    y = data(np.exp(i / 10) + np.exp((i - 1) / 10), x)
    return ops.concatenate(
        [
            x[:1] - 0.2,
            a * (ops.exp(x[1:] / 10) + ops.exp(x[:-1] / 10) - y),
            a * (ops.exp(x[1:] / 10) - math.exp(-0.1)),
            ops.sum(data(np.arange(n, 0, -1), x) * x**2)[None] - 1,
        ]
    )


def trigonometric(x):
    n = x.shape[0]
    return n - ops.sum(ops.cos(x)) + number_from(1, n, x) * (1 - ops.cos(x)) - ops.sin(x)


def _case(number, name, residuals, start, *minima):
    return Case(number, name, residuals, np.array(start, "float64"), minima)


_TEN = np.arange(1, 11)
CASES = [
    _case(3, "Powell badly scaled", powell_badly_scaled, [0, 1], 0.0),
    _case(4, "Brown badly scaled", brown_badly_scaled, [1, 1], 0.0),
    _case(6, "Jennrich and Sampson", jennrich_sampson, [0.3, 0.4], 124.36218236),
    _case(7, "Helical valley", helical_valley, [-1, 0, 0], 0.0),
    _case(10, "Meyer", meyer, [0.02, 4000, 250], 87.945855171),
    _case(14, "Wood", wood, [-3, -1, -3, -1], 0.0),
    _case(18, "Biggs EXP6", biggs_exp6, [1, 2, 1, 1, 1, 1], 0.0, 5.6556499255e-3),
    _case(24, "Penalty II", penalty_2, np.full(10, 0.5), 2.9366053746e-4),
    _case(26, "Trigonometric", trigonometric, np.full(10, 0.1), 0.0, 2.7950617521e-5),
]


ROOM = 1 + max(len(case.start) for case in CASES)


def joint(cases):
    """Return f of the case whose place stands in x[0], of as many of the other entries as it has.

    The entries left over have gradient 0 and change nothing, so that one program runs all cases.
    """
    branches = [lambda x, case=case: case.f(x[1 : 1 + len(case.start)]) for case in cases]
    return lambda x: ops.switch(ops.cast(ops.stop_gradient(x[0]), "int32"), branches, x)


def starts(cases):
    """Yield the start of each case for `joint`."""
    for place, case in enumerate(cases):
        x = np.zeros(ROOM)
        x[0], x[1 : 1 + len(case.start)] = place, case.start
        yield x


def ends_of(method):
    """Return the cases that a method does not solve, and the ways in which it has ended."""
    run = runner(joint(CASES), method)
    ends = [run(x, gtol=1e-10, max_iterations=5000) for x in starts(CASES)]
    unsolved = [str(c) for c, end in zip(CASES, ends, strict=True) if not c.is_solved_by(float(end.best.value))]
    return unsolved, {Status(int(end.status)) for end in ends}

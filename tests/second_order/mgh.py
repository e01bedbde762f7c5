"""Twenty-seven problems of Moré, Garbow and Hillstrom (1981), written from their formulae: f(x) = sum of r_i(x)^2.

Numbers and starts are those of the paper; t, u, v, w, y are its data. Minima are those known of each problem: some have
several, and a local method may end in any. Those that are not in the paper were polished by Newton's method with 50
digits, until the gradient was below 1e-27 and the Hessian positive definite.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from keras import ops


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


def rosenbrock(x):
    return ops.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def extended_rosenbrock(x):
    a, b = x[::2], x[1::2]
    return ops.concatenate([10 * (b - a**2), 1 - a])


def freudenstein_roth(x):
    return ops.stack(
        [-13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1], -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]],
    )


def powell_badly_scaled(x):
    return ops.stack([1e4 * x[0] * x[1] - 1, ops.exp(-x[0]) + ops.exp(-x[1]) - 1.0001])


def brown_badly_scaled(x):
    return ops.stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def beale(x):
    return data([1.5, 2.25, 2.625], x) - x[0] * (1 - ops.power(x[1], number_from(1, 3, x)))


def jennrich_sampson(x):
    i = number_from(1, 10, x)
    return 2 + 2 * i - (ops.exp(i * x[0]) + ops.exp(i * x[1]))


def helical_valley(x):
    turn = ops.arctan(x[1] / x[0]) / (2 * math.pi)
    theta = ops.where(x[0] < 0, turn + 0.5, turn)
    return ops.stack([10 * (x[2] - 10 * theta), 10 * (ops.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])


def bard(x):
    y = data([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39], x)
    u = number_from(1, 15, x)
    v = 16 - u
    w = ops.minimum(u, v)
    return y - (x[0] + u / (v * x[1] + w * x[2]))


def gaussian(x):
    half = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521]
    y = data([*half, 0.3989, *reversed(half)], x)
    t = (8 - number_from(1, 15, x)) / 2
    return x[0] * ops.exp(-x[1] * (t - x[2]) ** 2 / 2) - y


def meyer(x):
    y = data([34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872], x)
    t = 45 + 5 * number_from(1, 16, x)
    return x[0] * ops.exp(x[1] / (t + x[2])) - y


def box(x):
    t = 0.1 * number_from(1, 10, x)
    return ops.exp(-t * x[0]) - ops.exp(-t * x[1]) - x[2] * (ops.exp(-t) - ops.exp(-10 * t))


def powell_singular(x):
    a, b, c, d = (x[i::4] for i in range(4))
    return ops.concatenate([a + 10 * b, math.sqrt(5) * (c - d), (b - 2 * c) ** 2, math.sqrt(10) * (a - d) ** 2])


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


def kowalik_osborne(x):
    y = data([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246], x)
    u = data([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625], x)
    return y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def brown_dennis(x):
    t = number_from(1, 20, x) / 5
    return (x[0] + t * x[1] - ops.exp(t)) ** 2 + (x[2] + x[3] * ops.sin(t) - ops.cos(t)) ** 2


def biggs_exp6(x):
    t = 0.1 * number_from(1, 13, x)
    y = ops.exp(-t) - 5 * ops.exp(-10 * t) + 3 * ops.exp(-4 * t)
    return x[2] * ops.exp(-t * x[0]) - x[3] * ops.exp(-t * x[1]) + x[5] * ops.exp(-t * x[4]) - y


def watson(x):
    n = x.shape[0]
    t, j = np.arange(1, 30)[:, None] / 29, np.arange(1, n + 1)
    powers, slopes = t ** (j - 1), (j - 1) * t ** np.maximum(j - 2, 0)
    first = ops.matmul(data(slopes, x), x) - ops.matmul(data(powers, x), x) ** 2 - 1
    return ops.concatenate([first, ops.stack([x[0], x[1] - x[0] ** 2 - 1])])


def penalty_1(x):
    return ops.concatenate([math.sqrt(1e-5) * (x - 1), ops.sum(x**2)[None] - 0.25])


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


def variably_dimensioned(x):
    s = ops.sum(number_from(1, x.shape[0], x) * (x - 1))
    return ops.concatenate([x - 1, ops.stack([s, s**2])])


def trigonometric(x):
    n = x.shape[0]
    return n - ops.sum(ops.cos(x)) + number_from(1, n, x) * (1 - ops.cos(x)) - ops.sin(x)


def brown_almost_linear(x):
    return ops.concatenate([x[:-1] + ops.sum(x) - (x.shape[0] + 1), ops.prod(x)[None] - 1])


def broyden_tridiagonal(x):
    before, after = ops.pad(x[:-1], [[1, 0]]), ops.pad(x[1:], [[0, 1]])
    return (3 - 2 * x) * x - before - 2 * after + 1


def chebyquad(x):
    """The means of the shifted Chebyshev polynomials less their integrals, 0 or -1 / (i^2 - 1) for even i."""
    y = 2 * x - 1
    last, current, residuals = ops.ones_like(y), y, []
    for i in range(1, x.shape[0] + 1):
        residuals.append(ops.mean(current) - (0 if i % 2 else -1 / (i**2 - 1)))
        last, current = current, 2 * y * current - last
    return ops.stack(residuals)


def _case(number, name, residuals, start, *minima):
    return Case(number, name, residuals, np.array(start, "float64"), minima)


_TEN = np.arange(1, 11)
CASES = [
    _case(1, "Rosenbrock", rosenbrock, [-1.2, 1], 0.0),
    _case(2, "Freudenstein and Roth", freudenstein_roth, [0.5, -2], 0.0, 48.98425367924),
    _case(3, "Powell badly scaled", powell_badly_scaled, [0, 1], 0.0),
    _case(4, "Brown badly scaled", brown_badly_scaled, [1, 1], 0.0),
    _case(5, "Beale", beale, [1, 1], 0.0),
    _case(6, "Jennrich and Sampson", jennrich_sampson, [0.3, 0.4], 124.36218236),
    _case(7, "Helical valley", helical_valley, [-1, 0, 0], 0.0),
    _case(8, "Bard", bard, [1, 1, 1], 8.214877306e-3),
    _case(9, "Gaussian", gaussian, [0.4, 1, 0], 1.12793276961e-8),
    _case(10, "Meyer", meyer, [0.02, 4000, 250], 87.945855171),
    _case(12, "Box", box, [0, 10, 20], 0.0),
    _case(13, "Powell singular", powell_singular, [3, -1, 0, 1], 0.0),
    _case(14, "Wood", wood, [-3, -1, -3, -1], 0.0),
    _case(15, "Kowalik and Osborne", kowalik_osborne, [0.25, 0.39, 0.415, 0.39], 3.0750560385e-4),
    _case(16, "Brown and Dennis", brown_dennis, [25, 5, -5, -1], 85822.201626),
    _case(18, "Biggs EXP6", biggs_exp6, [1, 2, 1, 1, 1, 1], 0.0, 5.6556499255e-3),
    _case(20, "Watson", watson, np.zeros(6), 2.2876700536e-3),
    _case(20, "Watson", watson, np.zeros(9), 1.399760138e-6),
    _case(23, "Penalty I", penalty_1, _TEN, 7.0876514673e-5),
    _case(24, "Penalty II", penalty_2, np.full(10, 0.5), 2.9366053746e-4),
    _case(25, "Variably dimensioned", variably_dimensioned, 1 - _TEN / 10, 0.0),
    _case(26, "Trigonometric", trigonometric, np.full(10, 0.1), 0.0, 2.79505612187711e-5, 4.218633887923726e-5),
    _case(27, "Brown almost-linear", brown_almost_linear, np.full(10, 0.5), 0.0, 0.9179000997857038),
    _case(30, "Broyden tridiagonal", broyden_tridiagonal, np.full(100, -1), 0.0),
    _case(35, "Chebyquad", chebyquad, np.arange(1, 9) / 9, 3.5168737257e-3),
    _case(35, "Chebyquad", chebyquad, _TEN / 11, 6.5039548006e-3, 4.77271369637535e-3, 9.500628850221669e-3),
    _case(22, "Extended Powell singular", powell_singular, np.tile([3, -1, 0, 1], 25), 0.0),
]


def extended(n):
    """Return the problems that have any number of parameters, with n of them: a multiple of 4."""
    return [
        _case(21, "Extended Rosenbrock", extended_rosenbrock, np.tile([-1.2, 1], n // 2), 0.0),
        _case(22, "Extended Powell singular", powell_singular, np.tile([3, -1, 0, 1], n // 4), 0.0),
        _case(30, "Broyden tridiagonal", broyden_tridiagonal, np.full(n, -1), 0.0),
    ]


_HARD = (3, 4, 6, 7, 10, 14, 18, 24, 26)
HARD = [case for case in CASES if case.number in _HARD]
"""Bad scales, exponentials, a function that jumps, local minima, and rounding that hides the minimum."""

ROOM = 1 + max(len(case.start) for case in CASES)


def joint(cases):
    """Return f of the case whose place stands in x[0], of as many of the other entries as it has.

    The entries left over have gradient 0 and change nothing, so that one program runs all cases.
    """
    branches = [lambda x, case=case: case.f(x[1 : 1 + len(case.start)]) for case in cases]
    return lambda x: ops.switch(ops.cast(ops.stop_gradient(x[0]), "int32"), branches, x)


def placed(place, x):
    """Return a point of the case at a place for `joint`."""
    room = np.zeros(ROOM)
    room[0], room[1 : 1 + len(x)] = place, x
    return room


def starts(cases):
    """Yield the start of each case for `joint`."""
    return (placed(place, case.start) for place, case in enumerate(cases))

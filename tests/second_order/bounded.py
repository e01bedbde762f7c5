"""Problems with bounds: those of Moré, Garbow and Hillstrom in boxes as of Gay (1984), ten of Hock and Schittkowski."""

import dataclasses
import functools
import math

import numpy as np
from keras import ops

from keras_ch8.integration import backend
from keras_ch8.second_order.contract import Problem
from keras_ch8.second_order.loop import Status, solve
from tests.second_order import mgh
from tests.second_order.functions import stop
from tests.second_order.peers import for_scipy

INF = np.inf
ROOM = 1 + 100


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """A function of its first n entries, where it begins, and its bounds."""

    name: str
    f: object
    start: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def padded(self, place):
        """Return start and bounds for `joint`: the place of the case, its entries, and some without meaning."""
        n = len(self.start)
        x, low, high = np.zeros(ROOM), np.full(ROOM, -INF), np.full(ROOM, INF)
        low[1 : n + 1], high[1 : n + 1] = self.low, self.high
        x[0], x[1 : n + 1] = place, self.start
        return np.clip(x, low, high), low, high


def joint(cases):
    """Return f of the case whose place stands in x[0]: one program runs all."""
    branches = [lambda x, case=case: case.f(x[1 : 1 + len(case.start)]) for case in cases]
    return lambda x: ops.switch(ops.cast(ops.stop_gradient(x[0]), "int32"), branches, x)


BOXES = [
    ([-50, 0], [0.5, 100]), ([0, -30], [20, -0.9]), ([0, 1], [1, 9]), ([0, 3e-5], [1e6, 100]), ([0.6, 0.5], [10, 100]),
    ([0.26, 0], [10, 20]), ([-100, -1, -1], [0.8, 1, 1]), ([0.1, 0, 0], [50, 100, 50]),
    ([0.398, 1, -0.5], [4.2, 2, 0.1]), ([0.006, 0, 0], [2, 3e5, 3e4]), ([0, 5, 0], [2, 9.5, 20]),
    ([0.1, -20, -1, -1], [100, 20, 1, 50]), ([-100] * 4, [0, 10, 100, 100]), ([0, -1, 0.13, 0.12], [10, 12, 13, 12]),
    ([-10, 0, -100, -20], [100, 15, 0, 0.2]), ([0, 0, 0, 1, 0, 0], [2, 8, 1, 7, 5, 5]),
    ([-0.015, *[-INF] * 5], [INF, 0.9, *[INF] * 4]),
    ([-1e-5, 0, 0, 0, 0, -3, 0, -3, 0], [1e-5, 0.9, 0.1, 1, 1, 0, 4, 0, 2]),
    ([0, 1, 0, 0, 0, 1, 0, 0, 0, 1], [100] * 10),
    ([-10, 0.1, 0, 0.05, 0, -10, 0, 0.2, 0, 0], [50] * 9 + [0.5]), ([0] * 10, [*range(10, 100, 10), 0.5]),
    ([*range(0, 100, 10)], [*range(10, 110, 10)]), ([0] * 10, [100] * 9 + [0.5]), ([-100] * 100, [0.5, -0.3] * 50),
    ([0, 0, 0.1, 0, 0, 0.5, 0, 0], [0.04, 0.2, 0.3, *[1] * 5]),
    ([0, 0.1, 0.2, 0, 0, 0.5, 0, 0.5, 0, 0], [1, 0.2, 0.3, 0.4, 0.4, *[1] * 5]),
    ([0.1, -20, -1, -1] * 25, [100, 20, 1, 50] * 25),
]  # fmt: skip
"""Of the cases of `mgh`, in their order; most of their free minima lie outside."""


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def hs5(x):
    return ops.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1


def hs25(x):
    i = 0.01 * np.arange(1, 100)
    u = mgh.data(25 + (-50 * np.log(i)) ** (2 / 3), x)
    away = u - x[1]
    power = ops.where(away > 0, ops.power(ops.where(away > 0, away, 1), x[2]), 0)
    return ops.sum((ops.exp(-power / x[0]) - mgh.data(i, x)) ** 2)


def hs38(x):
    two = rosenbrock(x[:2]) + 90 * (x[3] - x[2] ** 2) ** 2 + (1 - x[2]) ** 2
    return two + 10.1 * ((x[1] - 1) ** 2 + (x[3] - 1) ** 2) + 19.8 * (x[1] - 1) * (x[3] - 1)


def hs110(x):
    return ops.sum(ops.log(x - 2) ** 2 + ops.log(10 - x) ** 2) - ops.prod(x) ** 0.2


HOCK = [
    ("HS1", rosenbrock, [-2, 1], [-INF, -1.5], [INF, INF]),
    ("HS2", rosenbrock, [-2, 1], [-INF, 1.5], [INF, INF]),
    ("HS3", lambda x: x[1] + 1e-5 * (x[1] - x[0]) ** 2, [10, 1], [-INF, 0], [INF, INF]),
    ("HS4", lambda x: (x[0] + 1) ** 3 / 3 + x[1], [1.125, 0.125], [1, 0], [INF, INF]),
    ("HS5", hs5, [0, 0], [-1.5, -3], [4, 3]),
    ("HS25", hs25, [100, 12.5, 3], [0.1, 0, 0], [100, 25.6, 5]),
    ("HS38", hs38, [-3, -1, -3, -1], [-10] * 4, [10] * 4),
    ("HS45", lambda x: 2 - ops.prod(x) / math.factorial(5), [2] * 5, [0] * 5, [1, 2, 3, 4, 5]),
    ("HS110", hs110, [9] * 10, [2.001] * 10, [9.999] * 10),
    ("S229", rosenbrock, [-1.2, 1], [-2, -2], [2, 2]),
]  # fmt: skip

CASES = [
    *(
        Case(f"MGH {case}", case.f, case.start, *(np.array(each, "float64") for each in box))
        for case, box in zip(mgh.CASES, BOXES, strict=True)
    ),
    *(Case(name, f, *(np.array(each, "float64") for each in rest)) for name, f, *rest in HOCK),
]


def ours(method, cases=CASES, gtol=1e-8):
    """Return value, evaluations and status of each case, and whether it stayed within the bounds."""
    problem = Problem.of(joint(cases))

    def run(x, low, high, when):
        end = solve(problem, method, problem.at(x)._replace(bounds=(low, high)), method.init(ROOM, "float64"), when)
        return end.best, end.status, end.totals.evaluations

    program, ends = backend.trace(functools.partial(run)), []
    for place, case in enumerate(cases):
        best, status, count = program(
            *map(ops.convert_to_tensor, case.padded(place)), stop(gtol=gtol, max_iterations=5000)
        )
        ends.append((float(best.value), 1 + int(count), Status(int(status)), best.x.numpy()[1 : len(case.start) + 1]))
    return ends


def scipys(cases=CASES, gtol=1e-8):
    """Return value and evaluations of each case by SciPy's L-BFGS-B."""
    from scipy import optimize

    f, ends = for_scipy(joint(cases)), []
    options = {"maxcor": 10, "maxfun": 100_000, "maxiter": 5000, "ftol": 1e-15, "gtol": gtol}
    for place, case in enumerate(cases):
        x, low, high = case.padded(place)
        with np.errstate(all="ignore"):
            end = optimize.minimize(
                f, x, jac=True, method="L-BFGS-B", bounds=np.transpose([low, high]), options=options
            )
        ends.append((float(end.fun), end.nfev))
    return ends

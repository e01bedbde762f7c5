"""The problems of Moré, Garbow and Hillstrom solved by a method of ours and by SciPy, from the same f and gradient."""

import functools

import numpy as np
from keras import ops

from keras_ch8.integration import backend
from keras_ch8.second_order.loop import Status
from tests.second_order.functions import runner
from tests.second_order.mgh import CASES, joint, starts

SCIPY = {"L-BFGS-B": {"maxcor": 10, "maxfun": 100_000, "ftol": 1e-15}, "BFGS": {}, "CG": {}}


def for_scipy(f, wrap=backend.trace):
    """Return f and its gradient as SciPy calls them: NumPy in, NumPy out."""
    program = wrap(functools.partial(backend.value_and_gradient, f))

    def call(x):
        value, gradient = program(ops.convert_to_tensor(x))
        return float(value), gradient.numpy()

    return call


def ours(method, cases=CASES):
    """Return, for each case, whether it is solved, the evaluations, and how it ended."""
    run = runner(joint(cases), method)
    ends = [run(x, gtol=1e-10, max_iterations=5000) for x in starts(cases)]
    solved = [case.is_solved_by(float(end.best.value)) for case, end in zip(cases, ends, strict=True)]
    evaluations = [1 + int(end.totals.evaluations) for end in ends]
    return np.array(solved), np.array(evaluations), [Status(int(end.status)) for end in ends]


@functools.cache
def scipys(method):
    """Return, for each case, whether SciPy solves it, and the evaluations."""
    from scipy import optimize

    f, options = for_scipy(joint(CASES)), {"gtol": 1e-10, "maxiter": 5000, **SCIPY[method]}
    with np.errstate(all="ignore"):
        ends = [optimize.minimize(f, x, jac=True, method=method, options=options) for x in starts(CASES)]
    solved = [case.is_solved_by(end.fun) for case, end in zip(CASES, ends, strict=True)]
    return np.array(solved), np.array([end.nfev for end in ends])

"""Functions to minimize, and ways to run a method on them without XLA."""

import functools

import numpy as np
from keras import ops

from keras_ch8.extend import Point, Problem
from keras_ch8.integration import backend
from keras_ch8.second_order.loop import Stop, solve


def rosenbrock(x):
    """Chained: 0 at (1, ..., 1)."""
    return ops.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def poisson(x):
    """The likelihood of a count of 10: NaN below 0, smallest at 10."""
    return ops.sum(x - 10 * ops.log(x))


def barrier(x):
    """Finite in a triangle only."""
    return -ops.log(x[0]) - ops.log(1 - x[0] - x[1]) + 50 * (x[1] - 0.2) ** 2


def quadratic(eigenvalues, seed=0):
    """Return a quadratic with its minimum 0 at 0, its Hessian, and a start with all eigenvectors in it."""
    rng = np.random.default_rng(seed)
    n = len(eigenvalues)
    vectors = np.linalg.qr(rng.normal(size=(n, n)))[0]
    hessian = (vectors * np.asarray(eigenvalues, "float64")) @ vectors.T
    matrix = ops.convert_to_tensor(hessian)
    return (lambda x: ops.sum(x * ops.matmul(matrix, x)) / 2), hessian, vectors @ rng.uniform(1, 2, size=n)


def start(f, x0):
    """Return the problem and the first point, as tensors."""
    problem = Problem.of(f)
    return problem, problem.at(ops.convert_to_tensor(np.asarray(x0)))


def iterations(f, x0, method, count, state=None):
    """Yield point, state and info of each iteration, made op by op."""
    problem, point = start(f, x0)
    state = state or method.init(point.x.shape[0], point.x.dtype.name)
    for _ in range(count):
        point, state, info = method.iterate(problem, point, state)
        yield point, state, info


def stop(dtype="float64", gtol=1e-8, ftol=0.0, xtol=0.0, max_iterations=1000):
    """Return when to stop, as tensors."""
    tolerances = [ops.convert_to_tensor(np.asarray(t, dtype)) for t in (gtol, ftol, xtol)]
    return Stop(*tolerances, max_iterations=ops.convert_to_tensor(np.asarray(max_iterations, "int32")))


def runner(f, method, wrap=backend.trace):
    """Return a function of a start, or of a point where a run was left.

    It runs the loop as one graph: quicker to make than XLA, slower to run.
    """
    problem = Problem.of(f)
    program = wrap(functools.partial(solve, problem, method))

    def run(x0, state=None, **options):
        point = x0 if isinstance(x0, Point) else problem.at(ops.convert_to_tensor(np.asarray(x0)))
        n, dtype = point.x.shape[0], point.x.dtype.name
        return program(point, state or method.init(n, dtype), stop(dtype, **options))

    return run

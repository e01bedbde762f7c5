"""Evaluations of the methods of section 8.6 until they reach a minimum, beside SciPy's and MINPACK's of the same kind.

    python benchmarks/second_order.py [--methods CG,Newton] [--starts 1,10,100] [--sizes 1000,5000] [--json FILE]

The 27 problems of Moré, Garbow and Hillstrom in float64, from multiples of their start. An evaluation is one of value
and gradient (`lm`: of the residuals). Counted are those until the value is within 1e-8 of a known minimum, relative to
it: of ours at the end of an iteration, of the peer at once. Both see the same compiled function. "ratio" is of the
sums over the problems where both reach it; "lost" are those that only the peer solves; "over 2x" those where we take
more than twice its evaluations. `--sizes` adds problems of so many parameters for L-BFGS and CG, and the CPU time of an
evaluation with all that the method does besides. The time of compiling is left out.
"""

import argparse
import functools
import json
import pathlib
import sys
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import numpy as np
from keras import ops
from scipy import optimize

from keras_ch8.extend import Problem
from keras_ch8.integration import backend
from keras_ch8.second_order.loop import Recording, begin, iterate
from keras_ch8.second_order.methods import BFGS, LBFGS, ConjugateGradient, LevenbergMarquardt, Newton
from tests.second_order.functions import stop
from tests.second_order.mgh import CASES, extended, joint, placed
from tests.second_order.peers import SCIPY, for_scipy

METHODS = {
    "CG": (ConjugateGradient(), "CG"),
    "Newton": (Newton(), "trust-exact"),
    "LM": (LevenbergMarquardt(), "lm"),
    "L-BFGS": (LBFGS(), "L-BFGS-B"),
    "BFGS": (BFGS(), "BFGS"),
}
ALONE = {"Newton", "LM"}
"""They compute matrices of n^2 numbers: each problem has a program of its own size."""
MOST = 2000


def levels(case):
    """Return the values below which each minimum counts as reached."""
    known = np.array(case.minima)
    return known + 1e-8 * np.abs(known) + 1e-12


def solver(problem, method, minima):
    """Return a program that counts the evaluations until each of so many levels."""

    def run(x, reached, when):
        def add(log, before, after, info):
            count, hits = log
            count = count + info.evaluations
            return count, ops.where((hits == 0) & (after.value <= reached), count, hits)

        start = begin(problem.at(x), method.init(x.shape[0], "float64"), when)
        log = (ops.ones((), "int32"), ops.zeros((minima,), "int32"))
        end, (count, hits) = iterate(problem, method, start, when, Recording(log, add))
        return end.best.value, count, hits

    program = backend.trace(run)

    def call(x, case):
        reached = np.full(minima, -np.inf)
        reached[: len(case.minima)] = levels(case)
        when = stop(gtol=1e-10, max_iterations=MOST)
        value, count, hits = program(*map(ops.convert_to_tensor, (x, reached)), when)
        return float(value), int(count), hits.numpy()[: len(case.minima)]

    return call


def ours_until(case, value, hits):
    """Return the evaluations until the minimum that the run ends in, or None."""
    return next(
        (
            int(n)
            for f, level, n in zip(case.minima, levels(case), hits, strict=True)
            if 2 * f - level <= value <= level
        ),
        None,
    )


def theirs(peer, x, f, **derivatives):
    """Return the value of each evaluation of a peer."""
    values = []

    def counted(x, f=f):
        found = f(x)
        values.append(float(found @ found) if peer == "lm" else found[0])
        return found

    with np.errstate(all="ignore"):
        try:
            if peer == "lm":
                optimize.leastsq(counted, x, maxfev=MOST, gtol=1e-15, xtol=1e-15, ftol=1e-15, **derivatives)
            else:
                options = {"gtol": 1e-10, "maxiter": MOST, **SCIPY.get(peer, {})}
                optimize.minimize(counted, x, jac=True, method=peer, options=options, **derivatives)
        except (ValueError, np.linalg.LinAlgError):  # a peer that meets NaN
            pass
    return np.minimum.accumulate(np.nan_to_num(values, nan=np.inf))


def theirs_until(case, best):
    """Return the evaluations until the minimum that the peer ends in, or None."""
    for f, level in zip(case.minima, levels(case), strict=True):
        if 2 * f - level <= best[-1] <= level:
            return int(np.argmax(best <= level)) + 1
    return None


def pair(name, case):
    """Return a program of ours, and one of the peer, for one problem: `(x -> (value, hits), x -> values)`."""
    method, peer = METHODS[name]
    problem = Problem.of_squares(case.residuals) if peer == "lm" else Problem.of(case.f)
    solve = solver(problem, method, len(case.minima))
    if peer == "lm":
        both = backend.trace(functools.partial(backend.value_and_jacobian, case.residuals))
        parts = [lambda x, i=i: both(ops.convert_to_tensor(x))[i].numpy() for i in (0, 1)]
        return solve, lambda x: theirs(peer, x, parts[0], Dfun=parts[1])
    more = {}
    if peer == "trust-exact":
        hessian = backend.trace(problem.hessian)
        more = {"hess": lambda x: hessian(ops.convert_to_tensor(x)).numpy()}
    f = for_scipy(case.f)
    return solve, lambda x: theirs(peer, x, f, **more)


def rows_of(name, starts):
    """Yield a row for each problem and start: `(problem, ours, theirs)`, None where the minimum is not reached."""
    method, peer = METHODS[name]
    if name not in ALONE:
        most = max(len(case.minima) for case in CASES)
        solve, f = solver(Problem.of(joint(CASES)), method, most), for_scipy(joint(CASES))
        peers = functools.partial(theirs, peer, f=f)
    for place, case in enumerate(CASES):
        if name in ALONE:
            solve, peers = pair(name, case)
        for times in starts if case.start.any() else starts[:1]:
            x = case.start * times if name in ALONE else placed(place, case.start * times)
            value, _, hits = solve(x, case)
            label = f"{case}" + (f" x{times:g}" if times != 1 else "")
            yield label, ours_until(case, value, hits), theirs_until(case, peers(x))


def seconds_of(call, x, *case):
    """Return what a call returns the second time, and its CPU time."""
    call(x, *case)
    since = time.process_time()
    found = call(x, *case)
    return found, time.process_time() - since


def large(name, sizes):
    """Yield a row for each large problem, with the milliseconds of an evaluation: `(problem, ours, theirs, ms, ms)`."""
    for n in sizes:
        for case in extended(n):
            solve, peers = pair(name, case)
            (value, count, hits), own = seconds_of(solve, case.start, case)
            best, other = seconds_of(peers, case.start)
            times = 1e3 * own / count, 1e3 * other / len(best)
            yield str(case), ours_until(case, value, hits), theirs_until(case, best), *times


def summary(name, rows):
    """Return the sums of a method as a row of the table, and the names of what is lost and what takes too long."""
    both = [(a, b) for _, a, b, *_ in rows if a and b]
    sums = [sum(column) for column in zip(*both, strict=True)] or [0, 0]
    lost = [label for label, a, b, *_ in rows if b and not a]
    over = [f"{label} {a}:{b}" for label, a, b, *_ in rows if a and b and a > 2 * b]
    won = sum(bool(a and not b) for _, a, b, *_ in rows)
    return {
        "method": name, "peer": METHODS[name][1], "both": len(both), "ours": sums[0], "theirs": sums[1],
        "ratio": round(sums[0] / sums[1], 3) if both else None, "won": won, "lost": lost, "over": over,
    }  # fmt: skip


def show(found):
    """Print one row, and what is lost and over."""
    print(
        f"{found['method']:7} {found['peer']:12} {found['both']:5} {found['ours']:7} {found['theirs']:7} "
        f"{found['ratio'] or 0:6.2f} {found['won']:5} {len(found['lost']):5} {len(found['over']):8}",
        flush=True,
    )
    for what in ("lost", "over"):
        if found[what]:
            print(f"        {what}: {', '.join(found[what])}", flush=True)


def main():
    """Print a table, and one of the large problems if asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--starts", default="1")
    parser.add_argument("--sizes", default="")
    parser.add_argument("--device", default="cpu", choices=["cpu"])
    parser.add_argument("--json")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    starts, sizes = ([float(s) for s in text.split(",") if s] for text in (options.starts, options.sizes))
    numbers = {}
    print(f"{'method':7} {'peer':12} {'both':>5} {'ours':>7} {'theirs':>7} {'ratio':>6} {'won':>5} {'lost':>5} over 2x")
    for name in options.methods.split(","):
        rows = list(rows_of(name, starts))
        numbers[name] = summary(name, rows) | {"rows": rows}
        show(numbers[name])
    for name in {"L-BFGS", "CG"} & set(options.methods.split(",")) if sizes else ():
        rows = list(large(name, [int(n) for n in sizes]))
        numbers[f"{name}, large"] = summary(name, rows) | {"rows": rows}
        show(numbers[f"{name}, large"])
        for label, a, b, own, other in rows:
            print(f"        {label:36} {a or '-':>6} {b or '-':>6}   {own:.2f} and {other:.2f} ms an evaluation")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(numbers, indent=1))


if __name__ == "__main__":
    main()

"""Minimize with `keras_ch8.second_order` and its peers, in the same run, from the same starts.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benchmarks/second_order.py [--only mgh|rosenbrock] [--json out.json]

mgh: the 27 problems of Moré, Garbow and Hillstrom in float64. Solved is f - f* <= 1e-5 |f*| + 1e-8 for a known minimum
f*, within 5000 iterations; evaluations of f with its gradient are summed over the problems that both solve, and the
ratio is ours over the peer's. They run without XLA, which would compile for minutes and count the same.

rosenbrock: chained, 1000 parameters, from (-1.2, 1, -1.2, 1, ...), until no entry of the gradient is above 1e-5. CPU
and wall seconds are the least of several runs after the first; the ratio is the peer's CPU time over ours, so above 1
we are faster. "first" is the first run: tracing and compiling. SciPy calls the same function, compiled by XLA; torch
its own.
"""

import functools
import sys
import warnings
from pathlib import Path

import harness

from keras_ch8 import second_order

warnings.filterwarnings("ignore")
sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from keras import ops
from scipy import optimize

from keras_ch8.integration import backend
from tests.second_order import peers
from tests.second_order.mgh import CASES, joint, starts

try:
    import torch
except ImportError:
    torch = None

try:
    import tensorflow_probability as tfp
except ImportError:
    tfp = None

METHODS = {
    "LBFGS": (second_order.methods.LBFGS(), "L-BFGS-B"),
    "LBFGS, HagerZhang": (second_order.methods.LBFGS(line_search=second_order.line_search.HagerZhang()), "L-BFGS-B"),
    "BFGS": (second_order.methods.BFGS(), "BFGS"),
    "BFGS, HagerZhang": (second_order.methods.BFGS(line_search=second_order.line_search.HagerZhang()), "BFGS"),
    "ConjugateGradient": (second_order.methods.ConjugateGradient(), "CG"),
}


def rosenbrock(x):
    """Return the chained function of Rosenbrock, in any library of arrays."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def scipy_on(f, x0, **options):
    """Return f at the end, iterations and evaluations of SciPy."""
    options = {**peers.SCIPY["L-BFGS-B"], **options}
    end = optimize.minimize(f, x0, jac=True, method="L-BFGS-B", options=options)
    return float(end.fun), int(end.nit), int(end.nfev)


def ours_on(run, x0, **options):
    """Return f at the end, iterations and evaluations of ours."""
    end = run(x0, **options)
    return end.fun, end.nit, end.nfev


def torch_on(x0, gtol):
    """Return f at the end, iterations and evaluations of torch, on the function of Rosenbrock."""
    x = torch.tensor(x0, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [x], max_iter=20_000, max_eval=10**6, tolerance_grad=gtol, tolerance_change=0, history_size=10,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure():
        optimizer.zero_grad()
        value = rosenbrock(x)
        value.backward()
        return value

    optimizer.step(closure)
    state = optimizer.state[x]
    return float(rosenbrock(x)), state["n_iter"], state["func_evals"]


def tfps(name, f, wrap, **options):
    """Return a function of a start: f at the end, iterations and evaluations of TensorFlow Probability."""
    memory = {"lbfgs": {"num_correction_pairs": 10}, "bfgs": {}}[name]
    method = functools.partial(getattr(tfp.optimizer, f"{name}_minimize"), **memory, **options)
    program = wrap(lambda x0: method(functools.partial(backend.value_and_gradient, f), initial_position=x0))

    def run(x0):
        end = program(ops.convert_to_tensor(x0))
        return float(end.objective_value), int(end.num_iterations), int(end.num_objective_evaluations)

    return run


@functools.cache
def tfp_on_mgh(name):
    """Return, for each case, whether TensorFlow Probability solves it, and the evaluations."""
    run = tfps(name, joint(CASES), backend.trace, tolerance=1e-10, max_iterations=5000)
    ends = [run(x) for x in starts(CASES)]
    solved = [case.is_solved_by(value) for case, (value, _, _) in zip(CASES, ends, strict=True)]
    return np.array(solved), np.array([evaluations for _, _, evaluations in ends])


def mgh():
    """Yield a row for each method and peer."""
    for name, (method, scipys) in METHODS.items():
        solved, evaluations, _ = peers.ours(method)
        others = {f"scipy {scipys}": peers.scipys(scipys)}
        if tfp and scipys != "CG":
            others[f"tfp {scipys}"] = tfp_on_mgh("lbfgs" if scipys == "L-BFGS-B" else "bfgs")
        for peer, (by_peer, count) in others.items():
            both = solved & by_peer
            mine, other = evaluations[both], count[both]
            yield {
                "method": name, "peer": peer, "solved": int(solved.sum()), "peer solved": int(by_peer.sum()),
                "evaluations": int(mine.sum()), "peer evaluations": int(other.sum()),
                "ratio": float(mine.sum() / other.sum()), "worst ratio": float((mine / other).max()),
                "unsolved": [str(case) for case, ok in zip(CASES, solved, strict=True) if not ok],
            }  # fmt: skip


def timed(call, rounds):
    """Return what a call returns, seconds of its first run, and the least CPU and wall seconds of later ones."""
    end, _, first = harness.timed(call)
    cpu, wall = (min(column) for column in zip(*(harness.timed(call)[1:] for _ in range(rounds)), strict=True))
    return end, first, cpu, wall


def rosenbrock_1000(rounds=5):
    """Yield a row for each contender; the first is ours."""
    x0 = np.tile([-1.2, 1.0], 500)

    def f(x):
        return ops.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    host = peers.for_scipy(f, backend.compile_xla)
    contenders = {
        name: functools.partial(ours_on, second_order.Minimizer(f, METHODS[name][0]), x0, max_iterations=20_000)
        for name in ("LBFGS", "LBFGS, HagerZhang")
    }
    contenders["scipy L-BFGS-B"] = functools.partial(scipy_on, host, x0, maxiter=20_000, gtol=1e-5, ftol=0)
    if tfp:
        tolerances = {"tolerance": 1e-5, "max_iterations": 20_000}
        contenders["tfp lbfgs"] = functools.partial(tfps("lbfgs", f, backend.compile_xla, **tolerances), x0)
    if torch:
        torch.set_num_threads(1)
        contenders["torch LBFGS"] = functools.partial(torch_on, x0, 1e-5)
    ours = None
    for name, call in contenders.items():
        (value, iterations, evaluations), first, cpu, wall = timed(call, rounds)
        ours = ours or cpu
        yield {
            "method": name, "f": value, "iterations": iterations, "evaluations": evaluations, "first": first,
            "cpu": cpu, "wall": wall, "ratio": cpu / ours,
        }  # fmt: skip


PARTS = {"mgh": mgh, "rosenbrock": rosenbrock_1000}


def main():
    """Print the tables and write them."""
    options = harness.options(__doc__, "second_order.json", only="")
    for name, peer in (("torch", torch), ("tensorflow-probability", tfp)):
        if peer is None:
            print(f"{name} is not installed here: its rows are left out.")
    results = {}
    for name in options.only.split(",") if options.only else PARTS:
        results[name] = []
        for row in PARTS[name]():
            if not results[name]:
                print(f"\n{name}\n" + " | ".join(row))
            print(" | ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()), flush=True)
            results[name].append(row)
    harness.save(options.json, results)


if __name__ == "__main__":
    main()

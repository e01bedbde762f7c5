"""Train on digits in `fit` with `LBFGS`, beside SciPy and torch on the same loss from the same start.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benchmarks/second_order_fit.py [--json second_order_fit.json]

Full batch of 1797 digits, L2 of 1e-4, until no entry of the gradient is above 1e-5 or 500 iterations: a logistic
regression (650 weights) and a tanh MLP 64-32-10 (2410 weights). CPU and wall seconds are medians over the rounds, in
turn, of a training after the first, `fit` and all; SciPy calls the same loss and gradient, compiled by XLA. "first" is
the CPU and wall time of the first `fit`: Keras's own, tracing, compiling, and its iterations. The ratio is CPU time
over ours in the same round: its median, the smallest and the largest.
"""

import statistics
import warnings

import harness

warnings.filterwarnings("ignore")

import keras
import numpy as np
from scipy import optimize
from sklearn.datasets import load_digits

from keras_ch8 import optimizers
from keras_ch8.integration import backend
from keras_ch8.optimizers import _batch_loss

try:
    import torch
except ImportError:
    torch = None

GTOL, ITERATIONS, L2 = 1e-5, 500, 1e-4
PROBLEMS = {"logistic, float64": ([], "float64"), "mlp, float64": ([32], "float64"), "mlp, float32": ([32], "float32")}


class Ours:
    """A model in `fit`."""

    def __init__(self, units, dtype, x, y):
        keras.utils.set_random_seed(0)
        reg = keras.regularizers.L2(L2)
        hidden = [keras.layers.Dense(n, "tanh", kernel_regularizer=reg) for n in units]
        self.model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10, kernel_regularizer=reg)])
        self.optimizer = optimizers.LBFGS(iterations_per_step=ITERATIONS, gtol=GTOL)
        self.model.compile(self.optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        self.calls = {}
        self.x, self.y = x.astype(dtype), y.astype("int32")
        self.start = self.model.get_weights()
        self.optimizer.build(self.model.trainable_variables)
        self.blank = [v.numpy() for v in self.optimizer.variables]
        stack = _batch_loss.stacks_of([(self.x, self.y, None)])
        self.loss = backend.compile_xla(
            lambda theta: _batch_loss.BatchLoss(self.model, stack, dtype).value_and_gradient(theta)
        )
        self.flat = np.concatenate([w.ravel() for w in self.start]).astype(dtype)

    def fit(self):
        """Train from the start; return the loss at the end, and the iterations."""
        self.model.set_weights(self.start)
        for variable, value in zip(self.optimizer.variables, self.blank, strict=True):
            variable.assign(value)
        self.model.fit(self.x, self.y, batch_size=len(self.x), epochs=1, verbose=0)
        return float(self.optimizer.kept["value"].numpy()), int(self.optimizer.iterations.numpy())

    def evaluations(self):
        """Train once more, with telemetry, and return how often the loss was computed."""
        self.optimizer.listen(rows=1, measure_every=1)
        self.model.train_function = None
        _, iterations = self.fit()
        return 1 + int(self.optimizer.telemetry.read(1, iterations).numbers["evaluations"].sum())

    def scipy(self):
        """Return the same of SciPy."""

        def f(theta):
            value, gradient = self.loss(backend.as_tensor(theta.astype(self.flat.dtype)))
            return float(value), gradient.numpy().astype("float64")

        options = {"maxiter": ITERATIONS, "maxfun": 10**6, "gtol": GTOL, "ftol": 0, "maxcor": 10}
        end = optimize.minimize(f, self.flat.astype("float64"), jac=True, method="L-BFGS-B", options=options)
        self.calls["scipy L-BFGS-B"] = end.nfev
        return float(end.fun), int(end.nit)

    def torch(self):
        """Return the same of torch, with its own network."""
        dtype = getattr(torch, self.flat.dtype.name)
        weights = [torch.tensor(w, dtype=dtype, requires_grad=True) for w in self.start]
        x, y = torch.tensor(self.x), torch.tensor(self.y, dtype=torch.int64)
        optimizer = torch.optim.LBFGS(
            weights, max_iter=ITERATIONS, max_eval=10**6, tolerance_grad=GTOL, tolerance_change=0, history_size=10,
            line_search_fn="strong_wolfe",
        )  # fmt: skip

        def value():
            a = x
            for i in range(0, len(weights), 2):
                a = (torch.tanh(a) if i else a) @ weights[i] + weights[i + 1]
            penalty = sum((w**2).sum() for w in weights[::2])
            return torch.nn.functional.cross_entropy(a, y) + L2 * penalty

        def closure():
            optimizer.zero_grad()
            loss = value()
            loss.backward()
            return loss

        optimizer.step(closure)
        self.calls["torch LBFGS"] = optimizer.state[weights[0]]["func_evals"]
        return float(value()), optimizer.state[weights[0]]["n_iter"]


def main():
    """Measure, print the table, write JSON."""
    options = harness.options(__doc__, "second_order_fit.json", rounds=5)
    x, y = load_digits(return_X_y=True)
    results = {}
    for name, (units, dtype) in PROBLEMS.items():
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)
        ours = Ours(units, dtype, x / 16, y)
        calls = {"keras_ch8 fit": ours.fit, "scipy L-BFGS-B": ours.scipy}
        if torch:
            torch.set_num_threads(1)
            calls["torch LBFGS"] = ours.torch
        firsts = {who: harness.timed(call)[1:] for who, call in calls.items()}
        spent = {who: [] for who in calls}
        for _ in harness.rounds(options):
            for who, call in calls.items():
                spent[who].append(harness.timed(call))
        ours.calls["keras_ch8 fit"] = ours.evaluations()
        heads = f"{'loss':>12}{'iterations':>12}{'evaluations':>12}{'CPU s':>8}{'wall s':>8}{'ratio':>8}"
        print(f"{name:20}{heads}{'':18}{'first':>14}")
        of_cpu = {who: [cpu for _, cpu, _ in runs] for who, runs in spent.items()}
        for who, runs in spent.items():
            loss, iterations = runs[-1][0]
            cpu, wall = (statistics.median(column) for column in list(zip(*runs, strict=True))[1:])
            calls, ratio = ours.calls[who], harness.ratio(of_cpu[who], of_cpu["keras_ch8 fit"])
            first_cpu, first_wall = firsts[who]
            print(
                f"{who:20}{loss:12.7f}{iterations:12d}{calls:12d}{cpu:8.3f}{wall:8.3f}{ratio}"
                f"{first_cpu:7.2f}{first_wall:7.2f}"
            )
            results[f"{name}, {who}"] = {"loss": loss, "iterations": iterations, "evaluations": calls, "cpu": cpu,
                                         "wall": wall, "ratio": ratio, "first_cpu": first_cpu,
                                         "first_wall": first_wall}  # fmt: skip
    harness.save(options.json, results)


if __name__ == "__main__":
    main()

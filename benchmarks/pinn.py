"""Solve four differential equations with small networks: the error after equal CPU time, of six ways to train.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benchmarks/pinn.py [--cpu 20] [--json pinn.json]

u(x, y) or u(t, x) is a tanh network in float64, whose boundary and initial values are exact by construction; the loss
is the mean square of the equation's residual at fixed points. Each way starts from the same weights, on one thread, and
ends with the first step after so many CPU seconds, tracing and compiling included, which "first" shows: the CPU time
until the first step is done. The error is relative, in L2, on 101 x 101 points. SciPy and PyTorch, which is left out
where it is not installed, call the same loss and gradient, compiled by XLA. References: exact (Poisson, Helmholtz),
Cole and Hopf's integral (Burgers), a Fourier spectral method (Allen-Cahn). Published figures are of larger networks and
longer trainings, as a rule; they are cited, and not measured here.

Poisson: -(u_xx + u_yy) = 2 pi^2 sin(pi x) sin(pi y). Helmholtz: u_xx + u_yy + u = q, u = sin(pi x) sin(4 pi y).
Burgers: u_t + u u_x = (0.01 / pi) u_xx, u(0, x) = -sin(pi x); half of the points are near the shock. Allen-Cahn:
u_t = 0.0001 u_xx + 5 (u - u^3), u(0, x) = x^2 cos(pi x), periodic in x.
"""

import contextlib
import importlib.util
import time
import warnings

import harness

warnings.filterwarnings("ignore")

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from scipy import integrate, optimize
from scipy.stats import qmc

from keras_ch8 import optimizers
from keras_ch8.integration import backend
from keras_ch8.optimizers import _batch_loss

PI, NU = np.pi, 0.01 / np.pi
PUBLISHED = {
    "Poisson": "1e-6 to 1e-8, energy natural gradient; 1e-3 to 1e-4, Adam and BFGS (arXiv 2302.13163)",
    "Helmholtz": "3.2e-3, self-adaptive weights, Adam and L-BFGS (arXiv 2009.04544)",
    "Burgers": "6.7e-4, L-BFGS, 8 layers of 20 (arXiv 1711.10561)",
    "Allen-Cahn": "2.1e-2, self-adaptive weights (arXiv 2009.04544); 1.4e-4, causal weights (arXiv 2203.07404)",
}


class Equation(keras.Model):
    """A network that is to solve an equation; a subclass says which."""

    units, n_points = (20, 20), 900
    low, high = (-1, -1), (1, 1)

    def __init__(self):
        super().__init__()
        hidden = [keras.layers.Dense(n, "tanh") for n in self.units]
        self.net = keras.Sequential([*hidden, keras.layers.Dense(1)])

    def call(self, x):
        """Return u, 0 at the edge of the square."""
        return (1 - x[:, :1] ** 2) * (1 - x[:, 1:] ** 2) * self.net(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the mean square of the residuals."""
        return ops.mean(ops.square(self.compute_residuals(x, y, sample_weight)))

    def derivatives(self, x):
        """Return u, its two first derivatives and its two second ones, each of shape (points, 1)."""
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                u = self(x)
            first = tf.split(inner.gradient(u, x), 2, axis=1)
        return u, *first, *(outer.gradient(du, x)[:, i : i + 1] for i, du in enumerate(first))

    def points(self):
        """Return where the equation is to hold: a Sobol sequence."""
        return qmc.scale(qmc.Sobol(2, seed=0).random(self.n_points), self.low, self.high)

    def grid(self):
        """Return where the error is measured."""
        axes = [np.linspace(a, b, 101) for a, b in zip(self.low, self.high, strict=True)]
        return np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=1)

    def error(self, truth):
        """Return the relative L2 error."""
        return float(np.linalg.norm(self(self.grid()).numpy()[:, 0] - truth) / np.linalg.norm(truth))


class Poisson(Equation):
    """u = sin(pi x) sin(pi y)."""

    def compute_residuals(self, x, y=None, sample_weight=None):
        """Return how far the equation is from holding."""
        _, _, _, u_xx, u_yy = self.derivatives(x)
        return u_xx + u_yy + 2 * PI**2 * ops.sin(PI * x[:, :1]) * ops.sin(PI * x[:, 1:])

    def truth(self):
        """Return u on the grid."""
        return np.prod(np.sin(PI * self.grid()), axis=1)


class Helmholtz(Equation):
    """u = sin(pi x) sin(4 pi y)."""

    def compute_residuals(self, x, y=None, sample_weight=None):
        """Return how far the equation is from holding."""
        u, _, _, u_xx, u_yy = self.derivatives(x)
        return u_xx + u_yy + u - (1 - 17 * PI**2) * ops.sin(PI * x[:, :1]) * ops.sin(4 * PI * x[:, 1:])

    def truth(self):
        """Return u on the grid."""
        return np.prod(np.sin(PI * np.array([1, 4]) * self.grid()), axis=1)


class Burgers(Equation):
    """A wave that steepens to a shock at x = 0."""

    units, n_points = (20, 20, 20), 2048
    low = (0, -1)

    def call(self, x):
        """Return u, exact at the start and at both ends."""
        t, x_ = x[:, :1], x[:, 1:]
        return -ops.sin(PI * x_) + t * (1 - x_**2) * self.net(x)

    def compute_residuals(self, x, y=None, sample_weight=None):
        """Return how far the equation is from holding."""
        u, u_t, u_x, _, u_xx = self.derivatives(x)
        return u_t + u * u_x - NU * u_xx

    def points(self):
        """Return points of which half are near the shock."""
        points = super().points()
        near = points[: self.n_points // 2]
        near[:, 1] = 0.03 * np.sinh(near[:, 1] * np.arcsinh(1 / 0.03))
        return points

    def truth(self):
        """Return u on the grid: Cole and Hopf's integral, by Gauss and Hermite."""
        z, weight = np.polynomial.hermite.hermgauss(100)
        t, x = np.split(self.grid(), 2, axis=1)
        from_ = x - 2 * np.sqrt(NU * t) * z
        weight = weight * np.exp(-np.cos(PI * from_) / (2 * PI * NU))
        return -np.sum(weight * np.sin(PI * from_), axis=1) / np.sum(weight, axis=1)


class AllenCahn(Equation):
    """Two phases that sharpen from a smooth start."""

    units, n_points = (20, 20, 20), 2048
    low = (0, -1)

    def call(self, x):
        """Return u, exact at the start and periodic."""
        t, x_ = x[:, 0], x[:, 1]
        inputs = ops.stack([t, *(wave(k * PI * x_) for k in (1, 2) for wave in (ops.cos, ops.sin))], axis=1)
        return x[:, 1:] ** 2 * ops.cos(PI * x[:, 1:]) + x[:, :1] * self.net(inputs)

    def compute_residuals(self, x, y=None, sample_weight=None):
        """Return how far the equation is from holding."""
        u, u_t, _, _, u_xx = self.derivatives(x)
        return u_t - 1e-4 * u_xx - 5 * (u - u**3)

    def truth(self):
        """Return u on the grid: 256 Fourier modes, and SciPy's integrator of high order."""
        n, (t, x) = 256, (np.linspace(0, 1, 101), np.linspace(-1, 1, 101))
        x0, k = -1 + 2 * np.arange(n) / n, PI * np.fft.rfftfreq(n, 1 / n)

        def slope(_, u):
            return 1e-4 * np.fft.irfft(-(k**2) * np.fft.rfft(u)) + 5 * (u - u**3)

        u = integrate.solve_ivp(slope, (0, 1), x0**2 * np.cos(PI * x0), "DOP853", t, rtol=1e-11, atol=1e-12).y.T
        waves = np.fft.rfft(u) * np.where(np.arange(len(k)) % (n // 2), 2, 1) / n
        return np.real(waves @ np.exp(1j * np.outer(k, x + 1))).ravel()


def train(model, optimizer, seconds, copies=1):
    """Train in `fit` for some CPU seconds; return those until the first step was done, and the iterations."""
    begun, first = time.process_time(), []
    x = np.concatenate([model.points()] * copies)
    model.compile(optimizer, steps_per_execution=copies, jit_compile=copies > 1)

    def look(epoch, logs):
        first.append(time.process_time() - begun)
        model.stop_training |= first[-1] > seconds

    watch = keras.callbacks.LambdaCallback(on_epoch_end=look)
    size = len(x) // copies
    model.fit(x, batch_size=size, epochs=10**6, shuffle=False, callbacks=[watch], verbose=0)
    return first[0], int(optimizer.iterations.numpy()), first[-1]


def adam(model, seconds):
    """Train with Adam, by the schedule of arXiv 2405.04230."""
    rate = keras.optimizers.schedules.ExponentialDecay(5e-3, 1000, 0.98)
    return train(model, keras.optimizers.Adam(rate), seconds, copies=50)


def lbfgs(model, seconds):
    """Train with L-BFGS."""
    return train(model, optimizers.LBFGS(history_size=50, iterations_per_step=50, gtol=0), seconds)


def ssbroyden(model, seconds):
    """Train with the self-scaled Broyden method."""
    return train(model, optimizers.SSBroyden(iterations_per_step=50, gtol=0), seconds)


def natural_gradient(model, seconds):
    """Train with the natural gradient."""
    return train(model, optimizers.NaturalGradient(iterations_per_step=5, gtol=0), seconds)


def by_another(model, seconds, minimize):
    """Let `minimize(f, start, look)` minimize the same loss, compiled by XLA, and look after each iteration."""
    begun, first = time.process_time(), []
    model.compile(loss=None)
    stacks = _batch_loss.stacks_of([(ops.convert_to_tensor(model.points()), None, None)])
    loss = backend.compile_xla(lambda theta: _batch_loss.BatchLoss(model, stacks, "float64").value_and_gradient(theta))
    shapes = [tuple(v.shape) for v in model.trainable_variables]

    def f(theta):
        value, gradient = loss(backend.as_tensor(theta))
        return float(value), gradient.numpy()

    def look(theta):
        first.append(time.process_time() - begun)
        parts = np.split(theta, np.cumsum([int(np.prod(s)) for s in shapes])[:-1])
        for v, part, shape in zip(model.trainable_variables, parts, shapes, strict=True):
            v.assign(part.reshape(shape))
        if first[-1] > seconds:
            raise StopIteration

    with contextlib.suppress(StopIteration):  # SciPy takes it for the end, PyTorch does not
        minimize(f, np.concatenate([v.numpy().ravel() for v in model.trainable_variables]), look)
    return first[0], len(first), first[-1]


def scipy_bfgs(model, seconds):
    """Minimize with SciPy's BFGS."""

    def minimize(f, start, look):
        def callback(intermediate_result):
            look(intermediate_result.x)

        optimize.minimize(f, start, jac=True, method="BFGS", callback=callback, options={"gtol": 0, "maxiter": 10**6})

    return by_another(model, seconds, minimize)


def torch_lbfgs(model, seconds):
    """Minimize with PyTorch's L-BFGS, in float64 and by the strong Wolfe conditions."""
    import torch

    torch.set_num_threads(1)

    def minimize(f, start, look):
        theta = torch.tensor(start, requires_grad=True)
        optimizer = torch.optim.LBFGS(
            [theta], max_iter=1, max_eval=100, tolerance_grad=0, tolerance_change=0, history_size=50,
            line_search_fn="strong_wolfe",
        )  # fmt: skip  # by default an iteration has one evaluation, which is no line search

        def closure():
            value, gradient = f(theta.detach().numpy())
            theta.grad = torch.from_numpy(gradient.copy())
            return torch.tensor(value, dtype=torch.float64)

        while True:
            optimizer.step(closure)
            look(theta.detach().numpy())

    return by_another(model, seconds, minimize)


EQUATIONS = {"Poisson": Poisson, "Helmholtz": Helmholtz, "Burgers": Burgers, "Allen-Cahn": AllenCahn}
WAYS = {
    "Adam": adam, "L-BFGS": lbfgs, "SSBroyden": ssbroyden, "natural gradient": natural_gradient,
    "SciPy BFGS": scipy_bfgs, "torch L-BFGS": torch_lbfgs,
}  # fmt: skip
OURS = ("L-BFGS", "SSBroyden", "natural gradient")


def measure(name, seconds, ways):
    """Print and return how each way did on an equation."""
    found, truth = {}, None
    for way in ways:
        keras.utils.set_random_seed(0)
        model = EQUATIONS[name]()
        model(model.points()[:2])
        truth = model.truth() if truth is None else truth
        first, iterations, spent = WAYS[way](model, seconds)
        loss = float(model.compute_loss(ops.convert_to_tensor(model.points())))
        numbers = {"weights": model.count_params(), "iterations": iterations, "first": first, "cpu": spent}
        found[way] = {**numbers, "loss": loss, "error": model.error(truth)}
        print(
            f"{name:12s}{way:18s}{numbers['weights']:8d}{iterations:12d}{first:8.1f}{spent:8.1f}{loss:10.1e}"
            f"{found[way]['error']:10.1e}", flush=True,
        )  # fmt: skip
    if "SciPy BFGS" in found:
        best = min((found[way]["error"], way) for way in OURS if way in found)
        times = found["SciPy BFGS"]["error"] / best[0]
        print(f"{'':12s}best of ours: {best[1]}, {times:.3g} times more exact than SciPy. Published: {PUBLISHED[name]}")
    return found


def main():
    """Measure all, or those that are asked for."""
    ways = [way for way in WAYS if way != "torch L-BFGS" or importlib.util.find_spec("torch")]
    options = harness.options(__doc__, "pinn.json", equations=",".join(EQUATIONS), ways=",".join(ways), cpu=20.0)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.config.set_floatx("float64")
    print(f"{'equation':12s}{'way':18s} weights  iterations   first   CPU s      loss     error")
    found = {name: measure(name, options.cpu, options.ways.split(",")) for name in options.equations.split(",")}
    harness.save(options.json, found)


if __name__ == "__main__":
    main()

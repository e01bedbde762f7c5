"""Pictures of section 8.6: approximate second-order methods."""

from typing import Any

import keras
import numpy as np

from keras_ch8 import extend, optimizers, second_order
from keras_ch8._plot import GREY

from . import style, surfaces


def iterates(surface: surfaces.Surface, method: extend.Method, start: Any, steps: int) -> np.ndarray:
    """Return the points that a method visits, [steps + 1, 2], out of a run for each."""

    def f(theta: Any) -> Any:
        return surface.f(theta[0], theta[1])

    run = second_order.minimize
    ends = [run(f, np.array(start), method, max_iterations=k, gtol=0.0).x for k in range(1, steps + 1)]
    return np.array([start, *ends])


def differential_equation() -> Any:
    """8.6: a network that solves a differential equation, by Adam alone and with L-BFGS after it."""
    with style.in_float64():
        example = style.example("s8_6_pinn")
        alone, both = example.network(), example.network()
        cosine = example.schedules.CosineDecay
        example.fit("adam_alone", alone, optimizers.Adam(cosine(0.04)), 20)
        example.fit("adam_first", both, optimizers.Adam(cosine(0.01)), 4)
        solver = optimizers.LBFGS(history_size=50, iterations_per_step=example.STEPS)
        example.fit("then_lbfgs", both, solver, 8)
    runs = {name: example.keras_ch8.read_run(f"{example.LOG_DIR}/{name}")["epoch/loss"]
            for name in ("adam_alone", "adam_first", "then_lbfgs")}  # fmt: skip
    figure, (left, right) = style.figure("A differential equation solved by a network: L-BFGS after Adam")
    left.plot(example.T, example.u(example.T), color=GREY, linewidth=5, alpha=0.5, label="solution u")
    left.plot(example.T, both.predict_on_batch(example.T), label="network", **style.look(1))
    style.done(left, "u'' = f with u = 0 at both ends", "x", "u")
    right.plot(100 * np.arange(1, 21), runs["adam_alone"].values, label="Adam alone", **style.look(0))
    first, then = runs["adam_first"].values, runs["then_lbfgs"].values
    steps = 100 * np.arange(1, 1 + len(first) + len(then))
    right.plot(steps, [*first, *then], label="Adam, then L-BFGS", marker=".", **style.look(1))
    right.axvline(steps[len(first) - 1], color=GREY, linewidth=1)
    style.done(right, "Mean of (u'' - f) squared", "step", "loss", log="y")
    return figure


def newton() -> Any:
    """8.6.1: one step on a quadratic, and to a saddle point unless it is kept from that."""
    figure, (left, right) = style.figure("Newton's method is at the minimum at once - or at a saddle point")
    ravine, start = surfaces.ravine(condition=8.0), (8.0, 2.0)
    style.levels(left, ravine.value, (-3, 9), (-2.6, 2.6))
    style.walk(left, style.path(optimizers.SGD(0.22), ravine, start, 25), 0, "SGD, 25 steps")
    style.walk(left, iterates(ravine, second_order.methods.Newton(damping=0.0), start, 1), 1, "Newton, 1 step")
    style.done(left, "A quadratic", "x", "y", legend="lower left")
    saddle, start = surfaces.saddle(), (1.5, 0.5)
    style.levels(right, saddle.value, (-1, 2), (-1, 2), log=False)
    style.walk(right, style.path(optimizers.SGD(0.1), saddle, start, 14), 0, "SGD")
    style.walk(right, iterates(saddle, second_order.methods.Newton(damping=0.0), start, 1), 1, "Newton as printed")
    style.walk(right, iterates(saddle, second_order.methods.SaddleFreeNewton(), start, 2), 2, "saddle-free Newton")
    right.set(xlim=(-1, 2), ylim=(-1, 2))
    style.done(right, "A saddle", "x", "y", legend="lower left")
    return figure


def conjugate_gradients() -> Any:
    """8.6.2: steepest descent undoes what it did, conjugate gradients do not (figure 8.6)."""
    figure, (left, right) = style.figure("Steepest descent zigzags; conjugate gradients keep what they have won")
    ravine = surfaces.ravine(condition=8.0)
    style.levels(left, ravine.value, (-1.5, 8.8), (-1.3, 1.3))
    names = {"steepest descent": optimizers.SteepestDescent, "conjugate gradients": optimizers.ConjugateGradient}
    with style.in_float64():
        example = style.example("s8_6_2_conjugate_gradients")
        start_20 = np.random.default_rng(0).normal(size=20)
        for number, (name, optimizer) in enumerate(names.items()):
            _, been = example.quadratic(f"plane_{number}", optimizer, [1, 8], [8, 1], (12, 2)[number])
            style.walk(left, been, number, name)
            losses, _ = example.quadratic(f"space_{number}", optimizer, example.EIGENVALUES, start_20, 8)
            seen = losses / losses[0]
            seen = seen[: 1 + int(np.argmax(np.append(seen, 0) < 1e-16))]
            right.plot(seen, marker="o", label=name, **style.look(number))
    style.done(left, "Exact line searches, condition 8", "x", "y", legend="")
    style.done(right, "20 weights, 4 eigenvalues", "step", "loss, over that at the start", log="y", legend="lower left")
    return figure


def bfgs() -> Any:
    """8.6.3: curvature from gradients alone."""
    figure, (left, right) = style.figure("BFGS learns the curvature from gradients alone")
    with style.in_float64():
        example = style.example("s8_6_3_bfgs")
        x, y = example.load_digits(return_X_y=True)
        nll = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        names = {"steepest": "steepest descent", "adam": "Adam", "lbfgs": "L-BFGS", "bfgs": "BFGS"}
        for number, (name, label) in enumerate(names.items()):
            model, optimizer = example.network([]), example.RUNS[name](0.3)
            model.compile(optimizer, nll, steps_per_execution=1, jit_compile=False)
            copies = example.STEPS if name == "adam" else 1
            data = [np.concatenate([part] * copies) for part in (x / 16, y)]
            run = style.fit(model, *data, batch_size=len(x), epochs=10, shuffle=False)
            if name == "adam":
                losses, norms = run["step/loss"].values, run["step/gradient_norm"].values
                spent = np.arange(1, 1 + len(losses))
            else:
                log = optimizer.telemetry.read(1, int(optimizer.iterations))
                spent, losses, norms = np.cumsum(log.numbers["evaluations"]), log.loss, log.norm
            for ax, values in ((left, losses), (right, norms)):
                ax.plot(spent, values, label=label, **style.look(number))
    left.set_ylim(0.04, 3)
    style.done(left, "Softmax regression on digits", "evaluations of the gradient", "loss [nats]", log="y", legend="")
    style.done(right, "All examples in each step", "evaluations of the gradient", "gradient norm", log="y")
    return figure

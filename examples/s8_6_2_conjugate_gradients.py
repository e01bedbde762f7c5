"""Section 8.6.2: steepest descent undoes in each step some of what it did before; conjugate gradients do not.

Where a line search ends the slope along the line is 0, so the next gradient is orthogonal to it: in a ravine, steepest
descent zigzags, and on a quadratic of condition number k each step from the worst start multiplies the loss by
((k - 1) / (k + 1))^2 (figure 8.6). Conjugate gradients keep, along all directions gone before, what was won there:
they end a quadratic of 20 weights after as many steps as its Hessian has different eigenvalues, here 4.

Then a network learns handwritten digits, with all examples in each step. Its loss is no quadratic; both search along
lines until the strong Wolfe conditions hold, and conjugate gradients forget when a direction is not downhill.

    .venv/bin/python examples/s8_6_2_conjugate_gradients.py
    .venv/bin/tensorboard --logdir runs/s8_6_2_conjugate_gradients

What to look for under Time Series: step/loss (as a logarithm), a straight line in ravine_steepest, and a fall to
nothing at step 4 of eigenvalues_conjugate; in the runs on digits, step/solver_evaluations, what a line search costs.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import optimizers, second_order

LOG_DIR = "runs/s8_6_2_conjugate_gradients"
CONDITION = 50
EIGENVALUES = np.repeat([1.0, 5.0, 20.0, 100.0], 5)


def fit(name, model, optimizer, data, loss, epochs):
    """Train with all data in each step; return the losses, with that at the end, and the first weights after each."""
    model.compile(optimizer, loss)
    been = [np.ravel(model.get_weights()[0])]
    record = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: been.append(np.ravel(model.get_weights()[0]))
    )
    callbacks = [record, keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")]
    losses = model.fit(*data, batch_size=len(data[0]), epochs=epochs, callbacks=callbacks, verbose=0).history["loss"]
    x, y = map(keras.ops.convert_to_tensor, data)
    return np.array([*losses, model.compute_loss(x, y, model(x))]), np.array(been)


def quadratic(name, optimizer, eigenvalues, start, steps):
    """Minimize (1/2) w . diag(eigenvalues) w, as the loss of a linear regression."""
    n = len(eigenvalues)
    model = keras.Sequential([keras.Input((n,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.reshape(start, (n, 1))])
    data = np.diag(np.sqrt(n * np.asarray(eigenvalues) / 2)), np.zeros((n, 1))
    return fit(name, model, optimizer(line_search=second_order.line_search.Exact()), data, "mse", steps)


def main():
    """Minimize five times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few steps of some runs only, for the tests")
    quick = parser.parse_args().quick
    keras.config.set_floatx("float64")

    steepest, conjugate = optimizers.SteepestDescent, optimizers.ConjugateGradient
    losses, been = quadratic("ravine_steepest", steepest, [1, CONDITION], [CONDITION, 1], 30)
    steps = np.diff(been, axis=0)
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    factor = losses[-1] / losses[-2]
    print(f"ravine of condition {CONDITION}: {len(steps)} steps; the cosine of a step with the last is at most "
          f"{np.max(np.abs(np.sum(steps[1:] * steps[:-1], axis=1))):.0e},\nwith the one before that "
          f"{np.min(np.sum(steps[2:] * steps[:-2], axis=1)):.6f}; the loss is {factor:.6f} of the last, "
          f"((k-1)/(k+1))^2 is {((CONDITION - 1) / (CONDITION + 1)) ** 2:.6f}", flush=True)  # fmt: skip

    print(f"\n20 weights, eigenvalues {sorted(set(EIGENVALUES.tolist()))}: loss after k steps, over that at the start")
    start = np.random.default_rng(0).normal(size=20)
    for name, optimizer in {"eigenvalues_steepest": steepest, "eigenvalues_conjugate": conjugate}.items():
        losses, _ = quadratic(name, optimizer, EIGENVALUES, start, 5)
        print(f"{name:24s}" + "".join(f"{loss:10.1e}" for loss in losses[1:] / losses[0]), flush=True)

    x, y = load_digits(return_X_y=True)
    nll = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    print("\ndigits                  iterations   evaluations   loss", flush=True)
    for name, optimizer in [("digits_conjugate", conjugate), ("digits_steepest", steepest)][: 1 if quick else 2]:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(32, "tanh"), keras.layers.Dense(10)])
        solver = optimizer(iterations_per_step=10)
        losses, _ = fit(name, model, solver, (x / 16, y), nll, 2 if quick else 30)
        done = int(solver.iterations)
        evaluations = int(solver.telemetry.read(1, done).numbers["evaluations"].sum())
        print(f"{name:24s}{done:10d}{evaluations:14d}{losses[-1]:11.1e}", flush=True)

    print(f"\nTo see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

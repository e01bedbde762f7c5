"""Section 8.6.1: Newton's method ends a quadratic in one step, and goes to saddle points unless it is kept from them.

The loss of a linear regression is a quadratic; with inputs of scale 1 and 100 its condition number is 10^4. Newton's
method is at the minimum after one step, gradient descent at its best rate has not come near it after a hundred.

Then a network of four tanh units, a . tanh(w x), learns a sine. Where all its weights are 0 is a saddle point, and
Newton's method as printed (algorithm 8.8 without damping), which solves for a gradient of 0 and does not ask which way
is down, goes there from nearby and stays. Damping by more than the most negative eigenvalue leaves; so do conjugate
gradients that stop at negative curvature, and |H| in the place of H.

    .venv/bin/python examples/s8_6_1_newton.py
    .venv/bin/tensorboard --logdir runs/s8_6_1_newton

What to look for under Time Series: step/loss of quadratic_newton, gone after one step; step/solver_eigenvalue_smallest,
below 0 to the end in saddle_as_printed, and rising towards 0 in saddle_damped and saddle_free; step/solver_damping of
saddle_damped is always larger than it is negative. In saddle_truncated, step/solver_negative_curvature is 1 where it
ended the conjugate gradients.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_ch8
from keras_ch8 import monitors, optimizers

LOG_DIR = "runs/s8_6_1_newton"
SADDLE = {
    "saddle_as_printed": lambda: optimizers.Newton(damping=0.0),
    "saddle_truncated": lambda: optimizers.TruncatedNewton(),
    "saddle_damped": lambda: optimizers.Newton(),
    "saddle_free": lambda: optimizers.SaddleFreeNewton(),
}


def fit(name, model, optimizer, x, y, epochs):
    """Train with all data in each step, and return the losses, that at the end included."""
    model.compile(optimizer, "mse")
    board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
    losses = model.fit(x, y, batch_size=len(x), epochs=epochs, callbacks=[board], verbose=0).history["loss"]
    return [*losses, monitors.spectrum(model, x, y).loss]


def quadratic(steps):
    """Minimize a quadratic by two methods, and print how far they came."""
    x = np.linalg.qr(np.random.default_rng(0).normal(size=(64, 2)))[0] * 8 * [1, 100]
    y = x @ [[1.0], [0.01]]
    print("quadratic of condition 1e4          loss at the start, after a step, after", steps, "steps", flush=True)
    best = 1 / (1 + 100**2)  # 2 / (lambda_min + lambda_max); the Hessian of the loss is diag(2, 2 100^2)
    for name, optimizer in {"newton": optimizers.Newton(damping=0.0), "sgd": optimizers.SGD(best)}.items():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
        losses = fit(f"quadratic_{name}", model, optimizer, x, y, steps)
        print(f"{name:20s}{losses[0]:33.1e}{losses[1]:14.1e}{losses[-1]:13.1e}", flush=True)


def main():
    """Minimize six times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few steps of some runs only, for the tests")
    quick = parser.parse_args().quick
    keras.config.set_floatx("float64")
    quadratic(steps=20 if quick else 100)

    x = np.linspace(-2, 2, 64)[:, None]
    y = np.sin(1.5 * x)
    print("\nnear a saddle point       steps   loss    |theta|   lambda_min   ended", flush=True)
    for name, optimizer in list(SADDLE.items())[: 2 if quick else 4]:
        layers = [keras.layers.Dense(4, "tanh", use_bias=False), keras.layers.Dense(1, use_bias=False)]
        model = keras.Sequential([keras.Input((1,)), *layers])
        model.set_weights([np.array([[0.3, 0.2, -0.1, 0.2]]), np.array([[-0.2], [-0.3], [0.1], [0.1]])])
        loss = fit(name, model, optimizer(), x, y, 10 if quick else 40)[-1]
        size = np.sqrt(sum(np.sum(w**2) for w in model.get_weights()))
        smallest = monitors.spectrum(model, x, y).smallest
        print(f"{name:23s}{int(model.optimizer.iterations):6d}{loss:11.5f}{size:9.2f}{smallest:11.4f}   "
              f"{(model.optimizer.stop_reason or 'all steps made').split(':')[0]}", flush=True)  # fmt: skip

    print(f"\nTo see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

"""Section 8.6.3: BFGS learns the curvature from gradients alone; L-BFGS keeps ten pairs of vectors and no matrix.

A softmax regression and a small network learn handwritten digits, with all examples in each step, and a weak L2
penalty, so that the loss has a minimum. The differences of gradients tell BFGS how the loss is curved, and its steps
need hardly any search: about one evaluation of loss and gradient for each. BFGS keeps a matrix of n^2 numbers for n
weights, L-BFGS 20 n numbers. Steepest descent has the same line search; Adam has one evaluation a step, and for each
model the best of five rates a factor of three apart, decayed to 0 along a cosine. All start at the same weights.

    .venv/bin/python examples/s8_6_3_bfgs.py
    .venv/bin/tensorboard --logdir runs/s8_6_3_bfgs

What to look for under Time Series: step/loss and step/gradient_norm (as logarithms), which falls furthest for lbfgs and
bfgs; step/solver_step_length, 1 for nearly every step of the two, and step/solver_evaluations. On the screen, CPU
seconds are those after the first epoch, in which XLA compiles.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import optimizers, schedules

LOG_DIR = "runs/s8_6_3_bfgs"
STEPS = 25
MODELS = {"regression": ([], 0.3, 12), "network": ([16], 0.1, 32)}  # hidden units, the rate for Adam, epochs
RUNS = {
    "bfgs": lambda rate: optimizers.BFGS(iterations_per_step=STEPS),
    "lbfgs": lambda rate: optimizers.LBFGS(iterations_per_step=STEPS),
    "steepest": lambda rate: optimizers.SteepestDescent(iterations_per_step=STEPS),
    "adam": lambda rate: optimizers.Adam(schedules.CosineDecay(rate)),
}


def network(units):
    """Return a network with a weak L2 penalty, so that the loss has a minimum; the same seed gives the same start."""
    keras.utils.set_random_seed(0)
    decay = {"kernel_regularizer": keras.regularizers.L2(1e-4)}
    hidden = [keras.layers.Dense(n, "tanh", **decay) for n in units]
    return keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10, **decay)])


def main():
    """Train seven times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs of the regression only, for the tests")
    quick = parser.parse_args().quick
    keras.config.set_floatx("float64")
    x, y = load_digits(return_X_y=True)
    nll = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    print("                      iterations   evaluations   CPU s        loss     |g|   numbers kept per weight")
    pairs = [(kind, name) for kind in MODELS for name in RUNS if (kind, name) != ("network", "steepest")]
    for kind, name in pairs[: 2 if quick else 7]:
        units, rate, epochs = MODELS[kind]
        model, optimizer, clock = network(units), RUNS[name](rate), []
        copies = STEPS if name == "adam" else 1  # an epoch of so many steps, each with all the data, in one program
        model.compile(optimizer, nll, steps_per_execution=copies, jit_compile=copies > 1)
        data = [np.concatenate([part] * copies) for part in (x / 16, y)]
        look = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs, clock=clock: clock.append(time.process_time())
        )
        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{kind}_{name}")
        model.fit(
            *data, batch_size=len(x), epochs=2 if quick else epochs, shuffle=False, callbacks=[look, board], verbose=0
        )

        done = evaluations = int(optimizer.iterations)
        if name != "adam":
            evaluations = int(optimizer.telemetry.read(1, done).numbers["evaluations"].sum())
        loss = model.evaluate(x / 16, y, batch_size=len(x), verbose=0)
        size = np.linalg.norm(keras_ch8.curvature.gradient(model, x / 16, y))
        kept = sum(np.size(v) for v in optimizer.variables) / model.count_params()
        print(f"{kind:11s}{name:9s}{done:12d}{evaluations:14d}{clock[-1] - clock[0]:8.2f}{loss:12.7f}{size:8.0e}"
              f"{kept:14.1f}", flush=True)  # fmt: skip

    print(f"\nTo see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

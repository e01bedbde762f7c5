"""Section 8.2.3: near a saddle point the gradient is small and the loss high; what leads away is negative curvature.

A network of tanh units is to fit a function of six inputs. With all weights 0 it sits on a saddle point: by symmetry
only the last bias has a gradient, and nothing is ever learned. With tiny random weights gradient descent grows away
from it by a factor of 1 + rate |lambda_min| a step, first invisibly, then at once; momentum and Adam leave sooner.
Weights of the usual scale start beside the saddle point and do not notice it.

    .venv/bin/python examples/s8_2_3_saddle_points.py
    .venv/bin/tensorboard --logdir runs/s8_2_3_saddle_points

What to look for under Time Series: step/loss, a plateau and then a fall; step/gradient_norm (as a logarithm), a line
that rises all along the plateau of tiny_sgd; diagnosis/eigenvalue_smallest below 0 as long as the plateau lasts. Under
Text, diagnosis/verdicts calls it by its name.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_ch8
from keras_ch8 import monitors, optimizers

LOG_DIR = "runs/s8_2_3_saddle_points"
RATE, TINY, WINDOW = 0.02, 1e-6, 16
RUNS = {
    "zero_sgd": (0.0, lambda: optimizers.SGD(RATE)),
    "tiny_sgd": (TINY, lambda: optimizers.SGD(RATE)),
    "tiny_momentum": (TINY, lambda: optimizers.Momentum(RATE, momentum=0.9)),
    "tiny_adam": (TINY, lambda: optimizers.Adam(0.001)),
    "random_sgd": (0.4, lambda: optimizers.SGD(RATE)),
}


def function(rng, examples):
    """Return inputs, and a function of them with variance 1."""
    x = rng.normal(size=(examples, 6))
    y = np.tanh(x @ rng.normal(size=(6, 3))) @ rng.normal(size=3)
    return x.astype("float32"), (y / y.std()).astype("float32")


def network(scale, optimizer):
    """Return a compiled network whose weights start with this standard deviation."""
    keras.utils.set_random_seed(0)
    sizes = [{"kernel_initializer": keras.initializers.RandomNormal(stddev=scale, seed=seed)} for seed in (1, 2)]
    hidden = keras.layers.Dense(16, "tanh", **sizes[0])
    model = keras.Sequential([keras.Input((6,)), hidden, keras.layers.Dense(1, **sizes[1])])
    model.compile(optimizer, "mse")
    return model


def main():
    """Train five times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    epochs = 2 if parser.parse_args().quick else 40

    x, y = function(np.random.default_rng(0), 1152)
    probe, x, y = (x[:128], y[:128]), x[128:], y[128:]
    print("              at the start:                     steps until the   loss at   verdict")
    print("                  |g|   eigenvalues from    to   loss is halved   the end   saddle", flush=True)
    for name, (scale, optimizer) in RUNS.items():
        model = network(scale, optimizer())
        start = monitors.spectrum(model, x, y)
        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
        checks = ["step_length", "gradient_norm", "spectrum"]
        diagnosis = keras_ch8.callbacks.Diagnosis(probe, checks, measure_every=lambda step: step % 16 == 1, budget=None)
        model.fit(x, y, batch_size=64, epochs=epochs, callbacks=[board, diagnosis], verbose=0)
        losses = np.convolve(diagnosis.log.rows.loss, np.ones(WINDOW) / WINDOW, "valid")
        halved = [f"{step}" for step in np.flatnonzero(losses < start.loss / 2)[:1] + WINDOW]
        verdict = {v.kind: f"{v.level}, since step {v.step}" for v in diagnosis.verdicts}.get("saddle", "-")
        print(f"{name:14s}{start.gradient_norm:7.1e}{start.smallest:19.2f}{start.largest:6.2f}"
              f"{halved[0] if halved else 'never':>17s}{losses[-1]:10.3f}   {verdict}", flush=True)  # fmt: skip
        if name == "tiny_sgd":
            foreseen = np.log(1 / TINY) / np.log(1 - RATE * start.smallest)

    print(
        f"""
At that curvature gradient descent makes weights of {TINY:g} as large as 1 in {foreseen:.0f} steps.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()

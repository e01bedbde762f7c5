"""Section 8.2.6: a gradient may be inexact by chance, which averages out, or by mistake, which does not.

A network tells handwritten digits apart. Its first layer has tanh units whose gradient was written by hand: once as it
is, 1 - tanh(z)^2, once with a slip, 1 - z^2, which is nearly the same as long as z is small. The gradient of a
minibatch is further from the gradient of all data than that of the slip; but it is right on average, and the network
learns, even from 4 examples a step, while the slip carries it away. check_gradient compares each variable with finite
differences: only the slip is found wrong, and the layer it is in.

    .venv/bin/python examples/s8_2_6_inexact_gradients.py
    .venv/bin/tensorboard --logdir runs/s8_2_6_inexact_gradients

What to look for under Time Series: step/loss of slip climbs and ends in NaN, and step/nonfinite says since when; those
of right and sampled come down. Under Text, diagnosis/verdicts of slip names no cause: that a gradient is wrong is only
seen by comparing it.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import ops
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import curvature, monitors, optimizers

LOG_DIR = "runs/s8_2_6_inexact_gradients"
NLL = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@ops.custom_gradient
def tanh(z):
    """Return the hyperbolic tangent, with its gradient."""
    return ops.tanh(z), lambda upstream: upstream * (1 - ops.square(ops.tanh(z)))


@ops.custom_gradient
def slip(z):
    """Return the hyperbolic tangent, with a gradient in which one was forgotten."""
    return ops.tanh(z), lambda upstream: upstream * (1 - ops.square(z))


RUNS = {"right": (tanh, 32, 8), "sampled": (tanh, 4, 1), "slip": (slip, 32, 8)}


def network(activation):
    """Return a compiled network; the same seed gives the same start."""
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(32, activation, name="by_hand"), keras.layers.Dense(32, "tanh", name="second")]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10, name="output")])
    model.compile(optimizers.SGD(0.1), NLL)
    return model


def main():
    """Check and train three times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few steps only, for the tests")
    quick = parser.parse_args().quick

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    truth = curvature.gradient(network(tanh), x, y)
    print("          off, by finite      off, from the gradient of all data:")
    print("          differences   +-      always   by chance, in batches     loss after   found wrong", flush=True)
    for name, (activation, batch_size, epochs) in RUNS.items():
        model = network(activation)
        check = curvature.check_gradient(model, x, y)
        off, sure = (np.max(np.abs(a / check.expected)) for a in (check.found - check.expected, check.errors))
        bias = np.linalg.norm(curvature.gradient(model, x, y) - truth) / np.linalg.norm(truth)
        chance = monitors.gradient_noise(model, x, y, parts=64).standard_error(batch_size)

        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
        diagnosis = keras_ch8.callbacks.Diagnosis((x[:256], y[:256]), "cheap")
        epochs = 1 if quick else epochs
        model.fit(x, y, batch_size=batch_size, epochs=epochs, callbacks=[board, diagnosis], verbose=0)
        loss = model.evaluate(x, y, batch_size=len(x), verbose=0)
        wrong = ", ".join(path.split("/", 1)[1] for path in check.wrong) or "-"
        print(f"{name:10s}{off:11.2%}{sure:8.2%}{bias:8.0%}{chance:11.0%} of {batch_size:2d}"
              f"{loss:14.3f}, {int(model.optimizer.iterations)} steps   {wrong}", flush=True)  # fmt: skip

    print(f"\nTo see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

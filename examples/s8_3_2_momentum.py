"""Sections 8.3.2 and 8.3.3: a velocity carries the weights along a valley across which the gradient alone swings.

A linear model whose ten inputs have scales from 1 to 0.1, so that the loss curves a hundred times more along one weight
than along another. All three have the same rate, the largest with which gradient descent does not swing along the
steepest weight. Gradient descent keeps 99 % of the error of the flattest weight at each step; momentum adds up what the
gradients agree on, up to 1 / (1 - 0.9) = 10 of them. Nesterov momentum takes the gradient where the velocity leads, so
it overshoots less.

    .venv/bin/python examples/s8_3_2_momentum.py
    .venv/bin/tensorboard --logdir runs/s8_3_2_momentum

What to look for under Time Series: step/loss, which falls fast and then creeps for sgd alone; that of momentum goes up
and down on its way, that of nesterov less; step/update_norm, where the velocity first grows.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_ch8
from keras_ch8 import optimizers

LOG_DIR = "runs/s8_3_2_momentum"
RATE = 0.5
OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(RATE),
    "momentum": lambda: optimizers.Momentum(RATE, momentum=0.9),
    "nesterov": lambda: optimizers.Nesterov(RATE, momentum=0.9, finish_at_theta=True),
}


def valley():
    """Return inputs of scales 1 to 0.1, exactly uncorrelated, and targets of a linear function of them."""
    draws = np.random.default_rng(0).normal(size=(256, 10))
    x = np.sqrt(256) * np.linalg.qr(draws)[0] * np.geomspace(1, 0.1, 10)
    return x.astype("float32"), (x @ (1 / np.geomspace(1, 0.1, 10)))[:, None].astype("float32")


def train(name, steps):
    """Return the loss after each step with all examples."""
    x, y = valley()
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(OPTIMIZERS[name](), "mse")
    board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}", measure_every=1)
    again = np.tile(x, (steps, 1)), np.tile(y, (steps, 1))
    model.fit(*again, batch_size=len(x), shuffle=False, callbacks=[board], verbose=0)
    return keras_ch8.read_run(f"{LOG_DIR}/{name}")["step/loss"].values[-steps:]


def main():
    """Train three times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="40 steps only, for the tests")
    steps = 40 if parser.parse_args().quick else 200

    print(f"{'':10s}  loss after {steps // 4:3d} steps   {steps:3d} steps   steps on which it rose")
    for name in OPTIMIZERS:
        loss = train(name, steps)
        print(f"{name:10s}  {loss[steps // 4 - 1]:20.2g}   {loss[-1]:9.2g}   {sum(np.diff(loss) > 0):3d}", flush=True)
    print(f"\nTo see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

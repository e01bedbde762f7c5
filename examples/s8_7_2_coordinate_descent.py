"""Section 8.7.2: coordinate descent is good where blocks hardly influence each other, and bad where they do.

First the book's warning, f = (x_1 - x_2)^2 + a (x_1^2 + x_2^2): a sweep of exact minimizations over x_1, then x_2,
leaves the share (1 + a)^-2 of both: the smaller a is, the more each of the two depends on the other.

Then what it is for, sparse coding: J(H, W) = sum |H| + sum (X - W'H)^2, where each image of X is a sum of few rows of
the dictionary W, weighted by its code in H. J is not convex, but it is in H alone and in W alone, and the minimum over
one row of either is a formula. The rows of W have norms of at most 1: without a bound, J would fall by making W large
and H small. Adam goes down the same J, with all weights at once, and with H and W in turns.

    .venv/bin/python examples/s8_7_2_coordinate_descent.py
    .venv/bin/tensorboard --logdir runs/s8_7_2_coordinate_descent

What to look for: under Images, how the dictionary of the run exact turns from noise into strokes; under Time Series, J
of that run, which falls at every solve, and step/loss of the two others. Adam's codes have hardly a zero.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8.optimizers import SGD, Adam, BlockCoordinateDescent

LOG_DIR = "runs/s8_7_2_coordinate_descent"
X = load_digits().data[:1000].T / 16
X -= X.mean(axis=1, keepdims=True)
ATOMS, DIGITS = 64, X.shape[1]
START = keras.utils.normalize(np.random.default_rng(0).normal(size=(ATOMS, len(X))))


def sweeps_of_quadratic(a):
    """Return how many sweeps of the book's quadratic it takes until x_2 is below 1e-6."""
    x_1, x_2 = keras.Variable(1.0, name="x_1"), keras.Variable(1.0, name="x_2")
    optimizer = BlockCoordinateDescent(SGD(1 / (2 * (1 + a))), blocks=["x_1", "x_2"])  # the minimum over one variable
    while float(x_2) > 1e-6:
        optimizer.apply([2 * (x_1 - x_2 + a * x_1), 2 * (x_2 - x_1 + a * x_2)], [x_1, x_2])
    return int(optimizer.iterations) // 2


def cost(h, w):
    """Return J for one image."""
    return (np.abs(h).sum() + np.square(X - w.T @ h).sum()) / DIGITS


def solve_codes(h, w):
    """Minimize J over each row of H, all others held: the soft threshold."""
    of_x, of_w = w @ X, w @ w.T
    for j in range(ATOMS):
        alone = of_x[j] - of_w[j] @ h + of_w[j, j] * h[j]
        h[j] = np.sign(alone) * np.maximum(np.abs(alone) - 0.5, 0) / of_w[j, j]


def solve_dictionary(h, w):
    """Minimize J over each row of W, all others held: least squares, within the bound."""
    of_x, of_h = h @ X.T, h @ h.T
    for j in np.flatnonzero(np.diag(of_h)):
        w[j] += (of_x[j] - of_h[j] @ w) / of_h[j, j]
        w[j] /= max(1, np.linalg.norm(w[j]))


def exact(name, sweeps):
    """Solve for H and W in turns, row by row, and show the dictionary; return how many solves, H and W."""
    h, w, costs = np.zeros((ATOMS, DIGITS)), START.copy(), []
    with tf.summary.create_file_writer(f"{LOG_DIR}/{name}").as_default():
        for step in range(sweeps):
            for solve in (solve_codes, solve_dictionary):
                solve(h, w)
                costs.append(cost(h, w))
            tf.summary.scalar("J", costs[-1], step)
            tiles = np.pad(w.reshape(8, 8, 8, 8), [(0, 0), (0, 0), (1, 1), (1, 1)]).swapaxes(1, 2)
            tf.summary.image("dictionary", 0.5 + tiles.reshape(1, 80, 80, 1) / np.abs(w).max() / 2, step)
    assert (np.diff(costs) < 0).all(), costs  # noqa: S101
    return len(costs), h, w


def gradient_descent(name, optimizer, epochs):
    """Train H, as a table with a row for each image, and W, as a layer; return the steps, H and W."""
    table = keras.layers.Embedding(DIGITS, ATOMS, "zeros", embeddings_regularizer=keras.regularizers.L1(1 / DIGITS))
    dictionary = keras.layers.Dense(len(X), use_bias=False, kernel_constraint=keras.constraints.MaxNorm(1.0, axis=1))
    model = keras.Sequential([keras.Input(()), table, dictionary])
    dictionary.kernel.assign(START)
    model.compile(optimizer, lambda x, of_code: keras.ops.sum((x - of_code) ** 2, -1), steps_per_execution=20)
    data = tf.data.Dataset.from_tensors((np.arange(DIGITS), X.T)).repeat()
    board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
    model.fit(data, epochs=epochs, steps_per_epoch=20, shuffle=False, callbacks=[board], verbose=0)
    return 20 * epochs, table.embeddings.numpy().T, dictionary.kernel.numpy()


def report(name, way, *args):
    """Code the digits in one way, print a line, and return J."""
    began, (steps, h, w) = time.process_time(), way(name, *args)
    print(f"  {name:28s}{steps:>10d}{cost(h, w):>10.4f}{(h == 0).mean():>13.1%}{time.process_time() - began:>9.2f}")
    return cost(h, w)


def main():
    """Minimize four functions, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few steps only, for the tests")
    sweeps = 10 if parser.parse_args().quick else 100

    print("f = (x_1 - x_2)^2 + a (x_1^2 + x_2^2)     sweeps until x_2 < 1e-6   by the formula")
    for a in (1.0, 0.1) if sweeps < 100 else (1.0, 0.1, 0.01):
        print(f"  a = {a:<30g}{sweeps_of_quadratic(a):>31d}{np.ceil(np.log(1e6) / np.log1p(a) / 2):>17.0f}", flush=True)

    print(f"\nsparse coding of {DIGITS} digits   {'steps':>10s}{'J':>10s}{'zeros in H':>13s}{'CPU s':>9s}")
    rate = keras_ch8.schedules.CosineDecay(0.02)
    lowest = report("exact", exact, sweeps)
    joint = report("adam_joint", gradient_descent, Adam(rate), sweeps)
    report("adam_in_turns", gradient_descent, BlockCoordinateDescent(Adam(rate), ["embedding", "dense"], 10), sweeps)
    print(f"""
J fell at each of the exact solves, and ends {joint - lowest:.4f} below Adam's.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}""")


if __name__ == "__main__":
    main()

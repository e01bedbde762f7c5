"""Section 8.7.1: an update of all layers at once is hard to foresee; batch normalization makes it nearly first-order.

First the chain of the book, y = x w_1 w_2 ... w_20. A step of size epsilon down the gradient g changes the loss by
-epsilon g'g + (epsilon^2 / 2) g'Hg, and through twenty layers the second term is as large as the first already where
epsilon is small. With batch normalization between the layers only the last weight is left to be learned.

Then the network of Ioffe and Szegedy: handwritten digits in black and white, three layers of 100 sigmoid units, small
weights at the start, plain SGD. Without batch normalization it stands still for long; with it, it learns at once.

    .venv/bin/python examples/s8_7_1_batch_norm.py
    .venv/bin/tensorboard --logdir runs/s8_7_1_batch_norm

What to look for under Time Series: epoch/val_accuracy of the runs plain and batch_norm, and step/gradient_norm,
which is small on the plateau of the plain network.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import curvature
from keras_ch8.layers import BatchNormalization

LOG_DIR = "runs/s8_7_1_batch_norm"


def chain(normalized, length=20):
    """Return y = x w_1 ... w_20 with weights around 1.1, perhaps normalized between all of them."""
    rng, model = np.random.default_rng(0), keras.Sequential([keras.Input((1,))])
    for i in range(length):
        start = keras.initializers.Constant(1.1 + 0.1 * rng.normal())
        model.add(keras.layers.Dense(1, use_bias=False, kernel_initializer=start))
        if normalized and i < length - 1:
            model.add(BatchNormalization(center=False, scale=False))
    model.compile(loss="mse")
    return model


def orders(model, x, y):
    """Return what the terms of first and of second order say of a step of size 1, and the loss."""
    g = curvature.gradient(model, x, y)
    return g @ g, g @ curvature.hessian_vector_product(model, x, y, g) / 2


def digits():
    """Return images of 64 black or white points, and digits, to train on and to test on."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] >= 8).astype("float32"), y[order]
    return (x[:1380], y[:1380]), (x[1380:], y[1380:])


def network(normalized):
    """Return three layers of 100 sigmoid units with small weights, perhaps normalized."""
    keras.utils.set_random_seed(0)
    small, model = keras.initializers.RandomNormal(stddev=0.1), keras.Sequential([keras.Input((64,))])
    for _ in range(3):
        model.add(keras.layers.Dense(100, kernel_initializer=small))
        if normalized:
            model.add(BatchNormalization())
        model.add(keras.layers.Activation("sigmoid"))
    model.add(keras.layers.Dense(10, "softmax", kernel_initializer=small))
    return model


def train(name, normalized, steps):
    """Train for so many steps; return the accuracy on the test set after each 23 steps, an epoch."""
    model = network(normalized)
    model.compile(keras_ch8.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    data, test = digits()
    board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
    gap = keras_ch8.callbacks.Diagnosis(probe=test, checks=["batch_statistics"])
    epochs = steps // 23
    history = model.fit(*data, batch_size=60, epochs=epochs, validation_data=test, callbacks=[board, gap], verbose=0)
    return 23 * np.arange(1, steps // 23 + 1), np.array(history.history["val_accuracy"])


def main():
    """Measure the chain, train twice, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    quick = parser.parse_args().quick

    x = np.random.default_rng(1).normal(size=(256, 1)).astype("float32")
    print(f"{'y = x w_1 ... w_20':28s}{'plain':>12s}{'batch norm':>14s}")
    terms = [orders(chain(normalized), x, 2 * x) for normalized in (False, True)]
    for epsilon in (1e-4, 1e-3, 1e-2, 1e-1):
        ratios = [epsilon * second / first for first, second in terms]
        print("  second / first, {:<12g}{:10.3g}{:14.3g}".format(epsilon, *ratios))

    found = {}
    for name, normalized, steps in (("plain", False, 3000), ("batch_norm", True, 600)):
        found[name] = train(name, normalized, 69 if quick else steps)
    (steps, plain), (few, norm) = found["plain"], found["batch_norm"]
    ahead = few[norm > plain.max()]
    reached = ahead[0] if len(ahead) else f"more than {few[-1]}"
    print(
        f"""
digits, accuracy on the test set, the best of
  {steps[-1]:4d} steps without batch normalization   {plain.max():.3f}
  {few[-1]:4d} steps with it                         {norm.max():.3f}   more than without after {reached} steps
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()

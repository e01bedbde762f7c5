"""Section 8.2.4: at a cliff one steep gradient throws the weights away, and clipping its norm keeps them.

A recurrent network adds two marked numbers out of thirty (the adding problem), by plain gradient descent: once with the
gradient as it is, once with its norm clipped at 1, once at the 10 % quantile of its past norms (AutoClip).

    .venv/bin/python examples/s8_2_4_cliffs.py
    .venv/bin/tensorboard --logdir runs/s8_2_4_cliffs

What to look for under Time Series: step/gradient_norm, with its band on the page, climbs by orders of magnitude before
the unclipped loss is gone (step/nonfinite counts what is left of it); in the other two runs step/clipped_share says how
often the limit was needed. Under Text, diagnosis/report says which limit would do.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_ch8
from keras_ch8 import clipping

LOG_DIR = "runs/s8_2_4_cliffs"
LENGTH, UNITS, BATCH = 30, 50, 20
RULES = {"unclipped": None, "clipped": clipping.ByGlobalNorm(1.0), "autoclip": clipping.ByPercentile(10)}


def adding_problem(examples, seed):
    """Return sequences of (number, mark), with one mark in each half, and the sum of the two marked numbers."""
    rng = np.random.default_rng(seed)
    numbers, marks = rng.uniform(size=(examples, LENGTH)), np.zeros((examples, LENGTH))
    for low, high in ((0, LENGTH // 2), (LENGTH // 2, LENGTH)):
        marks[np.arange(examples), rng.integers(low, high, examples)] = 1
    return np.stack([numbers, marks], axis=-1).astype("float32"), (numbers * marks).sum(axis=1).astype("float32")


def network(rule):
    """Return a compiled network of tanh units; a recurrent matrix of 1.25 times a rotation lets gradients grow."""
    keras.utils.set_random_seed(1)
    growing = keras.initializers.Orthogonal(gain=1.25)
    recurrent = keras.layers.SimpleRNN(UNITS, unroll=True, recurrent_initializer=growing)
    model = keras.Sequential([keras.Input((LENGTH, 2)), recurrent, keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras_ch8.optimizers.SGD(0.1, clip=rule), "mse", jit_compile=True)
    return model


def main():
    """Train three times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    epochs = 2 if parser.parse_args().quick else 6

    x, y = adding_problem(10_000, seed=0)
    x_test, y_test = adding_problem(2_000, seed=1)
    for name, rule in RULES.items():
        model, logger = network(rule), keras_ch8.callbacks.GradientClippingLogger()
        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
        history = model.fit(x, y, batch_size=BATCH, epochs=epochs, validation_data=(x_test, y_test),
                            callbacks=[board, logger], verbose=0).history  # fmt: skip
        errors = history["val_loss"]
        print(f"{name:10s} test error {errors[-1]:.3f}, lowest {min(errors):.3f}   {logger.findings()[0]}", flush=True)

    print(
        f"""
Always saying 1 has the error {np.mean((y_test - 1) ** 2):.3f}; nan: the weights are gone.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()

"""Section 8.1.2: training minimizes a surrogate of the 0-1 loss, and learns on where the 0-1 loss has nothing to say.

The 0-1 loss has no useful gradient. Five surrogates of it teach a linear classifier whether a handwritten digit is odd:
first from the labels as they are, then with a false label for 60 of the 1200 examples, those that are easiest. Last, a
network tells the ten digits apart: it goes on after its last mistake on the training set.

    .venv/bin/python examples/s8_1_1_surrogate.py
    .venv/bin/tensorboard --logdir runs/s8_1_1_surrogate

What to look for: in the table, that outliers cost the exponential loss most, since it grows exponentially with the
margin, and the hinge least. Under Time Series, epoch/surrogate_gap_true_loss of the run ten_digits stays at 0 while
epoch/surrogate_gap_loss falls by further orders of magnitude; epoch/surrogate_gap_val_true_loss says what that brings.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import losses

LOG_DIR = "runs/s8_1_1_surrogate"
OUTLIERS = 60
SURROGATES = {
    "logistic": keras.losses.BinaryCrossentropy(from_logits=True),
    "hinge": keras.losses.Hinge(),
    "squared_hinge": keras.losses.SquaredHinge(),
    "exponential": losses.ExponentialLoss(),
    "modified_huber": losses.ModifiedHuber(),
}


def digits(train):
    """Return images and digits to train on, and those to test on."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    return x[:train], y[:train], x[train:], y[train:]


def with_outliers(x, odd):
    """Return the labels, with those inverted that a fit of least squares is surest of."""
    inputs, signs = np.column_stack([x, np.ones(len(x))]), 2 * odd - 1
    margins = signs * (inputs @ np.linalg.lstsq(inputs, signs, rcond=None)[0])
    odd = odd.copy()
    odd[np.argsort(margins)[-OUTLIERS:]] ^= 1
    return odd


def train(name, layers, loss, rate, data, epochs, *callbacks):
    """Train from the same start, and return the 0-1 loss on the examples to train and to test on, in percent."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((64,)), *layers])
    zero_one = keras_ch8.metrics.ZeroOneLoss(from_logits=True)
    optimizer = keras_ch8.optimizers.Adam(keras_ch8.schedules.CosineDecay(rate))
    model.compile(optimizer, loss, metrics=[zero_one])
    x, y, x_test, y_test = data
    board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
    model.fit(x, y, epochs=epochs, callbacks=[board, *callbacks], verbose=0,
              validation_data=(x_test, y_test) if callbacks else None, validation_batch_size=1000)  # fmt: skip
    parts = (x, y), (x_test, y_test)
    return [100 * model.evaluate(*part, batch_size=1000, verbose=0)[1] for part in parts]


def main():
    """Train eleven times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    quick = parser.parse_args().quick

    x, y, x_test, y_test = digits(1200)
    lost = {}
    print(f"{'0-1 loss in %':24s}{'train':>8s}{'test':>8s}   {OUTLIERS} outliers: {'train':>6s}{'test':>8s}")
    for name in ("hinge", "exponential") if quick else SURROGATES:
        as_they_are, outliers = (
            train(f"{name}{suffix}", [keras.layers.Dense(1, kernel_initializer="zeros")], SURROGATES[name], 0.02,
                  (x, odd, x_test, y_test % 2), 8 if quick else 30)
            for suffix, odd in (("", y % 2), ("_outliers", with_outliers(x, y % 2)))
        )  # fmt: skip
        lost[name] = outliers[1] - as_they_are[1]
        print("  {:22s}{:8.1f}{:8.1f}{:>23.1f}{:8.1f}".format(name, *as_they_are, *outliers), flush=True)

    gap = keras_ch8.callbacks.SurrogateGap()
    layers = [keras.layers.Dense(256, "relu"), keras.layers.Dense(10)]
    nll = losses.NegativeLogLikelihood(losses.likelihoods.CategoricalLikelihood())
    train("ten_digits", layers, nll, 0.01, digits(500), 25 if quick else 60, gap)
    print(
        f"""
ten digits, with the test set as validation data (nothing is chosen by it):
{gap.findings()[0] if gap.findings() else "Too short to say."}

The outliers cost the exponential loss {lost["exponential"]:.1f} points of test 0-1 loss, the hinge {lost["hinge"]:.1f}.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()

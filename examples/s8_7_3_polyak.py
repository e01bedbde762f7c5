"""Section 8.7.3: where the weights jump to and fro across a valley, their average is near its bottom.

First the valley itself: h theta^2 / 2 with a noisy gradient, in 1000 trainings at once. With a constant learning rate
the last weights never come to rest, at a loss of lr / (2 (2 - lr h)); the mean of the last n comes down to 1 / (2 h n).
Then handwritten digits, each tenth label drawn at random, with a learning rate that is never lowered.

    .venv/bin/python examples/s8_7_3_polyak.py
    .venv/bin/tensorboard --logdir runs/s8_7_3_polyak

The digits are trained on twice, which is the same training to the bit: once the weights are validated, once their
average. What to look for under Time Series: epoch/val_loss of the run "raw" is high and ragged, that of "average" low
and smooth; step/average_distance is how far the weights jump.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8.callbacks import PolyakAveraging

LOG_DIR = "runs/s8_7_3_polyak"
RUNS, RATE, H = 1000, 0.1, 1.0
MEANS = {
    "exponential, half-life 10": {"half_life": 10},
    "exponential, half-life 100": {"half_life": 100},
    "exponential, half-life 5 %": {"half_life": "5%"},
    "uniform": {"uniform": True},
    "uniform, second half": {"uniform": True, "start": "50%"},
}


def quadratic(mean, steps):
    """Minimize h theta^2 / 2 from 3 with a noisy gradient; return the loss of the last weights and of the mean."""
    theta = keras.layers.Dense(RUNS, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(3.0))
    model = keras.Sequential([keras.Input((1,)), theta])

    def noisy_loss(noise, theta):
        return keras.ops.sum(H / 2 * theta**2 + noise * theta, axis=-1)

    model.compile(keras_ch8.optimizers.SGD(RATE), noisy_loss, steps_per_execution=50)
    noise = np.random.default_rng(0).normal(size=(steps, RUNS)).astype("float32")
    average = PolyakAveraging(**mean)
    model.fit(np.zeros((steps, 1), "float32"), noise, batch_size=1, verbose=0, callbacks=[average])
    return [H / 2 * np.mean(weights[1] ** 2) for weights in (average.raw_weights, average.weights)]


def digits():
    """Return images and digits to train on, some of them false, and to test on."""
    x, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    y[:120] = rng.integers(0, 10, 120)
    return (x[:1200], y[:1200]), (x[1200:], y[1200:])


def train(epochs, evaluate):
    """Train on digits, and return what was validated after each epoch: of the weights ("raw") or of their average."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras_ch8.optimizers.SGD(0.5), loss, metrics=[keras_ch8.metrics.ZeroOneLoss(from_logits=True)])
    data, test = digits()
    average = PolyakAveraging(half_life="1ep", evaluate=evaluate)
    listed = [keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{evaluate}"), average]
    return model.fit(*data, batch_size=16, epochs=epochs, validation_data=test, callbacks=listed, verbose=0).history


def main():
    """Train, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few steps only, for the tests")
    quick = parser.parse_args().quick

    steps = 400 if quick else 2000
    print(f"noisy quadratic, {steps} steps{'':15s}loss\n  theory: last weights{'':17s}{RATE / 2 / (2 - RATE * H):8.5f}")
    print(f"  theory: mean of the last {steps // 2:<11d}{1 / H / steps:11.5f}")
    for name in list(MEANS)[-1:] if quick else MEANS:
        last, mean = quadratic(MEANS[name], steps)
        print(f"  {name:37s}{mean:8.5f}", flush=True)
    print(f"  last weights{'':25s}{last:8.5f}   {last / mean:.0f} times as high as the mean of the second half")

    epochs = 3 if quick else 30
    raw, average = (train(epochs, evaluate) for evaluate in ("raw", "average"))
    print(f"\ndigits, last {min(5, epochs)} epochs{'':10s}{'of the weights':>16s}{'of their average':>18s}")
    for name, title, unit in (("loss", "loss on the test set", 1), ("zero_one_loss", "0-1 loss in %", 100)):
        of_weights, of_average = (unit * np.mean(log[f"val_{name}"][-5:]) for log in (raw, average))
        print(f"  {title:32s}{of_weights:12.3f}{of_average:18.3f}")
    print(f"To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

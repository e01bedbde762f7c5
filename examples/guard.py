"""Corrupt examples, or two steps with a learning rate that is far too large, ruin a training that has no guard.

A small convolutional network learns digits three times: on clean data, on data in which three images hold a NaN, and
with a typing error in the schedule. `callbacks.Guard` names the three images, and undoes what the error has done.

    .venv/bin/python examples/guard.py
    .venv/bin/tensorboard --logdir runs/guard

What to look for under Time Series: step/skipped_steps counts what was left out or undone, the page shows the spike of
step/loss in its band, and step/learning_rate what the guard made of the rate. runs/guard/*/optimization/guard.jsonl has
a line for each such step.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn import datasets

import keras_ch8

LOG_DIR = "runs/guard"
BATCH, RATE = 32, 0.05
CORRUPT = [77, 500, 1201]


class Typo(keras.optimizers.schedules.LearningRateSchedule):
    """Falls linearly to 0, but for two steps at which somebody has written 1e4."""

    def __init__(self, steps, at):
        self.steps, self.at = steps, at

    def __call__(self, step):
        """Return the rate of a step."""
        step = keras.ops.cast(step, "float32")
        is_wrong = (step >= self.at) & (step < self.at + 2)
        return keras.ops.where(is_wrong, 1e4, RATE * (1 - step / self.steps))

    def get_config(self):
        """Return the arguments."""
        return {"steps": self.steps, "at": self.at}


def train(name, epochs, images, labels, wrong_at=float("inf"), guards=()):
    """Train the network, and return its loss on the images that are not corrupt."""
    keras.utils.set_random_seed(0)
    source = keras_ch8.data.ArraySource(images, labels, batch_size=BATCH, seed=0)
    layers = [
        keras.layers.Conv2D(12, 3, activation="relu"),
        keras_ch8.layers.BatchNormalization(),
        keras.layers.Conv2D(24, 3, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(10),
    ]
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    optimizer = keras_ch8.optimizers.Momentum(Typo(epochs * len(source), wrong_at))
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1))
    board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
    model.fit(source, epochs=epochs, callbacks=[board, *guards], verbose=2 if guards else 0)
    good = np.delete(np.arange(len(images)), CORRUPT)
    return model.evaluate(images[good], labels[good], verbose=0)


def main():
    """Train with and without a guard, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    epochs = 3 if parser.parse_args().quick else 25

    x, y = datasets.load_digits(return_X_y=True)
    x, y = (x / 16).astype("float32").reshape(-1, 8, 8, 1), np.eye(10, dtype="float32")[y]
    corrupt = x.copy()
    corrupt[CORRUPT, 3, 4] = np.nan
    losses = {"clean": train("clean", epochs, x, y)}
    for name, images, wrong_at in (("corrupt", corrupt, float("inf")), ("typo", x, 30 * epochs)):
        losses[name] = train(name, epochs, images, y, wrong_at)
        guard = keras_ch8.callbacks.Guard(every="20ba")
        losses[f"{name}, guarded"] = train(f"{name}_guarded", epochs, images, y, wrong_at, [guard])
        print(f"{name}: {guard.findings()[0]}")
    for name, loss in losses.items():
        print(f"{name:20s} loss {loss:10.4g}")
    print(f"tensorboard --logdir {LOG_DIR}")


if __name__ == "__main__":
    main()

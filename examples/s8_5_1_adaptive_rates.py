"""Sections 8.5.1 and 8.5.2: a rate for each weight. AdaGrad remembers all gradients, RMSProp forgets the old ones.

First a linear classifier of texts of 300 words, the k-th of which is in one text of k: a rare word has a gradient now
and then, and where the rate fits the frequent ones, its weight has hardly moved. Both methods divide by what the
gradients of a weight have been, so rare words make long steps. Then the task changes: the signs of all words turn over.
AdaGrad's sum of squares is still there, and its steps stay short; RMSProp has forgotten.

    .venv/bin/python examples/s8_5_1_adaptive_rates.py
    .venv/bin/tensorboard --logdir runs/s8_5_1_adaptive_rates

What to look for under Time Series: step/loss, of sgd above the others in the first half; after the jump that of rmsprop
comes down first; step/effective_rate, which only falls for adagrad.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_ch8
from keras_ch8 import optimizers

LOG_DIR = "runs/s8_5_1_adaptive_rates"
WORDS = 300
OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(1.0),
    "adagrad": lambda: optimizers.Adagrad(0.3),
    "rmsprop": lambda: optimizers.RMSprop(0.02, rho=0.99),
}


def texts(count, turned, seed):
    """Return which words are in each text, and its class: the sign of the sum of its words' signs."""
    rng = np.random.default_rng(seed)
    x = (rng.random((count, WORDS)) < 1 / np.arange(1, WORDS + 1)).astype("float32")
    signs = np.random.default_rng(0).choice([-1.0, 1.0], WORDS) * (-1 if turned else 1)
    return x, (x @ signs > 0).astype("float32")


def train(name, epochs):
    """Return the share of errors on new texts, at the end of each half."""
    model = keras.Sequential([keras.Input((WORDS,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    keras.utils.set_random_seed(8)
    model.compile(OPTIMIZERS[name](), loss, metrics=[keras_ch8.metrics.ZeroOneLoss(from_logits=True)])
    board, errors = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}"), []
    for half, turned in enumerate((False, True)):
        first, last = half * epochs, (half + 1) * epochs
        x, y = texts(4000, turned, seed=1)
        model.fit(x, y, batch_size=32, initial_epoch=first, epochs=last, callbacks=[board], verbose=0)
        errors.append(model.evaluate(*texts(4000, turned, seed=2), batch_size=1000, verbose=0)[1])
    return errors


def main():
    """Train three times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one epoch of each half only, for the tests")
    epochs = 1 if parser.parse_args().quick else 5

    print(f"{'errors on new texts':20s}  first half  after the signs have turned")
    for name in OPTIMIZERS:
        before, after = train(name, epochs)
        print(f"{name:20s}  {before:10.1%}  {after:10.1%}", flush=True)
    print(f"\nTo see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

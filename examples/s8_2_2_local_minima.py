"""Section 8.2.2: a network has a great many minima that are one function, and weight decay leaves few of them.

A network with one layer of 32 ReLUs learns handwritten digits. Then its units change places (there are 32! ways) and
scales (a valley of 32 dimensions): all weights are elsewhere, the outputs are the same to rounding, and on the straight
line between the two the loss climbs to about half of what guessing costs. So there are many minima, none of them worse
than another.

From there the training goes on, once without and once with weight decay. With it, what leads into a unit becomes as
large as what leads out of it, |W_j| = |V_j|: of each valley it leaves one point. Without, the units nearly stay as they
are.

    .venv/bin/python examples/s8_2_2_local_minima.py
    .venv/bin/tensorboard --logdir runs/s8_2_2_local_minima

What to look for under Time Series: epoch/imbalance, the mean |log(|W_j| / |V_j|)|, falls towards 0 in the run
weight_decay, and hardly in the run no_decay.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import landscapes, symmetries

LOG_DIR = "runs/s8_2_2_local_minima"
UNITS = 32


def network(rate, decay=None):
    """Return a compiled network; the same seed gives the same start."""
    keras.utils.set_random_seed(0)
    hidden = keras.layers.Dense(UNITS, "relu", kernel_regularizer=decay, name="hidden")
    model = keras.Sequential([keras.Input((64,)), hidden, keras.layers.Dense(10, kernel_regularizer=decay)])
    nll = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras_ch8.optimizers.Momentum(rate, momentum=0.9), nll, metrics=["accuracy"], steps_per_execution=8)
    return model


def main():
    """Train, change units, train on twice, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    epochs = 2 if parser.parse_args().quick else 60

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")

    def fit(name, model, epochs):
        def look(epoch, logs):
            logs["imbalance"] = symmetries.balance(model, "hidden").imbalance

        callbacks = [
            keras.callbacks.LambdaCallback(on_epoch_end=look),
            keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}"),
        ]
        return model.fit(x, y, epochs=epochs, callbacks=callbacks, verbose=0).history

    rng, model = np.random.default_rng(0), network(rate=0.02)
    fit("first", model, epochs // 2)
    outputs = model(x).numpy()
    before, size = model.get_weights(), np.sqrt(sum(np.sum(w**2) for w in model.get_weights()))
    symmetries.permute_units(model, "hidden", rng.permutation(UNITS))
    symmetries.rescale_units(model, "hidden", np.exp(rng.uniform(-1, 1, UNITS)))
    line = landscapes.interpolate(model, x, y, start=before)
    apart = np.abs(model(x) - outputs).max() / np.abs(outputs).max()
    print(f"Units moved and rescaled: the outputs differ by {apart:.1e} of their size,")
    print(f"the weights by {line.distances[-1] / size:.1f} times theirs. {line}")
    print(f"Guessing costs {np.log(10):.2f}.\n\ntrained on      accuracy   imbalance: from, to", flush=True)

    moved, start = model.get_weights(), symmetries.balance(model, "hidden").imbalance
    for name, decay in {"no_decay": None, "weight_decay": keras.regularizers.L2(0.005)}.items():
        model = network(rate=0.01, decay=decay)
        model.set_weights(moved)
        history = fit(name, model, epochs)
        accuracy, end = 100 * history["accuracy"][-1], history["imbalance"][-1]
        print(f"{name:14s}{accuracy:8.1f} %{start:18.2f}{end:6.2f}", flush=True)

    print(f"\nTo see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

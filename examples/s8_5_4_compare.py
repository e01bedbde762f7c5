"""Section 8.5.4: which optimizer is first on your model and data, each tuned with the same budget.

Handwritten digits and a network with one hidden layer. Momentum, with a rate that is held and with one that falls,
RMSProp and Adam have the same number of settings tried, even in the logarithm of the rate. The best setting of each is
run with seeds that the tuning has not seen. First is who reaches the target in the least time; a paired test says which
differences are chance. No one of them is first everywhere, so ask your own model.

    .venv/bin/python examples/s8_5_4_compare.py
    .venv/bin/tensorboard --logdir runs/s8_5_4_compare

What to look for on the page: a row for each run, with its rate and the loss at its end.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from sklearn.datasets import load_digits

from keras_ch8 import choosing, optimizers, schedules

LOG_DIR = "runs/s8_5_4_compare"


def digits():
    """Return 1797 images of 8 x 8 pixels in [0, 1] and their classes: 1297 to train on, 500 to measure."""
    x, y = load_digits(return_X_y=True)
    x, y = (x / 16).astype("float32"), y.astype("int32")
    return (x[500:], y[500:]), (x[:500], y[:500])


def network():
    """Return a new compiled network; `compare` puts the optimizers in."""
    hidden = keras.layers.Dense(64, "relu")
    model = keras.Sequential([keras.Input((64,)), hidden, keras.layers.Dense(10)])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def main():
    """Tune, run over seeds, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few trials, seeds and epochs, for the tests")
    quick = parser.parse_args().quick

    data, held_out = digits()
    candidates = {
        "momentum": optimizers.Momentum(0.01),
        "momentum, falling": optimizers.Momentum(schedules.CosineDecay(0.01)),
        "RMSProp": optimizers.RMSprop(0.001),
        "Adam": optimizers.Adam(0.001),
    }
    if quick:
        candidates = {name: candidates[name] for name in ("momentum", "Adam")}
    epochs, seeds, trials = (2, 2, 2) if quick else (10, 5, 6)
    counts = {"epochs": epochs, "seeds": seeds, "trials": trials}
    found = choosing.compare(
        candidates, network, data, validation_data=held_out, target=0.2, log_dir=LOG_DIR, verbose=0, **counts
    )
    print(f"""{found}
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}""")


if __name__ == "__main__":
    main()

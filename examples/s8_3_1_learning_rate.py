"""Section 8.3.1: the noise of minibatches does not vanish at a minimum, so the learning rate must.

A range test and the book's rule say at which rate to start. From there gradient descent runs with the rate held, with a
tenth of it held, and with the book's linear decay: held high the weights never settle, held low they have not arrived
when time is up, and decayed they do both.

    .venv/bin/python examples/s8_3_1_learning_rate.py
    .venv/bin/tensorboard --logdir runs/s8_3_1_learning_rate

What to look for under Time Series: step/learning_rate, and epoch/val_loss below the others where it decays.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import choosing, optimizers, schedules

LOG_DIR = "runs/s8_3_1_learning_rate"
BATCH = 8


def digits():
    """Return 1797 images of 8 x 8 pixels in [0, 1], and their classes."""
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y.astype("int32")


def network(learning_rate):
    """Return a compiled network; the same seed gives the same start."""
    keras.utils.set_random_seed(8)
    decay = keras.regularizers.L2(1e-3)
    hidden = keras.layers.Dense(32, "tanh", kernel_regularizer=decay)
    model = keras.Sequential([keras.Input((64,)), hidden, keras.layers.Dense(10, kernel_regularizer=decay)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizers.Momentum(learning_rate), loss)
    return model


def main():
    """Find a rate, train three times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    epochs = 3 if parser.parse_args().quick else 30

    x, y = digits()
    model = network(0.01)
    found = choosing.find_learning_rate(model, x, y, batch_size=BATCH)
    print(f"range test, with the spread that noise gives\n{found}\n")
    compared = choosing.compare_learning_rates(model, x, y, batch_size=BATCH, rates=(0.003, 0.01, 0.03, 0.1, 0.3))
    print(f"loss after the first 100 steps\n{compared}")
    print(f"the book's rule: somewhat above {compared.best:g}, so {compared.suggestion:g}\n")

    rate, losses = compared.suggestion, {}
    for name, learning_rate in {
        "held": rate,
        "a tenth, held": rate / 10,
        "linear decay": schedules.LinearDecay(rate, "100%"),
    }.items():
        model = network(learning_rate)
        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name.replace(', ', '_').replace(' ', '_')}")
        history = model.fit(x, y, batch_size=BATCH, epochs=epochs, validation_data=(x, y), validation_batch_size=1797,
                            callbacks=[board], verbose=0).history  # fmt: skip
        losses[name] = history["val_loss"][-1]
        print(f"{name:15s} loss on the whole training set {losses[name]:.4f}", flush=True)

    above = {name: loss / losses["linear decay"] - 1 for name, loss in losses.items()}
    print(
        f"""
The rate held ends {above["held"]:.0%} above the decayed one, a tenth of it held {above["a tenth, held"]:.0%}.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()

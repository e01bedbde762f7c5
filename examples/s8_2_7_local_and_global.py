"""Section 8.2.7: the way downhill from here need not lead to where the loss is low, and may be long if it does.

a sin(w x) is to fit sin(6 x), by gradient descent: from w = 5, and from w = 8, which lies on the wrong side of a hill,
as the start in figure 8.4 does. From 5 the straight line to the solution only falls, and descent follows it. From 8 the
slope leads away from the solution: w grows, a shrinks, and descent ends in a poor minimum, though the solution is only
2 away, across the hill. A network that tells handwritten digits apart starts at Glorot's scale, and at eight times
that.

    .venv/bin/python examples/s8_2_7_local_and_global.py
    .venv/bin/tensorboard --logdir runs/s8_2_7_local_and_global

What to look for under Time Series: epoch/distance, from the start: digits_from_far goes on where digits has nearly
arrived. On the screen: how high the straight line climbs, and how much longer than it the training was. Both lines of
the network are easy, though one of its ends is much the worse (epoch/val_accuracy): an easy line says nothing of
its end. What helps is a good start (section 8.4).
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import landscapes

LOG_DIR = "runs/s8_2_7_local_and_global"
SOLUTION = [np.array([[6.0]]), np.array([[1.0]])]


def waves(w):
    """Return a compiled a sin(w x) that starts at a = 1, and the data."""
    x = np.random.default_rng(0).uniform(-3, 3, (500, 1)).astype("float32")
    wave = keras.layers.Dense(1, keras.ops.sin, use_bias=False)
    model = keras.Sequential([keras.Input((1,)), wave, keras.layers.Dense(1, use_bias=False)])
    model.compile(keras_ch8.optimizers.SGD(0.02), "mse")
    model.set_weights([np.array([[w]]), np.array([[1.0]])])
    return model, (x, np.sin(6 * x)), None


def digits(gain):
    """Return a compiled network with `gain` times Glorot's weights, the data, and data to validate on."""
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(32, "tanh"), keras.layers.Dense(32, "tanh")]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])
    nll = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras_ch8.optimizers.Momentum(0.02, momentum=0.9), nll, metrics=["accuracy"], steps_per_execution=4)
    model.set_weights([gain * w for w in model.get_weights()])
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    return model, (x[:1000], y[:1000]), (x[1000:], y[1000:])


RUNS = {
    "sine": (waves(5.0), SOLUTION),
    "sine_wrong_side": (waves(8.0), SOLUTION),
    "digits": (digits(1), None),
    "digits_from_far": (digits(8), None),
}


def main():
    """Train four times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    epochs = 2 if parser.parse_args().quick else 30

    print("                  loss    distance   travelled   cosine with the line")
    lines = []
    for name, ((model, data, validation), end) in RUNS.items():
        been = [model.get_weights()]

        def record(epoch, logs, model=model, been=been):
            been.append(model.get_weights())
            logs["distance"] = np.sqrt(sum(np.sum((w - w0) ** 2) for w, w0 in zip(been[-1], been[0], strict=True)))

        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
        model.fit(*data, epochs=epochs, validation_data=validation, verbose=0,
                  callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=record), board])  # fmt: skip
        found = landscapes.interpolate(model, *data, end=end, points=101, trajectory=been)
        way = found.trajectory
        print(f"{name:16s}{way.losses[-1]:6.3f}{way.distances[-1]:12.2f}{way.travelled[-1]:12.2f}"
              f"{way.cosines[-1]:12.2f}", flush=True)  # fmt: skip
        lines.append(f"{name:16s}{found}")

    print("\nFrom the start to the solution (sine), to where the training ended (digits):", *lines, sep="\n")
    print(f"\nTo see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

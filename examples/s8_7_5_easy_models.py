"""Section 8.7.5: it pays more to choose a model that is easy to optimize than a better optimizer.

Ten hidden layers with the same number of units, the same optimizer and the same data (handwritten digits); only what
the layers are differs: sigmoid units; the same with auxiliary heads, whose weight falls to 0; maxout units, which are
linear almost everywhere; and sigmoid units with skip connections. At the start, the gradient of the first layer says
how much of it gets through.

    .venv/bin/python examples/s8_7_5_easy_models.py
    .venv/bin/tensorboard --logdir runs/s8_7_5_easy_models

What to look for: under Time Series, step/loss of the run sigmoid does not leave log 10 = 2.3, and the others do.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import layers, schedules

LOG_DIR = "runs/s8_7_5_easy_models"
UNITS, BATCH = 64, 32


def digits():
    """Return images and digits to train on, and those to test on."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    return (x[:1200], y[:1200]), (x[1200:], y[1200:])


def network(layer, depth):
    """Return a deep network of such layers; `layer` makes one from its name."""
    keras.utils.set_random_seed(0)
    hidden = [layer(f"h{i}") for i in range(depth)]
    return keras.Sequential([keras.Input((UNITS,)), *hidden, keras.layers.Dense(10)])


def sigmoid(name):
    """Return a layer of units that saturate."""
    return keras.layers.Dense(UNITS, "sigmoid", name=name)


def with_heads(depth, steps):
    """Return the network of sigmoid units with heads at every other layer."""
    model = network(sigmoid, depth)
    weight = schedules.LinearDecay(1.0, steps, 0.0)
    for i in range(0, depth, 2):
        model = layers.auxiliary_head(model, f"h{i}", weight=weight)
    return model


def main():
    """Train four networks, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    quick = parser.parse_args().quick
    epochs, depth = (1, 4) if quick else (30, 10)

    (x, y), test = digits()
    steps = epochs * -(-len(x) // BATCH)
    models = {
        "sigmoid": lambda: network(sigmoid, depth),
        "auxiliary heads": lambda: with_heads(depth, steps),
        "maxout": lambda: network(lambda name: layers.Maxout(UNITS, name=name), depth),
        "skip": lambda: network(lambda name: layers.Residual([sigmoid(name), keras.layers.Dense(UNITS)]), depth),
    }
    errors = {}
    print(f"{depth:2d} layers              |g| of the first    loss at the end    test error")
    for name in ("sigmoid", "skip") if quick else models:
        model = models[name]()
        optimizer = keras_ch8.optimizers.Adam(schedules.CosineDecay(3e-3))
        metric = keras_ch8.metrics.ZeroOneLoss(from_logits=True)
        model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=[metric])
        norm = np.linalg.norm(keras_ch8.curvature.gradient(model, x, y)[: UNITS**2])  # of the first kernel
        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name.replace(' ', '_')}")
        model.fit(x, y, BATCH, epochs=epochs, callbacks=[board], verbose=0)
        loss = model.evaluate(x, y, verbose=0)[0]
        errors[name] = 100 * model.evaluate(*test, verbose=0)[1]
        print(f"  {name:20s}{norm:18.2g}{loss:19.3g}{errors[name]:12.1f} %", flush=True)
    print(
        f"""
The same optimizer, on layers with a way around them: {errors["skip"]:.1f} % wrong, without: {errors["sigmoid"]:.1f} %.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()

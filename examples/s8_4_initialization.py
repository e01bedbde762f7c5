"""Section 8.4: where training starts decides whether a deep network can learn at all.

Twenty layers of tanh tell handwritten digits apart, from seven starts. What each layer does to the signal and to the
gradient is done twenty times over: weights that are a little too small let both vanish, weights that are too large
drive the units to their flat ends, and the gradient explodes. The older heuristic, 1 / sqrt(m), is one of those that
are too small. Normalized weights (equation 8.23) keep the signal; so do orthogonal ones with the gain of tanh, and
sparse ones; and scaling to one batch of data mends even weights of 0.01.

    .venv/bin/python examples/s8_4_initialization.py
    .venv/bin/tensorboard --logdir runs/s8_4_initialization

What to look for: under Time Series, epoch/loss of the seven runs.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import initializers, training

LOG_DIR = "runs/s8_4_initialization"
UNITS = 64


def normal(deviation):
    """Return independent weights of one deviation, whatever the layer."""
    return keras.initializers.RandomNormal(stddev=deviation, seed=keras.random.SeedGenerator(0))


STARTS = {
    "small": lambda: normal(0.01),
    "large": lambda: normal(1.0),
    "heuristic": lambda: initializers.Heuristic(seed=0),
    "normalized": lambda: keras.initializers.GlorotUniform(seed=keras.random.SeedGenerator(0)),
    "orthogonal": lambda: initializers.Orthogonal("tanh", seed=0),
    "sparse": lambda: initializers.Sparse(k=15, stddev=0.4, seed=0),
    "small_scaled": lambda: normal(0.01),
}


def network(start, depth, y):
    """Return a compiled network; the last layer starts at the shares of the classes."""
    hidden = [keras.layers.Dense(UNITS, "tanh", kernel_initializer=start) for _ in range(depth)]
    marginal = initializers.output_marginal(y)
    last = keras.layers.Dense(10, "softmax", kernel_initializer=start, bias_initializer=marginal)
    model = keras.Sequential([keras.Input((64,)), *hidden, last])
    model.compile(keras_ch8.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main():
    """Train seven times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two starts, fewer layers, one epoch, for the tests")
    quick = parser.parse_args().quick
    depth = 6 if quick else 20

    x, y = load_digits(return_X_y=True)
    x = ((x - x.mean()) / x.std()).astype("float32")
    accuracy = {}
    print(f"{depth} layers of tanh,   signal of the first   gradient at the   accuracy\n"
          "at the start         and the last layer    first over last   trained    verdicts", flush=True)  # fmt: skip
    for name in ("small", "small_scaled") if quick else STARTS:
        keras.utils.set_random_seed(0)
        model = network(STARTS[name](), depth, y)
        if name == "small_scaled":
            scaling = training.scale_to_data(model, x[:256])
        audit = training.check_initialization(model, x[:256], y[:256])
        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
        history = model.fit(x, y, batch_size=64, epochs=1 if quick else 15, callbacks=[board], verbose=0).history
        accuracy[name], flow = history["accuracy"][-1], audit.flow
        wrong = ", ".join(f"{v.level} {v.kind}" for v in audit.verdicts if v.level != "ok") or "-"
        first, last = flow.signal[0], flow.signal[depth - 1]
        print(f"{name:18s}{first:11.1e}{last:11.1e}{flow.total:18.1e}{accuracy[name]:11.2f}    {wrong}", flush=True)

    low, high = scaling.factors.min(), scaling.factors.max()
    before, after = scaling.before[depth - 1], scaling.after[depth - 1]
    print(
        f"""
scale_to_data multiplied the weights of small_scaled by {low:.2g} to {high:.2g}; the mean square in its last hidden
layer went from {before:.0e} to {after:.2f}, accuracy from {accuracy["small"]:.2f} to {accuracy["small_scaled"]:.2f}.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()

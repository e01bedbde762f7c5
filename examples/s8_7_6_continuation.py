"""Section 8.7.6: continuation solves an easy problem first, and goes over to the real one; it helps where blur does.

Rastrigin's function has a minimum near every integer point. Blurred widely enough it has one, and following that to the
real function ends at the best of all; a descent from the start never does. Then a function where the opposite is true:
a broad shallow well outlives a narrow deep one. Last, a network of nearly binary units, tanh(20 z): from the start it
has hardly a gradient. With a temperature that falls from 1 to 1/20 the units begin as tanh(z) and sharpen as it learns.

    .venv/bin/python examples/s8_7_6_continuation.py
    .venv/bin/tensorboard --logdir runs/s8_7_6_continuation

What to look for: in the table, that steep units from the start learn least; that soft units which are made steep after
the training are as good as continuation here, so what helps is the easy problem. Under Time Series,
`epoch/continuation_...` falls, and `epoch/val_zero_one_loss`, which is that of steep units at all times, with it.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import ops
from sklearn.datasets import load_digits

import keras_ch8
import keras_ch8.continuation

LOG_DIR = "runs/s8_7_6_continuation"
STEEP = 1 / 20


def rastrigin(x):
    """Return the value at a vector: 0 at 0, the best of some 11^10 minima."""
    return ops.sum(10 + x**2 - 10 * ops.cos(2 * np.pi * x))


def blurred_rastrigin(x, sigma):
    """Return its mean over Gaussian noise."""
    return ops.sum(10 + x**2 + sigma**2 - 10 * ops.exp(-2 * np.pi**2 * sigma**2) * ops.cos(2 * np.pi * x))


def blurred_wells(x, sigma):
    """Return a well 1.5 deep and 0.4 wide at -2, and one 1 deep and 1.5 wide at 2, both blurred."""
    deep, broad = (width**2 + sigma**2 for width in (0.4, 1.5))
    of_deep = 1.5 * 0.4 / ops.sqrt(deep) * ops.exp(-ops.sum((x + 2) ** 2) / (2 * deep))
    return -of_deep - 1.5 / ops.sqrt(broad) * ops.exp(-ops.sum((x - 2) ** 2) / (2 * broad))


def wells(x):
    """Return the real ones."""
    return blurred_wells(x, ops.zeros((), x.dtype))


def digits(seed):
    """Return images and digits, to train on and to test on."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    return (x[:1200], y[:1200]), (x[1200:], y[1200:])


def network(temperature, seed):
    """Return four layers of units that a temperature makes soft."""
    keras.utils.set_random_seed(seed)
    layers = []
    for _ in range(4):
        layers += [keras.layers.Dense(64), keras_ch8.continuation.Temperature(temperature, end=STEEP)]
        layers.append(keras.layers.Activation("tanh"))
    return keras.Sequential([keras.Input((64,)), *layers, keras.layers.Dense(10)])


def train(name, temperature, schedule, seed, epochs):
    """Train a network on digits; return the 0-1 loss on the test set, in percent, which is that of steep units."""
    model, ((x, y), test) = network(temperature, seed), digits(seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras_ch8.optimizers.Adam(keras_ch8.schedules.CosineDecay(0.003))
    model.compile(optimizer, loss, metrics=[keras_ch8.metrics.ZeroOneLoss(True)])
    callbacks = [keras_ch8.callbacks.Continuation(schedule, until="80%")] if schedule else []
    if seed == 0:
        callbacks.append(keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}"))
    history = model.fit(x, y, 64, epochs, 0, callbacks, validation_data=test, validation_batch_size=597)
    return 100 * history.history["val_zero_one_loss"][-1]


def main():
    """Descend on two functions, train three ways, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one function and one seed, for the tests")
    quick = parser.parse_args().quick

    minimize, rng = keras_ch8.continuation.minimize, np.random.default_rng(0)
    starts = rng.uniform(-5.12, 5.12, (100 if quick else 1000, 10))
    stages, method = np.linspace(1, 0.1, 10), "steepest_descent"
    found = minimize(rastrigin, starts, stages, blurred=blurred_rastrigin, method=method)
    shares = [100 * np.mean((np.abs(x) < 0.1).all(axis=1)) for x in (found.plain_x, found.x)]
    print(f"Rastrigin in 10 dimensions, at the best minimum: plain {shares[0]:.0f} %, continuation {shares[1]:.0f} %")
    print(found.message)
    if not quick:
        print("\nTwo wells, from beside the narrow deep one:")
        print(minimize(wells, np.array([-1.8]), [2.0, 1.0, 0.5, 0.2], blurred=blurred_wells).message)

    print("\nFour layers of 64 units tanh(20 z), digits, 0-1 loss on the test set in %:")
    ways = {"continuation": (1.0, "linear"), "steep from the start": (STEEP, None), "soft, steep after": (1.0, None)}
    for name, (temperature, schedule) in [*ways.items()][: 1 if quick else 3]:
        seeds, epochs = range(1 if quick else 5), 5 if quick else 20
        lost = [train(name.replace(" ", "_").replace(",", ""), temperature, schedule, seed, epochs) for seed in seeds]
        print(f"  {name:24s}{np.mean(lost):5.1f} +- {np.std(lost):.1f}   ({len(lost)} seeds)", flush=True)
    print(f"\nTo see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

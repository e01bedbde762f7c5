"""Section 8.6.3: weights within bounds: a network that may only rise with what it is given.

Diabetes is worse a year later, doctors know, with a higher body mass index, a higher blood pressure and more
triglycerides in the blood. Of 442 patients, a network with a layer of 8 tanh units learns the dependence from half.
Trained freely it also learns noise: for some patients it says that more of them would do good. Where no kernel has a
negative weight, each unit rises with its inputs, and so does the whole network. `LBFGS(bounds=...)` trains it so:
it never evaluates the loss outside of the bounds, and it finds which weights end at 0.

    .venv/bin/python examples/s8_6_bounds.py
    .venv/bin/tensorboard --logdir runs/s8_6_bounds

What to look for under Time Series: step/loss of both. Freely trained, the loss falls further; on the other patients
it is the other way round, says the screen.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_diabetes

import keras_ch8
from keras_ch8 import optimizers

LOG_DIR = "runs/s8_6_bounds"
FEATURES = ("bmi", "bp", "s5")
RUNS = {"free": None, "within bounds": {"*/kernel": (0.0, np.inf)}}
STEP = 0.25
"""How much more of a feature is tried, in standard deviations."""


def patients():
    """Return inputs and targets of two halves, with mean 0 and standard deviation 1."""
    data = load_diabetes(as_frame=True)
    x, y = data.data[list(FEATURES)].to_numpy(), data.target.to_numpy()[:, None]
    order = np.random.default_rng(0).permutation(len(x))
    x, y = ((each - each.mean(0)) / each.std(0) for each in (x[order], y[order]))
    return (x[::2], y[::2]), (x[1::2], y[1::2])


def falls(model, x):
    """Return of how many patients the prediction falls if one feature rises a little."""
    more = [model(x + STEP * unit).numpy() for unit in np.eye(len(FEATURES))]
    return int(np.any(np.array(more) < model(x).numpy() - 1e-9, axis=0).sum())


def main():
    """Train twice, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    epochs = 3 if parser.parse_args().quick else 40
    keras.config.set_floatx("float64")
    (x, y), (x_others, y_others) = patients()

    print("                 R2 of these patients   of the others   falls for   kernel weights at 0")
    for name, bounds in RUNS.items():
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [keras.Input((3,)), keras.layers.Dense(8, "tanh", name="units"), keras.layers.Dense(1, name="sum")]
        )
        model.compile(optimizers.LBFGS(iterations_per_step=25, bounds=bounds), "mse")
        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name.replace(' ', '_')}")
        model.fit(x, y, batch_size=len(x), epochs=epochs, shuffle=False, callbacks=[board], verbose=0)
        here, there = (1 - model.evaluate(*each, batch_size=256, verbose=0) / each[1].var()
                       for each in ((x, y), (x_others, y_others)))  # fmt: skip
        weights = np.concatenate([layer.kernel.numpy().ravel() for layer in model.layers])
        print(f"{name:17s}{here:20.3f}{there:16.3f}{falls(model, x_others):6d} of {len(x_others)}"
              f"{int((weights == 0).sum()):13d} of {len(weights)}", flush=True)  # fmt: skip
        print(f"{'':17s}{model.optimizer.stop_reason or 'It was still falling.'}")

    print(f"\nTo see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

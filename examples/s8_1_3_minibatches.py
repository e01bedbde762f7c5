"""Section 8.1.3: the error of a gradient falls only as 1 / sqrt(m) with the batch, and copies of examples add nothing.

A network tells handwritten digits apart. First, how far the gradients of random minibatches of m examples spread:
measured batch by batch (plain SGD of rate 1 moves the weights by just the gradient), beside what gradient_noise
foresees from some parts of the data. Then the network is trained for as many steps on the data as on ten and on a
hundred copies of them: an epoch gets ten and a hundred times as long, but noise scale, time of a step and what is
learned stay the same. The run batch_4096 takes more examples for a step than there are different ones; the run single
takes one, and has 40 % random labels.

    .venv/bin/python examples/s8_1_3_minibatches.py
    .venv/bin/tensorboard --logdir runs/s8_1_3_minibatches

What to look for under Time Series: diagnosis/loss of the three runs on copies lie on each other, and
diagnosis/noise_scale as far as one measurement can tell it; diagnosis/standard_error says how noisy a step is.
Under Text, diagnosis/verdicts has the advice on the size of the batch.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import monitors

LOG_DIR = "runs/s8_1_3_minibatches"
SIZES = (1, 4, 16, 64, 256)
COPIES_BATCH_STEPS = {
    "copies_1": (1, 32, 450),
    "copies_10": (10, 32, 450),
    "copies_100": (100, 32, 450),
    "batch_4096": (100, 4096, 450),
    "single": (1, 1, 1440),
}


def network(rate):
    """Return a compiled network; the same seed gives the same start."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(32, "tanh"), keras.layers.Dense(10)])
    model.compile(keras_ch8.optimizers.SGD(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def spread(model, x, y, m, batches, rng):
    """Return the standard error of the gradient of a random minibatch of m, over all weights together."""
    start, gradients = model.get_weights(), []
    for _ in range(batches):
        some = rng.integers(0, len(x), m)
        model.train_on_batch(x[some], y[some])
        gradients.append(np.concatenate([(a - b).ravel() for a, b in zip(start, model.get_weights(), strict=True)]))
        model.set_weights(start)
    return np.sqrt(np.var(gradients, axis=0, ddof=1).sum())


def main():
    """Measure gradients, train five times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer gradients and steps, for the tests")
    quick = parser.parse_args().quick

    rng = np.random.default_rng(0)
    x, y = load_digits(return_X_y=True)
    order = rng.permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    x, y, probe = x[:1440], y[:1440], (x[1440:], y[1440:])
    noisy = np.where(rng.random(len(y)) < 0.4, rng.integers(0, 10, len(y)), y)

    trace, model = monitors.gradient_noise(network(1.0), x, y, parts=16 if quick else 96).trace, network(1.0)
    print("examples   standard error of the gradient\nin a batch   measured   foreseen")
    errors = [spread(model, x, y, m, 10 if quick else 100, rng) for m in SIZES]
    for m, error in zip(SIZES, errors, strict=True):
        print(f"{m:10d}{error:11.3f}{np.sqrt(trace / m):11.3f}")
    print(f"slope of log(measured) against log(m): {np.polyfit(np.log(SIZES), np.log(errors), 1)[0]:.3f}\n")

    print("                        steps of   noise    time of           loss on\n"
          "run          examples   an epoch   scale     a step   held-out data   in steps", flush=True)  # fmt: skip
    advice = []
    for name, (copies, batch_size, steps) in COPIES_BATCH_STEPS.items():
        steps, order = 30 if quick else steps, rng.permutation(copies * len(x)) % len(x)
        xs, ys = x[order], (noisy if name == "single" else y)[order]
        model, ends, epoch = network(0.1), [], -(-len(xs) // batch_size)
        scale = monitors.gradient_noise(model, xs, ys, parts=8 if quick else 32).scale

        def clock(batch, logs, ends=ends):
            ends.append(time.perf_counter())

        callbacks = [
            keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}"),
            diagnosis := keras_ch8.callbacks.Diagnosis(probe=probe, checks="cheap"),
            keras.callbacks.LambdaCallback(on_train_batch_end=clock),
        ]
        model.fit(xs, ys, batch_size=batch_size, steps_per_epoch=min(steps, epoch), epochs=max(1, steps // epoch),
                  callbacks=callbacks, verbose=0)  # fmt: skip
        print(f"{name:10s}{len(xs):11d}{epoch:11d}{scale:8.0f}{1e3 * np.median(np.diff(ends)):8.2f} ms"
              f"{model.evaluate(*probe, batch_size=357, verbose=0):16.2f}{len(ends):11d}", flush=True)  # fmt: skip
        advice += [f"{name}: {v}" for v in diagnosis.verdicts if v.section == "8.1.3" and v.level != "ok"]

    print("", *advice, sep="\n")
    print(f"\nTo see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

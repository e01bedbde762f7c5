"""Section 8.2.1: where the curvature is strong, descent must take short steps, however large the gradient is.

A step -eps g changes the loss by -eps g'g + (1/2) eps^2 g'Hg: it rises where the second term exceeds the first.
The run network is the book's case. Digits are learned well, yet the gradient of a minibatch does not shrink, it grows
(by 10 to 60 % with the seeds 0 to 3), while the loss falls; so it is not a minimum that slows the training.

Then wines are told apart by 13 quantities of very different scale (proline to 1680, phenols to 0.66), by exact gradient
descent at the rate 1 / lambda_max, where lambda_max is the largest curvature at the start. All other directions are so
flat that little is learned; at 5 / lambda_max the first step raises the loss. Normalized inputs allow a rate that is
larger by five orders of magnitude. Adam, which has a rate for each weight, gets by without.

    .venv/bin/python examples/s8_2_1_ill_conditioning.py
    .venv/bin/tensorboard --logdir runs/s8_2_1_ill_conditioning

What to look for under Time Series: step/gradient_norm beside step/loss of network; epoch/slope_term, eps g'g, and
epoch/curvature_term, (1/2) eps^2 g'Hg, of the runs on wines, and diagnosis/newton_gain, the fraction of the loss that
Newton's step would take away. Under Text, diagnosis/verdicts says which run is ill-conditioned, and what helps.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits, load_wine

import keras_ch8
from keras_ch8 import monitors, optimizers

LOG_DIR = "runs/s8_2_1_ill_conditioning"
NLL = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
FAR = 5.0
RUNS = ("raw", "raw_too_long", "normalized", "raw_adam")


def fit(name, model, x, y, probe, **options):
    """Train, with the book's two terms in TensorBoard, and return the callback that looked on."""
    checks = ["step_length", "gradient_norm", "spectrum"]
    diagnosis = keras_ch8.callbacks.Diagnosis(probe, checks, measure_every=lambda step: step % 20 == 1, budget=None)

    def terms(epoch, logs):
        steps = diagnosis.log.of("step_length")
        logs |= {"slope_term": -steps[-1].slope, "curvature_term": steps[-1].curvature / 2}

    board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
    callbacks = [diagnosis, keras.callbacks.LambdaCallback(on_epoch_end=terms), board]
    model.fit(x, y, callbacks=callbacks, verbose=0, **options)
    return diagnosis


def digits(epochs):
    """Train a network whose gradient does not shrink, print both ends of the training, return what looked on."""
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(32, "relu") for _ in range(4)]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])
    model.compile(optimizers.SGD(0.1), NLL)
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    found = fit("network", model, x[:1440], y[:1440], (x[1440:], y[1440:]), batch_size=16, epochs=epochs)
    rows = found.log.rows
    print("network: step   loss    |g|, means over the first and the last epoch")
    for part in (slice(90), slice(-90, None)):
        print(f"{rows.steps[part][-1]:13d}{rows.loss[part].mean():7.3f}{rows.norm[part].mean():7.2f}", flush=True)
    return found


def wines(name, x, y):
    """Return a compiled softmax regression that starts at 0, with a rate after the largest curvature there."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((13,)), keras.layers.Dense(3, kernel_initializer="zeros")])
    if name == "normalized":
        normalization = keras.layers.Normalization()
        normalization.adapt(x)
        model = keras.Sequential([keras.Input((13,)), normalization, *model.layers])
    model.compile(loss=NLL)
    curvature = monitors.spectrum(model, x, y).largest
    rate = (FAR if name == "raw_too_long" else 1) / curvature
    model.compile(optimizers.Adam(0.001) if name == "raw_adam" else optimizers.SGD(rate), NLL)
    return model


def main():
    """Train five times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    quick = parser.parse_args().quick
    digits(epochs=2 if quick else 10)

    x, y = load_wine(return_X_y=True)
    x = x.astype("float32")
    print(f"\n{'':19s}of the first step:        loss:  after    at    Newton's     verdict")
    print("wines           rate   slope term  curvature term  start  a step  the end  would gain  ill_conditioned")
    for name in RUNS:
        model = wines(name, x, y)
        copies = [np.concatenate([part] * 20) for part in (x, y)]  # 20 steps an epoch, each with all the data
        found = fit(name, model, *copies, (x, y), batch_size=len(x), epochs=3 if quick else 15, shuffle=False)
        first, end = found.log.of("step_length")[0], monitors.spectrum(model, x, y)
        level = {v.kind: v.level for v in found.verdicts}.get("ill_conditioned", "-")
        rate, losses = float(model.optimizer.learning_rate), (first.loss_before, first.loss_after, end.loss)
        print(f"{name:13s}{rate:7.1e}{-first.slope:11.3f}{first.curvature / 2:16.3f}{losses[0]:9.3f}{losses[1]:8.3f}"
              f"{losses[2]:8.3f}{end.gain:10.0%}{level:>14s}", flush=True)  # fmt: skip

    print(f"\nTo see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}")


if __name__ == "__main__":
    main()

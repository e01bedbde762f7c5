"""Section 8.6.1: Newton's method without the Hessian, for a deep autoencoder.

Handwritten digits go through nine layers of tanh units, 6 of them in the middle, and are to come out as they went in:
9,000 weights, a Hessian of 80 million numbers. Truncated Newton needs its products with vectors only; so do the 20
directions of the saddle-free method, in which it sees the eigenvalues. All three take the same images in each step, and
the same CPU time; Adam has the best of the rates RATES, decayed to 0 along a cosine.

    .venv/bin/python examples/s8_6_1_autoencoder.py
    .venv/bin/tensorboard --logdir runs/s8_6_1_autoencoder

What to look for under Time Series: ch8/loss; of truncated_newton, ch8_solver/cg_iterations, few at the start and more
as it comes nearer, and ch8_solver/trust_ratio, near 1 where the quadratic model can be trusted; of saddle_free_newton,
ch8_solver/eigenvalue_smallest, which is below 0 nearly everywhere: a plain Newton step would go uphill there.
"""

import argparse
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import optimizers, schedules

LOG_DIR = "runs/s8_6_1_autoencoder"
LAYERS = (48, 32, 24, 12, 6, 12, 24, 32, 48)
RUNS = {
    "adam": lambda: optimizers.Adam(schedules.Cosine(0.005)),
    "truncated_newton": lambda: optimizers.TruncatedNewton(cg_iterations=50, iterations_per_step=5),
    "saddle_free_newton": lambda: optimizers.SaddleFreeNewton(iterations_per_step=5),
}


def main():
    """Train three times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs of two runs only, for the tests")
    quick = parser.parse_args().quick
    x = (load_digits().data[:1000] / 16).astype("float32")
    print(f"guessing the mean image: loss {x.var(axis=0).mean():.4f}")
    print("                     iterations   products   CPU s     loss   lambda from        to", flush=True)
    budget, losses = np.inf, {}
    for name, make in list(RUNS.items())[: 2 if quick else 3]:
        keras.utils.set_random_seed(0)
        hidden = [keras.layers.Dense(units, "tanh") for units in LAYERS]
        model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(64, "sigmoid")])
        optimizer, clock = make(), []
        copies = 25 if name == "adam" else 1  # an epoch of so many steps, each with all the data, in one program
        model.compile(optimizer, "mse", steps_per_execution=copies, jit_compile=copies > 1)

        def look(epoch, logs, model=model, clock=clock, budget=budget):
            clock.append(time.process_time())
            model.stop_training |= clock[-1] - clock[0] > budget

        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
        callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=look), board]
        data = np.concatenate([x] * copies)
        epochs = 2 if quick else 60 if name == "adam" else 1000
        model.fit(data, data, batch_size=len(x), epochs=epochs, shuffle=False, callbacks=callbacks, verbose=0)
        budget = clock[-1] - clock[0]  # without the first epoch, in which XLA compiles
        losses[name] = float(model.compute_loss(x, x, model(x)))

        done, products = int(optimizer.iterations), 0
        if name != "adam":
            products = int(optimizer.telemetry.read(1, done).numbers["products"].sum())
        ends = keras_ch8.monitors.spectrum(model, x, x)
        print(f"{name:20s}{done:11d}{products:11d}{budget:8.1f}{losses[name]:9.4f}"
              f"{ends.smallest:14.4f}{ends.largest:10.2f}", flush=True)  # fmt: skip

    tensorboard = os.path.relpath(os.path.join(os.path.dirname(sys.executable), "tensorboard"))
    print(
        f"""
In the same CPU time, what is lost is {1 - min(losses.values()) / losses["adam"]:.0%} below what Adam loses.
TensorBoard logs   {os.path.abspath(LOG_DIR)}
to open them       {tensorboard} --logdir {LOG_DIR}"""
    )


if __name__ == "__main__":
    main()

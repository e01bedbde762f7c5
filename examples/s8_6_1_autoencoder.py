"""Section 8.6.1: Newton's method without the Hessian, for a deep autoencoder.

Handwritten digits go through nine layers of tanh units, 6 of them in the middle, and are to come out as they went in:
12,000 weights, a Hessian of 140 million numbers. Truncated Newton needs its products with vectors only; so do the 20
directions of the saddle-free method, in which it sees the eigenvalues. Both have all images in each step; Adam has
minibatches of 100, and the best of the rates 0.002, 0.005, 0.01 and 0.02, decayed to 0 along a cosine. In the same CPU
time the saddle-free method comes about as far as Adam, in a fiftieth of the steps, and truncated Newton nearly.

    .venv/bin/python examples/s8_6_1_autoencoder.py
    .venv/bin/tensorboard --logdir runs/s8_6_1_autoencoder

What to look for under Time Series: step/loss; of truncated_newton, step/solver_cg_iterations, few at the start and more
as it comes nearer, and step/solver_trust_ratio, near 1 where the quadratic model can be trusted; of saddle_free_newton,
step/solver_eigenvalue_smallest, which is below 0 nearly everywhere: a plain Newton step would go uphill there.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import optimizers, schedules

LOG_DIR = "runs/s8_6_1_autoencoder"
LAYERS = (48, 32, 24, 12, 6, 12, 24, 32, 48)
RUNS = {  # and examples in a minibatch, steps that Keras makes in one program, epochs
    "adam": (lambda: optimizers.Adam(schedules.CosineDecay(0.01)), 100, 25, 14),
    "truncated_newton": (lambda: optimizers.TruncatedNewton(cg_iterations=50, iterations_per_step=5), 1000, 1, 1000),
    "saddle_free_newton": (lambda: optimizers.SaddleFreeNewton(iterations_per_step=5), 1000, 1, 1000),
}


def main():
    """Train three times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs of two runs only, for the tests")
    quick = parser.parse_args().quick
    x = (load_digits().data[:1000] / 16).astype("float32")
    print(f"guessing the mean image: loss {x.var(axis=0).mean():.4f}")
    print("                     iterations   products   CPU s     loss   saw negative curvature", flush=True)
    budget, losses = np.inf, {}
    for name, (make, batch, steps, epochs) in list(RUNS.items())[: 2 if quick else 3]:
        keras.utils.set_random_seed(0)
        hidden = [keras.layers.Dense(units, "tanh") for units in LAYERS]
        model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(64, "sigmoid")], name=name)
        optimizer, clock = make(), []
        model.compile(optimizer, "mse", steps_per_execution=steps, jit_compile=steps > 1)

        def look(epoch, logs, model=model, clock=clock, budget=budget):
            clock.append(time.process_time())
            model.stop_training |= "newton" in model.name and clock[-1] - clock[0] > budget

        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
        callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=look), board]
        data = np.concatenate([x] * steps)
        model.fit(data, data, batch_size=batch, epochs=2 if quick else epochs, callbacks=callbacks, verbose=0)
        seconds = clock[-1] - clock[0]  # without the first epoch, in which XLA compiles
        budget = min(budget, seconds)
        losses[name] = float(model.compute_loss(x, x, model(x)))

        done, products, negative = int(optimizer.iterations), "-", "-"
        if "newton" in name:
            numbers = optimizer.telemetry.read(1, done).numbers
            products = int(numbers["products"].sum())
            seen = (
                numbers["negative_curvature"] if "negative_curvature" in numbers else numbers["eigenvalue_smallest"] < 0
            )
            negative = f"{seen.mean():.0%}"
        print(f"{name:20s}{done:11d}{products:>11}{seconds:8.1f}{losses[name]:9.4f}{negative:>14s}", flush=True)

    print(
        f"""
In the same CPU time the loss of {name} is {losses[name] / losses["adam"]:.0%} of that of Adam, in {done} steps.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()

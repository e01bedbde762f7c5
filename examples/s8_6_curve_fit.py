"""Section 8.6.1: a curve is fitted by Levenberg-Marquardt in less time than by L-BFGS or Adam.

A network with one layer of 20 tanh units, 61 weights, is to follow sin(10 x) / (10 x) at 1000 points. The loss is a
mean of squares, and its Hessian nearly J^T J with J the derivatives of the errors, which needs first derivatives only.
Levenberg-Marquardt adds a damping to that and solves with it, at each iteration. All three have all points in each
step, and the same start; Adam has the best of the rates 0.003, 0.01, 0.03 and 0.1, decayed to 0 along a cosine. At
first L-BFGS is as fast; then, the smaller the loss is to be, the longer it takes.

    .venv/bin/python examples/s8_6_curve_fit.py
    .venv/bin/tensorboard --logdir runs/s8_6_curve_fit

What to look for under Time Series: step/loss (as a logarithm); step/solver_damping of levenberg_marquardt, which falls
by orders of magnitude, as long as step/solver_trust_ratio, the fall of the loss over the fall that the model promised,
stays well above 0. On the screen, CPU seconds are those after the first epoch, in which XLA compiles.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_ch8
from keras_ch8 import optimizers, schedules

LOG_DIR = "runs/s8_6_curve_fit"
GOALS = (1e-5, 1e-6, 1e-7)
RUNS = {  # and how many iterations or steps an epoch has, and epochs
    "levenberg_marquardt": (lambda: optimizers.LevenbergMarquardt(iterations_per_step=10), 10, 50),
    "lbfgs": (lambda: optimizers.LBFGS(iterations_per_step=100), 100, 60),
    "adam": (lambda: optimizers.Adam(schedules.CosineDecay(0.03)), 100, 60),
}


def main():
    """Fit three times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    quick = parser.parse_args().quick
    keras.config.set_floatx("float64")
    x = np.linspace(-1, 1, 1000)[:, None]
    y = np.sinc(10 * x / np.pi)

    print("                       iterations   loss      CPU s: compiled   in all    until 1e-5    1e-6    1e-7")
    ends = {}
    for name, (optimizer, steps, epochs) in RUNS.items():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(20, "tanh"), keras.layers.Dense(1)])
        copies = steps if name == "adam" else 1  # an epoch of so many steps, each with all the data, in one program
        model.compile(optimizer(), "mse", steps_per_execution=copies, jit_compile=copies > 1)
        clock = []

        def look(epoch, logs, clock=clock):
            clock.append((time.process_time(), logs["loss"]))

        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
        callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=look), board]
        begin, epochs = time.process_time(), 3 if quick else epochs
        data = [np.concatenate([part] * copies) for part in (x, y)]
        model.fit(*data, batch_size=len(x), epochs=epochs, shuffle=False, callbacks=callbacks, verbose=0)
        seconds, losses = np.array(clock).T
        compiled, seconds = seconds[0] - begin, seconds - seconds[0]
        ends[name] = losses[-1], seconds[-1]
        reached = [f"{s[0]:10.2f}" if len(s) else f"{'-':>10s}" for s in (seconds[losses < goal] for goal in GOALS)]
        print(f"{name:20s}{int(model.optimizer.iterations):11d}{ends[name][0]:11.1e}{compiled:15.1f}"
              f"{ends[name][1]:11.2f}{''.join(reached)}", flush=True)  # fmt: skip

    (least, _), *others = ends.values()
    print(
        f"""
The loss of Levenberg-Marquardt is {min(loss for loss, _ in others) / least:.0e} times below the better of the others.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()

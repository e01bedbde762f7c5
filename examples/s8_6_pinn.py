"""Section 8.6: a network that solves a differential equation needs L-BFGS after Adam.

u'' = f on [-1, 1], with u = 0 at both ends: (1 - x^2) times a network of two layers of 20 tanh units is to be u, and
its loss is the mean of (u'' - f)^2 at 256 points, with u'' by automatic differentiation. There is no noise, all points
are in each step, and the loss is badly conditioned, so the last digits are a matter of curvature: after some steps of
Adam the same model is compiled again, with L-BFGS, and trained on, until both ways have had the same CPU time.

Adam has the best of the rates 0.005, 0.01, 0.02 and 0.04, decayed to 0 along a cosine over the steps that it has. All
is in float64: in float32 L-BFGS comes to a halt early.

    .venv/bin/python examples/s8_6_pinn.py
    .venv/bin/tensorboard --logdir runs/s8_6_pinn

What to look for under Time Series: epoch/error, the relative L2 error of u, and step/loss, both as logarithms:
adam_alone has come to rest where adam_first_then_lbfgs goes on. Under Images: u, and by how much each is off.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import keras_ch8
from keras_ch8 import optimizers, schedules

LOG_DIR = "runs/s8_6_pinn"
STEPS = 100  # in an epoch
X, T = np.linspace(-1, 1, 256)[:, None], np.linspace(-1, 1, 1001)[:, None]


def u(x, k=0):
    """Return the solution, or its second derivative for k = 2."""
    return sum(a * np.sin(w * np.pi * x) * (-((w * np.pi) ** 2)) ** (k // 2) for a, w in ((1, 1), (0.2, 3)))


class Poisson(keras.Sequential):
    """A network of x that is 0 at the ends, and whose loss is how far it is from u'' = y."""

    def call(self, x, training=None, mask=None):
        """Return u at x."""
        return (1 - x**2) * super().call(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the loss."""
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = self(x)
            slope = inner.gradient(value, x)
        return keras.ops.mean(keras.ops.square(outer.gradient(slope, x) - y))


def network():
    """Return the network; the same seed gives the same start."""
    keras.utils.set_random_seed(0)
    return Poisson([keras.Input((1,)), *[keras.layers.Dense(20, "tanh") for _ in range(2)], keras.layers.Dense(1)])


def fit(name, model, optimizer, epochs, seconds=np.inf):
    """Train for some epochs or CPU seconds, and return what it took; compiling, in the first epoch, is not counted."""
    copies = STEPS if isinstance(optimizer, optimizers.Adam) else 1  # so many steps in one program
    model.compile(optimizer, steps_per_execution=copies, jit_compile=copies > 1)
    clock, spent = [], lambda: (clock[-1] - clock[0]) * len(clock) / max(len(clock) - 1, 1)

    def look(epoch, logs):
        logs["error"] = np.linalg.norm(model.predict_on_batch(T) - u(T)) / np.linalg.norm(u(T))
        clock.append(time.process_time())
        model.stop_training |= spent() > seconds

    data = [np.concatenate([part] * copies) for part in (X, u(X, 2))]
    board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=look), board]
    history = model.fit(*data, batch_size=len(X), epochs=epochs, shuffle=False, callbacks=callbacks, verbose=0).history
    print(f"{name:24s}{int(optimizer.iterations):10d}{spent():8.1f}{history['loss'][-1]:11.1e}{history['error'][-1]:12.1e}",
          flush=True)  # fmt: skip
    return spent(), history["error"][-1]


def picture(models):
    """Write u, and the errors of the networks, as a picture for TensorBoard."""
    figure = Figure((6, 6))
    canvas = FigureCanvasAgg(figure)
    above, below = figure.subplots(2)
    above.plot(T, u(T))
    for name, model in models.items():
        below.semilogy(T[1:-1], np.abs(model.predict_on_batch(T) - u(T))[1:-1], label=name)
    below.legend()
    canvas.draw()
    with tf.summary.create_file_writer(f"{LOG_DIR}/solution").as_default():
        tf.summary.image("u, and how far off", np.asarray(canvas.buffer_rgba())[None], step=0)


def main():
    """Solve twice, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    epochs = 3 if parser.parse_args().quick else 60
    keras.config.set_floatx("float64")

    print("                             steps   CPU s       loss    error of u", flush=True)
    alone, both = network(), network()
    budget, error = fit("adam_alone", alone, optimizers.Adam(schedules.CosineDecay(0.04)), epochs)
    spent, _ = fit("adam_first", both, optimizers.Adam(schedules.CosineDecay(0.01)), max(2, epochs // 8))
    solver = optimizers.LBFGS(history_size=50, iterations_per_step=STEPS)
    _, better = fit("adam_first_then_lbfgs", both, solver, 5 * epochs, budget - spent)
    picture({"adam alone": alone, "adam, then lbfgs": both})

    print(
        f"""
In the same CPU time, the error is {error / better:.0f} times smaller with L-BFGS.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()

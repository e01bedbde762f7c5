"""Section 8.6: a network that solves Burgers' equation, by Adam, L-BFGS and self-scaled Broyden.

u_t + u u_x = (0.01 / pi) u_xx, where u(0, x) = -sin(pi x) steepens to a shock at x = 0. The network is one of three
layers of 20 tanh units, right at the start and at both ends by construction; the loss is the mean
square of how far the equation is from holding at each point. There is no noise, all points are in each step, and the
loss is badly conditioned, so the last digits are a matter of curvature.

Training goes in rounds: new points before each, of which half are near the shock. All ways have as much CPU time; what
compiling takes is not counted. All is in float64. `NaturalGradient` takes a model that has `compute_residuals`.

    .venv/bin/python examples/s8_6_pinn.py
    .venv/bin/tensorboard --logdir runs/s8_6_pinn

What to look for under Time Series: epoch/error, the relative L2 error of u, as a logarithm. Under Images: u over time
and place, and by how much each network is off.
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import keras_ch8
from keras_ch8 import optimizers

LOG_DIR = "runs/s8_6_pinn"
warnings.filterwarnings("ignore", message=".*one batch after the other")  # each round is meant to have new points
PI, NU, POINTS = np.pi, 0.01 / np.pi, 1000
GRID = np.stack([a.ravel() for a in np.meshgrid(np.linspace(0, 1, 51), np.linspace(-1, 1, 101), indexing="ij")], axis=1)


def solution(tx):
    """Return u: Cole and Hopf's integral, by Gauss and Hermite."""
    z, weight = np.polynomial.hermite.hermgauss(100)
    start = tx[:, 1:] - 2 * np.sqrt(NU * tx[:, :1]) * z
    weight = weight * np.exp(-np.cos(PI * start) / (2 * PI * NU))
    return -np.sum(weight * np.sin(PI * start), axis=1) / np.sum(weight, axis=1)


U = solution(GRID)


class Burgers(keras.Sequential):
    """A network of (t, x) whose loss is how far it is from the equation."""

    def call(self, x, training=None, mask=None):
        """Return u at points (t, x)."""
        return -ops.sin(PI * x[:, 1:]) + x[:, :1] * (1 - x[:, 1:] ** 2) * super().call(x)

    def compute_residuals(self, x, y=None, sample_weight=None):
        """Return how far the equation is from holding."""
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                u = self(x)
            u_t, u_x = tf.split(inner.gradient(u, x), 2, axis=1)
        return u_t + u * u_x - NU * outer.gradient(u_x, x)[:, 1:]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the mean square of the residuals."""
        return ops.mean(ops.square(self.compute_residuals(x)))


def network():
    """Return the network; the same seed gives the same start."""
    keras.utils.set_random_seed(0)
    return Burgers([keras.Input((2,)), *[keras.layers.Dense(20, "tanh") for _ in range(3)], keras.layers.Dense(1)])


def points(rng):
    """Return new points (t, x), of which half are near the shock."""
    t, x = rng.uniform(0, 1, POINTS), rng.uniform(-1, 1, POINTS)
    x[::2] = 0.03 * np.sinh(x[::2] * np.arcsinh(1 / 0.03))
    return np.stack([t, x], axis=1)


def error(model):
    """Return the relative L2 error."""
    return np.linalg.norm(model.predict_on_batch(GRID)[:, 0] - U) / np.linalg.norm(U)


def fit(name, model, optimizer, seconds, epochs):
    """Train in rounds of new points for some CPU seconds, and print a line."""
    copies = 50 if isinstance(optimizer, optimizers.Adam) else 1  # so many steps in one program
    model.compile(optimizer, steps_per_execution=copies, jit_compile=copies > 1)
    rng, clock, board = np.random.default_rng(0), [], keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")

    def look(epoch, logs):
        logs["error"] = error(model)
        clock.append(time.process_time())
        model.stop_training |= spent() > seconds

    def spent():
        return (clock[-1] - clock[0]) * len(clock) / max(len(clock) - 1, 1)

    def rounds():
        while True:
            x = points(rng)
            yield from [x] * 10 * copies

    data = tf.data.Dataset.from_generator(rounds, output_signature=tf.TensorSpec((POINTS, 2), "float64"))
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=look), board]
    model.fit(data, steps_per_epoch=copies, epochs=epochs, shuffle=False, callbacks=callbacks, verbose=0)
    print(f"{name:24s}{int(optimizer.iterations):10d}{spent():8.1f}{error(model):12.1e}", flush=True)


def picture(models):
    """Write u, and the errors of the networks, as a picture for TensorBoard."""
    figure = Figure((4 * len(models) + 4, 3.5), layout="constrained")
    canvas, shape = FigureCanvasAgg(figure), (51, 101)
    off = {f"error, {name}": np.abs(model.predict_on_batch(GRID)[:, 0] - U) for name, model in models.items()}
    for axes, (title, values) in zip(figure.subplots(1, len(models) + 1), {"u": U, **off}.items(), strict=True):
        shown = values if title == "u" else np.log10(values + 1e-16)
        drawn = axes.pcolormesh(np.linspace(0, 1, 51), np.linspace(-1, 1, 101), shown.reshape(shape).T, rasterized=True)
        axes.set(title=title if title == "u" else f"log10 of {title}", xlabel="t", ylabel="x")
        figure.colorbar(drawn)
    canvas.draw()
    with tf.summary.create_file_writer(f"{LOG_DIR}/solution").as_default():
        tf.summary.image("u, and how far off", np.asarray(canvas.buffer_rgba())[None], step=0)


def main():
    """Solve three times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    quick = parser.parse_args().quick
    keras.config.set_floatx("float64")
    seconds, epochs = (1, 2) if quick else (6, 10**4)

    print("                             steps   CPU s  error of u", flush=True)
    ways = {
        "adam": optimizers.Adam(0.002),
        "lbfgs": optimizers.LBFGS(history_size=50, iterations_per_step=50),
        "ssbroyden": optimizers.SSBroyden(iterations_per_step=50),
    }
    models = {}
    for name, optimizer in ways.items():
        models[name] = network()
        fit(name, models[name], optimizer, seconds, epochs)
    picture(models)
    times = error(models["adam"]) / error(models["ssbroyden"])
    print(
        f"""
In the same CPU time, the error is {times:.0f} times smaller with SSBroyden than with Adam.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()

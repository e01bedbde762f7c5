"""Pictures of section 8.2: what makes training hard."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_ch8
from keras_ch8 import curvature, landscapes, monitors, optimizers, symmetries, tour
from keras_ch8._plot import COLORS, GREY

from . import style, surfaces


def seen_in_tensorboard() -> Any:
    """8.2: the tour, a training with a trouble and the same cured."""
    sick, _ = tour.train(Path("sick"), epochs=6)
    code = next(verdict for verdict in sick.verdicts if verdict.code)
    tour.train(Path("cured"), 6, code.code)
    figure, (left, right) = style.figure("What is wrong is seen in TensorBoard, and said in words")
    for number, name in enumerate(("sick", "cured")):
        run = keras_ch8.read_run(name)
        loss, factor = run["step/loss"], run["diagnosis/backward_factor"]
        left.plot(loss.steps, loss.values, label=name, **style.look(1 - number))
        right.plot(factor.steps, factor.values, marker=".", label=name, **style.look(1 - number))
    left.axhline(np.log(10), color=GREY, linewidth=1, label="guessing")
    left.set_ylim(bottom=0)
    right.axhline(1, color=GREY, linewidth=1)
    style.done(left, "Six layers of sigmoid units", "step", "loss [nats]", legend="center right")
    style.done(right, f"Verdict: {code.kind}", "step", "gradient, a layer over the next", log="y")
    return figure


def ill_conditioning() -> Any:
    """8.2.1: the gradient grows while the loss falls (figure 8.1)."""
    example = style.example("s8_2_1_ill_conditioning")
    rows = example.digits(epochs=8).log.rows
    figure, (left, right) = style.figure("The loss falls, and the gradient does not shrink")
    for ax, values, label in ((left, rows.loss, "loss [nats]"), (right, rows.norm, "gradient norm [loss / weight]")):
        ax.plot(rows.steps, values, ".", color="#bbbbbb", markersize=2.5, label="minibatches")
        mean = np.convolve(values, np.ones(90) / 90, "valid")
        ax.plot(rows.steps[45:-44], mean, color=COLORS[ax is right], linewidth=2.4, label="mean of an epoch")
        ax.set_ylim(0, float(np.quantile(values, 0.995)))
        style.done(ax, "Loss" if ax is left else "Norm of the gradient", "step", label, legend="upper right")
    return figure


def local_minima() -> Any:
    """8.2.2: many minima are one function."""
    example = style.example("s8_2_2_local_minima")
    x, y = example.load_digits(return_X_y=True)
    x, rng = (x / 16).astype("float32"), np.random.default_rng(0)
    model = example.network(rate=0.02)
    model.fit(x, y, epochs=10, verbose=0)
    before = model.get_weights()
    symmetries.permute_units(model, "hidden", rng.permutation(example.UNITS))
    symmetries.rescale_units(model, "hidden", np.exp(rng.uniform(-1, 1, example.UNITS)))
    line = landscapes.interpolate(model, x, y, start=before, points=41)
    figure, (left, right) = style.figure("Two minima far apart that are the same function")
    left.plot(line.distances, line.losses, **style.look(0))
    ends = [0, -1]
    left.plot(line.distances[ends], line.losses[ends], "k*", markersize=13, label="the same outputs")
    left.axhline(np.log(10), color=GREY, linewidth=1, linestyle=":", label="guessing")
    style.done(left, "On the straight line between them", "distance [weight]", "loss [nats]")
    for number, decay in enumerate((None, keras.regularizers.L2(0.005))):
        other = example.network(rate=0.02, decay=decay)
        other.set_weights(model.get_weights())
        other.fit(x, y, epochs=0 if decay is None else 40, verbose=0)
        into, bias, out, _ = other.get_weights()
        label = "after the change of scale" if decay is None else "after weight decay"
        sizes = np.sqrt((into**2).sum(axis=0) + 0 * bias), np.linalg.norm(out, axis=1)
        right.plot(*sizes, "os"[number], color=COLORS[number], markerfacecolor="none", label=label)
    span = np.array([0.2, 8])
    right.plot(span, span, color=GREY, linewidth=1)
    style.done(right, "Decay leaves one of each valley", "weights into a unit, norm", "weights out of it", log="xy")
    return figure


def saddle() -> Any:
    """8.2.3: ways away from a saddle point."""
    surface, start = surfaces.saddle(), (1.5, 1e-3)
    paths = {
        "SGD": style.path(optimizers.SGD(0.1), surface, start, 76),
        "momentum 0.9": style.path(optimizers.Momentum(0.1, momentum=0.9), surface, start, 34),
        "Adam": style.path(optimizers.Adam(0.1), surface, start, 34),
    }
    figure, (left, right) = style.figure("At a saddle point all looks flat, until it does not")
    style.levels(left, surface.value, (-2, 2), (-0.5, 2), log=False)
    for number, (name, points) in enumerate(paths.items()):
        style.walk(left, points, number, name)
        right.plot(np.linalg.norm(surface.gradient(points), axis=1), label=name, **style.look(number))
    left.plot(0, 0, "kx", markersize=10)
    left.text(0.08, -0.35, "saddle point", fontsize=9.5)
    style.done(left, "Down along x, then away along y", "x", "y", legend="")
    right.set_xlim(0, 76)
    style.done(right, "The gradient is small beside it", "step", "gradient norm", log="y")
    return figure


def cliff() -> Any:
    """8.2.4: a cliff with and without clipping (figure 8.3)."""
    surface, start, steps = surfaces.cliff(), (4.6, -2.1), 60
    paths = {
        "clipped at a norm of 0.5": style.path(optimizers.SGD(0.1, global_clipnorm=0.5), surface, start, steps),
        "not clipped": style.path(optimizers.SGD(0.1), surface, start, steps),
    }
    figure, (left, right) = style.figure("A step at a cliff throws the weights away; clipped, they stay")
    x, y = (4.3, 4.9), (-2.45, -1.95)
    style.shade(left, surface.value, x, y)
    for number, (name, points) in enumerate(paths.items()):
        style.walk(left, points, number, name)
        right.plot(surface.value(points), label=name, **style.look(number))
    left.set(xlim=x, ylim=y)
    away = paths["not clipped"][-1]
    left.text(4.65, -1.99, f"to ({away[0]:.1f}, {away[1]:.1f})", color=COLORS[1], fontsize=10)
    style.done(left, "Loss of a recurrent unit: dark is low", "recurrent weight w", "bias b", legend="")
    style.done(right, "Loss along each path", "step", "loss [mean square]", legend="center right")
    return figure


def long_term_dependencies() -> Any:
    """8.2.5: a gradient that is multiplied by the same factor again and again."""
    example = style.example("s8_2_5_long_term_dependencies")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, example.LENGTH, 1)).astype("float32")
    y = rng.integers(0, 2, 256)
    figure, (left, right) = style.figure("A gradient that shrinks at each step never reaches the beginning")
    layers = example.recurrent_layers()
    layers["too_large"] = example.recurrent(keras.initializers.Orthogonal(gain=1.3), kernel_initializer=
                                            keras.initializers.RandomNormal(stddev=0.02))  # fmt: skip
    names = {
        "simple_small": "SimpleRNN, W small", "simple_orthogonal": "SimpleRNN, W orthogonal", "lstm": "LSTM",
        "lstm_open": "LSTM, forget gates open", "too_large": "SimpleRNN, W 1.3 orthogonal",
    }  # fmt: skip
    for number, (name, layer) in enumerate(layers.items()):
        model = keras.Sequential([keras.Input((example.LENGTH, 1)), layer, keras.layers.Dense(1, "sigmoid")])
        model.compile(loss="binary_crossentropy")
        (back,) = monitors.time_horizon(model, x, y)
        left.plot(back.profile / back.profile[0], label=names[name], **style.look(number))
        if "simple" in name or name == "too_large":
            radius = [np.linalg.norm(curvature.matrix_power(layer.get_weights()[1], np.ones(16), t).result)
                      for t in range(60)]  # fmt: skip
            right.plot(np.array(radius) / radius[0], label=names[name], **style.look(number))
    left.set_ylim(1e-14, 1e13)
    right.set_ylim(1e-14, 1e13)
    style.done(left, "Gradient at the inputs", "time steps back", "over the last step's", log="y", legend="upper left")
    style.done(right, "W multiplied by itself", "times t", "|W^t v| / |v|", log="y", legend="")
    return figure


def inexact_gradients() -> Any:
    """8.2.6: noise averages out, a mistake does not."""
    example = style.example("s8_2_6_inexact_gradients")
    x, y = example.load_digits(return_X_y=True)
    x, rng = (x / 16).astype("float32"), np.random.default_rng(0)
    truth = curvature.gradient(example.network(example.tanh), x, y)
    figure, (left, right) = style.figure("Noise of the gradient averages out, a mistake in it does not")
    sizes = 4 ** np.arange(1, 8)
    for number, (name, label) in enumerate({"sampled": "right", "slip": "with a slip"}.items()):
        activation, batch_size, epochs = example.RUNS[name]
        model, off = example.network(activation), []
        for size in sizes:
            batches = [rng.integers(0, len(x), size) for _ in range(4)]
            wrong = [curvature.gradient(model, x[some], y[some]) - truth for some in batches]
            off.append(np.mean(np.linalg.norm(wrong, axis=1)) / np.linalg.norm(truth))
        left.plot(sizes, off, marker=".", label=label, **style.look(number))
        loss = style.fit(model, x, y, batch_size=batch_size, epochs=epochs)["step/loss"]
        name = f"{label}, batches of {batch_size}"
        right.plot(loss.steps, loss.values, label=name, linewidth=1, **style.look(number))
        finite = np.flatnonzero(np.isfinite(loss.values))
        if len(finite) < len(loss):
            right.plot(loss.steps[finite[-1]], loss.values[finite[-1]], "kX", markersize=11, label="then NaN")
    style.done(left, "How far off it is", "examples in the batch", "error over |gradient|", log="xy")
    style.done(right, "Loss in training", "step", "loss [nats]", legend="upper right")
    return figure


def local_and_global() -> Any:
    """8.2.7: the way downhill need not lead to where the loss is low (figure 8.4)."""
    example = style.example("s8_2_7_local_and_global")
    x = np.random.default_rng(0).uniform(-3, 3, (500, 1))

    def loss(theta: np.ndarray) -> np.ndarray:
        w, a = theta[..., :1], theta[..., 1:]
        return np.mean((a * np.sin(w * x[::4, 0]) - np.sin(6 * x[::4, 0])) ** 2, axis=-1)

    figure, (left, right) = style.figure("Downhill from the wrong side of a hill leads away from the solution")
    style.levels(left, loss, (3.5, 10.5), (-0.4, 1.3), log=False)
    for number, start in enumerate((5.0, 8.0)):
        model, data, _ = example.waves(start)
        been = [np.ravel(model.get_weights())]
        record = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs, model=model, been=been: been.append(np.ravel(model.get_weights()))
        )
        ends = {"start": model.get_weights(), "end": example.SOLUTION}
        line = landscapes.interpolate(model, *data, points=101, **ends)
        model.fit(*data, epochs=12, callbacks=[record], verbose=0)
        style.walk(left, np.array(been), number, f"from w = {start:g}")
        right.plot(line.distances, line.losses, label=f"from w = {start:g}", **style.look(number))
    left.plot(6, 1, "k*", markersize=12, markerfacecolor="white", label="solution")
    style.done(left, "Descent of a sin(w x)", "w", "a", legend="lower left")
    style.done(right, "On the straight line to the solution", "distance from the start", "loss [mean square]")
    return figure

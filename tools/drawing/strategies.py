"""Pictures of section 8.7: optimization strategies and meta-algorithms."""

from typing import Any

import keras
import numpy as np

from keras_ch8 import monitors, optimizers, training
from keras_ch8._plot import COLORS, GREY

from . import style, surfaces


def batch_normalization() -> Any:
    """8.7.1: updates of all layers at once, with and without batch normalization."""
    example = style.example("s8_7_1_batch_norm")
    x = np.random.default_rng(1).normal(size=(256, 1)).astype("float32")
    figure, (left, right) = style.figure("Batch normalization makes an update of all layers foreseeable")
    steps = np.geomspace(1e-5, 1e-1, 21)
    (train_x, train_y), test = example.digits()
    for number, (name, normalized) in enumerate({"plain": False, "batch normalization": True}.items()):
        first, second = example.orders(example.chain(normalized), x, 2 * x)
        left.plot(steps, steps * second / first, label=name, **style.look(number))
        model = example.network(normalized)
        model.compile(optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.steps_per_execution = 23
        log = model.fit(train_x, train_y, batch_size=60, epochs=30, validation_data=test, verbose=0).history
        right.plot(23 * np.arange(1, 31), 100 * np.array(log["val_accuracy"]), label=name, **style.look(number))
    left.axhline(1, color=GREY, linewidth=1)
    right.set_ylim(0, 100)
    style.done(left, "y = x w_1 w_2 ... w_20", "learning rate", "term of 2nd over 1st order", log="xy")
    style.done(right, "Three layers of sigmoid units", "step", "right on new digits [%]", legend="center right")
    return figure


def coordinate_descent() -> Any:
    """8.7.2: good where blocks hardly influence each other, and for sparse codes."""
    example = style.example("s8_7_2_coordinate_descent")
    figure, (left, right) = style.figure("One coordinate at a time: quick where they hardly interact")
    style.levels(left, lambda t: (t[..., 0] - t[..., 1]) ** 2 + 0.05 * (t**2).sum(-1), (-0.6, 1.1), (-0.6, 0.9))
    for number, a in enumerate((1.0, 0.05)):
        x = np.array([1.0, -0.4])
        variables = [keras.Variable(value, name=name) for value, name in zip(x, ("x_1", "x_2"), strict=True)]
        optimizer = optimizers.BlockCoordinateDescent(optimizers.SGD(1 / (2 * (1 + a))), blocks=["x_1", "x_2"])
        points = [x]
        for _ in range(20):
            x_1, x_2 = variables
            optimizer.apply([2 * (x_1 - x_2 + a * x_1), 2 * (x_2 - x_1 + a * x_2)], variables)
            points.append(np.array([float(x_1), float(x_2)]))
        style.walk(left, np.array(points), number, f"a = {a:g}")
    style.done(left, "(x_1 - x_2)^2 + a (x_1^2 + x_2^2), 10 sweeps", "x_1", "x_2", legend="upper left")
    h, w = np.zeros((example.ATOMS, example.DIGITS)), example.START.copy()
    for _ in range(25):
        example.solve_codes(h, w)
        example.solve_dictionary(h, w)
    used = np.argsort(-np.abs(h).sum(axis=1))
    tiles = np.pad(w[used].reshape(8, 8, 8, 8), [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=np.nan)
    right.imshow(tiles.swapaxes(1, 2).reshape(80, 80), cmap="Greys", interpolation="nearest")
    right.set(xticks=[], yticks=[])
    style.done(right, f"Dictionary of {example.ATOMS} strokes", f"sparse codes: {(h == 0).mean():.0%} are 0", "")
    return figure


def polyak() -> Any:
    """8.7.3: the average of a path to and fro across a valley."""
    valley = surfaces.ravine(condition=4.0)
    noisy = style.path(optimizers.SGD(0.25), valley, (3.0, 1.5), 120, noise=1.0)
    mean = np.array([noisy[max(0, k // 2) : k + 1].mean(axis=0) for k in range(len(noisy))])
    figure, (left, right) = style.figure("The weights jump across the valley, their average is near its floor")
    style.levels(left, valley.value, (-2.5, 3.5), (-1.8, 1.8))
    for number, (name, points) in enumerate({"weights": noisy, "average of the last half": mean}.items()):
        style.walk(left, points, number, name)
        right.plot(valley.value(points), label=name, **style.look(number))
    style.done(left, "SGD with a noisy gradient", "x", "y", legend="lower right")
    style.done(right, "Loss along each path", "step", "loss", log="y")
    return figure


def pretraining() -> Any:
    """8.7.4: layer by layer, then together."""
    example = style.example("s8_7_4_pretraining")
    train, _ = example.digits()
    depth, epochs = 4, 6
    figure, axes = style.figure("Too deep to be trained at once, but not layer by layer")
    joint, greedy = example.network(depth, 10, 0), example.network(depth, 10, 0)
    log = joint.fit(*train, epochs=epochs * (depth + 1), verbose=0).history
    report = training.pretrain_greedily(greedy, *train, epochs=epochs, fine_tune_epochs=epochs, verbose=0)
    for ax, name, unit in ((axes[0], "loss", 1), (axes[1], "zero_one_loss", 100)):
        ax.plot(range(1, 1 + len(log[name])), unit * np.array(log[name]), label="all at once", **style.look(1))
        for number, stage in enumerate(report.stages):
            at = epochs * number + np.arange(1, 1 + epochs)
            label = "layer by layer, then together" if number == 0 else None
            ax.plot(at, unit * np.array(stage.history[name]), marker=".", label=label, **style.look(0))
            ax.axvline(epochs * number + 0.5, color=GREY, linewidth=0.5)
            ax.text(at[0] - 0.2, 0, f"layer {number + 1}" if number < depth else "all", fontsize=9)
        ax.set_ylim((0, 3) if unit == 1 else (-3, 125))
    style.done(axes[0], "Loss on the training set", "epoch, all stages", "loss [nats]", legend="")
    style.done(axes[1], "Wrong on the training set", "epoch, all stages", "wrong digits [%]", legend="upper left")
    return figure


def easy_models() -> Any:
    """8.7.5: the same optimizer on models that are easy and hard to optimize."""
    example = style.example("s8_7_5_easy_models")
    (x, y), _ = example.digits()
    layers, depth, epochs = example.layers, 10, 10
    models = {
        "sigmoid": lambda: example.network(example.sigmoid, depth),
        "maxout": lambda: example.network(lambda name: layers.Maxout(example.UNITS, name=name), depth),
        "sigmoid, skip connections": lambda: example.network(
            lambda name: layers.Residual([example.sigmoid(name), keras.layers.Dense(example.UNITS)]), depth
        ),
    }
    figure, (left, right) = style.figure("Choose a model that is easy to optimize, before a better optimizer")
    for number, (name, make) in enumerate(models.items()):
        model = make()
        model.compile(optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                      steps_per_execution=19)  # fmt: skip
        flow = monitors.layer_flow(model, x[:256], y[:256])
        hidden = flow.gradient[[place for place, layer in enumerate(flow.names) if layer.startswith("h")]]
        hidden = hidden[hidden > 0]
        left.plot(range(1, 1 + len(hidden)), hidden / hidden[-1], marker=".", label=name, **style.look(number))
        log = model.fit(x, y, 32, epochs=epochs, verbose=0).history["loss"]
        right.plot(range(1, 1 + epochs), log, marker=".", label=name, **style.look(number))
    right.axhline(np.log(10), color=GREY, linewidth=1, linestyle=":")
    style.done(left, "Ten layers, at the start", "layer", "gradient, over that of the last", log="y")
    style.done(right, "The same Adam", "epoch", "loss [nats]")
    return figure


def continuation() -> Any:
    """8.7.6: minima of blurred functions lead to that of the real one."""
    example = style.example("s8_7_6_continuation")
    figure, (left, right) = style.figure("Blurred, a function has few minima; they lead to the best of the real one")
    x = np.linspace(-4.2, 4.2, 401)
    for number, sigma in enumerate((0.6, 0.3, 0.2, 0.0)):
        values = 10 + x**2 + sigma**2 - 10 * np.exp(-2 * np.pi**2 * sigma**2) * np.cos(2 * np.pi * x)
        label = f"blurred by {sigma:g}" if sigma else "real function"
        left.plot(x, values, label=label, **style.look(number))
    left.set_ylim(-1, 48)
    starts = np.random.default_rng(0).uniform(-4.2, 4.2, (150, 2))
    found = example.keras_ch8.continuation.minimize(
        example.rastrigin, starts, np.linspace(1, 0.1, 10), blurred=example.blurred_rastrigin, method="steepest_descent"
    )
    right.plot(*found.plain_x.T, "o", color=COLORS[1], markersize=5, markerfacecolor="none", label="plain descent")
    right.plot(*found.x.T, "*", color=COLORS[0], markersize=13, label="continuation")
    right.set(xlim=(-5, 5), ylim=(-5, 6.8))
    style.done(left, "Rastrigin's function", "x", "f", legend="upper center")
    style.done(right, "Where 150 starts end, in 2 dimensions", "x", "y", legend="upper right")
    return figure

"""Pictures of sections 8.3 to 8.5: basic algorithms, starts, and adaptive learning rates."""

from typing import Any

import keras
import numpy as np

from keras_ch8 import choosing, optimizers, training
from keras_ch8._plot import GREY

from . import style, surfaces


def learning_rate() -> Any:
    """8.3.1: a rate that is held, and one that falls."""
    example = style.example("s8_3_1_learning_rate")
    x, y = example.digits()
    model = example.network(0.01)
    found = choosing.find_learning_rate(model, x, y, batch_size=example.BATCH)
    figure, (left, right) = style.figure("Noise does not vanish at a minimum, so the learning rate must")
    left.plot(found.rates, found.losses, ".", color=GREY, alpha=0.4, markersize=3)
    left.plot(found.rates, found.smoothed, label="loss of the next batch", **style.look(0))
    best = np.interp(found.suggestion, found.rates, found.smoothed)
    left.plot(found.suggestion, best, "k*", markersize=13, label=f"start with {found.suggestion:.2g}")
    left.set_ylim(0, 4)
    style.done(left, "A range test finds the first rate", "learning rate", "loss [nats]", log="x", legend="upper left")
    rate, epochs = 0.1, 12
    for number, (name, held) in enumerate({
        "held": rate, "a tenth, held": rate / 10, "falls to 0": example.schedules.LinearDecay(rate, "100%"),
    }.items()):  # fmt: skip
        model = example.network(held)
        model.steps_per_execution = 25
        test = {"validation_data": (x, y), "validation_batch_size": 1797}
        log = model.fit(x, y, batch_size=example.BATCH, epochs=epochs, verbose=0, **test).history
        right.plot(range(1, epochs + 1), log["val_loss"], label=name, **style.look(number))
    style.done(right, "Momentum, from a rate of 0.1", "epoch", "loss on all digits [nats]", log="y")
    return figure


def in_ravine(point: str, title: str, x: tuple[float, float], steps: int, made: dict[str, Any]) -> Any:
    """Draw the paths of optimizers through a ravine, and their losses."""
    ravine, start = surfaces.ravine(condition=20.0), (10.0, 1.5)
    figure, (left, right) = style.figure(point)
    style.levels(left, ravine.value, x, (-2, 2))
    for number, (name, optimizer) in enumerate(made.items()):
        points = style.path(optimizer, ravine, start, steps)
        style.walk(left, points, number, name)
        right.plot(ravine.value(points), label=name, **style.look(number))
    style.done(left, title, "x", "y", legend="lower left")
    style.done(right, "Loss along each path", "step", "loss", log="y")
    return figure


def momentum() -> Any:
    """8.3.2: through a ravine (figure 8.5)."""
    made = {"SGD": optimizers.SGD(0.09), "momentum 0.7": optimizers.Momentum(0.04, momentum=0.7)}
    return in_ravine(
        "Momentum adds up along the ravine, and cancels across it", "Condition number 20", (-4, 11), 40, made
    )


def nesterov() -> Any:
    """8.3.3: the gradient taken ahead brakes before the turn."""
    made = {
        "momentum 0.9": optimizers.Momentum(0.04, momentum=0.9),
        "Nesterov 0.9": optimizers.Nesterov(0.04, momentum=0.9),
    }
    point = "Nesterov's gradient is taken ahead: it brakes before the turn"
    return in_ravine(point, "The same rate and momentum", (-6, 11), 60, made)


def initialization() -> Any:
    """8.4: signal and gradient through twenty layers."""
    example = style.example("s8_4_initialization")
    x, y = example.load_digits(return_X_y=True)
    x = ((x - x.mean()) / x.std()).astype("float32")
    figure, (left, right) = style.figure("Each layer multiplies signal and gradient: it must be by about 1")
    for number, name in enumerate(("small", "heuristic", "normalized", "orthogonal", "large")):
        keras.utils.set_random_seed(0)
        flow = training.check_initialization(example.network(example.STARTS[name](), 20, y), x[:256], y[:256]).flow
        left.plot(range(1, 21), flow.signal[:20], marker=".", label=name, **style.look(number))
        right.plot(range(1, 21), flow.gradient[:20] / flow.gradient[19], marker=".", label=name, **style.look(number))
    left.set_ylim(1e-12, 30)
    right.set_ylim(1e-12, 1e12)
    style.done(left, "Forward: root mean square", "layer", "signal", log="y", legend="lower left")
    style.done(right, "Backward, over the last layer", "layer", "gradient ratio", log="y", legend="upper right")
    return figure


def rates(points: np.ndarray, surface: Any, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps of a path at which there was a gradient along an axis, and the step over it."""
    gradients = surface.gradient(points[:-1])[:, axis]
    seen = np.flatnonzero(np.abs(gradients) > 1e-4)
    return seen + 1, np.abs(np.diff(points[:, axis])[seen] / gradients[seen])


def adagrad() -> Any:
    """8.5.1: each step is divided by the root of the sum of all squared gradients."""
    ravine, start, steps = surfaces.ravine(condition=20.0), (10.0, 1.5), 60
    paths = {
        "SGD": style.path(optimizers.SGD(0.09), ravine, start, steps),
        "AdaGrad": style.path(optimizers.Adagrad(1.0, initial_accumulator_value=0.0), ravine, start, steps),
    }
    figure, (left, right) = style.figure("AdaGrad has a rate for each weight, and all of them only fall")
    style.levels(left, ravine.value, (-4, 11), (-2, 2))
    for number, (name, points) in enumerate(paths.items()):
        style.walk(left, points, number, name)
    for number, name in enumerate(("x, flat", "y, steep")):
        right.plot(*rates(paths["AdaGrad"], ravine, number), label=f"rate along {name}", **style.look(number + 1))
    right.axhline(0.09, label="SGD", **style.look(0))
    style.done(left, "Condition number 20", "x", "y", legend="lower left")
    style.done(right, "Step over gradient", "step", "rate [weight / gradient]", log="y")
    return figure


def rmsprop() -> Any:
    """8.5.2: old gradients are forgotten."""
    surface, start, steps = surfaces.rosenbrock(), (-1.2, 1.0), 500
    paths = {
        "AdaGrad": style.path(optimizers.Adagrad(0.3), surface, start, steps),
        "RMSProp": style.path(optimizers.RMSprop(0.01, rho=0.9), surface, start, steps),
    }
    figure, (left, right) = style.figure("RMSProp forgets the steep gradients of the beginning")
    style.levels(left, surface.value, (-1.8, 1.6), (-0.7, 2.4))
    for number, (name, points) in enumerate(paths.items()):
        style.walk(left, points, number, name)
        right.plot(*rates(points, surface, 1), label=name, **style.look(number))
    left.plot(1, 1, "k*", markersize=12, markerfacecolor="white")
    style.done(left, f"{steps} steps in Rosenbrock's valley", "x", "y", legend="upper right")
    style.done(right, "Step over gradient, along y", "step", "rate [weight / gradient]", log="y")
    return figure


def adam() -> Any:
    """8.5.3: both averages are corrected for their start at 0."""
    random, steps, lr = np.random.default_rng(0), 60, 0.01
    gradients = 1 + 0.5 * random.normal(size=(steps, 1000))
    figure, (left, right) = style.figure("Adam's first steps are no longer than the later ones")
    made = {
        "RMSProp, not corrected": optimizers.RMSprop(lr, rho=0.999),
        "Adam, corrected": optimizers.Adam(lr),
    }
    for number, (name, optimizer) in enumerate(made.items()):
        theta, sizes = keras.Variable(np.zeros(1000, "float32"), name="theta"), []
        for gradient in gradients:
            before = theta.numpy()
            optimizer.apply([keras.ops.convert_to_tensor(gradient.astype("float32"))], [theta])
            sizes.append(np.mean(np.abs(theta.numpy() - before)) / lr)
        left.plot(range(1, steps + 1), sizes, label=name, **style.look(number))
    left.axhline(1, color=GREY, linewidth=1)
    style.done(left, "Gradients of one size, with noise", "step", "mean step over learning rate", log="y")

    surface, start = surfaces.rosenbrock(), (-1.2, 1.0)
    paths = {
        "Adam": style.path(optimizers.Adam(0.1), surface, start, 500),
        "SGD": style.path(optimizers.SGD(0.001), surface, start, 500),
    }
    style.levels(right, surface.value, (-1.8, 1.6), (-0.7, 2.4))
    for number, (name, points) in enumerate(paths.items()):
        style.walk(right, points, 1 - number, name)
    right.plot(1, 1, "k*", markersize=12, markerfacecolor="white")
    style.done(right, "500 steps in Rosenbrock's valley", "x", "y", legend="upper right")
    return figure


def choice() -> Any:
    """8.5.4: no algorithm is best; each has its own best rate."""
    tour_data = style.example("s8_3_1_learning_rate")
    x, y = tour_data.digits()
    rates = np.geomspace(1e-4, 3, 10)
    figure, (left, right) = style.figure("Each algorithm has its own best rate: compare them there")
    made = {
        "SGD": optimizers.SGD, "Momentum": optimizers.Momentum, "RMSProp": optimizers.RMSprop, "Adam": optimizers.Adam,
    }  # fmt: skip
    for number, (name, optimizer) in enumerate(made.items()):
        model = tour_data.network(0.1)
        start = model.get_weights()
        model.compile(optimizer(0.1), model.loss, steps_per_execution=28)
        model.fit(x, y, batch_size=64, epochs=1, verbose=0)
        zeros, losses, curves = [np.zeros_like(v) for v in model.optimizer.variables], [], []
        for rate in rates:
            model.set_weights(start)
            for variable, zero in zip(model.optimizer.variables, zeros, strict=True):
                variable.assign(zero)
            model.optimizer.learning_rate = rate
            curves.append(model.fit(x, y, batch_size=64, epochs=8, verbose=0).history["loss"])
            losses.append(curves[-1][-1])
        losses = np.minimum(losses, 10)
        best = int(np.argmin(losses))
        left.plot(rates, losses, marker=".", label=name, **style.look(number))
        left.plot(rates[best], losses[best], "*", color=style.look(number)["color"], markersize=13)
        right.plot(range(1, 9), curves[best], label=f"{name}, rate {rates[best]:.2g}", **style.look(number))
    left.set_ylim(0.1, 30)
    y = "loss [nats], at most 10"
    style.done(left, "After 8 epochs, by the rate", "learning rate", y, log="xy", legend="upper center")
    style.done(right, "Each at its best rate", "epoch", "loss [nats]", log="y")
    return figure

"""Pictures of section 8.1: how learning differs from pure optimization."""

from typing import Any

import keras
import numpy as np

from keras_ch8 import losses, monitors
from keras_ch8._plot import COLORS, GREY, points

from . import style


def early_stopping() -> Any:
    """8.1: what stops a training need not be what it minimizes."""
    example = style.example("s8_1_early_stopping")
    (x, y), validation, _ = example.digits(seed=0)
    model = example.network()
    log = model.fit(x, y, epochs=60, validation_data=validation, validation_batch_size=400, verbose=0).history
    figure, axes = style.figure("The loss is lowest at one epoch, the error at another")
    epochs = np.arange(1, 61)
    for ax, name, title, y_label, unit in (
        (axes[0], "loss", "What is minimized", "negative log-likelihood [nats]", 1),
        (axes[1], "zero_one_loss", "What should be small", "wrong digits [%]", 100),
    ):
        values = unit * np.array(log[f"val_{name}"])
        ax.plot(epochs, unit * np.array(log[name]), label="training", **style.look(0))
        ax.plot(epochs, values, label="validation", **style.look(1))
        best = int(np.argmin(values))
        ax.plot(epochs[best], values[best], "k*", markersize=13, label=f"best: epoch {epochs[best]}")
        style.done(ax, title, "epoch", y_label)
    return figure


def surrogates() -> Any:
    """8.1.1: surrogates of the 0-1 loss, and what they go on to learn."""
    example = style.example("s8_1_1_surrogate")
    figure, (left, right) = style.figure("A surrogate has a slope where the 0-1 loss has none")
    margins = np.linspace(-2.5, 2.5, 201)
    left.plot(margins, margins < 0, color="black", linewidth=3, label="0-1 loss")
    for number, (name, loss) in enumerate(example.SURROGATES.items()):
        values = [float(loss(np.ones((1, 1)), np.full((1, 1), margin, "float32"))) for margin in margins]
        left.plot(margins, values, label=name.replace("_", " "), **style.look(number))
    left.set_ylim(-0.2, 10)
    style.done(left, "Loss of one example", "margin: how surely right", "loss")

    x, y, x_test, y_test = example.digits(500)
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(256, "relu"), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((64,)), *layers])
    zero_one = example.keras_ch8.metrics.ZeroOneLoss(from_logits=True)
    nll = losses.NegativeLogLikelihood(losses.likelihoods.CategoricalLikelihood())
    model.compile(example.keras_ch8.optimizers.Adam(0.002), nll, metrics=[zero_one], steps_per_execution=16)
    test = {"validation_data": (x_test, y_test), "validation_batch_size": 1300}
    log = model.fit(x, y, epochs=60, verbose=0, **test).history
    names = {"loss": "surrogate", "zero_one_loss": "0-1 loss", "val_zero_one_loss": "0-1 loss, test"}
    for number, (name, label) in enumerate(names.items()):
        values = np.array(log[name])
        right.plot(np.arange(1, 61)[values > 0], values[values > 0], label=label, **style.look(number))
    zero = 1 + int(np.argmin(log["zero_one_loss"]))
    right.axvline(zero, color=GREY, linewidth=1)
    right.text(zero + 1.5, 1.5e-3, "no mistake left in training", fontsize=9.5)
    right.set_ylim(1e-3, 4)
    style.done(right, "Ten digits, training goes on", "epoch", "loss [nats or fraction]", log="y", legend="upper right")
    return figure


def likelihood() -> Any:
    """8.1.2: maximum likelihood brings a model as near to the data as its family can come."""
    example = style.example("s8_1_2_likelihood")
    x, y, _ = example.data(example.gaussian_noise, 20_000, seed=0)
    x_test, y_test, entropy = example.data(example.gaussian_noise, 20_000, seed=1)
    noise = y - example.f(x)
    families = {
        "Gaussian, one width": losses.likelihoods.GaussianLikelihood(float(np.var(noise))),
        "Laplace, one width": losses.likelihoods.LaplaceLikelihood(float(np.mean(np.abs(noise)))),
        "Gaussian, own width at each x": losses.likelihoods.HeteroscedasticGaussianLikelihood(),
    }
    figure, (left, right) = style.figure("The loss comes down to the noise of the data, if the family can follow it")
    for number, (name, family) in enumerate(families.items()):
        model = example.network(family)
        model.steps_per_execution = 20
        log = model.fit(x, y, batch_size=100, epochs=8, verbose=0,
                        validation_data=(x_test, y_test), validation_batch_size=10_000).history  # fmt: skip
        right.plot(range(1, 9), log["val_loss"], **points(number) | {"linestyle": "-"}, label=name)
    right.axhline(entropy, color="black", linewidth=1, label="entropy of the data")
    at = np.linspace(-1, 1, 101, dtype="float32")[:, None]
    mean, log_variance = np.array(model(at)).T
    width = np.exp(log_variance / 2)
    left.plot(x[:400], y[:400], ".", color=GREY, markersize=3, label="data")
    left.plot(at, mean, label="mean", **style.look(2))
    left.fill_between(at[:, 0], mean - 2 * width, mean + 2 * width, color=COLORS[2], alpha=0.2, label="2 deviations")
    style.done(left, "Noise that grows to the right", "x", "y", legend="upper left")
    right.set_ylim(0.55, 1.06)
    style.done(right, "Loss on new data", "epoch", "negative log-likelihood [nats]", legend="upper right")
    return figure


def minibatches() -> Any:
    """8.1.3: the error of a gradient falls as one over the root of the batch."""
    example = style.example("s8_1_3_minibatches")
    x, y = example.load_digits(return_X_y=True)
    x, rng = (x / 16).astype("float32"), np.random.default_rng(0)
    model = example.network(1.0)
    trace = monitors.gradient_noise(model, x, y, parts=64).trace
    errors = [example.spread(model, x, y, m, 40, rng) for m in example.SIZES]
    figure, (left, right) = style.figure("Four times the batch halves the noise, and costs four times as much")
    sizes = np.array(example.SIZES)
    left.plot(sizes, np.sqrt(trace / sizes), label="foreseen: 1 / root of the batch", **style.look(0))
    left.plot(sizes, errors, "o", color=COLORS[1], markersize=8, label="measured, 40 batches each")
    style.done(left, "Noise of the gradient", "examples in the batch", "standard error [loss / weight]", log="xy")
    left.set_xticks(sizes, [str(m) for m in sizes])
    for number, batch in enumerate((8, 64, 512)):
        model = example.network(0.2)
        seen = fit_seen(model, x, y, batch)
        right.plot(*seen, label=f"batches of {batch}", **style.look(number))
    right.set_ylim(0.004, 4)
    style.done(right, "The same rate, other batches", "examples seen", "loss [nats]", log="y", legend="lower left")
    return figure


def fit_seen(model: keras.Model, x: np.ndarray, y: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return examples seen and the loss on all of them, after each of 12 epochs."""
    found: list[float] = []
    with_loss = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: found.append(model.evaluate(x, y, batch_size=len(x), verbose=0))
    )
    model.steps_per_execution = min(8, len(x) // batch)
    model.fit(x, y, batch_size=batch, epochs=12, callbacks=[with_loss], verbose=0)
    return len(x) * np.arange(1, 13), np.array(found)

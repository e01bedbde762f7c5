"""Makes some of docs/pictures/sections, out of the examples of these sections, in a minute; the others stand as drawn.

python tools/section_pictures.py              # all six
python tools/section_pictures.py 8.2.4 8.5.4  # some
"""

import os
import runpy
import sys
import tempfile
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from drawing import style

import keras_ch8
from keras_ch8 import curvature, landscapes, monitors, optimizers, symmetries, training
from keras_ch8._plot import COLORS, GREY


def example(name: str) -> SimpleNamespace:
    """Return the names of an example: its network, its data, its settings."""
    return SimpleNamespace(**runpy.run_path(str(style.ROOT / "examples" / f"{name}.py")))


def compare(ax: Any, curves: dict[str, Any], x: Any = None, **options: Any) -> None:
    """Draw curves that share a legend."""
    for number, (name, values) in enumerate(curves.items()):
        ax.plot(np.arange(len(values)) if x is None else x, values, label=name, **style.look(number), **options)


def below(figure: Any, ax: Any, columns: int) -> None:
    """Put the legend of both axes below them, where it hides no line."""
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=columns, frameon=False)


def local_minima() -> Any:
    """8.2.2: the loss between two equal networks, and the scale of each unit with and without decay."""
    of = example("s8_2_2_local_minima")
    x, y = of.load_digits(return_X_y=True)
    x, rng, model = (x / 16).astype("float32"), np.random.default_rng(0), of.network(rate=0.02)
    model.fit(x, y, epochs=30, verbose=0)
    before = model.get_weights()
    symmetries.permute_units(model, "hidden", rng.permutation(of.UNITS))
    symmetries.rescale_units(model, "hidden", np.exp(rng.uniform(-1, 1, of.UNITS)))
    line, moved = landscapes.interpolate(model, x, y, start=before, points=41), model.get_weights()

    figure, (left, right) = style.figure("Two minima far apart are the same function")
    left.plot(line.distances, line.losses, **style.look(0))
    left.plot(line.distances[[0, -1]], line.losses[[0, -1]], "k*", markersize=13, label="the same outputs")
    left.axhline(np.log(10), color=GREY, linewidth=1, linestyle=":", label="guessing")
    style.done(left, "On the straight line between them", "distance [weight]", "loss [nats]")
    for number, (name, decay) in enumerate({"no decay": None, "decay": keras.regularizers.L2(0.005)}.items()):
        model, scales = of.network(rate=0.01, decay=decay), []
        model.set_weights(moved)

        def look(epoch: int, logs: Any, model: Any = model, scales: list[Any] = scales) -> None:
            now = symmetries.balance(model, "hidden")
            scales.append(now.incoming / now.outgoing)

        model.fit(x, y, epochs=60, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=look)])
        right.plot(scales, color=COLORS[number], linewidth=0.9, alpha=0.8, label=[name, *["_"] * (of.UNITS - 1)])
    style.done(right, "Weight decay leaves one: in and out alike", "epoch", "weights into a unit / out of it", log="y")
    return figure


def cliff() -> Any:
    """8.2.4: two descents to the cliff of a recurrent unit (figure 8.3)."""

    def unit(w: Any, b: Any) -> tuple[Any, Any]:
        """Return loss and gradient of s <- w sigmoid(s) + b, 50 times from 1/2, whose sigmoid should be 0.7."""
        s, of_w, of_b = 0.5 + 0 * w, 0 * w, 0 * w
        for _ in range(50):
            out = 1 / (1 + np.exp(-s))
            slope = w * out * (1 - out)
            s, of_w, of_b = w * out + b, out + slope * of_w, 1 + slope * of_b
        out = 1 / (1 + np.exp(-s))
        return (out - 0.7) ** 2, 2 * (out - 0.7) * out * (1 - out) * np.array([of_w, of_b])

    def descent(limit: float) -> np.ndarray:
        points = [np.array([4.6, -2.1])]
        for _ in range(60):
            gradient = unit(*points[-1])[1]
            points.append(points[-1] - 0.1 * gradient * min(1, limit / np.linalg.norm(gradient)))
        return np.array(points)

    paths = {"clipped at a norm of 0.5": descent(0.5), "not clipped": descent(np.inf)}
    figure, (left, right) = style.figure("One step at a cliff throws the weights away; clipped, they stay")
    w, b = np.meshgrid(np.linspace(4.2, 6.7, 300), np.linspace(-2.7, 1.2, 300))
    shades = left.contourf(w, b, unit(w, b)[0], levels=np.linspace(0, 0.5, 26), cmap="Blues")
    figure.colorbar(shades, ax=left, label="loss", ticks=np.linspace(0, 0.5, 6))
    for number, points in enumerate(paths.values()):
        left.plot(*points.T, marker="o", markersize=4, **style.look(number))
    left.plot(*paths["not clipped"][0], "k*", markersize=12)
    left.text(5.1, -0.2, "one step", color=COLORS[1])
    compare(right, {name: unit(*points.T)[0] for name, points in paths.items()})
    right.set_ylim(0, 0.1)
    style.done(left, "A recurrent unit: from the star to the cliff", "recurrent weight w", "bias b")
    style.done(right, "Loss along each path", "step", "loss [mean square]", legend="")
    below(figure, right, 2)
    return figure


def long_term_dependencies() -> Any:
    """8.2.5: the gradient of recurrent layers over the time steps, and the powers of their matrices."""
    of = example("s8_2_5_long_term_dependencies")
    rng, nearly_none = np.random.default_rng(0), keras.initializers.RandomNormal(stddev=0.02)
    x, y = rng.normal(size=(256, of.LENGTH, 1)).astype("float32"), rng.integers(0, 2, 256)
    too_large = of.recurrent(keras.initializers.Orthogonal(gain=1.3), kernel_initializer=nearly_none)
    layers = of.recurrent_layers() | {"too_large": too_large}
    back, powers = {}, {}
    for name, (layer_name, layer) in zip(
        ("W small", "W orthogonal", "LSTM", "LSTM, gates open", "1.3 times orthogonal"), layers.items(), strict=True
    ):
        model = keras.Sequential([keras.Input((of.LENGTH, 1)), layer, keras.layers.Dense(1, "sigmoid")])
        model.compile(loss="binary_crossentropy")
        (seen,) = monitors.time_horizon(model, x, y)
        back[name] = seen.profile / seen.profile[0]
        w, start = layer.get_weights()[1], np.ones(of.UNITS)
        is_simple = "lstm" not in layer_name
        results = [curvature.matrix_power(w, start, t).result for t in range(of.LENGTH)] if is_simple else [np.nan]
        powers[name] = np.linalg.norm(np.atleast_2d(results), axis=-1) / np.linalg.norm(start)
    claim = "A gradient that shrinks at each step never reaches the beginning"
    figure, (left, right) = style.figure(claim, sharey=True)
    compare(left, back)
    compare(right, powers)
    style.done(left, "Gradient at the inputs", "time steps back", "over that of the last step", log="y", legend="")
    style.done(right, "Why: W applied again and again", "times t", "|W^t v| / |v|", log="y", legend="")
    below(figure, left, 5)
    return figure


def initialization() -> Any:
    """8.4: signal and gradient through twenty layers."""
    of, depth = example("s8_4_initialization"), 20
    x, y = of.load_digits(return_X_y=True)
    x = ((x - x.mean()) / x.std()).astype("float32")
    forward, backward = {}, {}
    for name in ("small", "heuristic", "normalized", "orthogonal", "large"):
        keras.utils.set_random_seed(0)
        flow = training.check_initialization(of.network(of.STARTS[name](), depth, y), x[:256], y[:256]).flow
        forward[name], backward[name] = flow.signal[:depth], flow.gradient[:depth] / flow.gradient[depth - 1]
    figure, (left, right) = style.figure("Each layer multiplies signal and gradient: it must be by about 1")
    for ax, curves in ((left, forward), (right, backward)):
        compare(ax, curves, x=np.arange(1, depth + 1), marker=".")
        ax.axhline(1, color=GREY, linewidth=1)
    left.set_ylim(1e-12, 30)
    right.set_ylim(1e-12, 1e8)
    style.done(left, "Forward: root mean square", "layer", "signal", log="y", legend="")
    style.done(right, "Backward: over that of the last layer", "layer", "gradient", log="y", legend="")
    below(figure, left, 5)
    return figure


def losses_at(rates: np.ndarray, optimizer: Any, of: SimpleNamespace, epochs: int) -> np.ndarray:
    """Return the loss of an example's network after some epochs at each rate, from the same start."""
    keras.utils.set_random_seed(0)
    (x, y), _ = of.digits()
    model, losses = of.network(), []
    model.compile(optimizer, model.loss, steps_per_execution=21)
    optimizer.build(model.trainable_variables)
    variables = [*optimizer.variables, *model.variables]
    start = [keras.ops.copy(each) for each in variables]
    for rate in rates:
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        optimizer.learning_rate = rate
        losses.append(model.fit(x, y, batch_size=64, epochs=epochs, verbose=0).history["loss"][-1])
    return np.array(losses)


def choice() -> Any:
    """8.5.4: four algorithms at ten rates; at one rate for all, and each at its best."""
    of, rates, epochs, common = example("s8_5_4_compare"), np.geomspace(1e-4, 3.16, 10), 8, 4
    made = {
        "SGD": optimizers.SGD(), "momentum": optimizers.Momentum(), "RMSProp": optimizers.RMSprop(),
        "Adam": optimizers.Adam(),
    }  # fmt: skip
    losses = {name: losses_at(rates, optimizer, of, epochs) for name, optimizer in made.items()}
    figure, (left, right) = style.figure("Each algorithm has its own best rate: compare them there")
    compare(left, losses, x=rates, marker=".")
    left.axvline(rates[common], color=GREY, linewidth=1, linestyle=":")
    for number, values in enumerate(losses.values()):
        best = int(np.argmin(values))
        left.plot(rates[best], values[best], "*", color=COLORS[number], markersize=13)
        bars = right.bar((number, number + 5), values[[common, best]], color=COLORS[number])
        right.bar_label(bars, fmt="%.2g", fontsize=9)
    right.set_xticks((1.5, 6.5), (f"all at {rates[common]:.2g}", "each at its best"))
    right.set_ylim(0.01, 4)
    at_one, at_best = losses["SGD"][common] / losses["Adam"][common], losses["SGD"].min() / losses["Adam"].min()
    style.done(left, f"Loss after {epochs} epochs", "learning rate", "loss [nats]", log="xy", legend="")
    said = f"SGD / Adam: {at_one:.0f} times at one rate, {at_best:.0f} at the best"
    style.done(right, said, "learning rate", "loss [nats]", log="y")
    below(figure, left, 4)
    return figure


def bfgs() -> Any:
    """8.6.3: loss and gradient over the evaluations of the gradient."""
    keras.config.set_dtype_policy("float64")
    keras.config.set_floatx("float64")
    of = example("s8_6_3_bfgs")
    x, y = of.load_digits(return_X_y=True)
    names = {"steepest": "steepest descent", "adam": "Adam", "lbfgs": "L-BFGS", "bfgs": "BFGS"}
    figure, (left, right) = style.figure("BFGS learns the curvature from gradients alone")
    for number, (name, label) in enumerate(names.items()):
        units, rate, _ = of.MODELS["regression"]
        model, optimizer = of.network(units), of.RUNS[name](rate)
        nll = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer, nll)
        copies = of.STEPS if name == "adam" else 1
        data = [np.concatenate([part] * copies) for part in (x / 16, y)]
        with tempfile.TemporaryDirectory() as folder:
            board = keras_ch8.callbacks.TensorBoard(folder)
            model.fit(*data, batch_size=len(x), epochs=10, shuffle=False, verbose=0, callbacks=[board])
            run = keras_ch8.read_run(folder)
        if name == "adam":
            losses, norms = (run[f"step/{series}"].values for series in ("loss", "gradient_norm"))
            of_step = np.ones(len(losses))
        else:  # whose steps have many iterations
            log = optimizer.telemetry.read(1, int(optimizer.iterations))
            losses, norms, of_step = log.loss, log.norm, log.numbers["evaluations"]
        left.plot(np.cumsum(of_step), losses, label=label, **style.look(number))
        right.plot(np.cumsum(of_step), np.minimum.accumulate(norms), **style.look(number))
    style.done(left, "Softmax regression on digits", "evaluations of the gradient", "loss [nats]", log="y", legend="")
    style.done(
        right, "How near to the minimum", "evaluations of the gradient", "smallest gradient norm so far", log="y"
    )
    below(figure, left, 4)
    return figure


PICTURES = {
    "8.2.2": local_minima,
    "8.2.4": cliff,
    "8.2.5": long_term_dependencies,
    "8.4": initialization,
    "8.5.4": choice,
    "8.6.3": bfgs,  # the last: it calculates in float64
}


def main(sections: list[str]) -> None:
    """Draw those of some sections, or all."""
    for section in sections or PICTURES:
        keras.utils.set_random_seed(0)
        style.save(PICTURES[section](), style.ROOT / "docs" / "pictures" / "sections" / f"{section}.png")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Pictures of the kinds of verdicts: what a training with the trouble does beside its cured twin, and the evidence."""

import dataclasses
import importlib
import tempfile
import textwrap
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import keras_ch8
from keras_ch8 import _batches
from keras_ch8._plot import COLORS, GREY
from keras_ch8._preflight import EXAMPLES
from keras_ch8.monitors.base import members
from keras_ch8.verdicts.wording import digits
from tools.rules_page import SEEN

from . import around, style

CLAIMS = {
    "step_too_long": "Too high a learning rate: the loss rises instead of falling",
    "step_too_short": "Too low a learning rate: the loss could fall far faster",
    "ill_conditioned": "In a ravine training creeps along the floor",
    "noise_dominated": "Tiny batches: noise keeps the loss high",
    "batch_wasteful": "Large batches cost far more examples for the same loss",
    "plateau": "On a plateau there is nothing to follow: the loss stands still",
    "saddle": "At a saddle point training stands still, though the loss curves down",
    "cliff": "At a cliff one step throws training back",
    "exploding": "The gradient grows from layer to layer: training is thrown about",
    "vanishing": "After six sigmoid layers all inputs look alike: nothing is learned",
    "short_horizon": "The gradient fades before it reaches the first time steps",
    "dead_units": "Dead ReLUs pass no gradient: the loss stands still",
    "saturated_units": "Saturated units let little gradient pass: training is slow",
    "batch_norm_gap": "Batch normalization: good in training, bad at inference",
    "bad_scale": "Too large initial weights: training starts far off",
    "overfitting": "Overfitting: the training loss falls, the held-out loss rises",
    "underfitting": "A line cannot part two circles: the model is too weak",
    "nonfinite": "One division of 0 by 0 makes all weights NaN",
    "wrong_labels": "Targets that the loss cannot read: it falls without end",
    "wrong_loss": "A loss that does not fit the targets hardly teaches",
    "wrong_output": "The last layer cannot output half of the targets",
    "bad_inputs": "Missing readings marked -9999 drown all others",
    "equal_units": "Units that start equal stay equal: they learn one thing",
    "no_gradient": "Layers without a gradient never move",
    "leak": "Copies in the validation data make it look too good",
    "label_order": "Sorted examples: each batch teaches one class only",
    "imbalance": "With 2 % frauds, a model may find none and look good",
    "too_short": "Training ends while the loss is still falling",
    "too_long": "The best epoch was long ago: later ones made it worse",
    "oscillation": "Too long steps: the loss swings and never settles",
    "learns_nothing": "Labels at random: no better than a constant prediction",
}
"""What each picture shows, as its title says it."""
OF_THE_DATA = ("wrong_labels", "wrong_loss", "wrong_output", "bad_inputs", "equal_units", "leak", "imbalance")
"""Kinds that are seen before the first step."""
STEPS = 400
"""Of a run of which the begin is enough, about."""
WHOLE = (
    "cliff", "noise_dominated", "batch_wasteful", "overfitting", "underfitting", "too_short", "too_long", "oscillation",
    "learns_nothing",
)  # fmt: skip
"""Kinds of which a run is shown as a whole."""
ROOM = 1.6
"""How far the axes go beyond a limit that no value has reached."""


@dataclasses.dataclass(frozen=True)
class Trained:
    """A run after its training.

    Args:
        name: What the legend calls it.
        look: Its colour and its kind of line.
        run: Model, data and settings.
        history: What was recorded.
        diagnosis: What it says.
        calls: What the judge was given at each of its measurements.
    """

    name: str
    look: dict[str, Any]
    run: Any
    history: Any
    diagnosis: Any
    calls: list[dict[str, Any]]

    def curve(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return steps and values of a series; none where it has no points."""
        found = self.history.curves.get(name)
        return (found.steps, found.values) if found else (np.zeros(0), np.zeros(0))

    def judged(self, quantity: str) -> tuple[np.ndarray, np.ndarray]:
        """Return steps and values of a quantity that rules judge."""
        found = {
            call["step"]: asked["measured"][quantity]
            for call in self.calls
            for asked in call["asked"].values()
            if np.isfinite(asked["measured"].get(quantity, np.nan))
        }
        return np.array([*found]), np.array([*found.values()])


def draw(kind: str) -> Any:
    """Draw what a training with a trouble does beside its cured twin, and what the verdict sees of it."""
    keras.utils.clear_session()  # so that its layers have their plain names
    planted = _planted(SEEN[kind])
    before = _preflight(planted.make(0)) if kind in OF_THE_DATA else ()
    sick, cured = both = [
        _train(kind, name, number, make)
        for name, number, make in (("sick", 1, planted.make), ("cured", 0, planted.cured))
    ]
    verdicts = before or sick.diagnosis.verdicts
    said = [verdict for verdict in verdicts if verdict.kind == kind and verdict.level != "ok"]
    if not said:
        found = [(verdict.kind, verdict.level) for verdict in verdicts]
        raise ValueError(f"The run {SEEN[kind]} was to have {kind}. Received: {found}.")
    figure, (left, right) = style.figure(CLAIMS[kind])
    caption = f"{said[0].level.upper()} {kind}: {said[0].finding.partition(' (')[0].removesuffix('.')}."
    figure.text(0.5, -0.005, textwrap.fill(caption, 118), ha="center", va="top", fontsize=9.5)
    LEFT.get(kind, loss_of_steps)(left, *both)
    if kind in around.DRAWN:
        around.DRAWN[kind](right, sick.run)
    elif kind in RIGHT:
        RIGHT[kind](right, sick, cured)
    else:
        evidence(kind, right, *both)
    return figure


def _planted(name: str) -> Any:
    confusion = importlib.import_module("benchmarks.diagnosis.confusion")
    return next(run for run in confusion.chosen() if run.name == name)


def _preflight(run: Any) -> Any:
    """Return what is said before the first step, by all of the data."""
    held_out = run.validation_data or run.probe
    return keras_ch8.preflight(run.model, run.x, run.y, validation_data=held_out, steps=0).verdicts


def _train(kind: str, name: str, number: int, make: Callable[[int], Any]) -> Trained:
    run, folder = make(0), tempfile.mkdtemp(dir=".")
    steps = run.epochs * -(-len(keras.tree.flatten(run.x)[0]) // run.batch_size)
    if kind not in WHOLE and kind not in OF_THE_DATA and steps > STEPS:
        run = dataclasses.replace(run, epochs=max(1, run.epochs * STEPS // steps))
    diagnosis = keras_ch8.callbacks.Diagnosis(run.probe)
    callbacks = [keras_ch8.callbacks.TensorBoard(folder), diagnosis]
    with importlib.import_module("benchmarks.diagnosis.record").listening() as fits:
        importlib.import_module("benchmarks.diagnosis.runs").fit(run, callbacks)
    return Trained(name, style.look(number), run, keras_ch8.read_run(folder), diagnosis, fits[0]["calls"])


# --- left: what happens ----------------------------------------------------------------------------------------------


def loss_of_steps(ax: Any, *both: Trained, of_examples: bool = False) -> None:
    """Draw the losses of minibatches over steps, or over the examples that were trained on."""
    for each in both:
        steps, loss = each.curve("step/loss")
        smooth = np.array([loss[max(0, k - 9) : k + 1].mean() for k in range(len(loss))])
        x = steps * each.run.batch_size if of_examples else steps
        ax.plot(x, smooth, label=each.name, zorder=3 + (each is both[0]), **each.look)
    axes = {"log": "x"} if of_examples else {}
    if of_examples:
        ax.set_xlim(left=10 * min(each.run.batch_size for each in both))
    done(ax, "Training loss", "examples seen" if of_examples else "step", "loss", **axes)


def loss_of_examples(ax: Any, *both: Trained) -> None:
    """Draw the losses of minibatches over the examples that were trained on."""
    loss_of_steps(ax, *both, of_examples=True)


def loss_of_probe(ax: Any, *both: Trained) -> None:
    """Draw the loss on new examples over the steps."""
    for each in both:
        ax.plot(*each.curve("diagnosis/loss"), label=each.name, marker=".", **each.look)
    done(ax, "Loss on new examples", "step", "loss")


def loss_until_nan(ax: Any, sick: Trained, cured: Trained) -> None:
    """Draw the losses of minibatches, and from where on they are NaN."""
    loss_of_steps(ax, sick, cured)
    steps, loss = sick.curve("step/loss")
    first = steps[np.isfinite(loss)][-1]
    ax.axvspan(first, ax.get_xlim()[1], color=COLORS[1], alpha=0.12, linewidth=0)
    ax.text(0.97, 0.7, f"sick: NaN from step {first + 1} on", ha="right", transform=ax.transAxes, fontsize=9.5)
    ax.legend(loc="upper right")


def loss_of_epochs(ax: Any, *both: Trained) -> None:
    """Draw the training loss after each epoch."""
    for each in both:
        steps, loss = each.curve("epoch/loss")
        ax.plot(steps, loss, label=each.name, marker=".", zorder=3 + (each is both[0]), **each.look)
        ax.plot(steps[-1], loss[-1], "o", markersize=9, zorder=5, color=each.look["color"])
    done(ax, "Training loss, with a dot at its end", "step", "loss")


def held_out_loss(ax: Any, *both: Trained) -> None:
    """Draw the loss on validation data after each epoch."""
    for each in both:
        ax.plot(*each.curve("epoch/val_loss"), label=each.name, marker=".", **each.look)
    done(ax, "Validation loss", "step", "loss")


def two_losses(ax: Any, sick: Trained, _: Trained) -> None:
    """Draw training and validation loss of the sick one."""
    ax.plot(*sick.curve("epoch/loss"), label="training", color=GREY, linestyle="--")
    steps, loss = sick.curve("epoch/val_loss")
    ax.plot(steps, loss, label="validation", marker=".", **sick.look | {"linestyle": "-"})
    ax.plot(steps[loss.argmin()], loss.min(), "k*", markersize=13, label="best epoch", zorder=5)
    done(ax, "Losses of the sick training", "step", "loss")


def loss_at_inference(ax: Any, sick: Trained, _: Trained) -> None:
    """Draw the loss as in training and at inference."""
    ax.plot(*sick.curve("diagnosis/loss"), label="as in training", marker=".", color=GREY)
    ax.plot(*sick.curve("diagnosis/inference_loss"), label="at inference", marker=".", **sick.look)
    done(ax, "One model, two losses", "step", "loss", log="y")


def shares_of_classes(ax: Any, sick: Trained, _: Trained) -> None:
    """Draw how many examples are of each class."""
    classes, counts = np.unique(np.ravel(sick.run.y), return_counts=True)
    bars = ax.bar([f"class {int(one)}" for one in classes], 100 * counts / counts.sum(), color=GREY, width=0.5)
    ax.bar_label(bars, fmt="%.0f %%")
    done(ax, "Examples of each class", "", "of all examples [%]")


LEFT = {
    "noise_dominated": loss_of_probe, "batch_wasteful": loss_of_examples, "nonfinite": loss_until_nan,
    "too_short": loss_of_epochs, "oscillation": loss_of_epochs, "leak": held_out_loss, "overfitting": two_losses,
    "too_long": two_losses, "batch_norm_gap": loss_at_inference, "imbalance": shares_of_classes,
}  # fmt: skip

# --- right: what the verdict sees, with its limit --------------------------------------------------------------------


def _percent(value: Any) -> Any:
    return 100 * value


def _noise(ratio: Any) -> Any:
    return 100 * np.maximum(ratio, 0) / (1 + np.maximum(ratio, 0))


def _same(value: Any) -> Any:
    return value


EVIDENCE: dict[str, tuple[str, str, str, Callable[[Any], Any]]] = {
    "step_too_long": ("Loss over its start", "times the start", "growth", _same),
    "noise_dominated": ("Noise in the gradient", "of its square [%]", "noise_over_batch", _noise),
    "batch_wasteful": ("Noise in the gradient", "of its square [%]", "noise_over_batch", _noise),
    "plateau": ("Gain of an ideal Newton step", "of the loss [%]", "newton_gain", _percent),
    "cliff": ("Spikes of the gradient so far", "spikes", "spikes", _same),
    "exploding": ("Gradient, first over last layer", "times", "growth_through_depth", _same),
    "short_horizon": ("How far back the gradient reaches", "of the time steps [%]", "horizon_reached", _percent),
    "dead_units": ("Dead ReLUs", "of all ReLUs [%]", "fraction_dead", _percent),
    "saturated_units": ("Saturated units", "of all [%]", "fraction_saturated", _percent),
    "batch_norm_gap": ("Error of the moving statistics", "standard deviations", "statistics_gap", _same),
    "bad_scale": ("Largest signal of a layer", "RMS", "largest_signal", _same),
    "overfitting": ("Rise of the validation loss", "of its improvement [%]", "held_out_rise", _percent),
    "underfitting": ("Loss over that of nearest neighbors", "times", "over_neighbours", _same),
    "nonfinite": ("NaN gradients so far", "steps", "nonfinite_steps", _same),
    "no_gradient": ("Weight matrices without a gradient", "of all [%]", "fraction_still", _percent),
    "too_short": ("Fall over the last third", "of the loss [%]", "fell_lately", _percent),
    "too_long": ("Validation loss above its best", "of the best [%]", "risen_since_best", _percent),
    "oscillation": ("Change from one epoch to the next", "of the loss [%]", "swing", _percent),
    "learns_nothing": ("Loss over that of a constant", "times", "least_over_chance", _same),
}
"""Title, unit, the quantity that is judged, and how it is shown in that unit."""
ON_THE_WAY = {"least_over_chance": "over_chance"}
"""What is drawn of a quantity that is judged at the end alone."""


def evidence(kind: str, ax: Any, *both: Trained) -> None:
    """Draw what the rule of a kind judges, and from where on it calls for action."""
    title, unit, quantity, shown = EVIDENCE[kind]
    rules = (rule for monitor in members("full") for rule in monitor.rules if rule.kind == kind)
    limit = next(each for rule in rules for each in rule.judged if each.quantity.name == quantity)
    at, is_above = shown(limit.act), limit.direction == "above"
    values = [at]
    alone = kind in ("oscillation", "too_short")  # of a loss that has come down any change is a large part
    for each in both[: 1 if alone else 2]:
        x, y = each.judged(ON_THE_WAY.get(quantity, quantity))
        y = shown(y)
        ax.plot(x, y, label=each.name, marker="." if len(x) < 60 else "", zorder=3 + (each is both[0]), **each.look)
        values += [*y]
    low, high = min(values), max(values)
    is_log = low > 0 and high > 20 * low
    if is_log:
        low, high = low / ROOM, high * ROOM
    else:
        room = 0.12 * (high - low)
        low, high = (0.0 if 0 <= low < room else low - room), high + 2 * room
    ax.set_ylim(low, high)
    ax.axhspan(*((at, high) if is_above else (low, at)), color=COLORS[1], alpha=0.12, linewidth=0)
    text = f"ACT at {limit.quantity.number(limit.act)} or {'more' if is_above else 'less'}"
    is_thin = not is_above and at - low < 0.15 * (high - low)
    end, va = (high, "top") if is_above else (at, "bottom" if is_thin else "top")
    ax.annotate(text, (1, end), xycoords=("axes fraction", "data"), xytext=(-3, 3 if is_thin else -3), ha="right",
                va=va, textcoords="offset points", fontsize=9.5)  # fmt: skip
    done(ax, title, "step", unit, log="y" if is_log else "-")


def outputs_of_layers(ax: Any, *both: Trained) -> None:
    """Draw how much the outputs of each layer differ between examples before the first step."""
    for each in both:
        outputs, shown = np.asarray(each.run.probe[0]), []
        fresh = _planted(SEEN["vanishing"])
        model = (fresh.make if each is both[0] else fresh.cured)(0).model
        for layer in model.layers[:-1]:
            outputs = np.asarray(layer(outputs))
            shown.append(100 * np.sqrt(np.square(outputs - outputs.mean(0)).mean() / np.square(outputs).mean()))
        ax.plot(range(1, len(shown) + 1), shown, label=each.name, marker="o", **each.look)
    ax.set_ylim(1e-3, 300)
    ax.axhspan(1e-3, 1, color=COLORS[1], alpha=0.12, linewidth=0)
    ax.text(6, 0.0013, "ACT below 1 % after the last", ha="right", va="bottom", fontsize=9.5)
    done(ax, "How much outputs differ at the start", "hidden layer", "between examples [%]", log="y")


def targets_and_outputs(kind: str) -> Callable[..., None]:
    """Return what draws targets beside what the model puts out at the start."""

    def drawn(ax: Any, *_: Trained) -> None:
        start = _planted(SEEN[kind]).make(0)
        outputs = start.model(keras.tree.map_structure(lambda part: part[:1000], start.x))
        values = {"targets": np.ravel(start.y), "outputs at the start": np.ravel(outputs)}
        edges = np.histogram_bin_edges(np.concatenate(list(values.values())), 40)
        for number, (label, each) in enumerate(values.items()):
            counts = np.histogram(each, edges)[0]
            ax.stairs(counts / counts.sum(), edges, fill=True, alpha=0.5, color=COLORS[number], label=label)
        ax.set_yscale("log")
        style.done(ax, "Targets, and what the model outputs", "value", "fraction of them")

    return drawn


def rms_of_inputs(ax: Any, *both: Trained) -> None:
    """Draw the size of the inputs that a look before the first step sees."""
    seen = [next(_batches.batches(each.run.x, each.run.y, None, EXAMPLES, 0))[0] for each in both]
    sizes = [float(np.sqrt(np.square(x).mean())) for x in seen]
    bars = ax.bar([each.name for each in both], sizes, color=[each.look["color"] for each in both], width=0.5)
    ax.bar_label(bars, [digits(size) for size in sizes])
    ax.set_ylim(0.1, 2e4)
    ax.axhspan(10, 2e4, color=COLORS[1], alpha=0.12, linewidth=0)
    ax.text(1.4, 11, "ACT above 10", ha="right", va="bottom", fontsize=9.5)
    style.done(ax, "Size of the inputs; about 1 is best", "", "RMS", log="y")


def first_kernels(ax: Any, *_: Trained) -> None:
    """Draw the first kernel at the start, of both."""
    both = (_planted(SEEN["equal_units"]).make(0), _planted(SEEN["equal_units"]).cured(0))
    kernels = [run.model.trainable_variables[0].numpy() for run in both]
    gap = np.full((len(kernels[0]), 6), np.nan)
    ax.imshow(np.hstack([kernels[0], gap, kernels[1]]), cmap="cividis", aspect="auto", interpolation="nearest")
    style.done(ax, "First weights at the start: sick, cured", "unit", "input")
    ax.grid(visible=False)


def shared_rows(ax: Any, *both: Trained) -> None:
    """Draw how many validation examples are trained on."""
    shares = []
    for each in both:
        known = {row.tobytes() for row in each.run.x}
        shares.append(100 * np.mean([row.tobytes() in known for row in each.run.validation_data[0]]))
    bars = ax.bar([each.name for each in both], shares, color=[each.look["color"] for each in both], width=0.5)
    ax.bar_label(bars, fmt="%.0f %%")
    style.done(ax, "Validation examples also trained on", "", "of all [%]")


def labels_in_order(ax: Any, sick: Trained, _: Trained) -> None:
    """Draw the labels in the order of the data."""
    ax.plot(np.ravel(sick.run.y), ".", color=COLORS[1], markersize=3)
    style.done(ax, "Labels in the order of training", "place in the data", "label")


def recall(ax: Any, *both: Trained) -> None:
    """Draw which part of the examples of each class is recognized."""
    for place, each in enumerate(both):
        x, y = each.run.probe
        is_rare, found = np.ravel(y) == 1, np.ravel(each.run.model.predict(x, verbose=0)) > 0.5
        shares = [100 * np.mean(~found[~is_rare]), 100 * np.mean(found[is_rare])]
        bars = ax.bar(np.arange(2) + 0.36 * place, shares, 0.34, label=each.name, color=each.look["color"])
        ax.bar_label(bars, fmt="%.0f %%")
    ax.set_xticks(np.arange(2) + 0.18, ["class 0", "class 1"])
    ax.set_ylim(0, 130)
    style.done(ax, "Recognized of each class, new examples", "", "recall [%]", legend="upper right")


RIGHT = {kind: targets_and_outputs(kind) for kind in ("wrong_labels", "wrong_loss", "wrong_output")} | {
    "vanishing": outputs_of_layers, "bad_inputs": rms_of_inputs, "equal_units": first_kernels, "leak": shared_rows,
    "label_order": labels_in_order, "imbalance": recall,
}  # fmt: skip


def done(ax: Any, title: str, x: str, y: str, log: str = "") -> None:
    """Finish axes whose y is logarithmic where values are above 0 and far apart."""
    values = np.concatenate([*(line.get_ydata() for line in ax.get_lines()), np.ones(0)])
    values = values[np.isfinite(values)]
    is_log = "y" not in log and "-" not in log and len(values) and values.min() > 0 and values.max() > 20 * values.min()
    style.done(ax, title, x, y, log=log.replace("-", "") + "y" * bool(is_log))

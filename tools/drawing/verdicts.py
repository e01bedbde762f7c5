"""Pictures of the kinds of verdicts: a small training that has the trouble, its cured twin, and what the rule reads."""

import dataclasses
import importlib
import tempfile
import textwrap
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

import keras_ch8
from keras_ch8._plot import COLORS, GREY, make_log
from keras_ch8.board import panels
from keras_ch8.monitors.base import members
from keras_ch8.monitors.documentation import SEEN

from . import around, style

MONITORS = members("full")  # which register kinds of their own
OF_THE_DATA = ("wrong_labels", "wrong_loss", "wrong_output", "bad_inputs", "equal_units", "leak", "label_order",
               "imbalance")  # fmt: skip
"""Kinds that are seen before the first step: there is no curve of them."""
_EPOCHS = ("epoch/loss", "epoch/val_loss")
SERIES = {
    "step_too_long": ("diagnosis/loss_over_start",),
    "noise_dominated": ("diagnosis/noise_scale",),
    "batch_wasteful": ("diagnosis/noise_scale",),
    "plateau": ("diagnosis/newton_gain",),
    "cliff": ("diagnosis/spikes",),
    "exploding": ("diagnosis/backward_factor",),
    "vanishing": ("diagnosis/backward_factor",),
    "short_horizon": ("diagnosis/horizon",),
    "dead_units": ("diagnosis/fraction_dead",),
    "saturated_units": ("diagnosis/fraction_saturated",),
    "batch_norm_gap": ("diagnosis/batch_norm_gap",),
    "bad_scale": ("diagnosis/largest_signal",),
    "nonfinite": ("step/nonfinite",),
    "no_gradient": ("diagnosis/fraction_without_gradient",),
} | dict.fromkeys(("overfitting", "underfitting", "too_short", "too_long", "oscillation", "learns_nothing"), _EPOCHS)
"""Of most other kinds the series that its rules read; for the rest there is `around.DRAWN`."""
NEAR = 0.06
"""Of the height of the axes, within which limits share a label."""
STEPS = 400
"""Of a run of a kind with one series, about: what its rules read is seen early."""
NAMES = ("with the trouble", "cured")


def draw(kind: str) -> Any:
    """Draw the losses of a training with a trouble and of its cured twin, and what the trouble is."""
    planted = _planted(SEEN[kind])
    sick, cured = (_shortened(kind, run) for run in (planted.make(0), planted.cured(0)))
    if kind in OF_THE_DATA and kind != "label_order":  # which only the order in which `fit` reads tells
        held_out = sick.validation_data or sick.probe
        verdicts = keras_ch8.preflight(sick.model, sick.x, sick.y, validation_data=held_out, steps=0).verdicts
        runs = [_train(sick), _train(cured)]
    else:
        runs = [_train(run, keras_ch8.callbacks.Diagnosis(run.probe)) for run in (sick, cured)]
        verdicts = tuple(runs[0].verdicts)
    said = [verdict for verdict in verdicts if verdict.kind == kind and verdict.level != "ok"]
    if not said:
        raise ValueError(f"The run {SEEN[kind]} was to have {kind}. Received: {[(v.kind, v.level) for v in verdicts]}.")
    figure, (left, right) = style.figure(f"{kind}: {said[0].level}")
    figure.text(0.5, -0.005, textwrap.fill(said[0].finding, 112), ha="center", va="top", fontsize=10)
    for number, (run, name) in enumerate(zip(runs, NAMES, strict=True)):
        loss = run["step/loss"]
        left.plot(loss.steps, _smooth(loss.values), label=name, zorder=4 - number, **style.look(1 - number))
    _scaled(left)
    style.done(left, "Loss of minibatches, mean of ten", "step", "loss")
    if kind in OF_THE_DATA:
        _draw_data(kind, right, sick, cured)
    elif kind in around.DRAWN:
        around.DRAWN[kind](right, sick)
    else:
        _draw_series(kind, right, runs)
    return figure


def _planted(name: str) -> Any:
    confusion = importlib.import_module("benchmarks.diagnosis.confusion")
    return next(run for run in confusion.chosen() if run.name == name)


def _train(run: Any, *callbacks: keras.callbacks.Callback) -> Any:
    """Train a planted run, and return what was recorded."""
    folder = tempfile.mkdtemp(dir=".")
    importlib.import_module("benchmarks.diagnosis.runs").fit(run, [keras_ch8.callbacks.TensorBoard(folder), *callbacks])
    return keras_ch8.read_run(folder)


def _shortened(kind: str, run: Any) -> Any:
    """Return a run of fewer epochs, where the whole course is not what is judged."""
    steps = run.epochs * -(-len(keras.tree.flatten(run.x)[0]) // run.batch_size)
    fewer = max(1, run.epochs * STEPS // steps)
    of_one = kind in around.DRAWN or len(SERIES.get(kind, _EPOCHS)) == 1
    is_whole = kind == "cliff" or not of_one  # cliffs come when they come
    return run if is_whole or fewer > run.epochs else dataclasses.replace(run, epochs=fewer)


def _smooth(values: np.ndarray) -> np.ndarray:
    """Return the mean of each value with the nine before it."""
    return np.array([values[max(0, k - 9) : k + 1].mean() for k in range(len(values))])


def _scaled(ax: Any, limits: Sequence[float] = ()) -> None:
    """Make y logarithmic where values, and limits, are above 0 and far apart."""
    values = np.concatenate([*(line.get_ydata() for line in ax.get_lines()), np.array(limits, float)])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > 20 * values.min():
        make_log(ax.yaxis)


def _draw_series(kind: str, ax: Any, runs: list[Any]) -> None:
    """Draw what the rules of a kind read over the steps, and their limits."""
    names = SERIES[kind]
    is_of_epochs = len(names) > 1  # and then of the run with the trouble alone
    of = [(runs[0], names[0], "training"), (runs[0], names[-1], "held-out")]
    drawn = of if is_of_epochs else [(run, names[0], name) for run, name in zip(runs, NAMES, strict=True)]
    curves = [(run[name], label) for run, name, label in drawn if name in run.curves]
    for number, (curve, label) in enumerate(curves):
        marker = "." if len(curve) < 60 else ""
        ax.plot(curve.steps, curve.values, marker=marker, label=label, **style.look(1 - number))
    limits = _limits(kind, names[0], runs[0])
    _scaled(ax, [value for value, _ in limits])
    ax.set_xlim(right=max(curve.steps[-1] for curve, _ in curves))
    for value, _ in limits:
        ax.axhline(value, color=GREY, linewidth=1.2, linestyle=":")
    _label(ax, limits)
    curve = curves[0][0]
    title = "Loss after each epoch, with the trouble" if is_of_epochs else curve.text.split(".")[0]
    label = "loss" if is_of_epochs else f"{names[0].split('/')[1].replace('_', ' ')} [{curve.unit or 1}]"
    style.done(ax, textwrap.fill(title, 48), "step", label)
    ax.title.set_size(10)


def _limits(kind: str, series: str, run: Any) -> list[tuple[float, str]]:
    """Return where the rules of a kind have limits for a series, and what its panel compares it with, from below."""
    thresholds = (part for monitor in MONITORS for rule in monitor.rules if rule.kind == kind for part in rule.judged)
    limits = {(limit, level) for part in thresholds if part.quantity.series == series for level, limit in part.limits()}
    listed = (*panels.PANELS, *panels.of_monitors(MONITORS))
    lines = [line for panel in listed for line in panel.lines if series in panel.series]
    known = {(run.hyperparameters.get(line.value, line.value), line.label) for line in lines}
    return sorted((value, label) for value, label in limits | known if isinstance(value, (int, float)))


def _label(ax: Any, limits: list[tuple[float, str]]) -> None:
    """Write what limits mean above them; those that are near each other share a line."""
    groups: list[tuple[float, list[str]]] = []
    ax.get_ylim()  # so that `transData` knows all that was drawn
    for value, label in limits:
        at = ax.transAxes.inverted().transform(ax.transData.transform((0, value)))[1]
        if groups and at - groups[-1][0] < NEAR:
            groups[-1][1].append(label)
        else:
            groups.append((at, [label]))
    for at, labels in groups:
        text = ", ".join(dict.fromkeys(labels))
        ax.text(1, at, text, transform=ax.transAxes, fontsize=9, ha="right", va="bottom")


def _draw_data(kind: str, ax: Any, sick: Any, cured: Any) -> None:
    """Draw what is seen of the data, the labels or the weights before the first step."""
    if kind in ("wrong_labels", "wrong_loss", "wrong_output"):
        start = _planted(SEEN[kind]).make(0)
        values = {
            "targets": np.ravel(start.y),
            "outputs at the start": np.ravel(start.model(keras.tree.map_structure(lambda part: part[:1000], start.x))),
        }
        edges = np.histogram_bin_edges(np.concatenate(list(values.values())), 40)
        for number, (label, each) in enumerate(values.items()):
            counts = np.histogram(each, edges)[0]
            ax.stairs(counts / counts.sum(), edges, fill=True, alpha=0.5, color=COLORS[number], label=label)
        ax.set_yscale("log")
        style.done(ax, "What is to be put out, and what is", "value", "fraction of them")
    elif kind == "bad_inputs":
        for number, (run, name) in enumerate(zip((sick, cured), NAMES, strict=True)):
            ax.hist(np.ravel(run.x), bins=60, log=True, alpha=0.6, color=COLORS[1 - number], label=name)
        style.done(ax, "Inputs", "value", "how many")
    elif kind == "equal_units":
        both = (_planted(SEEN[kind]).make(0), _planted(SEEN[kind]).cured(0))
        kernels = [run.model.trainable_variables[0].numpy() for run in both]
        gap = np.full((len(kernels[0]), 6), np.nan)
        ax.imshow(np.hstack([kernels[0], gap, kernels[1]]), cmap="cividis", aspect="auto", interpolation="nearest")
        style.done(ax, "First kernel at the start: with the trouble, cured", "unit", "input")
        ax.grid(visible=False)
    elif kind == "leak":
        shares = [100 * _share_of_equal_rows(run) for run in (sick, cured)]
        ax.bar(NAMES, shares, color=[COLORS[1], COLORS[0]], width=0.5)
        style.done(ax, "Validation rows that are trained on", "", "of all validation rows [%]")
    elif kind == "label_order":
        ax.plot(np.ravel(sick.y), ".", color=COLORS[1], markersize=3)
        style.done(ax, "Labels in the order of the data", "place in the data", "label")
    else:
        classes, counts = np.unique(np.ravel(sick.y), return_counts=True)
        ax.bar([f"class {int(one)}" for one in classes], 100 * counts / counts.sum(), color=COLORS[1], width=0.5)
        style.done(ax, "Shares of the classes", "", "of all examples [%]")


def _share_of_equal_rows(run: Any) -> float:
    """Return which part of the validation examples stands among those to train on."""
    known = {row.tobytes() for row in run.x}
    held_out = (run.validation_data or run.probe)[0]
    return float(np.mean([row.tobytes() in known for row in held_out]))

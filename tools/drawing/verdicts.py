"""Pictures of the kinds of verdicts: a small training that has the trouble, its cured twin, and what the rule reads."""

import importlib
import tempfile
import textwrap
from typing import Any

import keras
import numpy as np

import keras_ch8
from keras_ch8 import training
from keras_ch8._plot import COLORS, GREY, make_log
from keras_ch8.monitors.base import members
from keras_ch8.monitors.documentation import SEEN
from keras_ch8.verdicts import KINDS

from . import style

MONITORS = members("full")  # which register kinds of their own
RUNS = {kind: name for kind, (name, _) in SEEN.items()} | {
    "wrong_labels": "humidity_in_per_cent",
    "wrong_loss": "absolute_error_of_one_hot_digits",
    "wrong_output": "profits_and_losses_behind_a_relu",
    "bad_inputs": "readings_missing_as_minus_9999",
    "equal_units": "digits_from_constant_weights",
    "no_gradient": "layers_of_signs",
    "leak": "customers_copied_before_the_split",
    "label_order": "digits_in_the_order_of_their_folders",
    "imbalance": "two_frauds_in_a_hundred_payments",
    "too_long": "tumours_told_apart_long_ago",
}
"""Of each kind a planted run that has it (`tests/planted`)."""
OF_THE_DATA = ("wrong_labels", "wrong_loss", "wrong_output", "bad_inputs", "equal_units", "leak", "label_order",
               "imbalance")  # fmt: skip
"""Kinds that are seen before the first step: there is no curve of them."""
WORDS = {"ch8_diagnosis/": "", "ch8_epoch/": "", "ch8/": "", "_": " "}


def draw(kind: str) -> Any:
    """Draw the losses of a training with a trouble and of its cured twin, and what the rule of the trouble reads."""
    planted = _planted(RUNS[kind])
    sick, cured = planted.make(0), planted.cured(0)
    if kind in OF_THE_DATA:
        verdicts = training.preflight(sick.model, sick.x, sick.y, sick.validation_data or sick.probe, 0).verdicts
        runs = [_train(sick), _train(cured)]
    else:
        runs = [_train(one, keras_ch8.callbacks.Diagnosis(one.probe)) for one in (sick, cured)]
        verdicts = tuple(runs[0].verdicts)
    said = [verdict for verdict in verdicts if verdict.kind == kind and verdict.level != "ok"]
    if not said:
        raise ValueError(f"The run {RUNS[kind]} was to have {kind}. Received: {[(v.kind, v.level) for v in verdicts]}.")
    figure, (left, right) = style.figure(f"{kind}: {said[0].level}")
    figure.text(0.5, -0.005, textwrap.fill(said[0].finding, 112), ha="center", va="top", fontsize=10)
    held_out = kind in ("overfitting", "too_long", "leak") and "ch8_epoch/val_loss" in runs[0].curves
    for number, (run, name) in enumerate(zip(runs, ("with the trouble", "cured"), strict=True)):
        loss = run["ch8_epoch/loss" if held_out else "ch8/loss"]
        left.plot(loss.steps, _smooth(loss.values), label=name, **style.look(1 - number))
        if held_out:
            loss = run["ch8_epoch/val_loss"]
            look = {"color": COLORS[1 - number], "linestyle": ":"}
            left.plot(loss.steps, loss.values, label=f"{name}, held-out", **look)
    _scaled(left)
    style.done(left, "Loss", "step", "loss")
    if kind in OF_THE_DATA:
        _draw_data(kind, right, sick, cured)
    else:
        _draw_series(right, said[0], runs)
    return figure


def _planted(name: str) -> Any:
    confusion = importlib.import_module("tests.planted.confusion")
    return next(run for run in confusion.chosen() if run.name == name)


def _train(run: Any, *callbacks: keras.callbacks.Callback) -> Any:
    """Train a planted run, and return what was recorded."""
    folder = tempfile.mkdtemp(dir=".")
    importlib.import_module("tests.planted.runs").fit(run, [keras_ch8.callbacks.TensorBoard(folder), *callbacks])
    return keras_ch8.read_run(folder)


def _smooth(values: np.ndarray) -> np.ndarray:
    """Return the mean of each value with the nine before it."""
    return np.array([values[max(0, k - 9) : k + 1].mean() for k in range(len(values))])


def _scaled(ax: Any) -> None:
    """Make y logarithmic where values are above 0 and far apart."""
    values = np.concatenate([line.get_ydata() for line in ax.get_lines()])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > 20 * values.min():
        make_log(ax.yaxis)


def series_of(verdict: Any, run: Any) -> str:
    """Return the series that shows the number of a verdict, or one that its rules read; the loss if there is none."""
    rules = (rule for monitor in MONITORS for rule in monitor.rules if rule.kind == verdict.kind)
    read = (threshold.quantity.series for rule in rules for threshold in rule.all_of)
    measured = [name for name in (verdict.series, *read) if name in run.curves]
    return next(iter(measured), "ch8/gradient_norm")


def _draw_series(ax: Any, verdict: Any, runs: list[Any]) -> None:
    """Draw a series over the steps, with the limits of the rules that read it."""
    name = series_of(verdict, runs[0])
    for number, (run, label) in enumerate(zip(runs, ("with the trouble", "cured"), strict=True)):
        if name in run.curves:
            curve = run[name]
            ax.plot(curve.steps, curve.values, marker=".", label=label, **style.look(1 - number))
    _scaled(ax)
    low, high = ax.get_ylim()
    for line in runs[0]._pictured.lines.get(name, ()):
        if isinstance(line.value, (int, float)) and verdict.kind in line.label.replace(" ", "_"):
            ax.axhline(line.value, color=GREY, linewidth=1.2, linestyle=":")
            ax.text(ax.get_xlim()[1], line.value, line.label, fontsize=8.5, ha="right", va="bottom")
            low, high = min(low, line.value), max(high, line.value)
    curve = runs[0][name]
    for prefix, by in WORDS.items():
        name = name.replace(prefix, by)
    style.done(ax, textwrap.shorten(curve.text.split(".")[0], 58, placeholder=" ..."), "step", f"{name} [{curve.unit or 1}]")
    ax.title.set_size(9.5)


def _draw_data(kind: str, ax: Any, sick: Any, cured: Any) -> None:
    """Draw what is seen of the data, the labels or the weights before the first step."""
    names = ("with the trouble", "cured")
    if kind in ("wrong_labels", "wrong_loss", "wrong_output"):
        start = _planted(RUNS[kind]).make(0)
        for number, (label, values) in enumerate({"targets": start.y, "outputs at the start": start.model(
            start.x[:1000])}.items()):  # fmt: skip
            ax.hist(np.ravel(values), bins=40, density=True, alpha=0.6, color=COLORS[number], label=label)
        style.done(ax, "What is to be put out, and what is", "value", "density")
    elif kind == "bad_inputs":
        for number, (run, name) in enumerate(zip((sick, cured), names, strict=True)):
            ax.hist(np.ravel(run.x), bins=60, log=True, alpha=0.6, color=COLORS[1 - number], label=name)
        style.done(ax, "Inputs", "value", "how many")
    elif kind == "equal_units":
        kernel = _planted(RUNS[kind]).make(0).model.trainable_variables[0].numpy()
        ax.imshow(kernel, cmap="cividis", aspect="auto", interpolation="nearest")
        style.done(ax, "First kernel at the start", "unit", "input")
    elif kind == "leak":
        shares = [100 * _share_of_equal_rows(run) for run in (sick, cured)]
        ax.bar(names, shares, color=[COLORS[1], COLORS[0]], width=0.5)
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


assert set(RUNS) == set(KINDS), set(KINDS) ^ set(RUNS)  # noqa: S101

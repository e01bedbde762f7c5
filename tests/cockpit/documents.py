"""Documents of the page, made up: the same each time, and with all that a training may bring."""

import copy
import math
import time

import numpy as np

from keras_ch8.board import panels
from keras_ch8.cockpit import charts, overview, records
from keras_ch8.cockpit.document import _nan_from, _summary
from keras_ch8.monitors.base import members
from tests.cockpit.runs import standing

HOSTILE = '<img src=x onerror="window.hurt = true"></script><b>&amp;'


def document(*runs, live=False, title="logs"):
    """Return a document of some runs, with the panels that the package knows and those that the runs bring."""
    listed = [panel.as_data() for panel in (*panels.PANELS, *panels.of_monitors(members("full")))]
    for run in runs:
        listed += (run["record"] or {}).get("panels", [])
    said = overview.overview(runs)
    made = said | {
        "version": 1,
        "title": title,
        "live": live,
        "panels": charts.arranged(listed, runs, said["cases"]),
        "runs": list(runs),
    }
    return copy.deepcopy(made)


def series(steps, values, low=None, high=None):
    """Return a series as a document has it."""
    made = {"steps": [int(step) for step in steps], "values": numbers(values)}
    if low is not None:
        made |= {"low": numbers(low), "high": numbers(high)}
    return made


def numbers(values):
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in np.asarray(values, float).tolist()]


def curves(values, steps=None, tag="step/loss", **band):
    """Return the one curve of a run, over the first of `STEPS` unless others are given."""
    return {tag: series(STEPS[: len(values)] if steps is None else steps, values, **band)}


def verdict(
    kind, level, finding, *, cure="", section="8.2", step=4, measured=860, why=(), code="", of="", value=None, **more
):
    return {
        "kind": kind, "level": level, "finding": finding, "cure": cure, "section": section, "step": step,
        "measured": measured, "why": list(why), "code": code, "series": of, "value": value,
        "then": "", "expects": "", "explained_by": "", **more,
    }  # fmt: skip


def run(name, curves, *verdicts, step=None, ended=True, checks=13, record=True, **more):
    """Return a run; `record` may be False for one without, and `more` goes into the record, but `problem` and `age`.

    `age` is how many seconds ago a run that has not ended was last heard of.
    """
    problem, age = more.pop("problem", ""), more.pop("age", 1)
    last = max((s["steps"][-1] for s in curves.values() if s["steps"]), default=0)
    hyperparameters = {"optimizer": "SGD", "learning_rate": 0.05, "batch_size": 32} | more.pop("hyperparameters", {})
    written = {
        "version": 1, "begun": 1.7327e9, "now": 1.7327001e9, "ended": bool(ended), "step": step or last,
        "hyperparameters": hyperparameters,
        "diagnosis": {"measurements": 42, "cost": 0.02} if checks else None,
        "verdicts": [*verdicts, *fine(checks - len(verdicts))],
        "events": [], "lines": {}, "tags": {}, "panels": [], "layers": [],
        "stopping": None,
    }  # fmt: skip
    written |= more
    written["state"] = standing(written)
    said = written if record else records.EMPTY
    return {
        "name": name, "step": step or last, "ended": ended if record else None, "state": said["state"],
        "record": written if record else None, "series": curves, "tags": {}, "summary": _summary(curves),
        "problem": problem, "nan_from": _nan_from(curves), "limits": charts.limits_of(said, curves),
        "news": None if ended else time.time() - age,
    }  # fmt: skip


def fine(number):
    """Return so many verdicts that say that all is well."""
    return [verdict(f"check_{i}", "ok", "Nothing was found.") for i in range(number)]


def banded(rng, steps, middle, width=0.3):
    """Return a spiky series around a middle, as a window of several steps has it."""
    spread = np.abs(rng.normal(size=(2, len(steps)))) * width
    values = middle * np.exp(rng.normal(size=len(steps)) * width / 3)
    return series(steps, values, low=values * np.exp(-spread[0]), high=values * np.exp(spread[1]))


def ordinary(rng, steps, *, start=2.3, end=0.01, gap=1.5, norm=1.0, rate=0.05, epochs=20):
    """Return the curves that any training leaves."""
    part = (steps - steps[0]) / max(1, steps[-1] - steps[0])
    loss = start * (end / start) ** part
    at = np.linspace(steps[-1] / epochs, steps[-1], epochs)
    of_epochs = np.interp(at, steps, loss)
    validation = of_epochs * (1 + (gap - 1) * np.linspace(0, 1, epochs))
    return {
        "step/loss": banded(rng, steps, loss),
        "epoch/loss": series(at, of_epochs),
        "epoch/val_loss": series(at, validation * np.exp(rng.normal(size=epochs) * 0.05)),
        "step/gradient_norm": banded(rng, steps, norm * (0.3 + loss)),
        "step/update_norm": banded(rng, steps, rate * norm * (0.3 + loss)),
        "step/learning_rate": series(steps, np.full(len(steps), rate)),
        "step/effective_rate": banded(rng, steps, np.full(len(steps), rate)),
        "step/weight_norm": series(steps, 18 + part),
    }


def probes(rng, steps, *, backward=1.0, noise=60.0, step_over_optimal=0.8):
    """Return the curves of a Diagnosis."""
    shake = np.exp(rng.normal(size=(6, len(steps))) * 0.1)
    return {
        "diagnosis/backward_factor": series(steps, backward * shake[0] ** 0.3),
        "diagnosis/noise_scale": series(steps, noise * shake[1]),
        "diagnosis/step_over_best": series(steps, step_over_optimal + rng.normal(size=len(steps)) * 0.4),
        "diagnosis/fraction_dead": series(steps, 0.05 * shake[2]),
        "diagnosis/fraction_saturated": series(steps, 0.02 * shake[3]),
        "diagnosis/standard_error": series(steps, 0.4 + rng.normal(size=len(steps)) * 0.03),
    }


def layers(rng, steps, rows, factor, *, name="diagnosis/gradient_by_layer", title="Gradient at each layer"):
    """Return what is behind a heat map; one number in it is not finite."""
    powers = factor ** np.arange(len(rows))[::-1, None] * np.exp(rng.normal(size=(len(rows), len(steps))) * 0.15)
    columns = [[float(f"{value:.3g}") for value in column] for column in powers.T.tolist()]
    columns[len(columns) // 2][0] = None
    return {
        "name": name, "title": title, "unit": "loss / signal", "section": "8.2.5", "rows": list(rows),
        "steps": [int(step) for step in steps], "values": columns, "kinds": ["vanishing", "exploding"],
    }  # fmt: skip


STEPS = np.arange(1, 861, 5)
LOOKS = np.concatenate([np.arange(4, 330, 12), [620, 776, 800, 840, 860]])


def six_runs():
    """Return six trainings as they were looked at when the page was designed."""
    rng = np.random.default_rng(0)
    quick = run("quickstart", ordinary(rng, STEPS, end=0.04) | clipping(rng), checks=0, hyperparameters=adam(0.001))
    healthy = run(
        "cnn_healthy", ordinary(rng, STEPS, end=0.012, gap=1.2, rate=0.001) | probes(rng, LOOKS),
        hyperparameters=adam(0.001), layers=[layers(rng, LOOKS, ["conv2d", "conv2d_1", "dense", "dense_1"], 0.9)],
        events=[{"step": 600, "kind": "rate", "text": "The learning rate fell to 0.0005."}],
    )  # fmt: skip
    return [quick, healthy, tanh_deep(rng), rnn_explodes(rng), lbfgs(rng), everything(rng)]


def adam(rate):
    return {"optimizer": "Adam", "learning_rate": rate, "beta_1": 0.9}


def clipping(rng):
    part = np.linspace(1, 0.1, len(STEPS))
    share = np.clip(part + rng.normal(size=len(STEPS)) * 0.1, 0, 1)
    return {"step/clipped_share": series(STEPS, share), "step/clip_coefficient": series(STEPS, 1 - share / 2)}


def tanh_deep(rng):
    curves = ordinary(rng, STEPS, start=2.3, end=1.2) | probes(rng, LOOKS, backward=0.65)
    value = curves["diagnosis/backward_factor"]["values"][-1]
    found = verdict(
        "vanishing", "act",
        f"Back from the last of 12 layers to the first the gradient is multiplied by 0.0075, {value:.3g} a layer.",
        cure="Scale the start to the data (`training.scale_to_data`), normalize between layers "
        "(`layers.BatchNormalization`), or use ReLU with `keras.initializers.HeNormal`.",
        section="8.2.5", of="diagnosis/backward_factor", value=value,
        why=[
            "The norm of the gradient at what each of 12 layers gives was measured at step 860.",
            "From layer to layer it is multiplied by 0.65; a factor of 1 would keep it.",
            "Below 0.8 a layer the first of 12 layers gets less than a tenth: `WATCH`; below 0.7: `ACT`.",
            "The first layer moves by 5.2e-05 of its size in a step, the last one by 0.003.",
            "2 of the last 3 measurements say so.",
        ],
        code="import keras_ch8\n\nkeras_ch8.training.scale_to_data(model, x[:256])\nmodel.fit(x, y)",
        then="Add connections that skip layers: `layers.Residual`.", expects="The factor should rise to 0.9.",
    )  # fmt: skip
    rows = [f"dense_{i}" if i else "dense" for i in range(12)]
    limits = (0.7, "act: vanishing"), (0.8, "watch: vanishing"), (2.0, "act: exploding")
    lines = [
        {"value": value, "label": label, "direction": "below" if value < 1 else "above"} for value, label in limits
    ]
    return run(
        "tanh_deep", curves, found, layers=[layers(rng, LOOKS, rows, 0.65)], lines={"diagnosis/backward_factor": lines}
    )


def rnn_explodes(rng):
    steps, looks = STEPS[STEPS <= 421], LOOKS[LOOKS <= 330]
    curves = ordinary(rng, steps, start=2.9, end=2.4, norm=200.0, rate=0.02, epochs=9)
    curves |= probes(rng, looks, backward=3.4, noise=2500.0)
    curves["diagnosis/time_factor"] = series(looks, 1.07 + rng.normal(size=len(looks)) * 0.004)
    curves["step/clipped_share"] = series(steps, np.ones(len(steps)))
    noisy = verdict(
        "noise_dominated", "act", "The noise scale is 2740 and a minibatch has 32 examples: 99% of |g|^2 is noise.",
        cure="Use larger batches, or let the learning rate fall: `schedules.LinearDecay`.", section="8.1.3", step=316,
        measured=328, of="diagnosis/noise_scale", value=curves["diagnosis/noise_scale"]["values"][-1],
        why=["The gradients of two halves of a batch were compared.", "Above ten batches: `ACT`."],
        code="model.optimizer.learning_rate = keras_ch8.schedules.LinearDecay(0.02, 4000)",
    )  # fmt: skip
    explodes = verdict(
        "exploding", "act",
        "In simple_rnn the gradient is multiplied by 91 during backpropagation through 60 time steps.",
        cure="Take `initializers.Orthogonal`, and clip: `clipping.by_global_norm`.", section="8.2.5", step=304,
        measured=328, of="diagnosis/time_factor", value=curves["diagnosis/time_factor"]["values"][-1],
        why=["A factor of 1.07 a step, 60 times.", "The spectral radius of the recurrent weights is 1.6."],
    )  # fmt: skip
    events = [
        {"step": int(step), "kind": "spike", "text": "The gradient was 40 times its median."} for step in (81, 304)
    ]
    maps = [layers(rng, looks, ["simple_rnn", "dense"], 3.4)]
    more = {"hyperparameters": {"learning_rate": 0.02}, "layers": maps, "events": events}
    return run("rnn_explodes", curves, explodes, noisy, **more)


def lbfgs(rng):
    steps = np.arange(1, 50)
    curves = {
        "step/loss": series(steps, 2.3 * np.exp(-steps / 3)),
        "epoch/loss": series(steps, 2.3 * np.exp(-steps / 3)),
        "epoch/val_loss": series(steps, 0.115 + 2 * np.exp(-steps) + steps * 0.007),
        "step/solver_step_length": series(steps, np.where(steps == 1, 0.44, 1.0)),
        "step/solver_evaluations": series(steps, np.where(steps % 17, 1, 2)),
        "step/solver_eigenvalue_smallest": series(steps, 0.01 + rng.random(len(steps)) / 100),
        "step/solver_eigenvalue_largest": series(steps, 20 + rng.random(len(steps)) * 10),
    }
    found = verdict(
        "overfitting", "watch", "The training loss is 1.8e-7, and `val_loss` has gone from 0.115 at its best to 0.453.",
        cure="Stop when the validation loss is lowest: `callbacks.EarlyStopping(restore_best_weights=True)`.",
        section="8.1", step=35, measured=49, of="epoch/val_loss", value=curves["epoch/val_loss"]["values"][-1],
        why=["Validation was best in epoch 5."], code='stop = keras_ch8.callbacks.EarlyStopping("val_loss")',
    )  # fmt: skip
    return run("lbfgs", curves, found, checks=4, hyperparameters={"optimizer": "LBFGS", "learning_rate": 1.0})


def everything(rng):
    curves = ordinary(rng, STEPS, end=0.003, gap=3.0) | probes(rng, LOOKS, noise=70.0) | clipping(rng)
    epochs = np.array(curves["epoch/val_loss"]["steps"])
    best = np.minimum.accumulate(curves["epoch/val_loss"]["values"])
    rise = np.clip(epochs / 430, 0.25, 1)
    curves |= {
        "step/average_distance": series(epochs, 2.3 * np.exp(-epochs / 500)),
        "epoch/surrogate_gap_true_loss": series(epochs, 0.4 * np.exp(-epochs / 200)),
        "epoch/surrogate_gap_val_true_loss": series(epochs, 0.02 + 0.4 * np.exp(-epochs / 200)),
        "epoch/surrogate_gap_loss": curves["epoch/loss"],
        "epoch/stopping_metric": curves["epoch/val_loss"],
        "epoch/stopping_best": series(epochs, best),
        "epoch/stopping_patience_left": series(epochs, np.maximum(0, 5 - np.arange(20) % 6)),
        "epoch/curriculum_share": series(epochs, rise),
        "epoch/curriculum_seen": series(epochs, np.clip(rise + 0.05, 0, 1)),
        "epoch/continuation_temperature": series(epochs, 4 - 3 * rise),
        "step/block_gradient_norm_0": series(epochs, np.exp(-epochs / 300)),
        "step/block_gradient_norm_1": series(epochs, np.exp(-epochs / 500)),
        "mine/heads": series(epochs, rng.random(20)),
    }
    events = [
        {"step": 430, "kind": "stage", "text": "All examples may be drawn."},
        {"step": 700, "kind": "rate", "text": "The learning rate fell by half."},
        {"step": 840, "kind": "stop", "text": "The patience ran out."},
        {"step": 840, "kind": "restore", "text": "The weights of epoch 15 are back."},
    ]
    stopping = {
        "metric": "val_loss", "best": float(best[-1]), "best_epoch": 15, "patience_left": 0,
        "reason": "Stopped after epoch 20: `val_loss` did not fall for 5 epochs.",
    }  # fmt: skip
    mine = {
        "title": "Heads and tails", "unit": "ratio", "section": "", "series": ["mine/heads"], "kinds": [],
        "events": [], "lines": [{"value": 0.5, "label": "even"}], "log": False, "place": 0, "read": "",
    }  # fmt: skip
    optimizer = {"optimizer": "Momentum", "learning_rate": 0.05}
    more = {"hyperparameters": optimizer, "events": events, "stopping": stopping, "panels": [mine]}
    return run("everything", curves, checks=10, **more)

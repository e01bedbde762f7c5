"""Logs of trainings that are written by hand, and what monitors say of them."""

import numpy as np

from keras_ch8.monitors import eigenvalues
from keras_ch8.monitors._batch_statistics import BatchStatistics
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.flow import LayerFlow
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows

STEPS = range(100, 1000, 100)
ENDS = {
    "smallest": 0.0, "largest": 1.0, "residual": 0.0, "gradient_norm": 1.0, "weight_norm": 10.0,
    "kernel_elasticity": 10.0, "loss": 1.0, "decrement": 0.0, "resolved": 0.0,
}  # fmt: skip
AT_REST = np.full(9, 0.6)
LEARNING = np.linspace(1, 0.7, 10)
NAN, INF = float("nan"), float("inf")


def log_of(losses, *, norm=1.0, curvature=0.005, batches=1.0, spectrum=None, **readings):
    """Return nine measurements: |g| of the probe and of minibatches, steps of 0.01, and what else was read at each."""
    log = MeasurementLog(total=1000)
    log.batch_size = 100.0
    for i, (step, loss) in enumerate(zip(STEPS, losses, strict=True)):
        taken = StepLength(loss if i else losses[0], loss, slope=-0.005, curvature=curvature, length=0.01)
        others = {name: given[i] if isinstance(given, list) else given for name, given in readings.items()}
        log.add(step, {"step_length": taken, "gradient_norm": GradientNorm(norm, 10.0, loss)} | others)
        log.add_rows(Rows(np.array([step]), np.array([batches]), np.array([loss])))
    if spectrum:
        log.add(900, {"spectrum": eigenvalues.SpectrumEnds(**ENDS | {"loss": losses[-1]} | spectrum)})
    return log


def said(monitor, log, kind):
    """Return the claim of a monitor on one kind; None without one."""
    (one,) = chosen([monitor])
    return next((claim for claim in one.claims(log) if claim.kind == kind), None)


def level(monitor, log, kind):
    claim = said(monitor, log, kind)
    return claim and claim.level


def losses(fallen=0.2, recent=0.0):
    """Return losses that have fallen by a fraction of their start, and by one since two thirds of the steps."""
    now = 1 - fallen
    return [1.0, *[now / (1 - recent)] * 4, *[now] * 4]


def check(cases, make):
    assert [make(*given) for *given, _ in cases] == [expected for *_, expected in cases]


def flow(**changes):
    """Return three hidden layers and the output, through which signal and gradient pass as they are."""
    none, ones = np.full(4, NAN), np.ones(4)
    whole = {
        "names": ("a", "b", "c", "out"), "weighted": (True,) * 4, "is_output": (False, False, False, True),
        "signal": ones, "gradient": ones, "dead": none, "saturated": none, "relative_update": ones,
        "units": (8,) * 4, "input_signal": 1.0, "input_spread": 1.0,
    }  # fmt: skip
    return LayerFlow(**whole | changes)


def with_steps(values, ratio=0.2, **more):
    """Return a log of steps `ratio` times the best, which promise a fall by 0.5 %, and change nothing."""
    steps = [StepLength(v, v, slope=-0.005 * v, curvature=0.005 * ratio * v, length=0.01) for v in values]
    return log_of(values, step_length=steps, **more)


def cliffs(norms, fallen=0.2):
    log = MeasurementLog(total=1000)
    for step, loss in zip(STEPS, losses(fallen), strict=True):
        log.add(step, {"gradient_norm": GradientNorm(1.0, 1.0, loss)})
    log.add_rows(Rows(np.arange(1, len(norms) + 1), np.array(norms), np.ones(len(norms))))
    return log


def epochs(training, validation):
    log = MeasurementLog(total=100)
    for loss, held_out in zip(training, validation, strict=True):
        log.add_epoch({"loss": loss} | ({} if held_out is None else {"val_loss": held_out}))
    return log


def statistics(gap=0.0, training=1.0, inference=1.0):
    pair = np.array([0.0, gap]), np.zeros(2)
    return BatchStatistics(("a", "b"), *pair, training, inference)


def measured(monitor, log):
    return chosen([monitor])[0].measure(log)


def remarks(monitor, log):
    return chosen([monitor])[0].remarks(log)


def steps(*changes):
    """Return nine steps along which the loss is 1 and flat, but for what is changed at each of the last."""
    plain = {"loss_before": 1.0, "loss_after": 1.0, "slope": -1.0, "curvature": 1.0, "length": 0.01}
    return [StepLength(**plain | change) for change in [*[{}] * (9 - len(changes)), *changes]]


def faded(left, losses=AT_REST):
    """Return nine measurements of which the last six are made at a part of the rate of the first three."""
    lengths = 0.01 * np.array([1.0] * 3 + [left] * 6)
    steps = [StepLength(v, v, -0.5 * d, 5 * d, d) for v, d in zip(losses, lengths, strict=True)]
    log = log_of(losses, step_length=steps)
    log.chance = 0.62
    return log


def past_of_losses(losses, steps=None, first=0, strides=(), start=None):
    log = MeasurementLog(total=1000, first=first)
    strides = list(strides) or [None] * len(losses)
    for step, loss, stride in zip(steps or range(first + 1, first + 1 + len(losses)), losses, strides, strict=True):
        readings = {"gradient_norm": GradientNorm(1.0, 1.0, loss)}
        if stride is not None:
            before = loss if start is None else start
            readings["step_length"] = StepLength(before, loss, slope=-1.0, curvature=stride, length=1.0)
        log.add(step, readings)
    return log

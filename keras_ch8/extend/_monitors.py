"""The contract of a monitor."""

import copy
import warnings
from typing import Any

import keras_ch8

from .._describe import short
from ..monitors.eigenvalues import SpectrumMonitor
from ._require import Training, explained, fit, name_of, require, require_close, small_training


def check_monitor(monitor: Any, *, on: Training = small_training) -> None:
    """Check a monitor: it measures while `fit` runs, changes nothing, and keeps no state of its own.

    Args:
        monitor: An object of a class derived from `extend.Monitor`.
        on: A function that makes a compiled model with inputs and targets, for a monitor of certain layers. Defaults
            to a small network.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> from keras_ch8.monitors._step_length import StepLengthMonitor
        >>> keras_ch8.extend.check_monitor(StepLengthMonitor())  # doctest: +SKIP
    """
    name, base = name_of(monitor), keras_ch8.extend.Monitor
    require(isinstance(monitor, base), f"`{name}` must inherit from `extend.Monitor`.")
    require(isinstance(getattr(monitor, "name", None), str), f"`{name}` must have a `name`, a string.")
    if monitor.source == "spectrum":
        require(
            isinstance(monitor, SpectrumMonitor) and monitor.name == "spectrum",
            f"`{name}` is never measured: a monitor of the spectrum must inherit from "
            "`monitors.eigenvalues.SpectrumMonitor` and "
            f'keep its name, "spectrum". Received: name={monitor.name!r}.',
        )
    before = copy.deepcopy(vars(monitor))
    (bare, x, y), (watched, *_) = on(), on()
    diagnosis = keras_ch8.callbacks.Diagnosis((x, y), checks=[monitor], measure_every=1, budget=None)
    fit(bare, x, y)
    with warnings.catch_warnings(), explained(f"`{name}` stops the training."):
        warnings.simplefilter("error")
        fit(watched, x, y, [diagnosis])
    for one, other in zip(watched.get_weights(), bare.get_weights(), strict=True):
        require_close(one, other, f"`{name}` changes the weights: measure in `tensors`, write nothing.", rtol=0, atol=0)
    require(
        vars(monitor) == before,
        f"`{name}` keeps state between measurements: {vars(monitor)}. Read what was measured from `log.of(self.name)`.",
    )
    log = diagnosis.log
    if monitor.source == "spectrum" and not log.of("spectrum"):  # the training gave no reason to measure it
        log.add(log.step, {"spectrum": keras_ch8.monitors.spectrum(watched, x, y)})
    if monitor.source == "probe":
        require(
            len(log.of(monitor.name)) > 1,
            f"`{name}` has measured nothing: `tensors` must return tensors by name, and `reading(**arrays)` what they "
            "mean. If it is for certain layers, give a model that has them by `on=`.",
        )
    with explained(f"`{name}.numbers` must return numbers by name, `claims` a list of claims, from the log alone."):
        numbers, claims = monitor.numbers(log), monitor.claims(log)
        numbers = {key: float(value) for key, value in numbers.items()}
    require(
        all(isinstance(claim, keras_ch8.extend.Claim) for claim in claims),
        f"`{name}.claims` must return a list of `extend.Claim`. Received: {short(claims)}.",
    )
    require(
        repr(monitor.claims(log)) == repr(claims),
        f"`{name}.claims` must be a pure function of the log: it has returned two different lists for the same one. "
        "Compute the claims from the argument alone.",
    )

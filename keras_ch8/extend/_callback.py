"""The contracts of what goes along with a training: callbacks and monitors."""

import contextlib
import copy
import pickle
import warnings
from typing import Any

import keras

import keras_ch8

from .._describe import short
from ..monitors.eigenvalues import SpectrumMonitor
from ._require import Make, Training, explained, fit, name_of, require, require_close, small_training


class _Interruption(Exception):
    """Ends a training in the middle."""


class _Interrupts(keras.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 1:
            raise _Interruption


def check_callback(make: Make, *, changes_training: bool = False, on: Training = small_training) -> None:
    """Check a callback: it watches without a trace, over several trainings, and can be copied.

    Args:
        make: The class, or a function without arguments that makes one.
        changes_training: Whether it is meant to change weights, rates or the number of epochs. Otherwise the training
            must end bit for bit as one without it. Defaults to `False`.
        on: A function that makes a compiled model with inputs and targets, for a callback that needs a certain one.
            Defaults to a small network.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.extend.check_callback(keras_ch8.callbacks.GradientClippingLogger)  # doctest: +SKIP
    """
    callback = make()
    name = name_of(callback)
    require(isinstance(callback, keras.callbacks.Callback), f"`{name}` must inherit from `keras.callbacks.Callback`.")
    (bare, x, y), (watched, *_) = on(), on()
    expected, optimizer = fit(bare, x, y), watched.optimizer
    with explained(f"`{name}` does not survive a `fit`."):
        found = fit(watched, x, y, [callback])
    pairs = [(watched, bare)] + ([(optimizer, bare.optimizer)] if watched.optimizer is optimizer else [])
    left = {attribute for one, other in pairs for attribute in vars(one).keys() ^ vars(other).keys()}
    require(
        not left,
        f"`{name}` leaves attributes on the model or its optimizer: {sorted(left)}. Keep them on the callback, and "
        "take back in `on_train_end` what is replaced on an instance.",
    )
    if not changes_training:
        message = f"`{name}` changes the training. Read copies of weights, or say `changes_training=True`."
        for one, other in zip(watched.get_weights(), bare.get_weights(), strict=True):
            require_close(one, other, message, rtol=0, atol=0)
        for quantity, values in expected.items():
            require_close(found.get(quantity, []), values, f"{message} `{quantity}` differs.", rtol=0, atol=0)
    with explained(f"`{name}` cannot be used in a second training: set in `on_train_begin` what belongs to one."):
        fit(watched, x, y, [callback])
        fit(on()[0], x, y, [callback])
    with explained(f"A used `{name}` cannot be copied: leave the model and open files out in `__getstate__`."):
        copied = copy.deepcopy(callback)
        pickle.dumps(callback)
        fit(on()[0], x, y, [copied])
    died, watched_when_died = on()[0], on()[0]
    for model, watching in ((died, []), (watched_when_died, [make()])):
        with contextlib.suppress(_Interruption):
            fit(model, x, y, [*watching, _Interrupts()])
    left = vars(watched_when_died).keys() - vars(died).keys()
    require(not left, f"After a training that was interrupted `{name}` leaves {sorted(left)} on the model.")


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

"""The contract of a callback."""

import contextlib
import copy
import pickle
from typing import Any

import keras

from ._require import Make, Training, explained, fit, made, name_of, require, require_close, small_training


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
    callback = made(make, "callback", keras.callbacks.Callback, "keras.callbacks.Callback")
    name = name_of(callback)
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

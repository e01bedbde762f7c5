"""Which optimizers an average can follow, and which weights other callbacks find in the model beside one."""

from collections.abc import Iterable
from typing import Any

import keras

from .._describe import short
from ..integration import keras_private

SUFFIX = "_average"
"""Of the names of what was measured with the averages in the model."""


def refuse_optimizers(optimizers: Iterable[Any]) -> None:
    """Refuse optimizers that average themselves, and those whose steps cannot be followed."""
    movers = [mover for optimizer in optimizers for mover in keras_private.movers_in(optimizer)]
    for inner in movers:
        if getattr(inner, "use_ema", False):
            raise ValueError(
                f"`PolyakAveraging` averages the weights of any optimizer. Received: {inner.name!r} with use_ema=True, "
                "which puts averages of its own into the model. Leave `use_ema` out."
            )
        if getattr(inner, "accumulate_batches", False):
            raise ValueError(
                f"`PolyakAveraging` takes the weights after each training step. Received: {inner.name!r} with "
                "accumulate_batches=True, which takes one for several batches. Give all examples in one batch."
            )


def averages_stay(evaluate: str, companions: Iterable[Any], validates: bool) -> bool:
    """Whether callbacks are to find the averages in the model at the end of an epoch that was validated.

    Args:
        evaluate: As in `PolyakAveraging`.
        companions: The other callbacks.
        validates: Whether any epoch is validated.
    """
    companions = list(companions)
    monitors = _monitors_of_keepers(companions)
    wishes = {name.endswith(SUFFIX) for name in monitors}
    if evaluate == "both" and len(wishes) > 1:
        raise ValueError(
            "Callbacks that keep weights find either the weights or the averages in the model. Received: some that "
            f'monitor {" and ".join(map(repr, monitors))}, with evaluate="both". Let all of them monitor '
            '"val_..._average", or none.'
        )
    stay = evaluate == "average" or (evaluate == "both" and wishes == {True})
    if stay and validates and any(map(_saves_at_the_end_of_an_epoch, companions)):
        raise ValueError(
            "`BackupAndRestore` would save the averages in the place of the weights, and go on from them. Received: it "
            f'and evaluate={short(evaluate)}. Take evaluate="raw", "both" with all callbacks on \'val_loss\', or a '
            "`save_freq` in batches, at whose ends the model has the weights."
        )
    return stay


def _saves_at_the_end_of_an_epoch(callback: keras.callbacks.Callback) -> bool:
    return isinstance(callback, keras.callbacks.BackupAndRestore) and callback.save_freq == "epoch"


def _monitors_of_keepers(callbacks: Iterable[Any]) -> list[str]:
    """Return what those callbacks monitor that keep the weights of the best epoch."""
    parts: list[Any] = [part for callback in callbacks for part in (callback, getattr(callback, "rule", None))]
    keeps = ("restore_best_weights", "save_best_only")
    return [part.monitor for part in parts if any(getattr(part, name, False) for name in keeps)]

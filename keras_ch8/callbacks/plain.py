"""What every callback of the suite has, whether or not it sees the steps: a state, and numbers that others find."""

import copy
import dataclasses
import inspect
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Self

import keras

from .. import _checks, _describe, _state
from .._describe import short
from .._types import Logs
from ..checkpoints import callback_states
from ..integration import fit
from .session.shown import THIRD, EpochNumbers


@dataclasses.dataclass
class NoMemory:
    """What a callback remembers that has no state."""


class PlainCallback(keras.callbacks.Callback):
    """A callback that goes by what is known at the ends of epochs: see `Callback`, which sees the steps too.

    What it draws, tells and finds is shown by the session of the training, if some other callback has one.

    Args:
        logs: Whether its numbers join Keras's `logs`: see `Callback`. Defaults to `False`.
    """

    watches = False
    clips_gradients = False
    skips_steps = False
    sets_learning_rate = False
    transient: ClassVar[Mapping[str, Any]] = {}

    logs: bool | Sequence[str] = False

    _finds_its_run = False
    """Whether it goes on after an interruption by its own files, without its state."""
    _is_alone = False
    """Whether a training has one of the kind: a second one is left out, with a warning (see `fit.one_of_each`)."""
    _place_in_summary = THIRD
    _place_in_fit = fit.LAST
    """Where `fit` calls it among the others, wherever it is listed."""
    _remembers: ClassVar[type] = NoMemory
    """The dataclass whose fields are the state."""
    _memory: Any = NoMemory()
    _modules: Collection[str] = ()
    """Where classes of a state may be defined, beside this package."""
    _kept: Any = None
    """What `set_state` was given, until the next training takes it."""

    training: fit.Training

    def __init__(self, logs: bool | Sequence[str] = False) -> None:
        super().__init__()
        self.logs = _checks.names("logs", logs, meaning="which numbers of the callback join Keras's `logs`")
        fit.install(type(self).__name__)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Refuse a misspelt argument before `__init__` does, with the one that was meant."""
        _describe.check_arguments(cls.__name__, cls.__init__, kwargs)
        return super().__new__(cls)

    def __getstate__(self) -> dict[str, Any]:
        nobody = {"_model": None, "params": None, "session": None, "training": None}
        return fit.without_net(vars(self)) | copy.deepcopy(dict(self.transient)) | nobody

    def __repr__(self) -> str:
        arguments = inspect.signature(type(self)).parameters
        return _describe.call_of(self, {name: vars(self)[name] for name in arguments if name in vars(self)})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        fit.install(type(self).__name__)

    def set_model(self, model: keras.Model) -> None:
        """Take the model, of Keras 3."""
        _checks.keras_3(model)
        super().set_model(model)

    # --- what is remembered from step to step -------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """Return all that a training needs to go on, in another process too, exactly as if it had not been interrupted.

        It may be taken when all callbacks have seen the end of a batch or of an epoch, after `session.read()`.

        Returns:
            A nesting of dicts with texts as keys, of lists, texts, numbers, booleans, None and NumPy arrays; {} where
            nothing is remembered.
        """
        state: dict[str, Any] = _state.dump(vars(self._state() if self._kept is None else self._kept))
        return state

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on in the next `fit` from what `get_state` has returned; the model and its optimizer are to be as then.

        Args:
            state: The state. `fit` is entered in the epoch in which it was taken, or in the next one if that was over.

        Raises:
            ValueError: If it is no state of such a callback, or one of other data, another rule or another setting.
        """
        names = _state.types_of(self._remembers)
        try:
            given = _state.load(state, self._modules)
            fault = _state.fault(given, names)
        except ValueError as error:
            fault = f"it contains something that cannot be read: {error}"
        if fault:
            parts = ", ".join(map(repr, names)) or "nothing: it has no state"
            raise ValueError(
                f"`set_state` of `{type(self).__name__}` takes what `get_state` of one with the same arguments "
                f"returned, a dict of {parts}. Received: a {type(state).__name__}; {fault}. Pass the state that was "
                "kept for this callback, unchanged."
            )
        kept = self._remembers(**given)
        self._refuse_other(kept)
        self._kept = kept

    def _state(self) -> Any:
        """Return what is remembered in a training, and before one if nothing was set."""
        return self._memory

    def _refuse_other(self, kept: Any) -> None:
        """Raise ValueError where what is to be remembered is that of a callback with other arguments."""

    def _take_kept(self) -> Any:
        """Return what `set_state` was given for this training, which it is no more after this; None for nothing."""
        kept, self._kept = self._kept, None
        return kept

    def show_results(self, state: Any) -> None:
        """Show what a training has come to that has ended in another process: findings, and what properties show.

        `Resume` calls it after `on_train_begin`, with the state of the end, where that has not taken it already.
        Nothing is trained after it, and no other hook is called.
        """

    # --- a training ---------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Find the training; where somebody else drives a list of callbacks it is one of its own."""
        self.training = fit.running_training(self.model) or fit.Training(self.model, {}, [self])
        self._epoch_numbers.join(self)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin to measure anew."""
        is_first = self._epoch_numbers.epoch_begins(epoch)
        if is_first and self.training.session is None:
            callback_states.warn_of_what_a_backup_forgets(self.training.callbacks)

    def next_batch(self) -> float:
        """Return the batch, counted from 0, at whose end `on_train_batch_end` is needed next; others may be left out.

        Only a compiled loop of your own (`Doctor.watch`) leaves batches out: there each call of Python costs.
        """
        return math.inf

    @property
    def _epoch_numbers(self) -> EpochNumbers:
        """What all callbacks of the training have measured in this epoch."""
        return EpochNumbers.of(self.training)

    def findings(self) -> list[str]:
        """Return sentences for the report of the run."""
        return []

    def _summary(self) -> list[str]:
        """Return lines for the summary, of 79 characters at most."""
        return []


def of_another(owner: str, what: str, received: Any, expected: Any) -> ValueError:
    """Return the error that says that a state is that of another callback, model or setting."""
    return ValueError(
        f"`set_state` of `{owner}` takes the state of one with the same arguments. Received: a state with "
        f"{what}={short(received)}, where this callback has {what}={short(expected)}. Create the callback with the "
        "same arguments, or start without the state."
    )

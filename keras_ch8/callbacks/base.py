"""What the callbacks of the suite share: one session a training, which reads the telemetry for all of them."""

import copy
import inspect
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from .. import _checks, _describe, _telemetry
from ..integration import fit
from ._session import Session


class AbstractCallback(keras.callbacks.Callback):
    """A callback that belongs to the session of its model (see _session).

    A subclass overrides `_on_begin`, `_on_open`, `_on_built`, `_on_epoch_start`, `_on_batch`, `_next_batch`,
    `_on_frames`, `_on_epoch`, `_on_end`, `_on_close` and `findings`; Keras's own hooks are taken. It can be copied and
    pickled, also after a training: what is `_transient` belongs to one training of one model, and is left out.
    """

    _listens = True
    """Whether the telemetry of every step is asked for."""

    _needs_fit = False
    """Whether it cannot do without the hook around `fit`, though it does not listen."""

    _measure_every: int | None = None
    """At which steps update and effective rate are measured; None for no wish. Where nobody has one, a step is cheaper,
    and a norm below 1e-19 is 0, one above 1e19 infinite."""
    _wants_layers = False
    """Whether the norm of each variable's gradient is asked for."""
    _shows_clipping = False
    """Whether the curves of clipping are asked for, also where no rule of the suite clips."""
    _goes_first = False
    """Whether `fit` calls it before the others, wherever it is listed."""
    _transient: ClassVar[Mapping[str, Any]] = {}
    """Attributes that belong to one training of one model, each with the value that stands for none."""

    session: Session

    def __init__(self) -> None:
        super().__init__()
        fit.install(type(self).__name__)

    def __getstate__(self) -> dict[str, Any]:
        nobody = {"_model": None, "params": None, "session": None}
        return dict(vars(self)) | copy.deepcopy(dict(self._transient)) | nobody

    def __repr__(self) -> str:
        arguments = inspect.signature(type(self)).parameters
        return _describe.call_of(self, {name: vars(self)[name] for name in arguments if name in vars(self)})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        fit.install(type(self).__name__)

    def set_model(self, model: Any) -> None:
        """Take the model, of Keras 3."""
        _checks.keras_3(model)
        super().set_model(model)

    def _on_begin(self) -> None:
        """Forget the last training."""

    def _on_open(self) -> None:
        """Prepare the training; an error here stops it before the first step."""

    def _on_built(self) -> None:
        """Take the model with its weights: before the first step, or after the first batch where that makes them."""

    def _on_epoch_start(self, epoch: int) -> None:
        """Take the beginning of an epoch, counted from 0."""

    def _on_batch(self, batch: int) -> None:
        """Take the end of a batch, counted from 0 in each epoch; with `steps_per_execution`, of several."""

    def _next_batch(self) -> float:
        """Return the batch, counted from 0, at whose end `_on_batch` is needed next; it may be called earlier."""
        return math.inf

    def _on_frames(self, frames: Mapping[str, _telemetry.Frame], logs: dict[str, Any]) -> None:
        """Take the rows of the last steps.

        Args:
            frames: Those of each optimizer by its name; of the only one under `""`; nothing where none makes a step.
            logs: What Keras reports after a batch; {} between batches.
        """

    def _on_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Take the end of an epoch, all of whose rows have come; numbers for `logs` go through `session.log`."""

    def _on_end(self) -> None:
        """Take the end of the training, unless it died; `fit` does not touch the weights any more."""

    def _on_close(self) -> None:
        """Take the end of the training, all of whose rows have come."""

    def findings(self) -> list[str]:
        """Return sentences for the report of the run."""
        return []

    def on_train_begin(self, logs: Any = None) -> None:
        """Join the session of the training."""
        self.session = Session.join(self)
        self._on_begin()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Open the session: by the first epoch every callback has joined."""
        self.session.epoch_begins(self.params, epoch)
        self._on_epoch_start(epoch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Read the telemetry once in a while."""
        self.session.batch_ended(self, batch, logs)
        self._on_batch(batch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Read the telemetry, then look at the epoch."""
        self.session.epoch_ended()
        self._on_epoch(epoch, {} if logs is None else logs)

    def on_train_end(self, logs: Any = None) -> None:
        """Take the end."""
        self._on_end()
        self.session.leave(self)


def say(*sentences: str) -> None:
    """Tell the user."""
    print(*sentences, sep="\n")  # noqa: T201

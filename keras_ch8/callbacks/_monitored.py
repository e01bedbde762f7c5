"""What a callback has seen of the quantities that it watches, and the weights where the first of them was best."""

import dataclasses
import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from .._describe import short
from ..integration import fit, keras_private
from ..stopping.criterion import EpochHistory, index_of_best
from .plain import of_another


@dataclasses.dataclass
class Past:
    """What is remembered of the quantities that are watched.

    Args:
        history: The epochs so far.
        best_weights: The weights where the first quantity was best. Defaults to `None`.
        missing: Quantities that a warning has named as missing in this training. Defaults to none.
    """

    history: EpochHistory
    best_weights: list[np.ndarray] | None = None
    missing: set[str] = dataclasses.field(default_factory=set)


class MonitoredMetrics:
    """Takes what is reported at the end of each epoch.

    Args:
        owner: Name of the callback, for errors.
        watched: Name and mode of each quantity, in any number; the best epoch is that of the first.
        min_delta: The smallest change of the first that counts.
        keeps_weights: Whether to keep the weights of the best epoch.
    """

    def __init__(
        self, owner: str, watched: Iterable[tuple[str, str]], min_delta: float | str, keeps_weights: bool
    ) -> None:
        self.owner = owner
        self.modes = _merged(owner, watched)
        self.monitor = next(iter(self.modes))
        self.min_delta, self.keeps_weights = min_delta, keeps_weights
        self.begin(None)

    @property
    def history(self) -> EpochHistory:
        """The epochs so far."""
        return self.past.history

    @property
    def _best(self) -> int | None:
        return index_of_best(self.history.falling(self.monitor), self.min_delta)

    @property
    def best(self) -> float | None:
        """The best value so far; None before there is a number."""
        return None if self._best is None else float(self.history.values(self.monitor)[self._best])

    @property
    def best_epoch(self) -> int:
        """The epoch of the best value, counted from 0."""
        return 0 if self._best is None else int(self.history.epochs_with(self.monitor)[self._best])

    @property
    def wait(self) -> int:
        """Epochs since the best value."""
        values = self.history.values(self.monitor)
        return len(values) if self._best is None else len(values) - 1 - self._best

    def refuse_other(self, past: Past) -> None:
        """Raise ValueError where a past is of other quantities, or of another direction."""
        history = past.history
        if history.monitor != self.monitor:
            raise of_another(self.owner, "monitor", history.monitor, self.monitor)
        for name, mode in history.modes.items():
            if self.modes.get(name) not in ("auto", mode):
                raise of_another(self.owner, f"mode of {name!r}", mode, self.modes.get(name))
        lengths = {name: len(getattr(history, name)) for name in ("epochs", "logs", "seconds")}
        if len(set(lengths.values())) > 1:
            raise of_another(self.owner, "epochs in all lists", lengths, "equally many")

    def begin(self, past: Past | None) -> Past:
        """Forget the last training, or go on from its past; return what is remembered from here on."""
        self.past = Past(EpochHistory(self.monitor)) if past is None else past
        self._measured: Any = None
        return self.past

    def validation_begins(self, model: keras.Model) -> None:
        """Keep the weights that are about to be measured: by now all callbacks have swapped in what they want."""
        if self.keeps_weights and self.monitor.startswith("val_"):
            self._measured = model.get_weights()

    def epoch_ended(
        self, training: fit.Training, epoch: int, seen: Mapping[str, float], seconds: float = math.nan
    ) -> bool:
        """Take what was measured in an epoch, and keep its weights if it is the best.

        Returns whether all quantities have been reported yet. Those that have not are named once, by a warning, unless
        a validation is still to come.
        """
        model = training.model
        missing = [name for name in self.modes if name not in seen and not len(self.history.values(name))]
        for name, mode in self.modes.items():
            if name not in self.history.modes:
                self._find_mode(model, name, mode, seen)
        is_rare = training.validates and training.arguments.get("validation_freq", 1) != 1
        waits = is_rare and not any("val_" in name for name in seen)
        for name in missing:
            if not (waits and name.startswith("val_")):
                self._warn(epoch, name, seen)
        self.past.history = self.history.after(epoch, seen, seconds)
        if self.keeps_weights and self.monitor in seen and self.wait == 0:
            self.past.best_weights = model.get_weights() if self._measured is None else self._measured
        self._measured = None
        return not missing

    def _warn(self, epoch: int, name: str, seen: Mapping[str, float]) -> None:
        if name not in self.past.missing:
            self.past.missing.add(name)
            warnings.warn(
                f"`{self.owner}` watches {name!r}, which is not reported at the end of epoch {epoch + 1}, so it does "
                f"nothing there. Reported: {', '.join(seen) or 'nothing'}. Watch one of these; names with 'val_' need "
                "`validation_data` in `fit`.",
                UserWarning,
                stacklevel=2,
            )

    def _find_mode(self, model: keras.Model, name: str, mode: str, seen: Mapping[str, float]) -> None:
        found = keras_private.mode_of(model, name) if mode == "auto" else mode
        if found is None:
            missing = (
                "" if name in seen else f" It is not reported either. Reported: {', '.join(seen)}. Watch one of these."
            )
            raise ValueError(
                f"`{self.owner}` watches {name!r}, but it is unknown whether larger or smaller is better. Received: "
                f"mode={short(mode)}. Pass mode='max' or mode='min'.{missing}"
            )
        self.past.history = dataclasses.replace(self.history, modes={**self.history.modes, name: found})


def _merged(owner: str, watched: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the mode of each quantity: "auto" where none is given."""
    modes: dict[str, str] = {}
    for name, mode in watched:
        known = modes.setdefault(name, mode)
        if "auto" not in (known, mode) and known != mode:
            raise ValueError(f"`{owner}` is given mode={known!r} and mode={mode!r} for {name!r}. Keep one of them.")
        modes[name] = mode if known == "auto" else known
    return modes

"""The numbers of an epoch: what callbacks measure, and what of it joins Keras's `logs`."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..._types import Logs
from .member import Member


class EpochNumbers:
    """What the callbacks of one training have measured in the running epoch.

    NaN is nothing measured. A column of `logs` has a number or NaN for every epoch, so that all of History are of one
    length: the columns are those that are listed, or those that the first epoch has measured. What validation measures
    ("val_...") is there in the epochs that were validated, as Keras's own is.
    """

    def __init__(self) -> None:
        self.measured: dict[str, float] = {}
        """By name, whether or not it joins Keras's `logs`."""
        self.columns: dict[int, tuple[str, ...]] = {}
        """Of each member, by its id, the names that it puts into Keras's `logs`: the same in every epoch."""
        self._own_names: set[str] = set()
        """What members have put into Keras's `logs` because others monitor it."""

    def epoch_begins(self) -> None:
        """Nothing is measured yet."""
        self.measured = {}

    def take(
        self, member: Member, logs: Logs | None, values: Mapping[str, float], monitored_by_others: Collection[str]
    ) -> None:
        """Take what a member has measured; `logs` get what it is asked for, and what others find only there."""
        measured = {name: float(value) for name, value in values.items() if not np.isnan(value)}
        self.measured |= measured
        asked = member.logs if isinstance(member.logs, Sequence) else measured if member.logs else ()
        columns = self.columns.setdefault(id(member), tuple(asked))
        if logs is not None:
            absent = {name: np.nan for name in columns if not name.startswith("val_")}
            logs.update(absent | {name: measured[name] for name in columns if name in measured})
            monitored = {name: value for name, value in measured.items() if name in monitored_by_others}
            self._own_names |= monitored.keys()
            logs.update(monitored)

    def of_keras(self, logs: Mapping[str, Any] | None) -> dict[str, float]:
        """Return what is a number in `logs` and was not put there by a member; Keras may measure what one does, too."""
        ours = self._own_names.union(*self.columns.values())
        return {name: value for name, value in numbers_in(logs or {}).items() if name not in ours}


def numbers_in(logs: Mapping[str, Any]) -> dict[str, float]:
    """Return what is a single number, also one in an array, as F1 of one output is."""
    found = {}
    for name, value in logs.items():
        with suppress(TypeError, ValueError):
            if np.size(value) == 1:
                found[name] = float(np.asarray(value).item())
    return found

"""How many examples a batch has, for the last of an epoch, which may be short."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..integration import keras_private

if TYPE_CHECKING:
    from ._session import Session


class BatchSizes:
    """Fills the loss of a short last batch up, so that the curve is equally noisy everywhere.

    The mean over 3 examples jumps far more than that over 32: at the end of each epoch it would look like instability.
    How many examples there were, Keras's running mean of the loss knows. Where it does not, or where batches have sizes
    of all kinds, nothing is filled.
    """

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._begun = session.step
        self._before = float("nan")

    def epoch_begins(self) -> None:
        """Count the batches of an epoch from here."""
        self._begun = self._session.step - self._session.batches_before

    def state(self) -> dict[str, float]:
        """Return what `set_state` goes on from."""
        return {"before": float(self._before)}

    def set_state(self, state: Mapping[str, float]) -> None:
        """Go on from what `state` has returned."""
        self._before = state["before"]

    def filled(self, steps: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return steps and losses; the examples that the newest batch lacks count with the loss of the one before."""
        if not len(losses):
            return steps, losses
        before, self._before = (losses[-2] if len(losses) > 1 else self._before), losses[-1]
        if steps[-1] == self._session.step and np.isfinite(before) and (fraction := self._fraction()) < 1:
            losses = np.append(losses[:-1], fraction * losses[-1] + (1 - fraction) * before)
        return steps, losses

    def _fraction(self) -> float:
        """Return how much of a full batch the newest one is; 1 where that is not known."""
        if not self._session.batch_size:
            return 1.0
        earlier = self._session.step - self._begun - 1
        fraction = keras_private.examples_seen(self._session.model) / self._session.batch_size - earlier
        return fraction if 0 < fraction < 1 else 1.0

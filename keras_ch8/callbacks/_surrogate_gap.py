"""The surrogate loss that is minimized, beside the target metric."""

from collections.abc import Sequence
from typing import final

import numpy as np

from .. import _checks
from .._types import Logs
from ..board import tags
from ..stopping.criterion import EpochHistory, index_of_best
from ._monitored import MonitoredMetrics, Past
from .base import Callback

FALLEN = 0.01
"""Share of its value by which a surrogate must have fallen."""


@final
class SurrogateGap(Callback):
    """Show the surrogate loss with the true loss, and report when only the surrogate still falls (section 8.1.2).

    Training minimizes a surrogate, such as the negative log-likelihood, for a target loss that has no useful
    gradient, such as the 0-1 loss. Once the true loss on the training set is flat, at 0 or above it, the surrogate may
    go on falling and bring the validation error down with it; or it may only overfit. This callback says which.

    Measures, for each epoch:

        flat_epochs    epochs since the true loss on the training set was last better than ever before

    which other callbacks can monitor, and shows through `keras_ch8.callbacks.TensorBoard`, if it is there,
    `epoch/surrogate_gap_loss`, `epoch/surrogate_gap_true_loss` and both with `val_`, one panel of the page, and
    `epoch/surrogate_gap_flat_epochs`, and sentences in `diagnosis/report`.

    Args:
        true: Name of the target metric. Defaults to `"zero_one_loss"`.
        surrogate: Name of the loss that is minimized. Defaults to `"loss"`.
        patience: Epochs after which the true loss counts as flat. Defaults to `5`.
        mode: `"min"`, `"max"`, or `"auto"` for the direction of `true` that Keras knows. Defaults to `"auto"`.
        logs: Whether `flat_epochs` joins Keras's `logs`, and so the progress bar and `History`. Defaults to `False`.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the direction of `true` is not known.

    Example:
        >>> gap = keras_ch8.callbacks.SurrogateGap(patience=2, logs=True)
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> loss = keras.losses.BinaryCrossentropy(from_logits=True)
        >>> model.compile(keras_ch8.optimizers.SGD(), loss, metrics=[keras_ch8.metrics.ZeroOneLoss(True)])
        >>> history = model.fit(np.ones((8, 2)), np.ones(8), epochs=9, callbacks=[gap], verbose=0).history
        >>> history["flat_epochs"][-1] < 9
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.2.
    """

    section, watches = "8.1.1", True

    observes_steps = False
    _remembers = Past

    def __init__(
        self,
        true: str = "zero_one_loss",
        surrogate: str = "loss",
        patience: int = 5,
        mode: str = "auto",
        logs: bool | Sequence[str] = False,
    ) -> None:
        super().__init__(logs)
        self.true = _checks.text("true", true, meaning="the name of the quantity that is wanted")
        self.surrogate = _checks.text("surrogate", surrogate, meaning="the name of the loss that is trained on")
        self.patience = _checks.count("patience", patience, 1, meaning="epochs until flat", fix="Try 5.")
        watched = [(true, _checks.mode(mode)), (surrogate, "min")]
        self._monitored = MonitoredMetrics(type(self).__name__, watched, min_delta=0.0, keeps_weights=False)

    def _state(self) -> Past:
        return self._monitored.past

    def _refuse_other(self, kept: Past) -> None:
        self._monitored.refuse_other(kept)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the last training, unless `set_state` says to go on from it."""
        super().on_train_begin(logs)
        self._monitored.begin(self._take_kept())

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report the epoch."""
        super().on_epoch_end(epoch, logs)
        self._monitored.epoch_ended(self.session.training, epoch, self._epoch_numbers.reported(logs))
        last = self._monitored.history.logs[-1]
        series = {
            self.surrogate: tags.SURROGATE,
            self.true: tags.TRUE_LOSS,
            f"val_{self.surrogate}": tags.VAL_SURROGATE,
            f"val_{self.true}": tags.VAL_TRUE_LOSS,
        }
        shown = {tag: last[name] for name, tag in series.items() if name in last}
        self.session.show(shown | {tags.FLAT_EPOCHS: self._monitored.wait})
        self.session.log(self, logs, {"flat_epochs": self._monitored.wait})

    def findings(self) -> list[str]:
        """Return the sentences."""
        history, true, surrogate = self._monitored.history, self.true, self.surrogate
        sentences = learn_more(history, true, surrogate, self.patience), best_epochs(history, true, surrogate)
        return [sentence for sentence in sentences if sentence]


def learn_more(history: EpochHistory, true: str, surrogate: str, patience: int) -> str:
    """Say that the true loss on the training set is flat while the surrogate still falls; "" where that is not so."""
    history = history.where(true).where(surrogate)
    best = index_of_best(history.falling(true))
    values, surrogates = history.values(true), history.values(surrogate)
    if best is None or len(values) - 1 - best < patience:
        return ""
    if not surrogates[best] - surrogates[-1] > FALLEN * abs(surrogates[best]):
        return ""
    sentence = (
        f"On the training set `{true}` has been flat since epoch {history.epochs[best] + 1} (at {values[best]:.4g}), "
        f"while `{surrogate}` kept falling from {surrogates[best]:.4g} to {surrogates[-1]:.4g}"
    )
    since = history.since(best).where(f"val_{true}")
    raw = since.values(f"val_{true}")
    raw = raw[np.isfinite(raw)]
    if len(raw) < 2:
        return f"{sentence}. Validation data would tell whether that helps."
    change = (raw[-1] - raw[0]) * (-1 if history.is_max(true) else 1)
    verdict = "it is still learning, so continue" if change < 0 else f"it overfits, so stop on `val_{true}`"
    verdict = verdict if change else "it has brought nothing so far"
    return f"{sentence}. `val_{true}` went from {raw[0]:.4g} to {raw[-1]:.4g} meanwhile: {verdict}."


def best_epochs(history: EpochHistory, true: str, surrogate: str) -> str:
    """Say where on validation data the surrogate and the true loss were best, if not at the same epoch."""
    history = history.where(f"val_{true}").where(f"val_{surrogate}")
    of_surrogate, raw = history.values(f"val_{surrogate}"), history.values(f"val_{true}")
    at_surrogate, at_true = index_of_best(of_surrogate), index_of_best(-raw if history.is_max(true) else raw)
    if at_surrogate is None or at_true is None or np.isclose(raw[at_surrogate], raw[at_true]):
        return ""
    return (
        f"`val_{surrogate}` was best at epoch {history.epochs[at_surrogate] + 1}, where `val_{true}` was "
        f"{raw[at_surrogate]:.4g}; `val_{true}` was best at epoch {history.epochs[at_true] + 1}, with "
        f"{raw[at_true]:.4g}: to stop on the target metric, monitor it."
    )

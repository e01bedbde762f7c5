"""Stop where the true goal stops getting nearer."""

import dataclasses
import math
import time
from collections.abc import Sequence
from typing import Any, final

from .. import _batches, _checks, _objects, stopping
from .._describe import short
from .._types import Data, Logs
from ..stopping.criterion import Reason, StopReason, as_criterion
from ._monitored import MonitoredMetrics, Past
from .plain import PlainCallback
from .session.shown import SECOND, fitted, numbers_in


@dataclasses.dataclass
class _Memory:
    """What is remembered: what was watched, the last epoch, and why the training is to end after it."""

    watched: Past
    last_epoch: int = -1
    reason: Reason | None = None


@final
class EarlyStopping(PlainCallback):
    """Stop when the monitored quantity stops improving, by any criterion of `keras_ch8.stopping` (section 8.1.2).

    The arguments of `keras.callbacks.EarlyStopping` come first and mean the same. After training, `reason` says why it
    has ended: `reason.why` for programs, `reason.message` for people. The sentence stands in `diagnosis/report` too, if
    `keras_ch8.callbacks.TensorBoard` is there, which shows `epoch/stopping_metric`, `epoch/stopping_best` and, where
    patience stops, `epoch/stopping_patience_left`.

    What training minimizes is a surrogate: to stop on the true loss, monitor it, as in
    `EarlyStopping("val_zero_one_loss")` with `metrics=[keras_ch8.metrics.ZeroOneLoss()]`.

    A quantity that is not reported, for want of validation data or of a metric, is named once by a warning with those
    that are, and the training goes on.

    Differs from `keras.callbacks.EarlyStopping`: a NaN is never the best value; `mode="auto"` knows metrics of models
    with several outputs; weights are kept as they were when validation measured them, also where `SwapEMAWeights` puts
    averages in for it, and restored as such; the state survives an interruption (`get_state`, `set_state`). `wait`,
    `best` and `best_epoch` can be read, not set.

    A quantity of the training, such as `"loss"`, is Keras's running mean over an epoch in which the weights move: no
    weights have that value. With `evaluate_on` it is measured at the end of each epoch, and the weights that are
    restored are those that were measured.

    Args:
        monitor: Quantity to monitor. Defaults to `"val_loss"`.
        min_delta: The smallest change that counts: a number, or a share of the best value such as `"1%"`. It also
            decides which epoch is the best, whatever the criterion. Defaults to `0`.
        patience: Epochs without improvement after which to stop. Defaults to `0`.
        verbose: 1 prints the reason once. Defaults to `0`.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.
        baseline: While no value is better than this number, every epoch counts as one without improvement. Defaults to
            `None`.
        restore_best_weights: Whether to put back the weights of the best epoch. Defaults to `False`.
        start_from_epoch: Epochs at the beginning that do not count. Defaults to `0`.
        criterion: A criterion of `keras_ch8.stopping`, instead of `patience` and `baseline`. Defaults to `None`.
        evaluate_on: What to measure at the end of each epoch instead of taking it from `fit`: `(x, y)`,
            `(x, y, sample_weight)` or a data set, for `model.evaluate`. The values are called `measured_...`. Defaults
            to `None`.
        logs: Which of these values join Keras's `logs`, and so the progress bar and `History`: `True` for all, or a
            list of names. Defaults to `False`.

    Raises:
        TypeError: If `criterion` is neither `None` nor a criterion of `keras_ch8.stopping`.
        ValueError: If an argument lies outside its range, or `criterion` is given together with `patience` or
            `baseline`; in `fit`, if the direction of a quantity is not known.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(0.1), "mse")
        >>> stop = keras_ch8.callbacks.EarlyStopping("loss", min_delta="50%", patience=2)
        >>> _ = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=100, callbacks=[stop], verbose=0)
        >>> stop.reason.why
        <StopReason.PATIENCE: 'patience'>

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 7.8 and 8.1.2; Prechelt (1998).
    """

    section = "8.1"

    _place_in_summary = SECOND
    _remembers = _Memory

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float | str = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
        *,
        criterion: Any = None,
        evaluate_on: Data = None,
        logs: bool | Sequence[str] = False,
    ) -> None:
        super().__init__(logs)
        _checks.text("monitor", monitor, meaning="the name of the quantity to watch")
        _checks.baseline(baseline)
        _checks.count("patience", patience, 0, meaning="epochs to wait for an improvement", fix="Try 5.")
        waiting = stopping.Patience(patience, min_delta=min_delta, baseline=baseline)
        if criterion is not None and (patience or baseline is not None):
            raise ValueError(
                "`patience` and `baseline` define a criterion, so they cannot be combined with `criterion`. Received: "
                f"patience={short(patience)}, baseline={short(baseline)}, criterion={short(criterion)}. Write "
                "criterion=stopping.AnyOf(stopping.Patience(...), ...)."
            )
        self.monitor, self.mode = monitor, _checks.mode(mode)
        self.criterion = criterion
        self._criterion = waiting if criterion is None else as_criterion(criterion)
        self._modules = {type(self._criterion).__module__}  # whose reason may have a word of its own
        self.min_delta, self.patience, self.baseline = min_delta, patience, baseline
        self.verbose = _checks.verbose(verbose)
        meaning = "whether the model ends with the best weights"
        self.restore_best_weights = _checks.flag("restore_best_weights", restore_best_weights, meaning=meaning)
        self.start_from_epoch = _checks.count(
            "start_from_epoch", start_from_epoch, 0, meaning="the epochs that are not looked at", fix="Try 0."
        )
        if not _batches.is_data_set(evaluate_on):
            _objects.pair("evaluate_on", evaluate_on, or_none=True)
        parts = evaluate_on if isinstance(evaluate_on, tuple | list) else (evaluate_on,)
        self.evaluate_on = None if evaluate_on is None else tuple(parts)
        watched = [(monitor, mode), *self._criterion.watched(monitor)]
        self._monitored = MonitoredMetrics(type(self).__name__, watched, min_delta, restore_best_weights)
        self._memory = _Memory(self._monitored.past)

    @property
    def reason(self) -> Reason | None:
        """Why the training has ended; `None` while it runs."""
        return self._memory.reason

    @property
    def best(self) -> float | None:
        """The best value so far; `None` before there is a number."""
        return self._monitored.best

    @property
    def best_epoch(self) -> int:
        """The epoch of the best value, counted from 0."""
        return self._monitored.best_epoch

    @property
    def best_weights(self) -> Any:
        """The weights of the best epoch, with `restore_best_weights`; `None` before there is a number."""
        return self._monitored.past.best_weights

    @property
    def wait(self) -> int:
        """Epochs since the best value."""
        return self._monitored.wait

    @property
    def stopped_epoch(self) -> int:
        """The epoch after which this callback stopped the training, counted from 0; 0 if it did not."""
        ours = self.reason and self.reason.why not in (StopReason.COMPLETED, StopReason.OTHER)
        return self.reason.epoch if self.reason and ours else 0

    def _refuse_other(self, kept: _Memory) -> None:
        self._monitored.refuse_other(kept.watched)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the last training, unless `set_state` says to go on from it."""
        super().on_train_begin(logs)
        kept = self._take_kept()
        past = self._monitored.begin(None if kept is None else kept.watched)
        self._memory = _Memory(past) if kept is None else kept
        spent = self._monitored.history.seconds
        self._begun = time.monotonic() - (spent[-1] if spent else 0.0)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Keep the weights that validation measures."""
        if batch == 0 and self.evaluate_on is None:
            self._monitored.validation_begins(self.model)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the epoch, and stop if the criterion says so."""
        super().on_epoch_end(epoch, logs)
        self._memory.reason, self._memory.last_epoch = None, epoch
        if epoch >= self.start_from_epoch:
            measured = self._measure(logs)
            seconds = time.monotonic() - self._begun
            seen = self._epoch_numbers.reported(logs) | measured
            if not len(history := self._monitored.history):
                skipped = epoch - self._epoch_numbers.first_epoch
                self._monitored.past.history = dataclasses.replace(history, skipped=skipped)
            self._monitored.epoch_ended(self.training, epoch, seen, seconds)
            if self._criterion.is_ready(self._monitored.history):
                self._memory.reason = self._criterion.evaluate(self._monitored.history)
            self._show()
            if self.reason:
                self._stop(self.reason)

    def _show(self) -> None:
        """Draw how it stands, and put it into the record; of several callbacks of this kind only the first does."""
        first = next(callback for callback in self._epoch_numbers.callbacks if isinstance(callback, EarlyStopping))
        session, history = self.training.session, self._monitored.history
        if self is not first or self.best is None or session is None:
            return
        left = self._criterion.left(history) if isinstance(self._criterion, stopping.Patience) else None
        values = {"metric": history.logs[-1].get(self.monitor), "best": self.best, "patience_left": left}
        session.draw({f"epoch/stopping_{name}": value for name, value in values.items() if value is not None})
        session.stands(self.monitor, self.best, self.best_epoch + 1, left)

    def _stop(self, reason: Reason) -> None:
        """Stop the training, and write into the record why."""
        self.model.stop_training = True
        why = f"Stopped after epoch {reason.epoch + 1}: {reason.message}."
        self._tell("stop", why)
        session = self.training.session
        if session is not None and session.record.stopping is not None:
            session.record.stopping = session.record.stopping._replace(reason=why)

    def _measure(self, logs: Logs | None) -> dict[str, float]:
        """Return the values on `evaluate_on`, under the names that `fit` has for training and validation."""
        if self.evaluate_on is None:
            return {}
        x, y, weight = (*self.evaluate_on, None, None)[:3]
        values = numbers_in(self.model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True))
        measured = {f"measured_{name}": value for name, value in values.items()}
        self._epoch_numbers.take(self, logs, measured)
        if self.training.session is not None:
            self.training.session.draw({f"epoch/{name}": x for name, x in measured.items() if not math.isnan(x)})
        return values | {f"val_{name}": value for name, value in values.items()}

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Put the best weights back, and say how the training ended."""
        if self._memory.last_epoch >= 0:
            reason = self._memory.reason = self._last_reason()
            if self.verbose:
                self._say(reason.message)
        super().on_train_end(logs)

    def _last_reason(self) -> Reason:
        """Put the best weights back if asked to, and return why the training has ended."""
        last = self._memory.last_epoch
        epochs = (self.params or {}).get("epochs", last + 1)
        reason = self.reason or Reason(StopReason.COMPLETED, f"all {epochs} epochs were run", last)
        if self.reason is None and last + 1 < epochs:
            reason = Reason(StopReason.OTHER, "something else stopped the training", last)
        has_run_all = reason.why is StopReason.COMPLETED
        begins = "Not stopped" if has_run_all else f"Stopped after epoch {reason.epoch + 1}"
        sentence = f"{begins}: {reason.message}."
        if self.restore_best_weights:
            sentence += f" {self._restore()}"
        return dataclasses.replace(reason, message=sentence)

    def _restore(self) -> str:
        if self.best_weights is None:
            is_known = any(self.monitor in logs for logs in self._monitored.history.logs)
            never = f"`{self.monitor}` was never {'a number' if is_known else 'reported'}"
            why = never if self.best is None else "those of the best epoch were not kept"
            return f"No weights were restored: {why}."
        self.model.set_weights(self.best_weights)
        sentence = f"Restored the weights of epoch {self.best_epoch + 1}, where `{self.monitor}` was {self.best:.4g}."
        self._tell("restore", sentence)
        if self.evaluate_on is None and not self.monitor.startswith("val_"):
            sentence += (
                " That is an average over the epoch while the weights were changing, so the restored weights have a "
                "different value. To measure it, pass `evaluate_on=(x, y)`."
            )
        return sentence

    # --- what whoever shows it is told --------------------------------------------------------------------------------

    def _tell(self, kind: str, text: str) -> None:
        """Let it be known that something happened now: see `board.record.Event`."""
        if self.training.session is not None:
            self.training.session.event(kind, text)

    def _say(self, sentence: str) -> None:
        """Tell the user, after Keras's last progress bar: until then a session would wait."""
        if self.training.session is not None:
            self.training.session.say(sentence)
        else:
            print(sentence)  # noqa: T201

    def _summary(self) -> list[str]:
        return [] if self.reason is None or self.verbose else fitted(self.reason.message, 3)

    def findings(self) -> list[str]:
        """Return the reason."""
        return [self.reason.message] if self.reason else []

"""Leaves out steps that would ruin a training, goes back where it is ruined already, and says where it began."""

import dataclasses
import math
import os
from collections.abc import Mapping
from typing import Any, ClassVar, final

import numpy as np

from .. import _checks
from .._duration import duration, of_unknown_epoch
from .._types import Logs
from ..board.tags import SKIPPED_STEPS
from ..data import ArraySource
from ..integration import keras_private, train_step
from ..optimizers.base import RuleOptimizer
from ..verdicts.wording import digits
from . import left_out
from ._learning_rate_decay import make_changeable, rate_or_factor, set_rate_or_factor
from ._switch_optimizer import SwitchOptimizer
from .base import Callback
from .left_out import BatchPosition, found_origin
from .session.session import FIRST, Session
from .session.shown import fitted
from .step_filter import KEPT, SURVIVED, Kept, KeptStates, LeftOut, StepFilter

IN_A_ROW = 3
"""Steps that are left out one after the other, after which the weights are to blame and not the batches."""
DATA_ALONE = 100
"""The same where all of the batches hold what is not finite: then there is nothing left to train on."""
LOOK_EVERY = 16
"""Batches after which a step is asked that cannot call Python itself: one that XLA compiles, or of several replicas."""
TOLD = 3
"""Steps that are printed one by one; further ones are counted."""


@dataclasses.dataclass
class _Memory:
    """What a guard remembers.

    Args:
        left_out: Each step that was left out, as in `guard.jsonl`.
        rollbacks: The steps at which it went back.
        reason: Why it has ended the training; None if it has not.
        seen: How many of the steps that were left out it has looked at.
        tried: Rollbacks since the last good state.
        in_data: Steps in succession whose fault is that of the data.
        written: Lines of `guard.jsonl`.
        lowered: What the rate was multiplied by since the last good state.
        may_return: Whether the rate comes back at the next one.
        keep_at: The step at which the state is kept next.
        trust_at: The step from which on what was kept counts as good.
        due: The next step at which it looks.
        rate: The learning rate, or the factor of its schedule; known like the following where it is kept.
        table: What the step filter knows.
        good: The last state that is known to be good.
        newest: A state that is to be known as good after some more batches.
    """

    left_out: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    rollbacks: list[int] = dataclasses.field(default_factory=list)
    reason: str | None = None
    seen: int = 0
    tried: int = 0
    in_data: int = 0
    written: int = 0
    lowered: float = 1.0
    may_return: bool = True
    keep_at: float = math.inf
    trust_at: float = math.inf
    due: float = math.inf
    rate: float | None = None
    table: np.ndarray | None = None
    good: Kept | None = None
    newest: Kept | None = None


@final
class Guard(Callback):
    """Skip steps that would ruin the training, and roll back to the last good weights if it is ruined (8.2.4).

    The compiled step judges loss and gradient before it writes anything:

        not finite <- the loss or an entry of the gradient is infinite or NaN
        a spike    <- after 20 steps, loss or |g| lies more than `spike` standard deviations above its running mean,
                      and above 3 times its largest value so far

    Such a step is left out as `skip_nonfinite=True` of the optimizers leaves it out: weights, their state, statistics
    of layers and the reported numbers stay. Bad examples end there. With `gradient_accumulation_steps` each batch is
    judged, and a bad one costs the update that it is a part of. Where 3 steps in succession are left out and the
    data are not to blame, the weights are: the guard goes back to weights, statistics and optimizer state that were
    kept in memory at times, as `every` says, multiplies the learning rate by `lower_rate`, and goes on with the next
    batches. At the next good state the rate is what it was; if it goes back again after that, the rate stays lowered.
    After `tries` of this without a new good state in between it ends the training at the last good one, and `reason`
    says why.

    Of each such step it says which batch it was, which examples of it are to blame and in which layer the fault begins,
    forward or backward: in the terminal (of the first three), as an event and as the curve `step/skipped_steps` of
    `TensorBoard`, and in `guard.jsonl` in the folder of its run, a line of JSON for each, as in the list `left_out`.
    Examples are positions in the `keras_ch8.data.ArraySource` that `fit` reads, else in the batch. Where XLA compiles
    the step, or several replicas take it, they are known only for a source.

    The optimizer must be one of `keras_ch8.optimizers` that follows a gradient (a `RuleOptimizer`). One that is built
    must have been made with `skip_nonfinite=True`; on one that is not built the callback sets it.
    Two copies of weights and optimizer state are kept on the device. Averages that other callbacks take are not undone.
    A gradient beyond 1e19, whose square leaves float32, counts as infinite.

    Args:
        spike: Number above 0: how many standard deviations above its running mean a loss or a gradient norm must lie to
            be a spike; `None` to look for no spikes. Defaults to `10`.
        every: How often the state is kept that it goes back to: a number of batches, or a string such as `"200ba"`
            (batches), `"1ep"` (epochs) or `"5%"` (of the training). Defaults to `"200ba"`.
        lower_rate: Number in (0, 1]: what the learning rate is multiplied by at a rollback. Defaults to `0.5`.
        tries: Rollbacks in succession before it gives up, an integer of at least 0. Defaults to `3`.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the optimizer cannot be guarded.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(256, 2))
        >>> y = x.sum(axis=1, keepdims=True)
        >>> x[77, 1] = np.nan
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(0.1), "mse")
        >>> guard = keras_ch8.callbacks.Guard()
        >>> source = keras_ch8.data.ArraySource(x, y, seed=0)
        >>> history = model.fit(source, epochs=3, callbacks=[guard], verbose=0)
        >>> len(guard.left_out), guard.left_out[0]["examples"], history.history["loss"][-1] < 0.01
        (3, [77], True)

    References:
        Chowdhery et al. (2022), PaLM: Scaling Language Modeling with Pathways, section 5.1; Goodfellow, Bengio,
        Courville (2016), Deep Learning, section 8.2.4.
    """

    section = "8.2.4"
    skips_steps = True

    observes_steps = False
    _needs_fit = True
    _asks_for_summary = True
    _remembers = _Memory
    _place_in_summary = FIRST
    tags = (SKIPPED_STEPS,)
    transient: ClassVar[Mapping[str, Any]] = dict.fromkeys(("_step_filter", "_skipped", "_states", "_optimizer"))

    def __init__(
        self,
        spike: float | None = 10.0,
        every: int | str = "200ba",
        lower_rate: float = 0.5,
        tries: int = 3,
    ) -> None:
        super().__init__()
        if spike is not None:
            meaning = "how many deviations above its mean a loss or a gradient is a spike"
            _checks.positive("spike", spike, meaning=meaning, fix="10 is the default; None sees no spikes.")
        self._every = duration("every", every, "a number of batches above 0")
        meaning = "what the learning rate is multiplied by when the guard goes back"
        _checks.number(
            "lower_rate", lower_rate, 0.0, 1.0, open_low=True, closed_high=True, meaning=meaning, fix="Try 0.5."
        )
        _checks.count("tries", tries, 0, meaning="the times to go back before giving up", fix="Try 3.")
        self.spike, self.every, self.lower_rate, self.tries = spike, every, lower_rate, tries
        self._step_filter: Any = None
        self._skipped: Any = None
        self._states: Any = None
        self._optimizer: Any = None
        self._memory = _Memory()
        self._epoch = self._drawn = 0
        train_step.install(type(self).__name__)

    @property
    def left_out(self) -> list[dict[str, Any]]:
        """Each step that was left out, as in `guard.jsonl`."""
        return self._memory.left_out

    @property
    def rollbacks(self) -> list[int]:
        """The steps, in batches that the model had been trained on, at which the guard went back."""
        return self._memory.rollbacks

    @property
    def reason(self) -> str | None:
        """Why the guard has ended the training; None if it has not."""
        return self._memory.reason

    # --- the state ---------------------------------------------------------------------------------------------------

    def _state(self) -> _Memory:
        """Return what has happened so far, with the good states in memory."""
        now: dict[str, Any] = {}
        if self._optimizer is not None:
            now = {"rate": rate_or_factor(self._optimizer), "table": self._step_filter.table.numpy()}
        if self._states is not None:
            now |= {"good": self._states.good, "newest": self._states.newest}
        return dataclasses.replace(self._memory, **now)

    def show_results(self, state: _Memory) -> None:
        """Show what was left out, and why the training has ended, if the guard has ended it."""
        self._memory = state

    def _go_on(self, state: _Memory) -> None:
        """Take the state that was set."""
        self._memory = dataclasses.replace(state, rate=None, table=None, good=None, newest=None)
        if self._folder is not None:
            left_out.keep_first(self._folder, state.written)
        if state.rate is not None:
            set_rate_or_factor(self._optimizer, state.rate)
        if state.table is not None:
            self._step_filter.table.assign(state.table)
        self._states.good, self._states.newest = state.good, state.newest

    # --- the training ------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the last training, unless `set_state` says to go on from it."""
        super().on_train_begin(logs)
        self._memory = _Memory()
        self._epoch = self._drawn = 0

    def on_open(self) -> None:
        """Let the step filter judge the steps of the optimizer, before the step is traced."""
        session = self.session
        self._batches()  # refuses what it cannot count in, before the first step
        optimizer = _guardable(session, sum(isinstance(callback, Guard) for callback in session.callbacks))
        if not optimizer.built:
            optimizer.skip_nonfinite = True
        if self._step_filter is None or self._optimizer is not optimizer or self._step_filter.threshold != self.spike:
            with self.model.distribute_strategy.scope():
                self._step_filter = StepFilter(self.spike)
            self._skipped = train_step.SkippedBatches(KEPT)
        self._step_filter.reset()
        self._skipped.taken.clear()
        self._optimizer, self._states = optimizer, None
        if make_changeable(optimizer):
            self.model.make_train_function(force=True)
        session.judge, session.training.skipped_batches = self._step_filter.judge, self._skipped

    def on_built(self) -> None:
        """Begin, if the optimizer has its state too; else with the first batch."""
        self._memory.due = self._memory.keep_at = 0
        if self._optimizer.built:
            self._begin()

    def _begin(self) -> None:
        """Keep the first good state: the start, or what the first batch has left."""
        memory, step = self._memory, self.session.step
        self._states = KeptStates(self.model, self._optimizer, self._step_filter)
        memory.keep_at = step + self._batches()
        memory.due = min(memory.keep_at, step + LOOK_EVERY)
        kept = self._take_kept()
        if kept is not None:
            self._go_on(kept)
        if self._states.good is None:
            self._states.keep(step)

    def _batches(self) -> int:
        """Return after how many batches the state is kept."""
        steps, epochs = self.session.params["steps"], self.session.params["epochs"]
        batches = self._every.batches(steps, epochs)
        if batches is None:
            received = f"every={self.every!r}"
            raise of_unknown_epoch("`every` is in epochs or percent", received, 'batches, such as "200ba"')
        return max(SURVIVED + 1, batches)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Know the epoch."""
        super().on_epoch_begin(epoch, logs)
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Compare the step with the next one at which something is due."""
        super().on_train_batch_end(batch, logs)
        skipped, is_last = self._skipped, batch + 1 == self.params["steps"]
        if skipped.taken or self.session.step >= self._memory.due or (is_last and not skipped.come):
            self._look(batch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Draw the curve, and report what is left of an epoch whose end was not known before."""
        super().on_epoch_end(epoch, logs)
        faults = 0 if self._states is None else self._step_filter.knows().faults
        if faults > self._memory.seen:
            self._report(self.session.batches.of_epoch - 1, faults)
        self._draw()

    def _draw(self) -> None:
        """Write a point of the curve, unless this step has one."""
        if self.session.step > self._drawn:
            self._drawn = self.session.step
            self.write({SKIPPED_STEPS: self._optimizer.skipped_steps})

    def on_close(self) -> None:
        """Let go of the states."""
        self._states = None

    def _look(self, batch: int) -> None:
        """Tell what has been left out since the last time, go back or keep the state where it is time."""
        if self._states is None:
            self._begin()
        memory, step, knows = self._memory, self.session.step, self._step_filter.knows()
        if knows.faults > memory.seen:
            self._report(batch, knows.faults)
        self._skipped.taken.clear()
        if knows.in_a_row >= (IN_A_ROW if memory.in_data < knows.in_a_row else DATA_ALONE):
            self._go_back(knows.in_a_row)
        elif step >= memory.trust_at and self._states.newest is not None and not knows.in_a_row:
            memory.trust_at = math.inf
            if self._is_usual(knows.statistics):
                self._states.trust()
                memory.tried = 0
                self._return_rate()
        elif step >= memory.keep_at and not knows.in_a_row:
            self._states.keep(step)
            memory.keep_at, memory.trust_at = step + self._batches(), step + SURVIVED
        memory.due = min(memory.keep_at, memory.trust_at, math.inf if self._skipped.come else step + LOOK_EVERY)

    def _is_usual(self, now: np.ndarray) -> bool:
        """Whether the mean loss is below the largest at the last good state: where it is not, a training diverges."""
        good = self._states.good.statistics
        return not good[1].any() or bool(now[0, 0] <= good[2, 0])

    def _go_back(self, in_a_row: int) -> None:
        """Go back to the last good state and lower the rate, or give up."""
        memory, step, optimizer = self._memory, self.session.step, self._optimizer
        good = self._states.go_back()
        memory.tried += 1
        memory.in_data = 0
        memory.trust_at, memory.keep_at = math.inf, step + self._batches()
        self.rollbacks.append(step)
        last = self.left_out[-1] if self.left_out else {}
        why = f"{in_a_row} steps in a row were skipped, the last because of {left_out.because(last)}"
        if memory.tried > self.tries or (in_a_row >= DATA_ALONE and last.get("place") in left_out.DATA):
            vain = f", and going back {left_out.times(memory.tried - 1)} did not help" if memory.tried > 1 else ""
            reason = memory.reason = (
                f"The guard gave up at step {step}: {why}{vain}. The training ends with the weights of step "
                f"{good.step}."
            )
            self.model.stop_training = True
            self._write({"action": "gave up", "step": step, "to_step": good.step, "reason": reason})
            self.session.event("stop", reason)
            self._say(*fitted(reason, 3))
            return
        set_rate_or_factor(optimizer, min(rate_or_factor(optimizer), good.rate) * self.lower_rate)
        memory.lowered *= self.lower_rate if memory.may_return else 1.0
        new = keras_private.current_rate(optimizer)
        sentence = (
            f"Step {step}: {why}. The guard went back to the weights of step {good.step} and lowered the learning rate "
            f"to {digits(new, 3)} (try {memory.tried} of {self.tries})."
        )
        self._write({"action": "went back", "step": step, "to_step": good.step, "learning_rate": new})
        self.session.event("restore", sentence)
        self._say(*fitted(sentence, 3))

    def _return_rate(self) -> None:
        """Undo the first lowering of the rate, where the training has come to a good state with it."""
        if self._memory.lowered < 1:
            set_rate_or_factor(self._optimizer, rate_or_factor(self._optimizer) / self._memory.lowered)
            self._memory.lowered, self._memory.may_return = 1.0, False
            rate = digits(keras_private.current_rate(self._optimizer), 3)
            sentence = f"The guard has a new good state, and the learning rate is {rate} again."
            self.session.event("rate", sentence)
            self._say(f"Step {self.session.step}: {sentence}")

    # --- what is reported ---------------------------------------------------------------------------------------------

    def _report(self, batch: int, left_out: int) -> None:
        """Find out where the steps that were left out since the last time begin, and report each."""
        now, batches = int(self._optimizer.micro_steps.numpy()), dict(self._skipped.taken)
        for fault in self._step_filter.read(self._memory.seen, left_out - 1):
            self._tell_of(self._examined(fault, batch, now - fault.number, batches.get(fault.number)))
        self._memory.seen = left_out
        self._draw()

    def _examined(self, fault: LeftOut, batch: int, behind: int, data: Any) -> dict[str, Any]:
        """Return what is known of a step that was left out, so many batches before the last one."""
        place, rows = self._place(batch, behind)
        if data is None and rows is not None:
            data = self.session.training.arguments["x"].take(rows)
        origin = found_origin(self.model, data, fault.is_spike, len(self.left_out))
        return left_out.record_of(fault, place, origin, rows)

    def _tell_of(self, record: dict[str, Any]) -> None:
        self._memory.in_data = self._memory.in_data + 1 if record["place"] in left_out.DATA else 0
        self.left_out.append(record)
        self._write(record)
        sentence = left_out.sentence_of(record)
        self.session.event("spike" if record["fault"] == "spike" else "nonfinite", sentence, record["step"])
        if len(self.left_out) <= TOLD:
            self._say(*fitted(sentence, 3))
        if len(self.left_out) == TOLD + 1:
            self._say("Further skipped steps are counted and reported at the end.")

    def _place(self, batch: int, behind: int) -> tuple[BatchPosition, np.ndarray | None]:
        """Return where a batch was, so many before the last one, and its examples in the source, if there is one."""
        place = BatchPosition(self.session.step - behind, self._epoch, batch - behind)
        source = self.session.training.arguments.get("x")
        if not isinstance(source, ArraySource) or place.batch < 0:
            return place, None
        number = source.step - 1 - behind
        return place._replace(batch=number), left_out.rows_of(source, number)

    def _say(self, *lines: str) -> None:
        if not self.session.terminal.is_quiet:
            self.session.say(*lines)

    @property
    def _folder(self) -> str | None:
        """The folder of the run, if this process writes one: every worker has seen the same."""
        writer = self.session.writer
        return writer.folder if writer is not None and self.session.is_chief else None

    def _write(self, record: Mapping[str, Any]) -> None:
        self._memory.written += 1
        if self._folder is not None:
            left_out.append(self._folder, [record])

    def findings(self) -> list[str]:
        """Return how many steps were left out, and why the training was ended."""
        lines = (
            [left_out.summary_of(self.left_out, self.rollbacks)] if self.left_out else ["The guard skipped no step."]
        )
        return lines if self.reason is None else [*lines, self.reason]

    def _summary(self) -> list[str]:
        if not self.left_out:
            return []
        where = "" if self._folder is None else f"    Each of them: {os.path.join(self._folder, left_out.FILE)}"
        lines = [line for sentence in self.findings() for line in fitted(sentence, 3)]
        return [*lines, where] if where else lines


def _guardable(session: Session, guards: int) -> RuleOptimizer:
    """Return the optimizer of a training with so many guards, if a guard can watch it.

    Raises:
        ValueError: If it cannot.
    """
    optimizer, others = session.optimizer, list(session.optimizers.values())
    if any(isinstance(callback, SwitchOptimizer) for callback in session.callbacks):
        raise ValueError(
            "`Guard` protects a single optimizer. Received: `SwitchOptimizer` in the same training. Train with the "
            "two optimizers in two calls of `fit`, each with its own guard."
        )
    if guards > 1:
        raise ValueError(f"A training can have only one `Guard`. Received: {guards}. Keep one.")
    if not isinstance(optimizer, RuleOptimizer) or len(others) > 1:
        names = ", ".join(f"{type(other).__name__} of {type(other).__module__}" for other in others) or "none"
        raise ValueError(
            "`Guard` needs a first-order optimizer of `keras_ch8.optimizers`, which skips the steps. Received: "
            f"{names}. Compile with the one of the same name, such as `keras_ch8.optimizers.Adam`, which takes the "
            "same steps."
        )
    if optimizer.built and not optimizer.skip_nonfinite:
        name = type(optimizer).__name__
        raise ValueError(
            f"`Guard` lets the optimizer skip and count steps. Received: {name}(skip_nonfinite=False), whose state "
            f"exists already. Compile with `{name}(..., skip_nonfinite=True)`."
        )
    return optimizer

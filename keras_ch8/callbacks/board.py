"""What `TensorBoard` writes beside the curves: the report of the run, what happened at a step."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ..board.record import Event
from ..clipping import ByGlobalNorm
from ..integration import keras_private, tuner
from ..monitors import cliff
from ..monitors.measurement_log import FEWEST, WINDOW
from ..telemetry.frame import Frame
from ..verdicts.wording import digits, percent

if TYPE_CHECKING:
    from .session.session import Session

# --- the report of the run, in Markdown ------------------------------------------------------------------------------


WEIGHTS = "trainable weights"


def hyperparameters(session: "Session") -> dict[str, Any]:
    """Return the settings of a training: numbers, texts and booleans by name; None for what is not known."""
    model, arguments = session.model, session.training.arguments
    known = session.optimizers
    # `compile` of a model with its own training step may have made one that nothing uses
    used = {name: o for name, o in known.items() if keras_private.iterations_of(o) > 0} or known
    found: dict[str, Any] = {
        "optimizer": " + ".join(type(o).__name__ for o in used.values()),
        "learning_rate": None,
        "batch_size": arguments.get("batch_size"),
        "loss": _name_of_loss(getattr(model, "loss", None)),
        "epochs": session.params["epochs"],
        "steps_per_epoch": session.params["steps"],
        WEIGHTS: sum(int(np.prod(v.shape)) for v in model.trainable_variables),
    }
    if session.rule:
        found["clip"] = repr(session.rule)
    rule = session.rule or getattr(session.optimizer, "clipping_rule", None)
    if isinstance(rule, ByGlobalNorm) and len(used) == 1:
        found["global_clipnorm"] = rule.limit
    for name, optimizer in used.items():
        prefix = "" if len(used) == 1 else f"{name}: "
        found |= {f"{prefix}{key}": value for key, value in _config(optimizer).items()}
    if trial := tuner.trial_of(session.training.callbacks):
        found |= {"trial": trial.name} | {f"trial: {key}": value for key, value in trial.values.items()}
    return found


def _config(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """Return the arguments of an optimizer that say something; none of one that cannot give them."""
    with contextlib.suppress(Exception):  # such as a schedule of the user's own without `get_config`
        config = optimizer.get_config()
        if "groups" in config:
            config["groups"] = ", ".join(map(repr, optimizer.groups))
        return {key: _short(value) for key, value in config.items() if value not in (None, False) and key != "name"}
    return {}


def _name_of_loss(loss: Any) -> str | None:
    """Return the name of what a model is compiled with as its loss; None for nothing."""
    if isinstance(loss, Mapping):
        return ", ".join(f"{output}: {_name_of_loss(each)}" for output, each in loss.items())
    if isinstance(loss, list | tuple):
        return ", ".join(str(_name_of_loss(each)) for each in loss)
    return loss if loss is None or isinstance(loss, str) else str(getattr(loss, "name", None) or _short(loss))


def settings_report(session: "Session") -> str:
    """Return what is known before the first step: a list, since a long value would break the words of a table."""
    known = session.record.hyperparameters.items()
    texts = {name: f"{value:,}" if name == WEIGHTS else str(value) for name, value in known if value is not None}
    return "\n".join(f"- {name}: `{text}`" for name, text in texts.items())


def _short(value: Any) -> Any:
    """Return a number with six digits, a boolean or a text as it is, and a part of Keras as the call that makes it."""
    if isinstance(value, dict):
        arguments = ", ".join(f"{k}={v!r}" for k, v in value.get("config", {}).items())
        return f"{value.get('class_name', '')}({arguments})"
    if isinstance(value, float | np.floating):
        return float(f"{value:.6g}")
    return value if isinstance(value, bool | int | str) else getattr(value, "__name__", None) or str(value)


# --- what happened at single steps, found in the rows of many --------------------------------------------------------


STEADY = 10
"""Steps for which a learning rate has to be the same before a change of it is an event, and no step of a schedule."""
SHARP = 0.1
"""Fraction of itself by which it has to change."""
UNUSUAL = 3.0
"""Times the largest median so far that a spike has to exceed: near the end a small gradient varies much."""
LARGEST = 1e12
"""Times the median beyond which a number says nothing."""


@dataclass
class StepEvents:
    """Finds the events in the rows of one optimizer: clipping, spikes, broken gradients, sudden changes of its rate.

    Args:
        prefix: What their texts begin with, such as the name of one of several optimizers.
        steps: The rows so far.
        clipped: Those whose gradient was clipped.
        broken: Those whose gradient was not finite.
        last: The step of the last one.
        rate: Its learning rate.
        same_for: The rows for which that has been the same.
        norms: The last finite norms.
        usual: The largest median of norms so far.
    """

    prefix: str = ""
    steps: int = 0
    clipped: int = 0
    broken: int = 0
    last: int = 0
    rate: float = float("nan")
    same_for: int = 0
    norms: np.ndarray = field(default_factory=lambda: np.zeros(0))
    usual: float = 0.0

    def add(self, frame: Frame) -> list[Event]:
        """Take some rows, and return what has happened at them."""
        if not len(frame.steps):
            return []
        self.steps += len(frame.steps)
        self.last = int(frame.steps[-1])
        finite = np.isfinite(frame.norm)
        return [
            *self._find_broken(frame.steps[~finite]),
            *self._find_clipped(frame),
            *self._find_spikes(frame.steps[finite], frame.norm[finite].astype(float)),
            *self._find_changes(frame.steps, frame.learning_rate),
        ]

    def end(self) -> Iterator[Event]:
        """Count what has happened since it was reported for the first time."""
        if self.clipped:
            yield self._event(
                "clip", f"Clipping acted at {percent(self.clipped / self.steps)} of the steps.", self.last
            )
        if self.broken > 1:
            yield self._event("nonfinite", f"The gradient was infinite or NaN in {self.broken} steps.", self.last)

    def _event(self, kind: str, text: str, step: int) -> Event:
        return Event(int(step), kind, self.prefix + text)

    def _find_broken(self, steps: np.ndarray) -> Iterator[Event]:
        if len(steps) and not self.broken:
            yield self._event("nonfinite", "The gradient is infinite or NaN for the first time.", steps[0])
        self.broken += len(steps)

    def _find_clipped(self, frame: Frame) -> Iterator[Event]:
        clipped = np.flatnonzero(frame.was_clipped)
        if len(clipped) and not self.clipped:
            first = clipped[0]
            long, short = (digits(float(norms[first]), 3) for norms in (frame.norm, frame.clipped))
            text = f"The gradient is clipped for the first time, from a norm of {long} to {short}."
            yield self._event("clip", text, frame.steps[first])
        self.clipped += len(clipped)

    def _find_spikes(self, steps: np.ndarray, norms: np.ndarray) -> Iterator[Event]:
        """Find the spikes of the verdict `cliff`, above all that was usual so far; mostly one comparison is enough."""
        before, usual = len(self.norms), self.usual
        known = np.concatenate([self.norms, norms])
        if len(known) <= FEWEST:
            self.norms = known
            return
        self.norms, self.usual = known[-WINDOW:], max(usual, float(np.median(known)))
        if norms.max(initial=0.0) <= UNUSUAL * usual:
            return
        found = cliff(known, np.arange(len(known)))
        ratios = dict(zip(found.steps.tolist(), found.ratio.tolist(), strict=True))
        for place in found.spikes().tolist():
            if place >= before and known[place] > UNUSUAL * usual:
                is_known = ratios[place] < LARGEST
                how = f"{digits(ratios[place])} times" if is_known else "beyond all measure of"
                yield self._event(
                    "spike", f"The gradient is {how} the median of the steps before.", steps[place - before]
                )

    def _find_changes(self, steps: np.ndarray, rates: np.ndarray) -> Iterator[Event]:
        """Find sudden changes of a rate that had been the same for some steps."""
        known = np.concatenate([[self.rate], rates])
        changed = np.flatnonzero(known[1:] != known[:-1])
        same_for = np.diff(changed, prepend=-self.same_for)
        for place in changed[same_for >= STEADY].tolist():
            old, new = float(known[place]), float(known[place + 1])
            if abs(new - old) >= SHARP * abs(old):
                how = "falls" if new < old else "rises"
                yield self._event(
                    "rate", f"The learning rate {how} from {digits(old, 3)} to {digits(new, 3)}.", steps[place]
                )
        self.rate = float(known[-1])
        self.same_for = len(rates) - int(changed[-1]) if len(changed) else self.same_for + len(rates)

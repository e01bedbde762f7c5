"""The report of a run, in Markdown."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ...board.tags import Tag
from ...clipping import ByGlobalNorm
from ...integration import keras_private

if TYPE_CHECKING:
    from ..session.session import Session


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
    return found


def _config(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """Return the arguments of an optimizer that say something; none of one that cannot give them."""
    with contextlib.suppress(Exception):  # such as a schedule of the user's own without `get_config`
        config = optimizer.get_config()
        return {key: _short(value) for key, value in config.items() if value not in (None, False) and key != "name"}
    return {}


def _name_of_loss(loss: Any) -> str | None:
    """Return the name of what a model is compiled with as its loss; None for nothing."""
    if isinstance(loss, Mapping):
        return ", ".join(f"{output}: {_name_of_loss(each)}" for output, each in loss.items())
    if isinstance(loss, list | tuple):
        return ", ".join(str(_name_of_loss(each)) for each in loss)
    return loss if loss is None or isinstance(loss, str) else str(getattr(loss, "name", None) or _short(loss))


@dataclass
class Report:
    """Keeps first, last and extreme value of each series, and says at the end what the run did.

    Args:
        first_step: The batches before the run.
        seen: First, last, smallest and largest value of each series, and how many were not finite.
    """

    first_step: int
    seen: dict[Tag, list[float]] = field(default_factory=dict)

    @staticmethod
    def beginning(session: "Session") -> str:
        """Return what is known before the first step: a list, since a long value would break the words of a table."""
        known = session.record.hyperparameters.items()
        texts = {name: f"{value:,}" if name == WEIGHTS else str(value) for name, value in known if value is not None}
        return "\n".join(f"- {name}: `{text}`" for name, text in texts.items())

    def add(self, series: Mapping[Tag, Any]) -> None:
        """Take what was measured at some steps."""
        for tag, (_, values, *_) in series.items():
            if len(values):
                first, _, low, high, broken = self.seen.get(tag, [values[0], values[0], np.inf, -np.inf, 0])
                finite = values[np.isfinite(values)]
                low, high = finite.min(initial=low), finite.max(initial=high)
                self.seen[tag] = [first, values[-1], low, high, broken + len(values) - len(finite)]

    def end(self, session: "Session", without: Collection[str]) -> str:
        """Return what the run did; `without` names series that have no row."""
        rows = [
            (f"`{tag.name}`", *(f"{x:.4g}" for x in seen[:4]), str(int(seen[4])))
            for tag, seen in self.seen.items()
            if tag.name not in without
        ]
        findings = "".join(f"- {sentence}\n" for sentence in session.findings())
        table = _table(("series", "first", "last", "smallest", "largest", "not finite"), rows)
        return f"Steps {self.first_step + 1} to {session.step}.\n\n{findings}\n{table}\n"


def _short(value: Any) -> Any:
    """Return a number with six digits, a boolean or a text as it is, and a part of Keras as the call that makes it."""
    if isinstance(value, dict):
        arguments = ", ".join(f"{k}={v!r}" for k, v in value.get("config", {}).items())
        return f"{value.get('class_name', '')}({arguments})"
    if isinstance(value, float | np.floating):
        return float(f"{value:.6g}")
    return value if isinstance(value, bool | int | str) else getattr(value, "__name__", None) or str(value)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)

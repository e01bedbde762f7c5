"""The report of a run, in Markdown."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..board.tags import Tag

if TYPE_CHECKING:
    from ._session import Session


class Report:
    """Keeps first, last and extreme value of each series, and says at the end what the run did."""

    def __init__(self, session: "Session") -> None:
        self.session = session
        self._first_step = session.step
        self._seen: dict[Tag, list[float]] = {}

    def beginning(self) -> str:
        """Return what is known before the first step: a list, since in a table a long value breaks the words."""
        weights = sum(int(np.prod(v.shape)) for v in self.session.model.trainable_variables)
        lines = [f"- trainable weights: {weights:,}"]
        for name, optimizer in self.session.optimizers.items():
            if optimizer.built or name == "optimizer":
                lines.append(f"- {name}: {type(optimizer).__name__}")
                config = {k: v for k, v in optimizer.get_config().items() if v not in (None, False) and k != "name"}
                lines += [f"    - {key}: `{_short(value)}`" for key, value in config.items()]
        lines += [f"- clip: `{self.session.rule!r}`"] if self.session.rule else []
        return "\n".join(lines)

    def add(self, series: Mapping[Tag, Any]) -> None:
        """Take what was measured at some steps."""
        for tag, (_, values, *_) in series.items():
            if len(values):
                first, _, low, high, broken = self._seen.get(tag, [values[0], values[0], np.inf, -np.inf, 0])
                finite = values[np.isfinite(values)]
                low, high = finite.min(initial=low), finite.max(initial=high)
                self._seen[tag] = [first, values[-1], low, high, broken + len(values) - len(finite)]

    def end(self) -> str:
        """Return what the run did."""
        rows = [
            (f"`{tag.name}`", *(f"{x:.4g}" for x in seen[:4]), str(int(seen[4]))) for tag, seen in self._seen.items()
        ]
        findings = "".join(f"- {sentence}\n" for sentence in self.session.findings())
        table = _table(("series", "first", "last", "smallest", "largest", "not finite"), rows)
        return f"Steps {self._first_step + 1} to {self.session.step}.\n\n{findings}\n{table}\n"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        arguments = ", ".join(f"{k}={v!r}" for k, v in value.get("config", {}).items())
        return f"{value.get('class_name', '')}({arguments})"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)

"""What the session of a training knows of the callbacks that have joined it."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from ..._types import Logs
from ...board import tags
from ...telemetry.frame import Frame


class SessionCallback(Protocol):
    """What the session knows of a callback: see `Callback`, which says what each attribute and hook is."""

    model: Any
    training: Any
    watches: bool
    observes_steps: bool
    observes_updates: int | None
    observes_layers: bool
    tags: ClassVar[Sequence[tags.Tag]]
    logs: bool | Sequence[str]
    _needs_fit: bool
    _asks_for_summary: bool
    _place_in_summary: int

    def on_open(self) -> None:
        """Begin."""

    def on_built(self) -> None:
        """Look at the weights."""

    def on_telemetry(self, frames: Mapping[str, Frame], logs: Logs) -> None:
        """Take the rows of steps."""

    def on_close(self) -> None:
        """End."""

    def findings(self) -> list[str]:
        """Return what was found, in lines."""

    def _summary(self) -> list[str]: ...

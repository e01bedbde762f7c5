"""Which optimizer a guard can watch, and its way back."""

from typing import TYPE_CHECKING

from ..optimizers.base import RuleOptimizer
from ..telemetry.gate import Gate
from ._switch_optimizer import SwitchOptimizer

if TYPE_CHECKING:
    from ._session import Session


def guardable(session: "Session", guards: int) -> RuleOptimizer:
    """Return the optimizer of a training with so many guards, if a guard can watch it.

    Raises:
        ValueError: If it cannot.
    """
    optimizer, others = session.optimizer, list(session.optimizers.values())
    if any(isinstance(member, SwitchOptimizer) for member in session.members):
        raise ValueError(
            "`Guard` keeps the state of one optimizer. Received: `SwitchOptimizer` in the same training. Train with "
            "the two optimizers in two calls of `fit`, each with a guard."
        )
    if guards > 1:
        raise ValueError(f"A training has one `Guard`. Received: {guards}. Keep one.")
    if not isinstance(optimizer, RuleOptimizer) or len(others) > 1:
        names = ", ".join(f"{type(other).__name__} of {type(other).__module__}" for other in others) or "none"
        raise ValueError(
            "`Guard` leaves steps out inside the step of an optimizer of `keras_ch8.optimizers` that follows a "
            f"gradient, and a model has one of these. Received: {names}. Compile with the one of the same name, such "
            "as `keras_ch8.optimizers.Adam`, which makes the same steps."
        )
    if optimizer.built and not optimizer.skip_nonfinite:
        name = type(optimizer).__name__
        raise ValueError(
            "`Guard` has steps left out by the optimizer, which counts them in its state. Received: "
            f"{name}(skip_nonfinite=False), which has its state already. Compile with "
            f"`{name}(..., skip_nonfinite=True)`."
        )
    return optimizer


def release(optimizer: RuleOptimizer, gate: Gate) -> None:
    """Give the optimizer back."""
    if optimizer.gate is gate:
        optimizer.gate, optimizer.telemetry.hears = None, False

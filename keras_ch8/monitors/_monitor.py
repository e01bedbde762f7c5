"""What every monitor is, and what it is shown."""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Self

from ..verdicts import Claim
from .past import Past

SETS = ("cheap", "standard", "full")
"""The sets of monitors, by name."""

REGISTERED: dict[str, type["AbstractMonitor"]] = {}
"""The monitors that belong to a set, by name."""


@dataclasses.dataclass
class Met:
    """What a layer was given and gave in one call, and the gradients with respect to both, as tensors.

    The gradients are of the loss of the whole probe: those of one example are 1 / examples of its own loss.
    """

    layer: Any
    given: Any
    mask: Any
    output: Any
    slope_of_given: Any
    slope_of_output: Any
    is_output: bool
    """Whether the model gives what this layer gives."""


@dataclasses.dataclass
class Pass:
    """The probe at one point: loss and gradient, also of each of its parts, and the layers that were asked for."""

    loss: Any
    grads: list[Any]
    of_parts: list[list[Any]]
    met: list[Met]


@dataclasses.dataclass
class Scene:
    """What a monitor sees, as tensors of a graph.

    `now` is at the weights theta as they are. `before` is at theta - d, and d the last update of the optimizer; both
    are None for a look without a step. `start` are the weights at the beginning of the training.
    """

    variables: list[Any]
    theta: list[Any]
    start: list[Any]
    d: list[Any] | None
    before: Pass | None
    now: Pass
    inference_loss: Any
    examples: int


class AbstractMonitor:
    """One quantity: what the compiled probe computes for it, what that means, and what it says of the training.

    A subclass has no state: `claims` is a pure function of the past, and needs NumPy only. One that says to which
    `sets` it belongs is thereby registered: whoever asks for the set, or for its name, gets it.

    Raises:
        ValueError: When a class is made that belongs to a set that there is not, or has the name of another monitor.
    """

    name: ClassVar[str]
    sets: ClassVar[tuple[str, ...]] = ()
    """To which of "cheap", "standard" and "full" it belongs; to none, it is given as an object only."""
    place: ClassVar[int] = 100
    """Where it stands in a set, the smallest first; at equal places by name."""
    judges: ClassVar[str] = "probe"
    """By what: "probe", "spectrum", "rows" (what every step leaves) or "epochs" (what `fit` reports)."""
    needs_step: ClassVar[bool] = False
    """Whether it says nothing without an update of the optimizer."""
    needs_inference: ClassVar[bool] = False
    """Whether it asks for the loss as in inference, where the model has a layer that it takes along."""
    reading: ClassVar[Callable[..., Any]]
    """`reading(**arrays)`: what `tensors` computed, as a frozen dataclass; of a monitor that looks at a probe."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "sets" in vars(cls) and cls.sets:
            _register(cls)

    @classmethod
    def of_set(cls, name: str) -> Self:
        """Return the monitor as it is in one of its sets."""
        del name
        return cls()

    def takes(self, layer: Any) -> bool:
        """Whether the calls of this layer are taken along."""
        return False

    def tensors(self, scene: Scene) -> dict[str, Any]:
        """Return what is computed, by name: tensors of the graph, or facts that do not change.

        Nothing if the model has nothing to look at.
        """
        return {}

    def numbers(self, past: Past) -> dict[str, float]:
        """Return what is worth a curve, by the names of `board.tags`."""
        return {}

    def claims(self, past: Past) -> list[Claim]:
        """Return what the past says of the kinds that this monitor knows of; nothing of those it cannot judge yet."""
        return []


def _register(cls: type[AbstractMonitor]) -> None:
    if not set(cls.sets) <= set(SETS):
        raise ValueError(
            f"A monitor belongs to some of the sets {', '.join(map(repr, SETS))}. Received: sets={cls.sets!r} of "
            f"{cls.__qualname__}. Name some of these, or none."
        )
    other = REGISTERED.setdefault(cls.name, cls)
    if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ValueError(
            f"Each monitor has a name of its own. Received: name={cls.name!r} of {cls.__module__}.{cls.__qualname__}, "
            f"which is that of {other.__module__}.{other.__qualname__}. Give it another."
        )
    REGISTERED[cls.name] = cls  # the same class, defined anew

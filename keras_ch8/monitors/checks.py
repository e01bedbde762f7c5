"""The sets of monitors, made from what the classes in this package, and those of the user, say of themselves."""

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Any

from ._monitor import REGISTERED, SETS, AbstractMonitor

_MADE: dict[type[AbstractMonitor], list[AbstractMonitor]] = {}


def members(name: str) -> tuple[AbstractMonitor, ...]:
    """Return the monitors of a set, in the order of their places."""
    ordered = sorted(_registered().values(), key=lambda cls: (cls.place, cls.name))
    return tuple(_of_set(cls, name) for cls in ordered if name in cls.sets)


def chosen(checks: str | Sequence[str | AbstractMonitor]) -> tuple[AbstractMonitor, ...]:
    """Return the monitors of a set, or those that are listed, by name or as they are.

    Raises:
        ValueError: If there is none of that name.
    """
    if isinstance(checks, str) and checks in SETS:
        return members(checks)
    if isinstance(checks, str) or not isinstance(checks, Sequence):
        raise _unknown(checks)
    return tuple(_one(check) for check in checks)


def _registered() -> dict[str, type[AbstractMonitor]]:
    """Return all registered monitors, those included whose files nobody has imported yet."""
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{__package__}.{module.name}")
    return REGISTERED


def _of_set(cls: type[AbstractMonitor], name: str) -> AbstractMonitor:
    """Return a monitor as it is in a set: one object, whoever asks, for all sets in which its settings are the same."""
    monitor = cls.of_set(name)
    known = _MADE.setdefault(cls, [])
    for other in known:
        if vars(other) == vars(monitor):
            return other
    known.append(monitor)
    return monitor


def _one(check: Any) -> AbstractMonitor:
    if isinstance(check, AbstractMonitor):
        return check
    found = _registered().get(check) if isinstance(check, str) else None
    if found is None:
        raise _unknown(check)
    return _of_set(found, max(found.sets, key=SETS.index))


def _unknown(check: Any) -> ValueError:
    names = [monitor.name for monitor in members("full")]
    return ValueError(
        f"`checks` is 'cheap', 'standard' or 'full', or a list of monitors: {', '.join(names)}. "
        f"Received: {check!r}. Name some of these, or give an `AbstractMonitor` of your own."
    )

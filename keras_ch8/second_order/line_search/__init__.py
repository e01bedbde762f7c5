"""How far to go along a direction. A search is a frozen dataclass; `line.py` says what it must do."""

from ._searches import Constant, Exact, StrongWolfe

__all__ = [
    "Constant",
    "Exact",
    "StrongWolfe",
]


def __dir__() -> list[str]:
    return sorted(__all__)

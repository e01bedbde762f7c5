"""How far to go along a direction. A search is a frozen dataclass; `line.py` says what it must do."""

from ._bracketing import HagerZhang, StrongWolfe
from ._simple import Backtracking, Constant, Exact

__all__ = [
    "Backtracking",
    "Constant",
    "Exact",
    "HagerZhang",
    "StrongWolfe",
]


def __dir__() -> list[str]:
    return sorted(__all__)

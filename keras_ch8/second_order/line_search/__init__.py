"""How far to go along a direction. A search is a frozen dataclass; `line.py` says what it must do."""

from ._hager_zhang import HagerZhang
from ._simple import Backtracking, Constant, Exact
from ._strong_wolfe import StrongWolfe

__all__ = [
    "Backtracking",
    "Constant",
    "Exact",
    "HagerZhang",
    "StrongWolfe",
]


def __dir__() -> list[str]:
    return sorted(__all__)

"""Section 8.6 for any function of a flat vector: `minimize`, the methods, and the line searches of those that have one.

A method or a line search of your own derives from `keras_ch8.extend.Method`, `Descent` or `LineSearch` there.
"""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from . import line_search, methods
from ._minimize import Minimizer, minimize

__all__ = [
    "Minimizer",
    "line_search",
    "methods",
    "minimize",
]


def __dir__() -> list[str]:
    return sorted(__all__)

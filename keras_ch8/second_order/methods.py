"""The methods of section 8.6, each a frozen dataclass of its settings, and the name of each with its defaults."""

from collections.abc import Callable
from typing import Any

from .._describe import short
from ._bfgs import BFGS
from ._conjugate_gradient import ConjugateGradient
from ._lbfgs import LBFGS
from ._levenberg_marquardt import LevenbergMarquardt
from ._newton import Newton
from ._saddle_free_newton import SaddleFreeNewton
from ._self_scaled import SSBFGS, SSBroyden
from ._steepest_descent import SteepestDescent
from ._truncated_newton import TruncatedNewton
from .contract import Method

__all__ = [
    "BFGS",
    "LBFGS",
    "SSBFGS",
    "ConjugateGradient",
    "LevenbergMarquardt",
    "Newton",
    "SSBroyden",
    "SaddleFreeNewton",
    "SteepestDescent",
    "TruncatedNewton",
]

METHODS: dict[str, Callable[[], Method]] = {
    "bfgs": BFGS,
    "conjugate_gradient": ConjugateGradient,
    "lbfgs": LBFGS,
    "levenberg_marquardt": LevenbergMarquardt,
    "newton": Newton,
    "saddle_free_newton": SaddleFreeNewton,
    "ssbfgs": SSBFGS,
    "ssbroyden": SSBroyden,
    "steepest_descent": SteepestDescent,
    "truncated_newton": TruncatedNewton,
}
"""The methods that have a name, with their defaults."""


def as_method(value: Any) -> Method:
    """Return a method that came as one or by its name."""
    if isinstance(value, Method):
        return value
    if not isinstance(value, str):
        raise TypeError(
            "`method` must be a method of `keras_ch8.second_order.methods`, such as "
            "`keras_ch8.second_order.methods.LBFGS()`, or the "
            f"name of one. Received: method={short(value)} of type {type(value).__name__}. Try 'lbfgs'."
        )
    if value not in METHODS:
        raise ValueError(
            f"`method` must be one of {sorted(METHODS)}, or a method. Received: method={short(value)}. Try 'lbfgs'."
        )
    return METHODS[value]()


def __dir__() -> list[str]:
    return sorted(__all__)

"""Chapter 8 of the Deep Learning book, "Optimization for Training Deep Models", as Keras parts.

Packages load on first use. Every class that can stand in a saved model is registered with Keras by `import keras_ch8`.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import (
        callbacks,
        choosing,
        clipping,
        continuation,
        curriculum,
        curvature,
        data,
        extend,
        initializers,
        integration,
        landscapes,
        layers,
        losses,
        metrics,
        monitors,
        optimizers,
        schedules,
        second_order,
        stopping,
        symmetries,
        trackers,
        training,
    )
    from ._preflight import preflight
    from .callbacks.doctor import Doctor
    from .choosing import compare, find_learning_rate
    from .cockpit.history import read_run
    from .cockpit.page import report
    from .proof.cure import cure

__version__ = "0.2.0"
__all__ = [
    "Doctor",
    "callbacks",
    "choosing",
    "clipping",
    "compare",
    "continuation",
    "cure",
    "curriculum",
    "curvature",
    "data",
    "extend",
    "find_learning_rate",
    "initializers",
    "integration",
    "landscapes",
    "layers",
    "losses",
    "metrics",
    "monitors",
    "optimizers",
    "preflight",
    "read_run",
    "report",
    "schedules",
    "second_order",
    "stopping",
    "symmetries",
    "trackers",
    "training",
]

_LATER = {
    "Doctor": "callbacks.doctor",
    "cure": "proof.cure",
    "preflight": "_preflight",
    "compare": "choosing",
    "find_learning_rate": "choosing",
    "read_run": "cockpit.history",
    "report": "cockpit.page",
}
"""Where they are."""
PACKAGES = tuple(name for name in __all__ if name not in (*_LATER, "extend", "integration"))
"""The packages of parts of the chapter."""
SHELVES = (
    "curriculum.pacings",
    "losses.likelihoods",
    "second_order.line_search",
    "second_order.methods",
)
"""Modules of these packages with what one argument of another part takes."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}. It has: {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted(__all__)


def _is_asked_by_a_tool() -> bool:
    """Whether a command or the tab of TensorBoard imports this, to which Keras would be seconds of waiting.

    While Python looks for the module of `python -m`, the first argument is `-m`.
    """
    if "keras" in sys.modules:
        return False
    arguments = sys.orig_argv
    is_command = sys.argv[:1] == ["-m"] and arguments[arguments.index("-m") + 1].partition(".")[0] == __name__
    return is_command or "tensorboard.default" in sys.modules


def _register() -> None:
    """Import Keras and the packages whose classes register themselves, so that saved models load."""
    for package in importlib.import_module(f"{__name__}._registration").packages():
        importlib.import_module(f"{__name__}.{package}")


if not _is_asked_by_a_tool():
    _register()

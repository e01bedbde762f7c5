"""Chapter 8 of the Deep Learning book, "Optimization for Training Deep Models", as Keras parts.

`import keras_ch8` is light: it imports neither keras nor tensorflow. Sub-packages load on first use, and every
class is registered with Keras as soon as both packages are there, so that saved models load.
"""

import importlib
from typing import TYPE_CHECKING, Any

from . import _registration
from ._registration import register_strings as register_strings

if TYPE_CHECKING:
    from . import board as board
    from . import callbacks as callbacks
    from . import chapter as chapter
    from . import clipping as clipping
    from . import continuation as continuation
    from . import curriculum as curriculum
    from . import curvature as curvature
    from . import data as data
    from . import initializers as initializers
    from . import integration as integration
    from . import landscapes as landscapes
    from . import layers as layers
    from . import losses as losses
    from . import metrics as metrics
    from . import monitors as monitors
    from . import optimizers as optimizers
    from . import schedules as schedules
    from . import second_order as second_order
    from . import stopping as stopping
    from . import symmetries as symmetries
    from . import telemetry as telemetry
    from . import testing as testing
    from . import trackers as trackers
    from . import training as training
    from . import verdicts as verdicts
    from .callbacks.doctor import Doctor as Doctor
    from .cockpit.history import read_run as read_run
    from .cockpit.page import report as report

__version__ = "0.2.0"
__all__ = [
    "Doctor",
    "__version__",
    "board",
    "callbacks",
    "chapter",
    "clipping",
    "continuation",
    "curriculum",
    "curvature",
    "data",
    "initializers",
    "integration",
    "landscapes",
    "layers",
    "losses",
    "metrics",
    "monitors",
    "optimizers",
    "read_run",
    "register_strings",
    "report",
    "schedules",
    "second_order",
    "stopping",
    "symmetries",
    "telemetry",
    "testing",
    "trackers",
    "training",
    "verdicts",
]

_LATER = {"Doctor": "callbacks.doctor", "read_run": "cockpit.history", "report": "cockpit.page"}
"""Where they are."""
_SUBPACKAGES = tuple(name for name in __all__ if name not in ("__version__", "register_strings", *_LATER))
PACKAGES = tuple(name for name in _SUBPACKAGES if name not in ("chapter", "integration", "testing"))
"""The packages of public parts."""


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _LATER:
        return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    known = ", ".join(each for each in __all__ if each != "__version__")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}. It has: {known}.")


def __dir__() -> list[str]:
    return sorted(__all__)


_registration.when_keras_is_imported()

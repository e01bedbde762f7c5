"""Callbacks for `fit`. List them in any order: they find each other, and `TensorBoard`, by the model.

Each loads on first use, so that one that needs no telemetry brings none.
"""

import importlib
import re
from typing import TYPE_CHECKING, Any

from ..integration import backend as _backend

if TYPE_CHECKING:
    from ._clip_gradients import ClipGradients
    from ._continuation import Continuation
    from ._curriculum import Curriculum
    from ._diagnosis import Diagnosis
    from ._gradient_clipping_logger import GradientClippingLogger
    from ._guard import Guard
    from ._polyak_averaging import PolyakAveraging
    from ._resume import Resume
    from ._surrogate_gap import SurrogateGap
    from ._switch_optimizer import SwitchOptimizer
    from ._tensorboard import TensorBoard
if TYPE_CHECKING or not _backend.is_tensorflow():
    from ._early_stopping import EarlyStopping
    from ._learning_rate_decay import LearningRateDecay

__all__ = [
    "ClipGradients",
    "Continuation",
    "Curriculum",
    "Diagnosis",
    "EarlyStopping",
    "GradientClippingLogger",
    "Guard",
    "LearningRateDecay",
    "PolyakAveraging",
    "Resume",
    "SurrogateGap",
    "SwitchOptimizer",
    "TensorBoard",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        words = name.replace("TensorBoard", "Tensorboard")  # one word in the name of its file
        file = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", words).lower()
        return getattr(importlib.import_module(f"{__name__}._{file}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}. It has: {', '.join(__all__)}.")


_backend.refuse_the_rest(__name__)


def __dir__() -> list[str]:
    return sorted(__all__)

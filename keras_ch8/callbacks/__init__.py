"""Callbacks for `fit`. List them in any order: they find each other, and `TensorBoard`, by the model."""

from ..integration import backend as _backend
from ._early_stopping import EarlyStopping
from ._learning_rate_decay import LearningRateDecay

if _backend.is_tensorflow():
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

_backend.refuse_the_rest(__name__)


def __dir__() -> list[str]:
    return sorted(__all__)

"""Callbacks for `fit`. List them in any order: they find each other, and `TensorBoard`, by the model."""

from ._clip_gradients import ClipGradients
from ._continuation import Continuation
from ._curriculum import Curriculum
from ._diagnosis import Diagnosis
from ._early_stopping import EarlyStopping
from ._gradient_clipping_logger import GradientClippingLogger
from ._learning_rate_decay import LearningRateDecay
from ._polyak_averaging import PolyakAveraging
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
    "LearningRateDecay",
    "PolyakAveraging",
    "SurrogateGap",
    "SwitchOptimizer",
    "TensorBoard",
]

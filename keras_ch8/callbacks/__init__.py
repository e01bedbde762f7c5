"""Callbacks for `fit`. List them in any order: they find each other, and `TensorBoard`, by the model."""

from ._clip_gradients import ClipGradients
from ._gradient_clipping_logger import GradientClippingLogger
from ._tensorboard import TensorBoard

__all__ = ["ClipGradients", "GradientClippingLogger", "TensorBoard"]

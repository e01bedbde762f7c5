"""Layers that make a model easier to optimize (sections 8.7.1 and 8.7.5 of the book)."""

from ..integration import backend as _backend
from ._open_paths import Maxout, Residual
from .batch_normalization import BatchNormalization

if _backend.is_tensorflow():
    from ._auxiliary_head import DeeplySupervised, auxiliary_head
    from ._recalibrate import recalibrate

__all__ = ["BatchNormalization", "DeeplySupervised", "Maxout", "Residual", "auxiliary_head", "recalibrate"]

_backend.refuse_the_rest(__name__)


def __dir__() -> list[str]:
    return sorted(__all__)

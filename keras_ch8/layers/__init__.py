"""Layers that make a model easier to optimize (sections 8.7.1 and 8.7.5 of the book)."""

from ..integration import backend as _backend
from ._batch_normalization import BatchNormalization
from ._maxout import Maxout
from ._residual import Residual

if _backend.is_tensorflow():
    from ._auxiliary_head import auxiliary_head
    from ._deeply_supervised import DeeplySupervised
    from ._fold import fold
    from ._recalibrate import recalibrate
    from .kinds import NORMALIZING as NORMALIZING
    from .kinds import statistics_of as statistics_of

__all__ = ["BatchNormalization", "DeeplySupervised", "Maxout", "Residual", "auxiliary_head", "fold", "recalibrate"]

_backend.refuse_the_rest(__name__)

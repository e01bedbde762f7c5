"""The data of a training in an order that a seed decides, fresh in every epoch (section 8.1.3)."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._plan import Plan, Sampler
from ._read import read
from ._source import ArraySource

__all__ = ["ArraySource", "Plan", "Sampler", "read"]

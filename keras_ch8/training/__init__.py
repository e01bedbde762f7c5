"""Pretraining layer by layer, and a model before its first step."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._pretrain_greedily import pretrain_greedily
from ._scale_to_data import scale_to_data
from ._start import check_initialization, compile_as

__all__ = [
    "check_initialization",
    "compile_as",
    "pretrain_greedily",
    "scale_to_data",
]


def __dir__() -> list[str]:
    return sorted(__all__)

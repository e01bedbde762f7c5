"""Where else a training is written: `log_to=[...]` of `Doctor` and of `callbacks.TensorBoard`."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._servers import MLflow, WandB
from .base import JSONL

__all__ = [
    "JSONL",
    "MLflow",
    "WandB",
]


def __dir__() -> list[str]:
    return sorted(__all__)

"""Where else a training is written: `log_to=[...]` of `Doctor` and of `callbacks.TensorBoard`."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._csv import CSV
from ._jsonl import JSONL
from ._mlflow import MLflow
from ._wandb import WandB

__all__ = [
    "CSV",
    "JSONL",
    "MLflow",
    "WandB",
]


def __dir__() -> list[str]:
    return sorted(__all__)

"""Whole trainings: finding a learning rate, greedy pretraining, training again on all data after early stopping."""

from ..integration import backend as _backend

if not _backend.is_tensorflow():
    raise _backend.needs_tensorflow(__name__)

from ._audit_start import Audit, audit_start
from ._compare_curricula import CurriculumComparison, compare_curricula
from ._compare_learning_rates import Comparison, compare_learning_rates
from ._find_learning_rate import RangeTest, find_learning_rate
from ._pretrain_greedily import Pretraining, Stage, pretrain_greedily
from ._retrain_on_all_data import Retraining, retrain_on_all_data
from ._scale_to_data import Scaling, scale_to_data

__all__ = [
    "Audit",
    "Comparison",
    "CurriculumComparison",
    "Pretraining",
    "RangeTest",
    "Retraining",
    "Scaling",
    "Stage",
    "audit_start",
    "compare_curricula",
    "compare_learning_rates",
    "find_learning_rate",
    "pretrain_greedily",
    "retrain_on_all_data",
    "scale_to_data",
]

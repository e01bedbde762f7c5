"""Whole trainings: finding a learning rate, greedy pretraining, training again on all data after early stopping."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._candidates import Candidate
from ._check_initialization import InitializationCheck, check_initialization
from ._compare import compare
from ._compare_curricula import CurriculumComparison, compare_curricula
from ._compile_as import compile_as
from ._cure import CureTrial, cure
from ._learning_rates import Comparison, RangeTest, compare_learning_rates, find_learning_rate
from ._optimizer_comparison import OptimizerComparison
from ._preflight import Preflight, preflight
from ._pretrain_greedily import Pretraining, Stage, pretrain_greedily
from ._retrain_on_all_data import Retraining, retrain_on_all_data
from ._scale_to_data import Scaling, scale_to_data
from ._speed_tuning import Setting, SpeedTuning, Timed
from ._study import Study
from ._study_report import StudyReport
from ._tune_speed import tune_speed

__all__ = [
    "Candidate", "Comparison", "CureTrial", "CurriculumComparison", "InitializationCheck", "OptimizerComparison",
    "Preflight", "Pretraining", "RangeTest", "Retraining", "Scaling", "Setting", "SpeedTuning", "Stage", "Study",
    "StudyReport", "Timed", "check_initialization", "compare", "compare_curricula", "compare_learning_rates",
    "compile_as", "cure", "find_learning_rate", "preflight", "pretrain_greedily", "retrain_on_all_data",
    "scale_to_data", "tune_speed",
]  # fmt: skip

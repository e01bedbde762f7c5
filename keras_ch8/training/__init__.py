"""Whole trainings: finding a learning rate, and training again on all data after early stopping."""

from ._compare_learning_rates import Comparison, compare_learning_rates
from ._find_learning_rate import RangeTest, find_learning_rate
from ._retrain_on_all_data import Retraining, retrain_on_all_data

__all__ = [
    "Comparison",
    "RangeTest",
    "Retraining",
    "compare_learning_rates",
    "find_learning_rate",
    "retrain_on_all_data",
]

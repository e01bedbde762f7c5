"""Trainings of every kind that people write with Keras, small, written anew, and known by name.

A kind is a function in one of the files `kinds_*.py`; what Keras itself can do with it stands beside it as traits, each
checked against Keras alone. Nothing in these files imports `keras_ch8`: whatever optimizer a kind is given, it is a
script that knows of Keras only.
"""

from . import (
    kinds_custom_steps,
    kinds_generative,
    kinds_metric_learning,
    kinds_supervised,
    kinds_ways_to_train,
)
from .registry import KINDS, Kind

__all__ = [
    "KINDS",
    "Kind",
    "kinds_custom_steps",
    "kinds_generative",
    "kinds_metric_learning",
    "kinds_supervised",
    "kinds_ways_to_train",
]

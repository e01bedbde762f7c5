"""Rules that keep one steep gradient from throwing the weights away (section 8.2.4 of the book).

Give one as `clip=` to any optimizer of the suite, or to `keras_ch8.callbacks.ClipGradients` for any other optimizer:

    keras_ch8.optimizers.SGD(0.1, clip=keras_ch8.clipping.ByGlobalNorm(1.0))

They act on the mean gradient of all replicas and micro-steps, before the algorithm's rule.
"""

from ._adaptive import Adaptive
from ._by_percentile import ByPercentile
from ._by_tensor_history import ByTensorHistory
from ._by_z_score import ByZScore
from ._limits import ByGlobalNorm, ByNorm, ByValue
from ._limits import rule_of as rule_of
from ._rule import Clipper as Clipper
from ._rule import GlobalRule, TensorRule
from ._rule import Rule as Rule
from ._rule import as_rule as as_rule

__all__ = [
    "Adaptive",
    "ByGlobalNorm",
    "ByNorm",
    "ByPercentile",
    "ByTensorHistory",
    "ByValue",
    "ByZScore",
    "GlobalRule",
    "TensorRule",
]

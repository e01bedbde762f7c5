"""Rules that keep one steep gradient from throwing the weights away (section 8.2.4 of the book).

Give one as `clip=` to any optimizer of the suite, or to `keras_ch8.callbacks.ClipGradients` for any other optimizer:

    keras_ch8.optimizers.SGD(0.1, clip=keras_ch8.clipping.ByGlobalNorm(1.0))

They act on the mean gradient of all replicas and micro-steps, before the algorithm's box.
"""

from ._adaptive import Adaptive
from ._by_global_norm import ByGlobalNorm
from ._by_norm import ByNorm
from ._by_percentile import ByPercentile
from ._by_value import ByValue
from ._clipper import Clipper as Clipper
from ._keras_names import rule_of as rule_of
from ._rule import AbstractRule as AbstractRule
from ._rule import as_rule as as_rule

__all__ = ["Adaptive", "ByGlobalNorm", "ByNorm", "ByPercentile", "ByValue"]

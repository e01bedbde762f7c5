"""Rules that keep one steep gradient from throwing the weights away (section 8.2.4 of the book).

Give one as `clip=` to any optimizer of the suite, or to `keras_ch8.callbacks.ClipGradients` for any other optimizer:

    keras_ch8.optimizers.SGD(0.1, clip=keras_ch8.clipping.ByGlobalNorm(1.0))

They act on the mean gradient of all replicas and micro-steps, before the algorithm's rule.
"""

from .rule import ByGlobalNorm, ByNorm, ByPercentile, ByValue

__all__ = [
    "ByGlobalNorm",
    "ByNorm",
    "ByPercentile",
    "ByValue",
]


def __dir__() -> list[str]:
    return sorted(__all__)

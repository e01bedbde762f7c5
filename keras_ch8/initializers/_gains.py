"""By what weights are multiplied so that a nonlinearity does not shrink the signal."""

import math
from typing import Any

from .. import _checks

GAINS = {"linear": 1.0, "relu": math.sqrt(2.0), "tanh": 1.592537419722104}
"""1 / sqrt(E[phi(z)^2]) for normal z of variance 1: what the next layer is given has variance 1 again."""


def gain_of(value: Any) -> float:
    """Return a gain, given as a number above 0 or by the name of a nonlinearity."""
    if isinstance(value, str):
        if value not in GAINS:
            raise ValueError(
                "`gain` makes up for what a nonlinearity takes from the signal, so it must be a number above 0 or one "
                f"of {', '.join(GAINS)}. Received: gain={value!r}. "
                "For another nonlinearity phi give 1 / sqrt(E[phi(z)^2]) for normal z."
            )
        return GAINS[value]
    return _checks.positive(
        "gain", value, meaning="by what the orthogonal matrix is multiplied", mend="Try 1.0, or 'relu' before ReLUs."
    )

"""By what a row of values is multiplied from one to the next."""

import numpy as np


def factor(values: np.ndarray) -> float:
    """Return the factor from one value to the next that fits best; NaN of fewer than 3 values, or if one is 0."""
    if len(values) < 3 or not (values > 0).all():
        return float("nan")
    return float(np.exp(np.polyfit(np.arange(len(values)), np.log(values), 1)[0]))

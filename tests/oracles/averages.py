"""Averages of a trajectory theta_1 ... theta_n in float64, as sums and not as recursions."""

import numpy as np


def exponential(thetas, alpha):
    """Sum of (1 - alpha) alpha^(n - i) theta_i, divided by 1 - alpha^n."""
    n = len(thetas)
    weights = (1 - alpha) * alpha ** np.arange(n - 1, -1, -1.0)
    return np.tensordot(weights, np.asarray(thetas, "float64"), 1) / (1 - alpha**n)


def uniform(thetas):
    """Sum of theta_i / n."""
    return np.mean(np.asarray(thetas, "float64"), axis=0)

"""Clipping rules with a memory, in float64, as their papers write them: which norms are left of a sequence of norms."""

import numpy as np


def by_z_score(norms, threshold, rho, warm_up):
    """ZClip (Kumar et al. 2025), section 3 and its algorithm, with reciprocal clipping."""
    kept = list(norms[:warm_up])
    mean, variance = np.mean(kept), np.var(kept)
    for norm in norms[warm_up:]:
        z = (norm - mean) / np.sqrt(variance)
        if z > threshold:
            norm = mean + threshold**2 / z * np.sqrt(variance)
        mean = rho * mean + (1 - rho) * norm
        variance = rho * variance + (1 - rho) * (norm - mean) ** 2
        kept.append(norm)
    return kept


def by_tensor_history(norms, ratio, rho, warm_up, limit):
    """AdaGC (Wang et al. 2025), its algorithm; `norms` has a row for each step and a column for each tensor."""
    gamma, kept = np.full(len(norms[0]), np.inf), []
    for t, row in enumerate(norms):
        if t < warm_up:
            row = row * min(limit / np.linalg.norm(row), 1)
            gamma = np.minimum(gamma, row)
        else:
            row = row * np.minimum(ratio * gamma / row, 1)
            gamma = rho * gamma + (1 - rho) * row
        kept.append(row)
    return np.array(kept)

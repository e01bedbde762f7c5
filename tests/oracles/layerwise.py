"""LAMB (You et al. 2020, algorithm 2) in float64, layer by layer.

`gradients[step][layer]` are given; it returns the weights of all layers after every step.
"""

import numpy as np


def lamb(thetas, gradients, lr, beta_1, beta_2, delta, lam):
    path, thetas = [], list(thetas)
    ms, vs = [np.zeros_like(theta) for theta in thetas], [np.zeros_like(theta) for theta in thetas]
    for t, gs in enumerate(gradients, start=1):
        for layer, g in enumerate(gs):
            ms[layer] = beta_1 * ms[layer] + (1 - beta_1) * g
            vs[layer] = beta_2 * vs[layer] + (1 - beta_2) * g**2
            m, v = ms[layer] / (1 - beta_1**t), vs[layer] / (1 - beta_2**t)
            u = m / (np.sqrt(v) + delta) + lam * thetas[layer]
            thetas[layer] = thetas[layer] - lr * np.linalg.norm(thetas[layer]) / np.linalg.norm(u) * u
        path.append(list(thetas))
    return path

"""LARS (You, Gitman, Ginsburg 2017, algorithm 1) and LAMB (You et al. 2020, algorithm 2) in float64, layer by layer.

`gradients[step][layer]` are given; each returns the weights of all layers after every step.
"""

import numpy as np


def lars(thetas, gradients, lr, eta, beta, momentum):
    path, vs = [], [np.zeros_like(theta) for theta in thetas]
    for gs in gradients:
        for layer, (theta, g) in enumerate(zip(thetas, gs, strict=True)):
            local = eta * np.linalg.norm(theta) / (np.linalg.norm(g) + beta * np.linalg.norm(theta))
            vs[layer] = momentum * vs[layer] + lr * local * (g + beta * theta)
        thetas = [theta - v for theta, v in zip(thetas, vs, strict=True)]
        path.append(thetas)
    return path


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

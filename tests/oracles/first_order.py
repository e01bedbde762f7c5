"""Algorithms 8.1 to 8.7, and AdamW. `gradient(theta)` may depend on theta; each returns theta after every step."""

import numpy as np


def sgd(theta, gradient, steps, lr):
    path = []
    for _ in range(steps):
        theta = theta - lr * gradient(theta)
        path.append(theta)
    return path


def momentum(theta, gradient, steps, lr, alpha):
    v, path = np.zeros_like(theta), []
    for _ in range(steps):
        g = gradient(theta)
        v = alpha * v - lr * g
        theta = theta + v
        path.append(theta)
    return path


def nesterov(theta, gradient, steps, lr, alpha):
    v, path = np.zeros_like(theta), []
    for _ in range(steps):
        ahead = theta + alpha * v
        g = gradient(ahead)
        v = alpha * v - lr * g
        theta = theta + v
        path.append(theta)
    return path


def adagrad(theta, gradient, steps, lr, delta):
    r, path = np.zeros_like(theta), []
    for _ in range(steps):
        g = gradient(theta)
        r = r + g * g
        theta = theta - lr / (delta + np.sqrt(r)) * g
        path.append(theta)
    return path


def rmsprop(theta, gradient, steps, lr, rho, delta):
    r, path = np.zeros_like(theta), []
    for _ in range(steps):
        g = gradient(theta)
        r = rho * r + (1 - rho) * g * g
        theta = theta - lr / np.sqrt(delta + r) * g
        path.append(theta)
    return path


def rmsprop_nesterov(theta, gradient, steps, lr, rho, alpha):
    r, v, path = np.zeros_like(theta), np.zeros_like(theta), []
    for _ in range(steps):
        ahead = theta + alpha * v
        g = gradient(ahead)
        r = rho * r + (1 - rho) * g * g
        scaled = np.divide(g, np.sqrt(r), out=np.zeros_like(g), where=r > 0)
        v = alpha * v - lr * scaled
        theta = theta + v
        path.append(theta)
    return path


def adam(theta, gradient, steps, lr, rho_1, rho_2, delta):
    s, r, t, path = np.zeros_like(theta), np.zeros_like(theta), 0, []
    for _ in range(steps):
        g = gradient(theta)
        t = t + 1
        s = rho_1 * s + (1 - rho_1) * g
        r = rho_2 * r + (1 - rho_2) * g * g
        s_hat = s / (1 - rho_1**t)
        r_hat = r / (1 - rho_2**t)
        theta = theta - lr * s_hat / (np.sqrt(r_hat) + delta)
        path.append(theta)
    return path


def adamw(theta, gradient, steps, lr, rho_1, rho_2, delta, decay):
    s, r, t, path = np.zeros_like(theta), np.zeros_like(theta), 0, []
    for _ in range(steps):
        g = gradient(theta)
        t = t + 1
        s = rho_1 * s + (1 - rho_1) * g
        r = rho_2 * r + (1 - rho_2) * g * g
        s_hat = s / (1 - rho_1**t)
        r_hat = r / (1 - rho_2**t)
        theta = theta - lr * s_hat / (np.sqrt(r_hat) + delta) - lr * decay * theta
        path.append(theta)
    return path

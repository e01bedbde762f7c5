"""Optimizers as a stranger would write them: rules that look at a whole layer, and rules that read theta."""

import keras
from keras import ops

from keras_ch8 import _numerics
from keras_ch8.extend import RuleOptimizer


class Normalized(RuleOptimizer):
    """Each layer takes a step of length lr."""

    def rule(self, g, lr, t):
        return -lr * g / ops.norm(g), {}


@keras.saving.register_keras_serializable(package="tests")
class LAMB(RuleOptimizer):
    state_names = ("m", "v")
    hyperparameters = ("beta_1", "beta_2", "epsilon", "lam")

    def __init__(self, learning_rate=0.01, beta_1=0.9, beta_2=0.99, epsilon=1e-6, lam=0.01, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon, self.lam = beta_1, beta_2, epsilon, lam

    def rule(self, g, lr, t, theta, m, v):
        m = self.beta_1 * m + (1 - self.beta_1) * g
        v = self.beta_2 * v + (1 - self.beta_2) * g**2
        r = _numerics.debias(m, self.beta_1, t) / (ops.sqrt(_numerics.debias(v, self.beta_2, t)) + self.epsilon)
        u = r + self.lam * theta
        size = _length(theta)
        ratio = ops.where(size > 0, size / _length(u), 1)
        return -lr * ratio * u, {"m": m, "v": v}


class Pulled(RuleOptimizer):
    """Elementwise, but reads theta: gradient descent on f + |theta|^2."""

    elementwise = True
    rests_without_gradient = True

    def rule(self, g, lr, t, theta):
        return -lr * ops.where(g != 0, g + 2 * theta, 0), {}


class PulledAlone(Pulled):
    """The same, variable by variable."""

    elementwise = False


def _length(x):
    return ops.sqrt(ops.sum(ops.square(x)))  # `ops.norm` knows no scalars

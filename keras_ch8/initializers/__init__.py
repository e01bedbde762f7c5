"""Parameter initialization (section 8.4): weights whose scale suits the depth, and biases that suit the data.

An instance gives different values at every call, so that two layers can share it:

    start = keras_ch8.initializers.Orthogonal("tanh", seed=1)
    model = keras.Sequential([keras.layers.Dense(64, "tanh", kernel_initializer=start) for _ in range(3)])

An initializer of your own derives from `Initializer`, `RandomInitializer` or `KernelInitializer` of
`keras_ch8.extend`.
"""

from .biases import forget_gate, output_marginal
from .kernels import Heuristic, Orthogonal, RandomWalk, Sparse

__all__ = [
    "Heuristic",
    "Orthogonal",
    "RandomWalk",
    "Sparse",
    "forget_gate",
    "output_marginal",
]


def __dir__() -> list[str]:
    return sorted(__all__)

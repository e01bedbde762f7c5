"""Where training starts (section 8.4): weights whose scale suits the depth, and biases that suit the data.

An instance gives other values at every call, so that two layers may share it:

    start = keras_ch8.initializers.Orthogonal("tanh", seed=1)
    model = keras.Sequential([keras.layers.Dense(64, "tanh", kernel_initializer=start) for _ in range(3)])
"""

from ._forget_gate import forget_gate
from ._glorot_uniform import GlorotUniform
from ._heuristic import Heuristic
from ._identity_recurrent import IdentityRecurrent
from ._orthogonal import Orthogonal
from ._output_marginal import output_marginal
from ._random_walk import RandomWalk
from ._saturation import saturation
from ._sparse import Sparse

__all__ = [
    "GlorotUniform",
    "Heuristic",
    "IdentityRecurrent",
    "Orthogonal",
    "RandomWalk",
    "Sparse",
    "forget_gate",
    "output_marginal",
    "saturation",
]

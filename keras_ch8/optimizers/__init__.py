"""The algorithms of chapter 8.

Each first-order algorithm is in a file of its own over `keras_ch8.extend.RuleOptimizer`; those of section 8.6 are in
`second_order.py` over `keras_ch8.extend.ClosureOptimizer`.
"""

from ..integration import backend as _backend
from ..integration import keras_private as _keras_private

_backend.require_tensorflow(__name__)

from .adagrad import Adagrad
from .adam import Adam, AdamW
from .block_coordinate_descent import BlockCoordinateDescent
from .momentum import Momentum
from .nesterov import Nesterov
from .rmsprop import RMSprop, RMSpropNesterov
from .second_order import (
    BFGS,
    LBFGS,
    ConjugateGradient,
    LevenbergMarquardt,
    Newton,
    SaddleFreeNewton,
    SteepestDescent,
    TruncatedNewton,
)
from .sgd import SGD

__all__ = [
    "BFGS",
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "BlockCoordinateDescent",
    "ConjugateGradient",
    "LevenbergMarquardt",
    "Momentum",
    "Nesterov",
    "Newton",
    "RMSprop",
    "RMSpropNesterov",
    "SaddleFreeNewton",
    "SteepestDescent",
    "TruncatedNewton",
]

_keras_private.name_optimizers({f"keras_ch8>{_name}": globals()[_name] for _name in __all__})


def __dir__() -> list[str]:
    return sorted(__all__)

"""The algorithms of chapter 8.

The first-order algorithms are in `sgd.py`, `adaptive.py` and `adam.py`, each a class over
`keras_ch8.extend.RuleOptimizer`; those of section 8.6 in `second_order.py`, over `keras_ch8.extend.ClosureOptimizer`.
"""

from ..integration import backend as _backend
from ..integration import keras_private as _keras_private

_backend.require_tensorflow(__name__)

from .adam import Adam, AdamW
from .adaptive import Adagrad, RMSprop, RMSpropNesterov
from .block_coordinate_descent import BlockCoordinateDescent
from .groups import Group
from .second_order import (
    BFGS,
    LBFGS,
    SSBFGS,
    ConjugateGradient,
    LevenbergMarquardt,
    Newton,
    SaddleFreeNewton,
    SSBroyden,
    SteepestDescent,
    TruncatedNewton,
)
from .sgd import SGD, Momentum, Nesterov

__all__ = [
    "BFGS",
    "LBFGS",
    "SGD",
    "SSBFGS",
    "Adagrad",
    "Adam",
    "AdamW",
    "BlockCoordinateDescent",
    "ConjugateGradient",
    "Group",
    "LevenbergMarquardt",
    "Momentum",
    "Nesterov",
    "Newton",
    "RMSprop",
    "RMSpropNesterov",
    "SSBroyden",
    "SaddleFreeNewton",
    "SteepestDescent",
    "TruncatedNewton",
]

_keras_private.name_optimizers({f"keras_ch8>{_name}": globals()[_name] for _name in __all__ if _name != "Group"})


def __dir__() -> list[str]:
    return sorted(__all__)

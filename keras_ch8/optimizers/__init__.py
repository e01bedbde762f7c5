"""The algorithms of chapter 8, in the order of the book, and the two bases on which they stand.

Each first-order algorithm is in a file of its own over `RuleOptimizer`; those of section 8.6 are in `second_order.py`
over `ClosureOptimizer`.
"""

from .. import _section
from ..integration import backend as _backend
from ..integration import keras_private as _keras_private

_backend.require_tensorflow(__name__)

from .base import RuleOptimizer as RuleOptimizer  # isort: skip
from .closure import ClosureOptimizer as ClosureOptimizer  # isort: skip
from .sgd import SGD as SGD  # isort: skip
from .momentum import Momentum as Momentum  # isort: skip
from .nesterov import Nesterov as Nesterov  # isort: skip
from .adagrad import Adagrad as Adagrad  # isort: skip
from .rmsprop import RMSprop as RMSprop  # isort: skip
from .rmsprop_nesterov import RMSpropNesterov as RMSpropNesterov  # isort: skip
from .adam import Adam as Adam  # isort: skip
from .adamw import AdamW as AdamW  # isort: skip
from .second_order import BFGS as BFGS  # isort: skip
from .second_order import LBFGS as LBFGS  # isort: skip
from .second_order import ConjugateGradient as ConjugateGradient  # isort: skip
from .second_order import LevenbergMarquardt as LevenbergMarquardt  # isort: skip
from .second_order import Newton as Newton  # isort: skip
from .second_order import SaddleFreeNewton as SaddleFreeNewton  # isort: skip
from .second_order import SteepestDescent as SteepestDescent  # isort: skip
from .second_order import TruncatedNewton as TruncatedNewton  # isort: skip
from .block_coordinate_descent import BlockCoordinateDescent as BlockCoordinateDescent  # isort: skip

__all__ = [
    "BFGS", "LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "BlockCoordinateDescent", "ClosureOptimizer",
    "ConjugateGradient", "LevenbergMarquardt", "Momentum", "Nesterov", "Newton", "RMSprop", "RMSpropNesterov",
    "RuleOptimizer", "SaddleFreeNewton", "SteepestDescent", "TruncatedNewton",
]  # fmt: skip

_of_the_chapter = {_name: globals()[_name] for _name in __all__ if _section.source(globals()[_name])}
_keras_private.name_optimizers({f"keras_ch8>{_name}": _class for _name, _class in _of_the_chapter.items()})

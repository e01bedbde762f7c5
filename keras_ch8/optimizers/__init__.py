"""The algorithms of chapter 8, one box one file, in the order of the book."""

from ..integration import backend as _backend
from ..integration import keras_private as _keras_private

if not _backend.is_tensorflow():
    raise _backend.needs_tensorflow(__name__)

from .sgd import SGD as SGD  # isort: skip
from .momentum import Momentum as Momentum  # isort: skip
from .nesterov import Nesterov as Nesterov  # isort: skip
from .adagrad import Adagrad as Adagrad  # isort: skip
from .rmsprop import RMSprop as RMSprop  # isort: skip
from .rmsprop_nesterov import RMSpropNesterov as RMSpropNesterov  # isort: skip
from .adam import Adam as Adam  # isort: skip
from .adamw import AdamW as AdamW  # isort: skip
from .newton import Newton as Newton  # isort: skip
from .truncated_newton import TruncatedNewton as TruncatedNewton  # isort: skip
from .saddle_free_newton import SaddleFreeNewton as SaddleFreeNewton  # isort: skip
from .levenberg_marquardt import LevenbergMarquardt as LevenbergMarquardt  # isort: skip
from .steepest_descent import SteepestDescent as SteepestDescent  # isort: skip
from .conjugate_gradient import ConjugateGradient as ConjugateGradient  # isort: skip
from .bfgs import BFGS as BFGS  # isort: skip
from .lbfgs import LBFGS as LBFGS  # isort: skip
from .block_coordinate_descent import BlockCoordinateDescent as BlockCoordinateDescent  # isort: skip

__all__ = [
    "BFGS", "LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "BlockCoordinateDescent", "ConjugateGradient",
    "LevenbergMarquardt", "Momentum", "Nesterov", "Newton", "RMSprop", "RMSpropNesterov", "SaddleFreeNewton",
    "SteepestDescent", "TruncatedNewton",
]  # fmt: skip

_keras_private.name_optimizers({f"keras_ch8>{_name}": globals()[_name] for _name in __all__})

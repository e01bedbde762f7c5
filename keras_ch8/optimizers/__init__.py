"""The first-order algorithms of chapter 8, one box one file, in the order of the book."""

from .sgd import SGD as SGD  # isort: skip
from .momentum import Momentum as Momentum  # isort: skip
from .nesterov import Nesterov as Nesterov  # isort: skip
from .adagrad import Adagrad as Adagrad  # isort: skip
from .rmsprop import RMSprop as RMSprop  # isort: skip
from .rmsprop_nesterov import RMSpropNesterov as RMSpropNesterov  # isort: skip
from .adam import Adam as Adam  # isort: skip

__all__ = ["SGD", "Adagrad", "Adam", "Momentum", "Nesterov", "RMSprop", "RMSpropNesterov"]

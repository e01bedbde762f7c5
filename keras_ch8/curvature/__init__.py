"""The loss around a point: gradients, Hessian-vector products, eigenvalues. The model stays as it is.

Vectors are flat: the entries of `model.trainable_variables`, one variable after the other.
"""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from .eigenvalues import lanczos, matrix_power
from .gradient_check import check_gradient
from .objective import gradient, hessian, hessian_vector_product

__all__ = [
    "check_gradient",
    "gradient",
    "hessian",
    "hessian_vector_product",
    "lanczos",
    "matrix_power",
]


def __dir__() -> list[str]:
    return sorted(__all__)

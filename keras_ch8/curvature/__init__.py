"""The loss around a point: gradients, Hessian-vector products, eigenvalues. The model stays as it is.

Vectors are flat: the entries of `model.trainable_variables`, one variable after the other.
"""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from .derivatives import gradient, hessian, hessian_vector_product
from .eigenvalues import MatrixPower, Spectrum, lanczos, matrix_power
from .eigenvalues import lanczos_of as lanczos_of
from .gradient_check import GradientCheck, check_gradient

__all__ = [
    "GradientCheck", "MatrixPower", "Spectrum", "check_gradient", "gradient", "hessian", "hessian_vector_product",
    "lanczos", "matrix_power",
]  # fmt: skip

"""The loss around a point: gradients, Hessian-vector products, eigenvalues. Looking changes nothing of the model.

Vectors are flat: the entries of `model.trainable_variables`, one variable after the other.
"""

from ..integration import backend as _backend

if not _backend.is_tensorflow():
    raise _backend.needs_tensorflow(__name__)

from ._check_gradient import GradientCheck, check_gradient
from ._hessian import gradient, hessian, hessian_vector_product
from ._lanczos import Spectrum, lanczos
from ._lanczos import lanczos_of as lanczos_of
from ._powers import Powers, powers

__all__ = [
    "GradientCheck",
    "Powers",
    "Spectrum",
    "check_gradient",
    "gradient",
    "hessian",
    "hessian_vector_product",
    "lanczos",
    "powers",
]

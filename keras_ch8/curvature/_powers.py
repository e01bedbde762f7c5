"""The same matrix again and again."""

import dataclasses

import numpy as np

from .._section import section


@dataclasses.dataclass(frozen=True)
class Powers:
    """What W^t does, by the eigenvalues of W.

    Args:
        eigenvalues: lambda_i, the largest in size first.
        factors: |lambda_i|^t: what becomes of a component along each eigenvector.
        components: Size of the component of x along each eigenvector.
        result: W^t x.
    """

    eigenvalues: np.ndarray
    factors: np.ndarray
    components: np.ndarray
    result: np.ndarray

    @property
    def surviving(self) -> np.ndarray:
        """Share of each component of x in what is left after t steps."""
        left = self.factors * self.components
        return left / left.sum() if left.sum() else left


@section("8.2.5")
def powers(w: np.ndarray, x: np.ndarray, t: int) -> Powers:
    """Return what is left of x after t times the same matrix (section 8.2.5, equation 8.11).

        W^t <- V diag(lambda)^t V^-1

    A component along an eigenvector with |lambda| < 1 vanishes, with |lambda| > 1 it explodes, and soon all that is
    left points along the largest: as in a recurrent network over t time steps.

    Args:
        w: Square matrix with a full set of eigenvectors.
        x: Vector.
        t: Number of steps, at least 0.

    Returns:
        `Powers`.

    Raises:
        ValueError: If `w` is not square or fits `x` not.

    Example:
        >>> found = keras_ch8.curvature.powers(np.diag([1.1, 0.5]), np.array([1.0, 1.0]), 20)
        >>> np.round(found.factors, 4)
        array([6.7275, 0.    ])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.5.
    """
    w, x = np.asarray(w, "float64"), np.asarray(x, "float64")
    if w.ndim != 2 or w.shape[0] != w.shape[1] or x.shape != w.shape[:1]:
        raise ValueError(
            "`w` must be a square matrix and `x` a vector as long as its sides. "
            f"Received: shapes {w.shape} and {x.shape}."
        )
    eigenvalues, v = np.linalg.eig(w)
    order = np.argsort(-np.abs(eigenvalues))
    eigenvalues, v = eigenvalues[order], v[:, order]
    components = np.linalg.solve(v, x.astype(v.dtype))
    result = (v * eigenvalues**t) @ components
    return Powers(eigenvalues, np.abs(eigenvalues) ** t, np.abs(components), np.real_if_close(result, 1e6))

"""The extreme eigenvalues of the Hessian, and what the eigenvalues of a matrix make of its powers."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from .. import _checks, _objects
from .._describe import section
from .._plot import COLORS, GREY, axes_of, finished
from .._result import Result, Table
from .._types import Data
from .objective import Objective

EIGENVALUE = "eigenvalue [loss / weight^2]"


@dataclasses.dataclass(frozen=True, repr=False)
class Spectrum(Result):
    """Ritz values: approximate eigenvalues from some steps of Lanczos.

    Args:
        values: Ritz values, rising; the ends are near the smallest and the largest eigenvalue first.
        residuals: For each of them |H u - value u|: an eigenvalue lies at most so far away.
        basis: The q of the steps, one for each row.
        mixing: Coefficients of the q in each direction u: one column for each Ritz value.
    """

    values: np.ndarray
    residuals: np.ndarray
    basis: np.ndarray
    mixing: np.ndarray

    @property
    def vectors(self) -> np.ndarray:
        """The directions u, one for each column."""
        return self.basis.T @ self.mixing

    def along(self, vector: np.ndarray) -> np.ndarray:
        """Return u . vector for each direction, without computing the directions."""
        return self.mixing.T @ np.einsum("ki,i->k", self.basis, vector.astype(self.basis.dtype))

    @property
    def smallest(self) -> float:
        """The smallest Ritz value. Below 0 it proves negative curvature; above 0 it proves nothing."""
        return float(self.values[0])

    @property
    def largest(self) -> float:
        """The largest Ritz value; the largest eigenvalue is not below it."""
        return float(self.values[-1])

    def plot(self, ax: Any = None) -> Any:
        """Draw the Ritz values with their residuals, with matplotlib; return the axes."""
        ax = axes_of(ax)
        ax.axhline(0, color=GREY, linewidth=0.8)
        places = np.arange(1, len(self.values) + 1)
        negative = self.values < 0
        for some, color, marker, name in (
            (negative, COLORS[1], "v", "negative curvature"),
            (~negative, COLORS[0], "o", "positive curvature"),
        ):
            if some.any():
                look = {"fmt": marker, "color": color, "capsize": 3, "label": name}
                ax.errorbar(places[some], self.values[some], self.residuals[some], **look)
        ax.set_yscale("symlog", linthresh=max(1e-3 * float(np.abs(self.values).max()), 1e-12))
        return finished(ax, "Ritz values of the Hessian", "number, rising", EIGENVALUE, "with residual")

    def _headline(self) -> str:
        bent = "negative" if self.smallest < -self.residuals[0] else "no negative"
        found = f"{len(self.values)} Ritz values from {self.smallest:.3g} to {self.largest:.3g}"
        return f"{found}: {bent} curvature was found."

    def _table(self) -> Table:
        return Table((EIGENVALUE, "an eigenvalue is within"), list(zip(self.values, self.residuals, strict=True)))


@section("8.2.3")
def lanczos(
    model: keras.Model,
    x: Data,
    y: Data = None,
    *,
    steps: int = 20,
    seed: int = 0,
    **options: Any,
) -> Spectrum:
    """Return approximate extreme eigenvalues of the Hessian of the loss (section 8.2.3; Lanczos 1950).

        beta_0 q_0 <- 0, q_1 <- v / |v| with a random v
        for k = 1 .. steps:
            w       <- H q_k
            alpha_k <- q_k . w
            w       <- w - alpha_k q_k - beta_(k-1) q_(k-1), made orthogonal to all q so far once more
            beta_k  <- |w|
            q_(k+1) <- w / beta_k
        values <- eigenvalues of the tridiagonal matrix of alpha and beta

    Each step costs one Hessian-vector product. It finds both ends at once, for which power iteration needs two runs.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        steps: Integer of at least 1; there are at most as many as weights. Defaults to `20`.
        seed: Seed of the random start. Defaults to `0`.
        **options: As for `gradient`.

    Returns:
        A `Spectrum`.

    Raises:
        ValueError: If `steps` is below 1 or `seed` below 0.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> found = keras_ch8.curvature.lanczos(model, np.array([[1.0], [2.0]]), np.array([[0.0], [0.0]]))
        >>> [round(value, 3) for value in found.values.tolist()]
        [0.146, 6.854]

    References:
        Golub and Van Loan (2013), Matrix Computations, section 10.1.
    """
    steps = _checks.count("steps", steps, 1, meaning="the steps of Lanczos", fix="Try 20.")
    objective = Objective(model, x, y, **options)
    start = np.random.default_rng(_checks.seed(seed)).normal(size=objective.size)
    return lanczos_of(objective.products(objective.theta()), start, steps, objective.dtype)


def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Return a . b for two long vectors.

    The threads of NumPy's products wait for the next one by going round in circles: each took some 10 ms of a core.
    """
    return float(np.einsum("i,i", a, b))


def norm(a: np.ndarray) -> float:
    """Return the Euclidean norm of a long vector."""
    return math.sqrt(dot(a, a))


def lanczos_of(
    product: Callable[[np.ndarray], np.ndarray], start: np.ndarray, steps: int, dtype: str = "float64"
) -> Spectrum:
    """Run Lanczos on a symmetric matrix, given by its product with a vector of this type."""
    q = np.zeros((min(steps, len(start)), len(start)), dtype)
    alphas: list[float] = []
    betas = [0.0]
    w = (start / norm(start)).astype(dtype)
    for k in range(len(q)):
        q[k] = w
        w = product(q[k])
        alphas.append(dot(q[k], w))
        w -= alphas[k] * q[k] + betas[k] * q[k - 1]
        # This removes what rounding has left; without it, eigenvalues are found twice.
        w -= np.einsum("k,ki->i", np.einsum("ki,i->k", q[: k + 1], w), q[: k + 1])
        betas.append(norm(w))
        if betas[-1] <= 1e-10 * max(map(abs, alphas)):  # the start lies in an invariant subspace
            break
        w /= betas[-1]
    found = len(alphas)
    off_diagonal = np.diag(betas[1:found], 1)
    values, mixing = np.linalg.eigh(np.diag(alphas) + off_diagonal + off_diagonal.T)
    return Spectrum(values, np.abs(betas[-1] * mixing[-1]), q[:found], mixing)


@dataclasses.dataclass(frozen=True, repr=False)
class MatrixPower(Result):
    """What W^t does to a vector, by the eigenvalues of W.

    Args:
        eigenvalues: lambda_i, the largest in size first.
        factors: |lambda_i|^t: the factor of the component along each eigenvector.
        components: Size of the component of x along each eigenvector.
        result: W^t x.
    """

    eigenvalues: np.ndarray
    factors: np.ndarray
    components: np.ndarray
    result: np.ndarray

    @property
    def surviving(self) -> np.ndarray:
        """Fraction of each component of x in the result."""
        left = self.factors * self.components
        return left / left.sum() if left.sum() else left

    def _headline(self) -> str:
        return (
            f"Of {len(self.eigenvalues)} eigenvalues the largest is {abs(self.eigenvalues[0]):.3g} in size; its "
            f"component is multiplied by {self.factors[0]:.3g} and is {self.surviving[0]:.0%} of the result."
        )

    def _table(self) -> Table:
        rows = zip(np.abs(self.eigenvalues), self.factors, self.components, self.surviving, strict=True)
        return Table(("|eigenvalue|", "factor", "component", "fraction of the result"), list(rows))


@section("8.2.5")
def matrix_power(w: np.ndarray, x: np.ndarray, t: int) -> MatrixPower:
    r"""Return W^t x, component by component along the eigenvectors of W (section 8.2.5, equation 8.11).

    .. math::

        W^t \leftarrow V \operatorname{diag}(\lambda)^t V^{-1}

    A component along an eigenvector with |lambda| < 1 vanishes, with |lambda| > 1 it explodes, and soon the
    result points along the largest: as in a recurrent network over t time steps.

    Args:
        w: Square matrix with a full set of eigenvectors. This is not checked: of a defective matrix, such as
            [[1, 1], [0, 1]], the numbers may be wrong; take `np.linalg.matrix_power(w, t) @ x` for it.
        x: Vector with as many entries as `w` has rows.
        t: Integer of at least 0: the exponent, the number of time steps.

    Returns:
        A `MatrixPower`.

    Raises:
        ValueError: If `w` is not square, `x` does not fit it, or `t` is below 0.

    Example:
        >>> found = keras_ch8.curvature.matrix_power(np.diag([1.1, 0.5]), np.array([1.0, 1.0]), 20)
        >>> np.round(found.factors, 4)
        array([6.7275, 0.    ])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.5.
    """
    w, x = _objects.numbers("w", w), _objects.numbers("x", x)
    t = _checks.count("t", t, 0, meaning="the number of steps", fix="Try 20.")
    if w.ndim != 2 or w.shape[0] != w.shape[1] or x.shape != w.shape[:1]:
        raise ValueError(
            "`w` must be a square matrix, and `x` a vector with as many entries as `w` has rows. Received: shapes "
            f"{w.shape} and {x.shape}. Pass shapes (n, n) and (n,)."
        )
    eigenvalues, v = np.linalg.eig(w)
    order = np.argsort(-np.abs(eigenvalues))
    eigenvalues, v = eigenvalues[order], v[:, order]
    components = np.linalg.solve(v, x.astype(v.dtype))
    result = (v * eigenvalues**t) @ components
    return MatrixPower(eigenvalues, np.abs(eigenvalues) ** t, np.abs(components), np.real_if_close(result, 1e6))

"""The ends of the spectrum beside NumPy's, and powers of a matrix."""

import numpy as np
import pytest

from keras_ch8 import curvature
from keras_ch8.curvature.eigenvalues import lanczos_of
from tests.curvature.models import MODELS, with_693_weights
from tests.marks import mostly

pytestmark = pytest.mark.usefixtures("op_by_op")
RNG = np.random.default_rng(2)
STATES = [(0, 0.01), (10, 0.05)]
"""Epochs that a model was trained, and how near the smallest eigenvalue is found; the monitor has the other."""


@pytest.mark.slow
@pytest.mark.parametrize("epochs, smallest", mostly(pytest.mark.full, STATES, STATES[1]), ids=["start", "trained"])
def test_after_20_steps_both_ends_of_700_weights_are_known(epochs, smallest):
    model, x, y, truth = with_693_weights(epochs)
    found = curvature.lanczos(model, x, y)
    assert found.largest == pytest.approx(truth[-1], rel=0.01)
    assert found.smallest == pytest.approx(truth[0], rel=smallest)
    assert truth[0] - 1e-5 <= found.smallest < 0 < found.largest <= truth[-1] + 1e-5


def test_residuals_say_how_far_an_eigenvalue_is_at_most():
    a = RNG.normal(size=(40, 40))
    a = a + a.T
    truth = np.linalg.eigvalsh(a)
    for steps in (1, 5, 20, 40):
        found = lanczos_of(lambda v: a @ v, RNG.normal(size=40), steps)
        nearest = np.abs(truth[:, None] - found.values).min(axis=0)
        assert (nearest <= found.residuals + 1e-10).all()
        true_residuals = np.linalg.norm(a @ found.vectors - found.vectors * found.values, axis=0)
        np.testing.assert_allclose(found.residuals, true_residuals, atol=1e-9)
    np.testing.assert_allclose(found.values, truth, atol=1e-9)


@pytest.mark.slow
def test_what_lies_along_the_directions_needs_no_directions():
    model, x, y = MODELS["dropout"]()
    found = curvature.lanczos(model, x, y, steps=5)
    vector = np.random.default_rng(3).normal(size=len(found.vectors))
    np.testing.assert_allclose(found.along(vector), found.vectors.T @ vector, rtol=1e-4, atol=1e-5)


def test_a_start_that_reaches_little_ends_early():
    found = lanczos_of(lambda v: np.diag([3.0, 2.0, 1.0]) @ v, np.array([1.0, 1.0, 0.0]), 10)
    np.testing.assert_allclose(found.values, [2, 3], atol=1e-12)
    np.testing.assert_allclose(found.residuals, 0, atol=1e-9)


def test_as_many_steps_as_weights_find_the_largest_eigenvalue(float64, in_graphs):
    model, x, y = MODELS["dense"]()
    truth = np.linalg.eigvalsh(curvature.hessian(model, x, y))
    found = curvature.lanczos(model, x, y, steps=38)
    assert found.largest == pytest.approx(truth[-1], rel=1e-9)
    with pytest.raises(ValueError, match="steps=0"):
        curvature.lanczos(model, x, y, steps=0)


def test_powers_of_a_matrix():
    w, x = RNG.normal(size=(5, 5)), RNG.normal(size=5)
    for t in (0, 1, 7):
        found = curvature.matrix_power(w, x, t)
        np.testing.assert_allclose(found.result, np.linalg.matrix_power(w, t) @ x, rtol=1e-9)
        assert found.surviving.sum() == pytest.approx(1)
    assert curvature.matrix_power(w, x, 200).surviving[:2].sum() > 0.99  # a complex pair counts twice
    with pytest.raises(ValueError, match=r"Received: shapes \(2, 3\) and \(3,\)"):
        curvature.matrix_power(np.ones((2, 3)), np.ones(3), 1)

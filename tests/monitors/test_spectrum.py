"""The ends of the spectrum beside all eigenvalues of the exact Hessian, and what Newton's step would gain."""

import keras
import numpy as np
import pytest

from keras_ch8 import curvature, monitors
from keras_ch8.monitors.eigenvalues import SpectrumEnds
from tests.curvature.models import MODELS, SIX, Y, sequential
from tests.monitors.reference import eager, flat, weights_of


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dense", pytest.param("batch normalization", marks=pytest.mark.slow)])
def test_with_as_many_steps_as_weights_it_is_all_exact(float64, in_graphs, name):
    model, x, y = MODELS[name]()
    h = curvature.hessian(model, x, y)
    loss, g = eager(model, x, y)
    values = np.linalg.eigvalsh(h)
    found = monitors.spectrum(model, x, y, steps=len(h))
    assert (found.smallest, found.largest) == pytest.approx((values[0], values[-1]), rel=1e-8)
    assert (found.loss, found.gradient_norm) == pytest.approx((loss, np.linalg.norm(g)), rel=1e-10)
    assert found.weight_norm == pytest.approx(np.linalg.norm(flat(weights_of(model))), rel=1e-12)
    assert found.elasticity == pytest.approx(found.gradient_norm * found.weight_norm / loss)
    kernels = flat([np.full(v.shape, float(v.ndim > 1)) for v in model.trainable_variables]) == 1
    of_kernels = np.linalg.norm(g[kernels]) * np.linalg.norm(flat(weights_of(model))[kernels]) / loss
    assert found.kernel_elasticity == pytest.approx(of_kernels, rel=1e-10)


def linear(outputs):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(outputs)])
    model.compile(loss="mse")
    y = Y[:, :outputs]
    design = np.hstack([SIX, np.ones((12, 1))])
    return model, y, np.mean((design @ np.linalg.lstsq(design, y, rcond=None)[0] - y) ** 2)


@pytest.mark.slow
def test_what_newton_s_step_would_gain_from_noise_is_resolved_into_nothing():
    """At the true weights only noise has a slope; directions that follow all of it find a gain of 0.13 on average."""
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(loss="mse")
    found = []
    for rng in map(np.random.default_rng, range(16)):
        x, noise = rng.normal(size=(64, 30)).astype("float32"), rng.normal(size=(64, 1)).astype("float32")
        found.append(monitors.spectrum(model, x, noise, steps=10))
    assert abs(np.mean([f.resolved for f in found])) < 0.08
    assert np.mean([f.decrement for f in found]) > 0.15


@pytest.mark.slow
def test_on_a_quadratic_newton_s_step_gains_all_that_can_be_gained(float64):
    """g'|H|^-1 g / 2 is J(theta) - min J, which least squares find by themselves."""
    model, y, least = linear(1)
    found = monitors.spectrum(model, SIX, y, steps=7)
    h, (loss, g) = curvature.hessian(model, SIX, y), eager(model, SIX, y)
    assert found.decrement == pytest.approx(g @ np.linalg.solve(h, g) / 2, rel=1e-8)
    assert found.decrement == pytest.approx(loss - least, rel=1e-8)
    halves = [eager(model, SIX[part], y[part])[1] for part in (slice(6), slice(6, 12))]
    assert found.resolved == pytest.approx(halves[0] @ np.linalg.solve(h, halves[1]) / 2, rel=1e-8)
    assert found.gain == pytest.approx(found.resolved / loss)
    assert found.smallest > 0
    assert found.negativity == 0


def test_of_equal_eigenvalues_it_sees_one_direction_and_promises_less(float64):
    """Two outputs have each eigenvalue twice; a start of Lanczos shows one direction of each plane."""
    model, y, least = linear(2)
    found = monitors.spectrum(model, SIX, y, steps=14)
    assert 0 < found.decrement < eager(model, SIX, y)[0] - least


def saddle():
    """Return a model of the loss (w1^2 - 4 w2^2) / 2 + w1 at w = (3, 5)."""

    class Weights(keras.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(2,), initializer=lambda shape, dtype: keras.ops.array([3.0, 5.0], dtype))

        def call(self, x):
            return self.w + 0 * x

    model = keras.Sequential([keras.Input((2,)), Weights()])
    model.compile(loss=lambda y, w: (w[:, 0] ** 2 - 4 * w[:, 1] ** 2) / 2 + w[:, 0])
    return model, np.zeros((3, 2)), np.zeros((3, 2))


def test_a_direction_of_negative_curvature_counts_by_its_size(float64):
    found = monitors.spectrum(*saddle(), steps=2)  # g = (4, -20), H = diag(1, -4)
    assert (found.smallest, found.largest) == pytest.approx((-4, 1))
    assert found.negativity == pytest.approx(4)
    assert found.decrement == pytest.approx(4**2 / 2 + 20**2 / 8)


def test_negativity_at_the_edges():
    def ends(smallest, largest):
        return SpectrumEnds(smallest, largest, 0.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5).negativity

    assert [ends(-1.0, 4.0), ends(1.0, 4.0), ends(-2.0, -1.0), ends(0.0, 0.0)] == [0.25, 0.0, 1.0, 0.0]


def test_where_the_gradient_is_zero_it_still_finds_the_curvature(float64):
    model, x, y = saddle()
    model.layers[0].w.assign([-1.0, 0.0])
    found = monitors.spectrum(model, x, y, steps=2)
    assert (found.smallest, found.largest) == pytest.approx((-4, 1))
    assert (found.gradient_norm, found.decrement) == pytest.approx((0, 0), abs=1e-15)


@pytest.mark.slow
def test_where_the_weights_are_nan_there_is_no_curvature():
    model, x, y = sequential(SIX.astype("float32"), keras.layers.Dense(4, "tanh"), dtype="float32")
    model.set_weights([np.full(w.shape, np.nan, "float32") for w in model.get_weights()])
    found = monitors.spectrum(model, x, y)
    assert np.isnan([found.smallest, found.largest, found.gain, found.elasticity]).all()
    assert found.negativity == 0


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match=r"`steps` is the steps of Lanczos.*Received: steps=0\. Try 20\."):
        monitors.spectrum(*MODELS["dense"](), steps=0)
